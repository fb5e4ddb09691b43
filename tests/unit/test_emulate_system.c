/*
 * test_emulate_system.c - emulated instructions with selectors, descriptor tables and far pointers
 *
 * Owns: what tests/guests/mmio cannot see on every machine: 64-bit mode, user mode, faults of
 * tables.
 * The rest is compared with real CPUs there.
 */
#include "emu.h"

void test_emulate_system_register(void);

#define DEV EMU_DEVICE
#define TABLE EMU_RAM /* the GDT */
#define TSS_AT (EMU_RAM + 0x800)
#define INNER_STACK (EMU_RAM + 0x2000)

enum {
	CODE64 = 0x08,
	DATA = 0x10,
	CODE_USER = 0x18,
	DATA_USER = 0x20,
	TSS = 0x28, /* two entries each: 64-bit mode */
	GATE = 0x38,
	LDT = 0x48,
	CODE32 = 0x58,
	ABSENT = 0x60,
	BOTH = 0x68, /* L and D */
	TABLE_SIZE = 0x70,
};

static u64 descriptor(u64 base, u32 limit, u32 attr)
{
	return (limit & 0xffff) | (u64)(limit & 0xf0000) << 32 | (base & 0xffffff) << 16 |
	       (base & 0xff000000) << 32 | (u64)attr << 40;
}

static u64 *reg(enum x86_reg n)
{
	return &emu.v->regs.r[n];
}

static void entry(u16 selector, u64 value)
{
	emu_set_ram(TABLE + selector, 8, value);
}

static void set_segment(enum x86_seg seg, u16 selector, u16 attr)
{
	emu.v->state.seg[seg] =
		(struct segment){ .selector = selector, .attr = attr, .limit = 0xffffffff };
}

/* 64-bit mode at that CPL, with a GDT. */
static void start(u8 cpl)
{
	struct cpu_state *state = &emu.v->state;

	emu_start(EMU_64);
	entry(0, 0);
	entry(CODE64, descriptor(0, 0xfffff, 0xa09b));
	entry(DATA, descriptor(0, 0xfffff, 0xc093));
	entry(CODE_USER, descriptor(0, 0xfffff, 0xa0fb));
	entry(DATA_USER, descriptor(0, 0xfffff, 0xc0f2));
	entry(TSS, descriptor(TSS_AT, 0x67, 0x89));
	entry(TSS + 8, 0xffff8000);
	entry(GATE, 0x4567 | (u64)CODE64 << 16 | 0xecull << 40 | 0x0123ull << 48);
	entry(GATE + 8, 0xffff8000);
	entry(LDT, descriptor(0x1000, 0xff, 0x82));
	entry(LDT + 8, 0);
	entry(CODE32, descriptor(0, 0xfffff, 0xc09b));
	entry(ABSENT, descriptor(0, 0xfffff, 0xc013));
	entry(BOTH, descriptor(0, 0xfffff, 0xe09b));
	emu_set_ram(TSS_AT + 4, 8, INNER_STACK);
	state->gdtr = (struct table_register){ .base = TABLE, .limit = TABLE_SIZE - 1 };
	state->tr = (struct segment){ .selector = TSS, .attr = 0x8b, .limit = 0x67,
				      .base = TSS_AT };
	state->cpl = cpl;
	if (cpl) {
		set_segment(SEG_CS, CODE_USER | 3, 0xafb);
		set_segment(SEG_SS, DATA_USER | 3, 0xcf3);
	}
	emu_settle();
	*reg(REG_RBX) = DEV;
	*reg(REG_RSP) = EMU_RAM + 0x1800;
}

/* As emu_run, for instructions that move RIP themselves. */
static enum exit_outcome run(const u8 *bytes, unsigned len)
{
	struct vcpu *v = emu.v;

	check(memory_write(emu.vm, gpa(EMU_CODE), bytes, len) == 0);
	v->regs.rip = EMU_CODE;
	v->exit = (struct vm_exit){ .reason = EXIT_MEMORY };
	emulate_instruction(v);
	CU_ASSERT_FALSE(host_locked(&emu.vm->lock));
	return v->exit.outcome;
}
#define RUN(...) run((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void expect(u8 vector, u32 error)
{
	emu_expect_fault(vector, error, 0);
	CU_ASSERT_EQUAL(emu.v->regs.rip, EMU_CODE);
}

