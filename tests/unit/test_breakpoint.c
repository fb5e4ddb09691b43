/*
 * test_breakpoint.c - breakpoints on ports and data that emulated instructions touch
 *
 * Owns: a table of DR7's fields against accesses; what two traps of one instruction become.
 * Source: [SDM] "Debug Registers" (18.2), table 18-1.
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/breakpoint.h"
#include "vm/irq.h"

void test_breakpoint_register(void);

static struct vm *vm;

static int begin(void)
{
	vm = fake_vm_make(MiB(8), 1);
	return vm == NULL;
}

static int end(void)
{
	fake_vm_free(vm);
	return 0;
}

/* DR7's bits of breakpoint n. */
#define L(n) BIT(2 * (n))
#define G(n) BIT(2 * (n) + 1)
#define RW(n, value) ((u64)(value) << (16 + 4 * (n)))
#define LEN(n, value) ((u64)(value) << (18 + 4 * (n)))
#define EXECUTE 0
#define WRITE 1
#define PORT 2
#define ACCESS 3
#define LEN2 1
#define LEN8 2
#define LEN4 3

static const struct {
	const char *name;
	u64 dr7;
	unsigned n; /* the breakpoint that is at `dr` */
	u64 dr, at;
	unsigned size;
	char kind; /* r, w: data; p: port; P: port without CR4.DE */
	u64 hits;  /* of DR6; 0: no trap */
} looks[] = {
	{ "off", RW(0, WRITE), 0, 0x1000, 0x1000, 1, 'w', 0 },
	{ "locally on", L(0) | RW(0, WRITE), 0, 0x1000, 0x1000, 1, 'w', BIT(0) },
	{ "globally on", G(0) | RW(0, WRITE), 0, 0x1000, 0x1000, 1, 'w', BIT(0) },
	{ "another one is on", G(1) | RW(0, WRITE), 0, 0x1000, 0x1000, 1, 'w', 0 },
	{ "the last one", G(3) | RW(3, WRITE), 3, 0x1000, 0x1000, 1, 'w', BIT(3) },
	{ "a write is no read", G(0) | RW(0, WRITE), 0, 0x1000, 0x1000, 1, 'r', 0 },
	{ "reads too", G(2) | RW(2, ACCESS), 2, 0x1000, 0x1000, 1, 'r', BIT(2) },
	{ "writes too", G(2) | RW(2, ACCESS), 2, 0x1000, 0x1000, 1, 'w', BIT(2) },
	{ "on code: the CPU's own", G(0) | RW(0, EXECUTE), 0, 0x1000, 0x1000, 1, 'r', 0 },
	{ "one byte, below", G(0) | RW(0, ACCESS), 0, 0x1000, 0xfff, 1, 'r', 0 },
	{ "one byte, above", G(0) | RW(0, ACCESS), 0, 0x1000, 0x1001, 1, 'r', 0 },
	{ "a wide access covers it", G(0) | RW(0, ACCESS), 0, 0x1003, 0x1000, 4, 'r', BIT(0) },
	{ "and just not", G(0) | RW(0, ACCESS), 0, 0x1004, 0x1000, 4, 'r', 0 },
	{ "two bytes", G(0) | RW(0, ACCESS) | LEN(0, LEN2), 0, 0x1000, 0x1001, 1, 'r', BIT(0) },
	{ "two bytes end", G(0) | RW(0, ACCESS) | LEN(0, LEN2), 0, 0x1000, 0x1002, 1, 'r', 0 },
	{ "four bytes", G(0) | RW(0, ACCESS) | LEN(0, LEN4), 0, 0x1000, 0x1003, 1, 'r', BIT(0) },
	{ "four bytes, aligned down", G(0) | RW(0, ACCESS) | LEN(0, LEN4), 0, 0x1002, 0x1000, 1,
	  'r', BIT(0) },
	{ "eight bytes", G(0) | RW(0, ACCESS) | LEN(0, LEN8), 0, 0x1000, 0x1007, 1, 'r', BIT(0) },
	{ "eight bytes end", G(0) | RW(0, ACCESS) | LEN(0, LEN8), 0, 0x1000, 0x1008, 1, 'r', 0 },
	{ "a port", G(0) | RW(0, PORT), 0, 0x80, 0x80, 1, 'p', BIT(0) },
	{ "another port", G(0) | RW(0, PORT), 0, 0x80, 0x81, 1, 'p', 0 },
	{ "a wide port", G(0) | RW(0, PORT), 0, 0x83, 0x80, 4, 'p', BIT(0) },
	{ "no ports without DE", G(0) | RW(0, PORT), 0, 0x80, 0x80, 1, 'P', 0 },
	{ "a port is no data", G(0) | RW(0, PORT), 0, 0x80, 0x80, 1, 'r', 0 },
	{ "data is no port", G(0) | RW(0, ACCESS), 0, 0x80, 0x80, 1, 'p', 0 },
};

static void test_looks(void)
{
	struct vcpu *v = vm->vcpu[0];

	for (unsigned i = 0; i < ARRAY_SIZE(looks); i++) {
		u64 hits;

		v->raised = (struct event){ 0 };
		v->state.dr[0] = v->state.dr[1] = v->state.dr[2] = v->state.dr[3] = 0xfffff000;
		v->state.dr[looks[i].n] = looks[i].dr;
		v->state.dr[7] = DR7_FIXED | looks[i].dr7;
		v->state.cr4 = looks[i].kind == 'p' ? CR4_DE : 0;
		fake_vcpu_settle(v);
		if ((looks[i].kind | 0x20) == 'p')
			breakpoint_port(v, (u16)looks[i].at, looks[i].size);
		else
			breakpoint_data(v, looks[i].at, looks[i].size, looks[i].kind == 'w');
		hits = v->raised.type == EVENT_EXCEPTION && v->raised.vector == VECTOR_DB
			   ? v->raised.dr6
			   : 0;
		if (hits != looks[i].hits)
			printf("\n  %s: %#llx, not %#llx\n", looks[i].name,
			       (unsigned long long)hits, (unsigned long long)looks[i].hits);
		CU_ASSERT(hits == looks[i].hits);
	}
}

/* All that one instruction ran into is one trap; a fault after it drops it: the instruction comes
 * again. */
static void test_merge(void)
{
	const struct event hit = { .type = EVENT_EXCEPTION, .vector = VECTOR_DB, .dr6 = BIT(1) };
	const struct event step = { .type = EVENT_EXCEPTION, .vector = VECTOR_DB, .dr6 = DR6_BS };
	const struct event fault = { .type = EVENT_EXCEPTION,
				     .vector = VECTOR_GP,
				     .has_error = true };
	struct vcpu *v = vm->vcpu[0];

	v->raised = (struct event){ 0 };
	irq_raise(v, &hit);
	irq_raise(v, &step);
	CU_ASSERT(v->raised.vector == VECTOR_DB);
	CU_ASSERT(v->raised.dr6 == (DR6_BS | BIT(1)));
	v->raised = (struct event){ 0 };
	irq_raise(v, &hit);
	irq_raise(v, &fault);
	CU_ASSERT(v->raised.vector == VECTOR_GP);
	CU_ASSERT(v->raised.dr6 == 0);
	v->raised = (struct event){ 0 };
}

void test_breakpoint_register(void)
{
	CU_pSuite suite = CU_add_suite("breakpoint", begin, end);

	CU_add_test(suite, "a table of accesses", test_looks);
	CU_add_test(suite, "traps of one instruction", test_merge);
}
