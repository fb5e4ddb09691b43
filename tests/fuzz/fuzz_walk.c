/*
 * fuzz_walk.c - page tables with anything in them, in every paging mode
 *
 * Input: mode bits, an address, an access; then the tables: the pages that entries point to are
 * among few, so that they are tables too.  What is found is what a walk of another make finds; the
 * translation lies in the page.
 */
#include "fuzz.h"

#include <string.h>

#include "host.h"
#include "vm/exit.h"
#include "vm/walk.h"

#define PAGES 8u
#define TABLES 0x10000u

static u8 tables[PAGES * PAGE_SIZE] ALIGNED(16);
static unsigned looks;

static void *entry(void *ctx UNUSED, gpa_t a, unsigned size)
{
	check((size == 4 || size == 8 || size == 32) && a.v % MIN(size, 8u) == 0);
	check(++looks < 64);
	if (a.v < TABLES || a.v - TABLES > sizeof(tables) - size)
		return NULL;
	return tables + (a.v - TABLES);
}

/* Entries are told where it matters: at the indices that the address has. */
static void fill(struct fuzz_input *in, u64 gva, bool wide)
{
	for (u32 page = 0; page < PAGES && in->left; page++) {
		u64 value = (TABLES + (fuzz_take(in, 1) % (PAGES + 1)) * PAGE_SIZE) |
			    fuzz_take(in, 2);
		u8 rest = (u8)fuzz_take(in, 1);

		if (rest & 1)
			value |= fuzz_take(in, 6) << 12;
		if (rest & 2)
			value |= PTE_NX;
		if (rest & 4)
			value |= (u64)(rest >> 4) << 59;
		for (unsigned shift = 12; shift < 57; shift += wide ? 9 : 10) {
			u32 index = (u32)(gva >> shift) & (wide ? 511 : 1023);

			memcpy(tables + page * PAGE_SIZE + index * (wide ? 8 : 4), &value,
			       wide ? 8 : 4);
		}
	}
}

/* The access allowed by the flags of all levels, told without the walker's own words. */
static void check_rights(const struct walk *w, const struct walk_mode *mode, unsigned access)
{
	u64 all = ~0ull, any = 0;

	for (unsigned i = 0; i < w->count; i++) {
		u64 value = w->entry[i].value;

		check(value & PTE_P);
		if (mode->efer & EFER_LMA || !(mode->cr4 & CR4_PAE) || i) {
			all &= value;
			if (mode->cr4 & CR4_PAE)
				any |= value;
		}
	}
	if (!w->count)
		return;
	if (mode->cpl == 3 && !(access & WALK_SYSTEM)) {
		check(all & PTE_U);
		check(!(access & ACCESS_WRITE) || (all & PTE_W));
	} else if ((access & ACCESS_WRITE) && (mode->cr0 & CR0_WP)) {
		check(all & PTE_W);
	}
	if ((access & ACCESS_FETCH) && (mode->efer & EFER_NXE))
		check(!(any & PTE_NX));
}

/* Each level's entry its own: else accessed bits set in one are seen in another. */
static bool all_differ(const struct walk *w)
{
	for (unsigned i = 0; i < w->count; i++)
		for (unsigned j = 0; j < i; j++)
			if (w->entry[i].at.v == w->entry[j].at.v)
				return false;
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const unsigned accesses[] = { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH,
					     ACCESS_READ | WALK_SYSTEM,
					     ACCESS_WRITE | WALK_SYSTEM };
	struct fuzz_input in = { data, size };
	u64 bits = fuzz_take(&in, 3), pdpte[4];
	struct walk_mode mode = {
		.cr0 = CR0_PE | CR0_PG | (bits & 1 ? CR0_WP : 0),
		.cr4 = (bits & 2 ? CR4_PAE : 0) | (bits & 4 ? CR4_PSE : 0) |
		       (bits & 8 ? CR4_SMEP : 0) | (bits & 16 ? CR4_SMAP : 0) |
		       (bits & 32 ? CR4_PKE : 0),
		.efer = bits & 64 ? EFER_NXE : 0,
		.rflags = bits & 128 ? RFLAGS_AC : 0,
		.cpl = bits & 256 ? 3 : 0,
		.maxphyaddr = (u8)(36 + (bits >> 9 & 15)),
		.entry = entry,
	};
	unsigned access = accesses[(bits >> 13 & 7) % ARRAY_SIZE(accesses)];
	struct walk w, again;
	u64 gva;
	int result;

	mode.cr3 = TABLES + (bits >> 16 & 7) * PAGE_SIZE;
	if ((mode.cr4 & CR4_PAE) && (bits & 0x80000)) {
		mode.efer |= EFER_LME | EFER_LMA;
		mode.cr4 |= bits & 0x100000 ? CR4_LA57 : 0;
	}
	mode.pkru = bits & 0x200000 ? (u32)fuzz_take(&in, 4) : 0;
	gva = fuzz_take_number(&in);
	if (mode.efer & EFER_LMA)
		gva = (u64)((s64)(gva << (64 - walk_linear_bits(&mode))) >>
			    (64 - walk_linear_bits(&mode)));
	else
		gva = (u32)gva;
	memset(tables, 0, sizeof(tables));
	fill(&in, gva, mode.cr4 & CR4_PAE);
	if (bits & 0x400000) {
		memcpy(pdpte, tables, sizeof(pdpte));
		for (unsigned i = 0; i < 4; i++)
			pdpte[i] = (TABLES + PAGE_SIZE * (i + 1)) | PTE_P;
		mode.pdpte = pdpte;
	}
	looks = 0;
	memset(&w, 0, sizeof(w));
	result = walk(&w, &mode, gva, access | (bits & 0x800000 ? WALK_SET_AD : 0));
	check(w.count <= WALK_LEVELS);
	if (result) {
		check(w.error < 0x80);
		return 0;
	}
	check(w.size >= PAGE_SIZE && w.gpa.v % PAGE_SIZE == gva % PAGE_SIZE);
	check(!(w.gpa.v >> 52));
	check_rights(&w, &mode, access);
	/* Once more, with accessed and dirty bits as they are now: the same. */
	looks = 0;
	memset(&again, 0, sizeof(again));
	if ((bits & 0x800000) && all_differ(&w)) {
		check(!walk(&again, &mode, gva, access | WALK_SET_AD));
		check(again.gpa.v == w.gpa.v && again.size == w.size);
		for (unsigned i = 0; i < w.count; i++)
			check(again.entry[i].value == w.entry[i].value);
	}
	return 0;
}
