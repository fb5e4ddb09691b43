/*
 * arena.S - into a case, and what a trap does first
 *
 * Owns: the arena: stubs, the page where they save registers, space for tables and stacks.
 * Must not know: what a trap is good for (run.c).
 *
 * All of it runs where STREAM_ARENA shows it, on the page tables of the case or the runtime; it
 * refers to itself relative to RIP only, and to memory nowhere else before CR3 is the runtime's.
 *
 * Sources: [SDM] "64-Bit Mode Stack Frame" (6.14.2), "SYSCALL and SYSRET" (5.8.8).
 */
#include "place.h"
#include "rt/layout.h"

	.section .data.arena, "aw"
	.balign 4096
	.globl arena
arena:

/* Stub n is for vector n and lies at STREAM_STUB_SIZE * n. */
	.set vector, 0
	.rept STREAM_STUBS
	.balign STREAM_STUB_SIZE
	.if vector == 1
	/* MOV DR of the probe's own, under DR7.GD, which the CPU cleared: again. */
	cmpb $0, save + 8 * SAVE_BUSY(%rip)
	jne again
	.endif
	movq %rax, save(%rip)
	.if vector == 1
	jmp debug
	.else
	movl $vector, %eax
	jmp common
	.endif
	.set vector, vector + 1
	.endr
again:
	iretq
debug:
	movl $1, %eax

common:
	movq %rcx, save + 8 * 1(%rip)
	movq %rdx, save + 8 * 2(%rip)
	movq %rbx, save + 8 * 3(%rip)
	movq %rsp, save + 8 * 4(%rip)
	movq %rbp, save + 8 * 5(%rip)
	movq %rsi, save + 8 * 6(%rip)
	movq %rdi, save + 8 * 7(%rip)
	movq %r8, save + 8 * 8(%rip)
	movq %r9, save + 8 * 9(%rip)
	movq %r10, save + 8 * 10(%rip)
	movq %r11, save + 8 * 11(%rip)
	movq %r12, save + 8 * 12(%rip)
	movq %r13, save + 8 * 13(%rip)
	movq %r14, save + 8 * 14(%rip)
	movq %r15, save + 8 * 15(%rip)
	movq %rax, save + 8 * SAVE_VECTOR(%rip)
	movq %rsp, save + 8 * SAVE_STACK(%rip)
	movb $1, save + 8 * SAVE_BUSY(%rip)
	movq %cr2, %rax
	movq %rax, save + 8 * SAVE_CR2(%rip)
	movq %cr3, %rax
	movq %rax, save + 8 * SAVE_CR3(%rip)
	movq save + 8 * SAVE_HOST_CR3(%rip), %rax
	movq %rax, %cr3
	movq save + 8 * SAVE_HOST_RSP(%rip), %rsp
	cld
	movl $run_trap, %eax
	call *%rax
	testl %eax, %eax
	jnz resume

/* The case is over: back to who called arena_enter. */
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/* With the registers and the frame of the save page. */
resume:
	movq save + 8 * SAVE_CR3(%rip), %rax
	movq %rax, %cr3
	movq save + 8 * 1(%rip), %rcx
	movq save + 8 * 2(%rip), %rdx
	movq save + 8 * 3(%rip), %rbx
	movq save + 8 * 5(%rip), %rbp
	movq save + 8 * 6(%rip), %rsi
	movq save + 8 * 7(%rip), %rdi
	movq save + 8 * 8(%rip), %r8
	movq save + 8 * 9(%rip), %r9
	movq save + 8 * 10(%rip), %r10
	movq save + 8 * 11(%rip), %r11
	movq save + 8 * 12(%rip), %r12
	movq save + 8 * 13(%rip), %r13
	movq save + 8 * 14(%rip), %r14
	movq save + 8 * 15(%rip), %r15
	leaq save + 8 * SAVE_FRAME(%rip), %rsp
	movb $0, save + 8 * SAVE_BUSY(%rip)
	movq save(%rip), %rax
	iretq

/* Where the call gate leads. */
	.globl arena_gate
arena_gate:
	lretq

	.org ARENA_SAVE
	.globl arena_save
arena_save:
save:
	.org STREAM_ARENA_PAGES * 4096

	.text
/* void arena_enter(void): into what the save page says; returns when run_trap said 0. */
	.globl arena_enter
arena_enter:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, arena_save + 8 * SAVE_HOST_RSP
	movabsq $STREAM_ARENA, %rax
	addq $(resume - arena), %rax
	jmp *%rax

/* void arena_drain(void): the stubs go on below where we are. */
	.globl arena_drain
arena_drain:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, arena_save + 8 * SAVE_HOST_RSP
	movb $0, arena_save + 8 * SAVE_BUSY
	sti
	nop
	nop
	cli
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

	.section .note.GNU-stack, "", @progbits
