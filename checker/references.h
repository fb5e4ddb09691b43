/*
 * references.h - what a miss of the TLB costs: references to memory
 *
 * Owns: walking a guest's page tables, in the machine's memory as a file, with each address in
 * them translated by the nested tables; counting the entries that hardware has to read.
 * Must not know: what is too much; caches of upper levels, which CPUs have in all sizes.
 *
 * A walk reads an entry of each level.  Within a virtual machine the guest's entries lie at
 * guest-physical addresses, so a walk of the nested tables stands before each of them, and one
 * more before the page itself: (g + 1) (n + 1) - 1 references where both have g and n levels, 24
 * with four and four.  Sources: [APM] vol. 2 "Nested Paging" (15.25), [SDM] "EPT Translation
 * Mechanism" (29.3.2), "4-Level Paging and 5-Level Paging" (4.5).
 */
#ifndef CHECKER_REFERENCES_H
#define CHECKER_REFERENCES_H

#include "outside.h"

/* Of leaves of the guest's tables that have their A flag: the pages that it touched. */
struct references {
	uint64_t pages;	      /* that lie in RAM */
	uint64_t small;	      /* of them, mapped by the guest in 4 KiB */
	uint64_t sum;	      /* references for one walk to each of them */
	uint64_t native;      /* the same without nested tables */
	uint64_t most;	      /* of one walk */
	uint64_t split;	      /* pages above the first 2 MiB that nested tables map in 4 KiB */
};

/*
 * The tables at cr3 of a guest in 4-level paging, behind the nested tables at root.  False with
 * *why: the tables do not lie in RAM.
 */
bool references_count(const struct outside_memory *memory, enum outside_format format,
		      uint64_t root, uint64_t cr3, struct references *r, const char **why);

#endif
