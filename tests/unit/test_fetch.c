/*
 * test_fetch.c - finding the exiting instruction, and the cache that must never be stale
 */
#include "machine.h"

#include "fake_virt.h"
#include "vm/walk.h"

void test_fetch_register(void);

#define CODE 0x8000ull

static struct vm *vm;
static struct vcpu *v;

static int begin(void)
{
	vm = fake_vm_make(MiB(8), 1);
	v = vm ? vm->vcpu[0] : NULL;
	return vm == NULL;
}

static int end(void)
{
	fake_vm_free(vm);
	return 0;
}

static void put(u64 at, const void *bytes, u64 len)
{
	CU_ASSERT_EQUAL(memory_write(vm, gpa(at), bytes, len), 0);
}

/* 64-bit mode at CODE, the cache empty. */
static void start(const void *bytes, u64 len)
{
	fake_mode_long(v);
	fetch_flush(v);
	put(CODE, bytes, len);
	v->regs.rip = CODE;
	v->fetch.hits = v->fetch.misses = 0;
}

static const struct insn *fetch(struct event *fault)
{
	*fault = (struct event){ 0 };
	return fetch_insn(v, fault);
}

/* As an exit of an unchanged guest finds it: op and length, a hit or not. */
static void expect(u8 op, u8 len, bool hit)
{
	u64 hits = v->fetch.hits;
	struct event fault;
	const struct insn *insn = fetch(&fault);

	CU_ASSERT_PTR_NOT_NULL_FATAL(insn);
	CU_ASSERT_EQUAL(insn->op, op);
	CU_ASSERT_EQUAL(insn->len, len);
	CU_ASSERT_EQUAL(v->fetch.hits - hits, hit);
}

static const u8 cpuid[] = { 0x0f, 0xa2 };
static const u8 rdmsr[] = { 0x0f, 0x32 };
static const u8 long_store[] = { 0x48, 0xc7, 0x84, 0x24, 1, 2, 3, 4, 5, 6, 7, 8 };

static void test_hits(void)
{
	start(cpuid, 2);
	expect(INSN_CPUID, 2, false);
	for (unsigned i = 0; i < 5; i++)
		expect(INSN_CPUID, 2, true);
	CU_ASSERT_EQUAL(v->fetch.misses, 1);
	start(long_store, sizeof(long_store));
	expect(INSN_MOV, 12, false);
	expect(INSN_MOV, 12, true);
	fetch_flush(v);
	expect(INSN_MOV, 12, false);
}

/* ---- Never stale ------------------------------------------------------------------- */

/* Changed by us, or by the guest without an exit. */
static void change_cr0(struct cpu_state *s)
{
	s->cr0 ^= CR0_WP;
}

static void change_cr4(struct cpu_state *s)
{
	s->cr4 ^= CR4_PGE;
}

static void change_efer(struct cpu_state *s)
{
	s->efer ^= EFER_NXE;
}

static void change_cpl(struct cpu_state *s)
{
	s->cpl ^= 3;
}

static void change_cr3(struct cpu_state *s)
{
	s->cr3 ^= PTE_PCD;
}

static void change_cs_base(struct cpu_state *s)
{
	s->seg[SEG_CS].base ^= 0x10;
}

static void change_cs_attr(struct cpu_state *s)
{
	s->seg[SEG_CS].attr ^= SEG_ATTR_DB;
}

/* A privilege level is never left without another CS. */
static void change_ring(struct cpu_state *s)
{
	s->cpl = 3;
	s->seg[SEG_CS].selector |= 3;
}

static void test_context(void)
{
	static void (*const ours[])(struct cpu_state *
				    s) = { change_cr0, change_cr4,     change_efer,   change_cpl,
					   change_cr3, change_cs_base, change_cs_attr };
	static void (*const guests[])(struct cpu_state * s) = { change_cr3, change_cs_base,
								change_cs_attr, change_ring };

	for (unsigned i = 0; i < ARRAY_SIZE(ours); i++) {
		start(cpuid, 2);
		expect(INSN_CPUID, 2, false);
		expect(INSN_CPUID, 2, true);
		ours[i](&v->state);
		vcpu_state_changed(v, STATE_EXEC);
		expect(INSN_CPUID, 2, false);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(guests); i++) {
		start(cpuid, 2);
		expect(INSN_CPUID, 2, false);
		expect(INSN_CPUID, 2, true);
		guests[i](&fake_vcpu(v)->truth);
		v->state_fresh = 0;
		expect(INSN_CPUID, 2, false);
	}
}

