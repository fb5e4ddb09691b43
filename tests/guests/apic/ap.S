/*
 * ap.S - how another CPU starts: what it holds is kept, then it goes to C in long mode
 *
 * Owns: the code that is copied to the page that a SIPI names, and the record behind it.
 * Must not know: what the CPU is wanted for (cpus.c).
 *
 * Sources: [SDM] "MP Initialization Protocol Algorithm" (9.4.3), "Processor State After Reset",
 * table 9-1; "Initializing IA-32e Mode" (9.8.5).
 */
#include "layout.h"
#include "x86.h"

#define HERE(label) (label - ap_start)

	.text
	.balign 16
	.globl ap_start, ap_end, ap_record, ap_gdt
	.code16
ap_start:
	lock incl %cs:HERE(record_starts)
	cmpl $1, %cs:HERE(record_starts)
	jne 1f
	movl %eax, %cs:HERE(record_regs)
	movl %ebx, %cs:HERE(record_regs) + 4
	movl %ecx, %cs:HERE(record_regs) + 8
	movl %edx, %cs:HERE(record_regs) + 12
	movl %esi, %cs:HERE(record_regs) + 16
	movl %edi, %cs:HERE(record_regs) + 20
	movl %ebp, %cs:HERE(record_regs) + 24
	movl %esp, %cs:HERE(record_regs) + 28
	movl %cr0, %eax
	movl %eax, %cs:HERE(record_regs) + 32
	movl %cr4, %eax
	movl %eax, %cs:HERE(record_regs) + 36
	movl %cr3, %eax
	movl %eax, %cs:HERE(record_regs) + 40
	movl %cr2, %eax
	movl %eax, %cs:HERE(record_regs) + 44
	movl %dr6, %eax
	movl %eax, %cs:HERE(record_regs) + 48
	movl %dr7, %eax
	movl %eax, %cs:HERE(record_regs) + 52
	xorl %eax, %eax
	movw %cs, %ax
	movl %eax, %cs:HERE(record_regs) + 56
	movw %ds, %ax
	movl %eax, %cs:HERE(record_regs) + 60
	movw %ss, %ax
	movl %eax, %cs:HERE(record_regs) + 64
	sidt %cs:HERE(record_idt)
	sgdt %cs:HERE(record_gdt)
	movl $MSR_APIC_BASE, %ecx
	rdmsr
	movl %eax, %cs:HERE(record_regs) + 68
	movl $MSR_EFER, %ecx
	rdmsr
	movl %eax, %cs:HERE(record_regs) + 72
	movw %cs, %ax
	movw %ax, %ss
	movw $0xff0, %sp
	pushfl
	popl %eax
	movl %eax, %cs:HERE(record_regs) + 76
1:	lgdtl %cs:HERE(ap_gdt)
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
ap_record:
record_starts:
	.long 0
record_regs:
	.skip 20 * 4
record_idt:
	.skip 8
record_gdt:
	.skip 8
ap_end:

	.code64
ap_long:
	movl $RT_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movl $1, %eax
	lock xaddl %eax, ap_arrived
	movl %eax, %edi
	andl $15, %eax
	incl %eax
	shll $12, %eax
	leaq ap_stacks(%rax), %rsp
	lidt ap_idt
	xorl %ebp, %ebp
	call ap_main
	ud2

	.bss
	.balign 16
ap_stacks:
	.skip 16 * 4096

	.section .note.GNU-stack, "", @progbits
