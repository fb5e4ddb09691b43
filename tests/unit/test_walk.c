/*
 * test_walk.c - the guest page walk, against the manual's rules
 *
 * Owns: a few pages of guest memory, tables built in them by hand, and what each
 * access through them must give: the address, or the page fault's error code.
 * Must not know: how walk() does it.
 *
 * Source: [SDM] vol. 3 "Paging" (4): the formats of 4.3 to 4.5, "Determination of
 * Access Rights" (4.6.1), "Page-Fault Exceptions" (4.7).
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>
#include "vm/exit.h"
#include "vm/walk.h"

void test_walk_register(void);

#define RAM_PAGES 8
#define ROOT 0x1000ull /* the tables, one page each, from the root down */
#define TABLE(n) (ROOT + (n)*PAGE_SIZE)
#define GVA 0x0000123456789abcull
#define PAGE_AT 0x7777000ull
#define USER (PTE_P | PTE_W | PTE_U)
#define READ ACCESS_READ
#define WRITE ACCESS_WRITE
#define FETCH ACCESS_FETCH
#define GOOD (~0u) /* no fault, where an error code is expected */
#define CR0_PAGED (CR0_PE | CR0_PG | CR0_WP)
#define EFER_LONG (EFER_LME | EFER_LMA | EFER_NXE)

static union {
	u8 bytes[RAM_PAGES * PAGE_SIZE];
	u32 words[RAM_PAGES * PAGE_SIZE / 4];
	u64 quads[RAM_PAGES * PAGE_SIZE / 8];
} ram;

static void *ram_entry(void *ctx, gpa_t at, unsigned size)
{
	CU_ASSERT_PTR_EQUAL(ctx, &ram);
	CU_ASSERT_EQUAL(at.v % size, 0);
	return at.v < sizeof(ram) ? &ram.bytes[at.v] : NULL;
}

static struct walk_mode mode_with(u64 cr4, u64 efer)
{
	memset(&ram, 0, sizeof(ram));
	return (struct walk_mode){
		.cr0 = CR0_PAGED,
		.cr3 = ROOT,
		.cr4 = cr4,
		.efer = efer,
		.maxphyaddr = 40,
		.entry = ram_entry,
		.ctx = &ram,
	};
}

static u64 *entry_of(u64 gva, unsigned levels, unsigned n)
{
	unsigned shift = 12 + 9 * (levels - 1 - n);

	return &ram.quads[TABLE(n) / 8 + (gva >> shift & 511)];
}

/* Tables for one page: `flags` in all entries above, `last` in entry number `count` - 1. */
static void map_long(u64 gva, unsigned levels, unsigned count, u64 flags, u64 last)
{
	for (unsigned n = 0; n + 1 < count; n++)
		*entry_of(gva, levels, n) = TABLE(n + 1) | flags;
	*entry_of(gva, levels, count - 1) = last;
}

static struct walk_mode mode_4level(u64 last)
{
	struct walk_mode mode = mode_with(CR4_PAE, EFER_LONG);

	map_long(GVA, 4, 4, USER, last);
	return mode;
}

/* The error code of an access, or GOOD. */
static u32 try_walk(const struct walk_mode *mode, u64 gva, unsigned access)
{
	struct walk w;

	return walk(&w, mode, gva, access) ? w.error : GOOD;
}

static void expect_page(const struct walk_mode *mode, u64 gva, u64 want, u64 size, unsigned count)
{
	struct walk w;

	CU_ASSERT_EQUAL_FATAL(walk(&w, mode, gva, READ), 0);
	CU_ASSERT_EQUAL(w.gpa.v, want);
	CU_ASSERT_EQUAL(w.size, size);
	CU_ASSERT_EQUAL(w.count, count);
}

/* Faults first. */

