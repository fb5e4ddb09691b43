/*
 * exchange.h - compare and exchange of RAM that other CPUs use meanwhile
 *
 * Owns: the one access that LOCK stands for, of each size, wherever it lies.
 * Must not know: whose memory it is.
 *
 * Source: [SDM] vol. 3 "Guaranteed Atomic Operations" (8.1.1), "Bus Locking" (8.1.2): a locked
 * access may have any alignment, but for one of 16 bytes; vol. 2 "CMPXCHG", "CMPXCHG8B/CMPXCHG16B".
 */
#ifndef ESPEJO_VM_EXCHANGE_H
#define ESPEJO_VM_EXCHANGE_H

#include "compiler.h"

#define EXCHANGE_MAX 16

/* Can exchange() do it: a power of two up to 16 bytes, the last ones aligned? */
static inline bool exchange_fits(const void *at, unsigned len)
{
	return len && len <= EXCHANGE_MAX && !(len & (len - 1)) &&
	       (len < EXCHANGE_MAX || (uintptr_t)at % EXCHANGE_MAX == 0);
}

#ifdef __x86_64__

#define EXCHANGE(size_letter, old, new, done)                                                      \
	__asm__ volatile("lock cmpxchg %" size_letter "3, %2"                                      \
			 : "+a"(old), "=@ccz"(done), "+m"(*(u8 *)at)                               \
			 : "r"(new)                                                                \
			 : "memory")

/* len bytes at `at` become new if they are old; false: they are not.  exchange_fits. */
static inline bool exchange(void *at, unsigned len, const void *old, const void *new)
{
	u64 was[2] = { 0 }, wanted[2] = { 0 };
	bool done;

	__builtin_memcpy(was, old, len);
	__builtin_memcpy(wanted, new, len);
	switch (len) {
	case 1:
		EXCHANGE("b", was[0], wanted[0], done);
		break;
	case 2:
		EXCHANGE("w", was[0], wanted[0], done);
		break;
	case 4:
		EXCHANGE("k", was[0], wanted[0], done);
		break;
	case 8:
		EXCHANGE("q", was[0], wanted[0], done);
		break;
	default:
		__asm__ volatile("lock cmpxchg16b %3"
				 : "+a"(was[0]), "+d"(was[1]), "=@ccz"(done), "+m"(*(u8 *)at)
				 : "b"(wanted[0]), "c"(wanted[1])
				 : "memory");
	}
	return done;
}

#undef EXCHANGE

#else /* where tests run on another CPU, alone */

static inline bool exchange(void *at, unsigned len, const void *old, const void *new)
{
	if (__builtin_memcmp(at, old, len))
		return false;
	__builtin_memcpy(at, new, len);
	return true;
}

#endif

#endif