/* ---- Segment registers ------------------------------------------------------------------- */

static void test_move(void)
{
	start(0);
	emu_set_device(DEV, 8, DATA_USER);
	CU_ASSERT_EQUAL(RUN(0x8e, 0x23), OUTCOME_DONE); /* MOV FS, [RBX] */
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->seg[SEG_FS].selector, DATA_USER);
	CU_ASSERT_EQUAL(emu.v->state.seg[SEG_FS].attr, 0xcf3); /* accessed now */
	CU_ASSERT_EQUAL(emu_ram(TABLE + DATA_USER + 5, 1), 0xf3);
	emu_set_device(DEV, 8, ABSENT);
	RUN(0x8e, 0x23);
	expect(VECTOR_NP, ABSENT);
	RUN(0x8e, 0x13);
	expect(VECTOR_SS, ABSENT);
	emu_set_device(DEV, 8, TABLE_SIZE | 1);
	RUN(0x8e, 0x23);
	expect(VECTOR_GP, TABLE_SIZE);
	emu_set_device(DEV, 8, 1);
	RUN(0x8e, 0x13); /* a null stack, but of another level */
	expect(VECTOR_GP, 0);
	emu_set_device(DEV, 8, 0);
	CU_ASSERT_EQUAL(RUN(0x8e, 0x13), OUTCOME_RETRY); /* MOV SS: RIP moves, a shadow begins */
	CU_ASSERT_EQUAL(emu.v->regs.rip, EMU_CODE + 2);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_INT)->shadow, SHADOW_MOV_SS);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->seg[SEG_SS].attr, 0);
	start(3);
	emu_set_device(DEV, 8, 3);
	RUN(0x8e, 0x13); /* no user without a stack */
	expect(VECTOR_GP, 0);
	emu_set_device(DEV, 8, DATA);
	RUN(0x8e, 0x23);
	expect(VECTOR_GP, DATA);
}

/* The table is the system's: its page need not be the user's; without it, #PF of the system. */
static void test_table_pages(void)
{
	start(3);
	*fake_pte(emu.vm, TABLE) &= ~(u64)PTE_U;
	emu_set_device(DEV, 8, DATA_USER | 3);
	CU_ASSERT_EQUAL(RUN(0x8e, 0x1b), OUTCOME_DONE);
	*fake_pte(emu.vm, TABLE) = 0;
	fetch_flush(emu.v);
	RUN(0x8e, 0x1b);
	emu_expect_fault(VECTOR_PF, 0, TABLE + DATA_USER);
	emu_end();
	emu_begin();
}

/* ---- The system's registers ---------------------------------------------------------------- */

