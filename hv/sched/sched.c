/* sched.c - see sched.h */
#include "sched/sched.h"

#include "host.h"
#include "vm/vcpu.h"

#define DEBT_MAX_NS 1000000000ull /* what is older is forgiven */

static struct {
	struct host_lock lock;
	const struct sched_policy *policy;
	unsigned first, cpus; /* those that run vCPUs: first to cpus - 1 */
	unsigned ready; /* vCPUs that are READY */
	bool idle[HOST_MAX_CPUS];
	bool timeless[HOST_MAX_CPUS]; /* was told that nobody waits: it set no timer */
} sched;

void sched_init(const struct sched_policy *policy, unsigned first, unsigned cpus)
{
	check(first < cpus && cpus <= HOST_MAX_CPUS);
	sched.policy = policy;
	sched.first = first;
	sched.cpus = cpus;
	sched.ready = 0;
	for (unsigned i = 0; i < cpus; i++)
		sched.idle[i] = sched.timeless[i] = false;
}

static void make_ready(struct vcpu *v)
{
	v->sched.state = SCHED_READY;
	sched.ready++;
	sched.policy->enqueue(v);
}

/* An idle CPU, the one where v ran last if it is idle; else -1. */
static int find_idle(const struct vcpu *v)
{
	if (sched.idle[v->sched.cpu])
		return (int)v->sched.cpu;
	for (unsigned i = 0; i < sched.cpus; i++)
		if (sched.idle[i])
			return (int)i;
	return -1;
}

/*
 * Whoever must look at the queue because v became ready: an idle CPU, or the one where v ran last
 * (who never ran has 0 there), which then arms its slice.
 */
static int cpu_for(const struct vcpu *v)
{
	int idle = find_idle(v);

	if (idle < 0)
		return (int)MAX(v->sched.cpu, sched.first);
	sched.idle[idle] = false; /* it is on its way: the next one goes elsewhere */
	return idle;
}

int sched_add(struct vcpu *v)
{
	int cpu;

	host_lock(&sched.lock);
	check(v->sched.state == SCHED_OUT);
	v->sched.leaving = false;
	make_ready(v);
	cpu = cpu_for(v);
	host_unlock(&sched.lock);
	return cpu;
}

int sched_remove(struct vcpu *v)
{
	int cpu = -1;

	host_lock(&sched.lock);
	switch (v->sched.state) {
	case SCHED_READY:
		sched.policy->dequeue(v);
		sched.ready--;
		v->sched.state = SCHED_OUT;
		break;
	case SCHED_BLOCKED:
		v->sched.state = SCHED_OUT;
		break;
	case SCHED_RUNNING:
		v->sched.leaving = true;
		cpu = (int)v->sched.cpu;
		break;
	default:
		break;
	}
	host_unlock(&sched.lock);
	return cpu;
}

u64 sched_deadline(struct vcpu *v)
{
	u64 deadline = ~0ull;

	host_lock(&sched.lock);
	if (sched.ready) {
		deadline = v->sched.started_ns + sched.policy->slice_ns(v);
		if (!v->sched.due_ns) /* who ran alone owes nothing for that */
			v->sched.due_ns = MAX(deadline, host_now());
	}
	sched.timeless[v->sched.cpu] = !sched.ready;
	host_unlock(&sched.lock);
	return deadline;
}

int sched_nudge(void)
{
	int cpu = -1;

	host_lock(&sched.lock);
	for (unsigned i = 0; sched.ready && cpu < 0 && i < sched.cpus; i++)
		if (sched.timeless[i])
			cpu = (int)i;
	if (cpu >= 0)
		sched.timeless[cpu] = false;
	host_unlock(&sched.lock);
	return cpu;
}

struct vcpu *sched_pick(unsigned cpu, u64 now)
{
	struct vcpu *v;

	if (cpu < sched.first)
		return NULL;
	host_lock(&sched.lock);
	v = sched.policy->pick(cpu);
	sched.idle[cpu] = !v;
	if (v) {
		sched.ready--;
		v->sched.state = SCHED_RUNNING;
		v->sched.cpu = cpu;
		v->sched.started_ns = now;
		v->sched.due_ns = 0;
	}
	host_unlock(&sched.lock);
	return v;
}

