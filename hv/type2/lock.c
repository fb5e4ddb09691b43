/*
 * lock.c - ticket locks between threads that Linux may stop at any moment
 *
 * Owns: host_lock and its brothers; see host.h.  First come, first served.
 *
 * Whoever waits spins for a moment, then sleeps in the kernel: the holder may have lost its CPU.
 * All sleep on the word that says who is served, each with the bit of its ticket, so that a release
 * wakes the next one and nobody else.
 * Source: Linux, futex(2), "FUTEX_WAIT_BITSET", "FUTEX_WAKE_BITSET".
 */
#include "type2/futex.h"
#include "type2/threads.h"
#include "x86_ops.h"

#define SPINS 100

static u32 bit_of(u32 ticket)
{
	return 1u << ticket % 32;
}

static void wait_for(struct host_lock *lock, u32 ticket)
{
	u32 serving;

	for (unsigned i = 0; i < SPINS; i++) {
		if (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) == ticket)
			return;
		x86_pause();
	}
	while ((serving = __atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE)) != ticket)
		futex_wait(&lock->serving, serving, bit_of(ticket));
}

void host_lock(struct host_lock *lock)
{
	const u32 me = threads_self() + 1;
	u32 ticket;

	if (unlikely(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == me))
		panic("lock %p taken twice", (void *)lock);
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket)
		wait_for(lock, ticket);
	__atomic_store_n(&lock->owner, me, __ATOMIC_RELAXED);
}

void host_unlock(struct host_lock *lock)
{
	u32 next;

	if (unlikely(!host_locked(lock)))
		panic("lock %p released, but not held", (void *)lock);
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
	next = lock->serving + 1;
	__atomic_store_n(&lock->serving, next, __ATOMIC_SEQ_CST);
	/* Who takes a ticket after this looks at serving, and does not sleep. */
	if (__atomic_load_n(&lock->next, __ATOMIC_SEQ_CST) != next)
		futex_wake(&lock->serving, bit_of(next));
}

bool host_locked(const struct host_lock *lock)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == threads_self() + 1;
}
