/*
 * test_task.c - hardware task switches, check by check
 *
 * Owns: two tasks in guest memory, switches between them in all ways, and each rule of table 8-1
 * broken once: which fault, with which error code, and whose it is.
 *
 * Sources: [SDM] vol. 3 "Task Switching" (8.3), "Task Linking" (8.4).
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/handle.h"
#include "vm/task.h"

void test_task_register(void);

#define CODE 0x8000ull
#define GDT 0x9000u
#define OLD_TSS 0xa000u
#define NEW_TSS 0xa100u
#define LDT 0xb000u
#define STACK 0xc000u
#define NEW_EIP 0x8800u

enum { S_CODE = 0x08, S_DATA = 0x10, S_OLD = 0x18, S_NEW = 0x20, S_LDT = 0x28, S_BAD = 0x30,
       S_CODE3 = 0x38, S_DATA3 = 0x40, GDT_LIMIT = 0x7f };

#define A_CODE 0xc9a
#define A_DATA 0xc92
#define A_TSS32 0x089
#define A_TSS16 0x081
#define A_LDT 0x082
#define BUSY 2

/* Offsets in a TSS of 32 bits. */
enum { LINK = 0, CR3 = 0x1c, EIP = 0x20, EFLAGS = 0x24, EAX = 0x28, ESP = 0x38, ES = 0x48,
       CS = 0x4c, SS = 0x50, DS = 0x54, FS = 0x58, GS = 0x5c, LDTR = 0x60, TRAP = 0x64 };

static struct vm *vm;
static struct vcpu *v;

static int begin(void)
{
	vm = fake_vm_make(MiB(8), 1);
	v = vm->vcpu[0];
	return 0;
}

static int end(void)
{
	fake_vm_free(vm);
	return 0;
}

static u64 get(u32 at, unsigned size)
{
	u64 value = 0;

	check(memory_read(vm, gpa(at), &value, size) == 0);
	return value;
}

static void put(u32 at, unsigned size, u64 value)
{
	check(memory_write(vm, gpa(at), &value, size) == 0);
}

static void put_new(unsigned field, u32 value)
{
	put(NEW_TSS + field, 4, value);
}

