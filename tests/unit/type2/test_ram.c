/* test_ram.c - hv/type2/ram.c: pages that are aligned, zero, and given again as zeros */
#include <string.h>

#include "fake.h"
#include "type2/ram.h"

void test_ram_register(void);

static bool is_zero(const u8 *p, u64 size)
{
	for (u64 i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

static void test_pages(void)
{
	void *page[16][3];

	ram_init(MiB(256));
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned order = 0; order < 11; order++)
			for (unsigned i = 0; i < 3; i++) {
				u64 size = PAGE_SIZE << order;
				u8 *p = host_alloc_pages(order);

				CU_ASSERT_PTR_NOT_NULL_FATAL(p);
				CU_ASSERT_TRUE(IS_ALIGNED((uintptr_t)p, size));
				CU_ASSERT_TRUE(is_zero(p, size));
				memset(p, 0xa5, size);
				page[order][i] = p;
			}
		for (unsigned order = 0; order < 11; order++)
			for (unsigned i = 0; i < 3; i++)
				host_free_pages(page[order][i], order);
	}
	CU_ASSERT_PTR_NULL(host_alloc_pages(30));
	host_free_pages(NULL, 0);
}

static void test_counts(void)
{
	u64 total, reserved, used, before;
	void *p;

	ram_init(MiB(64));
	host_memory(&total, &reserved, &before);
	p = host_alloc_pages(3);
	CU_ASSERT_EQUAL(host_reserve(MiB(60)), 0);
	CU_ASSERT_EQUAL(host_reserve(MiB(5)), -HOST_ENOMEM);
	CU_ASSERT_EQUAL(host_reserve(~0ull), -HOST_ENOMEM);
	host_memory(&total, &reserved, &used);
	CU_ASSERT_EQUAL(total, MiB(64));
	CU_ASSERT_EQUAL(reserved, MiB(60));
	CU_ASSERT_EQUAL(used, before + 8 * PAGE_SIZE);
	host_unreserve(MiB(60));
	host_free_pages(p, 3);
	CU_ASSERT_TRUE(ram_of_machine() >= MiB(16));
}

static void test_ram(void)
{
	u8 *p = host_alloc_ram(GiB(4)); /* more than is touched */

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(IS_ALIGNED((uintptr_t)p, LARGE_PAGE_SIZE));
	p[0] = p[GiB(4) - 1] = 1;
	CU_ASSERT_EQUAL(p[GiB(2)], 0);
	host_free_ram(p, GiB(4));
	p = host_alloc(48);
	CU_ASSERT_TRUE(p && is_zero(p, 48) && IS_ALIGNED((uintptr_t)p, 16));
	host_free(p, 48);
}

void test_ram_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: memory", NULL, NULL);

	CU_add_test(suite, "pages", test_pages);
	CU_add_test(suite, "promises", test_counts);
	CU_add_test(suite, "a guest's RAM, small objects", test_ram);
}
