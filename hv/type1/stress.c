/* stress.c - see stress.h */
#include "type1/stress.h"

#include "host.h"
#include "type1/console.h"
#include "type1/cpu.h"
#include "type1/guests.h"
#include "type1/loop.h"

#define TARGETS_MAX 64
#define LATE_NS 10000000000ull
#define LOST_NS 60000000000ull /* a busy emulator may have no time for a CPU */
#define PAUSE_SHIFT 18 /* pauses of up to 16 us */
#define PATIENCE_NS 1000000ull

struct target {
	struct vcpu *v;
	u64 exits; /* before */
};

struct answers {
	u64 longest_ns;
	unsigned overlooked;
};

static struct target target[TARGETS_MAX];
static unsigned target_count;

static u64 exits_of(const struct vcpu *v)
{
	u64 total = 0;

	for (unsigned r = 0; r < EXIT_REASON_COUNT; r++)
		total += v->exits[r];
	return total;
}

static void find_targets(void)
{
	const struct guest *g;

	target_count = 0;
	for (unsigned n = 0; (g = guests_at(n)); n++) {
		if (!g->vm || g->vm->state != VM_RUNNING)
			continue;
		for (unsigned i = 0; i < g->vm->vcpu_count && target_count < TARGETS_MAX; i++)
			target[target_count++] =
			    (struct target){ g->vm->vcpu[i], exits_of(g->vm->vcpu[i]) };
	}
}

/* The request is taken by the vCPU's own loop and by nobody else. */
static bool answered(const struct vcpu *v)
{
	return !(__atomic_load_n(&v->requests, __ATOMIC_ACQUIRE) & REQUEST_WAKE);
}

/*
 * An answer is late: is the kick lost, or does its CPU only not look?  Another interrupt makes it
 * look, and one of the kick that waited is taken first.
 */
static bool overlooked(struct vcpu *v)
{
	u64 since = host_now(), kicks = 0;
	const struct cpu *cpu;

	cpu = loop_rouse(v, &kicks);
	while (!answered(v)) {
		if (!cpu || host_now() - since > LOST_NS)
			return false;
		host_relax();
	}
	return cpu && READ_ONCE(cpu->kicks) != kicks;
}

/* False: the kick is lost.  What it took, and whether it was overlooked, goes into *all. */
static bool wait_answer(struct vcpu *v, u64 since, struct answers *all)
{
	u64 now = since;

	while (!answered(v)) {
		now = host_now();
		if (now - since > LATE_NS) {
			if (!overlooked(v))
				return false;
			all->overlooked++;
			return true;
		}
		/* Each PAUSE costs QEMU a lock that the other CPU wants. */
		if (now - since > PATIENCE_NS)
			host_relax();
	}
	all->longest_ns = MAX(all->longest_ns, now - since);
	return true;
}

/*
 * All of them at once, so that kicks meet each other, and each round after another pause: so they
 * meet vCPUs at every point of their way into the guest and out of it.
 */
static unsigned kick_round(unsigned count, struct answers *all)
{
	static u32 random = 1;
	unsigned lost = 0;
	u64 since = host_now(), pause;

	random = random * 1664525u + 1013904223u; /* [Knuth] "The linear congruential method" */
	pause = random >> PAUSE_SHIFT;
	while (host_now() - since < pause)
		;
	since = host_now();
	for (unsigned i = 0; i < count; i++)
		vcpu_request(target[i].v, REQUEST_WAKE);
	for (unsigned i = 0; i < count; i++)
		if (!wait_answer(target[i].v, since, all))
			lost++;
	return lost;
}

int stress_kicks(u64 count)
{
	u64 kicks = 0, exits = 0;
	struct answers all = { 0 };
	unsigned lost = 0;

	find_targets();
	if (!target_count) {
		console_printf("no vCPU runs: nobody to kick\n");
		return -HOST_ENOENT;
	}
	while (kicks < count && !lost) {
		unsigned n = (unsigned)MIN(count - kicks, (u64)target_count);

		lost = kick_round(n, &all);
		kicks += n;
	}
	for (unsigned i = 0; i < target_count; i++)
		exits += exits_of(target[i].v) - target[i].exits;
	console_printf("stress: %llu kicks to %u vCPUs, %llu answered, %u lost, %u overlooked;"
		       " the longest answer took %llu us; %llu exits\n",
		       (unsigned long long)kicks, target_count,
		       (unsigned long long)(kicks - lost), lost, all.overlooked,
		       (unsigned long long)(all.longest_ns / 1000), (unsigned long long)exits);
	return (int)lost;
}
