/*
 * sched.c - who runs next, and where
 *
 * Owns: round robin over the process table, time slices, sleeping, idling.  The kernel runs with
 * interrupts off and is never preempted; user mode always runs with interrupts on.  Every processor
 * takes any process that nobody else runs; one with nothing to do halts in its idle thread.
 * Must not know: what processes are made of, but for their state.
 */
#include "sched.h"

#include "clock.h"
#include "compiler.h"
#include "cpu.h"
#include "ipi.h"
#include "lock.h"
#include "process.h"
#include "x86_ops.h"

/* May this processor switch to p? */
static bool can_run(const struct cpu *cpu, const struct process *p)
{
	return p->state == PROCESS_RUNNABLE && (!p->cpu || p->cpu == cpu) &&
	       (!p->pinned || p->home == cpu);
}

/* The next runnable process behind the current one, which itself comes last; NULL if none. */
static struct process *pick(const struct cpu *cpu)
{
	unsigned here = cpu->current->slot;

	for (unsigned i = 1; i <= PROCESS_MAX; i++) {
		struct process *p = &process_table[(here + i) % PROCESS_MAX];

		if (can_run(cpu, p))
			return p;
	}
	return NULL;
}

static bool idles(const struct cpu *cpu)
{
	return READ_ONCE(cpu->online) && cpu->current == &cpu->idle && !cpu->wanted;
}

/* Who is to run p: its home if it must, one with nothing to do if there is one, else this one. */
static struct cpu *place_for(const struct process *p)
{
	struct cpu *self = cpu_this();

	if (p->pinned)
		return p->home;
	for (struct cpu *cpu = cpu_table; !idles(self) && cpu < cpu_table + cpu_count; cpu++)
		if (idles(cpu))
			return cpu;
	return self;
}

/* p may run, and nobody does it yet: let somebody look for work. */
static void offer(const struct process *p)
{
	struct cpu *cpu = place_for(p);
	bool told = cpu->wanted;

	WRITE_ONCE(cpu->wanted, true);
	if (cpu != cpu_this() && !told)
		ipi_wake(cpu);
}

static void make_runnable(struct process *p)
{
	p->state = PROCESS_RUNNABLE;
	offer(p);
}

static void wake_sleepers(void)
{
	u64 now = clock_us();

	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->state == PROCESS_WAITING && p->wake_at <= now)
			make_runnable(p);
}

/* The next time at which one of ours must be woken or a slice ends. */
static void set_alarm(const struct cpu *cpu)
{
	u64 at = cpu->slice_end;

	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->state == PROCESS_WAITING && p->home == cpu)
			at = MIN(at, p->wake_at);
	clock_alarm(at);
}

/* Others that could run here limit the slice; a processor with nothing to do is to take one. */
static void begin_slice(struct cpu *cpu, const struct process *next)
{
	unsigned others = 0;

	cpu->wanted = false;
	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++) {
		if (p == next || !can_run(cpu, p))
			continue;
		others++;
		if (place_for(p) != cpu)
			offer(p);
	}
	cpu->slice_end = others ? clock_us() + SCHED_SLICE_US : CLOCK_NEVER;
	set_alarm(cpu);
}

static void schedule(void)
{
	struct cpu *cpu = cpu_this();
	struct process *next = pick(cpu);

	process_account();
	if (!next)
		next = &cpu->idle;
	begin_slice(cpu, next);
	process_switch_to(next);
}

/* One instruction sequence: an interrupt can not come between STI and HLT. */
void sched_idle(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

/*
 * The only place where the kernel lets interrupts in, and others into the kernel.  Whoever has work
 * for this processor says so before he sends the interrupt that ends HLT; a look needs no lock.
 */
void sched_idle_forever(void)
{
	struct cpu *cpu = cpu_this();

	for (;;) {
		while (!pick(cpu)) {
			cpu->wanted = false;
			cpu->slice_end = CLOCK_NEVER;
			set_alarm(cpu);
			lock_kernel_leave();
			while (!READ_ONCE(cpu->wanted))
				sched_idle();
			lock_kernel_enter();
		}
		schedule();
	}
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
	for (struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->state == PROCESS_WAITING && p->events & event)
			make_runnable(p);
}

void sched_start(struct process *p)
{
	make_runnable(p);
}

void sched_tick(void)
{
	struct cpu *cpu = cpu_this();

	wake_sleepers();
	if (cpu->slice_end <= clock_us()) {
		cpu->wanted = true;
		cpu->slice_end = CLOCK_NEVER;
	}
	set_alarm(cpu);
}

void sched_preempt(void)
{
	process_obey();
	if (cpu_this()->wanted)
		schedule();
}
