/*
 * mark.h - no-operations with a number, which tools/plugin/count.c sees and nobody else does
 *
 * Owns: their encoding, and the numbers that tools/compare knows.
 * Must not know: what lies between two marks.
 *
 * The instruction is NOP of the long form, 0f 1f /0 with a 32-bit displacement: MARK_MAGIC in its
 * upper half, the number in its lower.  It may be executed in any mode and does nothing.
 */
#ifndef ESPEJO_TOOLS_MARK_H
#define ESPEJO_TOOLS_MARK_H

#define MARK_MAGIC 0x4d4bu
#define MARK_BYTES 8 /* of the instruction: 4 before the displacement, 4 of it */

#define MARK_BEGIN 1 /* the program's first instruction, more or less */
#define MARK_START 2 /* it is about to be started by another */
#define MARK_END 3
#define MARK_LOAD 16 /* + 2n: before load n; + 2n + 1: behind it */

/* n must be a constant. */
#define MARK(n)                                                          \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.long %c0"    \
			 :: "i"((MARK_MAGIC << 16) | (n)) : "memory")

#endif
