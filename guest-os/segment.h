/* segment.h - descriptors and the TSS; see segment.c */
#ifndef GUEST_OS_SEGMENT_H
#define GUEST_OS_SEGMENT_H

#include "types.h"

/* Stacks of the TSS's interrupt stack table, for events that can not trust RSP. */
enum segment_ist { IST_NONE, IST_NMI, IST_DOUBLE_FAULT, IST_MACHINE_CHECK, IST_COUNT };

/* Load the GDT and the task register of the processor that executes this, which has this index. */
void segment_init(unsigned index);

/* Where this processor's traps from user mode put their frame. */
void segment_set_stack(u64 rsp);

/* The bounds of this processor's interrupt stack: lowest address, and one behind the highest. */
void segment_ist_bounds(enum segment_ist ist, u64 *low, u64 *high);

#endif
