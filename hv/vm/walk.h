/*
 * walk.h - the guest's own page tables, walked as its CPU walks them
 *
 * Owns: guest-virtual to guest-physical translation in every paging mode, its
 * permissions and its faults.
 * Must not know: back ends, nested tables.  Pure over a callback that reads memory.
 *
 * Sources: [SDM] "Paging" (4), above all "Page-Fault Exceptions" (4.7); [APM] vol. 2
 * "Page Translation and Protection" (5).
 */
#ifndef ESPEJO_VM_WALK_H
#define ESPEJO_VM_WALK_H

#include "x86.h"

#define WALK_LEVELS 5

/* What translation depends on, besides memory. */
struct walk_mode {
	u64 cr0, cr3, cr4, efer, rflags;
	u8 cpl;
	u8 maxphyaddr;
	u32 pkru, pkrs; /* protection keys of user and supervisor pages: with CR4.PKE, CR4.PKS */
	const u64 *pdpte; /* four, of PAE paging, as loaded by MOV CR3; NULL: read from memory */
	/* Page table entries as the CPU sees them: NULL where there is no RAM (reads as ones). */
	void *(*entry)(void *ctx, gpa_t a, unsigned size);
	void *ctx;
};

/* How memory is touched.  ACCESS_READ, WRITE, FETCH of vm/exit.h, and: */
#define WALK_SYSTEM 8 /* by the CPU itself (descriptor tables): as supervisor, whatever CPL */
#define WALK_SET_AD 16 /* set accessed and dirty bits, as a real access does */

struct walk {
	gpa_t gpa;
	u64 size; /* of the page: 4 KiB to 1 GiB */
	bool writable; /* by this access's privilege */
	unsigned count; /* entries walked, 0 without paging */
	unsigned entry_size; /* 4 or 8 */
	struct {
		gpa_t at; /* where the entry lies; PDPTEs in registers: ~0 */
		const void *ptr; /* and in our memory: NULL: not RAM */
		u64 value; /* as walked, with A and D as they are now */
	} entry[WALK_LEVELS];
	/* If it failed: the #PF. */
	u32 error;
};

/*
 * Translate gva for that access.  0; or -1: it faults, walk->error is the #PF's error code and
 * walk->entry tells how far it came.  gva must be canonical in long mode (the segment's business).
 */
int walk(struct walk *w, const struct walk_mode *mode, u64 gva, unsigned access);

/* Bits that a linear address can have: 32, 48, 57. */
unsigned walk_linear_bits(const struct walk_mode *mode);

#endif
