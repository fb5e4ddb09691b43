/*
 * types.h - integers and addresses
 *
 * Owns: the fixed-width integer names, and one type for each kind of address.
 * Must not know: anything else; every other header stands on this one.
 *
 * A physical address of the machine and a physical address of a guest are both
 * 64-bit numbers, and confusing them is the classic bug of a hypervisor.  Here
 * they are distinct one-member structs, so mixing them does not compile.
 * A guest-virtual address stays a plain u64 called gva: it means nothing
 * without the paging state it is walked with.
 */
#ifndef ESPEJO_TYPES_H
#define ESPEJO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* Host-physical address: what the machine's memory bus sees. */
typedef struct hpa {
	u64 v;
} hpa_t;

/* Guest-physical address: what a guest believes its memory bus sees. */
typedef struct gpa {
	u64 v;
} gpa_t;

static inline hpa_t hpa(u64 v)
{
	return (hpa_t){ v };
}

static inline gpa_t gpa(u64 v)
{
	return (gpa_t){ v };
}

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ull
#define PAGE_MASK (PAGE_SIZE - 1)
#define LARGE_PAGE_SHIFT 21
#define LARGE_PAGE_SIZE (2ull << 20)

#define KiB(n) ((u64)(n) << 10)
#define MiB(n) ((u64)(n) << 20)
#define GiB(n) ((u64)(n) << 30)

#endif
