/*
 * test_sched.c - states, kicks and turns of vCPUs
 *
 * Owns: no kick is lost in any order of steps; round robin; random operations against a model.
 * Must not know: what a vCPU does.
 */
#include "machine.h"

#include "fake_host.h"
#include "vm/vcpu.h"

void test_sched_register(void);

#define VCPUS 5
#define CPUS 3

static struct vcpu vcpu[VCPUS];

static void start(unsigned cpus)
{
	fake_host_reset();
	memset(vcpu, 0, sizeof(vcpu));
	for (unsigned i = 0; i < VCPUS; i++)
		vcpu[i].sched.weight = 100;
	sched_init(&sched_round_robin, 0, cpus);
}

/* Whatever state it is in: out of the queue again. */
static void finish(void)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		sched_remove(&vcpu[i]);
		if (vcpu[i].sched.state == SCHED_RUNNING)
			sched_put(&vcpu[i], false, 0);
		CU_ASSERT_EQUAL(sched_state(&vcpu[i]), SCHED_OUT);
	}
	CU_ASSERT_PTR_NULL(sched_pick(0, 0));
}

/* ---- States ------------------------------------------------------------------- */

static void test_states(void)
{
	struct vcpu *v = &vcpu[0];

	start(2);
	CU_ASSERT_EQUAL(sched_kick(v), -1); /* OUT: nobody need know */
	CU_ASSERT_EQUAL(sched_add(v), 0);
	CU_ASSERT_EQUAL(sched_state(v), SCHED_READY);
	CU_ASSERT_EQUAL(sched_kick(v), -1); /* READY: it will look by itself */
	CU_ASSERT_PTR_EQUAL(sched_pick(1, 100), v);
	CU_ASSERT_EQUAL(sched_state(v), SCHED_RUNNING);
	CU_ASSERT_EQUAL(sched_kick(v), 1);
	CU_ASSERT_EQUAL(sched_run_ns(v, 130), 30);
	sched_put(v, true, 150);
	CU_ASSERT_EQUAL(sched_state(v), SCHED_BLOCKED);
	CU_ASSERT_EQUAL(sched_run_ns(v, 1000), 50);
	CU_ASSERT_PTR_NULL(sched_pick(1, 160));
	CU_ASSERT_EQUAL(sched_kick(v), 1); /* idle, and it ran there last */
	CU_ASSERT_EQUAL(sched_state(v), SCHED_READY);
	CU_ASSERT_PTR_EQUAL(sched_pick(0, 200), v);
	sched_put(v, false, 210);
	CU_ASSERT_EQUAL(sched_state(v), SCHED_READY);
	CU_ASSERT_EQUAL(sched_run_ns(v, 210), 60);
	finish();
}

static void test_request_beats_blocking(void)
{
	struct vcpu *v = &vcpu[0];

	start(1);
	sched_add(v);
	CU_ASSERT_PTR_EQUAL(sched_pick(0, 0), v);
	v->requests = REQUEST_IRQ;
	sched_put(v, true, 1);
	CU_ASSERT_EQUAL(sched_state(v), SCHED_READY);
	finish();
}

/* CPUs below the first are not for vCPUs: nobody is sent to them, and they get none. */
static void test_first_cpu(void)
{
	struct vcpu *a = &vcpu[0], *b = &vcpu[1];

	start(1);
	sched_init(&sched_round_robin, 1, 3);
	CU_ASSERT_EQUAL(sched_add(a), 1); /* nobody is known to be idle, and it ran nowhere */
	CU_ASSERT_PTR_NULL(sched_pick(0, 0));
	CU_ASSERT_PTR_EQUAL(sched_pick(2, 0), a);
	CU_ASSERT_EQUAL(sched_add(b), 1); /* CPU 0 asked and was not put down as idle */
	CU_ASSERT_EQUAL(sched_busy(0), -1);
	CU_ASSERT_EQUAL(sched_deadline(a), 10000000);
	CU_ASSERT_PTR_EQUAL(sched_pick(1, 0), b);
	CU_ASSERT_EQUAL(sched_deadline(a), ~0ull);
	CU_ASSERT_EQUAL(sched_nudge(), -1);
	finish();
}

