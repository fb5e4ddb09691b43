/*
 * test_nested.c - nested page tables: one tree, three kinds of entries
 *
 * NPT, EPT and a made-up format that shares no bit with them go through the same tests, so
 * nothing in the tree can rest on a vendor's bits.
 */
#include "machine.h"

#include "amd/svm.h"
#include "fake_host.h"
#include "intel/ept.h"
#include "intel/vmcs.h"
#include "paging/nested.h"

void test_nested_register(void);

#define MEMORY (1ull << 40) /* host addresses that are never looked at */
#define LARGE LARGE_PAGE_SIZE
#define PAGES_2M 512u

/* ---- The made-up format: bit 63 present, 62 leaf, 61:59 rights, address in 51:0 shifted by 3 */

#define MADE_P BIT(63)
#define MADE_LEAF BIT(62)
#define MADE_RIGHTS_SHIFT 59

static u64 made_table(hpa_t table)
{
	return MADE_P | table.v >> 3;
}

static u64 made_leaf(hpa_t page, unsigned level UNUSED, unsigned prot)
{
	return MADE_P | MADE_LEAF | (u64)prot << MADE_RIGHTS_SHIFT | page.v >> 3;
}

static bool made_present(u64 entry)
{
	return entry & MADE_P;
}

static bool made_is_leaf(u64 entry, unsigned level UNUSED)
{
	return entry & MADE_LEAF;
}

static hpa_t made_address(u64 entry, unsigned level UNUSED)
{
	return hpa((entry & BITS(51, 0)) << 3);
}

static unsigned made_rights(u64 entry)
{
	return entry >> MADE_RIGHTS_SHIFT & PROT_RWX;
}

static struct nested_format formats[4] = {
	{ .name = "made up, without dirty bits",
	  .table = made_table,
	  .leaf = made_leaf,
	  .present = made_present,
	  .is_leaf = made_is_leaf,
	  .address = made_address,
	  .rights = made_rights,
	  .max_leaf_level = 2 },
};
#define FORMATS ARRAY_SIZE(formats)

static int make_formats(void)
{
	formats[1] = npt_format;
	formats[2] = npt_format;
	formats[2].max_leaf_level = 2;
	ept_format(&formats[3], EPT_CAP_2M | EPT_CAP_1G | EPT_CAP_ACCESSED_DIRTY);
	return 0;
}

/* ---- Looking ---------------------------------------------------------------------------- */

/* Where a leads, ~0: nowhere; the level of the entry that says so; its rights. */
static u64 look(const struct nested *n, u64 a, unsigned *level, unsigned *rights)
{
	u64 entries[NESTED_LEVELS];
	hpa_t page = hpa(~0ull);
	unsigned count = nested_walk(n, gpa(a), entries, &page);

	*level = NESTED_LEVELS - count;
	*rights = page.v != ~0ull ? n->format->rights(entries[count - 1]) : 0;
	return page.v;
}

static void expect(const struct nested *n, u64 a, u64 page, unsigned level, unsigned prot)
{
	unsigned l, rights;

	CU_ASSERT_EQUAL(look(n, a, &l, &rights), page);
	CU_ASSERT_EQUAL(l, level);
	CU_ASSERT_EQUAL(rights, prot);
}

static void expect_hole(const struct nested *n, u64 a)
{
	unsigned level, rights;

	CU_ASSERT_EQUAL(look(n, a, &level, &rights), ~0ull);
}

static void start(struct nested *n, const struct nested_format *format)
{
	fake_host_reset();
	CU_ASSERT_EQUAL_FATAL(nested_init(n, format), 0);
	CU_ASSERT_EQUAL(n->table_pages, 1);
}

/* All pages come back, and the count agrees with the host's. */
static void finish(struct nested *n)
{
	CU_ASSERT_EQUAL(fake_host.pages_out, n->table_pages * PAGE_SIZE);
	nested_free(n);
	CU_ASSERT_EQUAL(n->table_pages, 0);
	CU_ASSERT(fake_host_clean());
	nested_free(n); /* harmless */
}

/* What a CPU does when it writes to a. */
static void cpu_writes(struct nested *n, u64 a)
{
	u64 *table = n->root, *entry;

	for (unsigned level = NESTED_LEVELS - 1;; level--) {
		entry = &table[a >> (PAGE_SHIFT + 9 * level) & (NESTED_ENTRIES - 1)];
		if (level == 0 || n->format->is_leaf(*entry, level))
			break;
		table = host_ptr(n->format->address(*entry, level));
	}
	*entry |= n->format->dirty;
}

