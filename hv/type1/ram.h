/*
 * ram.h - the host's promises about memory, kept with pages.c
 *
 * Owns: the one struct pages of this machine, and small objects.
 * Must not know: the loader's formats, page tables.
 */
#ifndef ESPEJO_TYPE1_RAM_H
#define ESPEJO_TYPE1_RAM_H

#include "host.h"

struct bootinfo;

/*
 * Take all usable memory of the map but the image, the modules and the first MiB, as far as it
 * lies below 4 GiB.  0, or -HOST_ENOMEM with a sentence in error.
 */
int ram_init(const struct bootinfo *info, char *error, size_t size);

/* The rest, up to limit, is mapped now: take it too. */
void ram_add_high(const struct bootinfo *info, u64 limit);

/* A page below 1 MiB for the trampoline of the other CPUs, or 0: there is none. */
u64 ram_low_page(const struct bootinfo *info);

/* Bytes of usable memory in the memory map. */
u64 ram_size(const struct bootinfo *info);

#endif
