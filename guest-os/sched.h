/* sched.h - who runs next; see sched.c */
#ifndef GUEST_OS_SCHED_H
#define GUEST_OS_SCHED_H

#include "types.h"

#define SCHED_SLICE_US 10000

struct process;

/* What a process may wait for, one bit each. */
enum sched_event {
	SCHED_INPUT = 1, /* a character came in */
	SCHED_CHILD = 2, /* a process ended */
};

/* Give the CPU to the next runnable process; returns when it is our turn again. */
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

/* From the clock: the time asked for may have come. */
void sched_tick(void);

/* On the way back to user mode: switch if the slice is over or somebody was woken. */
void sched_preempt(void);

#endif
