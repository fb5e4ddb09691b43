/*
 * bootinfo.h - what the loader told us, copied
 *
 * Owns: the form of it that does not depend on the loader.
 * Must not know: multiboot.
 */
#ifndef ESPEJO_TYPE1_BOOTINFO_H
#define ESPEJO_TYPE1_BOOTINFO_H

#include "compiler.h"
#include "type1/screen.h"

#define BOOTINFO_REGIONS 128
#define BOOTINFO_MODULES 64
#define BOOTINFO_TEXT 32768 /* all command lines together, and what is made of them */
#define BOOTINFO_RSDP 36

enum bootinfo_screen { BOOTINFO_NO_SCREEN, BOOTINFO_VGA_TEXT, BOOTINFO_FRAMEBUFFER };

/* A part of the physical address space. */
struct bootinfo_region {
	u64 start, end; /* end is not part of it */
	bool usable; /* RAM for everybody */
};

struct bootinfo_module {
	u64 start, end;
	const char *cmdline;
};

struct bootinfo {
	const char *loader; /* its name */
	const char *cmdline;
	unsigned region_count, module_count;
	struct bootinfo_region region[BOOTINFO_REGIONS];
	struct bootinfo_module module[BOOTINFO_MODULES];
	bool has_rsdp;
	u8 rsdp[BOOTINFO_RSDP];
	bool efi;
	u8 screen; /* enum bootinfo_screen */
	struct screen_framebuffer framebuffer;

	size_t text_used;
	char text[BOOTINFO_TEXT]; /* the strings */
};

#endif
