/*
 * acpi.c - the processors, as ACPI's tables list them
 *
 * Owns: the way from the root pointer to the MADT.  No table is believed before its checksum was
 * looked at, and none is read beyond its length.
 * Must not know: how a processor is started (smp.c).
 *
 * Source: ACPI Specification 6.5 "Root System Description Pointer" (5.2.5), "Multiple APIC
 * Description Table" (5.2.12).
 */
#include "acpi.h"

#include "compiler.h"
#include "lib/string.h"
#include "page.h"
#include "space.h"

#define EBDA_SEGMENT 0x40e /* the BIOS data area: where the extended one is, in paragraphs */
#define EBDA_LOOK KiB(1)
#define BIOS_START 0xe0000
#define BIOS_END 0x100000
#define PARAGRAPH 16

#define RSDP_1_SIZE 20 /* what revision 0 has, and what the first checksum covers */
#define TABLE_MAX KiB(64)
#define MADT_LOCAL_APIC 0
#define LOCAL_APIC_ENABLED BIT(0)

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt, length;
	u64 xsdt;
	u8 checksum2, reserved[3];
} PACKED;
ASSERT_SIZE(struct rsdp, 36);

struct table {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} PACKED;
ASSERT_SIZE(struct table, 36);

struct madt {
	struct table header;
	u32 lapic_base, flags;
	u8 entries[];
} PACKED;
ASSERT_OFFSET(struct madt, entries, 44);

struct madt_entry {
	u8 type, length;
	u8 processor, apic_id; /* of a local APIC */
	u32 flags;
} PACKED;
ASSERT_SIZE(struct madt_entry, 8);

bool acpi_sums_to_zero(const void *bytes, size_t length)
{
	u8 sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += ((const u8 *)bytes)[i];
	return !sum;
}

static const void *look_in(u64 start, u64 end, const char *mark, size_t length)
{
	if (space_show(start, end - start, 0))
		return NULL;
	for (u64 pa = ALIGN_UP(start, PARAGRAPH); pa + length <= end; pa += PARAGRAPH)
		if (!memcmp(page_at(pa), mark, strlen(mark)) &&
		    acpi_sums_to_zero(page_at(pa), length))
			return page_at(pa);
	return NULL;
}

const void *acpi_find_root(const char *mark, size_t length)
{
	const void *found = NULL;
	u64 ebda;

	if (space_show(EBDA_SEGMENT, sizeof(u16), 0))
		return NULL;
	ebda = (u64) * (volatile u16 *)page_at(EBDA_SEGMENT) * PARAGRAPH;
	if (ebda)
		found = look_in(ebda, ebda + EBDA_LOOK, mark, length);
	return found ? found : look_in(BIOS_START, BIOS_END, mark, length);
}

/* A table at a physical address, visible and with the right sum; NULL if it is none. */
static const struct table *table_at(u64 pa)
{
	const struct table *t = page_at(pa);

	if (!pa || space_show(pa, sizeof(*t), 0))
		return NULL;
	if (t->length < sizeof(*t) || t->length > TABLE_MAX || space_show(pa, t->length, 0))
		return NULL;
	return acpi_sums_to_zero(t, t->length) ? t : NULL;
}

/* The table with this signature in a root table, whose pointers have so many bytes. */
static const struct table *find_in(const struct table *root, unsigned size, const char *signature)
{
	const u8 *at = (const u8 *)(root + 1), *end = (const u8 *)root + root->length;

	for (; at + size <= end; at += size) {
		u64 pa = 0;
		const struct table *t;

		memcpy(&pa, at, size);
		t = table_at(pa);
		if (t && !memcmp(t->signature, signature, sizeof(t->signature)))
			return t;
	}
	return NULL;
}

static const struct table *find(const char *signature)
{
	const struct rsdp *rsdp = acpi_find_root("RSD PTR ", RSDP_1_SIZE);
	const struct table *root;

	if (!rsdp)
		return NULL;
	root = rsdp->revision >= 2 ? table_at(rsdp->xsdt) : NULL;
	if (root)
		return find_in(root, sizeof(u64), signature);
	root = table_at(rsdp->rsdt);
	return root ? find_in(root, sizeof(u32), signature) : NULL;
}

unsigned acpi_madt_processors(const void *madt, size_t length, u32 *ids, unsigned max)
{
	const u8 *at = ((const struct madt *)madt)->entries, *end = (const u8 *)madt + length;
	unsigned n = 0;

	while (at + 2 <= end) {
		const struct madt_entry *e = (const void *)at;

		if (e->length < 2 || at + e->length > end)
			break;
		if (e->type == MADT_LOCAL_APIC && e->length >= sizeof(*e) &&
		    e->flags & LOCAL_APIC_ENABLED && n < max)
			ids[n++] = e->apic_id;
		at += e->length;
	}
	return n;
}

unsigned acpi_processors(u32 *ids, unsigned max)
{
	const struct table *madt = find("APIC");

	return madt ? acpi_madt_processors(madt, madt->length, ids, max) : 0;
}
