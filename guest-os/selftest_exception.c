/*
 * selftest_exception.c - exceptions in kernel mode
 *
 * Owns: checks that an instruction raises its exception, with error code and RIP; those of paging
 * and debugging have files of their own.
 */
#include "segment.h"
#include "layout.h"
#include "selftest.h"
#include "x86_ops.h"

#define GATE_TESTED 0x50
#define ERROR_IDT BIT(1)
#define UNMAPPED TEST_BASE
#define NO_SELECTOR 0x7f8

SELFTEST_INSN(divide);
SELFTEST_INSN(int3);
SELFTEST_INSN(int4);
SELFTEST_INSN(ud2);
SELFTEST_INSN(lock_nop);
SELFTEST_INSN(push_es);
SELFTEST_INSN(too_long);
SELFTEST_INSN(fnop);
SELFTEST_INSN(syscall);
SELFTEST_INSN(ds_absent);
SELFTEST_INSN(ss_absent);
SELFTEST_INSN(ds_beyond);
SELFTEST_INSN(ltr_busy);
SELFTEST_INSN(non_canonical);
SELFTEST_INSN(int_gate);
SELFTEST_INSN(fwait);
SELFTEST_INSN(read);

struct row {
	void (*function)(u64);
	const char *rip;
	u64 vector, error;
};

static void raises(struct check *c, const void *argument)
{
	const struct row *row = argument;

	expect_exception(c, row->function, 0, row->vector, row->error, row->rip);
}

static void device_not_available(struct check *c, const void *argument UNUSED)
{
	x86_write_cr0(x86_read_cr0() | CR0_TS);
	expect_exception(c, insn_fnop, 0, VECTOR_NM, 0, insn_fnop_at);
	__asm__ volatile("clts");
	expect_equal(c, "CR0.TS after CLTS", x86_read_cr0() & CR0_TS, 0);
}

static void x87_error(struct check *c, const void *argument UNUSED)
{
	expect_exception(c, insn_fwait, 0, VECTOR_MF, 0, insn_fwait_at);
	__asm__ volatile("fninit");
}

static void syscall_disabled(struct check *c, const void *argument UNUSED)
{
	x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) & ~EFER_SCE);
	expect_exception(c, insn_syscall, 0, VECTOR_UD, 0, insn_syscall_at);
	x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_SCE);
}

/* Emulators do not agree on the index in this error code: only its lower bits are looked at. */
static void gate_absent(struct check *c, const void *argument UNUSED)
{
	struct trap_frame frame = { 0 };

	trap_set_gate(GATE_TESTED, IST_NONE, false);
	expect_raises(c, insn_int_gate, 0, VECTOR_NP, insn_int_gate_at, &frame);
	expect_equal(c, "error code: EXT, IDT, TI", frame.error & BITS(2, 0), ERROR_IDT);
	trap_set_gate(GATE_TESTED, IST_NONE, true);
}

static u64 stack_seen; /* RSP in the handler, roughly */

static void note_stack(struct trap_frame *frame)
{
	stack_seen = (u64)frame;
	trap_set(frame->vector, NULL);
	trap_dispatch(frame);
}

static void expect_on_stack(struct check *c, enum segment_ist ist)
{
	u64 low, high;

	segment_ist_bounds(ist, &low, &high);
	expect_between(c, "stack", stack_seen, low, high);
}

/* A page fault whose own gate is absent: #NP while #PF is delivered. */
static void double_fault(struct check *c, const void *argument UNUSED)
{
	trap_set(VECTOR_DF, note_stack);
	trap_set_gate(VECTOR_PF, IST_NONE, false);
	expect_exception(c, insn_read, UNMAPPED, VECTOR_DF, 0, NULL);
	trap_set_gate(VECTOR_PF, IST_NONE, true);
	expect_on_stack(c, IST_DOUBLE_FAULT);
}

static const struct row divide = { insn_divide, insn_divide_at, VECTOR_DE, 0 };
static const struct row int3 = { insn_int3, insn_int3_at, VECTOR_BP, 0 };
static const struct row int4 = { insn_int4, insn_int4_at, VECTOR_OF, 0 };
static const struct row ud2 = { insn_ud2, insn_ud2_at, VECTOR_UD, 0 };
static const struct row lock_nop = { insn_lock_nop, insn_lock_nop_at, VECTOR_UD, 0 };
static const struct row push_es = { insn_push_es, insn_push_es_at, VECTOR_UD, 0 };
static const struct row too_long = { insn_too_long, insn_too_long_at, VECTOR_GP, 0 };
static const struct row ds_absent = { insn_ds_absent, insn_ds_absent_at, VECTOR_NP,
				      SELECTOR_ABSENT };
static const struct row ss_absent = { insn_ss_absent, insn_ss_absent_at, VECTOR_SS,
				      SELECTOR_ABSENT };
static const struct row ds_beyond = { insn_ds_beyond, insn_ds_beyond_at, VECTOR_GP, NO_SELECTOR };
static const struct row ltr_busy = { insn_ltr_busy, insn_ltr_busy_at, VECTOR_GP, SELECTOR_TSS };
static const struct row non_canonical = { insn_non_canonical, insn_non_canonical_at, VECTOR_GP, 0 };

static const struct selftest tests[] = {
	{ "#DE: division by zero", raises, &divide },
	{ "#BP: INT3, RIP behind it", raises, &int3 },
	{ "#OF: INT 4, RIP behind it", raises, &int4 },
	{ "#UD: UD2", raises, &ud2 },
	{ "#UD: LOCK before NOP", raises, &lock_nop },
	{ "#UD: PUSH ES in 64-bit mode", raises, &push_es },
	{ "#UD: SYSCALL with EFER.SCE off", syscall_disabled, NULL },
	{ "#NM: x87 with CR0.TS set", device_not_available, NULL },
	{ "#NP: DS with an absent segment", raises, &ds_absent },
	{ "#NP: INT through an absent gate", gate_absent, NULL },
	{ "#SS: SS with an absent segment", raises, &ss_absent },
	{ "#GP: selector behind the GDT", raises, &ds_beyond },
	{ "#GP: LTR with a busy TSS", raises, &ltr_busy },
	{ "#GP: non-canonical address", raises, &non_canonical },
	{ "#GP: instruction of 16 bytes", raises, &too_long },
	{ "#MF: x87 division by zero, at the next FWAIT", x87_error, NULL },
	{ "#DF: #NP while #PF is delivered, on its own stack", double_fault, NULL },
};

const struct selftest_group selftest_exception = { tests, ARRAY_SIZE(tests) };
