/*
 * case.S - how a case is run, and how it ends
 *
 * Owns: the way into a case and back, from whatever mode and stack it is in.
 * Must not know: what a case is about; how the machine was started (checker/guests/rt).
 */
#include "layout.h"

	.text
/*
 * void case_run(const void *code, u64 argument): run a case, on this stack, interrupts off.  R8
 * holds the argument, R9 the flags of the moment.  A case ends by a jump to case_end.
 */
	.globl case_run, case_end
case_run:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, case_rsp
	movq %rdi, %rax
	movq %rsi, %r8
	pushfq
	popq %r9
	jmp *%rax
case_end:
	cli
	cld
	movq case_rsp, %rsp
	pushq $2
	popfq
	movl $RT_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

/* A case in compatibility mode ends here. */
	.code32
	.globl case_end32
case_end32:
	ljmp $RT_CS, $case_end
	.code64

	.bss
	.balign 16
	.skip RT_STACK
	.globl case_user_stack
case_user_stack:
case_rsp:
	.skip 8

	.section .note.GNU-stack, "", @progbits
