/*
 * trap_entry.S - where exceptions and interrupts arrive
 *
 * Owns: 256 stubs that make all frames alike, saving and restoring registers, the way into a new
 * process, and the recovery of trap_try.
 * Must not know: what any vector means, but whether the CPU pushes an error code:
 * [SDM] "Exception and Interrupt Vectors" (6.3).  The frame is struct trap_frame of trap.h.
 */
#include "layout.h"

	.text
/* Stub n is 16 bytes long and lies at trap_stubs + 16 n. */
	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	pushq $0
	.endif
	pushq $vector
	jmp trap_common
	.set vector, vector + 1
	.endr
	.balign 16

trap_common:
	cld
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %rdi
	call trap_dispatch
	jmp trap_return
/* A new process's first way out of the kernel: process.c has switched to it. */
	.globl trap_begin
trap_begin:
	call lock_kernel_leave
/* Go where the frame on top of the stack says. */
trap_return:
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp		/* vector and error */
	iretq

/* u64 trap_call(function, argument): 0, or 1 if trap.c sent us to trap_recover instead. */
	.globl trap_call
trap_call:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	subq $8, %rsp
	movq %rsp, trap_recover_rsp(%rip)
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	xorl %eax, %eax
	jmp 1f
	.globl trap_recover
trap_recover:
	movl $SELECTOR_KERNEL_SS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl $1, %eax
1:	addq $8, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.bss
	.balign 8
	.globl trap_recover_rsp
trap_recover_rsp:
	.skip 8

	.section .note.GNU-stack, "", @progbits
