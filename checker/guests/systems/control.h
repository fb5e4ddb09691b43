/*
 * control.h - control registers: what both parts of their tests need
 *
 * Owns: the bits of CR4 that CPUID promises.  Must not know: what is tried.
 */
#ifndef CHECKER_CONTROL_H
#define CHECKER_CONTROL_H

#include "systems.h"

/* Bits of CR4 that this CPU says it has. */
u64 control_cr4(void);
/* Not on bare QEMU 7.2, which takes what a CPU refuses, and hangs or ends. */
bool control_may_break_rules(void);
/* Bare or not, the brand says so. */
bool control_on_qemu(void);

/* control_effects.c */
void control_effects(void);
/* control_activate.c */
void control_activate(void);
/* control_xcr0.c */
void control_xcr0(void);

#endif
