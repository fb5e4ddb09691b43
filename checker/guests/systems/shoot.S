/*
 * shoot.S - from 64-bit C to a snippet at either privilege level, and back by a trap
 *
 * Owns: the way there (space_enter), the way back (space_back), the snippets.
 * Must not know: which trap it was (space.c).
 *
 * void space_enter(const struct space_shot *): interrupts off.
 */
#include "gates.h"
#include "layout.h"

	.text
	.globl space_enter, space_back
space_enter:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, space_rsp
	pushq SHOT_SS(%rdi)
	pushq SHOT_RSP(%rdi)
	pushq SHOT_RFLAGS(%rdi)
	pushq SHOT_CS(%rdi)
	pushq SHOT_RIP(%rdi)
	movq SHOT_RAX(%rdi), %rax
	movq SHOT_RCX(%rdi), %rcx
	movq SHOT_RDX(%rdi), %rdx
	movq SHOT_RBX(%rdi), %rbx
	movq SHOT_RSI(%rdi), %rsi
	movq SHOT_RDI(%rdi), %rdi
	iretq
space_back:
	cld
	movl $RT_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq space_rsp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

/* RSI: where to read; RDI: where to write; DX: a port; the bytes are the same in 32-bit code. */
	.balign 4096
	.globl snippets, snippet_read, snippet_write, snippet_fetch, snippet_outs, snippet_ins
	.globl snippet_movs, snippet_segment, snippet_change, snippet_stack
snippets:
snippet_read:
	movb (%rsi), %al
	int3
snippet_write:
	movb %al, (%rdi)
	int3
snippet_fetch:
	jmp *%rsi
snippet_outs:
	outsb
	int3
snippet_ins:
	insb
	int3
snippet_movs:
	movsl
	int3
snippet_segment:
	movl %eax, %fs
	int3
snippet_change:
	lock addb $0, (%rdi)
	int3
snippet_stack:
	movb (%rsp), %al
	int3
	.balign 4096

	.data
	.balign 8
	.globl space_rsp
space_rsp:
	.quad 0

	.section .note.GNU-stack, "", @progbits
