/*
 * test_emulate.c - what emulated instructions do to registers, RAM, devices; and their faults
 *
 * Owns: fixed cases in 16, 32 and 64-bit mode.  Strings are in test_emulate_strings.c, the
 * comparison with a real CPU in test_emulate_native.c.
 */
#include "emu.h"

void test_emulate_register(void);

/* ---- Faults ------------------------------------------------------------------- */

#define SECOND (EMU_RAM + PAGE_SIZE)

/* A store of four bytes over a border whose second page cannot be written. */
static void test_fault_on_second_page(void)
{
	for (unsigned device = 0; device < 2; device++) {
		u64 first = device ? EMU_DEVICE : EMU_RAM;

		for (unsigned right = 0; right < 2; right++) {
			emu_start(EMU_64);
			emu.v->state.cr0 |= CR0_WP;
			fake_map(emu.vm, EMU_RAM, first, PTE_W);
			*fake_pte(emu.vm, SECOND) = right ? SECOND | PTE_P : 0;
			emu_settle();
			emu.v->regs.r[REG_RBX] = SECOND - 2;
			emu.v->regs.r[REG_RAX] = 0xaabbccdd;
			memcpy(emu.device + PAGE_SIZE - 2, "\1\2", 2);
			emu_set_ram(SECOND - 2, 4, 0x04030201);
			emu_run((const u8[]){ 0x89, 0x03 }, 2); /* MOV [RBX], EAX */
			emu_expect_fault(VECTOR_PF, PF_WRITE | (right ? PF_PRESENT : 0), SECOND);
			CU_ASSERT_EQUAL(emu_ram(SECOND - 2, 4), 0x04030201);
			CU_ASSERT_EQUAL(memcmp(emu.device + PAGE_SIZE - 2, "\1\2", 2), 0);
			CU_ASSERT_EQUAL(emu.accesses, 0);
			/* ADD wants to write: that is its fault, before it has read a device. */
			emu.v->regs.rflags |= RFLAGS_CF;
			emu_run((const u8[]){ 0x01, 0x03 }, 2);
			emu_expect_fault(VECTOR_PF, PF_WRITE | (right ? PF_PRESENT : 0), SECOND);
			CU_ASSERT_EQUAL(emu_ram(SECOND - 2, 4), 0x04030201);
			CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_ONE | RFLAGS_CF);
			CU_ASSERT_EQUAL(emu.accesses, 0);
		}
	}
	emu_start(EMU_64); /* maps all again */
}

static void test_load_over_missing_page(void)
{
	emu_start(EMU_64);
	*fake_pte(emu.vm, SECOND) = 0;
	emu_settle();
	emu.v->regs.r[REG_RBX] = SECOND - 1;
	emu.v->regs.r[REG_RAX] = 0x1234567812345678;
	EMU_RUN(0x48, 0x8b, 0x03); /* MOV RAX, [RBX] */
	emu_expect_fault(VECTOR_PF, 0, SECOND);
	CU_ASSERT_EQUAL(emu.v->regs.r[REG_RAX], 0x1234567812345678);
}

