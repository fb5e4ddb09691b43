/*
 * forms_table.h - the patterns of instructions
 *
 * Owns: which forms there are, and in which modes.  Must not know: how one becomes bytes (pen.h).
 *
 * A pattern is text: pairs of lower-case hex digits stand for themselves, and
 *	P	perhaps a prefix			G	perhaps REX, 64-bit mode
 *	W	likewise, but LOCK, REP and the address size
 *	R, M, E	ModRM: a register, memory, either	O	a register, in the byte before
 *	B I D Q	an immediate of 8 to 64 bits		/n	the reg field of the ModRM that
 *follows A	an address of the window, 32 bits	Z	of 16 or 32 bits, as the prefix says
 *	S, T	a selector, one for SS			V	the address of the device's register
 *	F	the flags that are undefined become	C	the selector of CS, or a bad one
 *		defined, CF goes to AL: how QEMU	U	likewise, and CF is undefined too
 *		leaves them depends on what it
 *		translated together, and so on exits
 *
 * Sources: [SDM] vol. 2 "Instruction Format" (2), "Opcode Map" (A); [APM] vol. 3.
 */
#ifndef CHECKER_STREAMS_FORMS_TABLE_H
#define CHECKER_STREAMS_FORMS_TABLE_H

#include "types.h"

struct form {
	const char *pattern;
	u8 modes; /* a bit for each enum case_mode */
	u8 count; /* instructions that are executed at least */
};

/* What no hypervisor needs to see, unless memory is not what it seems. */
extern const struct form forms_plain[];
extern const size_t forms_plain_count;
/* What one may intercept, emulate or get wrong: modes, system registers, traps, shadows. */
extern const struct form forms_sensitive[];
extern const size_t forms_sensitive_count;
/* What has an operand in memory, and can be carried out by software if that is a device's. */
extern const struct form forms_memory[];
extern const size_t forms_memory_count;

#endif
