/* clock.h - time; see clock.c */
#ifndef GUEST_OS_CLOCK_H
#define GUEST_OS_CLOCK_H

#include "types.h"

/* Measure the TSC and the LAPIC timer against the PIT; take the timer's interrupts. */
void clock_init(void);

/* Microseconds since clock_init; the same on all processors, whose TSCs agree. */
u64 clock_us(void);

/* Spin for so long. */
void clock_delay(u64 us);

/*
 * Ask for an interrupt of this processor at this time, which calls sched_tick; CLOCK_NEVER: for
 * none.  Only the last request counts.  It may come early: sched_tick then asks again.
 */
#define CLOCK_NEVER (~0ull)
void clock_alarm(u64 at_us);

/* Which timer drives the boot processor's alarm: at first its LAPIC, if there is one. */
void clock_use_pit(bool pit);

/* Interrupts that each timer has made; the calibrated rates. */
struct clock_facts {
	bool pit;
	u64 pit_ticks, lapic_ticks;
	u64 tsc_khz, lapic_khz; /* lapic: counts of the timer */
};
struct clock_facts clock_facts(void);

#endif