static void test_rights(void)
{
	emu_start(EMU_64);
	emu.v->state.cpl = 3;
	fake_map(emu.vm, EMU_DEVICE, EMU_DEVICE, PTE_W);
	emu_settle();
	emu.v->regs.r[REG_RBX] = EMU_DEVICE;
	EMU_RUN(0x88, 0x03); /* MOV [RBX], AL */
	emu_expect_fault(VECTOR_PF, PF_PRESENT | PF_WRITE | PF_USER, EMU_DEVICE);
	EMU_RUN(0x8a, 0x03);
	emu_expect_fault(VECTOR_PF, PF_PRESENT | PF_USER, EMU_DEVICE);
	fake_map(emu.vm, EMU_DEVICE, EMU_DEVICE, PTE_U);
	EMU_RUN(0x88, 0x03);
	emu_expect_fault(VECTOR_PF, PF_PRESENT | PF_WRITE | PF_USER, EMU_DEVICE);
	CU_ASSERT_EQUAL(emu.accesses, 0);
	CU_ASSERT_EQUAL(EMU_RUN(0x8a, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.accesses, 1);
}

static void test_accessed_and_dirty(void)
{
	emu_start(EMU_64);
	fake_map(emu.vm, EMU_DEVICE, EMU_DEVICE, PTE_W);
	emu_settle();
	emu.v->regs.r[REG_RBX] = EMU_DEVICE;
	CU_ASSERT_EQUAL(EMU_RUN(0x8a, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(*fake_pte(emu.vm, EMU_DEVICE) & (PTE_A | PTE_D), PTE_A);
	CU_ASSERT_EQUAL(EMU_RUN(0x88, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(*fake_pte(emu.vm, EMU_DEVICE) & (PTE_A | PTE_D), PTE_A | PTE_D);
}

/* [SDM] "Interrupt 12" and "13": a non-canonical address is #SS(0) through RSP or RBP, else #GP(0).
 */
static void test_not_canonical(void)
{
	static const u64 bad[] = { 0x0000800000000000, 0xffff7fffffffffff, BIT(63),
				   0x00007ffffffffffd };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		emu_start(EMU_64);
		emu_settle();
		emu.v->regs.r[REG_RBX] = emu.v->regs.r[REG_RBP] = bad[i];
		EMU_RUN(0x89, 0x03); /* MOV [RBX], EAX */
		emu_expect_fault(VECTOR_GP, 0, 0);
		EMU_RUN(0x8b, 0x03);
		emu_expect_fault(VECTOR_GP, 0, 0);
		EMU_RUN(0x89, 0x45, 0x00); /* MOV [RBP], EAX */
		emu_expect_fault(VECTOR_SS, 0, 0);
	}
}

static void test_fetch_fault(void)
{
	emu_start(EMU_64);
	*fake_pte(emu.vm, EMU_CODE) = 0;
	emu_settle();
	EMU_RUN(0x88, 0x03);
	emu_expect_fault(VECTOR_PF, 0, EMU_CODE);
	emu_start(EMU_64);
}

/* ---- Segments -------------------------------------------------------------------- */

#define DATA (SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DB | 0x3)
#define DATA16 (SEG_ATTR_P | SEG_ATTR_S | 0x3)
#define READ_ONLY (SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DB | 0x1)
#define DOWN (SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DB | 0x7)
#define DOWN16 (SEG_ATTR_P | SEG_ATTR_S | 0x7)
#define CODE_XR (SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DB | 0xb)
#define CODE_X (SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DB | 0x9)

struct segment_case {
	const char *name;
	u16 attr;
	u32 limit, offset;
	u8 size;
	bool load, store; /* allowed */
};

static const struct segment_case segment_cases[] = {
	{ "inside", DATA, 0xffff, 0x100, 4, true, true },
	{ "last byte", DATA, 0x103, 0x100, 4, true, true },
	{ "one byte too far", DATA, 0x102, 0x100, 4, false, false },
	{ "behind", DATA, 0xff, 0x100, 1, false, false },
	{ "limit 0, byte 0", DATA, 0, 0, 1, true, true },
	{ "limit 0, word 0", DATA, 0, 0, 2, false, false },
	{ "around 4 GiB", DATA, 0xffffffff, 0xfffffffe, 4, false, false },
	{ "read-only", READ_ONLY, 0xffff, 0x100, 4, true, false },
	{ "readable code", CODE_XR, 0xffff, 0x100, 4, true, false },
	{ "code that is only executed", CODE_X, 0xffff, 0x100, 4, false, false },
	{ "no segment", 0, 0xffff, 0x100, 4, false, false },
	{ "not present", DATA & ~SEG_ATTR_P, 0xffff, 0x100, 4, false, false },
	{ "expand-down: above the limit", DOWN, 0xff, 0x100, 4, true, true },
	{ "expand-down: at the limit", DOWN, 0x100, 0x100, 4, false, false },
	{ "expand-down: below", DOWN, 0xffff, 0x100, 4, false, false },
	{ "expand-down, 16 bits: end", DOWN16, 0xff, 0xfffc, 4, true, true },
	{ "expand-down, 16 bits: beyond the end", DOWN16, 0xff, 0xfffd, 4, false, false },
	{ "expand-down, 32 bits: beyond 64 KiB", DOWN, 0xff, 0xfffd, 4, true, true },
};

static void run_segment(const struct segment_case *c, bool store, u8 override, enum x86_seg seg)
{
	u8 code[4] = { override, 0x66, (u8)((store ? 0x88 : 0x8a) | (c->size > 1)), 0x03 };
	bool word = c->size == 2, allowed = store ? c->store : c->load;

	emu_start(EMU_32);
	emu.v->state.seg[seg] = (struct segment){ 8, c->attr, c->limit, EMU_DEVICE };
	emu_settle();
	emu.v->regs.r[REG_RBX] = c->offset;
	if (!word) /* no operand size prefix */
		memmove(code + 1, code + 2, 2);
	emu_run(code, word ? 4 : 3);
	if ((emu.v->exit.outcome == OUTCOME_DONE) != allowed)
		printf("\n%s: outcome %u\n", c->name, emu.v->exit.outcome);
	CU_ASSERT_EQUAL(!!emu.accesses, allowed);
	if (allowed) {
		CU_ASSERT_EQUAL(emu.v->exit.outcome, OUTCOME_DONE);
		CU_ASSERT_EQUAL(emu.log[0].offset, c->offset);
	} else {
		emu_expect_fault(seg == SEG_SS ? VECTOR_SS : VECTOR_GP, 0, 0);
	}
}

static void test_segments(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(segment_cases); i++) {
		for (unsigned store = 0; store < 2; store++) {
			run_segment(&segment_cases[i], store, 0x3e, SEG_DS);
			run_segment(&segment_cases[i], store, 0x26, SEG_ES);
			run_segment(&segment_cases[i], store, 0x36, SEG_SS);
			run_segment(&segment_cases[i], store, 0x64, SEG_FS);
			run_segment(&segment_cases[i], store, 0x65, SEG_GS);
		}
	}
}

static void test_code_segment(void)
{
	emu_start(EMU_32);
	emu.v->regs.r[REG_RBX] = EMU_DEVICE;
	EMU_RUN(0x2e, 0x88, 0x03); /* MOV CS:[EBX], AL */
	emu_expect_fault(VECTOR_GP, 0, 0);
	CU_ASSERT_EQUAL(EMU_RUN(0x2e, 0x8a, 0x03), OUTCOME_DONE);
	/* In real mode it is a segment like any other. */
	emu_start(EMU_16);
	emu.v->state.seg[SEG_DS].base = EMU_DEVICE;
	emu_settle();
	memory_write(emu.vm, gpa(EMU_CODE + 0x10000), "", 1);
	CU_ASSERT_EQUAL(EMU_RUN(0x2e, 0xa2, 0x00, 0x90), OUTCOME_DONE); /* MOV CS:[0x9000], AL */
}

static void test_real_mode_limit(void)
{
	emu_start(EMU_16);
	emu.v->state.seg[SEG_DS].base = EMU_DEVICE;
	emu.v->state.seg[SEG_SS].base = EMU_DEVICE;
	emu_settle();
	emu.v->regs.r[REG_RBX] = emu.v->regs.r[REG_RBP] = 0xffff;
	CU_ASSERT_EQUAL(EMU_RUN(0x88, 0x07), OUTCOME_DONE); /* MOV [BX], AL */
	EMU_RUN(0x89, 0x07);				    /* MOV [BX], AX */
	emu_expect_fault(VECTOR_GP, 0, 0);
	EMU_RUN(0x89, 0x46, 0x00); /* MOV [BP], AX */
	emu_expect_fault(VECTOR_SS, 0, 0);
	CU_ASSERT_EQUAL(emu.accesses, 1);
	emu.v->regs.r[REG_RBX] = 0xfff0;
	CU_ASSERT_EQUAL(EMU_RUN(0x88, 0x47, 0x20), OUTCOME_DONE); /* [BX+0x20] wraps around */
	CU_ASSERT_EQUAL(emu.log[1].offset, 0x10);
}

/* In 64-bit mode only FS and GS have bases, and nothing has limits. */
static void test_long_mode_segments(void)
{
	emu_start(EMU_64);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		if (i != SEG_CS)
			emu.v->state.seg[i] = (struct segment){ 0, 0, 0, 0x10 + i };
	emu_settle();
	emu.v->regs.r[REG_RBX] = EMU_DEVICE;
	CU_ASSERT_EQUAL(EMU_RUN(0x88, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(EMU_RUN(0x36, 0x88, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(EMU_RUN(0x64, 0x88, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(EMU_RUN(0x65, 0x88, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.log[0].offset, 0);
	CU_ASSERT_EQUAL(emu.log[1].offset, 0);
	CU_ASSERT_EQUAL(emu.log[2].offset, 0x10 + SEG_FS);
	CU_ASSERT_EQUAL(emu.log[3].offset, 0x10 + SEG_GS);
	/* An address of 32 bits is cut before the base is added. */
	emu.v->regs.r[REG_RBX] = 0xffffffff00000000 | EMU_DEVICE;
	CU_ASSERT_EQUAL(EMU_RUN(0x65, 0x67, 0x88, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.log[4].offset, 0x10 + SEG_GS);
}

/* base + offset wraps around at 4 GiB outside 64-bit mode. */
static void test_linear_wrap(void)
{
	emu_start(EMU_32);
	emu.v->state.seg[SEG_DS].base = 0xfffff000;
	emu_settle();
	emu.v->regs.r[REG_RBX] = EMU_DEVICE + 0x1010;
	CU_ASSERT_EQUAL(EMU_RUN(0x88, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.log[0].offset, 0x10);
}

/* ---- Where nothing is ---------------------------------------------------------------- */

static void test_nothing(void)
{
	for (unsigned mode = EMU_32; mode <= EMU_64; mode++) {
		emu_start(mode);
		emu.v->regs.r[REG_RBX] = EMU_NOTHING;
		CU_ASSERT_EQUAL(EMU_RUN(0x8a, 0x03), OUTCOME_DONE);
		CU_ASSERT_EQUAL(emu.v->regs.r[REG_RAX], 0xff);
		CU_ASSERT_EQUAL(EMU_RUN(0x66, 0x8b, 0x03), OUTCOME_DONE);
		CU_ASSERT_EQUAL(emu.v->regs.r[REG_RAX], 0xffff);
		CU_ASSERT_EQUAL(EMU_RUN(0x8b, 0x03), OUTCOME_DONE);
		CU_ASSERT_EQUAL(emu.v->regs.r[REG_RAX], 0xffffffff);
		CU_ASSERT_EQUAL(EMU_RUN(0x89, 0x03), OUTCOME_DONE); /* lost, as on a PC */
		CU_ASSERT_EQUAL(emu.vm->state, VM_RUNNING);
	}
	CU_ASSERT_EQUAL(EMU_RUN(0x48, 0x8b, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.v->regs.r[REG_RAX], ~0ull);
}

/* These end the VM, so they have one of their own. */
static void test_strict(void)
{
	emu_end();
	emu_begin();
	emu_start(EMU_32);
	emu.vm->config.strict = true;
	emu.v->regs.r[REG_RBX] = EMU_NOTHING + 4;
	CU_ASSERT_EQUAL(EMU_RUN(0x8b, 0x03), OUTCOME_DONE); /* a load harms nobody */
	CU_ASSERT_EQUAL(emu.vm->state, VM_RUNNING);
	EMU_RUN(0x89, 0x03);
	CU_ASSERT_EQUAL(emu.vm->state, VM_DEAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(emu.vm->cause, "0xf8000004"));
	CU_ASSERT_PTR_NOT_NULL(strstr(emu.vm->cause, "4 bytes"));
}

static void unknown(const u8 *bytes, unsigned len, const char *name)
{
	emu_end();
	emu_begin();
	emu_start(EMU_32);
	emu.v->regs.r[REG_RBX] = EMU_DEVICE;
	emu_run(bytes, len);
	CU_ASSERT_EQUAL(emu.vm->state, VM_DEAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(emu.vm->cause, name));
	CU_ASSERT_EQUAL(emu.v->exit.outcome, OUTCOME_NONE);
	CU_ASSERT_EQUAL(emu.accesses, 0);
}

static void test_unknown(void)
{
	unknown((const u8[]){ 0xd9, 0x03 }, 2, "cannot emulate OTHER (opcode 0xd9"); /* FLD */
	unknown((const u8[]){ 0x0f, 0x58, 0x03 }, 3, "opcode 0x58 of map 1"); /* ADDPS */
	emu_end();
	emu_begin();
}

/* CPUID cannot have met device memory: the code was another when it exited. */
static void test_changed_code(void)
{
	emu_end();
	emu_begin();
	emu_start(EMU_64);
	emu.v->regs.r[REG_RBX] = EMU_DEVICE;
	for (unsigned round = 0; round < 2; round++) {
		u64 rip = emu.v->regs.rip;

		for (unsigned i = 0; i < 100000; i++) /* turns of the other CPU */
			CU_ASSERT_EQUAL_FATAL(EMU_RUN(0x0f, 0xa2), OUTCOME_RETRY);
		CU_ASSERT_EQUAL(emu.v->regs.rip, rip);
		CU_ASSERT_EQUAL(emu.vm->state, VM_RUNNING);
		if (round == 0) /* something else was done there: counting begins anew */
			CU_ASSERT_EQUAL(EMU_RUN(0x8b, 0x03), OUTCOME_DONE);
	}
	EMU_RUN(0x0f, 0xa2);
	CU_ASSERT_EQUAL(emu.vm->state, VM_DEAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(emu.vm->cause, "cannot emulate CPUID"));
	emu_end();
	emu_begin();
}

static void test_lapic_page(void)
{
	for (unsigned mode = EMU_32; mode <= EMU_64; mode++) {
		emu_start(mode);
		emu.v->regs.r[REG_RBX] = APIC_DEFAULT_BASE + 0x80;
		emu.v->regs.r[REG_RAX] = 0x50;
		CU_ASSERT_EQUAL(EMU_RUN(0x89, 0x03), OUTCOME_DONE); /* TPR */
		CU_ASSERT_EQUAL(lapic_get_tpr(&emu.v->lapic), 0x50);
		CU_ASSERT_EQUAL(EMU_RUN(0x8b, 0x0b), OUTCOME_DONE);
		CU_ASSERT_EQUAL(emu.v->regs.r[REG_RCX], 0x50);
		emu.v->regs.r[REG_RAX] = 0;
		CU_ASSERT_EQUAL(EMU_RUN(0x89, 0x03), OUTCOME_DONE);
	}
}

/* ---- What a bus would carry -------------------------------------------------------------- */

struct pieces {
	u32 offset;
	u8 sizes[6];
};

static const struct pieces pieces[] = {
	{ 0x00, { 8 } },	  { 0x01, { 1, 2, 4, 1 } }, { 0x02, { 2, 4, 2 } },
	{ 0x03, { 1, 4, 2, 1 } }, { 0x04, { 4, 4 } },	    { 0x07, { 1, 4, 2, 1 } },
};

static void test_pieces(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
		u32 at = pieces[i].offset;
		unsigned n = 0;

		emu_start(EMU_64);
		emu.v->regs.r[REG_RBX] = EMU_DEVICE + at;
		emu.v->regs.r[REG_RAX] = 0x8877665544332211;
		CU_ASSERT_EQUAL(EMU_RUN(0x48, 0x89, 0x03), OUTCOME_DONE);
		for (; pieces[i].sizes[n]; n++) {
			CU_ASSERT_EQUAL(emu.log[n].offset, at);
			CU_ASSERT_EQUAL(emu.log[n].size, pieces[i].sizes[n]);
			at += pieces[i].sizes[n];
		}
		CU_ASSERT_EQUAL(emu.accesses, n);
		CU_ASSERT_EQUAL(emu_device(EMU_DEVICE + pieces[i].offset, 8), 0x8877665544332211);
	}
}

/* From RAM into the device and over a page border, in one store. */
static void test_ram_and_device(void)
{
	emu_start(EMU_64);
	emu.v->regs.r[REG_RBX] = EMU_DEVICE - 3;
	emu.v->regs.r[REG_RAX] = 0x8877665544332211;
	CU_ASSERT_EQUAL(EMU_RUN(0x48, 0x89, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu_ram(EMU_DEVICE - 3, 2), 0x2211);
	CU_ASSERT_EQUAL(emu_ram(EMU_DEVICE - 1, 1), 0x33);
	CU_ASSERT_EQUAL(emu_device(EMU_DEVICE, 4), 0x77665544);
	CU_ASSERT_EQUAL(emu_device(EMU_DEVICE + 4, 1), 0x88);
	emu.v->regs.r[REG_RAX] = 0;
	CU_ASSERT_EQUAL(EMU_RUN(0x48, 0x8b, 0x03), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.v->regs.r[REG_RAX], 0x8877665544332211);
}

/* ---- Forms in 16 and 32-bit mode ------------------------------------------------------------ */

/*
 * The operand is [BX] with DS at the device (16-bit mode) or [EBX], so only ModRM's rm differs:
 * the byte given as R stands for it (reg field in its upper bits).
 */
#define R(reg) (0xc0 | (reg) << 3)

struct form {
	const char *name;
	u8 code[8];
	u8 len, modrm; /* index of R() */
	u8 bits;       /* mode: 16, 32, 0: both */
	u64 rax, mem;  /* before; RDX is 0x5566778811223344 */
	u64 rax_after, mem_after, flags;
};

#define RDX_VALUE 0x5566778811223344ull
#define F_C RFLAGS_CF
#define F_P RFLAGS_PF
#define F_A RFLAGS_AF
#define F_Z RFLAGS_ZF
#define F_S RFLAGS_SF

/* clang-format off */
static const struct form forms[] = {
	{ "MOV [m8], DL", { 0x88, R(2) }, 2, 1, 0, 1, 0x99999999, 1, 0x99999944, 0 },
	{ "MOV [m8], DH", { 0x88, R(6) }, 2, 1, 0, 1, 0x99999999, 1, 0x99999933, 0 },
	{ "MOV [m16], DX", { 0x89, R(2) }, 2, 1, 16, 1, 0x99999999, 1, 0x99993344, 0 },
	{ "MOV [m32], EDX", { 0x66, 0x89, R(2) }, 3, 2, 16, 1, 0x99999999, 1, 0x11223344, 0 },
	{ "MOV [m16], DX", { 0x66, 0x89, R(2) }, 3, 2, 32, 1, 0x99999999, 1, 0x99993344, 0 },
	{ "MOV [m32], EDX", { 0x89, R(2) }, 2, 1, 32, 1, 0x99999999, 1, 0x11223344, 0 },
	{ "MOV AL, [m8]", { 0x8a, R(0) }, 2, 1, 0, 0x77777777, 0x44, 0x77777744, 0x44, 0 },
	{ "MOV AH, [m8]", { 0x8a, R(4) }, 2, 1, 0, 0x77777777, 0x44, 0x77774477, 0x44, 0 },
	{ "MOV AX, [m16]", { 0x8b, R(0) }, 2, 1, 16, 0x77777777, 0x12344, 0x77772344, 0x12344, 0 },
	{ "MOV EAX, [m32]", { 0x8b, R(0) }, 2, 1, 32, 0, 0x80000000, 0x80000000, 0x80000000, 0 },
	{ "MOV [m8], 0x5a", { 0xc6, R(0), 0x5a }, 3, 1, 0, 0, 0x1111, 0, 0x115a, 0 },
	{ "MOV [m16], 0x1234", { 0xc7, R(0), 0x34, 0x12 }, 4, 1, 16, 0, 0x99999999, 0,
	  0x99991234, 0 },
	{ "MOV [m32], imm", { 0xc7, R(0), 4, 3, 2, 1 }, 6, 1, 32, 0, 0x99999999, 0, 0x01020304, 0 },
	{ "MOVZX AX, [m8]", { 0x0f, 0xb6, R(0) }, 3, 2, 16, 0x77777777, 0xff80, 0x77770080,
	  0xff80, 0 },
	{ "MOVZX EAX, [m16]", { 0x0f, 0xb7, R(0) }, 3, 2, 32, 0, 0xff8000, 0x8000, 0xff8000, 0 },
	{ "MOVSX EAX, [m8]", { 0x0f, 0xbe, R(0) }, 3, 2, 32, 0, 0x80, 0xffffff80, 0x80, 0 },
	{ "MOVSX EAX, [m16]", { 0x0f, 0xbf, R(0) }, 3, 2, 32, 0, 0x8000, 0xffff8000, 0x8000, 0 },
	{ "MOVSX AX, [m8]", { 0x0f, 0xbe, R(0) }, 3, 2, 16, 0x70000, 0x80, 0x7ff80, 0x80, 0 },
	{ "MOVBE EAX, [m32]", { 0x0f, 0x38, 0xf0, R(0) }, 4, 3, 32, 0, 0x11223344, 0x44332211,
	  0x11223344, 0 },
	{ "MOVBE [m16], DX", { 0x0f, 0x38, 0xf1, R(2) }, 4, 3, 16, 0, 0x99990000, 0,
	  0x99994433, 0 },
	{ "MOVNTI [m32], EDX", { 0x0f, 0xc3, R(2) }, 3, 2, 32, 0, 0, 0, 0x11223344, 0 },
	{ "XCHG [m8], AL", { 0x86, R(0) }, 2, 1, 0, 0x7711, 0x22, 0x7722, 0x11, 0 },
	{ "XCHG [m32], EAX", { 0x87, R(0) }, 2, 1, 32, 0x11, 0x22334455, 0x22334455, 0x11, 0 },
	{ "XADD [m8], AL", { 0x0f, 0xc0, R(0) }, 3, 2, 0, 0x01, 0xff, 0xff, 0x00,
	  F_C | F_P | F_A | F_Z },
	{ "LOCK XADD [m32], EAX", { 0xf0, 0x0f, 0xc1, R(0) }, 4, 3, 32, 1, 0x7f, 0x7f, 0x80, F_A },
	{ "CMPXCHG [m32], EDX, equal", { 0x0f, 0xb1, R(2) }, 3, 2, 32, 5, 5, 5, 0x11223344,
	  F_Z | F_P },
	{ "CMPXCHG [m8], DL, not", { 0x0f, 0xb0, R(2) }, 3, 2, 0, 5, 4, 4, 4, 0 },
	{ "ADD [m8], 1", { 0x80, R(0), 1 }, 3, 1, 0, 0, 0xff, 0, 0x00, F_C | F_P | F_A | F_Z },
	{ "OR [m32], -1", { 0x83, R(1), 0xff }, 3, 1, 32, 0, 1, 0, 0xffffffff, F_P | F_S },
	{ "AND [m16], 0x0ff0", { 0x81, R(4), 0xf0, 0x0f }, 4, 1, 16, 0, 0x99999999, 0,
	  0x99990990, F_P },
	{ "SUB EAX, [m32]", { 0x2b, R(0) }, 2, 1, 32, 5, 6, 0xffffffff, 6, F_C | F_P | F_A | F_S },
	{ "CMP [m8], 0x44", { 0x80, R(7), 0x44 }, 3, 1, 0, 0, 0x44, 0, 0x44, F_P | F_Z },
	{ "TEST [m32], EDX", { 0x85, R(2) }, 2, 1, 32, 0, 4, 0, 4, 0 },
	{ "TEST [m8], 0x80", { 0xf6, R(0), 0x80 }, 3, 1, 0, 0, 0x80, 0, 0x80, F_S },
	{ "NOT [m32]", { 0xf7, R(2) }, 2, 1, 32, 0, 0xf0f0f0f0, 0, 0x0f0f0f0f, 0 },
	{ "NEG [m8]", { 0xf6, R(3) }, 2, 1, 0, 0, 1, 0, 0xff, F_C | F_P | F_A | F_S },
	{ "INC [m16]", { 0xff, R(0) }, 2, 1, 16, 0, 0xffff, 0, 0, F_P | F_A | F_Z },
	{ "DEC [m8]", { 0xfe, R(1) }, 2, 1, 0, 0, 1, 0, 0, F_P | F_Z },
	{ "BTS [m32], 5", { 0x0f, 0xba, R(5), 5 }, 4, 2, 32, 0, 0, 0, 0x20, 0 },
	{ "BTR [m16], EAX: bit 33 is in the third word", { 0x0f, 0xb3, R(0) }, 3, 2, 16, 33,
	  0x200000000,
	  33, 0, F_C },
	{ "MOV [moffs8], AL", { 0xa2, 0x00, 0x01 }, 3, 0, 16, 0x5a, 0, 0x5a, 0x5a, 0 },
	{ "MOV EAX, [moffs32]", { 0xa1, 0x00, 0x01, 0x0a, 0x00 }, 5, 0, 32, 0, 0x1234, 0x1234,
	  0x1234, 0 },
};
/* clang-format on */

#define OPERAND (EMU_DEVICE + 0x100)

static void run_form(const struct form *f, unsigned bits, bool ram)
{
	struct vcpu *v = emu.v;
	u8 code[8];
	u64 after;

	emu_start(bits == 16 ? EMU_16 : EMU_32);
	v->state.seg[SEG_DS].base = bits == 16 ? EMU_DEVICE : 0;
	if (ram)
		v->state.seg[SEG_DS].base += EMU_RAM - EMU_DEVICE;
	emu_settle();
	memcpy(code, f->code, sizeof(code));
	if (f->modrm)
		code[f->modrm] = (u8)((code[f->modrm] & 0x38) | (bits == 16 ? 7 : 3));
	v->regs.r[REG_RAX] = f->rax;
	v->regs.r[REG_RDX] = RDX_VALUE;
	v->regs.r[REG_RBX] = bits == 16 ? 0x100 : OPERAND;
	emu_set_device(OPERAND, 8, f->mem);
	emu_set_ram(EMU_RAM + 0x100, 8, f->mem);
	emu_run(code, f->len);
	after = ram ? emu_ram(EMU_RAM + 0x100, 8) : emu_device(OPERAND, 8);
	if (v->exit.outcome != OUTCOME_DONE || v->regs.r[REG_RAX] != f->rax_after ||
	    after != f->mem_after || v->regs.rflags != (f->flags | RFLAGS_ONE))
		printf("\n%u bits, %s: outcome %u, RAX %#llx, memory %#llx, flags %#llx\n", bits,
		       f->name, v->exit.outcome, (unsigned long long)v->regs.r[REG_RAX],
		       (unsigned long long)after, (unsigned long long)v->regs.rflags);
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_DONE);
	CU_ASSERT_EQUAL(v->regs.r[REG_RAX], f->rax_after);
	CU_ASSERT_EQUAL(after, f->mem_after);
	CU_ASSERT_EQUAL(v->regs.rflags, f->flags | RFLAGS_ONE);
	CU_ASSERT_EQUAL(!emu.accesses, ram);
}

static void test_forms(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		for (unsigned ram = 0; ram < 2; ram++) {
			if (forms[i].bits != 32)
				run_form(&forms[i], 16, ram);
			if (forms[i].bits != 16)
				run_form(&forms[i], 32, ram);
		}
	}
}

/* ---- The functions for others ------------------------------------------------------------------
 */

static void test_system_access(void)
{
	struct event fault = { 0 };
	u64 value = 0;

	emu_start(EMU_64);
	emu.v->state.cpl = 3;
	fake_map(emu.vm, EMU_RAM, EMU_RAM, PTE_W); /* the supervisor's */
	emu_settle();
	emu_set_ram(EMU_RAM, 8, 77);
	CU_ASSERT_EQUAL(emulate_read(emu.v, EMU_RAM, &value, 8, false, &fault), -1);
	CU_ASSERT_EQUAL(fault.error, PF_PRESENT | PF_USER);
	CU_ASSERT_EQUAL(value, 0);
	CU_ASSERT_EQUAL(emulate_read(emu.v, EMU_RAM, &value, 8, true, &fault), 0);
	CU_ASSERT_EQUAL(value, 77);
	CU_ASSERT_EQUAL(emulate_write(emu.v, EMU_RAM, &value, 8, false, &fault), -1);
	CU_ASSERT_EQUAL(emulate_write(emu.v, EMU_RAM, "abcdefgh", 8, true, &fault), 0);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM, 1), 'a');
	emu_start(EMU_64);
}

void test_emulate_register(void)
{
	CU_pSuite suite = CU_add_suite("emulate", emu_begin, emu_end);

	CU_add_test(suite, "fault on the second page: nothing written", test_fault_on_second_page);
	CU_add_test(suite, "load over a missing page", test_load_over_missing_page);
	CU_add_test(suite, "rights", test_rights);
	CU_add_test(suite, "not canonical", test_not_canonical);
	CU_add_test(suite, "code is gone", test_fetch_fault);
	CU_add_test(suite, "segments: limits and types", test_segments);
	CU_add_test(suite, "segments: CS", test_code_segment);
	CU_add_test(suite, "segments: real mode", test_real_mode_limit);
	CU_add_test(suite, "segments: 64-bit mode", test_long_mode_segments);
	CU_add_test(suite, "segments: around 4 GiB", test_linear_wrap);
	CU_add_test(suite, "accessed and dirty bits", test_accessed_and_dirty);
	CU_add_test(suite, "nothing there", test_nothing);
	CU_add_test(suite, "nothing there, strict", test_strict);
	CU_add_test(suite, "unknown instructions end the VM", test_unknown);
	CU_add_test(suite, "code that another CPU changed", test_changed_code);
	CU_add_test(suite, "the LAPIC's page", test_lapic_page);
	CU_add_test(suite, "pieces of an access", test_pieces);
	CU_add_test(suite, "RAM and device in one access", test_ram_and_device);
	CU_add_test(suite, "forms in 16 and 32-bit mode", test_forms);
	CU_add_test(suite, "reading and writing for others", test_system_access);
}