static void describe(u16 selector, u32 base, u32 limit, u16 attr)
{
	put(GDT + selector, 8,
	    (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(attr & 0xff) << 40 |
		    (u64)(limit >> 16 & 15) << 48 | (u64)(attr >> 8 & 15) << 52 |
		    (u64)(base >> 24) << 56);
}

static unsigned type_in_memory(u16 selector)
{
	return get(GDT + selector + 5, 1) & 15;
}

/* The old task runs in flat 32-bit code at CODE; the new one is ready, and like it. */
static void start(enum task_source source)
{
	static const unsigned segments[] = { ES, SS, DS, FS, GS };
	struct cpu_state *s = &v->state;

	fake_mode_flat32(v);
	for (u32 i = 0; i < GDT_LIMIT; i += 8)
		put(GDT + i, 8, 0);
	describe(S_CODE, 0, 0xfffff, A_CODE);
	describe(S_DATA, 0, 0xfffff, A_DATA);
	describe(S_CODE3, 0, 0xfffff, A_CODE | 0x60);
	describe(S_DATA3, 0, 0xfffff, A_DATA | 0x60);
	describe(S_OLD, OLD_TSS, 103, A_TSS32 | BUSY);
	describe(S_NEW, NEW_TSS, 103, source == TASK_IRET ? A_TSS32 | BUSY : A_TSS32);
	describe(S_LDT, LDT, 15, A_LDT);
	for (u32 i = 0; i < 0x200; i += 8)
		put(OLD_TSS + i, 8, 0);
	put_new(EIP, NEW_EIP);
	put_new(EFLAGS, RFLAGS_ONE | RFLAGS_IF);
	for (unsigned i = 0; i < 8; i++)
		put_new(EAX + 4 * i, 0xe0 + i);
	put_new(ESP, STACK);
	put_new(CS, S_CODE);
	for (unsigned i = 0; i < ARRAY_SIZE(segments); i++)
		put_new(segments[i], S_DATA);
	s->gdtr = (struct table_register){ GDT, GDT_LIMIT };
	s->tr = (struct segment){ S_OLD, A_TSS32 | BUSY, 103, OLD_TSS };
	s->dr[7] = 0x755;
	s->shadow = SHADOW_STI;
	fake_vcpu_settle(v);
	v->regs.rip = CODE;
	v->regs.rflags = RFLAGS_ONE | RFLAGS_NT | RFLAGS_CF;
	for (unsigned i = 0; i < REG_COUNT; i++)
		v->regs.r[i] = 0x100 + i;
	v->exit = (struct vm_exit){ .reason = EXIT_TASK, .insn_len = 7 };
	v->exit.task.source = (u8)source;
	v->exit.task.selector = S_NEW;
}

static void through(u8 type, u8 vector, u8 len)
{
	v->state.interrupted =
		(struct event){ .type = type, .vector = vector, .insn_len = len };
}

static void expect_new(void)
{
	const struct cpu_state *truth = &fake_vcpu(v)->truth;

	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_RETRY);
	CU_ASSERT_EQUAL(v->state.interrupted.type, EVENT_NONE);
	CU_ASSERT_EQUAL(v->regs.rip, NEW_EIP);
	CU_ASSERT_EQUAL(v->regs.r[REG_RCX], 0xe1);
	CU_ASSERT_EQUAL(truth->tr.selector, S_NEW);
	CU_ASSERT_EQUAL(truth->tr.attr & 15, 0xb);
	CU_ASSERT_EQUAL(truth->tr.base, NEW_TSS);
	CU_ASSERT_EQUAL(truth->cr0 & CR0_TS, CR0_TS);
	CU_ASSERT_EQUAL(truth->dr[7], 0x600);
	CU_ASSERT_EQUAL(truth->shadow, 0);
	CU_ASSERT_EQUAL(truth->seg[SEG_CS].selector, S_CODE);
	CU_ASSERT_EQUAL(truth->seg[SEG_CS].attr, A_CODE | 1); /* accessed */
	CU_ASSERT_EQUAL(truth->seg[SEG_GS].attr, A_DATA | 1);
	CU_ASSERT_EQUAL(get(GDT + S_CODE + 5, 1), (A_CODE & 0xff) | 1);
	CU_ASSERT_EQUAL(get(OLD_TSS + EAX + 4, 4), 0x101);
}

/* ---- The ways to switch -------------------------------------------------------------- */

/* [SDM] table 8-2: busy bits, back link, NT. */
static void test_ways(void)
{
	static const struct {
		u8 source, event, len, old_type;
		bool linked;
		u32 saved_flags, eip;
	} ways[] = {
		{ TASK_CALL, 0, 0, 0xb, true, RFLAGS_NT, CODE + 7 },
		{ TASK_JMP, 0, 0, 0x9, false, RFLAGS_NT, CODE + 7 },
		{ TASK_IRET, 0, 0, 0x9, false, 0, CODE + 7 },
		{ TASK_IDT, EVENT_SOFT_INT, 2, 0xb, true, RFLAGS_NT, CODE + 2 },
		{ TASK_IDT, EVENT_INTR, 0, 0xb, true, RFLAGS_NT, CODE },
		{ TASK_IDT, EVENT_EXCEPTION, 0, 0xb, true, RFLAGS_NT, CODE },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		start(ways[i].source);
		through(ways[i].event, 0x30, ways[i].len);
		handle_exit(v);
		expect_new();
		CU_ASSERT_EQUAL(type_in_memory(S_OLD), ways[i].old_type);
		CU_ASSERT_EQUAL(type_in_memory(S_NEW), 0xb);
		CU_ASSERT_EQUAL(get(NEW_TSS + LINK, 2), ways[i].linked ? S_OLD : 0);
		CU_ASSERT_EQUAL(v->regs.rflags,
				RFLAGS_ONE | RFLAGS_IF | (ways[i].linked ? RFLAGS_NT : 0));
		CU_ASSERT_EQUAL(get(OLD_TSS + EFLAGS, 4),
				RFLAGS_ONE | RFLAGS_CF | ways[i].saved_flags);
		CU_ASSERT_EQUAL(get(OLD_TSS + EIP, 4), ways[i].eip);
		CU_ASSERT_EQUAL(v->raised.type, EVENT_NONE);
	}
}