static void test_tables(void)
{
	start(0);
	emu_set_device(DEV, 2, 0x1ff);
	emu_set_device(DEV + 2, 8, 0xffff800000002000);
	CU_ASSERT_EQUAL(RUN(0x0f, 0x01, 0x1b), OUTCOME_DONE); /* LIDT */
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->idtr.base, 0xffff800000002000);
	CU_ASSERT_EQUAL(emu.v->state.idtr.limit, 0x1ff);
	CU_ASSERT_EQUAL(RUN(0x66, 0x0f, 0x01, 0x1b), OUTCOME_DONE); /* 66 changes nothing here */
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->idtr.base, 0xffff800000002000);
	*reg(REG_RBX) = DEV + 0x40;
	CU_ASSERT_EQUAL(RUN(0x0f, 0x01, 0x0b), OUTCOME_DONE); /* SIDT */
	CU_ASSERT_EQUAL(emu_device(DEV + 0x40, 2), 0x1ff);
	CU_ASSERT_EQUAL(emu_device(DEV + 0x42, 8), 0xffff800000002000);
	emu_set_device(DEV + 0x42, 8, 0x0000800000000000);
	RUN(0x0f, 0x01, 0x13); /* LGDT */
	expect(VECTOR_GP, 0);
	emu.accesses = 0;
	start(3);
	RUN(0x0f, 0x01, 0x13);
	expect(VECTOR_GP, 0);
	RUN(0x0f, 0x00, 0x13); /* LLDT */
	expect(VECTOR_GP, 0);
	RUN(0x0f, 0x01, 0x33); /* LMSW */
	expect(VECTOR_GP, 0);
	CU_ASSERT_EQUAL(emu.accesses, 0);
	CU_ASSERT_EQUAL(RUN(0x0f, 0x01, 0x03), OUTCOME_DONE); /* SGDT, unless ... */
	/* Its base is a store of its own, behind that of the limit. */
	emu.v->state.cr0 |= CR0_AM;
	emu.v->regs.rflags |= RFLAGS_AC;
	emu_settle();
	emu_set_device(DEV, 2, 0);
	RUN(0x0f, 0x01, 0x03);
	expect(VECTOR_AC, 0);
	CU_ASSERT_EQUAL(emu_device(DEV, 2), TABLE_SIZE - 1);
	*reg(REG_RBX) = DEV + 6;
	CU_ASSERT_EQUAL(RUN(0x0f, 0x01, 0x03), OUTCOME_DONE);
	emu.v->regs.rflags &= ~RFLAGS_AC;
	emu.v->state.cr4 |= CR4_UMIP;
	emu_settle();
	RUN(0x0f, 0x01, 0x03);
	expect(VECTOR_GP, 0);
	RUN(0x0f, 0x00, 0x0b); /* STR */
	expect(VECTOR_GP, 0);
}

/* CLFLUSH, CLFLUSHOPT and CLWB ask the tables as a load does; the device hears of none. */
static void test_flushes(void)
{
	start(3);
	emu.accesses = 0;
	CU_ASSERT_EQUAL(RUN(0x0f, 0xae, 0x3b), OUTCOME_DONE);
	CU_ASSERT_EQUAL(RUN(0x66, 0x0f, 0xae, 0x3b), OUTCOME_DONE);
	CU_ASSERT_EQUAL(RUN(0x66, 0x0f, 0xae, 0x33), OUTCOME_DONE);
	*reg(REG_RBX) = 0x0000800000000000;
	RUN(0x0f, 0xae, 0x3b);
	expect(VECTOR_GP, 0);
	CU_ASSERT_EQUAL(emu.accesses, 0);
}

static void test_task_register(void)
{
	start(0);
	emu_set_device(DEV, 2, TSS);
	CU_ASSERT_EQUAL(RUN(0x0f, 0x00, 0x1b), OUTCOME_DONE); /* LTR */
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->tr.base, 0xffff800000000000 | TSS_AT);
	CU_ASSERT_EQUAL(emu.v->state.tr.attr, 0x8b);
	CU_ASSERT_EQUAL(emu_ram(TABLE + TSS + 5, 1), 0x8b); /* busy */
	RUN(0x0f, 0x00, 0x1b);
	expect(VECTOR_GP, TSS);
	emu_set_device(DEV, 2, LDT);
	CU_ASSERT_EQUAL(RUN(0x0f, 0x00, 0x13), OUTCOME_DONE); /* LLDT */
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->ldtr.base, 0x1000);
	entry(LDT + 8, 0x00008000); /* not canonical: no CPU would be entered with it */
	RUN(0x0f, 0x00, 0x13);
	expect(VECTOR_GP, LDT);
	entry(TSS, descriptor(TSS_AT, 0x67, 0x89));
	entry(TSS + 8, 0x00008000);
	emu_set_device(DEV, 2, TSS);
	RUN(0x0f, 0x00, 0x1b);
	expect(VECTOR_GP, TSS);
	CU_ASSERT_EQUAL(emu_ram(TABLE + TSS + 5, 1), 0x89);
	emu_set_device(DEV, 2, LDT);
	emu.v->state.gdtr.limit = LDT + 7; /* half of it */
	emu_settle();
	RUN(0x0f, 0x00, 0x13);
	expect(VECTOR_GP, LDT);
	emu_start(EMU_16);
	*reg(REG_RBX) = 0;
	RUN(0x0f, 0x00, 0x17); /* LLDT does not exist in real mode */
	CU_ASSERT_EQUAL(emu.v->exit.fault.vector, VECTOR_UD);
	CU_ASSERT_FALSE(emu.v->exit.fault.has_error);
}

