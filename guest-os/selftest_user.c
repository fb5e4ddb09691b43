/*
 * selftest_user.c - user mode: isolation, system calls, preemption
 *
 * Owns: checks that run the program `tester` (user/tester.c) in one of its modes and look at its
 * end.  A mode that is to fault puts the RIP that it expects into R15.
 */
#include "clock.h"
#include "page.h"
#include "process.h"
#include "sched.h"
#include "selftest.h"

#define ERROR_IDT BIT(1)
#define USER_PROTECTION (PF_PRESENT | PF_USER)
#define SLICE_TEST_US 200000
#define TRIES 15
#define CHILDREN 3

static int start(struct check *c, const char *mode)
{
	const char *words[] = { "tester", mode };
	int pid = process_spawn(words, ARRAY_SIZE(words));

	expect_between(c, "pid", (u64)pid, 1, 0x7fffffff);
	return pid;
}

static void finish(struct check *c, int pid, struct process_end *end)
{
	if (c->what)
		return;
	process_announce(false);
	expect_equal(c, "wait", (u64)process_wait(pid, end), 0);
	process_announce(true);
}

struct fault_row {
	const char *mode;
	u64 vector, error, mask;
};

static void dies(struct check *c, const void *argument)
{
	const struct fault_row *row = argument;
	struct process_end end = { 0 };

	finish(c, start(c, row->mode), &end);
	expect_equal(c, "a fault", end.how, END_FAULT);
	expect_equal(c, "vector", end.frame.vector, row->vector);
	expect_equal(c, "error code", end.frame.error & row->mask, row->error);
	expect_equal(c, "RIP", end.frame.rip, end.frame.r15);
}

static void succeeds(struct check *c, const void *argument)
{
	struct process_end end = { 0 };

	finish(c, start(c, argument), &end);
	expect_equal(c, "an exit", end.how, END_EXIT);
	expect_equal(c, "exit status", (u64)end.status, 0);
}

/* Several at once: each must succeed beside the others. */
static void all_succeed(struct check *c, const void *argument)
{
	int pid[CHILDREN];

	for (int i = 0; i < CHILDREN; i++)
		pid[i] = start(c, argument);
	for (int i = 0; i < CHILDREN; i++) {
		struct process_end end = { 0 };

		finish(c, pid[i], &end);
		expect_equal(c, "an exit", end.how, END_EXIT);
		expect_equal(c, "exit status", (u64)end.status, 0);
	}
}

static void sleep_until(u64 us)
{
	while (clock_us() < us)
		sched_wait(0, us);
}

static u64 run_time(int pid)
{
	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->state != PROCESS_FREE && p->pid == pid)
			return p->run_us;
	return 0;
}

static void end_spinner(struct check *c, int pid)
{
	struct process_end end;

	expect_equal(c, "kill", (u64)process_kill(pid), 0);
	finish(c, pid, &end);
}

/* A loop without system calls: only an interrupt brings us back here. */
static void preempted(struct check *c, const void *argument UNUSED)
{
	int pid = start(c, "spin");

	sleep_until(clock_us() + SLICE_TEST_US / 10);
	expect_between(c, "run time in us", run_time(pid), 1, ~0ull);
	end_spinner(c, pid);
}

/* A machine that is busy elsewhere may stall one of them for long: in time it must even out. */
static void shares(struct check *c, const void *argument UNUSED)
{
	int a = start(c, "spin"), b = start(c, "spin");
	u64 run_a = 0, run_b = 0;

	for (int i = 0; i < TRIES && (!run_a || run_b < run_a / 2 || run_b > run_a * 2); i++) {
		sleep_until(clock_us() + SLICE_TEST_US);
		run_a = run_time(a);
		run_b = run_time(b);
	}
	expect_between(c, "one's run time in us", run_a, 1, ~0ull);
	expect_between(c, "the other's, against it", run_b, run_a / 2, run_a * 2);
	end_spinner(c, a);
	end_spinner(c, b);
}

static void frees_memory(struct check *c, const void *argument UNUSED)
{
	struct process_end end;
	u64 before = page_free_count();

	finish(c, start(c, "demand"), &end);
	expect_equal(c, "free pages", page_free_count(), before);
	finish(c, start(c, "null"), &end);
	expect_equal(c, "free pages", page_free_count(), before);
}

static void no_such_program(struct check *c, const void *argument UNUSED)
{
	const char *words[] = { "nothing" };

	expect_true(c, "refusal", process_spawn(words, 1) < 0);
}

#define FAULT(text, mode, vector, error) \
	{ text, dies, &(const struct fault_row){ mode, vector, error, ~0ull } }