/* The length is for us to find: a far call at CODE. */
static void test_length(void)
{
	start(TASK_CALL);
	put(CODE, 8, 0x0020000000009aull | 0); /* CALL 0020:00000000 */
	v->exit.insn_len = 0;
	handle_exit(v);
	CU_ASSERT_EQUAL(get(OLD_TSS + EIP, 4), CODE + 7);
}

static void test_nmi(void)
{
	start(TASK_IDT);
	through(EVENT_NMI, VECTOR_NMI, 0);
	handle_exit(v);
	CU_ASSERT_TRUE(fake_vcpu(v)->truth.nmi_blocked);
	start(TASK_IRET);
	v->state.nmi_blocked = true;
	fake_vcpu_settle(v);
	v->exit = (struct vm_exit){ .reason = EXIT_TASK, .insn_len = 1 };
	v->exit.task.source = TASK_IRET;
	v->exit.task.selector = S_NEW;
	handle_exit(v);
	CU_ASSERT_FALSE(fake_vcpu(v)->truth.nmi_blocked);
}

static void test_error_code(void)
{
	start(TASK_IDT);
	through(EVENT_EXCEPTION, VECTOR_GP, 0);
	v->exit.task.has_error = true;
	v->exit.task.error = 0xabcd;
	handle_exit(v);
	expect_new();
	CU_ASSERT_EQUAL(v->regs.r[REG_RSP], STACK - 4);
	CU_ASSERT_EQUAL(get(STACK - 4, 4), 0xabcd);
	/* No room: the new task's, and double, for the exception is still on its way. */
	start(TASK_IDT);
	describe(S_BAD, 0, 0x1, 0x492);
	put_new(SS, S_BAD);
	through(EVENT_EXCEPTION, VECTOR_GP, 0);
	v->exit.task.has_error = true;
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_DF);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.tr.selector, S_NEW);
}

static void test_trap_bit(void)
{
	start(TASK_CALL);
	put(NEW_TSS + TRAP, 2, 1);
	handle_exit(v);
	expect_new();
	CU_ASSERT_EQUAL(v->raised.type, EVENT_EXCEPTION);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_DB);
	CU_ASSERT_EQUAL(v->raised.dr6, BIT(15));
}

static void test_v86(void)
{
	const struct cpu_state *truth = &fake_vcpu(v)->truth;

	start(TASK_CALL);
	put_new(EFLAGS, RFLAGS_ONE | RFLAGS_VM);
	put_new(CS, 0x1234); /* no descriptor is looked at */
	handle_exit(v);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_RETRY);
	CU_ASSERT_EQUAL(truth->cpl, 3);
	CU_ASSERT_EQUAL(truth->seg[SEG_CS].base, 0x12340);
	CU_ASSERT_EQUAL(truth->seg[SEG_CS].limit, 0xffff);
	CU_ASSERT_EQUAL(truth->seg[SEG_SS].attr, 0xf3);
}

static void test_ring3(void)
{
	start(TASK_JMP);
	put_new(CS, S_CODE3 | 3);
	put_new(SS, S_DATA3 | 3);
	put_new(DS, S_DATA3 | 3);
	put_new(ES, S_DATA3 | 3);
	put_new(FS, 0);
	put_new(GS, 3); /* null as well */
	handle_exit(v);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_RETRY);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cpl, 3);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.seg[SEG_GS].attr, 0);
}