/* ---- Far transfers ---------------------------------------------------------------------- */

static void pointer(u64 offset, unsigned size, u16 selector)
{
	emu_set_device(DEV, size, offset);
	emu_set_device(DEV + size, 2, selector);
}

/* On AMD's CPUs, REX.W or not, the offset has 32 bits, and the register that it goes to 64. */
static void test_pointers_of_amd(void)
{
	u8 vendor = emu.vm->cpuid.vendor;

	start(0);
	emu.vm->cpuid.vendor = CPUID_VENDOR_AMD;
	pointer(0x12345678, 4, CODE64);
	CU_ASSERT_EQUAL(RUN(0x48, 0xff, 0x2b), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0x12345678);
	emu.v->regs.r[REG_RSP] = EMU_RAM + 0x100;
	CU_ASSERT_EQUAL(RUN(0x48, 0xff, 0x1b), OUTCOME_RETRY); /* CALL FAR pushes 64 bits */
	CU_ASSERT_EQUAL(emu.v->regs.r[REG_RSP], EMU_RAM + 0xf0);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0xf0, 8), EMU_CODE + 3);
	pointer(0x89abcdef, 4, DATA);
	emu.v->regs.r[REG_RDX] = ~0ull;
	RUN(0x48, 0x0f, 0xb4, 0x13); /* LFS RDX, [RBX] */
	CU_ASSERT_EQUAL(emu.v->regs.r[REG_RDX], 0x89abcdef);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->seg[SEG_FS].selector, DATA);
	emu.vm->cpuid.vendor = CPUID_VENDOR_INTEL;
	pointer(0x1122334455667788, 8, DATA);
	RUN(0x48, 0x0f, 0xb4, 0x13);
	CU_ASSERT_EQUAL(emu.v->regs.r[REG_RDX], 0x1122334455667788);
	emu.vm->cpuid.vendor = vendor;
}

static void test_jump(void)
{
	start(0);
	pointer(0x12345678, 4, CODE64);
	emu.v->state.shadow = SHADOW_STI;
	emu.v->regs.rflags |= RFLAGS_RF;
	emu_settle();
	CU_ASSERT_EQUAL(RUN(0xff, 0x2b), OUTCOME_RETRY); /* JMP FAR [RBX] */
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0x12345678);
	CU_ASSERT_EQUAL(emu.v->regs.rflags & RFLAGS_RF, 0);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_INT)->shadow, 0);
	pointer(0xffff800000001234, 8, CODE64);
	CU_ASSERT_EQUAL(RUN(0x48, 0xff, 0x2b), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0xffff800000001234);
	pointer(0x0000800000000000, 8, CODE64);
	RUN(0x48, 0xff, 0x2b);
	expect(VECTOR_GP, 0);
	pointer(0x1234, 4, BOTH);
	RUN(0xff, 0x2b);
	expect(VECTOR_GP, BOTH);
	pointer(0x1234, 4, TSS); /* no tasks in long mode */
	RUN(0xff, 0x2b);
	expect(VECTOR_GP, TSS);
	pointer(0x1234, 4, 0);
	RUN(0xff, 0x2b);
	expect(VECTOR_GP, 0);
	pointer(0x1234, 4, CODE32);
	CU_ASSERT_EQUAL(RUN(0xff, 0x2b), OUTCOME_RETRY); /* into compatibility mode */
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_EXEC)->seg[SEG_CS].selector, CODE32);
	CU_ASSERT_FALSE(emu.v->state.seg[SEG_CS].attr & SEG_ATTR_L);
}

