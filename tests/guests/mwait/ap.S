/*
 * ap.S - CPU 1 from its SIPI to C in long mode
 *
 * Owns: the code that is copied to the page that the SIPI names.
 * Must not know: what the CPU is wanted for (main.c).
 *
 * Sources: [SDM] "MP Initialization Protocol Algorithm" (9.4.3), "Initializing IA-32e Mode"
 * (9.8.5).
 */
#include "layout.h"
#include "x86.h"

#define HERE(label) (label - ap_start)

	.text
	.globl ap_start, ap_end, ap_gdt
	.code16
ap_start:
	lgdtl %cs:HERE(ap_gdt)
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $rt_pml4, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl $EFER_LME, %eax
	xorl %edx, %edx
	wrmsr
	movl $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	movl %eax, %cr0
	ljmpl $RT_CS, $ap_long
	.balign 8
ap_gdt:
	.skip 8
ap_end:

	.code64
ap_long:
	movl $RT_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	leaq ap_stack_top, %rsp
	lidt ap_idt
	xorl %ebp, %ebp
	call ap_main
	ud2

	.bss
	.balign 16
	.skip 4096
ap_stack_top:

	.section .note.GNU-stack, "", @progbits