static void test_remove(void)
{
	struct vcpu *v = &vcpu[0];

	start(2);
	CU_ASSERT_EQUAL(sched_remove(v), -1); /* OUT */
	sched_add(v);
	CU_ASSERT_EQUAL(sched_remove(v), -1); /* READY */
	CU_ASSERT_EQUAL(sched_state(v), SCHED_OUT);
	CU_ASSERT_PTR_NULL(sched_pick(0, 0));
	CU_ASSERT_PTR_NULL(sched_pick(1, 0));

	sched_add(v);
	sched_pick(1, 0);
	CU_ASSERT_EQUAL(sched_remove(v), 1); /* RUNNING: its CPU must let go */
	CU_ASSERT_EQUAL(sched_state(v), SCHED_RUNNING);
	CU_ASSERT_EQUAL(sched_kick(v), 1);
	v->requests = REQUEST_IRQ;
	sched_put(v, true, 1); /* a request does not keep it */
	CU_ASSERT_EQUAL(sched_state(v), SCHED_OUT);
	CU_ASSERT_PTR_NULL(sched_pick(1, 0));

	v->requests = 0;
	sched_add(v);
	CU_ASSERT_PTR_EQUAL(sched_pick(0, 0), v);
	sched_put(v, true, 1);
	CU_ASSERT_EQUAL(sched_remove(v), -1); /* BLOCKED */
	CU_ASSERT_EQUAL(sched_state(v), SCHED_OUT);
	CU_ASSERT_EQUAL(sched_kick(v), -1);
	CU_ASSERT_EQUAL(sched_state(v), SCHED_OUT);
	finish();
}

static void test_queue_order(void)
{
	start(1);
	for (unsigned i = 0; i < VCPUS; i++)
		sched_add(&vcpu[i]);
	sched_remove(&vcpu[2]); /* from the middle, the front, the end */
	sched_remove(&vcpu[0]);
	sched_remove(&vcpu[4]);
	sched_add(&vcpu[0]);
	CU_ASSERT_PTR_EQUAL(sched_pick(0, 0), &vcpu[1]);
	CU_ASSERT_PTR_EQUAL(sched_pick(0, 0), &vcpu[3]);
	CU_ASSERT_PTR_EQUAL(sched_pick(0, 0), &vcpu[0]);
	CU_ASSERT_PTR_NULL(sched_pick(0, 0));
	finish();
}

static void test_idle_choice(void)
{
	start(3);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_PTR_NULL(sched_pick(i, 0));
	vcpu[0].sched.cpu = 2;
	CU_ASSERT_EQUAL(sched_add(&vcpu[0]), 2); /* warm caches first */
	vcpu[1].sched.cpu = 2;
	CU_ASSERT_EQUAL(sched_add(&vcpu[1]), 0); /* 2 is on its way: another one */
	CU_ASSERT_EQUAL(sched_add(&vcpu[2]), 1);
	vcpu[3].sched.cpu = 1;
	CU_ASSERT_EQUAL(sched_add(&vcpu[3]), 1); /* none idle: where it ran last */
	finish();
}

static void test_deadline(void)
{
	start(2);
	sched_add(&vcpu[0]);
	sched_pick(0, 1000);
	CU_ASSERT_EQUAL(sched_deadline(&vcpu[0]), ~0ull);
	sched_add(&vcpu[1]);
	CU_ASSERT_EQUAL(sched_deadline(&vcpu[0]), 1000 + sched_round_robin.slice_ns(&vcpu[0]));
	sched_pick(1, 2000);
	CU_ASSERT_EQUAL(sched_deadline(&vcpu[0]), ~0ull);
	finish();
}

/* ---- Round robin ---------------------------------------------------------------- */

/*
 * One whose turns end late (a long exit) gets no more of the CPU than its neighbour; one who ran
 * alone before owes nothing.
 */
static void test_debt(void)
{
	u64 ran[2] = { 0 }, now = 1000, late = 83000000;

	start(1);
	sched_add(&vcpu[0]);
	CU_ASSERT_PTR_EQUAL(sched_pick(0, now), &vcpu[0]);
	CU_ASSERT_EQUAL(sched_deadline(&vcpu[0]), ~0ull);
	now += 5000000000ull;
	fake_host.now = now;
	sched_add(&vcpu[1]);
	CU_ASSERT(sched_deadline(&vcpu[0]) < now);
	sched_put(&vcpu[0], false, now);
	CU_ASSERT_EQUAL(vcpu[0].sched.debt_ns, 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct vcpu *v = sched_pick(0, now);
		u64 begin = now;

		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		now = sched_deadline(v) + (v == &vcpu[0] ? late : 0);
		fake_host.now = now;
		sched_put(v, false, now);
		ran[v == &vcpu[1]] += now - begin;
	}
	CU_ASSERT(ran[0] < ran[1] + 2 * late && ran[1] < ran[0] + 2 * late);
	finish();
}

