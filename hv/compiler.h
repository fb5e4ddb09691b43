/*
 * compiler.h - what we ask of the compiler, by name
 *
 * Owns: bit and alignment arithmetic, layout assertions, attributes.
 * Must not know: hardware.  Works with gcc and clang, hosted or freestanding.
 */
#ifndef ESPEJO_COMPILER_H
#define ESPEJO_COMPILER_H

#ifdef __ASSEMBLER__
#define BIT(n) (1 << (n))
#else

#include "types.h"

#define BIT(n) (1ull << (n))
/* A mask of bits hi..lo, both included. */
#define BITS(hi, lo) ((~0ull >> (63 - (hi))) & (~0ull << (lo)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN_DOWN(x, a) ((x) & ~((a) - 1))
#define ALIGN_UP(x, a) (((x) + (a) - 1) & ~((a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((a) - 1)) == 0)

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The structure that contains this member. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Layout that hardware, firmware or a guest depends on. */
#define ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(type) == (size), #type " must have size " #size)
#define ASSERT_OFFSET(type, member, offset)                          \
	_Static_assert(offsetof(type, member) == (offset), \
		       #type "." #member " must be at " #offset)

#define PACKED __attribute__((packed))
#define ALIGNED(n) __attribute__((aligned(n)))
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))
/* Where the count of instructions of every exit depends on it. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline)) /* keeps a rare case's frame out of a common one */

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Eight bytes from any address, in one access where the CPU can. */
static inline u64 load64(const void *p)
{
	u64 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/* One reading or writing of memory that another CPU or a guest may change. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#endif /* !__ASSEMBLER__ */
#endif
