/*
 * tsc.h - time: the TSC, and how fast it and the LAPIC timer run
 *
 * Owns: host_now, host_tsc and their brothers; calibration against the PIT; the wall clock.
 * Must not know: timers (timer.c).
 */
#ifndef ESPEJO_TYPE1_TSC_H
#define ESPEJO_TYPE1_TSC_H

#include "compiler.h"

/*
 * Measure on the boot CPU, whose APIC is on.  host_now is 0 about now.  0, or -HOST_ENOTSUP:
 * neither the PIT counts nor does CPUID tell a frequency; the sentence is in error.
 * Sources: [SDM] "Time-Stamp Counter" (17.17), CPUID leaf 15H.
 */
int tsc_init(char *error, size_t size);

/* Ticks of the LAPIC timer in so many nanoseconds, rounded up, at most its 32 bits. */
u32 tsc_apic_ticks(u64 ns);

/* Both sides of making a starting CPU's counter agree with the boot CPU's: it calls the first,
 * the boot CPU the second at the same time.  Returns (to the boot CPU) the offset found. */
void tsc_sync_answer(void);
s64 tsc_sync_ask(void);

/* Wait, spinning. */
void tsc_delay_us(u64 us);

#endif
