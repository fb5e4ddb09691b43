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

static void write_entry(struct trace *trace, u64 n)
{
	trace_enter(trace, 2 * n);
	trace_leave(trace, 2 * n + 1, n, n + 1000, EXIT_HLT | n << 32);
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
		CU_ASSERT_EQUAL(trace_size(&trace), size);
		CU_ASSERT(fake_host.pages_out >= size * sizeof(struct trace_entry));
		for (u32 i = 1; i <= 2 * size; i++) /* all of it is ours: the sanitizer looks */
			write_entry(&trace, i);
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
	trace_enter(&trace, 1);
	CU_ASSERT_PTR_NULL(trace_get(&trace, 0)); /* still in the guest */
	for (u64 count = 1; count < 100; count++) {
		u64 held = MIN(count, 7); /* one place is being written */

		write_entry(&trace, count);
		trace_enter(&trace, ~0ull);
		for (u64 n = 0; n < held; n++) {
			const struct trace_entry *e = trace_get(&trace, n);

			CU_ASSERT_PTR_NOT_NULL_FATAL(e);
			CU_ASSERT_EQUAL(e->rip, count - n);
			CU_ASSERT_EQUAL(e->info, count - n + 1000);
			CU_ASSERT_EQUAL(e->entered, 2 * (count - n));
			CU_ASSERT_EQUAL(e->left, 2 * (count - n) + 1);
			CU_ASSERT_EQUAL(e->head >> 32, count - n);
			CU_ASSERT_EQUAL(trace_reason(e), EXIT_HLT);
		}
		CU_ASSERT_PTR_NULL(trace_get(&trace, held));
		CU_ASSERT_PTR_NULL(trace_get(&trace, 8));
		CU_ASSERT_PTR_NULL(trace_get(&trace, ~0ull));
	}
	trace_free(&trace);
	CU_ASSERT(fake_host_clean());
}

void test_trace_register(void)
{
	CU_pSuite suite = CU_add_suite("trace", NULL, NULL);

	CU_add_test(suite, "sizes", test_sizes);
	CU_add_test(suite, "newest first, until the ring is full and after", test_newest_first);
}
