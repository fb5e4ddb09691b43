/*
 * acpitables.h - the ACPI tables of a guest machine
 *
 * Owns: FACS, DSDT (dev/dsdt.asl, assembled), FADT, MADT, RSDT, XSDT and RSDP, as bytes.
 * Must not know: where they end up.  A loader places them (acpitables_place), or firmware does by
 * the script of dev/acpiloader.h.
 *
 * Source: [ACPI] 6.5 "ACPI System Description Tables" (5.2).  FADT of revision 3: fixed hardware,
 * no reduced one.  What is absent has no table: no HPET, no PCI Express.
 */
#ifndef ESPEJO_DEV_ACPITABLES_H
#define ESPEJO_DEV_ACPITABLES_H

#include "compiler.h"

#define ACPITABLES_SIZE_MAX 4096u
#define ACPITABLES_ALIGN 64u /* of the FACS, which comes first */
#define ACPITABLES_RSDP_SIZE 36u
#define ACPITABLES_CPUS_MAX 8
#define ACPITABLES_LAPIC_BASE 0xfee00000u

/*
 * The BIOS area of a machine that starts without firmware: where the RSDP goes, and the MP floating
 * pointer with its table (dev/mptables.h).
 */
#define ACPITABLES_RSDP_AT 0xf5a00u

struct acpitables_config {
	unsigned cpus; /* 1..ACPITABLES_CPUS_MAX: APIC IDs 0 and up */
	u8 ioapic_id;
};

/* size bytes at at, little endian: the offset in the tables of what is pointed to. */
struct acpitables_pointer {
	u32 at;
	u8 size;
};

/* A table: its length and its checksum byte, which is 0 until all pointers are right. */
struct acpitables_sum {
	u32 start, length, at;
};

#define ACPITABLES_POINTERS 12
#define ACPITABLES_SUMS 6

struct acpitables {
	u8 data[ACPITABLES_SIZE_MAX];
	u32 size;
	struct acpitables_pointer pointer[ACPITABLES_POINTERS];
	unsigned pointers;
	struct acpitables_sum sum[ACPITABLES_SUMS];
	unsigned sums;
	/* The root pointer, its own pointers being offsets in data as well. */
	u8 rsdp[ACPITABLES_RSDP_SIZE];
	struct acpitables_pointer rsdp_pointer[2];
	struct acpitables_sum rsdp_sum[2]; /* in this order: the second covers the first */
};

/* All pointers are offsets, all checksums 0 (but that of the DSDT, which has no pointers). */
void acpitables_build(struct acpitables *t, const struct acpitables_config *config);
/*
 * Once, after building: data will be at base (a multiple of ACPITABLES_ALIGN, below 4 GiB), rsdp in
 * the BIOS area.  They are then ready to be copied.
 */
void acpitables_place(struct acpitables *t, u32 base);

#endif
