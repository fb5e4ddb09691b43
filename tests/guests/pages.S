/*
 * pages.S - writes some pages and reads others, for who looks which were written; then as v00 of
 * ends.S
 *
 * Of 2 MiB up to 6 MiB it writes pages 0, 1, 63, 64, 65, 511, 512, 700: by moves, by a read that
 * writes back, by a string, and by one store across two pages.  It reads pages 5 and 600.  No stack
 * is used.
 */
#include "tiny.h"

#define BASE 0x200000
#define PAGE(n) (BASE + (n) * 4096)
#define EXIT_PORT 0xf4
#define WORDS 16

	movl PAGE(5), %eax
	testl $1, PAGE(600)
	movl $1, PAGE(0) + 4092		/* the end of a page, and no further */
	movb $2, PAGE(1)
	lock; addl $3, PAGE(63)
	movl $4, PAGE(65) - 2		/* pages 64 and 65 */
	movl $PAGE(511) + 64, %edi
	movl $WORDS, %ecx
	rep; stosl
	xchgl %eax, PAGE(512)
	orl $0, PAGE(700)		/* nothing changes, but it is written */
	movb $0, %al
	outb %al, $EXIT_PORT
1:	hlt
	jmp 1b
