/*
 * pagemodel.h - what the manual says that an access through page tables does
 *
 * Owns: the walk, the rights, the error code, accessed and dirty flags; a second time, and by
 * itself: nothing of the hypervisor's is used.  Must not know: the CPU that it runs on.  Pure.
 *
 * Source: [SDM] vol. 3 "Paging" (4), above all "Determination of Access Rights" (4.6.1),
 * "Protection Keys" (4.6.2), "Page-Fault Exceptions" (4.7), "Accessed and Dirty Flags" (4.8).
 */
#ifndef CHECKER_PAGEMODEL_H
#define CHECKER_PAGEMODEL_H

#include "types.h"

#define PAGEMODEL_LEVELS 5

enum pagemodel_kind { PAGEMODEL_32 = 2, PAGEMODEL_PAE = 3, PAGEMODEL_4 = 4, PAGEMODEL_5 = 5 };

struct pagemodel {
	enum pagemodel_kind kind; /* its number is how many levels there are */
	bool wp, smep, smap, nxe, pse, pke, pks;
	u32 pkru, pkrs;
	unsigned maxphyaddr; /* 36 to 52 */
};

struct pagemodel_access {
	bool write, fetch;
	bool user;     /* by CPL 3, not by the CPU itself on its behalf */
	bool implicit; /* by the CPU itself: a supervisor's whatever CPL, and AC does not help */
	bool ac;       /* RFLAGS.AC */
};

struct pagemodel_result {
	bool fault;
	u32 error, error_open; /* of the code, what the manual leaves open */
	/* Entries afterwards; those that the walk did not reach are as they were. */
	u64 entry[PAGEMODEL_LEVELS];
	/* Bits of them that the manual leaves open: a fault may leave accessed flags set or not. */
	u64 open[PAGEMODEL_LEVELS];
};

/* entry[n] is what the walk finds at level n; level 0 is the last, kind - 1 the first. */
void pagemodel_expect(const struct pagemodel *m, const u64 *entry,
		      const struct pagemodel_access *access, struct pagemodel_result *result);

#endif
