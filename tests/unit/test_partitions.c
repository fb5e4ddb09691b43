/*
 * test_partitions.c - MBR and GPT, good and bad: hv/type1/partitions.c
 */
#include "fake_host.h"
#include "machine.h"

#include "type1/partitions.h"

void test_partitions_register(void);

#define SECTORS 2000

static u8 image[SECTORS][PARTITIONS_SECTOR];
static unsigned reads;
static u64 bad; /* this sector cannot be read */
static struct partition p[PARTITIONS_MAX];

static bool read_image(const struct partitions_disk *disk UNUSED, u64 sector, u8 *buf)
{
	CU_ASSERT_TRUE_FATAL(sector < SECTORS);
	reads++;
	memcpy(buf, image[sector], PARTITIONS_SECTOR);
	return sector != bad;
}

static const struct partitions_disk disk = { SECTORS, read_image };

static void begin(void)
{
	memset(image, 0, sizeof(image));
	reads = 0;
	bad = ~0ull;
}

static void put(u8 *at, u64 value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (u8)(value >> 8 * i);
}

static void mbr_entry(u64 table, unsigned i, u8 type, u32 first, u32 count)
{
	u8 *e = image[table] + 446 + 16 * i;

	e[4] = type;
	put(e + 8, first, 4);
	put(e + 12, count, 4);
	image[table][510] = 0x55;
	image[table][511] = 0xaa;
}

static bool is(unsigned i, unsigned number, u64 first, u64 count)
{
	return p[i].number == number && p[i].first == first && p[i].count == count;
}

static void test_none(void)
{
	static const struct partitions_disk empty = { 0, read_image };

	begin();
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 0);
	CU_ASSERT_EQUAL(partitions_read(&empty, p), 0);
	mbr_entry(0, 0, 0x83, 1, 10);
	image[0][511] = 0;
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 0);
	image[0][511] = 0xaa;
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 1);
	bad = 0;
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 0);
}

static void test_mbr(void)
{
	begin();
	mbr_entry(0, 0, 0x83, 63, 100);
	mbr_entry(0, 1, 0x83, 1990, 11); /* beyond the end */
	mbr_entry(0, 2, 0x00, 1, 1); /* empty */
	mbr_entry(0, 3, 0x0c, 1990, 10);
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 2);
	CU_ASSERT_TRUE(is(0, 1, 63, 100));
	CU_ASSERT_TRUE(is(1, 4, 1990, 10));
	mbr_entry(0, 0, 0x83, 0xffffffff, 0xffffffff);
	mbr_entry(0, 3, 0x83, 5, 0);
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 0);
}

static void test_logical(void)
{
	begin();
	mbr_entry(0, 0, 0x83, 10, 10);
	mbr_entry(0, 1, 0x05, 100, 500);
	mbr_entry(100, 0, 0x83, 2, 20);
	mbr_entry(100, 1, 0x05, 50, 100); /* counted from the extended partition */
	mbr_entry(150, 0, 0x83, 3, 30); /* counted from its own table */
	mbr_entry(150, 1, 0x05, 200, 100);
	mbr_entry(300, 0, 0x83, 4, 40);
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 4);
	CU_ASSERT_TRUE(is(1, 5, 102, 20));
	CU_ASSERT_TRUE(is(2, 6, 153, 30));
	CU_ASSERT_TRUE(is(3, 7, 304, 40));
	/* A chain in a circle, and one that leads out of the disk. */
	mbr_entry(150, 1, 0x0f, 0, 100);
	reads = 0;
	CU_ASSERT_TRUE(partitions_read(&disk, p) <= PARTITIONS_MAX);
	CU_ASSERT_TRUE(reads < 40);
	mbr_entry(100, 1, 0x85, 0xffffffff, 100);
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 2);
}

/* ---- GPT ------------------------------------------------------------------------------------ */

/* Bit by bit, unlike the code that is tested: the remainder of the message's polynomial. */
static u32 crc(const u8 *data, size_t len)
{
	u32 remainder = ~0u;

	for (size_t bit = 0; bit < len * 8; bit++) {
		bool top = remainder & 1;

		remainder >>= 1;
		if (top != (bool)(data[bit / 8] >> bit % 8 & 1))
			remainder ^= 0xedb88320;
	}
	return ~remainder;
}

static void sign(u64 header, u64 entries, unsigned count, unsigned size)
{
	u8 *h = image[header];

	memcpy(h, "EFI PART", 8);
	put(h + 8, 0x00010000, 4);
	put(h + 12, 92, 4);
	put(h + 24, header, 8);
	put(h + 72, entries, 8);
	put(h + 80, count, 4);
	put(h + 84, size, 4);
	put(h + 88, crc((const u8 *)image + entries * PARTITIONS_SECTOR, (size_t)count * size), 4);
	put(h + 16, 0, 4);
	put(h + 16, crc(h, 92), 4);
}

static void gpt_entry(u64 entries, unsigned i, u64 first, u64 last)
{
	u8 *e = (u8 *)image + entries * PARTITIONS_SECTOR + 128 * i;

	e[0] = 0xaf;
	put(e + 32, first, 8);
	put(e + 40, last, 8);
}

