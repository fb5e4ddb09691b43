/*
 * selftest.h - does this machine behave like a PC?
 *
 * A check is a line of a table: a name, a function, and what the function needs to know.  Names
 * and results depend neither on the machine nor on time, so that transcripts can be compared.
 *
 * Some groups need a device, or a second processor.  They are not part of the plan: where the
 * device is, their lines begin with "# ", as all do that differ between machines.
 */
#ifndef GUEST_OS_SELFTEST_H
#define GUEST_OS_SELFTEST_H

#include "trap.h"

/* Run all checks, with a line for each. True if all passed. */
bool selftest_run(void);

/* A check in progress: it passes if nothing unexpected happens. */
struct check {
	const char *what; /* the first thing that was unexpected, or NULL */
	u64 got, low, high;
};

struct selftest {
	const char *name;
	void (*run)(struct check *check, const void *argument);
	const void *argument;
};

struct selftest_group {
	const struct selftest *tests;
	unsigned count;
};

/* One table for each file selftest_*.c */
extern const struct selftest_group selftest_cpu, selftest_exception, selftest_debug,
	selftest_paging, selftest_interrupt, selftest_machine, selftest_user, selftest_queue,
	selftest_fs, selftest_net, selftest_firmware;
extern const struct selftest_group selftest_smp, selftest_pci, selftest_random, selftest_console,
	selftest_disk, selftest_card, selftest_gateway, selftest_hypercall;

/* Lines about the machine, as far as machines differ: facts, not checks. */
void selftest_print_machine(void);

/* Expectations.  Once one has failed, later ones of this check are not looked at. */
void expect_between(struct check *check, const char *what, u64 got, u64 low, u64 high);
void expect_equal(struct check *check, const char *what, u64 got, u64 expected);
void expect_true(struct check *check, const char *what, bool got);

/*
 * Expect that function(argument) raises this exception, at this instruction (NULL: anywhere), with
 * this error code; or give the frame instead, for those who look at more or at less of it.
 */
void expect_exception(struct check *check, void (*function)(u64), u64 argument, u64 vector,
		      u64 error, const char *rip);
void expect_raises(struct check *check, void (*function)(u64), u64 argument, u64 vector,
		   const char *rip, struct trap_frame *frame);

/* selftest_insn.S: an instruction, and the address that its trap must name. */
#define SELFTEST_INSN(name)           \
	void insn_##name(u64 argument); \
	extern const char insn_##name##_at[]

#endif
