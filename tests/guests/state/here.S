/*
 * here.S - the instruction at which the state is taken; and CPU 1, from its SIPI to its HLT
 *
 * Owns: what general registers hold there.
 * Must not know: anything else of the state.
 *
 * Sources: [SDM] "MP Initialization Protocol Algorithm" (9.4.3), "PAE Paging" (4.4).
 */
#include "state.h"
#include "x86.h"

#define HERE(label) (label - ap_start)

	.text
	.code64
	.globl state_here
state_here:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movabsq $0x0101010101010101, %rax
	leaq (%rax, %rax), %rcx
	leaq (%rax, %rcx), %rdx
	leaq (%rax, %rdx), %rbx
	leaq (%rax, %rbx), %rbp
	leaq (%rax, %rbp), %rsi
	leaq (%rax, %rsi), %rdi
	leaq (%rax, %rdi), %r8
	leaq (%rax, %r8), %r9
	leaq (%rax, %r9), %r10
	leaq (%rax, %r10), %r11
	leaq (%rax, %r11), %r12
	leaq (%rax, %r12), %r13
	leaq (%rax, %r13), %r14
	leaq (%rax, %r14), %r15
	cmpq %rax, %rcx		/* the arithmetic flags are the same everywhere */
	std
	outb %al, $STATE_PAUSE_PORT
	cld
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.globl ap_start, ap_end, ap_gdt_pointer
	.code16
ap_start:
	lgdtl %cs:HERE(ap_gdt_pointer)
	movl $(CR4_PAE | CR4_PSE | CR4_DE), %eax
	movl %eax, %cr4
	movl $STATE_PDPTES, %eax
	movl %eax, %cr3
	movl $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	movl %eax, %cr0
	ljmpl $RT_CS32, $ap_protected
	.balign 8
ap_gdt_pointer:
	.skip 8
ap_end:

	.code32
ap_protected:
	movl $RT_DS, %eax
	movl %eax, %ds
	movl %eax, %ss
	movl $ap_stack_top, %esp
	lidtl ap_idt_pointer
	movl $STATE_LDT, %eax
	lldt %ax
	movl $STATE_IN_LDT, %eax
	movl %eax, %es
	movl $STATE_DATA16, %eax
	movl %eax, %fs
	movl $STATE_CONFORMING, %eax
	movl %eax, %gs
	movl $0x00c0ffee, %eax
	movl %eax, %dr3
	pushl $(RFLAGS_ID | RFLAGS_ONE | RFLAGS_SF)
	popfl
	movl $0x11111111, %eax
	movl $0x22222222, %ecx
	movl $0x33333333, %edx
	movl $0x44444444, %ebx
	movl $0x55555555, %ebp
	movl $0x66666666, %esi
	movl $0x77777777, %edi
	incl ap_arrived
1:	hlt
	jmp 1b

	.data
	.balign 8
ap_idt_pointer:
	.word 0x7ff
	.long 0x00765430

	.bss
	.globl ap_arrived
	.balign 4
ap_arrived:
	.skip 4
	.balign 16
	.skip 256
ap_stack_top:

	.section .note.GNU-stack, "", @progbits