/* What is less than a slice is paid at the next turn, not when a slice has come together. */
static void test_small_debt(void)
{
	u64 now = 1000, slice, late = 4400000;

	start(1);
	sched_add(&vcpu[0]);
	sched_add(&vcpu[1]);
	for (unsigned i = 0; i < 10; i++) {
		struct vcpu *v = sched_pick(0, now);
		u64 deadline = sched_deadline(v);

		slice = sched_round_robin.slice_ns(&vcpu[1]);
		CU_ASSERT_PTR_EQUAL(v, &vcpu[i % 2]);
		CU_ASSERT_EQUAL(deadline - now, v == &vcpu[0] && i ? slice - late : slice);
		now = deadline + (v == &vcpu[0] ? late : 0);
		fake_host.now = now;
		sched_put(v, false, now);
	}
	CU_ASSERT_EQUAL(vcpu[0].sched.run_ns, vcpu[1].sched.run_ns + late);
	finish();
}

/*
 * Shares are as weights, whoever overruns: weights 1, 2 and 4, the turns of the first
 * always end late.
 */
static void test_weights(void)
{
	u64 now = 1000, ran[3] = { 0 }, late = 700000;

	start(1);
	for (unsigned i = 0; i < 3; i++) {
		vcpu[i].sched.weight = 25u << i;
		sched_add(&vcpu[i]);
	}
	for (unsigned i = 0; i < 3000; i++) {
		struct vcpu *v = sched_pick(0, now);
		u64 begin = now;

		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		now = sched_deadline(v) + (v == &vcpu[0] ? late : 0);
		fake_host.now = now;
		sched_put(v, false, now);
		ran[v - vcpu] += now - begin;
	}
	for (unsigned i = 0; i < 3; i++) {
		u64 share = (now - 1000) / 7 << i;

		CU_ASSERT(ran[i] > share - share / 100 && ran[i] < share + share / 100);
	}
	finish();
}

static void test_fair(void)
{
	u64 now = 0;

	start(1);
	for (unsigned i = 0; i < VCPUS; i++)
		sched_add(&vcpu[i]);
	for (unsigned turn = 0; turn < 100 * VCPUS; turn++) {
		struct vcpu *v = sched_pick(0, now);

		CU_ASSERT_PTR_EQUAL_FATAL(v, &vcpu[turn % VCPUS]);
		now = sched_deadline(v);
		CU_ASSERT_NOT_EQUAL_FATAL(now, ~0ull);
		sched_put(v, false, now);
	}
	for (unsigned i = 0; i < VCPUS; i++)
		CU_ASSERT_EQUAL(sched_run_ns(&vcpu[i], now), now / VCPUS);
	finish();
}

/*
 * Three that never block on two CPUs, as a host would run them: a CPU looks up only at its timer
 * or when it is interrupted.
 */
#define SLICES 300

struct host_cpu {
	struct vcpu *v;
	u64 deadline;
};

static void ask_deadline(struct host_cpu *cpu, unsigned n)
{
	int other;

	cpu[n].deadline = sched_deadline(cpu[n].v);
	if (cpu[n].deadline == ~0ull)
		return;
	other = sched_nudge();
	CU_ASSERT_NOT_EQUAL(other, (int)n);
	if (other >= 0)
		ask_deadline(cpu, (unsigned)other);
}

static void host_cpu_runs(struct host_cpu *cpu, unsigned n, u64 now)
{
	cpu[n].v = sched_pick(n, now);
	if (cpu[n].v)
		ask_deadline(cpu, n);
}

