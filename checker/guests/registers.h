/*
 * registers.h - the registers that a hypervisor must keep apart
 *
 * Owns: filling a CPU's registers with values made from a seed, and looking whether they are
 * still there: FPU, SSE, AVX with their control words, debug registers, CR8, MSRs that do nothing
 * but hold a value, CR2.
 * Must not know: who else runs.
 */
#ifndef CHECKER_REGISTERS_H
#define CHECKER_REGISTERS_H

#include "compiler.h"

/* In a seed: every bit that is free is the inverse of what it is for the seed without. */
#define REGISTERS_INVERSE BIT(63)
/* Besides, in the same one: DR3 is a breakpoint that is on, where only the other one comes by. */
#define REGISTERS_ARMED BIT(62)

/* Fill all of them. */
void registers_set(u64 seed);

/* How many differ from what registers_set(seed) left; *first names one (NULL: none). */
unsigned registers_check(u64 seed, const char **first);

/* How many of them still hold what registers_set(seed) left, in a machine that nobody used yet. */
unsigned registers_kept(u64 seed);

#endif
