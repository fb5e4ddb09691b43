/* mptable.h - the processors, as the MP table lists them; see mptable.c */
#ifndef GUEST_OS_MPTABLE_H
#define GUEST_OS_MPTABLE_H

#include "types.h"

/* Put the APIC IDs of the usable processors into ids[max]; how many they are, 0 without a table. */
unsigned mptable_processors(u32 *ids, unsigned max);

/* The same for a configuration table in memory, of length bytes. */
unsigned mptable_read(const void *table, size_t length, u32 *ids, unsigned max);

#endif
