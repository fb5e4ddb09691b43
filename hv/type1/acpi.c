/* acpi.c - see acpi.h */
#include "type1/acpi.h"

#include "host.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/mptable.h"

#define RSDP_SIZE 20 /* of revision 0, which the first checksum covers */
#define RSDP_SIZE_2 36
#define RSDP_REVISION 15
#define RSDP_RSDT 16
#define RSDP_XSDT 24
#define HEADER_SIZE 36
#define HEADER_LENGTH 4
#define TABLE_MAX MiB(1) /* longer ones are broken */

#define MADT_ENTRIES 44
#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define MADT_OVERRIDE 2
#define MADT_X2APIC 9
#define MADT_ENABLED BIT(0)
#define MADT_BUS_ISA 0
#define MPS_POLARITY BITS(1, 0)
#define MPS_ACTIVE_LOW 3
#define MPS_TRIGGER BITS(3, 2)
#define MPS_LEVEL (3 << 2)

#define FADT_FLAGS 112
#define FADT_RESET_REGISTER 116
#define FADT_RESET_VALUE 128
#define FADT_SIZE 129 /* up to what is used */
#define FADT_HAS_RESET BIT(10)
#define GAS_SYSTEM_IO 1

#define BIOS_AREA 0xe0000ull
#define BIOS_AREA_END 0x100000ull
#define EBDA_POINTER 0x40eull
#define EBDA_SEARCHED 1024

static void set_defaults(struct acpi_machine *m)
{
	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < ACPI_ISA_IRQS; i++)
		m->isa[i].gsi = i;
}

void acpi_add_cpu(struct acpi_machine *m, u32 apic_id, u32 broadcast)
{
	if (apic_id == broadcast)
		return;
	for (unsigned i = 0; i < m->cpu_count; i++)
		if (m->apic_id[i] == apic_id)
			return;
	if (m->cpu_count < ACPI_CPUS)
		m->apic_id[m->cpu_count++] = apic_id;
	else
		m->cpu_ignored++;
}

void acpi_add_ioapic(struct acpi_machine *m, u32 address, u32 gsi_base)
{
	if (address && m->ioapic_count < ACPI_IOAPICS)
		m->ioapic[m->ioapic_count++] = (struct acpi_ioapic){ address, gsi_base };
}

void acpi_set_isa(struct acpi_machine *m, unsigned irq, u32 gsi, u16 mps_flags)
{
	if (irq < ACPI_ISA_IRQS)
		m->isa[irq] = (struct acpi_irq){ gsi, (mps_flags & MPS_POLARITY) == MPS_ACTIVE_LOW,
						 (mps_flags & MPS_TRIGGER) == MPS_LEVEL };
}

/* ---- Tables ------------------------------------------------------------------------ */

/* A whole table with a good checksum, or NULL. */
static const u8 *table_at(const struct physical *memory, u64 address)
{
	const u8 *header = physical_see(memory, address, HEADER_SIZE);
	u32 len;

	if (!header)
		return NULL;
	len = physical_u32(header + HEADER_LENGTH);
	if (len < HEADER_SIZE || len > TABLE_MAX)
		return NULL;
	header = physical_see(memory, address, len);
	return header && physical_sums_to_zero(header, len) ? header : NULL;
}

static const u8 *find_table(const struct physical *memory, const u8 *root, unsigned pointer_size,
			    const char *signature)
{
	u32 len = physical_u32(root + HEADER_LENGTH);

	for (u32 at = HEADER_SIZE; at + pointer_size <= len; at += pointer_size) {
		u64 address = pointer_size == 8 ? physical_u64(root + at) : physical_u32(root + at);
		const u8 *table = table_at(memory, address);

		if (table && !memcmp(table, signature, 4))
			return table;
	}
	return NULL;
}

static void madt_entry(struct acpi_machine *m, u8 type, const u8 *e, u8 len)
{
	if (type == MADT_LAPIC && len >= 8 && physical_u32(e + 4) & MADT_ENABLED)
		acpi_add_cpu(m, e[3], ACPI_ALL_CPUS);
	else if (type == MADT_X2APIC && len >= 16 && physical_u32(e + 8) & MADT_ENABLED)
		acpi_add_cpu(m, physical_u32(e + 4), ACPI_ALL_CPUS_X2);
	else if (type == MADT_IOAPIC && len >= 12)
		acpi_add_ioapic(m, physical_u32(e + 4), physical_u32(e + 8));
	else if (type == MADT_OVERRIDE && len >= 10 && e[2] == MADT_BUS_ISA)
		acpi_set_isa(m, e[3], physical_u32(e + 4), physical_u16(e + 8));
}

