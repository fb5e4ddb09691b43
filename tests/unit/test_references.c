/*
 * test_references.c - references of a page walk: guest tables and nested ones of all sizes
 */
#include <CUnit/Basic.h>
#include <string.h>

#include "../../checker/references.h"

void test_references_register(void);

#define PAGE 4096u
#define MEMORY (64u * PAGE)
#define LARGE_PAGE 0x200000u

/* Pages of the machine's memory: nested tables, then what the guest calls 0.. */
enum { N_PML4 = 1, N_PDPT, N_PD, N_PT, GUEST = 16 };
/* Pages of the guest's. */
enum { G_PML4 = 1, G_PDPT, G_PD, G_PT, G_DATA };

#define P_W 3u
#define A_FLAG 0x20u
#define PS_FLAG 0x80u

static uint8_t bytes[MEMORY];
static const struct outside_memory memory = { bytes, MEMORY };

static void set(unsigned page, unsigned index, uint64_t entry)
{
	memcpy(bytes + page * PAGE + index * sizeof(entry), &entry, sizeof(entry));
}

static void set_guest(unsigned page, unsigned index, unsigned to, uint64_t bits)
{
	set(GUEST + page, index, (uint64_t)to * PAGE | bits);
}

/* The guest's pages in 4 KiB at nested level 1, all of them. */
static void map_small(void)
{
	memset(bytes, 0, sizeof(bytes));
	set(N_PML4, 0, N_PDPT * PAGE | P_W);
	set(N_PDPT, 0, N_PD * PAGE | P_W);
	set(N_PD, 0, N_PT * PAGE | P_W);
	for (unsigned i = 0; i < 32; i++)
		set(N_PT, i, (GUEST + i) * PAGE | P_W);
}

/* One page that the guest touched, and one that it did not. */
static void make_guest(void)
{
	set_guest(G_PML4, 0, G_PDPT, P_W | A_FLAG);
	set_guest(G_PDPT, 0, G_PD, P_W | A_FLAG);
	set_guest(G_PD, 0, G_PT, P_W | A_FLAG);
	set_guest(G_PT, 5, G_DATA, P_W | A_FLAG);
	set_guest(G_PT, 6, G_DATA + 1, P_W);
}

static bool count(uint64_t cr3, struct references *r)
{
	const char *why;

	return references_count(&memory, OUTSIDE_NPT, N_PML4 * PAGE, cr3, r, &why);
}

static void test_four_by_four(void)
{
	struct references r;

	map_small();
	make_guest();
	CU_ASSERT(count(G_PML4 * PAGE, &r));
	CU_ASSERT(r.pages == 1 && r.small == 1 && r.native == 4);
	CU_ASSERT(r.sum == 24 && r.most == 24);
	CU_ASSERT_EQUAL(r.split, 0); /* below 2 MiB nothing else is expected */
}

/* A large page in one of the two dimensions, and in both. */
static void test_large(void)
{
	struct references r;

	map_small();
	make_guest();
	set_guest(G_PD, 1, 0, P_W | A_FLAG | PS_FLAG);
	CU_ASSERT(count(G_PML4 * PAGE, &r));
	CU_ASSERT(r.pages == 2 && r.small == 1 && r.native == 7);
	CU_ASSERT_EQUAL(r.sum, 24 + 3 * 5 + 4);
}

/* The guest's memory is the machine's, in 2 MiB: 15 for a large page, 19 for a small one. */
static void test_both_large(void)
{
	struct references r;

	map_small();
	set(N_PD, 0, 0 | P_W | PS_FLAG);
	set(GUEST + G_PML4, 0, (GUEST + G_PDPT) * PAGE | P_W | A_FLAG);
	set(GUEST + G_PDPT, 0, (GUEST + G_PD) * PAGE | P_W | A_FLAG);
	set(GUEST + G_PD, 0, 0 | P_W | A_FLAG | PS_FLAG);
	CU_ASSERT(count((GUEST + G_PML4) * PAGE, &r));
	CU_ASSERT(r.pages == 1 && r.sum == 15 && r.native == 3);
	set(GUEST + G_PD, 0, (GUEST + G_PT) * PAGE | P_W | A_FLAG);
	set(GUEST + G_PT, 0, 0 | P_W | A_FLAG);
	CU_ASSERT(count((GUEST + G_PML4) * PAGE, &r));
	CU_ASSERT(r.pages == 1 && r.sum == 19 && r.native == 4);
	/* Small nested pages above the first 2 MiB are found; a device is none. */
	set(N_PD, 1, N_PT * PAGE | P_W);
	set(GUEST + G_PD, 1, LARGE_PAGE | P_W | A_FLAG | PS_FLAG);
	set(GUEST + G_PD, 2, 2 * LARGE_PAGE | P_W | A_FLAG | PS_FLAG);
	CU_ASSERT(count((GUEST + G_PML4) * PAGE, &r));
	CU_ASSERT(r.pages == 2 && r.split == 1 && r.sum == 19 + 3 * 4 + 4);
}

static void test_broken(void)
{
	struct references r;

	map_small();
	make_guest();
	CU_ASSERT_FALSE(count(40 * PAGE, &r)); /* not mapped */
	set(N_PT, G_PD, MEMORY | P_W);	       /* lies outside */
	CU_ASSERT_FALSE(count(G_PML4 * PAGE, &r));
	map_small();
	CU_ASSERT(count(G_PML4 * PAGE, &r));
	CU_ASSERT_EQUAL(r.pages, 0);
	CU_ASSERT_FALSE(references_count(&memory, OUTSIDE_EPT, 2 * MEMORY, 0, &r,
					 &(const char *){ NULL }));
}

void test_references_register(void)
{
	CU_pSuite suite = CU_add_suite("references", NULL, NULL);

	CU_add_test(suite, "four levels in four", test_four_by_four);
	CU_add_test(suite, "large pages of the guest", test_large);
	CU_add_test(suite, "large nested pages", test_both_large);
	CU_add_test(suite, "broken tables", test_broken);
}
