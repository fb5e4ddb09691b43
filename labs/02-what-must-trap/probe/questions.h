/*
 * questions.h - a guest that finds out whether its machine is a right one
 *
 * Owns: what main.c has for a probe.  Must not know: what is asked.
 *
 * The probe runs at CPL 0 in 64-bit mode, on one CPU, interrupts off, with the runtime of
 * checker/guests/rt/rt.h (RT_TRY: one instruction, and whether it faulted; rt_rdmsr, rt_wrmsr) and
 * hv/x86_ops.h, hv/x86.h.
 */
#ifndef LAB_QUESTIONS_H
#define LAB_QUESTIONS_H

#include "rt.h"
#include "x86_ops.h"

/* The exercise; probe.c. */
void probe(void);

/* One answer: is it what the manuals promise?  what, a few words, is printed if it is not. */
void question(const char *what, bool right);

#endif
