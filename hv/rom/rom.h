/*
 * rom.h - the firmware that is left of a PC when a kernel is started directly
 *
 * Owns: where our own small ROM lies and what its first bytes say to the loader (vm/load_rom.c).
 * Must not know: who starts it.
 *
 * The ROM is rom.S, assembled by itself; vm/load_rom.c holds its bytes.  Assembly and C read this.
 */
#ifndef ESPEJO_ROM_ROM_H
#define ESPEJO_ROM_ROM_H

#define ROM_SEGMENT 0xf000
#define ROM_OFFSET 0xf000 /* in that segment: the last page of the first MiB */
#define ROM_SIZE 0x1000
#define ROM_BASE (16 * ROM_SEGMENT + ROM_OFFSET)

/* Descriptors of the table that a kernel begins with: selector / 8. */
#define ROM_GDT_ENTRIES 5

/* What INT 15h, E820 tells: as many areas of so many bytes. */
#define ROM_AREAS 24
#define ROM_AREA_SIZE 20

/* What a PC's firmware keeps at fixed places of its segment. */
#define ROM_IRET 0xff53	 /* an IRET */
#define ROM_RESET 0xfff0 /* where a CPU begins */
#define ROM_MODEL 0xfffe /* a PC/AT */

#define ROM_VECTORS 0x78 /* interrupt vectors that are set; the rest is 0 */

#ifndef __ASSEMBLER__
#include "compiler.h"

/* The first bytes: offsets in the segment. */
struct rom_header {
	u16 vectors; /* of ROM_VECTORS offsets */
	u16 gdt;
	u16 area_count; /* of a u16 that the loader fills */
	u16 areas; /* of ROM_AREAS areas that it fills */
};
ASSERT_SIZE(struct rom_header, 8);
#endif

#endif