/* From user mode through a gate: a null SS, four values of eight bytes on the inner stack. */
static void test_gate(void)
{
	start(3);
	pointer(0, 4, GATE | 3);
	CU_ASSERT_EQUAL(RUN(0xff, 0x1b), OUTCOME_RETRY); /* CALL FAR [RBX] */
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0xffff800001234567);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_EXEC)->cpl, 0);
	CU_ASSERT_EQUAL(emu.v->state.seg[SEG_CS].selector, CODE64);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->seg[SEG_SS].selector, 0);
	CU_ASSERT_EQUAL(*reg(REG_RSP), INNER_STACK - 32);
	CU_ASSERT_EQUAL(emu_ram(INNER_STACK - 8, 8), DATA_USER | 3);
	CU_ASSERT_EQUAL(emu_ram(INNER_STACK - 16, 8), EMU_RAM + 0x1800);
	CU_ASSERT_EQUAL(emu_ram(INNER_STACK - 24, 8), CODE_USER | 3);
	CU_ASSERT_EQUAL(emu_ram(INNER_STACK - 32, 8), EMU_CODE + 2);
	start(3);
	pointer(0, 4, GATE | 3);
	RUN(0xff, 0x2b); /* JMP does not go inwards */
	expect(VECTOR_GP, CODE64);
	emu_set_ram(TSS_AT + 4, 8, 0x0000800000000000);
	RUN(0xff, 0x1b);
	expect(VECTOR_SS, 0);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_EXEC)->cpl, 3);
	emu_set_ram(TSS_AT + 4, 8, EMU_NOTHING + GiB(4)); /* not mapped: the system's #PF */
	RUN(0xff, 0x1b);
	emu_expect_fault(VECTOR_PF, PF_WRITE, EMU_NOTHING + GiB(4) - 8);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_EXEC)->cpl, 3);
	CU_ASSERT_EQUAL(*reg(REG_RSP), EMU_RAM + 0x1800);
	CU_ASSERT_EQUAL(emu.v->state.seg[SEG_SS].selector, DATA_USER | 3);
}

/* RETF and IRETQ with the stack in the device. */
static void test_returns(void)
{
	static const u64 frame[] = { 0x5000, CODE_USER | 3, 0x202, 0x7ff0, DATA_USER | 3 };

	start(0);
	for (unsigned i = 0; i < ARRAY_SIZE(frame); i++)
		emu_set_device(DEV + 8 * i, 8, frame[i]);
	*reg(REG_RSP) = DEV;
	emu.v->state.nmi_blocked = true;
	set_segment(SEG_DS, DATA, 0xc93);
	emu_settle();
	CU_ASSERT_EQUAL(RUN(0x48, 0xcf), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0x5000);
	CU_ASSERT_EQUAL(*reg(REG_RSP), 0x7ff0);
	CU_ASSERT_EQUAL(emu.v->regs.rflags, 0x202);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_EXEC)->cpl, 3);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->seg[SEG_DS].attr, 0); /* was the system's */
	CU_ASSERT_FALSE(vcpu_state(emu.v, STATE_INT)->nmi_blocked);
	start(0);
	emu_set_device(DEV + 8, 8, CODE64); /* the same level: RSP and SS come all the same */
	emu_set_device(DEV + 32, 8, 0);
	*reg(REG_RSP) = DEV;
	CU_ASSERT_EQUAL(RUN(0x48, 0xcf), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(*reg(REG_RSP), 0x7ff0);
	emu_set_device(DEV + 8, 8, CODE_USER | 3);
	emu_set_device(DEV + 32, 8, 0x7ff0); /* behind the parameters */
	emu_set_device(DEV + 40, 8, DATA_USER | 3);
	*reg(REG_RSP) = DEV;
	CU_ASSERT_EQUAL(RUN(0x48, 0xca, 0x10, 0x00), OUTCOME_RETRY); /* RETF 16 */
	CU_ASSERT_EQUAL(*reg(REG_RSP), 0x8000);
	start(3);
	*reg(REG_RSP) = DEV;
	emu_set_device(DEV + 8, 8, CODE64);
	RUN(0x48, 0xcf); /* not inwards */
	expect(VECTOR_GP, CODE64);
	emu.v->regs.rflags |= RFLAGS_NT;
	RUN(0x48, 0xcf);
	expect(VECTOR_GP, 0);
}

/* ---- Flags and single steps --------------------------------------------------------------- */

