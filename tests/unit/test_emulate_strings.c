/*
 * test_emulate_strings.c - string instructions between RAM, devices and ports
 */
#include "emu.h"
#include "vm/irq.h"

void test_emulate_strings_register(void);

#define REP 0xf3
#define REPNE 0xf2
#define MOVSB 0xa4
#define MOVSW_D 0xa5
#define CMPSB 0xa6
#define STOSB 0xaa
#define LODSB 0xac
#define SCASB 0xae
#define INSB 0x6c
#define INSD 0x6d
#define OUTSB 0x6e
#define OUTSD 0x6f

static u64 *reg(enum x86_reg n)
{
	return &emu.v->regs.r[n];
}

static void set(u64 rsi, u64 rdi, u64 rcx)
{
	*reg(REG_RSI) = rsi;
	*reg(REG_RDI) = rdi;
	*reg(REG_RCX) = rcx;
}

static void fill(u64 at, unsigned count, u8 first)
{
	for (unsigned i = 0; i < count; i++)
		emu_set_ram(at + i, 1, (u8)(first + i));
}

static void expect(u64 rsi, u64 rdi, u64 rcx)
{
	CU_ASSERT_EQUAL(*reg(REG_RSI), rsi);
	CU_ASSERT_EQUAL(*reg(REG_RDI), rdi);
	CU_ASSERT_EQUAL(*reg(REG_RCX), rcx);
}

/* ---- Faults in the middle ------------------------------------------------------- */

/* The registers stand at the element that could not be done; those before it are done. */
static void test_fault_in_the_middle(void)
{
	u64 border = EMU_RAM + PAGE_SIZE;

	emu_start(EMU_64);
	*fake_pte(emu.vm, border) = 0;
	emu_settle();
	fill(EMU_RAM + PAGE_SIZE - 8, 8, 0x10);
	set(border - 3, EMU_DEVICE, 10);
	EMU_RUN(REP, MOVSB);
	emu_expect_fault(VECTOR_PF, 0, border);
	expect(border, EMU_DEVICE + 3, 7);
	CU_ASSERT_EQUAL(emu_device(EMU_DEVICE, 3), 0x171615);
	CU_ASSERT_EQUAL(emu.accesses, 3);
	/* The destination. */
	set(EMU_DEVICE, border - 2, 10);
	emu.accesses = 0;
	EMU_RUN(REP, MOVSB);
	emu_expect_fault(VECTOR_PF, PF_WRITE, border);
	expect(EMU_DEVICE + 2, border, 8);
	/* An element over the border is not done in part. */
	set(EMU_DEVICE, border - 6, 3);
	emu_set_ram(border - 2, 2, 0xeeee);
	EMU_RUN(REP, MOVSW_D);
	emu_expect_fault(VECTOR_PF, PF_WRITE, border);
	expect(EMU_DEVICE + 4, border - 2, 2);
	CU_ASSERT_EQUAL(emu_ram(border - 2, 2), 0xeeee);
	emu_start(EMU_64);
}

static void test_compare_faults_keep_flags(void)
{
	emu_start(EMU_64);
	*fake_pte(emu.vm, EMU_RAM) = 0;
	emu_settle();
	emu.v->regs.rflags = RFLAGS_ONE | RFLAGS_CF;
	set(EMU_DEVICE, EMU_RAM, 5);
	EMU_RUN(REP, CMPSB);
	emu_expect_fault(VECTOR_PF, 0, EMU_RAM);
	expect(EMU_DEVICE, EMU_RAM, 5);
	CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_ONE | RFLAGS_CF);
	emu_start(EMU_64);
}

/* ---- Counts ------------------------------------------------------------------------ */

static void test_counts(void)
{
	for (unsigned mode = EMU_32; mode <= EMU_64; mode++) {
		emu_start(mode);
		set(1, 2, 0);
		CU_ASSERT_EQUAL(EMU_RUN(REP, MOVSB),
				OUTCOME_DONE); /* not even an address is looked at */
		expect(1, 2, 0);
		CU_ASSERT_EQUAL(emu.accesses, 0);
		set(EMU_RAM, EMU_DEVICE, 77);
		CU_ASSERT_EQUAL(EMU_RUN(MOVSB), OUTCOME_DONE); /* no prefix: once */
		expect(EMU_RAM + 1, EMU_DEVICE + 1, 77);
		set(EMU_RAM, EMU_DEVICE, 5);
		CU_ASSERT_EQUAL(EMU_RUN(REPNE, MOVSB), OUTCOME_DONE); /* F2 repeats as well */
		expect(EMU_RAM + 5, EMU_DEVICE + 5, 0);
	}
}