/* Two kinds of TSS: 16-bit fields, no FS, GS, CR3. */
static void test_16_bits(void)
{
	start(TASK_CALL);
	describe(S_NEW, NEW_TSS, 43, A_TSS16);
	put(NEW_TSS + 0x0e, 2, 0x7777);
	put(NEW_TSS + 0x10, 2, RFLAGS_ONE);
	for (unsigned i = 0; i < 8; i++)
		put(NEW_TSS + 0x12 + 2 * i, 2, 0xe0 + i);
	for (unsigned i = 0; i < 4; i++)
		put(NEW_TSS + 0x22 + 2 * i, 2, i == 1 ? S_CODE : S_DATA);
	put(NEW_TSS + 0x2a, 2, 0);
	handle_exit(v);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_RETRY);
	CU_ASSERT_EQUAL(v->regs.rip, 0x7777);
	CU_ASSERT_EQUAL(v->regs.rflags, RFLAGS_ONE | RFLAGS_NT);
	CU_ASSERT_EQUAL(v->regs.r[REG_RCX] & 0xffff, 0xe1);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.seg[SEG_FS].attr, 0);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.tr.attr & 15, 3);
	/* And from there back: the state goes where the 16-bit TSS wants it. */
	v->exit = (struct vm_exit){ .reason = EXIT_TASK, .insn_len = 1 };
	v->exit.task.source = TASK_IRET;
	v->exit.task.selector = S_OLD;
	v->regs.r[REG_RBX] = 0xbbbbb;
	handle_exit(v);
	CU_ASSERT_EQUAL(get(NEW_TSS + 0x0e, 2), 0x7778);
	CU_ASSERT_EQUAL(get(NEW_TSS + 0x18, 2), 0xbbbb);
	CU_ASSERT_EQUAL(get(NEW_TSS + 0x10, 2) & RFLAGS_NT, 0);
	CU_ASSERT_EQUAL(type_in_memory(S_NEW), 1);
}

/* ---- Faults --------------------------------------------------------------------------- */

struct bad {
	const char *rule;
	u8 source;
	u16 attr; /* of S_BAD, a segment of all memory; 0: none */
	u8 field; /* of the new TSS gets value */
	u16 value;
	u8 vector;
	u32 error;
};

static const struct bad bads[] = {
	{ "LDT is data", TASK_CALL, 0, LDTR, S_DATA, VECTOR_TS, S_DATA },
	{ "LDT from an LDT", TASK_CALL, 0, LDTR, 4, VECTOR_TS, 4 },
	{ "LDT beyond the GDT", TASK_CALL, 0, LDTR, 0x80, VECTOR_TS, 0x80 },
	{ "LDT not present", TASK_CALL, A_LDT & ~0x80, LDTR, S_BAD, VECTOR_TS, S_BAD },
	{ "SS null", TASK_CALL, 0, SS, 0, VECTOR_TS, 0 },
	{ "SS beyond the GDT", TASK_CALL, 0, SS, 0x80, VECTOR_TS, 0x80 },
	{ "SS code", TASK_CALL, 0, SS, S_CODE, VECTOR_TS, S_CODE },
	{ "SS a system segment", TASK_CALL, 0, SS, S_LDT, VECTOR_TS, S_LDT },
	{ "SS read-only", TASK_CALL, A_DATA & ~2, SS, S_BAD, VECTOR_TS, S_BAD },
	{ "SS with another RPL", TASK_CALL, 0, SS, S_DATA | 3, VECTOR_TS, S_DATA },
	{ "SS with another DPL", TASK_CALL, A_DATA | 0x20, SS, S_BAD, VECTOR_TS, S_BAD },
	{ "SS not present", TASK_CALL, A_DATA & ~0x80, SS, S_BAD, VECTOR_SS, S_BAD },
	{ "CS null", TASK_CALL, 0, CS, 0, VECTOR_TS, 0 },
	{ "CS beyond the GDT", TASK_CALL, 0, CS, 0x80, VECTOR_TS, 0x80 },
	{ "CS data", TASK_CALL, 0, CS, S_DATA, VECTOR_TS, S_DATA },
	{ "CS with another DPL", TASK_CALL, 0, CS, S_CODE3, VECTOR_TS, S_CODE3 },
	{ "CS conforming, DPL above", TASK_CALL, A_CODE | 0x64, CS, S_BAD, VECTOR_TS, S_BAD },
	{ "CS not present", TASK_CALL, A_CODE & ~0x80, CS, S_BAD, VECTOR_NP, S_BAD },
	{ "DS a system segment", TASK_CALL, 0, DS, S_LDT, VECTOR_TS, S_LDT },
	{ "DS beyond the GDT", TASK_JMP, 0, DS, 0x80, VECTOR_TS, 0x80 },
	{ "DS code that cannot be read", TASK_IRET, A_CODE & ~2, DS, S_BAD, VECTOR_TS, S_BAD },
	{ "DS with an RPL above its DPL", TASK_CALL, 0, DS, S_DATA | 3, VECTOR_TS, S_DATA },
	{ "DS not present", TASK_CALL, A_DATA & ~0x80, DS, S_BAD, VECTOR_NP, S_BAD },
	{ "ES not present", TASK_CALL, A_DATA & ~0x80, ES, S_BAD, VECTOR_NP, S_BAD },
	{ "FS in an LDT that is not there", TASK_CALL, 0, FS, 0xc, VECTOR_TS, 0xc },
	{ "GS not present", TASK_CALL, A_DATA & ~0x80, GS, S_BAD, VECTOR_NP, S_BAD },
	{ "an interrupt: EXT", TASK_IDT, 0, SS, 0, VECTOR_TS, 1 },
};

