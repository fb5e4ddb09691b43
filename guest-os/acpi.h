/* acpi.h - the processors, as ACPI's tables list them; see acpi.c */
#ifndef GUEST_OS_ACPI_H
#define GUEST_OS_ACPI_H

#include "types.h"

/* Do these bytes add up to 0?  All tables of the firmware are sealed like this. */
bool acpi_sums_to_zero(const void *bytes, size_t length);

/*
 * Find a table of the firmware that begins with this mark, of whole 16-byte paragraphs, where such
 * are to be looked for: the first KiB of the extended BIOS data area, and the BIOS's own memory.
 * Its first length bytes must add up to 0.  NULL: there is none.
 */
const void *acpi_find_root(const char *mark, size_t length);

/* Put the APIC IDs of the usable processors into ids[max]; how many they are, 0 without ACPI. */
unsigned acpi_processors(u32 *ids, unsigned max);

/* The same for a MADT (also called APIC) of `length` bytes in memory. */
unsigned acpi_madt_processors(const void *madt, size_t length, u32 *ids, unsigned max);

#endif
