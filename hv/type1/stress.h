/*
 * stress.h - proof that no kick is lost
 *
 * Owns: the shell's `stress kicks`, run by the boot CPU.
 * Must not know: what the guests do; that only a kick makes them leave is the test's business.
 */
#ifndef ESPEJO_TYPE1_STRESS_H
#define ESPEJO_TYPE1_STRESS_H

#include "compiler.h"

/*
 * Kick running vCPUs count times in all, each time after a request to it, and wait until the
 * request was served.  One that is not served within ten seconds is lost, and ends it, unless its
 * interrupt proves to have been there: then the CPU overlooked it, as QEMU's do now and then on a
 * busy host (docs/found.md), and no code of ours could hear it.  Returns how many were lost (or
 * -HOST_ENOENT: no vCPU runs), after a line that says so.
 */
int stress_kicks(u64 count);

#endif