static void test_not_present(void)
{
	for (unsigned n = 0; n < 4; n++) {
		struct walk_mode mode = mode_4level(PAGE_AT | USER);
		struct walk w;

		*entry_of(GVA, 4, n) &= ~PTE_P;
		CU_ASSERT_EQUAL(walk(&w, &mode, GVA, READ), -1);
		CU_ASSERT_EQUAL(w.error, 0);
		CU_ASSERT_EQUAL(w.count, n + 1);
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), PF_WRITE);
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, FETCH), PF_FETCH);
		/* Not present: nothing else in the entry counts, reserved bits neither. */
		*entry_of(GVA, 4, n) |= BITS(51, 40);
		mode.cpl = 3;
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), PF_USER);
	}
}

/* The fetch bit is reported only where fetches can be forbidden. */
static void test_fetch_bit(void)
{
	struct walk_mode mode = mode_4level(0);

	CU_ASSERT_EQUAL(try_walk(&mode, GVA, FETCH), PF_FETCH);
	mode.efer &= ~EFER_NXE;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, FETCH), 0);
	mode.cr4 |= CR4_SMEP;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, FETCH), PF_FETCH);
	mode = mode_with(0, EFER_NXE); /* 32-bit paging has no NX */
	CU_ASSERT_EQUAL(try_walk(&mode, 0, FETCH), 0);
}

static void test_reserved(void)
{
	static const struct {
		u8 n; /* entry, from the root */
		u64 bits;
		bool bad;
	} cases[] = {
		{ 3, BIT(40), true },  { 3, BIT(51), true },  { 3, BIT(39), false },
		{ 3, BIT(52), false }, { 3, BIT(62), false }, { 3, PTE_PS, false },
		{ 0, BIT(40), true },  { 0, PTE_PS, true },   { 1, BIT(45), true },
		{ 2, BIT(40), true },  { 2, PTE_G, false },   { 0, BIT(52), false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct walk_mode mode = mode_4level(PAGE_AT | USER);

		*entry_of(GVA, 4, cases[i].n) |= cases[i].bits;
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ),
				cases[i].bad ? PF_PRESENT | PF_RESERVED : GOOD);
	}
}

/* NX is reserved where it is not enabled; a large page's low address bits always are. */
static void test_reserved_by_mode(void)
{
	struct walk_mode mode = mode_4level(PAGE_AT | USER | PTE_NX);

	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), GOOD);
	mode.efer &= ~EFER_NXE;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), PF_PRESENT | PF_RESERVED);
	for (unsigned bit = 12; bit < 30; bit++) {
		mode = mode_with(CR4_PAE, EFER_LONG);
		map_long(GVA, 4, 2, USER, USER | PTE_PS | BIT(bit));
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ),
				bit == 12 ? GOOD : PF_PRESENT | PF_RESERVED);
		map_long(GVA, 4, 3, USER, USER | PTE_PS | BIT(bit));
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ),
				bit > 12 && bit < 21 ? PF_PRESENT | PF_RESERVED : GOOD);
	}
}

/* Where there is no RAM the bus reads as ones: reserved bits. */
static void test_tables_outside_memory(void)
{
	struct walk_mode mode = mode_with(CR4_PAE, EFER_LONG);

	mode.cr3 = 0x100000;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), PF_PRESENT | PF_RESERVED);
}

/* Rights. */

