/* mptables.c - see mptables.h; pure, tested on the host */
#include "dev/mptables.h"

#include "dev/ioapic.h"
#include "dev/piix3.h"
#include "dev/piix4.h"
#include "host.h"
#include "lib/string.h"

#define SPECIFICATION 4 /* 1.4 */
#define LAPIC_VERSION 0x14

/* [MP] "MP Floating Pointer Structure" (4.1) */
struct pointer {
	char signature[4];
	u32 table;
	u8 length, specification, checksum, feature[5]; /* all 0: a table, virtual wire mode */
} PACKED;
ASSERT_SIZE(struct pointer, 16);

/* [MP] "MP Configuration Table Header" (4.2) */
struct header {
	char signature[4];
	u16 length;
	u8 specification, checksum;
	char oem_id[8], product_id[12];
	u32 oem_table;
	u16 oem_table_size, entries;
	u32 lapic;
	u16 extended_length;
	u8 extended_checksum, reserved;
} PACKED;
ASSERT_SIZE(struct header, 44);
ASSERT_OFFSET(struct header, entries, 34);

/* [MP] "Base MP Configuration Table Entries" (4.3) */
enum entry { PROCESSOR, BUS, IO_APIC, INTERRUPT, LOCAL_INTERRUPT };

struct processor {
	u8 type, apic_id, apic_version, flags;
	u32 signature, features;
	u8 reserved[8];
} PACKED;
#define PROCESSOR_ENABLED BIT(0)
#define PROCESSOR_BOOT BIT(1)

struct bus_entry {
	u8 type, id;
	char name[6];
} PACKED;
enum bus_id { PCI_BUS, ISA_BUS };

struct io_apic {
	u8 type, id, version, flags;
	u32 address;
} PACKED;
#define IO_APIC_ENABLED BIT(0)

struct interrupt {
	u8 type, kind;
	u16 flags;
	u8 bus, irq, apic, pin;
} PACKED;
enum kind { VECTORED, NMI, SMI, EXTINT };
#define AS_ITS_BUS 0
#define LEVEL_HIGH 0x000d
#define ALL_LAPICS 0xff
#define TIMER_PIN 2

ASSERT_SIZE(struct processor, 20);
ASSERT_SIZE(struct bus_entry, 8);
ASSERT_SIZE(struct io_apic, 8);
ASSERT_SIZE(struct interrupt, 8);

struct writer {
	u8 *to;
	u32 size;
	u16 entries;
};

static void append(struct writer *w, const void *bytes, size_t size)
{
	check(size <= MPTABLES_SIZE_MAX - w->size);
	memcpy(w->to + w->size, bytes, size);
	w->size += (u32)size;
	w->entries++;
}

static void add_processors(struct writer *w, const struct mptables_config *c)
{
	for (unsigned i = 0; i < c->acpi.cpus; i++) {
		const struct processor p = {
			.type = PROCESSOR,
			.apic_id = (u8)i,
			.apic_version = LAPIC_VERSION,
			.flags = PROCESSOR_ENABLED | (i ? 0 : PROCESSOR_BOOT),
			.signature = c->cpu_signature,
			.features = c->cpu_features,
		};

		append(w, &p, sizeof(p));
	}
}

static void add_buses(struct writer *w, const struct mptables_config *c)
{
	const struct bus_entry pci = { BUS, PCI_BUS, { 'P', 'C', 'I', ' ', ' ', ' ' } };
	const struct bus_entry isa = { BUS, ISA_BUS, { 'I', 'S', 'A', ' ', ' ', ' ' } };
	const struct io_apic apic = { IO_APIC, c->acpi.ioapic_id, IOAPIC_VERSION, IO_APIC_ENABLED,
				      IOAPIC_BASE };

	append(w, &pci, sizeof(pci));
	append(w, &isa, sizeof(isa));
	append(w, &apic, sizeof(apic));
}

/* Device and pin (0: INTA) make up a PCI interrupt's number.  [MP] "Assignment of I/O Interrupts
 * to the APIC I/O Unit" (D.3) */
