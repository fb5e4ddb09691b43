/* test_pages.c - the page allocator and its promises: type1/pages.c */
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "type1/pages.h"

void test_pages_register(void);

#define BLOCK LARGE_PAGE_SIZE
#define BLOCKS 8
#define ARENA (BLOCKS * BLOCK)

static u8 *arena, *map;
static struct pages p;

/* Physical address 0 is the arena's start, as the direct map has it. */
static int begin(void)
{
	arena = aligned_alloc(BLOCK, ARENA);
	map = malloc(pages_map_size(ARENA));
	return !arena || !map;
}

static int end(void)
{
	free(arena);
	free(map);
	return 0;
}

static void fresh(void)
{
	pages_init(&p, arena, map, ARENA);
	pages_add(&p, 0, ARENA);
}

static void test_map_size(void)
{
	CU_ASSERT_EQUAL(pages_map_size(0), 0);
	CU_ASSERT_EQUAL(pages_map_size(1), 1);
	CU_ASSERT_EQUAL(pages_map_size(PAGE_SIZE), 1);
	CU_ASSERT_EQUAL(pages_map_size(PAGE_SIZE + 1), 2);
}

static void test_nothing(void)
{
	pages_init(&p, arena, map, ARENA);
	CU_ASSERT_PTR_NULL(pages_alloc(&p, 0));
	CU_ASSERT_PTR_NULL(pages_alloc(&p, PAGES_MAX_ORDER));
	CU_ASSERT_PTR_NULL(pages_alloc(&p, PAGES_MAX_ORDER + 1));
	CU_ASSERT_FALSE(pages_reserve(&p, 1));
	CU_ASSERT_FALSE(pages_free(&p, arena, 0));
	/* Less than a page, ends that are not aligned, a piece beyond the limit, an empty one. */
	pages_add(&p, 1, PAGE_SIZE * 2 - 1);
	pages_add(&p, 5 * PAGE_SIZE, 5 * PAGE_SIZE);
	pages_add(&p, ARENA, ARENA + BLOCK);
	CU_ASSERT_EQUAL(p.total_pages, 0);
	pages_add(&p, ARENA - 1, ARENA + BLOCK);
	CU_ASSERT_EQUAL(p.total_pages, 0);
	pages_add(&p, ARENA - PAGE_SIZE, ARENA + BLOCK);
	CU_ASSERT_EQUAL(p.total_pages, 1);
	CU_ASSERT_PTR_EQUAL(pages_alloc(&p, 0), arena + ARENA - PAGE_SIZE);
}

static void test_given_twice(void)
{
	fresh();
	pages_add(&p, BLOCK / 2, 3 * BLOCK);
	CU_ASSERT_EQUAL(p.total_pages, ARENA / PAGE_SIZE);
	CU_ASSERT_EQUAL(p.free_pages, ARENA / PAGE_SIZE);
	CU_ASSERT_EQUAL(p.blocks, BLOCKS);
}

/* Every block of every order is aligned, disjoint, and comes together again. */
static void test_orders(void)
{
	static u8 *got[ARENA / PAGE_SIZE];

	for (unsigned order = 0; order <= PAGES_MAX_ORDER; order++) {
		u64 size = PAGE_SIZE << order, n = ARENA / size;
		u64 bad = 0;

		fresh();
		for (u64 i = 0; i < n; i++) {
			got[i] = pages_alloc(&p, order);
			bad += !got[i] || (u64)(got[i] - arena) % size;
			if (got[i])
				memset(got[i], (int)i, size);
		}
		CU_ASSERT_EQUAL(bad, 0);
		CU_ASSERT_PTR_NULL(pages_alloc(&p, order));
		CU_ASSERT_EQUAL(p.free_pages, 0);
		for (u64 i = 0; i < n; i++)
			bad += got[i][0] != (u8)i || got[i][size - 1] != (u8)i;
		CU_ASSERT_EQUAL(bad, 0);
		/* Every second one first, so that no two buddies meet before the end. */
		for (u64 i = 0; i < n; i += 2)
			bad += !pages_free(&p, got[i], order);
		for (u64 i = 1; i < n; i += 2)
			bad += !pages_free(&p, got[i], order);
		CU_ASSERT_EQUAL(bad, 0);
		CU_ASSERT_EQUAL(p.blocks, BLOCKS);
		CU_ASSERT_EQUAL(p.free_pages, ARENA / PAGE_SIZE);
	}
}