static void test_rip(void)
{
	static const u8 two[] = { 0x0f, 0xa2, 0x0f, 0x32 };

	start(two, sizeof(two));
	expect(INSN_CPUID, 2, false);
	v->regs.rip += 2;
	expect(INSN_RDMSR, 2, false);
	/* The same slot of the cache, another page. */
	for (u64 page = 1; page < 32; page++) {
		put(CODE + page * PAGE_SIZE, rdmsr, 2);
		v->regs.rip = CODE + page * PAGE_SIZE;
		expect(INSN_RDMSR, 2, false);
	}
	v->regs.rip = CODE;
	expect(INSN_CPUID, 2, false);
}

/* The guest's rubbish in the stale parts of v->state must not decide. */
static void test_context_is_fetched(void)
{
	start(cpuid, 2);
	expect(INSN_CPUID, 2, false);
	v->state_fresh = 0;
	v->state.cr3 = 0x5a5a5a5a;
	expect(INSN_CPUID, 2, true);
}

/* Each bit of each byte of the instruction. */
static void test_each_code_bit(void)
{
	static const u8 after[] = { 0x55, 0xaa, 0x55 };
	u8 changed[sizeof(long_store)];

	for (unsigned bit = 0; bit < 8 * sizeof(long_store); bit++) {
		u64 misses;
		struct event fault;

		start(long_store, sizeof(long_store));
		expect(INSN_MOV, 12, false);
		expect(INSN_MOV, 12, true);
		misses = v->fetch.misses;
		memcpy(changed, long_store, sizeof(changed));
		changed[bit / 8] ^= (u8)BIT(bit % 8);
		put(CODE, changed, sizeof(changed));
		fetch(&fault);
		CU_ASSERT_EQUAL(v->fetch.misses, misses + 1);
	}
	/* Bytes behind it are nothing to it. */
	start(long_store, sizeof(long_store));
	expect(INSN_MOV, 12, false);
	put(CODE + sizeof(long_store), after, sizeof(after));
	expect(INSN_MOV, 12, true);
}

/* Each bit of each page table entry on the way. */
static void test_each_entry_bit(void)
{
	for (unsigned level = 0; level < 4; level++) {
		for (unsigned bit = 0; bit < 64; bit++) {
			struct walk_mode mode;
			struct event fault;
			struct walk w;
			u64 misses, *entry;

			start(cpuid, 2);
			expect(INSN_CPUID, 2, false);
			fetch_walk_mode(v, &mode);
			CU_ASSERT_EQUAL_FATAL(walk(&w, &mode, CODE, ACCESS_FETCH), 0);
			entry = memory_ptr(vm, w.entry[level].at, 8);
			misses = v->fetch.misses;
			*entry ^= BIT(bit);
			fetch(&fault);
			CU_ASSERT_EQUAL(v->fetch.misses, misses + 1);
			*entry ^= BIT(bit);
		}
	}
}

static void test_remapped(void)
{
	struct event fault;

	start(cpuid, 2);
	put(0x20000, rdmsr, 2);
	expect(INSN_CPUID, 2, false);
	fake_map(vm, CODE, 0x20000, PTE_U);
	expect(INSN_RDMSR, 2, false);
	*fake_pte(vm, CODE) = 0;
	CU_ASSERT_PTR_NULL(fetch(&fault));
	CU_ASSERT_EQUAL(fault.vector, VECTOR_PF);
	CU_ASSERT_EQUAL(fault.cr2, CODE);
	fake_map(vm, CODE, 0x20000, PTE_U);
	expect(INSN_RDMSR, 2, false); /* the failure left nothing behind */
}

/* ---- Faults ---------------------------------------------------------------------------- */

struct fault_case {
	const char *name;
	u64 rip, pte;  /* of rip's page */
	u64 cr4, efer; /* to be set besides */
	u8 cpl, vector;
	u32 error;
};