/* A long one is left now and then, so that interrupts get in, and goes on where it was. */
static void test_long_ones_are_left(void)
{
	unsigned turns = 0;

	emu_start(EMU_64);
	set(EMU_RAM, EMU_DEVICE, 5000);
	while (EMU_RUN(REP, MOVSB) == OUTCOME_RETRY) {
		u64 left = *reg(REG_RCX);

		expect(EMU_RAM + 5000 - left, EMU_DEVICE + 5000 - left, left);
		CU_ASSERT_FATAL(++turns < 100);
	}
	CU_ASSERT_EQUAL(emu.v->exit.outcome, OUTCOME_DONE);
	CU_ASSERT(turns > 1);
	expect(EMU_RAM + 5000, EMU_DEVICE + 5000, 0);
	CU_ASSERT_EQUAL(emu.accesses, 5000);
}

/* [SDM] "Single-Step Exception Condition": a trap behind every round, at the instruction until the
 * last. */
static void test_single_step(void)
{
	emu_start(EMU_64);
	emu.v->regs.rflags |= RFLAGS_TF;
	set(EMU_RAM, EMU_DEVICE, 3);
	for (unsigned left = 2; left > 0; left--) {
		CU_ASSERT_EQUAL(EMU_RUN(REP, MOVSB), OUTCOME_RETRY);
		CU_ASSERT_EQUAL(*reg(REG_RCX), left);
		CU_ASSERT_EQUAL(emu.v->raised.type, EVENT_EXCEPTION);
		CU_ASSERT_EQUAL(emu.v->raised.vector, VECTOR_DB);
		CU_ASSERT_EQUAL(emu.v->raised.dr6, DR6_BS);
		emu.v->raised.type = EVENT_NONE;
	}
	/* The last one's is raised by whoever completes it. */
	CU_ASSERT_EQUAL(EMU_RUN(REP, MOVSB), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.v->raised.type, EVENT_NONE);
	expect(EMU_RAM + 3, EMU_DEVICE + 3, 0);
}

/* ---- Directions, widths, addresses --------------------------------------------------- */

struct move {
	const char *name;
	u8 mode, code[4], len;
	bool down;
	u64 rsi, rdi, rcx, rsi_after, rdi_after;
	unsigned moved; /* bytes */
};

#define HIGH 0xabcd0000ull
#define HIGHER 0x1234567800000000ull

/* In 16-bit mode DS is at EMU_RAM, ES at EMU_DEVICE. */
static const struct move moves[] = {
	{ "MOVSW",
	  EMU_16,
	  { REP, MOVSW_D },
	  2,
	  false,
	  HIGH | 0x10,
	  HIGH | 0x20,
	  HIGH | 3,
	  HIGH | 0x16,
	  HIGH | 0x26,
	  6 },
	{ "MOVSD", EMU_16, { 0x66, REP, MOVSW_D }, 3, false, 0x10, 0x20, 3, 0x1c, 0x2c, 12 },
	{ "MOVSB wraps around at 64 KiB",
	  EMU_16,
	  { REP, MOVSB },
	  2,
	  false,
	  HIGH | 0xfffe,
	  HIGH | 0xfffd,
	  5,
	  HIGH | 0x3,
	  HIGH | 0x2,
	  5 },
	{ "MOVSB down through 0",
	  EMU_16,
	  { REP, MOVSB },
	  2,
	  true,
	  HIGH | 1,
	  HIGH | 2,
	  5,
	  HIGH | 0xfffc,
	  HIGH | 0xfffd,
	  5 },
	{ "MOVSB with 32-bit addresses",
	  EMU_16,
	  { 0x67, REP, MOVSB },
	  3,
	  false,
	  0xfff0,
	  0xff80,
	  5,
	  0xfff5,
	  0xff85,
	  5 },
	{ "MOVSD",
	  EMU_32,
	  { REP, MOVSW_D },
	  2,
	  false,
	  EMU_RAM,
	  EMU_DEVICE,
	  3,
	  EMU_RAM + 12,
	  EMU_DEVICE + 12,
	  12 },
	{ "MOVSD down",
	  EMU_32,
	  { REP, MOVSW_D },
	  2,
	  true,
	  EMU_RAM + 8,
	  EMU_DEVICE + 8,
	  3,
	  EMU_RAM - 4,
	  EMU_DEVICE - 4,
	  12 },
	{ "MOVSQ",
	  EMU_64,
	  { REP, 0x48, MOVSW_D },
	  3,
	  false,
	  EMU_RAM,
	  EMU_DEVICE,
	  3,
	  EMU_RAM + 24,
	  EMU_DEVICE + 24,
	  24 },
	{ "MOVSB with 32-bit addresses cuts the registers",
	  EMU_64,
	  { 0x67, REP, MOVSB },
	  3,
	  false,
	  HIGHER | EMU_RAM,
	  HIGHER | EMU_DEVICE,
	  HIGHER | 3,
	  EMU_RAM + 3,
	  EMU_DEVICE + 3,
	  3 },
};

