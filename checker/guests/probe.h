/* probe.h - what work=wake and work=walk do besides the table of probe.c */
#ifndef CHECKER_PROBE_H
#define CHECKER_PROBE_H

#include "types.h"

/*
 * Records "wake how=halted|computing n= early= least= most= total=", in ticks of the TSC.  Result:
 * ticks that the CPU was halted, more or less.
 */
u64 probe_wake(void);
/* Record "walk pages=": so many pages of 4 KiB are mapped and touched, and stay so. */
void probe_walk(void);

#endif
