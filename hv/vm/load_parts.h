/*
 * load_parts.h - what the loaders of the two kernel formats share
 *
 * Owns: reading from files that nobody vouches for, and finding room in a VM's RAM.
 * Must not know: formats.
 */
#ifndef ESPEJO_VM_LOAD_PARTS_H
#define ESPEJO_VM_LOAD_PARTS_H

#include "vm/load.h"
#include "vm/state.h"

#define LOAD_LOW_END 0x9fc00ull /* where conventional memory ends and the EBDA begins */
#define LOAD_HIGH_START MiB(1)
#define LOAD_RANGES 80
#define LOAD_NOWHERE (~0ull)

/* The text mode that a BIOS leaves, which is what dev/vga.c is in. */
#define LOAD_TEXT_MODE 3
#define LOAD_TEXT_COLUMNS 80
#define LOAD_TEXT_ROWS 25
#define LOAD_TEXT_POINTS 16 /* scan lines of a character */
#define LOAD_TEXT_CRTC 0x3d4
#define LOAD_TEXT_BASE 0xb8000u
#define LOAD_TEXT_CELL 2 /* bytes */

/* Guest-physical memory that is taken. */
struct load_range {
	u64 start, end;
	const char *what;
};

struct loader {
	struct vm *vm;
	const struct load_request *request;
	char *error;
	size_t error_size;
	struct load_range used[LOAD_RANGES];
	unsigned used_count;
};

/* Say what is wrong with file; returns -HOST_EINVAL. */
int load_refuse(struct loader *l, const struct blob *file, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Copy out of a file; false if it has no such bytes. */
bool load_peek(const struct blob *file, u64 offset, void *to, u64 size);

/* The reserved or claimed range that [start, end) meets, or NULL. */
const struct load_range *load_taken(const struct loader *l, u64 start, u64 end);

/* Take [start, start + size), which must be usable RAM that nobody has taken. */
int load_claim(struct loader *l, const struct blob *file, u64 start, u64 size, const char *what);

/* Room for size bytes in [lowest, limit): the lowest or the highest; LOAD_NOWHERE. */
u64 load_place(const struct loader *l, u64 size, u64 align, u64 lowest, u64 limit);
u64 load_place_high(const struct loader *l, u64 size, u64 align, u64 lowest, u64 limit);

/* The memory map of this load. */
unsigned load_areas(const struct loader *l, struct load_area areas[LOAD_AREAS]);

/* Write into claimed memory; clear it (a VM that starts again has old bytes in it). */
int load_put(struct loader *l, u64 at, const void *from, u64 size);
int load_clear(struct loader *l, u64 at, u64 size);

/* Say that the machine has no memory left for address at of the guest; returns -HOST_ENOMEM. */
int load_no_memory(struct loader *l, u64 at);

/*
 * What firmware leaves: ROM, interrupt vectors, data areas.  [PC/AT] "ROM BIOS Data Area".
 * And the descriptors in that ROM: flat code and data, selectors 8 and 10h, then 16-bit ones.
 */
int load_rom(struct loader *l);
struct table_register load_rom_gdt(void);

/* The kernel formats; does a file look like the first? */
bool load_linux_wanted(const struct blob *kernel);
int load_linux(struct loader *l);
int load_multiboot(struct loader *l);

#endif
