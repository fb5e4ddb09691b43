/* partitions.c - see partitions.h */
#include "type1/partitions.h"

#include "lib/string.h"
#include "type1/physical.h"

#define MBR_TABLE 446
#define MBR_ENTRY 16
#define MBR_ENTRIES 4
#define MBR_SIGNATURE 510
#define MBR_SIGNATURE_VALUE 0xaa55
#define MBR_TYPE 4
#define MBR_FIRST 8
#define MBR_COUNT 12
#define TYPE_EMPTY 0x00
#define TYPE_EXTENDED 0x05
#define TYPE_EXTENDED_LBA 0x0f
#define TYPE_EXTENDED_LINUX 0x85
#define TYPE_GPT 0xee
#define FIRST_LOGICAL 5

/* "GPT Header" (5.3.2) */
#define GPT_HEADER_SECTOR 1
#define GPT_HEADER_SIZE 12
#define GPT_HEADER_CRC 16
#define GPT_ENTRIES_SECTOR 72
#define GPT_ENTRIES 80
#define GPT_ENTRY_SIZE 84
#define GPT_ENTRIES_CRC 88
#define GPT_HEADER_MIN 92
/* "GPT Partition Entry" (5.3.3) */
#define GPT_ENTRY_MIN 128
#define GPT_ENTRIES_MAX 1024
#define GPT_TYPE_BYTES 16
#define GPT_FIRST 32
#define GPT_LAST 40

#define CRC32_POLYNOMIAL 0xedb88320u /* IEEE 802.3, bits reversed */

struct found {
	const struct partitions_disk *disk;
	struct partition *p;
	unsigned count;
};

/* What is empty or not inside the disk is left out. */
static void add(struct found *f, unsigned number, u64 first, u64 count)
{
	if (!count || first >= f->disk->sectors || count > f->disk->sectors - first ||
	    f->count == PARTITIONS_MAX)
		return;
	f->p[f->count++] = (struct partition){ .number = number, .first = first, .count = count };
}

/* ---- MBR ------------------------------------------------------------------------------------ */

static bool read_mbr(const struct partitions_disk *disk, u64 sector, u8 *buf)
{
	return sector < disk->sectors && disk->read(disk, sector, buf) &&
	       physical_u16(buf + MBR_SIGNATURE) == MBR_SIGNATURE_VALUE;
}

static const u8 *entry(const u8 *mbr, unsigned i)
{
	return mbr + MBR_TABLE + i * MBR_ENTRY;
}

static bool is_extended(u8 type)
{
	return type == TYPE_EXTENDED || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

/*
 * A chain of tables: the first entry of each is a partition, counted from its own table; the second
 * is the next table, counted from the extended partition.  A chain that bites its tail ends when
 * there are enough of them.
 */
static void add_logical(struct found *f, u64 start)
{
	u64 at = start;
	u8 buf[PARTITIONS_SECTOR];

	for (unsigned n = 0; n < PARTITIONS_MAX && read_mbr(f->disk, at, buf); n++) {
		const u8 *here = entry(buf, 0), *next = entry(buf, 1);

		if (here[MBR_TYPE] != TYPE_EMPTY)
			add(f, FIRST_LOGICAL + n, at + physical_u32(here + MBR_FIRST),
			    physical_u32(here + MBR_COUNT));
		if (!is_extended(next[MBR_TYPE]))
			return;
		at = start + physical_u32(next + MBR_FIRST);
	}
}

static void add_primary(struct found *f, const u8 *mbr)
{
	u64 extended = 0;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const u8 *e = entry(mbr, i);

		if (is_extended(e[MBR_TYPE]))
			extended = physical_u32(e + MBR_FIRST);
		else if (e[MBR_TYPE] != TYPE_EMPTY)
			add(f, i + 1, physical_u32(e + MBR_FIRST), physical_u32(e + MBR_COUNT));
	}
	if (extended)
		add_logical(f, extended);
}

/* ---- GPT ------------------------------------------------------------------------------------ */

static u32 crc32(u32 crc, const u8 *data, u64 len)
{
	crc = ~crc;
	while (len--) {
		crc ^= *data++;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC32_POLYNOMIAL : 0);
	}
	return ~crc;
}

/* The header's sector into buf; false: there is none, or its checksum is wrong. */
static bool read_header(const struct partitions_disk *disk, u64 sector, u8 *buf)
{
	u32 size, crc;

	if (sector >= disk->sectors || !disk->read(disk, sector, buf) ||
	    memcmp(buf, "EFI PART", 8) != 0)
		return false;
	size = physical_u32(buf + GPT_HEADER_SIZE);
	if (size < GPT_HEADER_MIN || size > PARTITIONS_SECTOR)
		return false;
	crc = physical_u32(buf + GPT_HEADER_CRC);
	memset(buf + GPT_HEADER_CRC, 0, 4);
	return crc32(0, buf, size) == crc;
}

static void add_entry(struct found *f, unsigned number, const u8 *e)
{
	u64 first = physical_u64(e + GPT_FIRST), last = physical_u64(e + GPT_LAST);
	bool used = false;

	for (unsigned i = 0; i < GPT_TYPE_BYTES; i++)
		used |= e[i];
	if (used && last >= first && last < f->disk->sectors)
		add(f, number, first, last - first + 1);
}

/* The entries behind a good header; false: their checksum is wrong, or they are out of reach. */
static bool add_entries(struct found *f, const u8 *header)
{
	u64 at = physical_u64(header + GPT_ENTRIES_SECTOR);
	u32 entries = physical_u32(header + GPT_ENTRIES);
	u32 size = physical_u32(header + GPT_ENTRY_SIZE);
	u32 crc = 0, left;
	u8 buf[PARTITIONS_SECTOR];

	/* Entries that do not divide a sector are allowed, and nobody has ever made them. */
	if (size < GPT_ENTRY_MIN || size > PARTITIONS_SECTOR || PARTITIONS_SECTOR % size ||
	    entries > GPT_ENTRIES_MAX)
		return false;
	for (u32 i = 0; i < entries; at++) {
		if (at >= f->disk->sectors || !f->disk->read(f->disk, at, buf))
			return false;
		left = MIN(PARTITIONS_SECTOR / size, entries - i);
		crc = crc32(crc, buf, (u64)left * size);
		for (u32 k = 0; k < left; k++, i++)
			add_entry(f, i + 1, buf + k * size);
	}
	return crc == physical_u32(header + GPT_ENTRIES_CRC);
}

/* The table at the start or, when that is damaged, the copy at the end. */
static void add_gpt(struct found *f)
{
	const u64 where[] = { GPT_HEADER_SECTOR, f->disk->sectors - 1 };
	u8 header[PARTITIONS_SECTOR];

	for (unsigned i = 0; i < ARRAY_SIZE(where); i++) {
		f->count = 0;
		if (read_header(f->disk, where[i], header) && add_entries(f, header))
			return;
	}
	f->count = 0;
}

unsigned partitions_read(const struct partitions_disk *disk, struct partition p[PARTITIONS_MAX])
{
	struct found f = { .disk = disk, .p = p };
	u8 mbr[PARTITIONS_SECTOR];
	bool gpt = false;

	if (!read_mbr(disk, 0, mbr))
		return 0;
	for (unsigned i = 0; i < MBR_ENTRIES; i++)
		gpt |= entry(mbr, i)[MBR_TYPE] == TYPE_GPT;
	if (gpt)
		add_gpt(&f);
	else
		add_primary(&f, mbr);
	return f.count;
}