static const struct fault_case fault_cases[] = {
	{ "not present", CODE, 0, 0, 0, 0, VECTOR_PF, 0 },
	{ "not present, for a user", CODE, 0, 0, 0, 3, VECTOR_PF, PF_USER },
	{ "no right of users", CODE, CODE | PTE_P, 0, 0, 3, VECTOR_PF, PF_PRESENT | PF_USER },
	{ "no execution", CODE, CODE | PTE_P | PTE_U | PTE_NX, 0, EFER_NXE, 0, VECTOR_PF,
	  PF_PRESENT | PF_FETCH },
	{ "SMEP", CODE, CODE | PTE_P | PTE_U, CR4_SMEP, 0, 0, VECTOR_PF, PF_PRESENT | PF_FETCH },
	{ "reserved bit", CODE, CODE | PTE_P | BIT(51), 0, 0, 0, VECTOR_PF,
	  PF_PRESENT | PF_RESERVED },
};

static void test_faults(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fault_cases); i++) {
		const struct fault_case *c = &fault_cases[i];
		struct event fault;

		start(cpuid, 2);
		*fake_pte(vm, c->rip) = c->pte;
		v->state.cr4 |= c->cr4;
		v->state.efer |= c->efer;
		v->state.cpl = c->cpl;
		fake_vcpu_settle(v);
		CU_ASSERT_PTR_NULL(fetch(&fault));
		if (fault.vector != c->vector || fault.error != c->error)
			printf("\n%s: vector %u, error %#x\n", c->name, fault.vector, fault.error);
		CU_ASSERT_EQUAL(fault.type, EVENT_EXCEPTION);
		CU_ASSERT_EQUAL(fault.vector, c->vector);
		CU_ASSERT_EQUAL(fault.error, c->error);
		CU_ASSERT_EQUAL(fault.cr2, c->rip);
		CU_ASSERT_TRUE(fault.has_error);
	}
}

static void test_bad_code(void)
{
	static const u8 undefined[] = { 0x0f, 0x04 };
	static const u8 endless[] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
				      0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90 };
	struct event fault;

	start(undefined, 2);
	CU_ASSERT_PTR_NULL(fetch(&fault));
	CU_ASSERT_EQUAL(fault.vector, VECTOR_UD);
	CU_ASSERT_FALSE(fault.has_error);
	start(endless, sizeof(endless));
	CU_ASSERT_PTR_NULL(fetch(&fault));
	CU_ASSERT_EQUAL(fault.vector, VECTOR_GP);
	CU_ASSERT_TRUE(fault.has_error);
	CU_ASSERT_EQUAL(fault.error, 0);
}

/* ---- Borders --------------------------------------------------------------------------- */

#define BORDER (CODE + PAGE_SIZE)

static void test_page_crossing(void)
{
	struct event fault;

	for (unsigned before = 1; before < sizeof(long_store); before++) {
		start(cpuid, 2);
		/* The pages do not lie side by side. */
		fake_map(vm, BORDER, 0x30000, PTE_U);
		put(BORDER - before, long_store, before);
		put(0x30000, long_store + before, sizeof(long_store) - before);
		v->regs.rip = BORDER - before;
		expect(INSN_MOV, 12, false);
		expect(INSN_MOV, 12, false); /* not kept: only one page can be checked again */
		*fake_pte(vm, BORDER) = 0;
		CU_ASSERT_PTR_NULL(fetch(&fault));
		CU_ASSERT_EQUAL(fault.vector, VECTOR_PF);
		CU_ASSERT_EQUAL(fault.cr2, BORDER);
		/* A short one before the border does not touch the next page. */
		put(BORDER - 2, cpuid, 2);
		v->regs.rip = BORDER - 2;
		expect(INSN_CPUID, 2, false);
	}
}

/* Kept only where 16 bytes can be compared on its page. */
static void test_keepable_limit(void)
{
	start(cpuid, 2);
	put(BORDER - 17, cpuid, 2);
	put(BORDER - 15, cpuid, 2);
	v->regs.rip = BORDER - 17;
	expect(INSN_CPUID, 2, false);
	expect(INSN_CPUID, 2, true);
	put(BORDER - 16, cpuid, 2);
	v->regs.rip = BORDER - 16;
	expect(INSN_CPUID, 2, false);
	expect(INSN_CPUID, 2, true);
	v->regs.rip = BORDER - 15;
	put(BORDER - 15, cpuid, 2);
	expect(INSN_CPUID, 2, false);
	expect(INSN_CPUID, 2, false);
}

