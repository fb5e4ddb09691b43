/*
 * exceptions_table.c - see exceptions.h
 *
 * RSI, RDI: an absent page.  SEL_TEST: a data segment for user mode that is not present.
 * Interrupts off, IOPL 0, no I/O map, LDT null, CR4.PCE and CR4.OSXSAVE clear, CR0.TS clear.
 *
 * Sources: [SDM] vol. 2, "Exceptions" of each instruction; vol. 3 "Exception and Interrupt
 * Reference" (6.15), "Error Code" (6.13), "Sensitive Instructions" (20.2.8: virtual-8086 mode).
 */
#include "exceptions.h"
#include "gates.h"
#include "x86.h"

#define OK                                                                                         \
	{                                                                                          \
		VECTOR_BP, 0                                                                       \
	}
#define NONE                                                                                       \
	{                                                                                          \
		NO_TRY, 0                                                                          \
	}
#define RAISE(vector, error)                                                                       \
	{                                                                                          \
		vector, error                                                                      \
	}
#define GP(error) RAISE(VECTOR_GP, error)
#define GP0 GP(0)
#define UD RAISE(VECTOR_UD, 0)
#define LINE(modes, exits, at, kernel, user, ...)                                                  \
	{                                                                                          \
		modes, exits, false, at, { kernel, user }, sizeof((u8[]){ __VA_ARGS__ }),          \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define STEP(modes, exits, at, kernel, user, ...)                                                  \
	{                                                                                          \
		modes, exits, true, at, { kernel, user }, sizeof((u8[]){ __VA_ARGS__ }),           \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define IDT_ERROR(vector) ((vector)*8 + 2)
#define PROTECTED (IN_32 | IN_64)
#define DB RAISE(VECTOR_DB, 0)

const struct exception_line exception_lines[] = {
	LINE(ANYWHERE, false, 0, OK, OK, 0x90),
	LINE(ANYWHERE, false, 2, RAISE(VECTOR_DE, 0), RAISE(VECTOR_DE, 0), 0x31, 0xc9, 0xf6, 0xf1),
	LINE(ANYWHERE, false, 0, UD, UD, 0x0f, 0x0b),
	LINE(ANYWHERE, false, 0, UD, UD, 0xf0, 0x90),
	LINE(PROTECTED, false, 0, UD, UD, 0x0f, 0xaa),
	LINE(PROTECTED, false, 5, GP(0x1234), GP(0x1234), 0xb8, 0x34, 0x12, 0, 0, 0x8e, 0xd8),
	LINE(PROTECTED, false, 5, RAISE(VECTOR_NP, SEL_TEST), RAISE(VECTOR_NP, SEL_TEST), 0xb8,
	     SEL_TEST | 3, 0, 0, 0, 0x8e, 0xd8),
	LINE(PROTECTED, false, 5, GP(SEL_TEST), RAISE(VECTOR_SS, SEL_TEST), 0xb8, SEL_TEST | 3, 0,
	     0, 0, 0x8e, 0xd0),
	LINE(PROTECTED, false, 5, GP(4), GP(4), 0xb8, SEL_IN_LDT, 0, 0, 0, 0x8e, 0xe0),
	LINE(PROTECTED, true, 5, GP(0x1234), GP0, 0xb8, 0x34, 0x12, 0, 0, 0x0f, 0x00, 0xd0),
	LINE(PROTECTED, true, 5, GP(0x1234), GP0, 0xb8, 0x34, 0x12, 0, 0, 0x0f, 0x00, 0xd8),
	LINE(PROTECTED, false, 0, RAISE(VECTOR_PF, 0), RAISE(VECTOR_PF, 4), 0x8a, 0x06),
	LINE(PROTECTED, false, 0, RAISE(VECTOR_PF, 2), RAISE(VECTOR_PF, 6), 0x88, 0x07),
	LINE(PROTECTED, true, 0, RAISE(VECTOR_PF, 2), GP0, 0x6c),
	LINE(PROTECTED, true, 0, RAISE(VECTOR_PF, 0), GP0, 0x6e),
	LINE(PROTECTED, true, 0, RAISE(VECTOR_PF, 2), GP0, 0x6d),
	LINE(PROTECTED, true, 0, RAISE(VECTOR_PF, 0), GP0, 0x66, 0x6f),
	LINE(ANYWHERE, true, 0, NONE, GP0, 0xf4),
	LINE(ANYWHERE, false, 0, OK, GP0, 0xfa),
	LINE(IN_V86, false, 0, OK, GP0, 0x9c),
	LINE(ANYWHERE, true, 0, NONE, GP0, 0x0f, 0x32),
	LINE(ANYWHERE, true, 0, NONE, GP0, 0x0f, 0x30),
	LINE(PROTECTED, true, 0, OK, GP0, 0x0f, 0x20, 0xc0),
	LINE(PROTECTED, true, 0, OK, GP0, 0x0f, 0x20, 0xe0),
	LINE(PROTECTED, true, 0, OK, GP0, 0x0f, 0x20, 0xd9),
	LINE(PROTECTED, true, 0, OK, GP0, 0x0f, 0x21, 0xf8),
	LINE(IN_V86, true, 0, GP0, GP0, 0x0f, 0x20, 0xc0),
	LINE(IN_V86, true, 0, GP0, GP0, 0x0f, 0x22, 0xc0),
	LINE(IN_V86, true, 0, GP0, GP0, 0x0f, 0x21, 0xf8),
	LINE(PROTECTED, true, 0, OK, GP0, 0xec),
	LINE(PROTECTED, true, 0, OK, GP0, 0xe4, 0xed),
	LINE(PROTECTED, true, 0, OK, GP0, 0x66, 0xef),
	LINE(IN_V86, true, 0, GP0, GP0, 0xec),
	LINE(ANYWHERE, true, 0, OK, OK, 0x31, 0xc0, 0x0f, 0xa2),
	LINE(ANYWHERE, true, 0, OK, OK, 0x66, 0x31, 0xc0, 0x2e, 0x0f, 0xa2),
	LINE(ANYWHERE, false, 0, OK, OK, 0x0f, 0x31),
	LINE(PROTECTED, true, 0, OK, GP0, 0x0f, 0x09),
	LINE(IN_V86, true, 0, GP0, GP0, 0x0f, 0x09),
	LINE(PROTECTED, true, 0, OK, GP0, 0x0f, 0x06),
	LINE(IN_V86, true, 0, GP0, GP0, 0x0f, 0x06),
	LINE(PROTECTED, false, 0, OK, GP0, 0x0f, 0x01, 0x3e),
	LINE(IN_V86, false, 0, GP0, GP0, 0x0f, 0x01, 0x3c),
	LINE(PROTECTED, false, 0, OK, OK, 0x0f, 0x01, 0xe0),
	LINE(PROTECTED, true, 0, NONE, GP0, 0x0f, 0x01, 0xf0),
	LINE(PROTECTED, false, 0, RAISE(VECTOR_PF, 0), GP0, 0x0f, 0x01, 0x16),
	LINE(IN_V86, false, 0, UD, UD, 0x0f, 0x00, 0xd0),
	LINE(IN_V86, false, 0, UD, UD, 0x0f, 0x00, 0xc8),
	LINE(IN_32, false, 0, GP0, GP0, 0x0f, 0x34),
	LINE(ANYWHERE, false, 0, GP0, GP0, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	     0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90),
	LINE(PROTECTED, false, 0, RAISE(DPL0_VECTOR, 0), GP(IDT_ERROR(DPL0_VECTOR)), 0xcd,
	     DPL0_VECTOR),
	LINE(IN_V86, false, 0, GP(IDT_ERROR(DPL0_VECTOR)), GP0, 0xcd, DPL0_VECTOR),
	LINE(PROTECTED, false, 0, RAISE(DPL3_VECTOR, 0), RAISE(DPL3_VECTOR, 0), 0xcd, DPL3_VECTOR),
	LINE(IN_V86, false, 0, RAISE(DPL3_VECTOR, 0), GP0, 0xcd, DPL3_VECTOR),
	LINE(IN_32, false, 4, RAISE(VECTOR_OF, 0), GP(IDT_ERROR(VECTOR_OF)), 0xb0, 0x7f, 0xfe, 0xc0,
	     0xce),
	LINE(IN_V86, false, 4, GP(IDT_ERROR(VECTOR_OF)), GP(IDT_ERROR(VECTOR_OF)), 0xb0, 0x7f, 0xfe,
	     0xc0, 0xce),
	LINE(IN_64, true, 0, OK, GP0, 0x44, 0x0f, 0x20, 0xc0),
	LINE(IN_64, true, 0, OK, GP0, 0x41, 0x0f, 0x20, 0xc4),
	LINE(IN_64, false, 0, UD, UD, 0xce),
	LINE(IN_64, false, 0, UD, UD, 0x06),
	/* What is stepped over is the whole of it: the trap comes behind. */
	STEP(ANYWHERE, false, 0, DB, DB, 0x90),
	STEP(ANYWHERE, true, 0, DB, DB, 0x0f, 0xa2),
	STEP(PROTECTED, true, 0, DB, GP0, 0xec),
	STEP(PROTECTED, true, 0, DB, GP0, 0x0f, 0x20, 0xc0),
	STEP(PROTECTED, true, 0, DB, GP0, 0x0f, 0x09),
	STEP(PROTECTED, true, 0, RAISE(VECTOR_PF, 2), GP0, 0x6c),
};
const unsigned exception_line_count = ARRAY_SIZE(exception_lines);