/* The index in the error code of INT is not the same in all emulators. */
#define INT_FAULT(text, mode, vector) \
	{ text, dies, &(const struct fault_row){ mode, vector, ERROR_IDT, BITS(2, 0) } }
#define SUCCESS(text, mode) { text, succeeds, mode }

static const struct selftest tests[] = {
	SUCCESS("user: a program gets its arguments", "arguments"),
	SUCCESS("user: SYSCALL keeps registers; RCX, R11 tell RIP, RFLAGS", "syscall"),
	SUCCESS("user: an unknown system call is refused", "unknown"),
	SUCCESS("user: system calls refuse bad addresses", "addresses"),
	SUCCESS("user: POPF changes neither IF nor IOPL", "popf"),
	SUCCESS("user: new memory is zero and comes on demand", "demand"),
	SUCCESS("user: a page given back comes again as zeros", "unmap"),
	SUCCESS("user: sleep is not too short", "sleep"),
	SUCCESS("user: spawn and wait give the exit status", "spawn"),
	SUCCESS("user: wait gives the vector of a child's fault", "child"),
	FAULT("user: CLI is refused", "cli", VECTOR_GP, 0),
	FAULT("user: STI is refused", "sti", VECTOR_GP, 0),
	FAULT("user: HLT is refused", "hlt", VECTOR_GP, 0),
	FAULT("user: IN is refused", "in", VECTOR_GP, 0),
	FAULT("user: OUT is refused", "out", VECTOR_GP, 0),
	FAULT("user: RDMSR is refused", "rdmsr", VECTOR_GP, 0),
	FAULT("user: WRMSR is refused", "wrmsr", VECTOR_GP, 0),
	FAULT("user: MOV from CR0 is refused", "cr0", VECTOR_GP, 0),
	FAULT("user: MOV to CR3 is refused", "cr3", VECTOR_GP, 0),
	FAULT("user: MOV to DR7 is refused", "dr7", VECTOR_GP, 0),
	FAULT("user: LGDT is refused", "lgdt", VECTOR_GP, 0),
	FAULT("user: LIDT is refused", "lidt", VECTOR_GP, 0),
	FAULT("user: LTR is refused", "ltr", VECTOR_GP, 0),
	FAULT("user: LMSW is refused", "lmsw", VECTOR_GP, 0),
	FAULT("user: CLTS is refused", "clts", VECTOR_GP, 0),
	FAULT("user: INVLPG is refused", "invlpg", VECTOR_GP, 0),
	FAULT("user: WBINVD is refused", "wbinvd", VECTOR_GP, 0),
	FAULT("user: SWAPGS is refused", "swapgs", VECTOR_GP, 0),
	FAULT("user: SYSRET is refused", "sysret", VECTOR_GP, 0),
	INT_FAULT("user: INT through a kernel gate is refused", "int", VECTOR_GP),
	FAULT("user: kernel memory can not be read", "read", VECTOR_PF, USER_PROTECTION),
	FAULT("user: kernel memory can not be written", "write", VECTOR_PF,
	      USER_PROTECTION | PF_WRITE),
	FAULT("user: kernel memory can not be executed", "jump", VECTOR_PF,
	      USER_PROTECTION | PF_FETCH),
	FAULT("user: its code can not be written", "code", VECTOR_PF, USER_PROTECTION | PF_WRITE),
	FAULT("user: its stack can not be executed", "stack", VECTOR_PF,
	      USER_PROTECTION | PF_FETCH),
	FAULT("user: nothing is at address 0", "null", VECTOR_PF, PF_USER),
	FAULT("user: the stack has an end", "deep", VECTOR_PF, PF_USER | PF_WRITE),
	FAULT("user: a wild jump", "wild", VECTOR_PF, PF_USER | PF_FETCH),
	FAULT("user: #DE", "divide", VECTOR_DE, 0),
	FAULT("user: #UD", "ud2", VECTOR_UD, 0),
	FAULT("user: #BP", "int3", VECTOR_BP, 0),
	FAULT("user: #DB by a single step", "step", VECTOR_DB, 0),
	FAULT("user: #OF by INTO in 32-bit code", "into", VECTOR_OF, 0),
	FAULT("user: #BR by BOUND in 32-bit code", "bound", VECTOR_BR, 0),
	{ "user: an endless loop is preempted", preempted, NULL },
	{ "user: two loops share the processor", shares, NULL },
	{ "user: programs do not see each other's memory", all_succeed, "private" },
	{ "user: SSE registers survive preemption", all_succeed, "sse" },
	{ "user: general registers survive preemption", all_succeed, "registers" },
	{ "user: a dead program gives its memory back", frees_memory, NULL },
	{ "a program that does not exist is refused", no_such_program, NULL },
};

const struct selftest_group selftest_user = { tests, ARRAY_SIZE(tests) };
