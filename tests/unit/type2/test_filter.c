/* test_filter.c - hv/type2/filter.c: what is allowed works, whatever else is tried kills */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "type2/attempt.h"
#include "type2/filter.h"

#include <CUnit/CUnit.h>

void test_filter_register(void);
int fake_process(void (*run)(void));

static const char *name;

static void install(void)
{
	static const u32 ioctls[] = { FIONREAD, TIOCGWINSZ };
	const struct filter_wishes wishes = { .ioctls = ioctls, .ioctl_count = 2 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !filter_install(&wishes))
		_exit(99);
}

static void attempt(void)
{
	install();
	_exit(attempt_run(name) ? 2 : 1);
}

static void test_attempts(void)
{
	static const char *const names[] = { "open",	      "create",	 "execve", "socket",
					     "ptrace",	      "fork",	 "thread", "mmap-code",
					     "mprotect-code", "tiocsti", "kill",   "int80" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		name = names[i];
		CU_ASSERT_EQUAL(fake_process(attempt), 256 + SIGSYS);
	}
}

/* Without the filter an attempt comes back and says so: the test above tests something. */
static void unfiltered(void)
{
	_exit(attempt_run(name) ? 2 : 1);
}

static void test_without(void)
{
	name = "open";
	CU_ASSERT_EQUAL(fake_process(unfiltered), 1);
	name = "socket";
	CU_ASSERT_EQUAL(fake_process(unfiltered), 1);
	name = "no such thing";
	CU_ASSERT_EQUAL(fake_process(unfiltered), 2);
}

UNUSED static void ordinary(void)
{
	struct timespec t;
	char bytes[8];
	int waiting;

	install();
	clock_gettime(CLOCK_MONOTONIC, &t);
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		_exit(3);
	ioctl(STDIN_FILENO, FIONREAD, &waiting);
	free(malloc(MiB(4)));
	_exit(42);
}

UNUSED static void test_allowed(void)
{
	int status = fake_process(ordinary);

	CU_ASSERT_EQUAL(status, 42);
	if (status != 42)
		printf("status %d ", status);
}

void test_filter_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: the list of system calls", NULL, NULL);

	CU_add_test(suite, "attempts die", test_attempts);
	CU_add_test(suite, "attempts without it", test_without);
#ifndef UNDER_ASAN /* which makes system calls of its own */
	CU_add_test(suite, "what a guest's process does", test_allowed);
#endif
}