static u16 add_pci_interrupts(struct writer *w, const struct mptables_config *c)
{
	static const u8 irq[PCI_INTX_LINES] = PIIX3_PIRQ_IRQS;
	bool seen[PCI_SLOTS * PCI_INTX_LINES] = { false };
	u16 used = 0;

	for (unsigned i = 0; i < PCI_INTX_LINES; i++)
		used |= (u16)BIT(irq[i]);
	for (unsigned i = 0; i < c->pci->count; i++) {
		const struct pci_function *f = c->pci->function[i];
		u8 pin = f->config[PCI_INTERRUPT_PIN];
		u8 source = (u8)((f->devfn >> 3) << 2 | ((pin - 1) & 3));
		struct interrupt e = { INTERRUPT, VECTORED,	     LEVEL_HIGH, PCI_BUS,
				       source,	  c->acpi.ioapic_id, 0 };

		if (!pin || seen[source])
			continue;
		seen[source] = true;
		/* The power management function's interrupt is the SCI. */
		e.pin = f->devfn == PIIX4_DEVFN ? PIIX4_SCI_IRQ : irq[pci_line(f->devfn, pin)];
		append(w, &e, sizeof(e));
	}
	return used;
}

/* Lines that PCI has are left out. */
static void add_isa_interrupts(struct writer *w, const struct mptables_config *c, u16 used)
{
	for (u8 irq = 0; irq < PIIX3_IRQS; irq++) {
		const struct interrupt e = {
			.type = INTERRUPT,
			.kind = VECTORED,
			.flags = irq == PIIX4_SCI_IRQ ? LEVEL_HIGH : AS_ITS_BUS,
			.bus = ISA_BUS,
			.irq = irq,
			.apic = c->acpi.ioapic_id,
			.pin = irq ? irq : TIMER_PIN,
		};

		if (irq != TIMER_PIN && !(used & BIT(irq)))
			append(w, &e, sizeof(e));
	}
}

/* LINT0 and LINT1 of every LAPIC. */
static void add_local_interrupts(struct writer *w)
{
	const struct interrupt extint = { LOCAL_INTERRUPT, EXTINT, AS_ITS_BUS, ISA_BUS, 0,
					  ALL_LAPICS,	   0 };
	const struct interrupt nmi = {
		LOCAL_INTERRUPT, NMI, AS_ITS_BUS, ISA_BUS, 0, ALL_LAPICS, 1
	};

	append(w, &extint, sizeof(extint));
	append(w, &nmi, sizeof(nmi));
}

static u8 checksum(const void *bytes, size_t size)
{
	const u8 *p = bytes;
	u8 sum = 0;

	while (size--)
		sum -= *p++;
	return sum;
}

u32 mptables_build(u8 to[MPTABLES_SIZE_MAX], u32 at, const struct mptables_config *config)
{
	struct pointer p = { { '_', 'M', 'P', '_' }, at + sizeof(p), 1, SPECIFICATION, 0, { 0 } };
	struct header h = { .specification = SPECIFICATION, .lapic = ACPITABLES_LAPIC_BASE };
	struct writer w = { to, sizeof(p) + sizeof(h), 0 };

	check(IS_ALIGNED(at, 16u) && config->acpi.cpus >= 1 &&
	      config->acpi.cpus <= ACPITABLES_CPUS_MAX);
	memcpy(h.signature, "PCMP", sizeof(h.signature));
	memcpy(h.oem_id, "ESPEJO  ", sizeof(h.oem_id));
	memcpy(h.product_id, "GUESTPC     ", sizeof(h.product_id));
	add_processors(&w, config);
	add_buses(&w, config);
	add_isa_interrupts(&w, config, add_pci_interrupts(&w, config));
	add_local_interrupts(&w);
	h.length = (u16)(w.size - sizeof(p));
	h.entries = w.entries;
	memcpy(to + sizeof(p), &h, sizeof(h));
	to[sizeof(p) + offsetof(struct header, checksum)] = checksum(to + sizeof(p), h.length);
	p.checksum = checksum(&p, sizeof(p));
	memcpy(to, &p, sizeof(p));
	return w.size;
}
