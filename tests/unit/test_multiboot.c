/* test_multiboot.c - boot information, mostly broken: type1/multiboot.c */
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "type1/layout.h"
#include "type1/multiboot.h"

void test_multiboot_register(void);

#define SIZE 0x4000ull
#define INFO 0x100
#define MAP 0x400
#define MODULES 0x600
#define STRINGS 0x2000
#define NOISE_ROUNDS 20000

static u8 *memory; /* on the heap, so that the sanitizer sees a step beyond */
static struct bootinfo info;
static char error[300];

static const u8 *see(const struct physical *physical, u64 address, u64 len)
{
	(void)physical;
	return address <= SIZE && len <= SIZE - address ? memory + address : NULL;
}

static const struct physical physical = { see };

static int begin(void)
{
	memory = malloc(SIZE);
	return !memory;
}

static int end(void)
{
	free(memory);
	return 0;
}

static void put32(u64 at, u32 value)
{
	memcpy(memory + at, &value, 4);
}

static void put64(u64 at, u64 value)
{
	memcpy(memory + at, &value, 8);
}

static int parse(u32 magic)
{
	error[0] = '\0';
	return multiboot_parse(magic, INFO, &physical, &info, error, sizeof(error));
}

static void refused(u32 magic, const char *words)
{
	CU_ASSERT_EQUAL(parse(magic), -HOST_EINVAL);
	if (!strstr(error, words))
		CU_FAIL(error);
}

static void entry1(unsigned n, u64 start, u64 len, u32 type)
{
	u64 at = MAP + n * 24;

	put32(at, 20);
	put64(at + 4, start);
	put64(at + 12, len);
	put32(at + 20, type);
}

/* A sane multiboot 1 loader: two regions, one module. */
static void sane1(void)
{
	memset(memory, 0, SIZE);
	put32(INFO, BIT(2) | BIT(3) | BIT(6) | BIT(9));
	put32(INFO + 16, STRINGS);
	strcpy((char *)memory + STRINGS, "espejo cpus=2");
	put32(INFO + 64, STRINGS + 0x40);
	strcpy((char *)memory + STRINGS + 0x40, "loader");
	put32(INFO + 44, 48);
	put32(INFO + 48, MAP);
	entry1(0, 0, 0x9fc00, 1);
	entry1(1, 0x100000, 0x1000000, 1);
	put32(INFO + 20, 1);
	put32(INFO + 24, MODULES);
	put32(MODULES, 0x200000);
	put32(MODULES + 4, 0x200800);
	put32(MODULES + 8, STRINGS + 0x80);
	strcpy((char *)memory + STRINGS + 0x80, "kernel name=a");
}

static void test_magic(void)
{
	sane1();
	refused(0, "not started by a multiboot loader");
	CU_ASSERT_EQUAL(multiboot_parse(MULTIBOOT1_MAGIC, SIZE - 8, &physical, &info, error,
					sizeof(error)), -HOST_EINVAL);
	CU_ASSERT_EQUAL(multiboot_parse(MULTIBOOT2_MAGIC, SIZE - 4, &physical, &info, error,
					sizeof(error)), -HOST_EINVAL);
	CU_ASSERT_EQUAL(multiboot_parse(MULTIBOOT2_MAGIC, ~0ull, &physical, &info, error,
					sizeof(error)), -HOST_EINVAL);
}

static void test_good1(void)
{
	sane1();
	CU_ASSERT_EQUAL_FATAL(parse(MULTIBOOT1_MAGIC), 0);
	CU_ASSERT_STRING_EQUAL(info.cmdline, "espejo cpus=2");
	CU_ASSERT_STRING_EQUAL(info.loader, "loader");
	CU_ASSERT_EQUAL(info.region_count, 2);
	CU_ASSERT_EQUAL(info.region[1].end, 0x1100000);
	CU_ASSERT_EQUAL(info.module_count, 1);
	CU_ASSERT_EQUAL(info.module[0].start, 0x200000);
	CU_ASSERT_STRING_EQUAL(info.module[0].cmdline, "kernel name=a");
	CU_ASSERT_EQUAL(info.screen, BOOTINFO_VGA_TEXT);
	CU_ASSERT_FALSE(info.has_rsdp);
	/* Entries of another size, and a module without a command line. */
	put32(MODULES + 8, 0);
	CU_ASSERT_EQUAL(parse(MULTIBOOT1_MAGIC), 0);
	CU_ASSERT_STRING_EQUAL(info.module[0].cmdline, "");
}

