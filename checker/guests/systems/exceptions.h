/*
 * exceptions.h - instructions and the exceptions that they raise, for exceptions.c
 *
 * Owns: the table.  Must not know: how anything is run.
 */
#ifndef CHECKER_EXCEPTIONS_H
#define CHECKER_EXCEPTIONS_H

#include "compiler.h"
#include "types.h"

#define CODE_MAX 20
#define NO_TRY 0xff

/* Modes in which a line is tried. */
#define IN_32 1
#define IN_64 2
#define IN_V86 4
#define ANYWHERE (IN_32 | IN_64 | IN_V86)

/* How it ends at one privilege level. */
struct ending {
	u8 vector; /* VECTOR_BP: it executes, and the INT3 behind it ends the shot; NO_TRY: not
		      tried */
	u16 error;
};

struct exception_line {
	u8 modes;
	bool exits;	      /* a hypervisor may have to carry it out itself */
	bool step;	      /* with RFLAGS.TF */
	u8 fault_at;	      /* the instruction that raises it, in bytes from the begin */
	struct ending end[2]; /* CPL 0, CPL 3; virtual-8086 mode: IOPL 3, IOPL 0 */
	u8 len;
	u8 code[CODE_MAX];
};

extern const struct exception_line exception_lines[];
extern const unsigned exception_line_count;

#define DPL0_VECTOR 0x31
#define DPL3_VECTOR 0x32

#endif