static void read_madt(struct acpi_machine *m, const u8 *madt)
{
	u32 len = physical_u32(madt + HEADER_LENGTH);

	if (len < MADT_ENTRIES)
		return;
	for (u32 at = MADT_ENTRIES; at + 2 <= len;) {
		u8 entry = madt[at + 1];

		if (entry < 2 || entry > len - at)
			return;
		madt_entry(m, madt[at], madt + at, entry);
		at += entry;
	}
}

static void read_fadt(struct acpi_machine *m, const u8 *fadt)
{
	const u8 *reset = fadt + FADT_RESET_REGISTER;

	if (physical_u32(fadt + HEADER_LENGTH) < FADT_SIZE ||
	    !(physical_u32(fadt + FADT_FLAGS) & FADT_HAS_RESET))
		return;
	if (reset[0] != GAS_SYSTEM_IO || physical_u64(reset + 4) > 0xffff)
		return;
	m->has_reset = true;
	m->reset_port = (u16)physical_u64(reset + 4);
	m->reset_value = fadt[FADT_RESET_VALUE];
}

/* ---- Finding them -------------------------------------------------------------------- */

static bool rsdp_good(const u8 *p)
{
	return !memcmp(p, "RSD PTR ", 8) && physical_sums_to_zero(p, RSDP_SIZE);
}

static const u8 *scan(const struct physical *memory, u64 start, u64 end)
{
	for (u64 at = start; at + RSDP_SIZE_2 <= end; at += 16) {
		const u8 *p = physical_see(memory, at, RSDP_SIZE_2);

		if (p && rsdp_good(p))
			return p;
	}
	return NULL;
}

static const u8 *scan_for_rsdp(const struct physical *memory)
{
	const u8 *segment = physical_see(memory, EBDA_POINTER, 2), *found = NULL;
	u64 ebda = segment ? (u64)physical_u16(segment) << 4 : 0;

	if (ebda)
		found = scan(memory, ebda, ebda + EBDA_SEARCHED);
	return found ? found : scan(memory, BIOS_AREA, BIOS_AREA_END);
}

/* Read the tables behind rsdp; false: they are broken or list no CPU. */
static bool read_tables(const struct physical *memory, const u8 *rsdp, struct acpi_machine *m)
{
	const u8 *root = NULL, *madt, *fadt;
	unsigned pointer_size = 8;

	if (rsdp[RSDP_REVISION] >= 2 && physical_sums_to_zero(rsdp, RSDP_SIZE_2))
		root = table_at(memory, physical_u64(rsdp + RSDP_XSDT));
	if (!root || memcmp(root, "XSDT", 4)) {
		root = table_at(memory, physical_u32(rsdp + RSDP_RSDT));
		pointer_size = 4;
		if (!root || memcmp(root, "RSDT", 4))
			return false;
	}
	madt = find_table(memory, root, pointer_size, "APIC");
	fadt = find_table(memory, root, pointer_size, "FACP");
	if (fadt)
		read_fadt(m, fadt);
	if (madt)
		read_madt(m, madt);
	return m->cpu_count > 0;
}

int acpi_find(const struct physical *memory, const u8 *rsdp, struct acpi_machine *m, char *error,
	      size_t size)
{
	set_defaults(m);
	if (!rsdp || !rsdp_good(rsdp))
		rsdp = scan_for_rsdp(memory);
	if (rsdp && read_tables(memory, rsdp, m)) {
		m->source = "ACPI";
		return 0;
	}
	set_defaults(m);
	if (mptable_find(memory, m)) {
		m->source = "the MP table";
		return 0;
	}
	set_defaults(m);
	m->source = "nothing";
	fmt_string(error, size, "neither ACPI tables nor an MP table that lists CPUs were found");
	return -HOST_ENOENT;
}