static void test_rights(void)
{
	static const u64 wp = CR0_WP, smep = CR4_SMEP, smap = CR4_SMAP, ac = RFLAGS_AC;
	const u64 p = PTE_P, w = PTE_W, u = PTE_U, nx = PTE_NX;
	const struct {
		u64 flags; /* of the last entry */
		u64 cr0, cr4, rflags;
		u8 cpl;
		unsigned access;
		u32 want;
	} cases[] = {
		/* user */
		{ p | w | u, wp, 0, 0, 3, READ, GOOD },
		{ p | w | u, wp, 0, 0, 3, WRITE, GOOD },
		{ p | w | u, wp, 0, 0, 3, FETCH, GOOD },
		{ p | u, wp, 0, 0, 3, READ, GOOD },
		{ p | u, wp, 0, 0, 3, WRITE, PF_PRESENT | PF_WRITE | PF_USER },
		{ p | u, 0, 0, 0, 3, WRITE, PF_PRESENT | PF_WRITE | PF_USER },
		{ p | w, wp, 0, 0, 3, READ, PF_PRESENT | PF_USER },
		{ p | w, wp, 0, 0, 3, WRITE, PF_PRESENT | PF_WRITE | PF_USER },
		{ p | w, wp, 0, 0, 3, FETCH, PF_PRESENT | PF_USER | PF_FETCH },
		{ p | w | u | nx, wp, 0, 0, 3, READ, GOOD },
		{ p | w | u | nx, wp, 0, 0, 3, FETCH, PF_PRESENT | PF_USER | PF_FETCH },
		{ p | w | u, wp, smep | smap, 0, 3, READ, GOOD },
		{ p | w | u, wp, smep | smap, 0, 3, FETCH, GOOD },
		/* supervisor */
		{ p, wp, 0, 0, 0, READ, GOOD },
		{ p, wp, 0, 0, 0, WRITE, PF_PRESENT | PF_WRITE },
		{ p, 0, 0, 0, 0, WRITE, GOOD },
		{ p | u, wp, 0, 0, 0, WRITE, PF_PRESENT | PF_WRITE },
		{ p | u, 0, 0, 0, 0, WRITE, GOOD },
		{ p | w | nx, wp, 0, 0, 0, FETCH, PF_PRESENT | PF_FETCH },
		{ p | w, wp, 0, 0, 2, READ, GOOD }, /* rings 0 to 2 are one */
		{ p | w | u, wp, smep, 0, 0, FETCH, PF_PRESENT | PF_FETCH },
		{ p | w | u, wp, smep, 0, 0, READ, GOOD },
		{ p | w, wp, smep, 0, 0, FETCH, GOOD },
		{ p | w | u, wp, smap, 0, 0, READ, PF_PRESENT },
		{ p | w | u, wp, smap, 0, 0, WRITE, PF_PRESENT | PF_WRITE },
		{ p | w | u, wp, smap, ac, 0, READ, GOOD },
		{ p | w | u, wp, smap, ac, 0, WRITE, GOOD },
		{ p | u, wp, smap, ac, 0, WRITE, PF_PRESENT | PF_WRITE },
		{ p | w | u, 0, smap, 0, 0, WRITE, PF_PRESENT | PF_WRITE },
		{ p | w | u, wp, smap, 0, 0, FETCH, GOOD },
		{ p | w, wp, smap, 0, 0, READ, GOOD },
		/* the CPU's own accesses: supervisor at any CPL, and AC does not help them */
		{ p | w, wp, 0, 0, 3, READ | WALK_SYSTEM, GOOD },
		{ p, wp, 0, 0, 3, WRITE | WALK_SYSTEM, PF_PRESENT | PF_WRITE },
		{ p | w | u, wp, smap, 0, 3, READ | WALK_SYSTEM, PF_PRESENT },
		{ p | w | u, wp, smap, ac, 3, READ | WALK_SYSTEM, PF_PRESENT },
		{ p | w | u, wp, smap, ac, 0, READ | WALK_SYSTEM, PF_PRESENT },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct walk_mode mode = mode_4level(PAGE_AT | cases[i].flags);
		char line[80];
		u32 got;

		mode.cr0 = CR0_PE | CR0_PG | cases[i].cr0;
		mode.cr4 |= cases[i].cr4;
		mode.rflags = cases[i].rflags;
		mode.cpl = cases[i].cpl;
		got = try_walk(&mode, GVA, cases[i].access);
		snprintf(line, sizeof(line), "case %u: error %x, not %x", i, got, cases[i].want);
		CU_assertImplementation(got == cases[i].want, __LINE__, line, __FILE__, "",
					CU_FALSE);
	}
}

