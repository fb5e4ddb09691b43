/* timer.c - see timer.h */
#include "type1/timer.h"

#include "type1/apic.h"
#include "type1/cpu.h"
#include "type1/nudge.h"
#include "type1/traps.h"
#include "type1/tsc.h"
#include "x86_ops.h"

#define NEVER (~0ull)

enum timer_state { TIMER_IDLE, TIMER_ARMED };

static void interrupt(void)
{
	cpu_this()->timer_armed_ns = NEVER;
	apic_eoi();
}

void timer_init_cpu(void)
{
	cpu_this()->timer_armed_ns = NEVER;
	cpu_this()->deadline_ns = NEVER;
	traps_set_handler(TRAPS_VECTOR_TIMER, interrupt);
}

/* Set the LAPIC's timer.  A time too far away for its 32 bits is reached in several steps. */
static void program(struct cpu *cpu, u64 when)
{
	u64 now;

	if (when == cpu->timer_armed_ns)
		return;
	cpu->timer_armed_ns = when;
	if (when == NEVER) {
		apic_timer_start(0);
		return;
	}
	now = host_now();
	apic_timer_start(tsc_apic_ticks(when > now ? when - now : 0));
	if (cpu->stepping)
		nudge_at(when);
}

void timer_arm(u64 deadline)
{
	struct cpu *cpu = cpu_this();

	cpu->deadline_ns = deadline;
	program(cpu, cpu->timers ? MIN(deadline, cpu->timers->when_ns) : deadline);
}

/* ---- The lists ------------------------------------------------------------------------------ */

/* Lock the list that timer is on, or was on last. */
static struct cpu *lock_list_of(struct host_timer *timer)
{
	for (;;) {
		struct cpu *cpu = cpu_table[READ_ONCE(timer->cpu)];

		host_lock(&cpu->timer_lock);
		if (cpu->index == READ_ONCE(timer->cpu))
			return cpu;
		host_unlock(&cpu->timer_lock);
	}
}

static void take_out(struct cpu *cpu, struct host_timer *timer)
{
	struct host_timer **link = &cpu->timers;

	if (timer->state != TIMER_ARMED)
		return;
	while (*link != timer)
		link = &(*link)->next;
	*link = timer->next;
	timer->state = TIMER_IDLE;
}

/* Equal times stay in the order in which they were set. */
static void put_in(struct cpu *cpu, struct host_timer *timer)
{
	struct host_timer **link = &cpu->timers;

	while (*link && (*link)->when_ns <= timer->when_ns)
		link = &(*link)->next;
	timer->next = *link;
	timer->state = TIMER_ARMED;
	timer->cpu = cpu->index;
	*link = timer;
}

void host_timer_set(struct host_timer *timer, u64 when_ns)
{
	struct cpu *cpu = cpu_this(), *old;

	/* Onto this CPU's list, one lock at a time; somebody may be faster, then take it back. */
	for (;;) {
		old = lock_list_of(timer);
		take_out(old, timer);
		if (old == cpu)
			break;
		WRITE_ONCE(timer->cpu, cpu->index);
		host_unlock(&old->timer_lock);
	}
	timer->when_ns = when_ns;
	put_in(cpu, timer);
	host_unlock(&cpu->timer_lock);
	if (cpu->timers == timer)
		program(cpu, MIN(cpu->deadline_ns, when_ns));
}

/* Wait while another CPU runs its fire; from inside it there is nothing to wait for. */
static void wait_until_fired(const struct host_timer *timer)
{
	for (unsigned i = 0; i < cpu_count; i++)
		while (i != cpu_this()->index &&
		       __atomic_load_n(&cpu_table[i]->firing, __ATOMIC_ACQUIRE) == timer)
			x86_pause();
}

void host_timer_cancel(struct host_timer *timer)
{
	/* fire itself may have set it again meanwhile. */
	do {
		struct cpu *cpu = lock_list_of(timer);

		take_out(cpu, timer);
		host_unlock(&cpu->timer_lock);
		wait_until_fired(timer);
	} while (READ_ONCE(timer->state) == TIMER_ARMED);
}

/* The first timer of this CPU that is due, taken out and marked as firing; or NULL. */
static struct host_timer *next_due(struct cpu *cpu)
{
	struct host_timer *timer;

	if (!READ_ONCE(cpu->timers))
		return NULL;
	host_lock(&cpu->timer_lock);
	timer = cpu->timers;
	if (timer && timer->when_ns <= host_now()) {
		__atomic_store_n(&cpu->firing, timer, __ATOMIC_RELEASE);
		take_out(cpu, timer);
	} else {
		timer = NULL;
	}
	host_unlock(&cpu->timer_lock);
	return timer;
}

void timer_expire(void)
{
	struct cpu *cpu = cpu_this();
	struct host_timer *timer;

	while ((timer = next_due(cpu))) {
		timer->fire(timer);
		__atomic_store_n(&cpu->firing, NULL, __ATOMIC_RELEASE);
	}
}