/* They are the new task's: it has TR, its registers and its selectors. */
static void test_new_tasks_faults(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bads); i++) {
		const struct bad *b = &bads[i];
		const struct cpu_state *truth = &fake_vcpu(v)->truth;

		start(b->source);
		if (b->attr)
			describe(S_BAD, 0, 0xfffff, b->attr);
		put(NEW_TSS + b->field, 2, b->value);
		through(b->source == TASK_IDT ? EVENT_INTR : EVENT_NONE, 0x20, 0);
		handle_exit(v);
		if (v->raised.vector != b->vector || v->raised.error != b->error)
			printf("\n%s: vector %u, error %#x\n", b->rule, v->raised.vector,
			       v->raised.error);
		CU_ASSERT_EQUAL(v->raised.type, EVENT_EXCEPTION);
		CU_ASSERT_EQUAL(v->raised.vector, b->vector);
		CU_ASSERT_EQUAL(v->raised.error, b->error);
		CU_ASSERT_EQUAL(truth->tr.selector, S_NEW);
		CU_ASSERT_EQUAL(v->regs.rip, NEW_EIP);
		CU_ASSERT_EQUAL(v->regs.r[REG_RCX], 0xe1);
		CU_ASSERT_EQUAL(truth->seg[SEG_GS].selector, b->field == GS ? b->value : S_DATA);
		CU_ASSERT_EQUAL(truth->seg[SEG_CS].attr & SEG_ATTR_P, SEG_ATTR_P);
		CU_ASSERT_EQUAL(type_in_memory(S_NEW), 0xb);
	}
	start(TASK_CALL);
	describe(S_BAD, 0, NEW_EIP - 1, 0x49a);
	put_new(CS, S_BAD);
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_GP);
	CU_ASSERT_EQUAL(v->raised.error, 0);
	CU_ASSERT_EQUAL(v->regs.rip, NEW_EIP);
}

struct bad_tss {
	const char *rule;
	u8 source;
	u16 selector, attr;
	u32 limit;
	u8 vector;
	u32 error;
};

static const struct bad_tss bad_tsss[] = {
	{ "null", TASK_CALL, 0, A_TSS32, 103, VECTOR_GP, 0 },
	{ "in an LDT", TASK_CALL, S_NEW | 4, A_TSS32, 103, VECTOR_GP, S_NEW | 4 },
	{ "in an LDT, IRET", TASK_IRET, S_NEW | 4, A_TSS32, 103, VECTOR_TS, S_NEW | 4 },
	{ "beyond the GDT", TASK_CALL, 0x80, A_TSS32, 103, VECTOR_GP, 0x80 },
	{ "no TSS", TASK_JMP, S_DATA, A_TSS32, 103, VECTOR_GP, S_DATA },
	{ "an LDT's", TASK_JMP, S_LDT, A_TSS32, 103, VECTOR_GP, S_LDT },
	{ "busy", TASK_CALL, S_NEW, A_TSS32 | BUSY, 103, VECTOR_GP, S_NEW },
	{ "busy, 16 bits", TASK_JMP, S_NEW, A_TSS16 | BUSY, 103, VECTOR_GP, S_NEW },
	{ "not busy, IRET", TASK_IRET, S_NEW, A_TSS32, 103, VECTOR_TS, S_NEW },
	{ "not present", TASK_CALL, S_NEW, A_TSS32 & ~0x80, 103, VECTOR_NP, S_NEW },
	{ "not present, IRET", TASK_IRET, S_NEW, (A_TSS32 & ~0x80) | BUSY, 103, VECTOR_NP, S_NEW },
	{ "too short", TASK_CALL, S_NEW, A_TSS32, 102, VECTOR_TS, S_NEW },
	{ "too short, 16 bits", TASK_CALL, S_NEW, A_TSS16, 42, VECTOR_TS, S_NEW },
	{ "too short, interrupt", TASK_IDT, S_NEW, A_TSS32, 102, VECTOR_TS, S_NEW | 1 },
};