/* The trap belongs to an instruction that began with TF set, not to one that sets it. */
static void test_trap_flag(void)
{
	start(0);
	*reg(REG_RSP) = DEV;
	emu_set_device(DEV, 8, RFLAGS_TF | RFLAGS_IF | RFLAGS_ONE);
	CU_ASSERT_EQUAL(RUN(0x9d), OUTCOME_RETRY); /* POPF */
	CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_TF | RFLAGS_IF | RFLAGS_ONE);
	CU_ASSERT_EQUAL(emu.v->raised.type, EVENT_NONE);
	emu_set_device(DEV, 8, 0);
	*reg(REG_RSP) = DEV;
	CU_ASSERT_EQUAL(RUN(0x9d), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_ONE);
	CU_ASSERT_EQUAL(emu.v->raised.type, EVENT_EXCEPTION);
	CU_ASSERT_EQUAL(emu.v->raised.vector, VECTOR_DB);
	CU_ASSERT_EQUAL(emu.v->raised.dr6, DR6_BS);
	emu.v->raised.type = EVENT_NONE;
	start(3); /* IOPL 0: neither IF nor IOPL change */
	*reg(REG_RSP) = DEV;
	emu_set_device(DEV, 8, RFLAGS_IF | RFLAGS_IOPL | RFLAGS_CF);
	CU_ASSERT_EQUAL(RUN(0x9d), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_ONE | RFLAGS_CF);
}

/* INS and OUTS of users, by IOPL and the map in the TSS, whatever was checked before the exit. */
static void test_ports(void)
{
	start(3);
	emu.v->state.tr.limit = 0x68 + 0x1000;
	emu_settle();
	emu_set_ram(TSS_AT + 102, 2, 0x68);
	emu_set_ram(TSS_AT + 0x68 + EMU_PORT / 8, 2, 0xfff8);
	*reg(REG_RDX) = EMU_PORT;
	*reg(REG_RDI) = DEV;
	CU_ASSERT_EQUAL(RUN(0x6c), OUTCOME_DONE); /* INSB */
	CU_ASSERT_EQUAL(RUN(0x66, 0x6d), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.port_accesses, 2);
	RUN(0x6d); /* the fourth port is not allowed */
	expect(VECTOR_GP, 0);
	emu.v->regs.rflags |= RFLAGS_IOPL;
	CU_ASSERT_EQUAL(RUN(0x6d), OUTCOME_DONE);
	emu.v->regs.rflags &= ~(u64)RFLAGS_IOPL;
	emu.v->state.tr.limit = 0x68 + EMU_PORT / 8; /* one byte too short */
	emu_settle();
	RUN(0x6c);
	expect(VECTOR_GP, 0);
	CU_ASSERT_EQUAL(emu.port_accesses, 3);
}

/* Control words and the whole state of the FPU. */
static void test_fpu(void)
{
	start(0);
	memset(emu.v->xsave, 0, FAKE_XSAVE_SIZE);
	CU_ASSERT_EQUAL(RUN(0xd9, 0x3b), OUTCOME_DONE); /* FNSTCW: never used */
	CU_ASSERT_EQUAL(emu_device(DEV, 2), 0x37f);
	emu_set_device(DEV, 2, 0x27f);
	CU_ASSERT_EQUAL(RUN(0xd9, 0x2b), OUTCOME_DONE); /* FLDCW */
	emu_set_device(DEV, 4, 0x1f80);
	CU_ASSERT_EQUAL(RUN(0x0f, 0xae, 0x13), OUTCOME_DONE); /* LDMXCSR */
	emu_set_device(DEV, 4, 0x10000);
	RUN(0x0f, 0xae, 0x13);
	expect(VECTOR_GP, 0);
	emu_set_device(DEV + 416, 8, 0x5555);
	CU_ASSERT_EQUAL(RUN(0x0f, 0xae, 0x03), OUTCOME_DONE); /* FXSAVE */
	CU_ASSERT_EQUAL(emu_device(DEV, 4), 0x27f);
	CU_ASSERT_EQUAL(emu_device(DEV + 24, 4), 0x1f80);
	CU_ASSERT_EQUAL(emu_device(DEV + 416, 8), 0x5555); /* is not written */
	emu_set_device(DEV + 160, 8, 0x1122334455667788);
	CU_ASSERT_EQUAL(RUN(0x0f, 0xae, 0x0b), OUTCOME_DONE); /* FXRSTOR */
	CU_ASSERT_EQUAL(load64((u8 *)emu.v->xsave + 160), 0x1122334455667788);
	*reg(REG_RBX) = DEV + 8;
	RUN(0x0f, 0xae, 0x03);
	expect(VECTOR_GP, 0);
	emu.v->state.cr0 |= CR0_TS;
	emu_settle();
	RUN(0xdd, 0x3b); /* FNSTSW */
	CU_ASSERT_EQUAL(emu.v->exit.fault.vector, VECTOR_NM);
	emu_end();
	emu_begin();
}