/* The last page of the last chunk: what is behind is not ours to read. */
static void test_last_bytes_of_memory(void)
{
	u64 last = vm->memory.size - 2;

	start(cpuid, 2);
	put(last, cpuid, 2);
	fake_map(vm, 0x40000000, last & ~PAGE_MASK, PTE_U);
	v->regs.rip = 0x40000000 + (last & PAGE_MASK);
	expect(INSN_CPUID, 2, false);
	expect(INSN_CPUID, 2, false);
}

static void test_no_ram(void)
{
	struct event fault;

	start(cpuid, 2);
	fake_map(vm, CODE, 0xa0000, PTE_U); /* FF FF: no instruction */
	CU_ASSERT_PTR_NULL(fetch(&fault));
	CU_ASSERT_EQUAL(fault.vector, VECTOR_UD);
}

/* ---- Modes -------------------------------------------------------------------------------- */

static void test_modes(void)
{
	static const u8 bytes[] = { 0xb8, 1, 2, 3, 4 }; /* MOV AX or EAX, imm */

	fake_mode_real(v);
	fetch_flush(v);
	put(0x12340 + 0x10, bytes, sizeof(bytes));
	v->state.seg[SEG_CS].base = 0x12340;
	v->regs.rip = 0x10;
	fake_vcpu_settle(v);
	expect(INSN_MOV, 3, false);
	expect(INSN_MOV, 3, true);
	v->state.seg[SEG_CS].attr |= SEG_ATTR_DB; /* unreal mode */
	fake_vcpu_settle(v);
	expect(INSN_MOV, 5, false);
	/* The linear address wraps around at 4 GiB. */
	fake_mode_flat32(v);
	v->state.seg[SEG_CS].base = 0xffff0000;
	v->regs.rip = 0x10000 + 0x12350;
	fake_vcpu_settle(v);
	expect(INSN_MOV, 5, false);
}

/* An instruction that begins below 4 GiB and ends above it goes on at 0. */
static void test_wrap(void)
{
	struct event fault;
	static const u8 tail[] = { 0xff, 0xff, 0x00 };

	fake_mode_flat32(v);
	fetch_flush(v);
	put(0, tail, sizeof(tail));
	v->regs.rip = 0xfffffffe; /* no RAM: FF FF */
	fake_vcpu_settle(v);
	CU_ASSERT_PTR_NULL(fetch(&fault));
	CU_ASSERT_EQUAL(fault.vector, VECTOR_UD);
}

/* And if that page is missing, CR2 is 0. */
static void test_wrap_fault(void)
{
	const u32 pde = 0x61000 | PTE_P, pte = 0x62000 | PTE_P;
	static const u8 mov[] = { 0xb8 };
	struct event fault;

	fake_mode_flat32(v);
	fetch_flush(v);
	put(0x60000 + 1023 * 4, &pde, 4);
	put(0x61000 + 1023 * 4, &pte, 4);
	put(0x62fff, mov, 1);
	v->state.cr0 |= CR0_PG;
	v->state.cr3 = 0x60000;
	v->regs.rip = 0xffffffff;
	fake_vcpu_settle(v);
	CU_ASSERT_PTR_NULL(fetch(&fault));
	CU_ASSERT_EQUAL(fault.vector, VECTOR_PF);
	CU_ASSERT_EQUAL(fault.cr2, 0);
}

/* PAE paging walks from registers, which no entry of the cache can check: nothing is kept. */
/* EIP wraps around at 4 GiB, in 16-bit code too; RIP does not. */
static void test_rip_behind(void)
{
	fake_mode_long(v);
	CU_ASSERT_EQUAL(fetch_rip_behind(v, 0xfffffffe, 2), GiB(4));
	CU_ASSERT_EQUAL(fetch_rip_behind(v, ~0ull, 2), 1);
	v->state.seg[SEG_CS].attr &= (u16)~SEG_ATTR_L; /* compatibility mode */
	fake_vcpu_settle(v);
	CU_ASSERT_EQUAL(fetch_rip_behind(v, 0xfffffffe, 3), 1);
	fake_mode_flat32(v);
	CU_ASSERT_EQUAL(fetch_rip_behind(v, 0xfffffffe, 2), 0);
	CU_ASSERT_EQUAL(fetch_rip_behind(v, 0xfffffffd, 2), 0xffffffff);
	fake_mode_real(v);
	CU_ASSERT_EQUAL(fetch_rip_behind(v, 0xffff, 2), 0x10001);
	CU_ASSERT_EQUAL(fetch_rip_behind(v, 0xffffffff, 1), 0);
}

