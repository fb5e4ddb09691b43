/*
 * syscall_entry.S - where SYSCALL arrives
 *
 * Owns: the frame that SYSCALL does not make: the CPU leaves RIP in RCX, RFLAGS in R11, and the
 * user's stack in place.  For three instructions GS is the kernel's, and leads to this processor's
 * struct cpu (cpu.h); everywhere else it is the user's.  The frame is struct trap_frame of trap.h.
 * Must not know: the calls.
 *
 * Source: [SDM] "SYSCALL", "SYSRET" (vol. 2).
 */
#include "layout.h"

#define TRAP_SYSCALL 256

	.text
	.globl syscall_entry
syscall_entry:
	swapgs
	movq %rsp, %gs:CPU_USER_RSP
	movq %gs:CPU_SYSCALL_RSP, %rsp
	pushq $SELECTOR_USER_SS
	pushq %gs:CPU_USER_RSP
	swapgs
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

	.section .note.GNU-stack, "", @progbits
