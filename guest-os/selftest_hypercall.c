/*
 * selftest_hypercall.c - calls to a hypervisor that announces itself
 *
 * Owns: checks that both forms of a call are the same call.
 */
#include "hypercall.h"
#include "selftest.h"

#define NO_CALL 0x123456789ull
#define VERSION_LEAST 1
#define VERSION_MOST 0xffff

static void version(struct check *c, const void *argument UNUSED)
{
	expect_between(c, "version", hypercall(HYPERCALL_VERSION), VERSION_LEAST, VERSION_MOST);
}

static void by_port(struct check *c, const void *argument UNUSED)
{
	expect_equal(c, "version", hypercall_by_port(HYPERCALL_VERSION),
		     hypercall(HYPERCALL_VERSION));
}

static void unknown(struct check *c, const void *argument UNUSED)
{
	expect_equal(c, "result", hypercall(NO_CALL), HYPERCALL_UNKNOWN);
	expect_equal(c, "result by the port", hypercall_by_port(NO_CALL), HYPERCALL_UNKNOWN);
}

static const struct selftest tests[] = {
	{ "hypercall: the version", version, NULL },
	{ "hypercall: the port is the same call", by_port, NULL },
	{ "hypercall: one that there is not", unknown, NULL },
};

const struct selftest_group selftest_hypercall = { tests, ARRAY_SIZE(tests) };