static void test_wrong_free(void)
{
	u8 *a, *b;

	fresh();
	a = pages_alloc(&p, 1);
	b = pages_alloc(&p, 0);
	CU_ASSERT_FALSE(pages_free(&p, a, 0)); /* another order */
	CU_ASSERT_FALSE(pages_free(&p, a, 2));
	CU_ASSERT_FALSE(pages_free(&p, a, 77));
	CU_ASSERT_FALSE(pages_free(&p, a + PAGE_SIZE, 0)); /* its inside */
	CU_ASSERT_FALSE(pages_free(&p, arena + ARENA, 0)); /* not ours */
	CU_ASSERT_TRUE(pages_free(&p, a, 1));
	CU_ASSERT_FALSE(pages_free(&p, a, 1)); /* twice */
	CU_ASSERT_TRUE(pages_free(&p, b, 0));
	CU_ASSERT_FALSE(pages_free(&p, b, 0));
	CU_ASSERT_EQUAL(p.blocks, BLOCKS);
}

/* A hole in the memory map is never handed out. */
static void test_hole(void)
{
	u64 pages = 0;
	u8 *got;

	pages_init(&p, arena, map, ARENA);
	pages_add(&p, 0, 3 * PAGE_SIZE);
	pages_add(&p, 5 * PAGE_SIZE, BLOCK + PAGE_SIZE);
	while ((got = pages_alloc(&p, 0))) {
		u64 page = (u64)(got - arena) / PAGE_SIZE;

		pages++;
		CU_ASSERT(page != 3 && page != 4 && page <= BLOCK / PAGE_SIZE);
	}
	CU_ASSERT_EQUAL(pages, BLOCK / PAGE_SIZE + 1 - 2);
	CU_ASSERT_EQUAL(pages, p.total_pages);
}

/* Small allocations cannot eat what was promised; one block is kept back for tables. */
static void test_promises(void)
{
	void *block[BLOCKS];
	u64 small = 0;

	fresh();
	CU_ASSERT_FALSE(pages_reserve(&p, BLOCKS * BLOCK));
	CU_ASSERT_FALSE(pages_reserve(&p, ~0ull));
	CU_ASSERT_TRUE(pages_reserve(&p, (BLOCKS - 3) * BLOCK - 1)); /* rounded up */
	CU_ASSERT_EQUAL(p.reserved, BLOCKS - 3);
	CU_ASSERT_FALSE(pages_reserve(&p, 2 * BLOCK + 1));
	CU_ASSERT_TRUE(pages_reserve(&p, 1));
	CU_ASSERT_FALSE(pages_reserve(&p, BLOCK + 1));
	while (pages_alloc(&p, 0))
		small++;
	CU_ASSERT_EQUAL(small, 2 * BLOCK / PAGE_SIZE);
	for (unsigned i = 0; i < BLOCKS - 2; i++) {
		block[i] = pages_alloc(&p, PAGES_MAX_ORDER);
		CU_ASSERT_PTR_NOT_NULL(block[i]);
	}
	CU_ASSERT_PTR_NULL(pages_alloc(&p, PAGES_MAX_ORDER));
	/* Freed blocks are promised still, until the promise is taken back. */
	CU_ASSERT_TRUE(pages_free(&p, block[0], PAGES_MAX_ORDER));
	CU_ASSERT_PTR_NULL(pages_alloc(&p, 0));
	pages_unreserve(&p, BLOCK);
	CU_ASSERT_PTR_NOT_NULL(pages_alloc(&p, 0));
}

/* Promises of two are kept apart, whichever order memory and promise are given back in. */
static void test_two_promises(void)
{
	void *a, *b;

	for (unsigned first = 0; first < 2; first++) {
		fresh();
		CU_ASSERT_TRUE(pages_reserve(&p, BLOCK));
		CU_ASSERT_TRUE(pages_reserve(&p, BLOCK));
		a = pages_alloc(&p, PAGES_MAX_ORDER);
		b = pages_alloc(&p, PAGES_MAX_ORDER);
		if (first)
			pages_unreserve(&p, BLOCK);
		CU_ASSERT_TRUE(pages_free(&p, a, PAGES_MAX_ORDER));
		if (!first)
			pages_unreserve(&p, BLOCK);
		CU_ASSERT_TRUE(pages_reserve(&p, (BLOCKS - 2) * BLOCK));
		CU_ASSERT_FALSE(pages_reserve(&p, 1));
		CU_ASSERT_TRUE(pages_free(&p, b, PAGES_MAX_ORDER));
	}
}

void test_pages_register(void)
{
	CU_pSuite suite = CU_add_suite("pages", begin, end);

	CU_add_test(suite, "size of the map", test_map_size);
	CU_add_test(suite, "nothing there, or nearly", test_nothing);
	CU_add_test(suite, "memory given twice", test_given_twice);
	CU_add_test(suite, "all of every order", test_orders);
	CU_add_test(suite, "frees that are bugs", test_wrong_free);
	CU_add_test(suite, "holes", test_hole);
	CU_add_test(suite, "promises", test_promises);
	CU_add_test(suite, "two promises", test_two_promises);
}