/* The short way adds without looking at the mode: not there. */
static void test_short_way_at_the_end(void)
{
	struct event fault;

	for (unsigned below = 2; below <= 3; below++) {
		u64 rip = GiB(4) - below;

		fake_mode_flat32(v);
		v->state.seg[SEG_CS].base = CODE + 0x100;
		fake_vcpu_settle(v);
		fetch_flush(v);
		put(CODE + 0x100 - below, cpuid, 2);
		v->regs.rip = rip;
		CU_ASSERT_PTR_NOT_NULL(fetch_insn(v, &fault));
		CU_ASSERT_EQUAL(fetch_known(&v->fetch, v->mode_epoch, rip, v->state.cr3,
					    &v->state.seg[SEG_CS]) != NULL,
				below == 3);
	}
}

/* ---- Data -------------------------------------------------------------------------- */

#define DATA 0x10000ull

static int translate(u64 gva, unsigned access, u64 *at)
{
	struct event fault = { 0 };
	gpa_t a = gpa(~0ull);
	u8 *ram = NULL;
	int error = fetch_translate(v, gva, access, &a, &ram, &fault);

	if (!error)
		CU_ASSERT_PTR_EQUAL(ram, memory_ptr(vm, a, 1));
	*at = error ? fault.error : a.v;
	return error;
}

static void expect_data(u64 gva, unsigned access, u64 want)
{
	u64 at;

	CU_ASSERT_EQUAL(translate(gva, access, &at), 0);
	CU_ASSERT_EQUAL(at, want);
}

static void expect_data_fault(u64 gva, unsigned access, u32 error)
{
	u64 at;

	CU_ASSERT_EQUAL(translate(gva, access, &at), -1);
	CU_ASSERT_EQUAL(at, error);
}

/* Each is translated twice, so that the second time it is known; then the tables change. */
static void test_data_is_never_stale(void)
{
	u64 *pte;

	fake_mode_long(v);
	fetch_flush(v);
	pte = fake_pte(vm, DATA);
	for (unsigned i = 0; i < 2; i++)
		expect_data(DATA + 5, ACCESS_WRITE, DATA + 5);
	CU_ASSERT_EQUAL(*pte & (PTE_A | PTE_D), PTE_A | PTE_D);
	*pte &= ~(PTE_A | PTE_D); /* the guest asks again */
	expect_data(DATA, ACCESS_WRITE, DATA);
	CU_ASSERT_EQUAL(*pte & (PTE_A | PTE_D), PTE_A | PTE_D);
	*pte = (*pte & ~PTE_ADDR) | 0x22000;
	expect_data(DATA, ACCESS_WRITE, 0x22000);
	expect_data(DATA, ACCESS_READ, 0x22000);
	*pte &= ~PTE_W;
	v->state.cr0 |= CR0_WP;
	vcpu_state_changed(v, STATE_EXEC);
	expect_data_fault(DATA, ACCESS_WRITE, PF_PRESENT | PF_WRITE);
	expect_data(DATA, ACCESS_READ, 0x22000);
	*pte &= ~PTE_U;
	expect_data(DATA, ACCESS_READ, 0x22000);
	v->state.cpl = 3; /* a change that we are not told of */
	fake_vcpu(v)->truth.cpl = 3;
	expect_data_fault(DATA, ACCESS_READ, PF_PRESENT | PF_USER);
	expect_data(DATA, ACCESS_READ | WALK_SYSTEM, 0x22000);
	*pte = 0;
	expect_data_fault(DATA, ACCESS_READ | WALK_SYSTEM, 0);
	fake_mode_long(v);
}

/* SMAP looks at RFLAGS.AC, which changes without an exit. */
static void test_data_and_smap(void)
{
	fake_mode_long(v);
	v->state.cr4 |= CR4_SMAP;
	fake_vcpu_settle(v);
	fetch_flush(v);
	v->regs.rflags |= RFLAGS_AC;
	for (unsigned i = 0; i < 2; i++)
		expect_data(DATA, ACCESS_READ, DATA);
	v->regs.rflags &= ~RFLAGS_AC;
	expect_data_fault(DATA, ACCESS_READ, PF_PRESENT);
	v->regs.rflags |= RFLAGS_AC;
	expect_data(DATA, ACCESS_READ, DATA);
	expect_data_fault(DATA, ACCESS_READ | WALK_SYSTEM, PF_PRESENT);
}

