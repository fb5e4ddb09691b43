/*
 * mptables.h - the MP table of a guest machine
 *
 * Owns: the MP floating pointer and configuration table, as bytes.
 * Must not know: where a loader copies them to (SeaBIOS makes its own).
 *
 * Source: Intel, "MultiProcessor Specification" 1.4, "MP Configuration Table" (4).
 */
#ifndef ESPEJO_DEV_MPTABLES_H
#define ESPEJO_DEV_MPTABLES_H

#include "dev/acpitables.h"
#include "dev/pci.h"

/* In the BIOS area of a machine that starts without firmware, behind the RSDP. */
#define MPTABLES_AT 0xf5b00u
#define MPTABLES_SIZE_MAX 1024u
_Static_assert(MPTABLES_AT >= ACPITABLES_RSDP_AT + ACPITABLES_RSDP_SIZE, "behind the RSDP");

struct mptables_config {
	struct acpitables_config acpi;	 /* CPUs and IOAPIC as there */
	u32 cpu_signature, cpu_features; /* CPUID 1: EAX and EDX */
	const struct pci *pci;		 /* whose functions have pins */
};

/*
 * Pointer and table for a place at at (a multiple of 16): their size, at most MPTABLES_SIZE_MAX.
 * PCI interrupts are those of PIIX3_PIRQ_IRQS, which piix3_after_firmware steers.
 */
u32 mptables_build(u8 to[MPTABLES_SIZE_MAX], u32 at, const struct mptables_config *config);

#endif
