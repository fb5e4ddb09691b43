/*
 * tables.h - what a machine tells software about itself: ACPI, MP table, fw_cfg
 *
 * Owns: where the tables of a machine without firmware lie, and what firmware finds in fw_cfg.
 * Must not know: how tables look (dev/acpitables.h, dev/mptables.h).
 */
#ifndef ESPEJO_VM_TABLES_H
#define ESPEJO_VM_TABLES_H

#include "vm/load.h"

struct vm;
struct tables_firmware;

/* The numbers of fw_cfg that every machine has; with config.firmware also memory for files. */
int tables_init(struct vm *vm) MUST_CHECK;
void tables_free(struct vm *vm);

/*
 * Write the tables into the BIOS area, as firmware would have; the address of ACPI's root pointer.
 * Before the kernel starts; not if firmware does.
 */
u64 tables_place(struct vm *vm);

/*
 * Offer firmware the memory map, ACPI tables and option ROMs (a video BIOS; blobs live as long as
 * vm).  With no ROM it is told to use the serial line as its console.
 */
void tables_offer(struct vm *vm, const struct blob *rom, unsigned roms);

#endif
