/*
 * timer.h - the timers of a CPU's loop
 *
 * Owns: each CPU's sorted list, and what its LAPIC timer is set to: the earliest of the list
 * and the running vCPU's deadline.  Nothing ticks.
 * Must not know: who sets timers.
 *
 * The interrupt does nothing but end what the CPU was doing; the loop then calls
 * timer_expire.
 */
#ifndef ESPEJO_TYPE1_TIMER_H
#define ESPEJO_TYPE1_TIMER_H

#include "compiler.h"

/* On each CPU, before its first host_timer_set. */
void timer_init_cpu(void);

/* Fire this CPU's timers that are due, in order of time.  No lock held. */
void timer_expire(void);

/* Interrupt at the deadline (host_now; ~0: never) or at the earliest timer. */
void timer_arm(u64 deadline);

#endif
