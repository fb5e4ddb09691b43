/*
 * nudge.h - getting a guest's CPU back by NMI, where interrupts cannot
 *
 * Owns: a slow tick of the PIT that comes to all CPUs as an NMI, while some CPU needs it.
 * Must not know: who needs it, and why (loop.c, timer.c).
 *
 * Only for machines on which virt->kick_needs_nmi says so: there an interrupt, a timer's too, does
 * not end the run of a guest that has interrupts off.  An NMI does, and the interrupt that
 * waits is taken then.  A CPU that an NMI meets before it has entered its guest goes on into
 * it; so the tick is asked for with each kick, and comes again until the CPU has left.
 */
#ifndef ESPEJO_TYPE1_NUDGE_H
#define ESPEJO_TYPE1_NUDGE_H

#include "compiler.h"

/* Once, when the I/O APIC works; false: no NMI can be had.  Until then the others do nothing. */
bool nudge_init(void);
bool nudge_needed(void); /* nudge_init was called */

/* CPU number cpu needs the tick; does not need it any more.  Any lock may be held. */
void nudge_want(unsigned cpu);
void nudge_done(unsigned cpu);

#endif