static void run_move(const struct move *m)
{
	struct vcpu *v = emu.v;
	u64 mask = m->mode == EMU_16 && m->code[0] != 0x67 ? 0xffff : ~0ull;

	emu_start(m->mode);
	if (m->mode == EMU_16) {
		v->state.seg[SEG_DS].base = EMU_RAM;
		v->state.seg[SEG_ES].base = EMU_DEVICE;
		emu_settle();
	}
	if (m->down)
		v->regs.rflags |= RFLAGS_DF;
	set(m->rsi, m->rdi, m->rcx);
	emu_run(m->code, m->len);
	if (v->exit.outcome != OUTCOME_DONE || *reg(REG_RSI) != m->rsi_after ||
	    *reg(REG_RDI) != m->rdi_after)
		printf("\n%s: outcome %u, RSI %#llx, RDI %#llx\n", m->name, v->exit.outcome,
		       (unsigned long long)*reg(REG_RSI), (unsigned long long)*reg(REG_RDI));
	CU_ASSERT_EQUAL(v->exit.outcome, OUTCOME_DONE);
	expect(m->rsi_after, m->rdi_after, m->rcx & ~mask);
	CU_ASSERT_EQUAL(emu.accesses * emu.log[0].size, m->moved);
}

static void test_moves(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(moves); i++)
		run_move(&moves[i]);
}

/* There and back again. */
static void test_contents(void)
{
	emu_start(EMU_64);
	fill(EMU_RAM, 64, 0x40);
	set(EMU_RAM, EMU_DEVICE + 0x50, 64);
	CU_ASSERT_EQUAL(EMU_RUN(REP, MOVSB), OUTCOME_DONE);
	set(EMU_DEVICE + 0x50, EMU_RAM + 0x200, 16);
	CU_ASSERT_EQUAL(EMU_RUN(REP, MOVSW_D), OUTCOME_DONE);
	for (unsigned i = 0; i < 64; i++)
		CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0x200 + i, 1), 0x40 + i);
	*reg(REG_RAX) = 0x1122334455667788;
	set(0, EMU_DEVICE, 2);
	CU_ASSERT_EQUAL(EMU_RUN(REP, 0x48, 0xab), OUTCOME_DONE); /* STOSQ */
	CU_ASSERT_EQUAL(emu_device(EMU_DEVICE + 8, 8), 0x1122334455667788);
	set(EMU_DEVICE + 1, 0, 0);
	CU_ASSERT_EQUAL(EMU_RUN(LODSB), OUTCOME_DONE);
	CU_ASSERT_EQUAL(*reg(REG_RAX), 0x1122334455667777);
	CU_ASSERT_EQUAL(*reg(REG_RSI), EMU_DEVICE + 2);
	CU_ASSERT_EQUAL(EMU_RUN(0xad), OUTCOME_DONE); /* LODSD clears the upper half */
	CU_ASSERT_EQUAL(*reg(REG_RAX), 0x33445566);
}

static void test_overrides(void)
{
	emu_start(EMU_64);
	emu.v->state.seg[SEG_FS].base = EMU_DEVICE;
	emu.v->state.seg[SEG_GS].base = 0x10;
	emu_settle();
	emu_set_device(EMU_DEVICE + 8, 1, 0x77);
	set(8, EMU_RAM, 0);
	CU_ASSERT_EQUAL(EMU_RUN(0x64, MOVSB), OUTCOME_DONE); /* the source alone */
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM, 1), 0x77);
	set(0, EMU_DEVICE, 0);
	*reg(REG_RAX) = 0x66;
	CU_ASSERT_EQUAL(EMU_RUN(0x65, STOSB), OUTCOME_DONE); /* a destination has none */
	CU_ASSERT_EQUAL(emu_device(EMU_DEVICE, 1), 0x66);
}

