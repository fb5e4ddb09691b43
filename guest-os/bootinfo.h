/* bootinfo.h - what the boot loader told us; see bootinfo.c */
#ifndef GUEST_OS_BOOTINFO_H
#define GUEST_OS_BOOTINFO_H

#include "types.h"

/* Usable RAM, physical, whole pages, end excluded; below 4 GiB only. */
struct bootinfo_range {
	u64 start, end;
};

#define BOOTINFO_RANGES_MAX 16

extern struct bootinfo_range bootinfo_ram[BOOTINFO_RANGES_MAX];
extern unsigned bootinfo_ram_count;

/*
 * Take over the memory map and the command line from the information at physical address pa.
 * After this the loader's memory is no longer needed.  Panics if magic is not multiboot 1's.
 */
void bootinfo_init(u32 magic, u64 pa);

/* Is this word on the command line? */
bool bootinfo_has(const char *word);

/*
 * The n-th (from 0) word that begins with prefix: copies what follows the prefix into value[size],
 * cut if need be.  False if there is none.
 */
bool bootinfo_value(const char *prefix, unsigned n, char *value, size_t size);

#endif