/* Entries side by side are one piece of RAM; a hole between them is not. */
static void test_neighbours(void)
{
	sane1();
	put32(INFO + 44, 72);
	entry1(1, 0x200400, 0x1000000, 1);
	entry1(2, 0x100000, 0x100400, 1);
	CU_ASSERT_EQUAL(parse(MULTIBOOT1_MAGIC), 0);
	entry1(2, 0x100000, 0x1003ff, 1);
	refused(MULTIBOOT1_MAGIC, "module 1 (kernel name=a) does not fit into memory");
	entry1(2, 0x100000, 0x100400, 2);
	refused(MULTIBOOT1_MAGIC, "module 1 (kernel name=a) does not fit into memory");
}

/* What is reserved up to the very end of the address space is no reason not to start. */
static void test_top(void)
{
	static const u64 length[] = { 0x100000, 0xfffff, 0x200000, ~0ull };

	for (unsigned i = 0; i < ARRAY_SIZE(length); i++) {
		sane1();
		put32(INFO + 44, 72);
		entry1(2, 0 - 0x100000ull, length[i], 2);
		CU_ASSERT_EQUAL(parse(MULTIBOOT1_MAGIC), 0);
		CU_ASSERT_EQUAL(info.region_count, 3);
		CU_ASSERT_EQUAL(info.region[2].end, 0 - 0x1000ull);
		entry1(2, ~0ull, 1, 2);
		CU_ASSERT_EQUAL(parse(MULTIBOOT1_MAGIC), 0);
		CU_ASSERT_EQUAL(info.region_count, 2);
	}
}

static void test_broken1(void)
{
	sane1();
	put32(INFO, BIT(2));
	refused(MULTIBOOT1_MAGIC, "no memory map");
	sane1();
	entry1(0, ~0ull - 10, 100, 1);
	refused(MULTIBOOT1_MAGIC, "wraps around");
	sane1();
	put32(MAP, 8);
	refused(MULTIBOOT1_MAGIC, "an entry of 8 bytes");
	sane1();
	put32(INFO + 48, SIZE);
	refused(MULTIBOOT1_MAGIC, "out of reach");
	sane1();
	put32(INFO + 44, 24 * 200);
	for (unsigned i = 0; i < 200; i++)
		entry1(i, 0x100000 * i, 0x1000, 1);
	refused(MULTIBOOT1_MAGIC, "more than 128 entries");
	sane1();
	put32(INFO + 24, SIZE - 4);
	refused(MULTIBOOT1_MAGIC, "list of modules is out of reach");
	sane1();
	put32(INFO + 20, ~0u);
	refused(MULTIBOOT1_MAGIC, "more than 64 modules");
	sane1();
	put32(MODULES + 4, 0x200000);
	refused(MULTIBOOT1_MAGIC, "is empty");
	sane1();
	put32(MODULES + 4, 0x100000);
	refused(MULTIBOOT1_MAGIC, "is empty");
	sane1();
	put32(MODULES + 4, 0x1100001);
	refused(MULTIBOOT1_MAGIC, "module 1 (kernel name=a) does not fit into memory");
	sane1();
	put32(MODULES + 8, SIZE + 5);
	refused(MULTIBOOT1_MAGIC, "module 1: its command line is broken");
	sane1();
	memset(memory + STRINGS, 'x', SIZE - STRINGS);
	refused(MULTIBOOT1_MAGIC, "command line has no end");
}

/* ---- Multiboot 2 ------------------------------------------------------------------ */

static u64 at2;

static void begin2(void)
{
	memset(memory, 0, SIZE);
	at2 = INFO + 8;
}