static void test_fair_on_two(void)
{
	struct host_cpu cpu[2];
	u64 now = 0, slice = sched_round_robin.slice_ns(&vcpu[0]), share;
	int told;

	start(2);
	sched_add(&vcpu[0]);
	host_cpu_runs(cpu, 0, 0);
	sched_add(&vcpu[1]);
	host_cpu_runs(cpu, 1, 0);
	told = sched_add(&vcpu[2]); /* both run without a timer: one is told */
	CU_ASSERT_FATAL(told == 0 || told == 1);
	ask_deadline(cpu, (unsigned)told);
	for (unsigned i = 0; i < SLICES; i++) {
		unsigned n = cpu[1].deadline < cpu[0].deadline;

		CU_ASSERT_NOT_EQUAL_FATAL(cpu[n].deadline, ~0ull);
		now = MAX(now, cpu[n].deadline);
		sched_put(cpu[n].v, false, now);
		host_cpu_runs(cpu, n, now);
	}
	share = now * 2 / 3;
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(sched_run_ns(&vcpu[i], now) > share - 2 * slice);
		CU_ASSERT(sched_run_ns(&vcpu[i], now) < share + 2 * slice);
	}
	finish();
}

/* ---- No kick is lost ------------------------------------------------------------- */

/*
 * Actors whose steps are put into every possible order.  A CPU picks, looks at requests, gives
 * back a vCPU that halts; when there is none it sleeps until it is interrupted.  A kicker
 * sets a request, then kicks, then interrupts the CPU it was told.
 */
enum { LOOP_PICK, LOOP_LOOK, LOOP_PUT };

struct cpu_loop {
	struct vcpu *v;
	unsigned at, rounds;
	bool asleep;
};

struct race {
	struct cpu_loop cpu[2];
	unsigned cpus, kickers;
	unsigned kicker_at[3];
	unsigned remover_at; /* 2: none, or done */
	u32 served;
};

static void interrupt(struct race *r, int cpu)
{
	if (cpu >= 0)
		r->cpu[cpu].asleep = false;
}

static void cpu_step(struct race *r, unsigned n)
{
	struct cpu_loop *c = &r->cpu[n];

	switch (c->at) {
	case LOOP_PICK:
		c->v = sched_pick(n, 0);
		c->asleep = !c->v;
		c->at = c->v ? LOOP_LOOK : LOOP_PICK;
		break;
	case LOOP_LOOK:
		r->served |= c->v->requests;
		c->v->requests = 0;
		c->at = LOOP_PUT;
		break;
	default:
		sched_put(c->v, true, 0);
		c->v = NULL;
		c->at = LOOP_PICK;
		c->rounds++;
	}
}

static void kicker_step(struct race *r, unsigned k)
{
	if (r->kicker_at[k]++ == 0)
		vcpu[0].requests |= (u32)BIT(k);
	else
		interrupt(r, sched_kick(&vcpu[0]));
}

static void remover_step(struct race *r)
{
	if (r->remover_at++ == 0)
		interrupt(r, sched_remove(&vcpu[0]));
	else if (vcpu[0].sched.state == SCHED_OUT)
		interrupt(r, sched_add(&vcpu[0]));
}

/* Which actors may move: CPUs 0.., kickers, the remover. */
static unsigned movable(const struct race *r, unsigned rounds)
{
	unsigned set = 0;

	for (unsigned i = 0; i < r->cpus; i++)
		if (!r->cpu[i].asleep && r->cpu[i].rounds < rounds)
			set |= 1u << i;
	for (unsigned k = 0; k < r->kickers; k++)
		if (r->kicker_at[k] < 2)
			set |= 4u << k;
	if (r->remover_at == 0 || (r->remover_at == 1 && vcpu[0].sched.state == SCHED_OUT))
		set |= 0x20;
	return set;
}

static void move(struct race *r, unsigned actor)
{
	if (actor < 2)
		cpu_step(r, actor);
	else if (actor < 5)
		kicker_step(r, actor - 2);
	else
		remover_step(r);
}

#define RACE_STEPS 40

struct choice {
	u8 options, taken; /* a set of actors; the one chosen */
};

/* One order of steps: as far as told by path, then always the first; the path is completed. */
static unsigned run_race(const struct race *begin, unsigned rounds, struct choice *path,
			 unsigned given, struct race *end)
{
	unsigned n = 0, set;

	start(begin->cpus);
	*end = *begin;
	sched_add(&vcpu[0]);
	while ((set = movable(end, rounds))) {
		CU_ASSERT_FATAL(n < RACE_STEPS);
		if (n >= given)
			path[n] = (struct choice){ (u8)set, (u8)__builtin_ctz(set) };
		move(end, path[n++].taken);
	}
	/* All others are done: CPUs go on until they sleep. */
	for (unsigned i = 0; i < 64; i++)
		if (!end->cpu[i % end->cpus].asleep)
			cpu_step(end, i % end->cpus);
	return n;
}

