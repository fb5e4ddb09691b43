/*
 * selftest_insn.S - instructions that trap, and where
 *
 * Owns: one function insn_NAME(argument in RDI) for each, with the label insn_NAME_at at the RIP
 * that the exception or interrupt must report: of the instruction itself for a fault, of the next
 * one for a trap.  Called with interrupts off, mostly by trap_try, which does not mind what is left
 * on the stack.
 */
#include "layout.h"

#define RFLAGS_TF (1 << 8)
#define RFLAGS_IF (1 << 9)
#define NON_CANONICAL 0x800000000000
#define NO_SELECTOR 0x7f8 /* far behind the end of the GDT */
#define FCW_UNMASK_ZERO_DIVIDE 0x37b
#define GATE_TESTED 0x50

	.macro INSN name
	.globl insn_\name
insn_\name:
	.endm

	.macro AT name
	.globl insn_\name\()_at
insn_\name\()_at:
	.endm

	.text
	INSN divide
	xorl %ecx, %ecx
	xorl %edx, %edx
	movl $1, %eax
	AT divide
	divl %ecx
	ret

	INSN int3
	int3
	AT int3
	ret

	INSN int4
	int $4
	AT int4
	ret

	INSN ud2
	AT ud2
	ud2
	ret

	INSN lock_nop
	AT lock_nop
	.byte 0xf0, 0x90
	ret

	/* PUSH ES: an instruction in 32-bit mode only. */
	INSN push_es
	AT push_es
	.byte 0x06
	ret

	/* 16 bytes: one more than an instruction may have. */
	INSN too_long
	AT too_long
	.fill 15, 1, 0x66
	nop
	ret

	INSN fnop
	AT fnop
	fnop
	ret

	INSN syscall
	AT syscall
	syscall
	ret

	INSN ds_absent
	movl $SELECTOR_ABSENT, %eax
	AT ds_absent
	movl %eax, %ds
	ret

	INSN ss_absent
	movl $SELECTOR_ABSENT, %eax
	AT ss_absent
	movl %eax, %ss
	ret

	INSN ds_beyond
	movl $NO_SELECTOR, %eax
	AT ds_beyond
	movl %eax, %ds
	ret

	INSN ltr_busy
	movl $SELECTOR_TSS, %eax
	AT ltr_busy
	ltr %ax
	ret

	INSN non_canonical
	movabsq $NON_CANONICAL, %rax
	AT non_canonical
	movb (%rax), %al
	ret

	INSN int_gate
	AT int_gate
	int $GATE_TESTED
	ret

	/* The division leaves the error pending; the next waiting x87 instruction reports it. */
	INSN fwait
	fninit
	pushq $FCW_UNMASK_ZERO_DIVIDE
	fldcw (%rsp)
	fld1
	fldz
	fdivrp
	AT fwait
	fwait
	addq $8, %rsp
	ret

	INSN read
	AT read
	movb (%rdi), %al
	ret

	INSN write
	AT write
	movb $0x5a, (%rdi)
	ret

	INSN write_word
	movq $-1, %rax
	AT write_word
	movq %rax, (%rdi)
	ret

	INSN call
	AT call
	call *%rdi
	ret

	/* RDI = the end of a page; the source is the kernel's own text. */
	INSN rep_movsb
	subq $16, %rdi
	leaq insn_divide(%rip), %rsi
	movl $64, %ecx
	cld
	AT rep_movsb
	rep movsb
	ret

	INSN step
	pushfq
	orl $RFLAGS_TF, (%rsp)
	popfq
	nop
	AT step
	nop
	ret

	INSN step_over_mov_ss
	movl %ss, %eax
	pushfq
	orl $RFLAGS_TF, (%rsp)
	popfq
	movl %eax, %ss
	nop
	AT step_over_mov_ss
	nop
	ret

	/* A breakpoint on instructions is set on the label. */
	INSN nop
	AT nop
	nop
	ret

	/* A breakpoint on data is set on (RDI). */
	INSN store_break
	movb $1, (%rdi)
	AT store_break
	nop
	ret

	/* RDI = the MSR. */
	INSN rdmsr
	movl %edi, %ecx
	AT rdmsr
	rdmsr
	ret

	/* The following are called with an interrupt pending or on its way. */
	INSN sti
	sti
	nop
	AT sti
	nop
	cli
	ret

	INSN sti_cli
	sti
	cli
	AT sti_cli
	ret

	INSN popf
	pushfq
	orl $RFLAGS_IF, (%rsp)
	popfq
	AT popf
	nop
	cli
	ret

	INSN hlt
	sti
	hlt
	AT hlt
	cli
	ret

	.section .note.GNU-stack, "", @progbits