/* ---- Comparing --------------------------------------------------------------------------- */

static void test_compare(void)
{
	emu_start(EMU_64);
	fill(EMU_RAM, 16, 1);
	for (unsigned i = 0; i < 16; i++)
		emu_set_device(EMU_DEVICE + i, 1, 1 + i);
	emu_set_device(EMU_DEVICE + 9, 1, 99);
	set(EMU_RAM, EMU_DEVICE, 16);
	CU_ASSERT_EQUAL(EMU_RUN(REP, CMPSB), OUTCOME_DONE); /* until different */
	expect(EMU_RAM + 10, EMU_DEVICE + 10, 6);
	CU_ASSERT_EQUAL(emu.v->regs.rflags & (RFLAGS_ZF | RFLAGS_CF), RFLAGS_CF); /* 10 - 99 */
	set(EMU_DEVICE + 9, EMU_RAM + 9, 4);
	CU_ASSERT_EQUAL(EMU_RUN(REPNE, CMPSB), OUTCOME_DONE); /* until equal */
	expect(EMU_DEVICE + 11, EMU_RAM + 11, 2);
	CU_ASSERT(emu.v->regs.rflags & RFLAGS_ZF);
	*reg(REG_RAX) = 99;
	set(0, EMU_DEVICE, 16);
	CU_ASSERT_EQUAL(EMU_RUN(REPNE, SCASB), OUTCOME_DONE);
	expect(0, EMU_DEVICE + 10, 6);
	set(0, EMU_DEVICE, 16);
	CU_ASSERT_EQUAL(EMU_RUN(REP, SCASB), OUTCOME_DONE);
	expect(0, EMU_DEVICE + 1, 15);
	CU_ASSERT_FALSE(emu.v->regs.rflags & RFLAGS_CF); /* 99 - 1 */
	/* The count ends it too, and the flags are those of the last round. */
	*reg(REG_RAX) = 200;
	set(0, EMU_DEVICE, 9);
	CU_ASSERT_EQUAL(EMU_RUN(REPNE, SCASB), OUTCOME_DONE);
	expect(0, EMU_DEVICE + 9, 0);
	CU_ASSERT_FALSE(emu.v->regs.rflags & RFLAGS_ZF);
	/* Count 0 changes no flag. */
	emu.v->regs.rflags = RFLAGS_ONE | RFLAGS_ZF | RFLAGS_OF;
	set(0, EMU_DEVICE, 0);
	CU_ASSERT_EQUAL(EMU_RUN(REPNE, SCASB), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.v->regs.rflags, RFLAGS_ONE | RFLAGS_ZF | RFLAGS_OF);
}

/* ---- Ports -------------------------------------------------------------------------------- */

static void test_port_faults(void)
{
	u64 border = EMU_RAM + PAGE_SIZE;

	emu_start(EMU_64);
	emu.v->state.cr0 |= CR0_WP;
	*fake_pte(emu.vm, border) = border | PTE_P | PTE_U;
	emu_settle();
	*reg(REG_RDX) = EMU_PORT;
	set(0, border, 1);
	EMU_RUN(REP, INSB); /* what cannot be stored must not be read */
	emu_expect_fault(VECTOR_PF, PF_PRESENT | PF_WRITE, border);
	CU_ASSERT_EQUAL(emu.port_accesses, 0);
	set(0, border - 2, 1);
	EMU_RUN(REP, INSD);
	emu_expect_fault(VECTOR_PF, PF_PRESENT | PF_WRITE, border);
	CU_ASSERT_EQUAL(emu.port_accesses, 0);
	set(0, border - 2, 5);
	EMU_RUN(REP, INSB);
	emu_expect_fault(VECTOR_PF, PF_PRESENT | PF_WRITE, border);
	CU_ASSERT_EQUAL(emu.port_accesses, 2);
	expect(0, border, 3);
	set(0, 0x0000800000000000, 1);
	EMU_RUN(INSB);
	emu_expect_fault(VECTOR_GP, 0, 0);
	CU_ASSERT_EQUAL(emu.port_accesses, 2);
	*fake_pte(emu.vm, border) = 0;
	set(border - 1, 0, 5);
	EMU_RUN(REP, OUTSB);
	emu_expect_fault(VECTOR_PF, 0, border);
	CU_ASSERT_EQUAL(emu.port_accesses, 3);
	expect(border, 0, 4);
	emu_start(EMU_64);
}