static u64 tag2(u32 type, u32 len)
{
	u64 at = at2;

	put32(at, type);
	put32(at + 4, len);
	at2 += ALIGN_UP((u64)len, 8ull);
	return at;
}

static void end2(void)
{
	tag2(0, 8);
	put32(INFO, (u32)(at2 - INFO));
}

static void string2(u32 type, const char *text)
{
	strcpy((char *)memory + tag2(type, 8 + (u32)strlen(text) + 1) + 8, text);
}

static void map2(void)
{
	u64 at = tag2(6, 16 + 24);

	put32(at + 8, 24);
	put64(at + 16, 0x100000);
	put64(at + 24, 0x1000000);
	put32(at + 32, 1);
}

static void module2(u32 start, u32 end_of_it, const char *text)
{
	u64 at = tag2(3, 16 + (u32)strlen(text) + 1);

	put32(at + 8, start);
	put32(at + 12, end_of_it);
	strcpy((char *)memory + at + 16, text);
}

static u64 framebuffer2(u8 type, u8 bits)
{
	u64 at = tag2(8, 38);

	put64(at + 8, 0xc0000000);
	put32(at + 16, 3200);
	put32(at + 20, 800);
	put32(at + 24, 600);
	memory[at + 28] = bits;
	memory[at + 29] = type;
	memcpy(memory + at + 32, "\x10\x08\x08\x08\x00\x08", 6);
	return at;
}

static void test_good2(void)
{
	begin2();
	string2(1, "cpus=4");
	string2(2, "GRUB");
	module2(0x300000, 0x300001, "a name=x"); /* before the map, as GRUB does */
	map2();
	memset(memory + tag2(14, 8 + 20) + 8, 'o', 20);
	memset(memory + tag2(15, 8 + 36) + 8, 'n', 36);
	memset(memory + tag2(14, 8 + 20) + 8, 'o', 20);
	framebuffer2(1, 32);
	tag2(17, 16);
	tag2(99, 9); /* unknown: skipped */
	end2();
	CU_ASSERT_EQUAL_FATAL(parse(MULTIBOOT2_MAGIC), 0);
	CU_ASSERT_STRING_EQUAL(info.cmdline, "cpus=4");
	CU_ASSERT_STRING_EQUAL(info.loader, "GRUB");
	CU_ASSERT_EQUAL(info.module_count, 1);
	CU_ASSERT_STRING_EQUAL(info.module[0].cmdline, "a name=x");
	CU_ASSERT_TRUE(info.has_rsdp);
	CU_ASSERT_EQUAL(info.rsdp[35], 'n'); /* the new one wins */
	CU_ASSERT_TRUE(info.efi);
	CU_ASSERT_EQUAL(info.screen, BOOTINFO_FRAMEBUFFER);
	CU_ASSERT_EQUAL(info.framebuffer.width, 800);
	CU_ASSERT_EQUAL(info.framebuffer.red_shift, 16);
}

/* A strange screen is no reason not to start. */
static void test_screens(void)
{
	static const struct {
		u8 type, bits, screen;
	} cases[] = { { 0, 8, BOOTINFO_NO_SCREEN },  { 2, 16, BOOTINFO_VGA_TEXT },
		      { 1, 48, BOOTINFO_NO_SCREEN }, { 1, 16, BOOTINFO_NO_SCREEN },
		      { 1, 0, BOOTINFO_NO_SCREEN },  { 7, 32, BOOTINFO_NO_SCREEN } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		begin2();
		map2();
		framebuffer2(cases[i].type, cases[i].bits);
		end2();
		CU_ASSERT_EQUAL(parse(MULTIBOOT2_MAGIC), 0);
		CU_ASSERT_EQUAL(info.screen, cases[i].screen);
	}
	begin2();
	map2();
	put64(framebuffer2(1, 32) + 8, ~0ull - 100); /* goes round */
	end2();
	CU_ASSERT_EQUAL(parse(MULTIBOOT2_MAGIC), 0);
	CU_ASSERT_EQUAL(info.screen, BOOTINFO_NO_SCREEN);
	begin2();
	put64(framebuffer2(1, 32) + 8, 0x10fffff); /* its first byte is RAM */
	map2();
	end2();
	CU_ASSERT_EQUAL(parse(MULTIBOOT2_MAGIC), 0);
	CU_ASSERT_EQUAL(info.screen, BOOTINFO_NO_SCREEN);
	begin2();
	put64(framebuffer2(1, 32) + 8, 0x1100000); /* just above */
	map2();
	end2();
	CU_ASSERT_EQUAL(parse(MULTIBOOT2_MAGIC), 0);
	CU_ASSERT_EQUAL(info.screen, BOOTINFO_FRAMEBUFFER);
	begin2();
	map2();
	put32(framebuffer2(1, 32) + 16, 3199); /* pitch shorter than a line */
	end2();
	CU_ASSERT_EQUAL(parse(MULTIBOOT2_MAGIC), 0);
	CU_ASSERT_EQUAL(info.screen, BOOTINFO_NO_SCREEN);
}

