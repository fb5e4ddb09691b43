/* lock.h - one processor at a time; see lock.c */
#ifndef GUEST_OS_LOCK_H
#define GUEST_OS_LOCK_H

#include "compiler.h"

/* A ticket lock: who comes first is served first. */
struct lock {
	u32 next;    /* the ticket of the next to come */
	u32 serving; /* the ticket that holds the lock */
};

/* Interrupts must be off.  While it waits, the processor does what others ask of it (ipi.h). */
void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

/*
 * The kernel's one lock: whoever is in the kernel holds it, but for HLT.  Enter: false, and nothing
 * done, if this processor holds it already.
 */
bool lock_kernel_enter(void);
void lock_kernel_leave(void);

/* Let those in who wait for it. */
void lock_kernel_yield(void);

#endif