static void expect_old(void)
{
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.tr.selector, S_OLD);
	CU_ASSERT_EQUAL(v->regs.rip, CODE);
	CU_ASSERT_EQUAL(v->regs.r[REG_RCX], 0x101);
	CU_ASSERT_EQUAL(get(OLD_TSS + EIP, 4), 0);
	CU_ASSERT_EQUAL(type_in_memory(S_OLD), 0xb);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr0 & CR0_TS, 0);
}

/* Until the new stack is loaded, a handler in the new task has the old one at the new ESP. */
static void test_kept_stack(void)
{
	const struct cpu_state *truth = &fake_vcpu(v)->truth;

	start(TASK_CALL);
	put_new(LDTR, S_DATA);
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_TS);
	CU_ASSERT_EQUAL(truth->tr.selector, S_NEW);
	CU_ASSERT_EQUAL(v->regs.r[REG_RSP], STACK);
	CU_ASSERT_TRUE(truth->seg[SEG_SS].attr & SEG_ATTR_P);
	CU_ASSERT_FALSE(truth->seg[SEG_DS].attr & SEG_ATTR_P);
	/* One of another privilege level is of no use. */
	start(TASK_CALL);
	put_new(SS, S_DATA3 | 3);
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_TS);
	CU_ASSERT_FALSE(truth->seg[SEG_SS].attr & SEG_ATTR_P);
}

static void test_old_tasks_faults(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bad_tsss); i++) {
		const struct bad_tss *b = &bad_tsss[i];

		start(b->source);
		describe(S_NEW, NEW_TSS, b->limit, b->attr);
		v->exit.task.selector = b->selector;
		through(b->source == TASK_IDT ? EVENT_INTR : EVENT_NONE, 0x20, 0);
		handle_exit(v);
		if (v->raised.vector != b->vector || v->raised.error != b->error)
			printf("\n%s: vector %u, error %#x\n", b->rule, v->raised.vector,
			       v->raised.error);
		CU_ASSERT_EQUAL(v->raised.vector, b->vector);
		CU_ASSERT_EQUAL(v->raised.error, b->error);
		expect_old();
		/* An interrupt is gone: the controller was told that the CPU took it. */
		CU_ASSERT_EQUAL(v->state.interrupted.type, EVENT_NONE);
	}
	start(TASK_CALL); /* the old TSS has no room */
	v->state.tr.limit = 0x5e;
	fake_vcpu(v)->truth.tr.limit = 0x5e;
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_TS);
	CU_ASSERT_EQUAL(v->raised.error, S_OLD);
	expect_old();
}

/* An exception on its way: a contributory fault makes it double. */
static void test_merge(void)
{
	start(TASK_IDT);
	describe(S_NEW, NEW_TSS, 102, A_TSS32);
	through(EVENT_EXCEPTION, VECTOR_GP, 0);
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_DF);
	expect_old();
}

/* ---- Paging --------------------------------------------------------------------------- */

#define DIRECTORY 0x10000u
#define OTHER_DIRECTORY 0x11000u
#define TABLE 0x12000u

static void start_paged(void)
{
	start(TASK_CALL);
	for (u32 i = 0; i < 1024; i++)
		put(TABLE + 4 * i, 4, i << 12 | PTE_P | PTE_W);
	put(DIRECTORY, 4, TABLE | PTE_P | PTE_W);
	put(OTHER_DIRECTORY, 4, TABLE | PTE_P | PTE_W);
	put_new(CR3, OTHER_DIRECTORY);
	v->state.cr3 = DIRECTORY;
	v->state.cr0 |= CR0_PG | CR0_WP;
	vcpu_state_changed(v, STATE_EXEC);
}