/* Virtual-8086 mode: PUSHF, POPF and IRET are the monitor's, unless IOPL is 3 or CR4.VME helps. */
static void test_v86(void)
{
	emu_start(EMU_32);
	emu.v->state.cpl = 3;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		emu.v->state.seg[i] = (struct segment){ .attr = 0xf3, .limit = 0xffff,
							.base = i == SEG_SS ? DEV : 0,
							.selector = i == SEG_SS ? DEV >> 4 : 0 };
	emu_settle();
	emu.v->regs.rflags |= RFLAGS_VM;
	*reg(REG_RSP) = 0x100;
	RUN(0x9c);
	expect(VECTOR_GP, 0);
	RUN(0x9d);
	expect(VECTOR_GP, 0);
	RUN(0xcf);
	expect(VECTOR_GP, 0);
	emu.v->state.cr4 |= CR4_VME;
	emu_settle();
	emu.v->regs.rflags |= RFLAGS_VIF;
	CU_ASSERT_EQUAL(RUN(0x9c), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu_device(DEV + 0xfe, 2), RFLAGS_IF | RFLAGS_IOPL | RFLAGS_ONE);
	emu_set_device(DEV + 0xfe, 2, RFLAGS_CF);
	CU_ASSERT_EQUAL(RUN(0x9d), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_VM | RFLAGS_ONE | RFLAGS_CF);
	emu.v->regs.rflags |= RFLAGS_IOPL;
	*reg(REG_RSP) = 0x100;
	emu_set_device(DEV + 0x100, 2, 0x1234);
	emu_set_device(DEV + 0x102, 2, 0x5000);
	emu_set_device(DEV + 0x104, 2, RFLAGS_ZF);
	CU_ASSERT_EQUAL(RUN(0xcf), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0x1234);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_EXEC)->seg[SEG_CS].base, 0x50000);
	CU_ASSERT_EQUAL(emu.v->regs.rflags & 0xffff, RFLAGS_ZF | RFLAGS_IOPL | RFLAGS_ONE);
}

/* In real mode a register that was null in protected mode is a segment of 64 KiB again. */
static void test_real_segment(void)
{
	emu_start(EMU_16);
	emu.v->state.seg[SEG_DS] = (struct segment){ 0 };
	emu.v->state.seg[SEG_ES].base = DEV;
	emu_settle();
	emu_set_device(DEV, 2, 0x1234);
	*reg(REG_RBX) = 0;
	CU_ASSERT_EQUAL(RUN(0x26, 0x8e, 0x1f), OUTCOME_DONE); /* MOV DS, ES:[BX] */
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->seg[SEG_DS].base, 0x12340);
	CU_ASSERT_EQUAL(emu.v->state.seg[SEG_DS].attr, 0x93);
	CU_ASSERT_EQUAL(emu.v->state.seg[SEG_DS].limit, 0xffff);
	emu.v->state.seg[SEG_DS].limit = 0xffffffff; /* "unreal" */
	emu_settle();
	RUN(0x26, 0x8e, 0x1f);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->seg[SEG_DS].limit, 0xffffffff);
}

