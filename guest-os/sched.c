/*
 * sched.c - who runs next
 *
 * Owns: round robin over the process table, time slices, sleeping, idling.  The kernel runs with
 * interrupts off and is never preempted; user mode always runs with interrupts on.  The CPU is
 * idle here, in HLT, in the name of the process that ran last.
 * Must not know: what processes are made of, but for their state.
 */
#include "sched.h"

#include "clock.h"
#include "compiler.h"
#include "process.h"
#include "x86_ops.h"

static bool wanted; /* a switch, at the next return to user mode */
static u64 slice_end; /* CLOCK_NEVER: nobody else wants to run */

/* The next runnable process behind the current one, which itself comes last; NULL if none. */
static struct process *pick(void)
{
	unsigned here = process_current()->slot;

	for (unsigned i = 1; i <= PROCESS_MAX; i++) {
		struct process *p = &process_table[(here + i) % PROCESS_MAX];

		if (p->state == PROCESS_RUNNABLE)
			return p;
	}
	return NULL;
}

static void wake_sleepers(void)
{
	u64 now = clock_us();

	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++) {
		if (p->state == PROCESS_WAITING && p->wake_at <= now) {
			p->state = PROCESS_RUNNABLE;
			wanted = true;
		}
	}
}

/* The next time at which somebody must be woken or a slice ends. */
static void set_alarm(void)
{
	u64 at = slice_end;

	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->state == PROCESS_WAITING)
			at = MIN(at, p->wake_at);
	clock_alarm(at);
}

static void begin_slice(const struct process *next)
{
	unsigned others = 0;

	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		others += p != next && p->state == PROCESS_RUNNABLE;
	slice_end = others ? clock_us() + SCHED_SLICE_US : CLOCK_NEVER;
	wanted = false;
	set_alarm();
}

/* One instruction sequence: an interrupt can not come between STI and HLT. */
void sched_idle(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

static struct process *idle_until_runnable(void)
{
	struct process *next;

	slice_end = CLOCK_NEVER;
	while (!(next = pick())) {
		set_alarm();
		sched_idle();
	}
	return next;
}

static void schedule(void)
{
	struct process *next = pick();

	process_account();
	if (!next) {
		next = idle_until_runnable();
		process_account_idle();
	}
	begin_slice(next);
	process_switch_to(next);
}

void sched_yield(void)
{
	schedule();
}

void sched_wait(unsigned events, u64 until_us)
{
	struct process *self = process_current();

	self->events = events;
	self->wake_at = until_us;
	self->state = PROCESS_WAITING;
	schedule();
}

void sched_wake(enum sched_event event)
{
	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++) {
		if (p->state == PROCESS_WAITING && p->events & event) {
			p->state = PROCESS_RUNNABLE;
			wanted = true;
		}
	}
}

void sched_start(struct process *p)
{
	p->state = PROCESS_RUNNABLE;
	wanted = true;
}

void sched_tick(void)
{
	wake_sleepers();
	if (slice_end <= clock_us()) {
		wanted = true;
		slice_end = CLOCK_NEVER;
	}
	set_alarm();
}

void sched_preempt(void)
{
	if (wanted)
		schedule();
}
