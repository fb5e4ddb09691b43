/* pattern.S - looks whether its memory came clean, then writes a pattern all over it */
#include "tiny.h"

#define PATTERN 0x0bad5eed
#define MIB 0x100000

	movl INFO_MEM_UPPER(%ebx), %ebp	/* KiB from 1 MiB on */
	shll $10, %ebp
	addl $MIB, %ebp
	subl $tiny_end, %ebp
	shrl $2, %ebp

	/* The loader's information may lie anywhere: what is not ours or its is zero. */
	movl $tiny_end, %edi
	movl %ebp, %ecx
	xorl %eax, %eax
	xorl %ebx, %ebx
1:	jecxz 3f
	repe scasl
	je 3f
	cmpl $PATTERN, -4(%edi)
	jne 1b
	incl %ebx
	jmp 1b
3:	testl %ebx, %ebx
	jnz 4f
	say "pattern: clean\n"
	jmp 5f
4:	say "pattern: somebody else's memory\n"
5:	movl $tiny_end, %edi
	movl %ebp, %ecx
	movl $PATTERN, %eax
	rep stosl
	say "pattern: written\n"
6:	cli
	hlt
	jmp 6b
