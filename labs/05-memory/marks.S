/*
 * marks.S - each page of its memory holds what was written there
 *
 * From 2 MiB to the end of its RAM it writes a mark into each page, its own for each: the number on
 * the command line plus the page's address.  In the end it looks whether all are still there.
 * In between it stops three times, for whoever wants to look at its tables or to change them:
 *   here 1: behind the marks
 *   here 2: behind four stores: two pages beside each other on both sides of 4 MiB, two apart
 *   here 3: behind a load and a store at 6 MiB, a call of a RET at 8 MiB
 */
#include "guest.h"

#define FIRST 0x200000
#define PAGE 0x1000
#define BESIDE 8 /* in a page, beside its mark */
#define RET 0xc3

	say "marks: begins\n"
	mov $FIRST, %edi
1:	lea (%ebx, %edi), %eax
	mov %eax, (%edi)
	add $PAGE, %edi
	cmp memory_end, %edi
	jb 1b
	movb $RET, 0x800000 + BESIDE
	say "marks: here 1\n"
	pause_here

	movl $1, 0x3ff000 + BESIDE
	movl $1, 0x400000 + BESIDE
	movl $1, 0x7c0000 + BESIDE
	movl $1, 0xa55000 + BESIDE
	say "marks: here 2\n"
	pause_here

	mov 0x600000 + BESIDE, %eax
	movl $1, 0x600000 + BESIDE
	mov $0x800000 + BESIDE, %eax
	call *%eax
	say "marks: here 3\n"
	pause_here

	/* EBP: the sum of all marks. */
	xor %ebp, %ebp
	mov $FIRST, %edi
2:	lea (%ebx, %edi), %ecx
	mov (%edi), %eax
	cmp %eax, %ecx
	jne lost
	add %eax, %ebp
	add $PAGE, %edi
	cmp memory_end, %edi
	jb 2b
	say "marks: all there, sum "
	say_hex %ebp
	say "\n"
	end_here

lost:
	mov %eax, %ebp
	say "marks: FAILED: page "
	say_hex %edi
	say " holds "
	say_hex %ebp
	say ", not "
	say_hex %ecx
	say "\n"
	end_here
