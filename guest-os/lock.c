/*
 * lock.c - one processor at a time
 *
 * Owns: ticket locks, and the kernel's one lock.
 * Must not know: what is protected.
 *
 * One lock for the whole kernel is simple to reason about: what was right with one processor stays
 * right.  Programs run side by side; their system calls and faults take turns.
 */
#include "lock.h"

#include "cpu.h"
#include "ipi.h"
#include "x86_ops.h"

static struct lock kernel;
static struct cpu *holder; /* of the kernel's lock; only the holder itself finds itself here */

/* Whom we wait for may wait for our answer to its call: hence ipi_serve. */
void lock_take(struct lock *lock)
{
	u32 ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
		ipi_serve();
		x86_pause();
	}
}

void lock_give(struct lock *lock)
{
	__atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
}

bool lock_kernel_enter(void)
{
	struct cpu *self = cpu_this();

	if (READ_ONCE(holder) == self)
		return false;
	lock_take(&kernel);
	WRITE_ONCE(holder, self);
	return true;
}

void lock_kernel_leave(void)
{
	WRITE_ONCE(holder, NULL);
	lock_give(&kernel);
}

/* Tickets are fair: we come back behind everybody who is waiting now. */
void lock_kernel_yield(void)
{
	lock_kernel_leave();
	lock_kernel_enter();
}