static void test_broken2(void)
{
	begin2();
	map2();
	put32(INFO, (u32)(at2 - INFO));
	refused(MULTIBOOT2_MAGIC, "no last tag");
	begin2();
	end2();
	refused(MULTIBOOT2_MAGIC, "no memory map");
	begin2();
	end2();
	put32(INFO, 0x7fffffff);
	refused(MULTIBOOT2_MAGIC, "out of reach");
	begin2();
	tag2(1, 7);
	end2();
	refused(MULTIBOOT2_MAGIC, "tag 1 has a length of 7");
	begin2();
	put32(tag2(1, 16) + 4, 0xfffffff0);
	end2();
	refused(MULTIBOOT2_MAGIC, "tag 1 has a length of 4294967280");
	begin2();
	memset(memory + tag2(1, 16) + 8, 'x', 8);
	end2();
	refused(MULTIBOOT2_MAGIC, "command line has no end");
	begin2();
	tag2(3, 16);
	end2();
	refused(MULTIBOOT2_MAGIC, "tag of a module has 16 bytes");
	begin2();
	put32(tag2(6, 40) + 8, 0);
	end2();
	refused(MULTIBOOT2_MAGIC, "entries of 0 bytes");
	begin2();
	tag2(6, 8);
	end2();
	refused(MULTIBOOT2_MAGIC, "entries of 0 bytes");
	begin2();
	map2();
	module2(0x300000, 0x4000000, "big name=x");
	end2();
	refused(MULTIBOOT2_MAGIC, "module 1 (big name=x) does not fit into memory");
	begin2();
	map2();
	tag2(18, 8);
	end2();
	refused(MULTIBOOT2_MAGIC, "boot services");
}

/* Whatever bytes there are: an answer, and no step outside. */
static void test_noise(void)
{
	u32 seed = 1;

	for (unsigned round = 0; round < NOISE_ROUNDS; round++) {
		if (round & 1)
			sane1();
		else
			test_good2();
		for (unsigned i = 0; i < 8; i++) {
			seed = seed * 1664525 + 1013904223;
			memory[INFO + (seed >> 8) % 0x600] = (u8)(seed >> 24);
		}
		parse(round & 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC);
		CU_ASSERT_FATAL(info.region_count <= BOOTINFO_REGIONS &&
				info.module_count <= BOOTINFO_MODULES);
	}
}

void test_multiboot_register(void)
{
	CU_pSuite suite = CU_add_suite("multiboot", begin, end);

	CU_add_test(suite, "no multiboot at all", test_magic);
	CU_add_test(suite, "1: broken", test_broken1);
	CU_add_test(suite, "1: good", test_good1);
	CU_add_test(suite, "1: entries side by side", test_neighbours);
	CU_add_test(suite, "1: the top of the address space", test_top);
	CU_add_test(suite, "2: broken", test_broken2);
	CU_add_test(suite, "2: good", test_good2);
	CU_add_test(suite, "2: screens", test_screens);
	CU_add_test(suite, "noise", test_noise);
}
