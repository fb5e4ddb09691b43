/*
 * mptable.c - the processors, as the MP table lists them
 *
 * Owns: the floating pointer and the configuration table: for machines without ACPI.
 * Must not know: how a processor is started (smp.c).
 *
 * Source: Intel MultiProcessor Specification 1.4 "MP Floating Pointer Structure" (4.1), "MP
 * Configuration Table Header" (4.2), "Processor Entries" (4.3.1).
 */
#include "mptable.h"

#include "acpi.h"
#include "compiler.h"
#include "lib/string.h"
#include "page.h"
#include "space.h"

#define PROCESSOR 0
#define PROCESSOR_ENABLED BIT(0)
#define OTHER_SIZE 8 /* of all entries but processors */

struct floating_pointer {
	char signature[4];
	u32 table;
	u8 length, version, checksum, features[5];
} PACKED;
ASSERT_SIZE(struct floating_pointer, 16);

struct config_header {
	char signature[4];
	u16 length;
	u8 version, checksum;
	char oem[8], product[12];
	u32 oem_table;
	u16 oem_size, entry_count;
	u32 lapic_base;
	u16 extended_length;
	u8 extended_checksum, reserved;
} PACKED;
ASSERT_SIZE(struct config_header, 44);

struct processor_entry {
	u8 type, apic_id, apic_version, flags;
	u32 signature, features, reserved[2];
} PACKED;
ASSERT_SIZE(struct processor_entry, 20);

unsigned mptable_read(const void *table, size_t length, u32 *ids, unsigned max)
{
	const struct config_header *header = table;
	const u8 *at = (const u8 *)(header + 1), *end = (const u8 *)table + length;
	unsigned n = 0;

	for (unsigned i = 0; i < header->entry_count && at + OTHER_SIZE <= end; i++) {
		const struct processor_entry *e = (const void *)at;
		size_t size = *at == PROCESSOR ? sizeof(*e) : OTHER_SIZE;

		if (at + size > end)
			break;
		if (*at == PROCESSOR && e->flags & PROCESSOR_ENABLED && n < max)
			ids[n++] = e->apic_id;
		at += size;
	}
	return n;
}

unsigned mptable_processors(u32 *ids, unsigned max)
{
	const struct floating_pointer *root = acpi_find_root("_MP_", sizeof(*root));
	const struct config_header *table;

	if (!root || !root->table || space_show(root->table, sizeof(*table), 0))
		return 0;
	table = page_at(root->table);
	if (memcmp(table->signature, "PCMP", sizeof(table->signature)) ||
	    table->length < sizeof(*table) || space_show(root->table, table->length, 0) ||
	    !acpi_sums_to_zero(table, table->length))
		return 0;
	return mptable_read(table, table->length, ids, max);
}
