/*
 * levels.S - from 4-level paging to 5-level paging and back
 *
 * Owns: the way, which leads out of IA-32e mode: CR4.LA57 cannot change in it.
 * Must not know: the tables.
 *
 * void space_levels(u64 cr3, u64 cr4): interrupts off; the stack, this code and the tables lie
 * below 4 GiB, and both tables map them one to one.
 *
 * Sources: [SDM] vol. 3 "Switching Out of IA-32e Mode Operation" (9.8.5.4), "Paging-Mode
 * Modifiers" and "Enabling and Changing the Paging Mode" (4.1.2).
 */
#include "layout.h"
#include "x86.h"

	.text
	.code64
	.globl space_levels
space_levels:
	pushq $RT_CS32
	pushq $1f
	lretq

	.code32
1:	movl $RT_DS, %eax
	movl %eax, %ss
	movl %cr0, %edx
	movl %edx, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl %edi, %cr3
	movl %esi, %cr4
	movl %edx, %cr0		/* EFER.LME is still set */
	ljmp $RT_CS, $2f

	.code64
2:	ret

	.section .note.GNU-stack, "", @progbits