static void begin_gpt(void)
{
	begin();
	mbr_entry(0, 0, 0xee, 1, SECTORS - 1);
	for (u64 at = 2; at <= 1967; at += 1965) {
		gpt_entry(at, 0, 100, 199);
		gpt_entry(at, 2, 200, 200);
		gpt_entry(at, 100, 300, 1966);
		gpt_entry(at, 101, 300, 299); /* nothing */
		gpt_entry(at, 102, 300, 99999); /* beyond the end */
	}
	sign(1, 2, 128, 128);
	sign(SECTORS - 1, 1967, 128, 128);
}

static bool is_gpt(void)
{
	return partitions_read(&disk, p) == 3 && is(0, 1, 100, 100) && is(1, 3, 200, 1) &&
	       is(2, 101, 300, 1667);
}

static void test_gpt(void)
{
	begin_gpt();
	/* The check value by which this CRC is known. */
	CU_ASSERT_EQUAL(crc((const u8 *)"123456789", 9), 0xcbf43926);
	CU_ASSERT_TRUE(is_gpt());
	memset(image[SECTORS - 1], 0, PARTITIONS_SECTOR);
	CU_ASSERT_TRUE(is_gpt());
}

/* One of the two copies is enough, whatever is wrong with the other one. */
static void test_gpt_damage(void)
{
	begin_gpt();
	image[1][60] ^= 1; /* the header's checksum */
	CU_ASSERT_TRUE(is_gpt());
	image[SECTORS - 1][60] ^= 1;
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 0);
	begin_gpt();
	image[3][100] ^= 1; /* the entries' */
	CU_ASSERT_TRUE(is_gpt());
	image[SECTORS - 1][0] = 'X';
	CU_ASSERT_EQUAL(partitions_read(&disk, p), 0);
	begin_gpt();
	bad = 1;
	CU_ASSERT_TRUE(is_gpt());
	bad = 20;
	CU_ASSERT_TRUE(is_gpt());
}

/* A header that is signed and wrong all the same. */
static void test_gpt_nonsense(void)
{
	static const struct {
		u64 entries;
		unsigned count, size;
	} nonsense[] = {
		{ SECTORS - 2, 128, 128 }, { 2, 128, 0 },  { 2, 128, 64 },	{ 2, 128, 136 },
		{ 2, 0x7fffffff, 128 },	   { 2, 1, 1024 }, { 2, 128, 0x80000000 },
	};

	begin_gpt();
	memset(image[SECTORS - 1], 0, PARTITIONS_SECTOR);
	for (unsigned i = 0; i < ARRAY_SIZE(nonsense); i++) {
		sign(1, 2, 1, 128);
		put(image[1] + 72, nonsense[i].entries, 8);
		put(image[1] + 80, nonsense[i].count, 4);
		put(image[1] + 84, nonsense[i].size, 4);
		put(image[1] + 16, 0, 4);
		put(image[1] + 16, crc(image[1], 92), 4);
		CU_ASSERT_EQUAL(partitions_read(&disk, p), 0);
	}
	for (unsigned size = 0; size < 92; size += 13) {
		sign(1, 2, 128, 128);
		put(image[1] + 12, size, 4);
		put(image[1] + 16, 0, 4);
		put(image[1] + 16, crc(image[1], size), 4);
		CU_ASSERT_EQUAL(partitions_read(&disk, p), 0);
	}
	sign(1, 2, 128, 128);
	CU_ASSERT_TRUE(is_gpt());
}

/* Any bytes at all, some of them signed: nothing beyond the disk is asked for or reported. */
static void test_garbage(void)
{
	u32 state = 1;
	unsigned found = 0;

	for (unsigned round = 0; round < 300; round++) {
		unsigned n;

		begin();
		/* Small numbers, as tables have them, and zeros. */
		for (unsigned s = 0; s < 40; s++)
			for (unsigned i = 0; i < PARTITIONS_SECTOR; i += 4) {
				state = state * 1664525 + 1013904223;
				put(image[s] + i, state >> 31 ? state >> 20 & 0x7ff : 0, 4);
			}
		mbr_entry(0, 3, round % 2 ? 0xee : 0x05, 1, 1500);
		mbr_entry(1, 1, 0x05, state >> 28, 1500);
		if (round % 4 == 1)
			sign(1, 2, 128, 128);
		n = partitions_read(&disk, p);
		CU_ASSERT_TRUE_FATAL(n <= PARTITIONS_MAX);
		for (unsigned i = 0; i < n; i++)
			CU_ASSERT_TRUE(p[i].count && p[i].first < SECTORS &&
				       p[i].count <= SECTORS - p[i].first);
		found += n;
	}
	CU_ASSERT_TRUE(found);
}

void test_partitions_register(void)
{
	CU_pSuite suite = CU_add_suite("partitions", NULL, NULL);

	CU_ADD_TEST(suite, test_none);
	CU_ADD_TEST(suite, test_mbr);
	CU_ADD_TEST(suite, test_logical);
	CU_ADD_TEST(suite, test_gpt);
	CU_ADD_TEST(suite, test_gpt_damage);
	CU_ADD_TEST(suite, test_gpt_nonsense);
	CU_ADD_TEST(suite, test_garbage);
}
