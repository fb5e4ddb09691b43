/* mptable.c - see mptable.h */
#include "type1/mptable.h"

#include "lib/string.h"

#define POINTER_SIZE 16
#define POINTER_TABLE 4
#define HEADER_SIZE 44
#define HEADER_LENGTH 4
#define HEADER_COUNT 34
#define PROCESSOR_SIZE 20
#define ENTRY_SIZE 8

enum entry { PROCESSOR, BUS, IOAPIC, INTERRUPT, LOCAL_INTERRUPT };

#define PROCESSOR_ENABLED BIT(0)
#define IOAPIC_ENABLED BIT(0)
#define INTERRUPT_VECTORED 0
#define BUSES 256

static const u8 *scan(const struct physical *memory, u64 start, u64 end)
{
	for (u64 at = start; at + POINTER_SIZE <= end; at += 16) {
		const u8 *p = physical_see(memory, at, POINTER_SIZE);

		if (p && !memcmp(p, "_MP_", 4) && physical_sums_to_zero(p, POINTER_SIZE))
			return p;
	}
	return NULL;
}

/* EBDA, last KiB of conventional memory, BIOS: the order of the specification. */
static const u8 *find_pointer(const struct physical *memory)
{
	const u8 *segment = physical_see(memory, 0x40e, 2), *found = NULL;
	u64 ebda = segment ? (u64)physical_u16(segment) << 4 : 0;

	if (ebda)
		found = scan(memory, ebda, ebda + 1024);
	if (!found)
		found = scan(memory, 639 * 1024, 640 * 1024);
	return found ? found : scan(memory, 0xf0000, 0x100000);
}

static const u8 *table_of(const struct physical *memory, const u8 *pointer)
{
	u64 address = physical_u32(pointer + POINTER_TABLE);
	const u8 *table = physical_see(memory, address, HEADER_SIZE);
	u16 len;

	if (!table || memcmp(table, "PCMP", 4))
		return NULL;
	len = physical_u16(table + HEADER_LENGTH);
	table = len >= HEADER_SIZE ? physical_see(memory, address, len) : NULL;
	return table && physical_sums_to_zero(table, len) ? table : NULL;
}

static void read_entry(struct acpi_machine *m, const u8 *e, bool isa[BUSES])
{
	if (e[0] == PROCESSOR && e[3] & PROCESSOR_ENABLED)
		acpi_add_cpu(m, e[1], ACPI_ALL_CPUS);
	else if (e[0] == BUS)
		isa[e[1]] = !memcmp(e + 2, "ISA", 3);
	else if (e[0] == IOAPIC && e[3] & IOAPIC_ENABLED)
		acpi_add_ioapic(m, physical_u32(e + 4), 0);
	else if (e[0] == INTERRUPT && e[1] == INTERRUPT_VECTORED && isa[e[4]])
		acpi_set_isa(m, e[5], e[7], physical_u16(e + 2));
}

bool mptable_find(const struct physical *memory, struct acpi_machine *m)
{
	const u8 *pointer = find_pointer(memory);
	const u8 *table = pointer ? table_of(memory, pointer) : NULL;
	bool isa[BUSES] = { false };
	u32 at = HEADER_SIZE, len;

	if (!table)
		return false;
	len = physical_u16(table + HEADER_LENGTH);
	for (u16 i = 0; i < physical_u16(table + HEADER_COUNT); i++) {
		u32 size = at < len && table[at] == PROCESSOR ? PROCESSOR_SIZE : ENTRY_SIZE;

		if (size > len - at)
			break;
		read_entry(m, table + at, isa);
		at += size;
	}
	return m->cpu_count > 0;
}
