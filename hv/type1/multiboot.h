/*
 * multiboot.h - the boot information of a multiboot 1 or 2 loader
 *
 * Owns: its layout, seen as bytes nobody vouches for.
 * Must not know: what is done with it; no hardware, so that it runs in a host test as well.
 *
 * Sources: "Multiboot Specification version 0.6.96", "Boot information format" (3.3);
 * "Multiboot2 Specification version 2.0", "Boot information" (3.6).
 */
#ifndef ESPEJO_TYPE1_MULTIBOOT_H
#define ESPEJO_TYPE1_MULTIBOOT_H

#include "type1/bootinfo.h"
#include "type1/physical.h"

/*
 * magic and address: EAX and EBX as the loader left them.  Everything is copied to info.
 * 0, or -HOST_EINVAL with a sentence in error that says what is wrong.
 */
int multiboot_parse(u32 magic, u64 address, const struct physical *memory, struct bootinfo *info,
		    char *error, size_t size);

#endif
