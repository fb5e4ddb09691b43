/*
 * acpi.h - what firmware tells about CPUs and interrupt controllers
 *
 * Owns: the layout of RSDP, RSDT, XSDT, MADT and FADT, seen as bytes that nobody vouches for; the
 * order in which such tables are looked for.
 * Must not know: APICs themselves; no hardware, so that it runs in a host test as well.
 *
 * Sources: [ACPI] 6.5 "Root System Description Pointer" (5.2.5), "Multiple APIC Description Table"
 * (5.2.12), "Fixed ACPI Description Table" (5.2.9).
 */
#ifndef ESPEJO_TYPE1_ACPI_H
#define ESPEJO_TYPE1_ACPI_H

#include "type1/physical.h"

#define ACPI_CPUS 64
#define ACPI_IOAPICS 8
#define ACPI_ISA_IRQS 16
#define ACPI_ALL_CPUS 0xff /* of 8-bit IDs */
#define ACPI_ALL_CPUS_X2 0xffffffff

/* Where an ISA interrupt enters: global number, and how its wire behaves. */
struct acpi_irq {
	u32 gsi;
	bool active_low, level;
};

struct acpi_ioapic {
	u32 address, gsi_base;
};

struct acpi_machine {
	const char *source; /* "ACPI", "the MP table" */
	unsigned cpu_count; /* usable ones */
	unsigned cpu_ignored; /* more than ACPI_CPUS */
	u32 apic_id[ACPI_CPUS];
	unsigned ioapic_count;
	struct acpi_ioapic ioapic[ACPI_IOAPICS];
	struct acpi_irq isa[ACPI_ISA_IRQS];
	bool has_reset; /* by an I/O port */
	u16 reset_port;
	u8 reset_value;
};

/*
 * Find the machine's CPUs: by the RSDP that the loader gave (36 bytes; NULL: none), else
 * by one in the BIOS area, else by an MP table.  0, or -HOST_ENOENT with a sentence in error; *m
 * then describes a machine with no CPU listed and the usual ISA wires.
 */
int acpi_find(const struct physical *memory, const u8 *rsdp, struct acpi_machine *m, char *error,
	      size_t size);

/*
 * For the readers of both kinds of table.  broadcast: the ID that means all CPUs, so none has it;
 * an INIT to it would be one to ourselves.
 */
void acpi_add_cpu(struct acpi_machine *m, u32 apic_id, u32 broadcast);
void acpi_add_ioapic(struct acpi_machine *m, u32 address, u32 gsi_base);
/* flags: polarity and trigger as both specifications encode them (MPS INTI flags). */
void acpi_set_isa(struct acpi_machine *m, unsigned irq, u32 gsi, u16 mps_flags);

#endif
