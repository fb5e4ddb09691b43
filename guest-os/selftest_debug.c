/*
 * selftest_debug.c - #DB: single step and breakpoints
 *
 * Source: [SDM] "Debug Exceptions" (18.3).
 */
#include "selftest.h"
#include "x86_ops.h"

#define DR7_GLOBAL0 BIT(1)
#define DR7_WRITE0 (1ull << 16) /* break on stores */
#define DR6_BREAKPOINT0 BIT(0)

SELFTEST_INSN(step);
SELFTEST_INSN(step_over_mov_ss);
SELFTEST_INSN(nop);
SELFTEST_INSN(store_break);

static u64 read_dr6(void)
{
	u64 v;

	__asm__ volatile("movq %%dr6, %0" : "=r"(v));
	return v;
}

static void set_dr6(u64 v)
{
	__asm__ volatile("movq %0, %%dr6" ::"r"(v));
}

static void set_breakpoint(u64 address, u64 dr7)
{
	__asm__ volatile("movq %0, %%dr0; movq %1, %%dr7" ::"r"(address), "r"(dr7 | DR7_FIXED));
}

/* Run function; it must raise #DB at rip, with this cause among DR6's. */
static void expect_debug(struct check *c, void (*function)(u64), u64 argument, const char *rip,
			 u64 cause)
{
	struct trap_frame frame = { 0 };

	set_dr6(DR6_FIXED);
	expect_raises(c, function, argument, VECTOR_DB, rip, &frame);
	set_breakpoint(0, 0);
	expect_equal(c, "DR6", read_dr6() & (DR6_BS | BITS(3, 0)), cause);
	if (cause == DR6_BS)
		expect_equal(c, "TF in the frame", frame.rflags & RFLAGS_TF, RFLAGS_TF);
}

static void single_step(struct check *c, const void *argument UNUSED)
{
	expect_debug(c, insn_step, 0, insn_step_at, DR6_BS);
}

static void step_over_mov_ss(struct check *c, const void *argument UNUSED)
{
	expect_debug(c, insn_step_over_mov_ss, 0, insn_step_over_mov_ss_at, DR6_BS);
}

static void break_instruction(struct check *c, const void *argument UNUSED)
{
	set_breakpoint((u64)insn_nop_at, DR7_GLOBAL0);
	expect_debug(c, insn_nop, 0, insn_nop_at, DR6_BREAKPOINT0);
}

static void break_store(struct check *c, const void *argument UNUSED)
{
	static volatile u8 target;

	target = 0;
	set_breakpoint((u64)&target, DR7_GLOBAL0 | DR7_WRITE0);
	expect_debug(c, insn_store_break, (u64)&target, insn_store_break_at, DR6_BREAKPOINT0);
	expect_equal(c, "the byte", target, 1);
}

static void no_break_when_off(struct check *c, const void *argument UNUSED)
{
	struct trap_frame frame;

	set_breakpoint((u64)insn_nop_at, 0);
	expect_true(c, "no exception", !trap_try(insn_nop, 0, &frame));
}

static const struct selftest tests[] = {
	{ "#DB: single step, behind one instruction", single_step, NULL },
	{ "#DB: none between MOV SS and the next instruction", step_over_mov_ss, NULL },
	{ "#DB: breakpoint on an instruction, before it", break_instruction, NULL },
	{ "#DB: breakpoint on a store, behind it", break_store, NULL },
	{ "#DB: none from a breakpoint that is off", no_break_when_off, NULL },
};

const struct selftest_group selftest_debug = { tests, ARRAY_SIZE(tests) };
