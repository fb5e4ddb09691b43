/*
 * sched.h - which vCPU runs next
 *
 * Owns: the ready vCPUs, their states, and the accounting of run time.
 * Must not know: what a vCPU does, how a CPU is kicked (host.h).
 *
 * A vCPU is in one state; all changes are made under one lock, so that no kick is lost:
 *
 *      sched_add                    pick                    put(BLOCKED)
 *   OUT ----> READY  <----------------------> RUNNING ------------------> BLOCKED
 *               ^          put(again)                                       |
 *               +-----------------------------------------------------------+  kick
 *
 * The order of the ready ones belongs to a policy: round robin, with turns as long as weights are
 * large; caps will be another one.
 */
#ifndef ESPEJO_SCHED_H
#define ESPEJO_SCHED_H

#include "compiler.h"

struct vcpu;

enum sched_state { SCHED_OUT, SCHED_READY, SCHED_RUNNING, SCHED_BLOCKED };

struct sched_entity {
	u8 state; /* enum sched_state */
	bool leaving; /* sched_remove while RUNNING */
	unsigned cpu; /* where it runs or ran last */
	u32 weight; /* of its turns: 100 is one of 10 ms */
	u64 started_ns; /* RUNNING: since when */
	u64 due_ns; /* RUNNING: until when, since others wait; 0: nobody has waited yet */
	u64 debt_ns; /* time that it took from those who waited */
	u64 paid_ns; /* RUNNING: what its turn is shorter by, to pay for that */
	u64 run_ns; /* time spent RUNNING, in all */
	struct vcpu *next; /* in the policy's queue */
};

struct sched_policy {
	const char *name;
	void (*enqueue)(struct vcpu *v); /* became READY */
	void (*dequeue)(struct vcpu *v); /* was READY, is taken out */
	struct vcpu *(*pick)(unsigned cpu); /* the next one for this CPU, dequeued; or NULL */
	u64 (*slice_ns)(const struct vcpu *v); /* how long it may run while others wait */
};

extern const struct sched_policy sched_round_robin;

/* CPUs first to cpus - 1 run vCPUs; those below first never get one.  first < cpus. */
void sched_init(const struct sched_policy *policy, unsigned first, unsigned cpus);

/*
 * Let v run from now on (it becomes READY); take it out again: it is OUT at once unless it is
 * RUNNING, then as soon as its CPU puts it back.  Both return the CPU that must be
 * interrupted for it to be noticed, or -1.
 */
int sched_add(struct vcpu *v);
int sched_remove(struct vcpu *v);

/* The vCPU that this CPU shall run now, or NULL: be idle (a kick will come). */
struct vcpu *sched_pick(unsigned cpu, u64 now);

/*
 * This CPU does something else for a while: vCPUs that become ready go elsewhere, if anywhere.  If
 * one waits already, the idle CPU that must be interrupted to take it; or -1.
 */
int sched_busy(unsigned cpu);

/*
 * host_now until which a RUNNING vCPU may run; ~0 while no other one waits: no timer is needed
 * then.  Ask again after each host interrupt, for others may have become ready.  Time beyond it is
 * v's debt, which its next turns pay: so a guest gains nothing by exits that take long.
 */
u64 sched_deadline(struct vcpu *v);

/*
 * A CPU that runs with no timer though somebody waits by now, which must be interrupted to ask for
 * its deadline; or -1.  Called after sched_deadline gave one: so the news goes from CPU to CPU.
 */
int sched_nudge(void);

/*
 * v comes back: blocked, or ready to go on (or leaving).  A request made meanwhile makes it READY.
 */
void sched_put(struct vcpu *v, bool blocked, u64 now);

/*
 * Somebody wants v to look at its requests: it becomes READY if it was BLOCKED.  Returns the
 * CPU that must be interrupted for that (it runs v, or idles and should pick v), or -1.
 */
int sched_kick(struct vcpu *v);

/* Time spent running until now, and the state; any CPU. */
u64 sched_run_ns(struct vcpu *v, u64 now);
unsigned sched_state(struct vcpu *v);

#endif
