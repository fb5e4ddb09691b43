/*
 * cpu.h - what the areas of the cpu guest share
 *
 * Owns: an experiment's outcome on one line.  The same image runs bare and as a guest, and the
 * two records are compared; so nothing here knows what is right.
 * Must not know: hypervisors, emulators.
 */
#ifndef CPU_H
#define CPU_H

#include "compiler.h"
#include "rt.h"
#include "x86.h"
#include "x86_ops.h"

/* Each prints its lines. */
void cpuid_area(void);
void msr_area(void);
void control_area(void);
void keys_area(void);
void fault_area(void);
void modes_area(void);

/* "none", or vector and error code of what RT_TRY met: "13(0)". */
const char *outcome(void);

bool feature(u32 leaf, unsigned reg, unsigned bit); /* reg: 0..3 for EAX..EDX */

#endif
