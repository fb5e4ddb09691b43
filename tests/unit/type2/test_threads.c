/*
 * test_threads.c - hv/type2/threads.c: no kick is lost, whatever a vCPU does meanwhile
 *
 * A guest here is a sleep that, as KVM_RUN, ends by a signal, or at once if virt->kick came before.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"
#include "type2/threads.h"
#include "type2/watcher.h"
#include "vm/vm.h"

void test_threads_register(void);

#define VCPUS 2
#define KICKS 20000
#define PATIENCE_S 20

static struct vcpu vcpu[VCPUS];
static u32 must_leave[VCPUS]; /* what virt->kick sets */
static u32 served[VCPUS];
static u32 entered;
static struct vm machine = { .state = VM_RUNNING };

static void nothing(struct vcpu *v UNUSED)
{
}

static void kick(struct vcpu *v)
{
	__atomic_store_n(&must_leave[v->index], 1, __ATOMIC_SEQ_CST);
}

static const struct virt_ops ops = {
	.name = "sleep", .load = nothing, .unload = nothing, .kick = kick
};
const struct virt_ops *virt = &ops;

/* As KVM_RUN: the flag is looked at with the signal held back, and the sleep lets it in. */
static void run_guest(struct vcpu *v)
{
	struct timespec patience = { PATIENCE_S, 0 };
	sigset_t held, open;

	sigemptyset(&held);
	sigaddset(&held, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &held, &open);
	__atomic_add_fetch(&entered, 1, __ATOMIC_RELAXED);
	if (!__atomic_load_n(&must_leave[v->index], __ATOMIC_SEQ_CST) &&
	    pselect(0, NULL, NULL, NULL, &patience, &open) == 0)
		panic("a kick was lost");
	pthread_sigmask(SIG_SETMASK, &open, NULL);
	__atomic_store_n(&must_leave[v->index], 0, __ATOMIC_SEQ_CST);
}

/* As vcpu_step: requests are read after saying that we go in.  Every second stay is a block. */
static enum vcpu_stop step(struct vcpu *v)
{
	u32 asked;

	if (__atomic_load_n(&machine.state, __ATOMIC_RELAXED) != VM_RUNNING)
		return VCPU_STOPPED;
	__atomic_store_n(&v->in_guest, true, __ATOMIC_SEQ_CST);
	asked = __atomic_exchange_n(&v->requests, 0, __ATOMIC_SEQ_CST);
	if (!asked)
		run_guest(v);
	__atomic_store_n(&v->in_guest, false, __ATOMIC_RELEASE);
	asked |= __atomic_exchange_n(&v->requests, 0, __ATOMIC_SEQ_CST);
	if (!asked)
		return VCPU_HOST;
	return __atomic_add_fetch(&served[v->index], 1, __ATOMIC_SEQ_CST) % 2 ? VCPU_BLOCKED
									      : VCPU_HOST;
}

static void ask(struct vcpu *v)
{
	__atomic_or_fetch(&v->requests, REQUEST_WAKE, __ATOMIC_SEQ_CST);
	host_kick(v);
}

/* Each kick is waited for: one that is lost would never be answered. */
static void *kicker(void *arg)
{
	struct vcpu *v = arg;

	for (unsigned i = 0; i < KICKS; i++) {
		u32 before = __atomic_load_n(&served[v->index], __ATOMIC_SEQ_CST);
		time_t end = time(NULL) + PATIENCE_S;

		ask(v);
		while (__atomic_load_n(&served[v->index], __ATOMIC_SEQ_CST) == before) {
			if (time(NULL) > end)
				panic("kick %u of vCPU %u was lost", i, v->index);
			host_relax();
		}
	}
	return NULL;
}

static void test_kicks(void)
{
	pthread_t thread[VCPUS];

	fake_step = step;
	threads_start_vcpus(VCPUS);
	for (unsigned i = 0; i < VCPUS; i++) {
		vcpu[i].index = i;
		vcpu[i].vm = &machine;
		host_run(&vcpu[i]);
	}
	for (unsigned i = 0; i < VCPUS; i++)
		pthread_create(&thread[i], NULL, kicker, &vcpu[i]);
	for (unsigned i = 0; i < VCPUS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < VCPUS; i++)
		CU_ASSERT_TRUE(__atomic_load_n(&served[i], __ATOMIC_SEQ_CST) >= KICKS);
	CU_ASSERT_TRUE(__atomic_load_n(&entered, __ATOMIC_RELAXED) > 0);
	CU_ASSERT_EQUAL(host_cpu_count(), VCPUS);
}

/* Taken out whether it sleeps or is in its guest. */
static void test_stop(void)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		time_t end = time(NULL) + PATIENCE_S;

		__atomic_or_fetch(&vcpu[i].requests, REQUEST_STOP, __ATOMIC_SEQ_CST);
		host_stop(&vcpu[i]);
		while (sched_state(&vcpu[i]) != SCHED_OUT && time(NULL) < end)
			host_relax();
		CU_ASSERT_EQUAL(sched_state(&vcpu[i]), SCHED_OUT);
	}
}

#ifdef UNDER_ASAN /* the other one does not like threads behind a fork */
#define NOBODY 65534

static void *nothing_to_do(void *arg UNUSED)
{
	return NULL;
}

/* An ordinary user whose limit is reached. */
static void ask_for_one_too_many(void)
{
	struct rlimit none = { 0, 0 };

	if (!geteuid() && setreuid(NOBODY, NOBODY))
		_exit(2);
	setrlimit(RLIMIT_NPROC, &none);
	_exit(threads_create("too many", nothing_to_do, NULL) || errno != EAGAIN);
}

static void split_one_too_many(void)
{
	struct rlimit none = { 0, 0 };
	struct failure why = { 0 };

	if (!geteuid() && setreuid(NOBODY, NOBODY))
		_exit(2);
	setrlimit(RLIMIT_NPROC, &none);
	_exit(watcher_split(1, &why) || why.status != FAILURE_OS);
}

static void test_no_more(void)
{
	CU_ASSERT_EQUAL(fake_process(ask_for_one_too_many), 0);
	CU_ASSERT_EQUAL(fake_process(split_one_too_many), 0);
}
#endif

static void test_numbers(void)
{
	CU_ASSERT_EQUAL(threads_self(), threads_self());
}

void test_threads_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: vCPU threads", NULL, NULL);

	CU_add_test(suite, "no kick is lost", test_kicks);
	CU_add_test(suite, "stopped", test_stop);
	CU_add_test(suite, "numbers", test_numbers);
#ifdef UNDER_ASAN
	CU_add_test(suite, "there are no more", test_no_more);
#endif
}
