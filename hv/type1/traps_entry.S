/*
 * traps_entry.S - the 256 gates, and the way through them
 *
 * Owns: the layout of struct traps_frame on the stack.
 * Must not know: what a vector means.
 */
#include "type1/entry.h"

#define GATE_SIZE 16
/* Vectors for which the CPU pushes an error code: 8, 10-14, 17, 21, 29, 30. */
#define HAS_ERROR 0x60227d00
#define DB 1
#define FRAME_RFLAGS 16 /* behind RIP and CS */
#define RF 0x10000

	.text
	.balign GATE_SIZE
	.globl traps_gates
/*
 * One stub of GATE_SIZE bytes for each vector; the stack looks alike behind all of them.
 *
 * #DB is a guest's, never ours, and goes back at once, over a breakpoint by RF: Bochs 2.7 lets a
 * single-step trap outlive #VMEXIT, and QEMU 7.2 a guest's breakpoints, where the CPU drops both
 * ([APM] vol. 2 "#VMEXIT" (15.6)).  It may hit with the guest's GS base, so nothing else is safe.
 */
traps_gates:
vector = 0
	.rept 256
	.balign GATE_SIZE
	.if vector == DB
	orl $RF, FRAME_RFLAGS(%rsp)
	iretq
	.else
	.if vector >= 32
	pushq $0
	.elseif !((HAS_ERROR >> vector) & 1)
	pushq $0
	.endif
	pushq $vector
	jmp traps_entry
	.endif
vector = vector + 1
	.endr

traps_entry:
	pushq %rax
	pushq %rbx
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	movq %rsp, %rbp		/* kept by the call; the CPU aligned the frame to 16 bytes */
	andq $-16, %rsp
	call traps_dispatch
	movq %rbp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	popq %rax
	addq $16, %rsp		/* vector and error code */
	iretq

/* traps_load_segments(void): reload CS, the data segments and SS from a new GDT. */
	.globl traps_load_segments
traps_load_segments:
	popq %rax
	pushq $SELECTOR_CS
	pushq %rax
	entry_data_segments
	lretq

	.section .note.GNU-stack, "", @progbits
