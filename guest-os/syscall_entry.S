/*
 * syscall_entry.S - where SYSCALL arrives
 *
 * Owns: the frame that SYSCALL does not make: the CPU leaves RIP in RCX, RFLAGS in R11, and the
 * user's stack in place.  There is one CPU, so the stacks' addresses are plain variables and GS is
 * not needed.  The frame is struct trap_frame of trap.h.
 * Must not know: the calls.
 *
 * Source: [SDM] "SYSCALL", "SYSRET" (vol. 2).
 */
#include "layout.h"

#define TRAP_SYSCALL 256

	.text
	.globl syscall_entry
syscall_entry:
	movq %rsp, syscall_user_rsp(%rip)
	movq syscall_kernel_rsp(%rip), %rsp
	pushq $SELECTOR_USER_SS
	pushq syscall_user_rsp(%rip)
	pushq %r11
	pushq $SELECTOR_USER_CS
	pushq %rcx
	pushq $0
	pushq $TRAP_SYSCALL
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
	call syscall_dispatch
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
	/* RCX and R11 hold what they held; user memory ends far below the first bad RIP. */
	movq 40(%rsp), %rsp
	sysretq

	.bss
	.balign 8
	.globl syscall_kernel_rsp
syscall_kernel_rsp:
	.skip 8
syscall_user_rsp:
	.skip 8

	.section .note.GNU-stack, "", @progbits