/* Every order.  Their number; lost counts the bad ones. */
static unsigned run_all_races(const struct race *begin, unsigned rounds, unsigned *lost)
{
	struct choice path[RACE_STEPS];
	unsigned count = 0, given = 0;
	u32 all = (u32)BIT(begin->kickers) - 1;
	struct race end;

	for (;;) {
		unsigned n = run_race(begin, rounds, path, given, &end);
		bool out = vcpu[0].sched.state == SCHED_OUT;

		count++;
		*lost += !out && (end.served != all || vcpu[0].requests);
		*lost += vcpu[0].sched.state == SCHED_READY || vcpu[0].sched.state == SCHED_RUNNING;
		while (n && !(path[n - 1].options >> (path[n - 1].taken + 1)))
			n--;
		if (!n)
			return count;
		path[n - 1].taken +=
		    1 + (u8)__builtin_ctz(path[n - 1].options >> (path[n - 1].taken + 1));
		given = n;
	}
}

static void test_no_kick_lost(void)
{
	const struct race one_cpu = { .cpus = 1, .kickers = 3, .remover_at = 2 };
	const struct race two_cpus = { .cpus = 2, .kickers = 2, .remover_at = 2 };
	const struct race removed = { .cpus = 2, .kickers = 1, .remover_at = 0 };
	unsigned lost = 0, count;

	count = run_all_races(&one_cpu, 2, &lost);
	count += run_all_races(&two_cpus, 2, &lost);
	count += run_all_races(&removed, 2, &lost);
	CU_ASSERT(count > 10000);
	CU_ASSERT_EQUAL(lost, 0);
	finish();
}

/* ---- Random operations against a model ------------------------------------------------ */

struct model {
	u8 state[VCPUS];
	bool leaving[VCPUS], idle[CPUS];
	int last[VCPUS], on[CPUS]; /* CPU where it ran; vCPU that runs there, or -1 */
	u64 ran[VCPUS], since[VCPUS];
	int queue[VCPUS];
	unsigned queued;
};

static u64 seed = 88172645463325252ull;

static u64 dice(u64 sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % sides;
}

static void model_ready(struct model *m, int n)
{
	m->state[n] = SCHED_READY;
	m->queue[m->queued++] = n;
}

static void model_unqueue(struct model *m, int n)
{
	unsigned i = 0;

	while (m->queue[i] != n)
		i++;
	for (m->queued--; i < m->queued; i++)
		m->queue[i] = m->queue[i + 1];
}

/* May the CPU that we were told be the right one?  The model follows it. */
static bool woken_rightly(struct model *m, int n, int cpu)
{
	bool any = false;

	for (unsigned i = 0; i < CPUS; i++)
		any |= m->idle[i];
	if (!any)
		return cpu == m->last[n];
	if (cpu < 0 || cpu >= CPUS || !m->idle[cpu] || (m->idle[m->last[n]] && cpu != m->last[n]))
		return false;
	m->idle[cpu] = false;
	return true;
}

static bool try_add(struct model *m, int n)
{
	if (m->state[n] != SCHED_OUT)
		return true;
	model_ready(m, n);
	return woken_rightly(m, n, sched_add(&vcpu[n]));
}

static bool try_remove(struct model *m, int n)
{
	int cpu = sched_remove(&vcpu[n]);

	if (m->state[n] == SCHED_RUNNING) {
		m->leaving[n] = true;
		return cpu == m->last[n];
	}
	if (m->state[n] == SCHED_READY)
		model_unqueue(m, n);
	m->state[n] = SCHED_OUT;
	return cpu == -1;
}

static bool try_kick(struct model *m, int n)
{
	int cpu = sched_kick(&vcpu[n]);

	if (m->state[n] == SCHED_RUNNING)
		return cpu == m->last[n];
	if (m->state[n] != SCHED_BLOCKED)
		return cpu == -1;
	model_ready(m, n);
	return woken_rightly(m, n, cpu);
}