/* ---- Tests, each for every format --------------------------------------------------------- */

static void test_one_page(const struct nested_format *f)
{
	static const unsigned prot[] = { PROT_R, PROT_R | PROT_W, PROT_R | PROT_X, PROT_RWX };
	struct nested n;

	start(&n, f);
	expect_hole(&n, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(prot); i++) {
		u64 at = 0x7f1234567000 + i * PAGE_SIZE;

		CU_ASSERT_EQUAL(nested_map(&n, gpa(at), hpa(MEMORY + at), PAGE_SIZE, prot[i]), 0);
		expect(&n, at, MEMORY + at, 0, prot[i]);
		expect(&n, at + 0xabc, MEMORY + at + 0xabc, 0, prot[i]);
	}
	expect_hole(&n, 0x7f1234566fff);
	expect_hole(&n, 0x7f1234567000 + ARRAY_SIZE(prot) * PAGE_SIZE);
	CU_ASSERT_EQUAL(n.table_pages, NESTED_LEVELS);
	finish(&n);
}

static void test_large(const struct nested_format *f)
{
	struct nested n;
	unsigned top = f->max_leaf_level;

	start(&n, f);
	/* 2 MiB pages where both addresses allow, small ones around them */
	CU_ASSERT_EQUAL(nested_map(&n, gpa(LARGE - PAGE_SIZE), hpa(MEMORY - PAGE_SIZE),
				   2 * LARGE + 2 * PAGE_SIZE, PROT_RWX), 0);
	expect(&n, LARGE - PAGE_SIZE, MEMORY - PAGE_SIZE, 0, PROT_RWX);
	expect(&n, LARGE, MEMORY, 1, PROT_RWX);
	expect(&n, 3 * LARGE - 1, MEMORY + 2 * LARGE - 1, 1, PROT_RWX);
	expect(&n, 3 * LARGE, MEMORY + 2 * LARGE, 0, PROT_RWX);
	expect_hole(&n, 3 * LARGE + PAGE_SIZE);
	/* only the guest's address is aligned */
	CU_ASSERT_EQUAL(nested_map(&n, gpa(GiB(8)), hpa(MEMORY + PAGE_SIZE), LARGE, PROT_R), 0);
	expect(&n, GiB(8) + LARGE - PAGE_SIZE, MEMORY + LARGE, 0, PROT_R);
	/* 1 GiB */
	CU_ASSERT_EQUAL(nested_map(&n, gpa(GiB(16)), hpa(MEMORY), GiB(1), PROT_RWX), 0);
	expect(&n, GiB(17) - 1, MEMORY + GiB(1) - 1, top, PROT_RWX);
	finish(&n);
}

static void test_replace(const struct nested_format *f)
{
	struct nested n;

	start(&n, f);
	CU_ASSERT_EQUAL(nested_map(&n, gpa(0), hpa(MEMORY), 2 * LARGE, PROT_RWX), 0);
	/* a small page into a large one */
	CU_ASSERT_EQUAL(nested_map(&n, gpa(0x5000), hpa(MEMORY * 2), PAGE_SIZE, PROT_R), 0);
	expect(&n, 0x4fff, MEMORY + 0x4fff, 0, PROT_RWX);
	expect(&n, 0x5000, MEMORY * 2, 0, PROT_R);
	expect(&n, 0x6000, MEMORY + 0x6000, 0, PROT_RWX);
	expect(&n, LARGE, MEMORY + LARGE, 1, PROT_RWX);
	/* a large one over small ones: what decides has changed, whatever the size */
	CU_ASSERT_EQUAL(nested_map(&n, gpa(0), hpa(MEMORY * 3), LARGE, PROT_R | PROT_W), 0);
	for (u64 a = 0; a < LARGE; a += PAGE_SIZE) {
		unsigned level, rights;

		CU_ASSERT_EQUAL(look(&n, a, &level, &rights), MEMORY * 3 + a);
		CU_ASSERT_EQUAL(rights, PROT_R | PROT_W);
	}
	/* a large one over a large one, to memory that does not suit it */
	CU_ASSERT_EQUAL(nested_map(&n, gpa(LARGE), hpa(MEMORY + PAGE_SIZE), LARGE, PROT_RWX), 0);
	expect(&n, LARGE + 0x3000, MEMORY + 0x4000, 0, PROT_RWX);
	finish(&n);
}

