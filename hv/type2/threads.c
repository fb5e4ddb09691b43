/*
 * threads.c - see threads.h
 *
 * No kick is lost.  Whoever kicks has set a request before.  A thread that sleeps does so on its
 * count of news, which it read before it asked sched_pick.  One in its guest is known by
 * v->in_guest, set before it looks at requests; virt->kick and a signal then end its run, also if
 * that is only about to begin.
 */
#include "type2/threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/sched.h"
#include "type2/futex.h"
#include "vm/vm.h"
#include "x86_ops.h"

#define KICK_SIGNAL SIGUSR1
#define STACK_SIZE KiB(256)
#define RELAX_SPINS 50

struct vcpu_thread {
	u32 news; /* counts what it has to look at */
	u32 asleep;
	u32 ready; /* tid is set */
	pid_t tid;
};

static struct vcpu_thread thread[VM_MAX_VCPUS];
static unsigned vcpu_count;
static u32 thread_count;
static pid_t process;
static __thread u32 number; /* + 1; 0: none yet */
static __thread struct vcpu *loaded;

unsigned threads_self(void)
{
	if (unlikely(!number))
		number = __atomic_add_fetch(&thread_count, 1, __ATOMIC_RELAXED);
	return number - 1;
}

/* What a new thread is told; it is gone when begun is set. */
struct start {
	void *(*run)(void *);
	void *arg;
	const char *name;
	u32 begun;
};

static void *begin(void *arg)
{
	struct start *start = arg;
	void *(*run)(void *) = start->run;

	prctl(PR_SET_NAME, start->name);
	arg = start->arg;
	__atomic_store_n(&start->begun, 1, __ATOMIC_RELEASE);
	futex_wake(&start->begun, FUTEX_ANYBODY);
	return run(arg);
}

/* It has begun when this returns: what the C library does for a new thread, it has done. */
bool threads_create(const char *name, void *(*run)(void *), void *arg)
{
	struct start start = { run, arg, name, 0 };
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t made;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	error = pthread_create(&made, &attr, begin, &start);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	while (!error && !__atomic_load_n(&start.begun, __ATOMIC_ACQUIRE))
		futex_wait(&start.begun, 0, FUTEX_ANYBODY);
	errno = error;
	return !error;
}

/* ---- Which vCPU: each has its thread -------------------------------------------------------- */

static struct vcpu *waiting[VM_MAX_VCPUS];

static void enqueue(struct vcpu *v)
{
	waiting[v->index] = v;
}

static void dequeue(struct vcpu *v)
{
	waiting[v->index] = NULL;
}

static struct vcpu *pick(unsigned cpu)
{
	struct vcpu *v = waiting[cpu];

	waiting[cpu] = NULL;
	return v;
}

/* Nobody asks: Linux knows how long a thread may run. */
static u64 slice_ns(const struct vcpu *v UNUSED)
{
	return ~0ull;
}

static const struct sched_policy policy = {
	.name = "a thread each",
	.enqueue = enqueue,
	.dequeue = dequeue,
	.pick = pick,
	.slice_ns = slice_ns,
};

/* ---- Kicks --------------------------------------------------------------------------------- */

/* The signal's arrival is all that is wanted of it. */
static void kicked(int signal UNUSED)
{
}

static void wake(struct vcpu_thread *t)
{
	__atomic_add_fetch(&t->news, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&t->asleep, __ATOMIC_SEQ_CST))
		futex_wake(&t->news, FUTEX_ANYBODY);
}

static void interrupt(struct vcpu *v)
{
	if (v == loaded || !__atomic_load_n(&v->in_guest, __ATOMIC_SEQ_CST))
		return; /* it will look at its requests by itself */
	if (virt->kick)
		virt->kick(v);
	syscall(SYS_tgkill, process, thread[v->index].tid, KICK_SIGNAL);
}

void host_kick(struct vcpu *v)
{
	if (v == loaded || sched_kick(v) < 0)
		return;
	wake(&thread[v->index]);
	interrupt(v);
}

void host_run(struct vcpu *v)
{
	sched_add(v);
	wake(&thread[v->index]);
}

void host_stop(struct vcpu *v)
{
	if (sched_remove(v) >= 0)
		interrupt(v);
}

void host_relax(void)
{
	static __thread unsigned spins;

	x86_pause();
	if (++spins % RELAX_SPINS == 0)
		sched_yield(); /* who is waited for may have no CPU */
}

unsigned host_cpu(void)
{
	return threads_self();
}

unsigned host_cpu_count(void)
{
	return vcpu_count;
}

struct cpuid_regs host_cpuid(u32 leaf, u32 subleaf)
{
	return x86_cpuid(leaf, subleaf);
}

/* Linux has taken them already. */
void host_take_interrupts(void)
{
}

bool host_pend_interrupt(void)
{
	return false;
}

void host_pend_nmi(void)
{
}

/* ---- A vCPU's thread ------------------------------------------------------------------------- */

static void run_vcpu(struct vcpu *v)
{
	enum vcpu_stop stop;

	virt->load(v);
	loaded = v;
	do
		stop = vcpu_step(v);
	while (stop == VCPU_HOST && READ_ONCE(v->vm->state) == VM_RUNNING);
	virt->unload(v);
	loaded = NULL;
	sched_put(v, stop == VCPU_BLOCKED, host_now());
}

static void sleep_until_news(struct vcpu_thread *t, u32 seen)
{
	__atomic_store_n(&t->asleep, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&t->news, __ATOMIC_SEQ_CST) == seen)
		futex_wait(&t->news, seen, FUTEX_ANYBODY);
	__atomic_store_n(&t->asleep, 0, __ATOMIC_SEQ_CST);
}

static void *run(void *arg)
{
	struct vcpu_thread *t = arg;
	unsigned cpu = (unsigned)(t - thread);
	sigset_t kick;

	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	t->tid = (pid_t)syscall(SYS_gettid);
	__atomic_store_n(&t->ready, 1, __ATOMIC_RELEASE);
	for (;;) {
		u32 seen = __atomic_load_n(&t->news, __ATOMIC_SEQ_CST);
		struct vcpu *v = sched_pick(cpu, host_now());

		if (v)
			run_vcpu(v);
		else
			sleep_until_news(t, seen);
	}
	return NULL;
}

bool threads_start_vcpus(unsigned vcpus)
{
	struct sigaction action = { .sa_handler = kicked };
	char name[] = "vcpu 0";

	check(vcpus && vcpus <= VM_MAX_VCPUS);
	vcpu_count = vcpus;
	process = getpid();
	sched_init(&policy, 0, vcpus);
	sigaction(KICK_SIGNAL, &action, NULL); /* without SA_RESTART */
	for (unsigned i = 0; i < vcpus; i++) {
		name[sizeof(name) - 2] = (char)('0' + i);
		if (!threads_create(name, run, &thread[i]))
			return false;
	}
	for (unsigned i = 0; i < vcpus; i++)
		while (!__atomic_load_n(&thread[i].ready, __ATOMIC_ACQUIRE))
			sched_yield();
	return true;
}
