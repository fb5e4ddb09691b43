/*
 * selftest.c - does this machine behave like a PC?
 *
 * Owns: the plan, the lines, the verdict.
 * Must not know: what is checked (selftest_*.c), what is only told (selftest_facts.c).
 *
 * The form is close to TAP: a plan "1..N", a line for each check, lines with "# " for what may
 * differ between machines and runs.
 */
#include "selftest.h"

#include "clock.h"
#include "print.h"

static const struct selftest_group *const groups[] = {
	&selftest_cpu,	     &selftest_exception, &selftest_debug, &selftest_paging,
	&selftest_interrupt, &selftest_machine,	  &selftest_user,
};

void expect_between(struct check *c, const char *what, u64 got, u64 low, u64 high)
{
	if (!c->what && (got < low || got > high))
		*c = (struct check){ what, got, low, high };
}

void expect_equal(struct check *c, const char *what, u64 got, u64 expected)
{
	expect_between(c, what, got, expected, expected);
}

void expect_true(struct check *c, const char *what, bool got)
{
	expect_equal(c, what, got, true);
}

void expect_raises(struct check *c, void (*function)(u64), u64 argument, u64 vector,
		   const char *rip, struct trap_frame *frame)
{
	if (!trap_try(function, argument, frame)) {
		expect_true(c, "an exception", false);
		return;
	}
	expect_equal(c, "vector", frame->vector, vector);
	if (rip)
		expect_equal(c, "RIP", frame->rip, (u64)rip);
}

void expect_exception(struct check *c, void (*function)(u64), u64 argument, u64 vector,
		      u64 error, const char *rip)
{
	struct trap_frame frame = { 0 };

	expect_raises(c, function, argument, vector, rip, &frame);
	expect_equal(c, "error code", frame.error, error);
}

static bool run_one(const struct selftest *test, unsigned number)
{
	struct check check = { 0 };

	test->run(&check, test->argument);
	if (!check.what)
		print("ok %u %s\n", number, test->name);
	else if (check.low == check.high)
		print("not ok %u %s: expected %s %#lx got %#lx\n", number, test->name, check.what,
		      check.low, check.got);
	else
		print("not ok %u %s: expected %s %#lx..%#lx got %#lx\n", number, test->name,
		      check.what, check.low, check.high, check.got);
	return !check.what;
}

bool selftest_run(void)
{
	unsigned total = 0, number = 0, passed = 0;
	u64 start = clock_us();

	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		total += groups[g]->count;
	print("1..%u\n", total);
	selftest_print_machine();
	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		for (unsigned i = 0; i < groups[g]->count; i++)
			passed += run_one(&groups[g]->tests[i], ++number);
	print("# time: %lu ms\n", (clock_us() - start) / 1000);
	print("# end selftest: %u passed of %u\n", passed, total);
	return passed == total;
}
