/* test_ept.c - entries of extended page tables: intel/ept.c, alone and under paging/nested.c */
#include <CUnit/CUnit.h>

#include "intel/ept.h"
#include "intel/vmcs.h"
#include "virt.h"

void test_ept_register(void);

static struct nested_format f;

static void test_format(void)
{
	ept_format(&f, EPT_CAP_2M | EPT_CAP_1G | EPT_CAP_ACCESSED_DIRTY);
	CU_ASSERT_STRING_EQUAL(f.name, "EPT");
	CU_ASSERT_EQUAL(f.max_leaf_level, 2);
	CU_ASSERT_EQUAL(f.dirty, 0x200);
	ept_format(&f, EPT_CAP_2M);
	CU_ASSERT_EQUAL(f.max_leaf_level, 1);
	CU_ASSERT_EQUAL(f.dirty, 0);
	ept_format(&f, 0);
	CU_ASSERT_EQUAL(f.max_leaf_level, 0);
}

/* Numbers from [SDM] tables 29-1 to 29-6, not from vmcs.h. */
static void test_table(void)
{
	u64 e = f.table(hpa(0x123456000));

	CU_ASSERT_EQUAL(e, 0x123456007);
	CU_ASSERT_TRUE(f.present(e));
	for (unsigned level = 1; level < NESTED_LEVELS; level++) {
		CU_ASSERT_FALSE(f.is_leaf(e, level));
		CU_ASSERT_EQUAL(f.address(e, level).v, 0x123456000);
	}
	CU_ASSERT_EQUAL(f.table(hpa(0xfffffffff000)), 0xfffffffff007);
}

static void test_leaf(void)
{
	static const struct {
		unsigned level, prot;
		u64 page, entry;
	} cases[] = {
		{ 0, PROT_RWX, 0x5000, 0x5077 }, /* write-back, ignore PAT, R W X */
		{ 0, PROT_R, 0x5000, 0x5071 },
		{ 0, PROT_R | PROT_X, 0x5000, 0x5075 },
		{ 1, PROT_RWX, 0x40200000, 0x402000f7 },
		{ 2, PROT_RWX, 0x8040000000, 0x80400000f7 },
		{ 2, PROT_R | PROT_W, 0x40000000, 0x400000f3 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 e = f.leaf(hpa(cases[i].page), cases[i].level, cases[i].prot);

		CU_ASSERT_EQUAL(e, cases[i].entry);
		CU_ASSERT_TRUE(f.present(e));
		CU_ASSERT_TRUE(f.is_leaf(e, cases[i].level));
		CU_ASSERT_EQUAL(f.rights(e), cases[i].prot);
		CU_ASSERT_EQUAL(f.address(e, cases[i].level).v, cases[i].page);
	}
}

/* [SDM] "EPT Misconfigurations" (29.3.3.1): no call may make an entry that is one. */
static void test_no_misconfiguration(void)
{
	for (unsigned level = 0; level <= 2; level++) {
		for (unsigned prot = 0; prot <= PROT_RWX; prot++) {
			u64 e = f.leaf(hpa(0x7fc0000000), level, prot);
			unsigned type = e >> 3 & 7;

			CU_ASSERT_FALSE((e & 7) == 2 || (e & 7) == 6); /* W without R */
			CU_ASSERT_FALSE((e & 7) == 4); /* X alone: not on all CPUs */
			CU_ASSERT_EQUAL(!!(e & 7), prot != 0);
			CU_ASSERT_EQUAL(type, 6);
			CU_ASSERT_EQUAL(f.rights(e) & prot, prot);
		}
	}
}

static void test_bits_that_the_cpu_sets(void)
{
	u64 e = f.leaf(hpa(0x40200000), 1, PROT_RWX) | EPT_ACCESSED | EPT_DIRTY;

	CU_ASSERT_TRUE(f.is_leaf(e, 1));
	CU_ASSERT_EQUAL(f.address(e, 1).v, 0x40200000);
	CU_ASSERT_EQUAL(f.rights(e), PROT_RWX);
	CU_ASSERT_FALSE(f.present(EPT_ACCESSED | EPT_DIRTY));
	CU_ASSERT_FALSE(f.present(0));
	/* The root's bit 7 is reserved, not a large page. */
	CU_ASSERT_FALSE(f.is_leaf(0x87, 3));
}

void test_ept_register(void)
{
	CU_pSuite s = CU_add_suite("EPT entries", NULL, NULL);

	CU_add_test(s, "format by capabilities", test_format);
	CU_add_test(s, "entries that point to tables", test_table);
	CU_add_test(s, "leaves", test_leaf);
	CU_add_test(s, "no misconfiguration can be made", test_no_misconfiguration);
	CU_add_test(s, "accessed and dirty", test_bits_that_the_cpu_sets);
}