/* A gate to an inner stack without room: #SS names that stack. */
static void test_inner_stack(void)
{
	emu_start(EMU_32);
	entry(0x08, descriptor(0, 0xfffff, 0xc09b));
	entry(0x10, descriptor(0, 0, 0x4093)); /* one byte */
	entry(0x18, 0x4567 | 0x08ull << 16 | 0xecull << 40);
	emu_set_ram(TSS_AT + 4, 4, 0x100);
	emu_set_ram(TSS_AT + 8, 2, 0x10);
	emu.v->state.gdtr = (struct table_register){ .base = TABLE, .limit = 0x1f };
	emu.v->state.tr = (struct segment){ .selector = 0x40, .attr = 0x8b, .limit = 0x67,
					    .base = TSS_AT };
	emu.v->state.cpl = 3;
	set_segment(SEG_CS, 0x23, 0xcfb);
	set_segment(SEG_SS, 0x2b, 0xcf3);
	emu_settle();
	*reg(REG_RBX) = DEV;
	*reg(REG_RSP) = EMU_RAM + 0x1800;
	pointer(0, 4, 0x1b);
	RUN(0xff, 0x1b); /* CALL FAR [EBX] */
	expect(VECTOR_SS, 0x10);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_EXEC)->cpl, 3);
	CU_ASSERT_EQUAL(*reg(REG_RSP), EMU_RAM + 0x1800);
}

/* IRET of real mode, and to virtual-8086 mode. */
static void test_iret_modes(void)
{
	static const u32 frame[] = { 0x10000, 0x1000, RFLAGS_VM | RFLAGS_ONE,
				     0x800,   0x2000, 0x3000, 0x4000, 0x5000, 0x6000 };

	emu_start(EMU_16);
	emu.v->state.seg[SEG_SS].base = DEV;
	emu_settle();
	*reg(REG_RSP) = 0x100;
	emu_set_device(DEV + 0x100, 4, 0x1234);
	emu_set_device(DEV + 0x104, 4, 0x5000);
	emu_set_device(DEV + 0x108, 4, RFLAGS_VIF | RFLAGS_VIP | RFLAGS_AC | RFLAGS_ONE);
	CU_ASSERT_EQUAL(RUN(0x66, 0xcf), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_AC | RFLAGS_ONE);
	emu_start(EMU_32);
	*reg(REG_RSP) = DEV;
	for (unsigned i = 0; i < ARRAY_SIZE(frame); i++)
		emu_set_device(DEV + 4 * i, 4, frame[i]);
	RUN(0xcf); /* IP has 16 bits there */
	expect(VECTOR_GP, 0);
	CU_ASSERT_FALSE(emu.v->regs.rflags & RFLAGS_VM);
	emu_set_device(DEV, 4, 0xffff);
	CU_ASSERT_EQUAL(RUN(0xcf), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.v->regs.rip, 0xffff);
	CU_ASSERT_EQUAL(*reg(REG_RSP), 0x800);
	CU_ASSERT_TRUE(emu.v->regs.rflags & RFLAGS_VM);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_EXEC)->cpl, 3);
	CU_ASSERT_EQUAL(vcpu_state(emu.v, STATE_SEG)->seg[SEG_GS].base, 0x60000);
	CU_ASSERT_EQUAL(emu.v->state.seg[SEG_SS].attr, 0xf3);
}

void test_emulate_system_register(void)
{
	CU_pSuite suite = CU_add_suite("emulate system", emu_begin, emu_end);

	CU_add_test(suite, "segment registers", test_move);
	CU_add_test(suite, "pages of the table", test_table_pages);
	CU_add_test(suite, "descriptor tables", test_tables);
	CU_add_test(suite, "LTR, LLDT", test_task_register);
	CU_add_test(suite, "CLFLUSH and its kin", test_flushes);
	CU_add_test(suite, "far jumps", test_jump);
	CU_add_test(suite, "far pointers of AMD's CPUs", test_pointers_of_amd);
	CU_add_test(suite, "a gate inwards", test_gate);
	CU_add_test(suite, "RETF, IRET", test_returns);
	CU_add_test(suite, "POPF and the trap flag", test_trap_flag);
	CU_add_test(suite, "virtual-8086 mode", test_v86);
	CU_add_test(suite, "segments of real mode", test_real_segment);
	CU_add_test(suite, "a gate to a stack without room", test_inner_stack);
	CU_add_test(suite, "IRET, real and to virtual-8086 mode", test_iret_modes);
	CU_add_test(suite, "ports", test_ports);
	CU_add_test(suite, "FPU", test_fpu);
}
