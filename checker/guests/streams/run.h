/*
 * run.h - one case, from its state to what became of it
 *
 * Owns: what a trap does to a case: the fault's unit is left, a trap's instruction is behind us;
 * when the case is over; the history of traps.
 * Must not know: where cases come from, what is printed.
 */
#ifndef CHECKER_STREAMS_RUN_H
#define CHECKER_STREAMS_RUN_H

#include "arena.h"

#define RUN_TRAPS 48 /* the case is over then */

struct run_trap {
	u64 vector, error, rip, cs, rflags, rsp, ss;
	u64 more; /* CR2 of a #PF, DR6 of a #DB */
};

struct run {
	const struct stream_case *c;
	u64 result[RESULT_COUNT];
	unsigned traps;
	struct run_trap trap[RUN_TRAPS];
	u64 instructions; /* that were executed, at least */
	u64 sensitive;	  /* units and faults that a hypervisor may have had to do with */
};

enum run_reason { RUN_DONE, RUN_TOO_MANY, RUN_ASTRAY, RUN_FATAL };

/* Bits of RFLAGS that are not compared, and taken away at a trap. */
extern u64 run_mask;

void run_case(struct run *run, const struct stream_case *c);
/* Of all results. */
u64 run_hash(const struct run *run);
/* Called by the stubs; 0: the case is over. */
unsigned run_trap(void);

#endif
