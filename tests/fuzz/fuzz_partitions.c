/*
 * fuzz_partitions.c - a disk whose table anybody wrote, and whose sectors fail
 *
 * Input: the disk's size, what is unreadable; then sectors: a number, how much of it is told, the
 * bytes.  Checksums of a GPT are put right unless a bit says no, for no fuzzer finds them.
 */
#include "fuzz.h"

#include <string.h>

#include "host.h"
#include "type1/partitions.h"

#define KEPT 24
#define READS_MAX 4096 /* a bound on what a table may cost us */

static struct {
	u64 number;
	u8 data[PARTITIONS_SECTOR];
} sector[KEPT];
static unsigned kept, reads;
static u64 unreadable;

static bool read(const struct partitions_disk *disk, u64 number, u8 buf[PARTITIONS_SECTOR])
{
	check(number < disk->sectors);
	check(++reads < READS_MAX);
	memset(buf, 0, PARTITIONS_SECTOR);
	for (unsigned i = 0; i < kept; i++)
		if (sector[i].number == number)
			memcpy(buf, sector[i].data, PARTITIONS_SECTOR);
	return number != unreadable;
}

static u32 crc32(u32 crc, const u8 *data, u64 len)
{
	while (len--) {
		crc ^= *data++;
		for (unsigned i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return crc;
}

static u32 get32(const u8 *at)
{
	u32 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void put32(u8 *at, u32 value)
{
	memcpy(at, &value, sizeof(value));
}

/* Of the entries, then of the header; offsets of UEFI 2.10 table 5-5. */
static void seal(const struct partitions_disk *disk, u8 *header)
{
	u32 size = MIN(get32(header + 12), (u32)PARTITIONS_SECTOR), crc = ~0u;
	u64 left = (u64)get32(header + 80) * get32(header + 84), at, n;
	u8 buf[PARTITIONS_SECTOR];

	memcpy(&at, header + 72, sizeof(at));
	for (left = MIN(left, KEPT * PARTITIONS_SECTOR); left; left -= n, at++) {
		n = MIN(left, PARTITIONS_SECTOR);
		if (at >= disk->sectors)
			return;
		(void)read(disk, at, buf);
		crc = crc32(crc, buf, n);
	}
	put32(header + 88, ~crc);
	put32(header + 16, 0);
	put32(header + 16, ~crc32(~0u, header, size));
}

static void fill_sector(struct fuzz_input *in, u64 sectors)
{
	u8 where = (u8)fuzz_take(in, 1);
	unsigned at = (unsigned)fuzz_take(in, 2) % PARTITIONS_SECTOR;
	unsigned len = (unsigned)fuzz_take(in, 1);
	u8 *data = sector[kept].data;

	len = MIN(len, PARTITIONS_SECTOR - at);
	sector[kept].number = where < 0xf0 ? where : sectors - 1 - (where & 15);
	memset(data, 0, PARTITIONS_SECTOR);
	if (where & 0x40)
		memcpy(data, "EFI PART\0\0\1\0\x5c", 13);
	sector[kept].number &= where < 0xf0 ? ~0x40ull : ~0ull;
	for (; len && in->left; len--)
		data[at++] = (u8)fuzz_take(in, 1);
	if (where < 0x40) {
		data[510] = 0x55;
		data[511] = 0xaa;
	}
	kept++;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 options = (u8)fuzz_take(&in, 1);
	struct partitions_disk disk = { .sectors = fuzz_take_number(&in), .read = read };
	struct partition p[PARTITIONS_MAX];
	unsigned count;

	kept = reads = 0;
	unreadable = options & 1 ? fuzz_take(&in, 1) : ~0ull;
	while (kept < KEPT && in.left)
		fill_sector(&in, disk.sectors);
	for (unsigned i = 0; i < kept && !(options & 2); i++)
		if (!memcmp(sector[i].data, "EFI PART", 8))
			seal(&disk, sector[i].data);
	reads = 0;
	count = partitions_read(&disk, p);
	check(count <= PARTITIONS_MAX);
	for (unsigned i = 0; i < count; i++)
		check(p[i].count && p[i].first < disk.sectors &&
		      p[i].count <= disk.sectors - p[i].first && p[i].number);
	return 0;
}