static void test_protect_unmap(const struct nested_format *f)
{
	struct nested n;

	start(&n, f);
	CU_ASSERT_EQUAL(nested_map(&n, gpa(GiB(1)), hpa(MEMORY), 3 * LARGE, PROT_RWX), 0);
	/* whole large pages stay large */
	CU_ASSERT_EQUAL(nested_protect(&n, gpa(GiB(1)), LARGE, PROT_R), 0);
	expect(&n, GiB(1) + 5, MEMORY + 5, 1, PROT_R);
	CU_ASSERT_EQUAL(nested_protect(&n, gpa(GiB(1) + LARGE + 0x8000), 0x2000,
				       PROT_R | PROT_X), 0);
	expect(&n, GiB(1) + LARGE + 0x7fff, MEMORY + LARGE + 0x7fff, 0, PROT_RWX);
	expect(&n, GiB(1) + LARGE + 0x8000, MEMORY + LARGE + 0x8000, 0, PROT_R | PROT_X);
	expect(&n, GiB(1) + LARGE + 0xa000, MEMORY + LARGE + 0xa000, 0, PROT_RWX);
	/* unmapping over a border and holes */
	CU_ASSERT_EQUAL(nested_unmap(&n, gpa(GiB(1) + 2 * LARGE - PAGE_SIZE), GiB(1)), 0);
	expect(&n, GiB(1) + 2 * LARGE - 2 * PAGE_SIZE, MEMORY + 2 * LARGE - 2 * PAGE_SIZE, 0,
	       PROT_RWX);
	expect_hole(&n, GiB(1) + 2 * LARGE - PAGE_SIZE);
	expect_hole(&n, GiB(1) + 3 * LARGE - 1);
	/* nothing is made where nothing was */
	CU_ASSERT_EQUAL(nested_protect(&n, gpa(GiB(64)), GiB(64), PROT_RWX), 0);
	CU_ASSERT_EQUAL(nested_unmap(&n, gpa(0), 1ull << 48), 0);
	expect_hole(&n, GiB(1));
	expect_hole(&n, GiB(64));
	finish(&n);
}

