/* test_timer.c - hv/type2/timer.c: clocks; timers that fire once, in order, or never */
#include <time.h>

#include "fake.h"
#include "type2/timer.h"

void test_timer_register(void);

#define MS 1000000ull

static struct host_timer a, b, c;
static u32 fired[3], order[3], next_place;
static u64 fired_at[3];

static void note(unsigned which)
{
	fired_at[which] = host_now();
	order[which] = next_place++;
	__atomic_add_fetch(&fired[which], 1, __ATOMIC_RELEASE);
}

static u32 times(unsigned which)
{
	return __atomic_load_n(&fired[which], __ATOMIC_ACQUIRE);
}

static void fire_a(struct host_timer *t UNUSED)
{
	note(0);
}

static void fire_b(struct host_timer *t UNUSED)
{
	note(1);
}

static void fire_c(struct host_timer *t)
{
	note(2);
	if (times(2) < 3)
		host_timer_set(t, host_now() + MS);
}

static void sleep_ms(unsigned ms)
{
	struct timespec t = { 0, (long)(ms * MS) };

	nanosleep(&t, NULL);
}

static void wait_for(unsigned which, u32 count)
{
	for (unsigned i = 0; i < 2000 && times(which) < count; i++)
		sleep_ms(1);
}

static void reset(void)
{
	static bool started;

	if (!started) {
		timer_calibrate();
		timer_start_thread();
		started = true;
	}
	for (unsigned i = 0; i < 3; i++)
		__atomic_store_n(&fired[i], order[i] = 0, __ATOMIC_RELEASE);
	next_place = 0;
	a.fire = fire_a;
	b.fire = fire_b;
	c.fire = fire_c;
}

static void test_clocks(void)
{
	u64 now, later, tsc;

	reset();
	now = host_now();
	tsc = host_tsc();
	sleep_ms(20);
	later = host_now();
	CU_ASSERT_TRUE(later >= now + 20 * MS);
	/* Both clocks agree on how long that was, within a per mille and what lies between
	 * readings. */
	CU_ASSERT_TRUE(host_tsc_hz() > 1000000);
	now += (u64)((double)(host_tsc() - tsc) * 1e9 / (double)host_tsc_hz());
	later = host_now();
	CU_ASSERT_TRUE(now < later + 5 * MS && later < now + 5 * MS);
	later = host_tsc_to_ns(host_tsc() + host_tsc_hz());
	now = host_now();
	CU_ASSERT_TRUE(later > now + 950 * MS && later < now + 1050 * MS);
	later = host_tsc_to_ns(host_tsc() - host_tsc_hz() / 1000);
	CU_ASSERT_TRUE(later < host_now());
	CU_ASSERT_TRUE(host_epoch() > 1700000000);
}

static void test_order(void)
{
	u64 now;

	reset();
	now = host_now();
	host_timer_set(&a, now + 40 * MS);
	host_timer_set(&b, now + 20 * MS); /* earlier: the thread's sleep is shortened */
	wait_for(0, 1);
	CU_ASSERT_EQUAL(times(0), 1);
	CU_ASSERT_EQUAL(times(1), 1);
	CU_ASSERT_TRUE(order[1] < order[0]);
	CU_ASSERT_TRUE(fired_at[0] >= now + 40 * MS);
	CU_ASSERT_TRUE(fired_at[1] >= now + 20 * MS);
}

static void test_moved_and_cancelled(void)
{
	u64 now;

	reset();
	now = host_now();
	host_timer_set(&a, now + 5 * MS);
	host_timer_set(&a, now + 60 * MS); /* moved: not at the first time */
	host_timer_set(&b, now + 10 * MS);
	host_timer_cancel(&b);
	host_timer_cancel(&b);
	wait_for(0, 1);
	CU_ASSERT_TRUE(fired_at[0] >= now + 60 * MS);
	CU_ASSERT_EQUAL(times(0), 1);
	CU_ASSERT_EQUAL(times(1), 0);
	host_timer_set(&a, 0); /* past already */
	wait_for(0, 2);
	CU_ASSERT_EQUAL(times(0), 2);
}

static void test_sets_itself(void)
{
	reset();
	host_timer_set(&c, host_now());
	wait_for(2, 3);
	sleep_ms(5);
	CU_ASSERT_EQUAL(times(2), 3);
}

/* After cancel, fire neither runs nor will: so this may be freed. */
static void test_cancel_while_firing(void)
{
	reset();
	for (unsigned i = 0; i < 300; i++) {
		u32 before;

		host_timer_set(&a, host_now() + i % 3 * 50000);
		if (i % 2)
			host_relax();
		host_timer_cancel(&a);
		before = times(0);
		sleep_ms(0);
		CU_ASSERT_EQUAL(times(0), before);
	}
}

void test_timer_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: clocks and timers", NULL, NULL);

	timer_init(); /* as main.c does: before there is any thread */
	CU_add_test(suite, "clocks", test_clocks);
	CU_add_test(suite, "timers fire in order of time", test_order);
	CU_add_test(suite, "moved, cancelled, past", test_moved_and_cancelled);
	CU_add_test(suite, "one that sets itself", test_sets_itself);
	CU_add_test(suite, "cancel against firing", test_cancel_while_firing);
}