/* A right must be given at every level. */
static void test_rights_of_upper_levels(void)
{
	for (unsigned n = 0; n < 3; n++) {
		struct walk_mode mode = mode_4level(PAGE_AT | USER);

		mode.cpl = 3;
		*entry_of(GVA, 4, n) &= ~PTE_U;
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), PF_PRESENT | PF_USER);
		*entry_of(GVA, 4, n) = (*entry_of(GVA, 4, n) | PTE_U) & ~PTE_W;
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), PF_PRESENT | PF_USER | PF_WRITE);
		*entry_of(GVA, 4, n) |= PTE_W | PTE_NX;
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, FETCH), PF_PRESENT | PF_USER | PF_FETCH);
		CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), GOOD);
	}
}

/* [SDM] "Protection Keys" (4.6.2): key 5, bits 11:10 of PKRU. */
static void test_protection_keys(void)
{
	struct walk_mode mode = mode_4level(PAGE_AT | USER | 5ull << 59);

	mode.cr4 |= CR4_PKE;
	mode.pkru = ~(3u << 10);
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), GOOD);
	mode.pkru = 1u << 10; /* access disabled */
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), PF_PRESENT | PF_PKEY);
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, FETCH), GOOD);
	mode.pkru = 2u << 10; /* writing disabled; for supervisors only with WP */
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), GOOD);
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), PF_PRESENT | PF_WRITE | PF_PKEY);
	mode.cr0 &= ~CR0_WP;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), GOOD);
	mode.cpl = 3;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), PF_PRESENT | PF_WRITE | PF_USER | PF_PKEY);
	mode.cr4 &= ~CR4_PKE;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), GOOD);
	mode.cr4 |= CR4_PKE; /* supervisor pages have no keys */
	mode.cpl = 0;
	mode.cr0 |= CR0_WP;
	*entry_of(GVA, 4, 3) &= ~PTE_U;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), GOOD);
}

/* [SDM] "Page-Fault Exceptions" (4.7): the key's bit tells of the key, whatever else is wrong. */
static void test_key_beside_other_rights(void)
{
	struct walk_mode mode = mode_4level(PAGE_AT | USER | 5ull << 59);

	mode.cr4 |= CR4_PKE;
	mode.cpl = 3;
	mode.pkru = 2u << 10;
	*entry_of(GVA, 4, 2) &= ~PTE_W;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), PF_PRESENT | PF_WRITE | PF_USER | PF_PKEY);
	mode.pkru = 0;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), PF_PRESENT | PF_WRITE | PF_USER);
	mode.pkru = 1u << 10;
	*entry_of(GVA, 4, 3) |= PTE_NX;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, FETCH), PF_PRESENT | PF_USER | PF_FETCH);
	*entry_of(GVA, 4, 3) &= ~PTE_P; /* no page, no key */
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), PF_USER);
}

/* [SDM] "Protection Keys" (4.6.2): IA32_PKRS for supervisor pages; writing only with CR0.WP. */
static void test_supervisor_keys(void)
{
	struct walk_mode mode = mode_4level(PAGE_AT | PTE_P | PTE_W | 5ull << 59);

	mode.pkrs = 1u << 10;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), GOOD);
	mode.cr4 |= CR4_PKS;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), PF_PRESENT | PF_PKEY);
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, FETCH), GOOD);
	mode.pkrs = 2u << 10;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, READ), GOOD);
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), PF_PRESENT | PF_WRITE | PF_PKEY);
	mode.cr0 &= ~CR0_WP;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), GOOD);
	*entry_of(GVA, 4, 3) |= PTE_U; /* user pages obey the other register */
	mode.cr0 |= CR0_WP;
	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE), GOOD);
}

/* Every mode of paging. */

static void test_no_paging(void)
{
	struct walk_mode mode = mode_with(0, 0);

	mode.cr0 = CR0_PE;
	expect_page(&mode, 0x100001234, 0x1234, PAGE_SIZE, 0);
	CU_ASSERT_EQUAL(try_walk(&mode, 0xfffffff0, WRITE), GOOD);
}