int sched_busy(unsigned cpu)
{
	int other = -1;

	host_lock(&sched.lock);
	sched.idle[cpu] = false;
	for (unsigned i = 0; sched.ready && other < 0 && i < sched.cpus; i++)
		if (sched.idle[i])
			other = (int)i;
	if (other >= 0)
		sched.idle[other] = false; /* it is on its way */
	host_unlock(&sched.lock);
	return other;
}

void sched_put(struct vcpu *v, bool blocked, u64 now)
{
	host_lock(&sched.lock);
	check(v->sched.state == SCHED_RUNNING);
	sched.timeless[v->sched.cpu] = false;
	v->sched.run_ns += now - v->sched.started_ns;
	if (v->sched.due_ns && now > v->sched.due_ns)
		v->sched.debt_ns = MIN(v->sched.debt_ns + now - v->sched.due_ns, DEBT_MAX_NS);
	if (v->sched.leaving) {
		v->sched.leaving = false;
		v->sched.state = SCHED_OUT;
	} else if (blocked && !vcpu_requested(v)) {
		v->sched.state = SCHED_BLOCKED;
	} else {
		make_ready(v);
	}
	host_unlock(&sched.lock);
}

int sched_kick(struct vcpu *v)
{
	int cpu = -1;

	host_lock(&sched.lock);
	if (v->sched.state == SCHED_RUNNING) {
		cpu = (int)v->sched.cpu;
	} else if (v->sched.state == SCHED_BLOCKED) {
		make_ready(v);
		cpu = cpu_for(v);
	}
	host_unlock(&sched.lock);
	return cpu;
}

u64 sched_run_ns(struct vcpu *v, u64 now)
{
	u64 ns;

	host_lock(&sched.lock);
	ns = v->sched.run_ns;
	if (v->sched.state == SCHED_RUNNING && now > v->sched.started_ns)
		ns += now - v->sched.started_ns;
	host_unlock(&sched.lock);
	return ns;
}

unsigned sched_state(struct vcpu *v)
{
	unsigned state;

	host_lock(&sched.lock);
	state = v->sched.state;
	host_unlock(&sched.lock);
	return state;
}

/* ---- Round robin: one queue for all CPUs, first come, first served --------- */

#define SLICE_NS 10000000ull /* 10 ms: long against a switch, short against a person */
#define LEAST_NS 1000000ull /* a turn, however much is owed: a switch must be worth it */
#define WEIGHT_ONE 100u /* has turns of a slice; others in proportion */

static struct vcpu *head, *tail;

static void rr_enqueue(struct vcpu *v)
{
	v->sched.next = NULL;
	if (head)
		tail->sched.next = v;
	else
		head = v;
	tail = v;
}

static void rr_dequeue(struct vcpu *v)
{
	struct vcpu *before = NULL;

	for (struct vcpu *i = head; i != v; i = i->sched.next)
		before = i;
	if (before)
		before->sched.next = v->sched.next;
	else
		head = v->sched.next;
	if (tail == v)
		tail = before;
}

/* How long v may run in turn: shares of the CPU are as weights are. */
static u64 turn_ns(const struct vcpu *v)
{
	return SLICE_NS / WEIGHT_ONE * MAX(v->sched.weight, 1u);
}

/* Who owes a turn or more lets the others go first, and owes one less. */
static void rr_collect(void)
{
	while (head != tail && head->sched.debt_ns >= turn_ns(head)) {
		struct vcpu *v = head;

		v->sched.debt_ns -= turn_ns(v);
		rr_dequeue(v);
		rr_enqueue(v);
	}
}

/* What is less than a turn makes the next one shorter. */
static struct vcpu *rr_pick(unsigned cpu UNUSED)
{
	struct vcpu *v;

	rr_collect();
	v = head;
	if (!v)
		return NULL;
	rr_dequeue(v);
	v->sched.paid_ns = MIN(v->sched.debt_ns, turn_ns(v) - MIN(turn_ns(v), LEAST_NS));
	v->sched.debt_ns -= v->sched.paid_ns;
	return v;
}

static u64 rr_slice_ns(const struct vcpu *v)
{
	return turn_ns(v) - v->sched.paid_ns;
}

const struct sched_policy sched_round_robin = {
	.name = "round robin",
	.enqueue = rr_enqueue,
	.dequeue = rr_dequeue,
	.pick = rr_pick,
	.slice_ns = rr_slice_ns,
};