static void test_ports(void)
{
	for (unsigned mode = EMU_32; mode <= EMU_64; mode++) {
		emu_start(mode);
		fill(EMU_RAM, 16, 0x21);
		*reg(REG_RDX) = 0x12340000 | EMU_PORT; /* DX is the port */
		set(EMU_RAM, 0, 3);
		CU_ASSERT_EQUAL(EMU_RUN(REP, OUTSD), OUTCOME_DONE);
		expect(EMU_RAM + 12, 0, 0);
		CU_ASSERT_EQUAL(emu.port_accesses, 3);
		CU_ASSERT_EQUAL(emu.port_log[2].value, 0x2c2b2a29);
		CU_ASSERT_EQUAL(emu.port_log[2].size, 4);
		CU_ASSERT_EQUAL(emu.port_log[2].offset, EMU_PORT);
		set(0, EMU_RAM + 0x100, 2);
		CU_ASSERT_EQUAL(EMU_RUN(REP, 0x66, INSD), OUTCOME_DONE); /* INSW */
		CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0x100, 4), 0x33413340);
		expect(0, EMU_RAM + 0x104, 0);
		emu.v->regs.rflags |= RFLAGS_DF;
		set(0, EMU_DEVICE + 1, 2); /* from a device into another one */
		CU_ASSERT_EQUAL(EMU_RUN(REP, INSB), OUTCOME_DONE);
		CU_ASSERT_EQUAL(emu_device(EMU_DEVICE, 2), 0x4243);
		expect(0, EMU_DEVICE - 1, 0);
	}
}

static void test_ports_in_real_mode(void)
{
	emu_start(EMU_16);
	emu.v->state.seg[SEG_ES].base = EMU_RAM;
	emu.v->state.seg[SEG_FS].base = EMU_RAM;
	emu_settle();
	*reg(REG_RDX) = EMU_PORT;
	set(0, HIGH | 0xffff, 3);
	CU_ASSERT_EQUAL(EMU_RUN(REP, INSB), OUTCOME_DONE);
	expect(0, HIGH | 2, 0);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM + 0xffff, 1), 0x40);
	CU_ASSERT_EQUAL(emu_ram(EMU_RAM, 2), 0x4241);
	set(0, 0xffff, 1);
	EMU_RUN(INSD); /* INSW over the end of the segment */
	emu_expect_fault(VECTOR_GP, 0, 0);
	CU_ASSERT_EQUAL(emu.port_accesses, 3);
	set(1, 0, 1);
	CU_ASSERT_EQUAL(EMU_RUN(0x64, OUTSB), OUTCOME_DONE);
	CU_ASSERT_EQUAL(emu.port_log[3].value, 0x42);
}

/* ---- An end in the middle ------------------------------------------------------------------- */

/* The store that ends the VM is its last one. */
static void test_vm_ends(void)
{
	emu_end();
	emu_begin();
	emu_start(EMU_32);
	emu.vm->config.strict = true;
	set(0, EMU_NOTHING, 100);
	CU_ASSERT_EQUAL(EMU_RUN(REP, STOSB), OUTCOME_RETRY);
	CU_ASSERT_EQUAL(emu.vm->state, VM_DEAD);
	CU_ASSERT_EQUAL(*reg(REG_RCX), 99);
	emu_end();
	emu_begin();
}

void test_emulate_strings_register(void)
{
	CU_pSuite suite = CU_add_suite("emulate_strings", emu_begin, emu_end);

	CU_add_test(suite, "fault in the middle", test_fault_in_the_middle);
	CU_add_test(suite, "a fault keeps the flags", test_compare_faults_keep_flags);
	CU_add_test(suite, "port faults", test_port_faults);
	CU_add_test(suite, "the VM ends in the middle", test_vm_ends);
	CU_add_test(suite, "counts", test_counts);
	CU_add_test(suite, "long ones are left and go on", test_long_ones_are_left);
	CU_add_test(suite, "single step", test_single_step);
	CU_add_test(suite, "directions, widths, address sizes", test_moves);
	CU_add_test(suite, "contents", test_contents);
	CU_add_test(suite, "segment overrides", test_overrides);
	CU_add_test(suite, "comparing", test_compare);
	CU_add_test(suite, "ports", test_ports);
	CU_add_test(suite, "ports in real mode", test_ports_in_real_mode);
}