/* Keys lie in a register that changes without an exit, as XSAVE has it. */
static void test_data_and_keys(void)
{
	u32 *pkru, at = cpuid_get(v, 0xd, 9).ebx;
	u64 *bv = (u64 *)((u8 *)v->xsave + 512);

	fake_mode_long(v);
	if (!at || at + 4 > FAKE_XSAVE_SIZE) {
		CU_FAIL("the made-up machine has no PKRU");
		return;
	}
	pkru = (u32 *)((u8 *)v->xsave + at);
	v->state.cr4 |= CR4_PKE;
	fake_vcpu_settle(v);
	fake_map(vm, DATA, DATA, PTE_U | PTE_W | 5ull << 59);
	*bv = BIT(9);
	*pkru = 0;
	expect_data(DATA, ACCESS_READ, DATA);
	*pkru = 1u << 10;
	expect_data_fault(DATA, ACCESS_READ, PF_PRESENT | PF_PKEY);
	*bv = 0; /* in its initial state: whatever the area has */
	expect_data(DATA, ACCESS_READ, DATA);
	fake_mode_long(v);
}

/* The host lacks the page: that is no device, and no floating bus. */
static void test_host_memory_gone(void)
{
	u64 left;

	end();
	begin();
	fake_mode_flat32(v);
	left = fake_host.allocations_left;
	fake_host.allocations_left = 0;
	CU_ASSERT_PTR_NULL(fetch_ram(vm, gpa(0xa0000), 4)); /* nothing is there at all */
	CU_ASSERT_EQUAL(vm->state, VM_RUNNING);
	CU_ASSERT_PTR_NULL(fetch_ram(vm, gpa(MiB(6)), 4));
	CU_ASSERT_EQUAL(vm->state, VM_DEAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(vm->cause, "no host memory"));
	fake_host.allocations_left = left;
	end();
	begin();
}

static void test_pae(void)
{
	u64 pd = 0x50000, pde = 0 | PTE_P | PTE_PS;

	fake_mode_flat32(v);
	fetch_flush(v);
	put(CODE, cpuid, 2);
	put(pd, &pde, 8);
	v->state.cr0 |= CR0_PG;
	v->state.cr4 = CR4_PAE;
	v->state.pdpte[0] = pd | PTE_P;
	v->regs.rip = CODE;
	fake_vcpu_settle(v);
	expect(INSN_CPUID, 2, false);
	expect(INSN_CPUID, 2, false);
}

void test_fetch_register(void)
{
	CU_pSuite suite = CU_add_suite("fetch", begin, end);

	CU_add_test(suite, "faults", test_faults);
	CU_add_test(suite, "bad code", test_bad_code);
	CU_add_test(suite, "code where no RAM is", test_no_ram);
	CU_add_test(suite, "hits", test_hits);
	CU_add_test(suite, "context changes", test_context);
	CU_add_test(suite, "context is not taken from stale state", test_context_is_fetched);
	CU_add_test(suite, "RIP changes", test_rip);
	CU_add_test(suite, "each bit of the code", test_each_code_bit);
	CU_add_test(suite, "each bit of each page table entry", test_each_entry_bit);
	CU_add_test(suite, "remapped", test_remapped);
	CU_add_test(suite, "over a page border", test_page_crossing);
	CU_add_test(suite, "what can be kept", test_keepable_limit);
	CU_add_test(suite, "the last bytes of memory", test_last_bytes_of_memory);
	CU_add_test(suite, "modes", test_modes);
	CU_add_test(suite, "around 4 GiB", test_wrap);
	CU_add_test(suite, "a fault around 4 GiB", test_wrap_fault);
	CU_add_test(suite, "PAE", test_pae);
	CU_add_test(suite, "RIP behind an instruction", test_rip_behind);
	CU_add_test(suite, "the short way at 4 GiB", test_short_way_at_the_end);
	CU_add_test(suite, "data: never stale", test_data_is_never_stale);
	CU_add_test(suite, "data: SMAP", test_data_and_smap);
	CU_add_test(suite, "data: protection keys", test_data_and_keys);
	CU_add_test(suite, "the host has no memory left", test_host_memory_gone);
}
