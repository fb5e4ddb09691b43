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
#include "cpu.h"
#include "hypercall.h"
#include "lib/fmt.h"
#include "lock.h"
#include "net.h"
#include "pci.h"
#include "print.h"
#include "random.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_net.h"

static const struct selftest_group *const groups[] = {
	&selftest_cpu,	     &selftest_exception, &selftest_debug,    &selftest_paging,
	&selftest_interrupt, &selftest_machine,	  &selftest_user,     &selftest_queue,
	&selftest_fs,	     &selftest_net,	  &selftest_firmware,
};

static bool has_processors(void)
{
	return cpu_online() > 1;
}

static bool has_pci(void)
{
	return pci_count;
}

static bool has_gateway(void)
{
	return virtio_net_present() && net_config.gateway;
}

static const struct optional {
	const struct selftest_group *group;
	bool (*present)(void);
} optional[] = {
	{ &selftest_smp, has_processors },	     { &selftest_pci, has_pci },
	{ &selftest_random, random_device_present }, { &selftest_console, virtio_console_present },
	{ &selftest_disk, virtio_blk_present },	     { &selftest_card, virtio_net_present },
	{ &selftest_gateway, has_gateway },	     { &selftest_hypercall, hypercall_present },
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

void expect_exception(struct check *c, void (*function)(u64), u64 argument, u64 vector, u64 error,
		      const char *rip)
{
	struct trap_frame frame = { 0 };

	expect_raises(c, function, argument, vector, rip, &frame);
	expect_equal(c, "error code", frame.error, error);
}

/* Begin each line with this: the check's number in the plan, or what marks it as being in none. */
static bool run_one(const struct selftest *test, const char *mark, unsigned number)
{
	struct check c = { 0 };
	char ordinal[16] = "";

	test->run(&c, test->argument);
	lock_kernel_yield(); /* a processor that spins for it would disturb what is timed */
	if (number)
		fmt_string(ordinal, sizeof(ordinal), "%u ", number);
	if (!c.what)
		print("%sok %s%s\n", mark, ordinal, test->name);
	else if (c.low == c.high)
		print("%snot ok %s%s: expected %s %#lx got %#lx\n", mark, ordinal, test->name,
		      c.what, c.low, c.got);
	else
		print("%snot ok %s%s: expected %s %#lx..%#lx got %#lx\n", mark, ordinal, test->name,
		      c.what, c.low, c.high, c.got);
	return !c.what;
}

/* What this machine has beyond the plan. True if nothing failed. */
static bool run_optional(void)
{
	unsigned total = 0, passed = 0;

	for (const struct optional *o = optional; o < optional + ARRAY_SIZE(optional); o++) {
		if (!o->present())
			continue;
		total += o->group->count;
		for (unsigned i = 0; i < o->group->count; i++)
			passed += run_one(&o->group->tests[i], "# ", 0);
	}
	if (total)
		print("# devices: %u passed of %u\n", passed, total);
	return passed == total;
}

bool selftest_run(void)
{
	unsigned total = 0, number = 0, passed = 0;
	u64 start = clock_us();
	bool others;

	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		total += groups[g]->count;
	print("1..%u\n", total);
	selftest_print_machine();
	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		for (unsigned i = 0; i < groups[g]->count; i++)
			passed += run_one(&groups[g]->tests[i], "", ++number);
	others = run_optional();
	print("# time: %lu ms\n", (clock_us() - start) / 1000);
	print("# end selftest: %u passed of %u\n", passed, total);
	return passed == total && others;
}