static bool try_pick(struct model *m, int cpu, u64 now)
{
	struct vcpu *v;
	int n;

	if (m->on[cpu] >= 0)
		return true;
	v = sched_pick((unsigned)cpu, now);
	n = m->queued ? m->queue[0] : -1;
	m->idle[cpu] = n < 0;
	m->on[cpu] = n;
	if (n < 0)
		return !v;
	model_unqueue(m, n);
	m->state[n] = SCHED_RUNNING;
	m->last[n] = cpu;
	m->since[n] = now;
	return v == &vcpu[n];
}

static bool try_put(struct model *m, int cpu, u64 now)
{
	bool blocked = dice(2), asked = dice(3) == 0;
	int n = m->on[cpu];

	if (n < 0)
		return true;
	vcpu[n].requests = asked ? REQUEST_IRQ : 0;
	sched_put(&vcpu[n], blocked, now);
	m->on[cpu] = -1;
	m->ran[n] += now - m->since[n];
	if (m->leaving[n])
		m->state[n] = SCHED_OUT;
	else if (blocked && !asked)
		m->state[n] = SCHED_BLOCKED;
	else
		model_ready(m, n);
	m->leaving[n] = false;
	return true;
}

static bool same(const struct model *m, u64 now)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		bool running = m->state[i] == SCHED_RUNNING;

		if (sched_state(&vcpu[i]) != m->state[i] ||
		    sched_run_ns(&vcpu[i], now) != m->ran[i] + (running ? now - m->since[i] : 0))
			return false;
		if (running && (sched_deadline(&vcpu[i]) == ~0ull) != (m->queued == 0))
			return false;
	}
	return true;
}

static void test_random(void)
{
	struct model m = { .on = { -1, -1, -1 } };
	unsigned wrong = 0;
	u64 now = 0;

	start(CPUS);
	for (unsigned i = 0; i < 100000; i++) {
		int n = (int)dice(VCPUS), cpu = (int)dice(CPUS);
		bool ok = true;

		now += dice(1000);
		switch (dice(7)) {
		case 0:
			ok = try_add(&m, n);
			break;
		case 1:
			ok = try_remove(&m, n);
			break;
		case 2:
		case 3:
			ok = try_kick(&m, n);
			break;
		case 4:
		case 5:
			ok = try_pick(&m, cpu, now);
			break;
		default:
			ok = try_put(&m, cpu, now);
		}
		wrong += !ok || !same(&m, now);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	finish();
}

/* ---- Misuse is a bug of ours: it panics ------------------------------------------------- */

static void add_twice(void *v)
{
	sched_add(v);
	sched_add(v);
}

static void put_unpicked(void *v)
{
	sched_put(v, true, 0);
}

static void no_cpus(void *unused UNUSED)
{
	sched_init(&sched_round_robin, 0, 0);
}

static void first_beyond(void *unused UNUSED)
{
	sched_init(&sched_round_robin, 2, 2);
}

static void test_misuse(void)
{
	start(1);
	CU_ASSERT(panics(add_twice, &vcpu[0]));
	CU_ASSERT(panics(put_unpicked, &vcpu[0]));
	CU_ASSERT(panics(no_cpus, NULL));
	CU_ASSERT(panics(first_beyond, NULL));
	finish();
}

void test_sched_register(void)
{
	CU_pSuite suite = CU_add_suite("sched", NULL, NULL);

	CU_add_test(suite, "misuse panics", test_misuse);
	CU_add_test(suite, "states", test_states);
	CU_add_test(suite, "a request beats blocking", test_request_beats_blocking);
	CU_add_test(suite, "remove in each state", test_remove);
	CU_add_test(suite, "CPUs that run no vCPUs", test_first_cpu);
	CU_add_test(suite, "the queue is first come, first served", test_queue_order);
	CU_add_test(suite, "which idle CPU", test_idle_choice);
	CU_add_test(suite, "no deadline while nobody waits", test_deadline);
	CU_add_test(suite, "equal turns", test_fair);
	CU_add_test(suite, "shares as weights", test_weights);
	CU_add_test(suite, "who overruns pays", test_debt);
	CU_add_test(suite, "and at once", test_small_debt);
	CU_add_test(suite, "equal shares of two CPUs", test_fair_on_two);
	CU_add_test(suite, "no kick is lost in any order of steps", test_no_kick_lost);
	CU_add_test(suite, "100000 random operations", test_random);
}
