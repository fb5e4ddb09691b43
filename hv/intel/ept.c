/*
 * ept.c - entries of extended page tables
 *
 * Owns: how an entry looks.
 * Must not know: the tree (paging/nested.c).
 *
 * [SDM] "EPT Translation Mechanism" (29.3.2), "EPT and Memory Typing" (29.3.7)
 *
 * Memory is always write-back, with "ignore PAT": all of it is RAM that the hypervisor maps
 * write-back too, and one page under two memory types would not be coherent.  So a guest's PAT
 * and MTRRs have no effect, which only a guest with real devices could notice.
 */
#include "intel/ept.h"

#include "intel/vmcs.h"
#include "virt.h"

static u64 ept_table(hpa_t table)
{
	/* Rights are those of the leaves; a right must be present in all levels. */
	return (table.v & EPT_ADDR) | EPT_RIGHTS;
}

/*
 * Entry that maps page, aligned to what an entry of this level maps (level 0: 4 KiB, 1: 2 MiB,
 * 2: 1 GiB), with the rights prot (PROT_*).  Any right includes reading: an entry that can be
 * written but not read is a misconfiguration, and one that can only be executed is so on some CPUs.
 * Without a right all three are off.  A right that is not in prot is not given.  Write-back memory,
 * whatever the guest's PAT says; accessed and dirty are 0.
 * [SDM] "EPT Translation Mechanism" (29.3.2), "EPT Misconfigurations" (29.3.3.1)
 */
static u64 ept_leaf(hpa_t page, unsigned level, unsigned prot)
{
	u64 entry = (page.v & EPT_ADDR) | MEMORY_TYPE_WB << EPT_MEMORY_TYPE_SHIFT | EPT_IGNORE_PAT;

	if (level > 0)
		entry |= EPT_LARGE;
	/* Write-only is a misconfiguration, execute-only one on some CPUs: both are readable. */
	if (prot & PROT_RWX)
		entry |= EPT_READ;
	if (prot & PROT_W)
		entry |= EPT_WRITE;
	if (prot & PROT_X)
		entry |= EPT_EXECUTE;
	return entry;
}

static bool ept_present(u64 entry)
{
	return entry & EPT_RIGHTS;
}

static bool ept_is_leaf(u64 entry, unsigned level)
{
	return level == 0 || (level < NESTED_LEVELS - 1 && (entry & EPT_LARGE));
}

static hpa_t ept_address(u64 entry, unsigned level)
{
	u64 mask = EPT_ADDR;

	if (ept_is_leaf(entry, level))
		mask &= ~0ull << (PAGE_SHIFT + 9 * level);
	return hpa(entry & mask);
}

static unsigned ept_rights(u64 entry)
{
	return (entry & EPT_READ ? PROT_R : 0) | (entry & EPT_WRITE ? PROT_W : 0) |
	       (entry & EPT_EXECUTE ? PROT_X : 0);
}

void ept_format(struct nested_format *format, u64 capabilities)
{
	*format = (struct nested_format){
		.name = "EPT",
		.table = ept_table,
		.leaf = ept_leaf,
		.present = ept_present,
		.is_leaf = ept_is_leaf,
		.address = ept_address,
		.rights = ept_rights,
		.dirty = capabilities & EPT_CAP_ACCESSED_DIRTY ? EPT_DIRTY : 0,
		.max_leaf_level = capabilities & EPT_CAP_1G ? 2 : capabilities & EPT_CAP_2M ? 1 : 0,
	};
}