static void test_32bit(void)
{
	const u64 gva = 0xc0123456;
	struct walk_mode mode = mode_with(0, 0);
	u32 *directory = &ram.words[TABLE(0) / 4 + (gva >> 22)];
	u32 *table = &ram.words[TABLE(1) / 4 + (gva >> 12 & 1023)];

	*directory = TABLE(1) | USER;
	*table = 0xabcde000 | USER;
	expect_page(&mode, gva, 0xabcde456, PAGE_SIZE, 2);
	*directory |= PTE_PS; /* without PSE it does not count */
	expect_page(&mode, gva, 0xabcde456, PAGE_SIZE, 2);
	mode.cr4 = CR4_PSE;
	*directory = 0x12400000 | USER | PTE_PS;
	expect_page(&mode, gva, 0x12523456, MiB(4), 1);
	*directory |= 0xff << 13; /* PSE-36, here of 40 bits */
	expect_page(&mode, gva, 0xff12523456, MiB(4), 1);
	mode.maxphyaddr = 36;
	CU_ASSERT_EQUAL(try_walk(&mode, gva, READ), PF_PRESENT | PF_RESERVED);
	*directory = 0x12400000 | USER | PTE_PS | 0xf << 13;
	expect_page(&mode, gva, 0xf12523456, MiB(4), 1);
	*directory |= BIT(21);
	CU_ASSERT_EQUAL(try_walk(&mode, gva, READ), PF_PRESENT | PF_RESERVED);
}

static void test_pae(void)
{
	const u64 gva = 0xc0723456;
	struct walk_mode mode = mode_with(CR4_PAE, EFER_NXE);
	const u64 pdpte[4] = { 0, 0, 0, TABLE(1) | PTE_P };
	u64 *directory = &ram.quads[TABLE(1) / 8 + (gva >> 21 & 511)];
	u64 *table = &ram.quads[TABLE(2) / 8 + (gva >> 12 & 511)];

	*directory = TABLE(2) | USER;
	*table = 0x87abcde000 | USER;
	mode.pdpte = pdpte;
	mode.cr3 = ~0ull; /* not looked at */
	expect_page(&mode, gva, 0x87abcde456, PAGE_SIZE, 3);
	CU_ASSERT_EQUAL(try_walk(&mode, 0x40000000, READ), 0); /* PDPTE 1: not present */
	mode.cpl = 3;					       /* PDPTEs have no rights */
	CU_ASSERT_EQUAL(try_walk(&mode, gva, WRITE), GOOD);
	*table |= BIT(52);
	CU_ASSERT_EQUAL(try_walk(&mode, gva, READ), PF_PRESENT | PF_USER | PF_RESERVED);
	*directory = 0x12600000 | USER | PTE_PS;
	expect_page(&mode, gva, 0x12723456, MiB(2), 2);

	mode.pdpte = NULL; /* from memory; CR3 is aligned to 32 bytes */
	mode.cr3 = ROOT + 0x20;
	ram.quads[ROOT / 8 + 4 + 3] = TABLE(1) | PTE_P;
	expect_page(&mode, gva, 0x12723456, MiB(2), 2);
}

static void test_long_mode(void)
{
	const u64 high = 0xffff800012345678, la57 = 0xff12345678765432;
	struct walk_mode mode = mode_4level(0xabcd777000 | USER);

	expect_page(&mode, GVA, 0xabcd777abc, PAGE_SIZE, 4);
	mode.cr3 |= 0xfff | CR3_NOFLUSH; /* PCID and the like are no address */
	expect_page(&mode, GVA, 0xabcd777abc, PAGE_SIZE, 4);
	map_long(GVA, 4, 3, USER, 0x40200000 | USER | PTE_PS | BIT(12));
	expect_page(&mode, GVA, 0x40200000 + (GVA & BITS(20, 0)), MiB(2), 3);
	map_long(GVA, 4, 2, USER, 0x80000000 | USER | PTE_PS);
	expect_page(&mode, GVA, 0x80000000 + (GVA & BITS(29, 0)), GiB(1), 2);
	map_long(high, 4, 4, USER, PAGE_AT | USER);
	expect_page(&mode, high, PAGE_AT + 0x678, PAGE_SIZE, 4);
	CU_ASSERT_EQUAL(walk_linear_bits(&mode), 48);

	mode = mode_with(CR4_PAE | CR4_LA57, EFER_LONG);
	map_long(la57, 5, 5, USER, PAGE_AT | USER);
	expect_page(&mode, la57, PAGE_AT + 0x432, PAGE_SIZE, 5);
	*entry_of(la57, 5, 0) |= PTE_PS;
	CU_ASSERT_EQUAL(try_walk(&mode, la57, READ), PF_PRESENT | PF_RESERVED);
	CU_ASSERT_EQUAL(walk_linear_bits(&mode), 57);
}

