/* ipi.h - messages between processors; see ipi.c */
#ifndef GUEST_OS_IPI_H
#define GUEST_OS_IPI_H

#include "cpu.h"

#define IPI_WAKE_VECTOR 0x41 /* look for work */
#define IPI_CALL_VECTOR 0x42 /* there is a call to answer */

/* Take these interrupts.  Needs the traps. */
void ipi_init(void);

/* Let this processor come into the kernel, out of HLT or out of user mode. */
void ipi_wake(const struct cpu *target);

/*
 * Let other processors run function(argument), at the same time, and wait until all have.  It runs
 * with interrupts off and without the kernel's lock, which the caller holds.  ipi_call_others: all
 * that are online, but for the caller; ipi_call_all: the caller too.
 */
void ipi_call(struct cpu *target, void (*function)(u64), u64 argument);
void ipi_call_others(void (*function)(u64), u64 argument);
void ipi_call_all(void (*function)(u64), u64 argument);

/* Answer a call, if there is one: from the interrupt, and from whoever waits for a lock. */
void ipi_serve(void);

#endif