static void test_paging(void)
{
	start_paged();
	handle_exit(v);
	expect_new();
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr3, OTHER_DIRECTORY);
	CU_ASSERT(fake_vcpu(v)->flushes > 0);
	/* The GDT cannot be written: no busy bit, no switch. */
	start_paged();
	put(TABLE + 4 * (GDT >> 12), 4, GDT | PTE_P);
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_PF);
	CU_ASSERT_EQUAL(v->raised.error, PF_PRESENT | PF_WRITE);
	CU_ASSERT_EQUAL(v->raised.cr2, GDT + S_NEW + 5);
	expect_old();
	/* Nor can the TSSs be reached. */
	start_paged();
	put(TABLE + 4 * (NEW_TSS >> 12), 4, 0);
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_PF);
	CU_ASSERT_EQUAL(v->raised.cr2, OLD_TSS + EIP);
	expect_old();
}

static void start_pae(void)
{
	start(TASK_CALL);
	put(DIRECTORY, 8, 0x13000 | PTE_P);
	put(0x13000, 8, 0 | PTE_P | PTE_W | PTE_PS); /* 2 MiB */
	put(OTHER_DIRECTORY, 8, 0x13000 | PTE_P | PTE_W); /* reserved in a PDPTE */
	put_new(CR3, OTHER_DIRECTORY);
	v->state.cr3 = DIRECTORY;
	v->state.cr4 = CR4_PAE;
	v->state.cr0 |= CR0_PG;
	v->state.pdpte[0] = 0x13000 | PTE_P;
	vcpu_state_changed(v, STATE_EXEC | STATE_PDPTE);
}

/* PAE: the new directory pointers are loaded and checked. */
static void test_pae(void)
{
	start_pae();
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_GP);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.tr.selector, S_NEW);
	CU_ASSERT_EQUAL(fake_vcpu(v)->truth.cr3, DIRECTORY);
}

/* They are bad, and the new task is in virtual-8086 mode: segments are as no entry refuses them. */
static void test_pae_v86(void)
{
	const struct cpu_state *truth = &fake_vcpu(v)->truth;

	start_pae();
	put_new(EFLAGS, RFLAGS_ONE | RFLAGS_VM);
	handle_exit(v);
	CU_ASSERT_EQUAL(v->raised.vector, VECTOR_GP);
	CU_ASSERT(v->regs.rflags & RFLAGS_VM);
	CU_ASSERT_EQUAL(truth->cpl, 3);
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		CU_ASSERT_EQUAL(truth->seg[i].attr, 0xf3);
		CU_ASSERT_EQUAL(truth->seg[i].limit, 0xffff);
		CU_ASSERT_EQUAL(truth->seg[i].base, (u64)truth->seg[i].selector << 4);
	}
}

void test_task_register(void)
{
	CU_pSuite suite = CU_add_suite("task", begin, end);

	CU_add_test(suite, "the old task's faults", test_old_tasks_faults);
	CU_add_test(suite, "the new task's faults", test_new_tasks_faults);
	CU_add_test(suite, "the stack of a task that faults", test_kept_stack);
	CU_add_test(suite, "a fault beside an exception", test_merge);
	CU_add_test(suite, "CALL, JMP, IRET, events", test_ways);
	CU_add_test(suite, "the instruction's length", test_length);
	CU_add_test(suite, "NMI blocking", test_nmi);
	CU_add_test(suite, "error code", test_error_code);
	CU_add_test(suite, "T bit", test_trap_bit);
	CU_add_test(suite, "virtual-8086 mode", test_v86);
	CU_add_test(suite, "ring 3", test_ring3);
	CU_add_test(suite, "16 bits", test_16_bits);
	CU_add_test(suite, "paging", test_paging);
	CU_add_test(suite, "PAE", test_pae);
	CU_add_test(suite, "bad PDPTEs of a virtual-8086 task", test_pae_v86);
}
