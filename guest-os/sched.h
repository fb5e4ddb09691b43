/* sched.h - who runs next, and where; see sched.c */
#ifndef GUEST_OS_SCHED_H
#define GUEST_OS_SCHED_H

#include "compiler.h"

#define SCHED_SLICE_US 10000

struct process;

/* What a process may wait for, one bit each. */
enum sched_event {
	SCHED_INPUT = 1,   /* a character came in */
	SCHED_CHILD = 2,   /* a process ended */
	SCHED_DISK = 4,	   /* the disk is done with something */
	SCHED_NET = 8,	   /* a frame came, a neighbour was found */
	SCHED_RANDOM = 16, /* the entropy device gave something */
};

/* Give this processor to the next runnable process; returns when it is our turn again. */
void sched_yield(void);

/*
 * Stop running until one of the events (their sum; 0: none) or until the time (CLOCK_NEVER: none).
 * May return early: test the condition again.
 */
void sched_wait(unsigned events, u64 until_us);

/* Make those that wait for this event runnable. */
void sched_wake(enum sched_event event);

/* Make a new process runnable. */
void sched_start(struct process *p);

/* Halt until an interrupt has come and been handled.  Interrupts are off before and after. */
void sched_idle(void);

/* What an idle thread does: run whoever can run, else halt.  The kernel's lock is held. */
NORETURN void sched_idle_forever(void);

/* From the clock: the time asked for may have come. */
void sched_tick(void);

/* On the way back to user mode: switch if the slice is over or somebody was woken. */
void sched_preempt(void);

#endif
