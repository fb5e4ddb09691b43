/*
 * acpiloader.h - the ACPI tables as firmware takes them: three files of fw_cfg
 *
 * Owns: the script etc/table-loader.  Must not know: what is in the tables.
 *
 * Firmware copies etc/acpi/tables and etc/acpi/rsdp to where it likes, then does what the script
 * says: adds addresses to pointers, makes checksums right.
 *
 * Source: QEMU 7.2, hw/acpi/bios-linker-loader.c (the format; no code is taken from there).
 */
#ifndef ESPEJO_DEV_ACPILOADER_H
#define ESPEJO_DEV_ACPILOADER_H

#include "dev/acpitables.h"
#include "dev/fwcfg.h"

#define ACPILOADER_FILE_SIZE 56

/* One command of the script; numbers are little endian. */
struct acpiloader_command {
	u32 command;
	union {
		struct {
			char file[ACPILOADER_FILE_SIZE];
			u32 align;
			u8 zone;
		} PACKED allocate;
		struct {
			char file[ACPILOADER_FILE_SIZE], to[ACPILOADER_FILE_SIZE];
			u32 at;
			u8 size;
		} PACKED pointer;
		struct {
			char file[ACPILOADER_FILE_SIZE];
			u32 at, start, length;
		} PACKED sum;
		u8 pad[124];
	};
} PACKED;
ASSERT_SIZE(struct acpiloader_command, 128);
ASSERT_OFFSET(struct acpiloader_command, pointer.at, 116);
ASSERT_OFFSET(struct acpiloader_command, sum.length, 68);

enum acpiloader_code { ACPILOADER_ALLOCATE = 1, ACPILOADER_POINTER, ACPILOADER_SUM };
enum acpiloader_zone { ACPILOADER_HIGH = 1, ACPILOADER_BIOS_AREA };

#define ACPILOADER_COMMANDS (2 + ACPITABLES_POINTERS + ACPITABLES_SUMS + 4)

struct acpiloader {
	struct acpitables tables; /* built, not placed */
	struct acpiloader_command script[ACPILOADER_COMMANDS];
	unsigned commands;
};

/* Builds tables and script, and adds the three files to f; l must live as long as f. */
void acpiloader_init(struct acpiloader *l, struct fwcfg *f, const struct acpitables_config *config);

#endif
