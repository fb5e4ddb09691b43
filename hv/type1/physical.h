/*
 * physical.h - looking at physical memory that others wrote
 *
 * Owns: the one way in which parsers of firmware's and loaders' tables reach bytes.
 * Must not know: page tables; a host test gives made up memory.
 */
#ifndef ESPEJO_TYPE1_PHYSICAL_H
#define ESPEJO_TYPE1_PHYSICAL_H

#include "compiler.h"

struct physical {
	/* The len bytes at address, or NULL: they are not all there. */
	const u8 *(*see)(const struct physical *memory, u64 address, u64 len);
};

static inline const u8 *physical_see(const struct physical *memory, u64 address, u64 len)
{
	return memory->see(memory, address, len);
}

/* Little-endian numbers at any alignment. */
static inline u16 physical_u16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static inline u32 physical_u32(const u8 *p)
{
	return physical_u16(p) | (u32)physical_u16(p + 2) << 16;
}

static inline u64 physical_u64(const u8 *p)
{
	return physical_u32(p) | (u64)physical_u32(p + 4) << 32;
}

/* Do the bytes add up to 0?  That is every old table's checksum. */
static inline bool physical_sums_to_zero(const u8 *p, u64 len)
{
	u8 sum = 0;

	while (len--)
		sum = (u8)(sum + *p++);
	return sum == 0;
}

#endif