static void test_dirty(const struct nested_format *f)
{
	const u64 base = GiB(2);
	u64 bitmap[16];
	struct nested n;

	if (!f->dirty)
		return;
	start(&n, f);
	CU_ASSERT_EQUAL(nested_map(&n, gpa(base), hpa(MEMORY), LARGE, PROT_RWX), 0);
	CU_ASSERT_EQUAL(nested_map(&n, gpa(base + LARGE), hpa(MEMORY + PAGE_SIZE), LARGE / 2,
				   PROT_RWX), 0);
	nested_dirty_fetch_and_clear(&n, gpa(base), 2 * LARGE, bitmap);
	for (unsigned i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(bitmap[i], 0);
	cpu_writes(&n, base + 0x3000); /* of a large page: all of it */
	cpu_writes(&n, base + LARGE + 65 * PAGE_SIZE);
	nested_dirty_fetch_and_clear(&n, gpa(base), 2 * LARGE, bitmap);
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(bitmap[i], ~0ull);
	CU_ASSERT_EQUAL(bitmap[8], 0);
	CU_ASSERT_EQUAL(bitmap[9], BIT(1));
	nested_dirty_fetch_and_clear(&n, gpa(base), 2 * LARGE, bitmap);
	CU_ASSERT_EQUAL(bitmap[0] | bitmap[9], 0);
	/* a dirty page stays dirty when it is protected, and all of it when it is split */
	cpu_writes(&n, base);
	cpu_writes(&n, base + LARGE);
	CU_ASSERT_EQUAL(nested_protect(&n, gpa(base + PAGE_SIZE), PAGE_SIZE, PROT_R), 0);
	CU_ASSERT_EQUAL(nested_protect(&n, gpa(base + LARGE), PAGE_SIZE, PROT_R), 0);
	nested_dirty_fetch_and_clear(&n, gpa(base + PAGE_SIZE), LARGE, bitmap);
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(bitmap[i], ~0ull);
	/* and when the same page is mapped again; another one in its place is clean */
	cpu_writes(&n, base + PAGE_SIZE);
	cpu_writes(&n, base + 2 * PAGE_SIZE);
	CU_ASSERT_EQUAL(nested_map(&n, gpa(base), hpa(MEMORY), LARGE, PROT_RWX), 0);
	CU_ASSERT_EQUAL(nested_map(&n, gpa(base + 2 * PAGE_SIZE), hpa(2 * MEMORY), PAGE_SIZE,
				   PROT_RWX), 0);
	nested_dirty_fetch_and_clear(&n, gpa(base), LARGE, bitmap);
	CU_ASSERT_EQUAL(bitmap[0], BIT(0) | BIT(1));
	finish(&n);
}

static void test_short_of_memory(const struct nested_format *f)
{
	struct nested n;

	fake_host_reset();
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(nested_init(&n, f), -HOST_ENOMEM);
	nested_free(&n);
	start(&n, f);
	for (unsigned left = 0; left < NESTED_LEVELS - 1; left++) {
		fake_host.allocations_left = left;
		CU_ASSERT_EQUAL(nested_map(&n, gpa(GiB(512) * left), hpa(MEMORY), PAGE_SIZE,
					   PROT_R),
				-HOST_ENOMEM);
		expect_hole(&n, GiB(512) * left);
	}
	fake_host.allocations_left = ~0ull;
	CU_ASSERT_EQUAL(nested_map(&n, gpa(0), hpa(MEMORY), LARGE, PROT_RWX), 0);
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(nested_unmap(&n, gpa(PAGE_SIZE), PAGE_SIZE), -HOST_ENOMEM);
	CU_ASSERT_EQUAL(nested_protect(&n, gpa(0), PAGE_SIZE, PROT_R), -HOST_ENOMEM);
	expect(&n, PAGE_SIZE, MEMORY + PAGE_SIZE, 1, PROT_RWX); /* nothing has changed */
	finish(&n);
}

/* Random changes, and a plain array that says what must come of them. */
#define MODEL_PAGES (4 * PAGES_2M)
#define ROUNDS 400

static u64 model_page[MODEL_PAGES]; /* 0: hole */
static u8 model_prot[MODEL_PAGES];
static u32 seed;

static unsigned dice(unsigned sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static void change_both(struct nested *n, u64 base)
{
	unsigned first = dice(MODEL_PAGES), count = 1 + dice(MODEL_PAGES - first);
	unsigned prot = PROT_R | (dice(2) ? PROT_W : 0) | (dice(2) ? PROT_X : 0), what = dice(4);
	u64 page = MEMORY + (u64)dice(64) * LARGE + first * PAGE_SIZE;
	gpa_t at = gpa(base + first * PAGE_SIZE);

	if (dice(3) == 0)
		page += PAGE_SIZE;
	if (what <= 1)
		CU_ASSERT_EQUAL(nested_map(n, at, hpa(page), count * PAGE_SIZE, prot), 0);
	if (what == 2)
		CU_ASSERT_EQUAL(nested_unmap(n, at, count * PAGE_SIZE), 0);
	if (what == 3)
		CU_ASSERT_EQUAL(nested_protect(n, at, count * PAGE_SIZE, prot), 0);
	for (unsigned i = first; i < first + count; i++) {
		if (what <= 2)
			model_page[i] = what == 2 ? 0 : page + (i - first) * PAGE_SIZE;
		if (what != 2)
			model_prot[i] = (u8)prot;
	}
}

static unsigned differences(const struct nested *n, u64 base)
{
	unsigned wrong = 0, level, rights;

	for (unsigned i = 0; i < MODEL_PAGES; i++) {
		u64 page = look(n, base + i * PAGE_SIZE, &level, &rights);

		wrong += model_page[i] ? page != model_page[i] || rights != model_prot[i] :
					 page != ~0ull;
	}
	return wrong;
}

static void test_random(const struct nested_format *f)
{
	const u64 base = GiB(3) - 2 * LARGE; /* over a border of 1 GiB */
	struct nested n;

	start(&n, f);
	memset(model_page, 0, sizeof(model_page));
	seed = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		change_both(&n, base);
		if (differences(&n, base)) {
			CU_FAIL("the tree differs from the array");
			break;
		}
	}
	finish(&n);
}

#define FOR_EACH_FORMAT(name)                             \
	static void name##_all(void)                      \
	{                                                 \
		for (unsigned i = 0; i < FORMATS; i++)    \
			name(&formats[i]);                \
	}
FOR_EACH_FORMAT(test_one_page)
FOR_EACH_FORMAT(test_large)
FOR_EACH_FORMAT(test_replace)
FOR_EACH_FORMAT(test_protect_unmap)
FOR_EACH_FORMAT(test_dirty)
FOR_EACH_FORMAT(test_short_of_memory)
FOR_EACH_FORMAT(test_random)

/* Without dirty bits every page that may be written counts. */
static void test_no_dirty_bits(void)
{
	u64 bitmap[1];
	struct nested n;

	start(&n, &formats[0]);
	CU_ASSERT_EQUAL(nested_map(&n, gpa(0), hpa(MEMORY), 4 * PAGE_SIZE, PROT_RWX), 0);
	CU_ASSERT_EQUAL(nested_protect(&n, gpa(PAGE_SIZE), PAGE_SIZE, PROT_R), 0);
	nested_dirty_fetch_and_clear(&n, gpa(0), 6 * PAGE_SIZE, bitmap);
	CU_ASSERT_EQUAL(bitmap[0], 0xd);
	finish(&n);
}

/* ---- Bits, and our own mistakes ------------------------------------------------------------ */

/* [APM] vol. 2 "Nested Paging" (15.25): a long-mode entry, as a user may use it */
static void test_npt_bits(void)
{
	const struct nested_format *f = &npt_format;

	CU_ASSERT_EQUAL(f->table(hpa(0x123456000)), 0x123456007);
	CU_ASSERT_EQUAL(f->leaf(hpa(0x123456000), 0, PROT_RWX), 0x123456007);
	CU_ASSERT_EQUAL(f->leaf(hpa(0x123456000), 0, PROT_R | PROT_X), 0x123456005);
	CU_ASSERT_EQUAL(f->leaf(hpa(0x123456000), 0, PROT_R), 0x8000000123456005);
	CU_ASSERT_EQUAL(f->leaf(hpa(0x123400000), 1, PROT_RWX), 0x123400087);
	CU_ASSERT_EQUAL(f->leaf(hpa(0x123400000), 1, PROT_R | PROT_W), 0x8000000123400087);
	CU_ASSERT_FALSE(f->present(f->leaf(hpa(0x123400000), 0, 0)));
	CU_ASSERT(f->is_leaf(0x87, 1) && !f->is_leaf(0x07, 1) && f->is_leaf(0x07, 0));
	/* flags, PAT and NX are no address; bit 7 of a small page is PAT */
	CU_ASSERT_EQUAL(f->address(0xfff000000abcdfff, 0).v, 0xabcd000);
	CU_ASSERT_EQUAL(f->address(0x8000000123401fff, 1).v, 0x123400000);
	CU_ASSERT_EQUAL(f->dirty, 0x40);
}

static void test_beyond(void)
{
	u64 entries[NESTED_LEVELS];
	hpa_t page = hpa(5);
	struct nested n;

	start(&n, &formats[1]);
	CU_ASSERT_EQUAL(nested_walk(&n, gpa(1ull << 48), entries, &page), 0);
	CU_ASSERT_EQUAL(nested_walk(&n, gpa(~0ull), entries, &page), 0);
	CU_ASSERT_EQUAL(page.v, 5);
	CU_ASSERT_EQUAL(nested_map(&n, gpa((1ull << 48) - LARGE), hpa(MEMORY), LARGE, PROT_R), 0);
	expect(&n, (1ull << 48) - 1, MEMORY + LARGE - 1, 1, PROT_R);
	CU_ASSERT_EQUAL(nested_map(&n, gpa(0), hpa(MEMORY), 0, PROT_R), 0);
	expect_hole(&n, 0);
	finish(&n);
}

struct bad_map {
	u64 at, page, size;
};

static void map_badly(void *bad)
{
	const struct bad_map *b = bad;
	struct nested n;

	if (!nested_init(&n, &formats[1]))
		(void)!nested_map(&n, gpa(b->at), hpa(b->page), b->size, PROT_R);
}

static void test_own_mistakes(void)
{
	static struct bad_map bad[] = {
		{ 1, MEMORY, PAGE_SIZE },
		{ 0, MEMORY + 8, PAGE_SIZE },
		{ 0, MEMORY, 100 },
		{ 1ull << 48, MEMORY, PAGE_SIZE },
		{ (1ull << 48) - PAGE_SIZE, MEMORY, 2 * PAGE_SIZE },
		{ PAGE_SIZE, MEMORY, ~0ull << PAGE_SHIFT },
	};

	fake_host_reset();
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT(panics(map_badly, &bad[i]));
}

void test_nested_register(void)
{
	CU_pSuite suite = CU_add_suite("nested", make_formats, NULL);

	CU_add_test(suite, "one page", test_one_page_all);
	CU_add_test(suite, "large pages", test_large_all);
	CU_add_test(suite, "what was there is replaced", test_replace_all);
	CU_add_test(suite, "protect and unmap", test_protect_unmap_all);
	CU_add_test(suite, "dirty bits", test_dirty_all);
	CU_add_test(suite, "short of memory", test_short_of_memory_all);
	CU_add_test(suite, "random changes", test_random_all);
	CU_add_test(suite, "without dirty bits", test_no_dirty_bits);
	CU_add_test(suite, "NPT entries", test_npt_bits);
	CU_add_test(suite, "the end of the address space", test_beyond);
	CU_add_test(suite, "our own mistakes panic", test_own_mistakes);
}
