/*
 * test_trace.c - the ring of the last exits
 */
#include "machine.h"

#include "fake_host.h"
#include "trace/trace.h"

void test_trace_register(void);

static void bad_size(void *size)
{
	struct trace trace;

	(void)!trace_init(&trace, *(u32 *)size);
}

static void test_sizes(void)
{
	static u32 bad[] = { 0, 3, 100, 0xffffffff };
	struct trace trace = { 0 };

	fake_host_reset();
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT(panics(bad_size, &bad[i]));
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(trace_init(&trace, 64), -HOST_ENOMEM);
	trace_free(&trace); /* harmless */
	fake_host.allocations_left = ~0ull;
	for (u32 size = 1; size <= 65536; size *= 2) {
		CU_ASSERT_EQUAL_FATAL(trace_init(&trace, size), 0);
		CU_ASSERT(fake_host.pages_out >= size * sizeof(struct trace_entry));
		for (u32 i = 0; i < size; i++) /* all of it is ours: the sanitizer looks */
			trace_next(&trace)->raw = i;
		trace_free(&trace);
		trace_free(&trace);
	}
	CU_ASSERT(fake_host_clean());
}

static void test_newest_first(void)
{
	struct trace trace;

	fake_host_reset();
	CU_ASSERT_EQUAL_FATAL(trace_init(&trace, 8), 0);
	CU_ASSERT_PTR_NULL(trace_get(&trace, 0));
	for (u64 count = 1; count < 100; count++) {
		u64 held = MIN(count, 8);

		trace_next(&trace)->rip = count;
		for (u64 n = 0; n < held; n++)
			CU_ASSERT_EQUAL(trace_get(&trace, n)->rip, count - n);
		CU_ASSERT_PTR_NULL(trace_get(&trace, held));
		CU_ASSERT_PTR_NULL(trace_get(&trace, ~0ull));
	}
	CU_ASSERT_EQUAL(trace.count, 99);
	trace_free(&trace);
	CU_ASSERT(fake_host_clean());
}

void test_trace_register(void)
{
	CU_pSuite suite = CU_add_suite("trace", NULL, NULL);

	CU_add_test(suite, "sizes", test_sizes);
	CU_add_test(suite, "newest first, until the ring is full and after", test_newest_first);
}
