/*
 * test_ram.c - what the machine's memory map leaves to us: type1/ram.c
 *
 * It is part of this file under other names, for fake_host.c has the same functions, and with a
 * piece of the heap as the machine's memory.
 */
#define host_alloc_pages tested_alloc_pages
#define host_free_pages tested_free_pages
#define host_reserve tested_reserve
#define host_unreserve tested_unreserve
#define host_memory tested_memory
#define host_alloc tested_alloc
#define host_free tested_free
#define host_hpa tested_hpa
#define host_ptr tested_ptr
#define host_alloc_ram tested_alloc_ram
#define host_free_ram tested_free_ram

#include "type1/layout.h"

#undef DIRECT_BASE
#undef IMAGE_BASE
#define DIRECT_BASE ((u64)(uintptr_t)arena)
#define IMAGE_BASE ((u64)(uintptr_t)image_start - 0x100000)

static unsigned char *arena;
extern unsigned char image_start[];

#include "type1/ram.c"

#include <CUnit/CUnit.h>
#include <stdlib.h>

void test_ram_register(void);

#define ARENA MiB(32)

u8 image_start[MiB(1) / 64];
__asm__(".globl image_end\n\t.set image_end, image_start + 4097"); /* two pages */

static struct bootinfo info;
static char error[200];

static void region(u64 start, u64 end, bool usable)
{
	info.region[info.region_count++] = (struct bootinfo_region){ start, end, usable };
}

static void module(u64 start, u64 end)
{
	info.module[info.module_count++] = (struct bootinfo_module){ start, end, "" };
}

static void begin_map(void)
{
	memset(&info, 0, sizeof(info));
	memset(&ram, 0, sizeof(ram));
	memset(&heap, 0, sizeof(heap));
	taken_count = 0;
}

static void test_low_page(void)
{
	begin_map();
	CU_ASSERT_EQUAL(ram_low_page(&info), 0);
	region(0, 0x9fc00, true);
	CU_ASSERT_EQUAL(ram_low_page(&info), 0x9e000);
	/* An entry over it that forbids wins; so does a module. */
	region(0x9e800, 0xa0000, false);
	CU_ASSERT_EQUAL(ram_low_page(&info), 0x9d000);
	module(0x9c000, 0x9d001);
	CU_ASSERT_EQUAL(ram_low_page(&info), 0x9b000);
	module(0x1000, 0x9c000);
	CU_ASSERT_EQUAL(ram_low_page(&info), 0); /* page 0 is the firmware's */
	begin_map();
	region(0x90000, 0x200000, true);
	CU_ASSERT_EQUAL(ram_low_page(&info), 0x9f000);
}

/* All pages that can be had, and none of them is somebody's. */
static u64 take_pages(void)
{
	u64 n = 0, bad = 0;
	u8 *page;

	while ((page = tested_alloc_pages(0))) {
		u64 at = (u64)(page - arena);

		for (unsigned i = 0; i < info.module_count; i++)
			bad += at + PAGE_SIZE > info.module[i].start && at < info.module[i].end;
		for (unsigned i = 0; i < info.region_count; i++)
			bad += !info.region[i].usable && at + PAGE_SIZE > info.region[i].start &&
			       at < info.region[i].end;
		bad += at < MiB(1) + 2 * PAGE_SIZE; /* the image */
		memset(page, 0xaa, PAGE_SIZE);
		n++;
	}
	CU_ASSERT_EQUAL(bad, 0);
	return n;
}

static void test_init(void)
{
	u64 total, reserved, used;

	arena = aligned_alloc(LARGE_PAGE_SIZE, ARENA);
	CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
	begin_map();
	region(0, 0x9fc00, true);
	region(MiB(1), ARENA, true);
	region(MiB(4) - 1, MiB(4) + 1, false); /* two pages in its midst */
	region(MiB(8), MiB(10), true); /* given twice */
	module(MiB(12) + 5, MiB(12) + 6);
	module(MiB(20), MiB(20) + PAGE_SIZE + 1);
	CU_ASSERT_EQUAL_FATAL(ram_init(&info, error, sizeof(error)), 0);
	tested_memory(&total, &reserved, &used);
	CU_ASSERT_EQUAL(total, ARENA - MiB(1) - 9 * PAGE_SIZE); /* image 2, map 2, others 5 */
	CU_ASSERT_EQUAL(used, 0);
	CU_ASSERT_EQUAL(take_pages(), total / PAGE_SIZE);
	begin_map();
	region(MiB(1), MiB(9), true);
	CU_ASSERT_EQUAL(ram_init(&info, error, sizeof(error)), -HOST_ENOMEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "too little memory"));
	begin_map();
	region(MiB(1), ARENA, false);
	CU_ASSERT_EQUAL(ram_init(&info, error, sizeof(error)), -HOST_ENOMEM);
	free(arena);
	arena = NULL;
}

void test_ram_register(void)
{
	CU_pSuite suite = CU_add_suite("ram", NULL, NULL);

	CU_add_test(suite, "a page for the trampoline", test_low_page);
	CU_add_test(suite, "what is left", test_init);
}
