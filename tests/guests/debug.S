/*
 * debug.S - a guest whose breakpoints change their kind while others have their turns
 *
 * Register 0 is by turns a breakpoint on code and one on stores, each armed for longer than a turn
 * lasts.  Two such guests on one CPU are seldom in the same half.  What was armed must still be
 * there behind the others' turns, and what the others armed must not.
 * [SDM] vol. 3 "Debug Registers" (18.2)
 */
#include "tiny.h"

#define ROUNDS 4
#define SPINS 3000000
#define VECTOR_DB 1
#define DR7_FIXED 0x400
#define DR7_CODE 0x402 /* G0; one byte, code */
#define DR7_STORE 0xd0402 /* G0; four bytes, stores */
#define DR6_B0 0x1
#define EFLAGS_RF 0x10000
#define GATE32 0x8e00

.macro spin
	movl $SPINS, %ecx
1:	pause
	loop 1b
.endm

	lgdt gdt_pointer
	ljmp $8, $1f
1:	movw $16, %ax
	movw %ax, %ds
	movw %ax, %ss
	movl $on_debug, %eax
	movw %ax, idt + VECTOR_DB * 8
	shrl $16, %eax
	movw %ax, idt + VECTOR_DB * 8 + 6
	lidt idt_pointer
	say "debug: begins\n"
	movl $ROUNDS, %ebx
round:	movl $here, %eax
	movl %eax, %dr0
	movl $DR7_CODE, %eax
	movl %eax, %dr7
	movl $0, hits
	spin
here:	nop
	cmpl $1, hits
	jne wrong
	movl $DR7_FIXED, %eax
	movl %eax, %dr7
	movl $word, %eax
	movl %eax, %dr0
	movl $DR7_STORE, %eax
	movl %eax, %dr7
	spin
	movl %ebx, word
	cmpl $2, hits
	jne wrong
	movl $DR7_FIXED, %eax
	movl %eax, %dr7
	decl %ebx
	jnz round
	say "debug: each breakpoint was met\n"
1:	hlt
	jmp 1b
wrong:	say "debug: a breakpoint was not met, or another one was\n"
	jmp 1b

on_debug:
	pushl %eax
	movl %dr6, %eax
	testl $DR6_B0, %eax
	jz 1f
	incl hits
1:	xorl %eax, %eax
	movl %eax, %dr6
	orl $EFLAGS_RF, 12(%esp)
	popl %eax
	iret

	.data
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
idt:	.rept 32
	.word 0, 8, GATE32, 0
	.endr
idt_end:
idt_pointer:
	.word idt_end - idt - 1
	.long idt
hits:	.long 0
word:	.long 0
