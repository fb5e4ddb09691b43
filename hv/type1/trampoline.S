/*
 * trampoline.S - from SIPI to C in long mode
 *
 * Owns: the code that smp.c copies into a page below 1 MiB, where a CPU that gets a SIPI starts in
 * real mode.  Must not know: how many CPUs there are; they come one at a time.
 *
 * The page is mapped at its own address only in the page table given in it; the CPU leaves
 * that one in its entry in C.  Layout of the arguments: layout.h.
 *
 * Source: [SDM] "MP Initialization For P6 Family and Later Processors" (8.4).
 */
#include "type1/entry.h"

#define AT(symbol) (symbol - trampoline_start)

	.section .rodata
	.balign 16
	.globl trampoline_start, trampoline_end
	.code16
/* CS = page >> 4, IP = 0, everything else undefined. */
trampoline_start:
	cli
	cld
	jmp 1f
	.org TRAMPOLINE_PAGE_TABLE
	.quad 0, 0, 0, 0	/* page table, struct cpu, stack, entry */
1:	movw %cs, %ax
	movw %ax, %ds
	xorl %ebx, %ebx
	movw %ax, %bx
	shll $4, %ebx		/* the page's address */

	/* The pointers in the page are relative to it until now. */
	leal AT(trampoline_gdt)(%ebx), %eax
	movl %eax, AT(trampoline_gdt_pointer) + 2
	leal AT(trampoline_long)(%ebx), %eax
	movl %eax, AT(trampoline_far)
	lgdtl AT(trampoline_gdt_pointer)

	movl AT(trampoline_start) + TRAMPOLINE_PAGE_TABLE, %eax
	entry_long_mode
	ljmpl *AT(trampoline_far)

	.code64
trampoline_long:
	entry_data_segments
	movq TRAMPOLINE_STACK(%rbx), %rsp
	movq TRAMPOLINE_CPU(%rbx), %rdi
	xorl %ebp, %ebp
	call *TRAMPOLINE_ENTRY(%rbx)
	ud2

	.balign 8
trampoline_gdt:
	entry_descriptors
trampoline_gdt_pointer:
	.word trampoline_gdt_pointer - trampoline_gdt - 1
	.long 0
	.balign 4
trampoline_far:
	.long 0
	.word SELECTOR_CS
trampoline_end:

	.section .note.GNU-stack, "", @progbits
