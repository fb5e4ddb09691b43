/*
 * nudge.h - getting a guest's CPU back by NMI, where interrupts cannot
 *
 * Owns: PIT and RTC, whose ticks come to all CPUs as NMIs, at the times for which CPUs ask.
 * Must not know: who needs it, and why (loop.c, timer.c).
 *
 * Only for machines on which virt->kick_needs_nmi says so: there an interrupt, a timer's too, does
 * not end the run of a guest that has interrupts off.  An NMI does, and the interrupt that
 * waits is taken then.  So a tick comes shortly after each timer interrupt is due, and a guest that
 * the interrupt could end is not disturbed at all; one that is entered with interrupts off, which
 * only a tick can end, has it on time.  A CPU that an NMI meets just before it enters its guest may
 * go on into it; so ticks go on until the CPU has left and asks for something else.
 *
 * The PIT counts to at most 55 ms.  What is further away is waited for with two ticks of the RTC
 * a second, for a guest that computes for seconds shall not pay for our timer.
 *
 * Sources: Intel, "8254 Programmable Interval Timer", "Mode 2"; Motorola, "MC146818A Real-Time
 * Clock Plus RAM", "Register A", "Register B", "Register C".
 */
#ifndef ESPEJO_TYPE1_NUDGE_H
#define ESPEJO_TYPE1_NUDGE_H

#include "compiler.h"

/* Once, when the I/O APIC works; false: no NMI can be had.  Until then the others do nothing. */
bool nudge_init(void);
bool nudge_needed(void); /* nudge_init was called */

/*
 * This CPU must leave its guest a little after when_ns (host_now), ~0: need not; this takes the
 * place of what it asked for before.  It asks at least each time it is about to enter a guest.
 */
void nudge_at(u64 when_ns);
/* CPU cpu must leave its guest now, and an NMI is on its way to it: in case it comes too early. */
void nudge_soon(unsigned cpu);

#endif
