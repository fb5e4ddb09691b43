/* test_lock.c - hv/type2/lock.c: exclusion, order, and what is a bug */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "fake.h"

void test_lock_register(void);

#define THREADS 6
#define ROUNDS 20000

static struct host_lock lock;
static unsigned long counter; /* not atomic: a race shows, and TSan sees it */

static void *count(void *unused UNUSED)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		host_lock(&lock);
		counter++;
		host_unlock(&lock);
	}
	return NULL;
}

static void test_exclusion(void)
{
	pthread_t thread[THREADS];

	counter = 0;
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, count, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT_EQUAL(counter, THREADS * ROUNDS);
	CU_ASSERT_EQUAL(lock.next, lock.serving);
}

/* The holder sleeps: the others must not need its CPU. */
static void *hold(void *begun)
{
	host_lock(&lock);
	__atomic_store_n((u32 *)begun, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 1000; i++)
		sched_yield();
	counter = 7;
	host_unlock(&lock);
	return NULL;
}

static void test_sleeping_holder(void)
{
	pthread_t thread;
	u32 begun = 0;

	pthread_create(&thread, NULL, hold, &begun);
	while (!__atomic_load_n(&begun, __ATOMIC_ACQUIRE))
		sched_yield();
	CU_ASSERT_FALSE(host_locked(&lock));
	host_lock(&lock);
	CU_ASSERT_EQUAL(counter, 7);
	CU_ASSERT_TRUE(host_locked(&lock));
	host_unlock(&lock);
	pthread_join(thread, NULL);
}

static void test_wrap(void)
{
	struct host_lock l = { .next = ~0u - 1, .serving = ~0u - 1 };

	for (unsigned i = 0; i < 4; i++) {
		host_lock(&l);
		host_unlock(&l);
	}
	CU_ASSERT_EQUAL(l.serving, 2);
}

static void take_twice(void)
{
	host_lock(&lock);
	host_lock(&lock);
}

static void release_unheld(void)
{
	host_unlock(&lock);
}

static void test_bugs(void)
{
	CU_ASSERT_EQUAL(fake_process(take_twice), 256 + SIGABRT);
	CU_ASSERT_EQUAL(fake_process(release_unheld), 256 + SIGABRT);
}

void test_lock_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: locks", NULL, NULL);

	CU_add_test(suite, "threads exclude each other", test_exclusion);
	CU_add_test(suite, "a holder that loses its CPU", test_sleeping_holder);
	CU_add_test(suite, "tickets wrap", test_wrap);
	CU_add_test(suite, "taken twice, released unheld: panic", test_bugs);
}
