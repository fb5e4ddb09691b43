/*
 * start.S - where a program starts, and how it calls the kernel
 *
 * The kernel enters at start with argc in RDI and argv in RSI; main's result is the exit status.
 */
#include "syscall_numbers.h"

	.section .text.start, "ax"
	.globl start
start:
	xorl %ebp, %ebp
	call main
	movl %eax, %edi
	movl $SYSCALL_EXIT, %eax
	syscall
	ud2

	.text
/* long user_call(number, a, b, c) */
	.globl user_call
user_call:
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	syscall
	ret

	.section .note.GNU-stack, "", @progbits
