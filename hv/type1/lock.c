/*
 * lock.c - ticket locks
 *
 * Owns: host_lock and its brothers; see host.h.  First come, first served.
 */
#include "type1/cpu.h"
#include "x86_ops.h"

/* What owner is while this CPU holds the lock. */
static inline u32 me(void)
{
	return cpu_this()->index + 1;
}

void host_lock(struct host_lock *lock)
{
	const u32 cpu = me();
	u32 ticket;

	if (unlikely(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == cpu))
		panic("lock %p taken twice", (void *)lock);
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket)
		x86_pause();
	__atomic_store_n(&lock->owner, cpu, __ATOMIC_RELAXED);
}

void host_unlock(struct host_lock *lock)
{
	if (unlikely(!host_locked(lock)))
		panic("lock %p released, but not held", (void *)lock);
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
}

bool host_locked(const struct host_lock *lock)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == me();
}
