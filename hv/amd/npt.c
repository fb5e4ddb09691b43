/*
 * npt.c - entries of AMD's nested page tables
 *
 * Owns: the bits.  They are those of a long-mode page table; the CPU walks it as a user
 * access, so U must be set everywhere.  [APM] vol. 2 "Nested Paging" (15.25)
 * Must not know: the tree (paging/nested.c).
 *
 * An entry can be written or executed only if it can be read: P stands for reading.  The
 * memory type is write-back in the entries (PAT entry 0), so the guest's own type counts.
 */
#include "amd/svm.h"

static u64 npt_table(hpa_t table)
{
	return table.v | PTE_P | PTE_W | PTE_U;
}

/*
 * Entry that maps page, aligned to what an entry of this level maps (level 0: 4 KiB, 1: 2 MiB,
 * 2: 1 GiB), with the rights prot (PROT_*).  Any right includes reading; without one the entry is
 * not present.  A right that is not in prot is not given.  Accessed, dirty and the bits of the
 * memory type are 0.
 * [APM] vol. 2 "Field Definitions" (5.4.1), "Nested Table Walk" (15.25.5)
 */
static u64 npt_leaf(hpa_t page, unsigned level, unsigned prot)
{
	u64 entry = page.v | PTE_U;

	if (prot)
		entry |= PTE_P;
	if (prot & PROT_W)
		entry |= PTE_W;
	if (!(prot & PROT_X))
		entry |= PTE_NX;
	if (level > 0)
		entry |= PTE_PS;
	return entry;
}

static bool npt_present(u64 entry)
{
	return entry & PTE_P;
}

static bool npt_is_leaf(u64 entry, unsigned level)
{
	return level == 0 || (entry & PTE_PS);
}

static hpa_t npt_address(u64 entry, unsigned level)
{
	u64 mask = PTE_ADDR;

	/* Bit 12 of a large leaf is its PAT bit. */
	if (level > 0 && (entry & PTE_PS))
		mask &= ~((PAGE_SIZE << (9 * level)) - 1);
	return hpa(entry & mask);
}

static unsigned npt_rights(u64 entry)
{
	unsigned rights = 0;

	if (entry & PTE_P)
		rights = PROT_R | (entry & PTE_W ? PROT_W : 0) | (entry & PTE_NX ? 0 : PROT_X);
	return rights;
}

const struct nested_format npt_format = {
	.name = "NPT",
	.table = npt_table,
	.leaf = npt_leaf,
	.present = npt_present,
	.is_leaf = npt_is_leaf,
	.address = npt_address,
	.rights = npt_rights,
	.dirty = PTE_D,
	.max_leaf_level = 1, /* memory comes in chunks of 2 MiB */
};