/* What is left behind. */

static void test_accessed_and_dirty(void)
{
	struct walk_mode mode = mode_4level(PAGE_AT | USER);
	struct walk w;

	CU_ASSERT_EQUAL(walk(&w, &mode, GVA, WRITE), 0); /* a look leaves no trace */
	for (unsigned n = 0; n < 4; n++)
		CU_ASSERT_EQUAL(*entry_of(GVA, 4, n) & (PTE_A | PTE_D), 0);
	CU_ASSERT_EQUAL(walk(&w, &mode, GVA, READ | WALK_SET_AD), 0);
	for (unsigned n = 0; n < 4; n++)
		CU_ASSERT_EQUAL(*entry_of(GVA, 4, n) & (PTE_A | PTE_D), PTE_A);
	CU_ASSERT_EQUAL(walk(&w, &mode, GVA, WRITE | WALK_SET_AD), 0);
	for (unsigned n = 0; n < 4; n++) {
		CU_ASSERT_EQUAL(*entry_of(GVA, 4, n) & PTE_D, n == 3 ? PTE_D : 0);
		CU_ASSERT_EQUAL(w.entry[n].value, *entry_of(GVA, 4, n));
		CU_ASSERT_PTR_EQUAL(w.entry[n].ptr, entry_of(GVA, 4, n));
		CU_ASSERT_EQUAL(w.entry[n].at.v, (u64)((u8 *)entry_of(GVA, 4, n) - ram.bytes));
	}
	CU_ASSERT_EQUAL(w.entry_size, 8);
}

/* A refused write must not make the page dirty. */
static void test_fault_sets_no_dirty(void)
{
	struct walk_mode mode = mode_4level(PAGE_AT | PTE_P);

	CU_ASSERT_EQUAL(try_walk(&mode, GVA, WRITE | WALK_SET_AD), PF_PRESENT | PF_WRITE);
	CU_ASSERT_EQUAL(*entry_of(GVA, 4, 3) & PTE_D, 0);
}

void test_walk_register(void)
{
	CU_pSuite suite = CU_add_suite("walk", NULL, NULL);

	CU_add_test(suite, "not present", test_not_present);
	CU_add_test(suite, "fetch bit", test_fetch_bit);
	CU_add_test(suite, "reserved bits", test_reserved);
	CU_add_test(suite, "reserved by mode", test_reserved_by_mode);
	CU_add_test(suite, "tables outside memory", test_tables_outside_memory);
	CU_add_test(suite, "rights", test_rights);
	CU_add_test(suite, "rights of upper levels", test_rights_of_upper_levels);
	CU_add_test(suite, "protection keys", test_protection_keys);
	CU_add_test(suite, "a key and another right", test_key_beside_other_rights);
	CU_add_test(suite, "supervisor keys", test_supervisor_keys);
	CU_add_test(suite, "no paging", test_no_paging);
	CU_add_test(suite, "32-bit paging", test_32bit);
	CU_add_test(suite, "PAE paging", test_pae);
	CU_add_test(suite, "4 and 5 levels", test_long_mode);
	CU_add_test(suite, "accessed and dirty", test_accessed_and_dirty);
	CU_add_test(suite, "a fault makes nothing dirty", test_fault_sets_no_dirty);
}
