/* busy.S - computes without end, and says a number after each round */
#include "tiny.h"

#define ROUND 20000000 /* two instructions each */

	xorl %ebx, %ebx
1:	movl $ROUND, %ecx
2:	decl %ecx
	jnz 2b
	incl %ebx
	say "busy: "
	movb %bl, %al
	andb $7, %al
	addb $'0', %al
	movw $COM1, %dx
	outb %al, %dx
	say "\n"
	jmp 1b
