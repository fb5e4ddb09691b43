/*
 * pen.h - writes a unit
 *
 * Owns: bytes, operands, patterns (forms_table.h).  Must not know: which forms there are.
 */
#ifndef CHECKER_STREAMS_PEN_H
#define CHECKER_STREAMS_PEN_H

#include "forms_table.h"
#include "generate.h"

struct pen {
	struct case_unit *unit;
	struct dice *d;
	enum case_mode mode;
	bool operand16, wide; /* prefixes that were written */
	bool low_priority; /* CR8 holds back no interrupt that waits */
	bool device; /* operands in the device's page, mostly */
	bool watched; /* no string input or output */
	bool settled; /* nothing that leaves flags undefined: somebody looks at them in between */
	u64 stack; /* RSP at the beginning */
	bool reg_fixed;
	u8 reg; /* of the next ModRM, if fixed */
};

bool pen_long(const struct pen *pen); /* 64-bit mode */
/* Is an operand in memory checked alike by the CPU and by whoever emulates the instruction? */
bool pen_checked(const struct pen *pen);

/* Little-endian; a unit that is full takes no more. */
void pen_put(struct pen *pen, u64 value, unsigned bytes);
void pen_mov(struct pen *pen, u8 reg, u64 value); /* MOV r32, imm32 */
/* ModRM and what follows it, for pen->reg and a place in memory below 2 GiB. */
void pen_absolute(struct pen *pen, u64 address);
void pen_prefix(struct pen *pen);  /* perhaps */
void pen_rex(struct pen *pen);	   /* perhaps, in 64-bit mode */
u16 pen_selector(struct pen *pen); /* any */
void pen_pattern(struct pen *pen, const char *pattern);
/* One of the table that exists in this mode. */
void pen_form(struct pen *pen, const struct form *table, size_t count);

#endif
