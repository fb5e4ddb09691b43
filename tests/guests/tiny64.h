/*
 * tiny64.h - from the 32-bit code of tiny.h into long mode
 *
 * Owns: page tables that map the first 2 MiB to themselves.
 * Must not know: segments; the guest has a GDT of its own.
 *
 * Source: [APM] vol. 2 "Enabling and Activating Long Mode" (14.6).
 */
#ifndef TESTS_TINY64_H
#define TESTS_TINY64_H

#include "tiny.h"

#define TABLE_RW 0x03
#define LARGE_RW 0x83
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define EFER 0xc0000080
#define EFER_LME 0x100

/*
 * Paging is off; pd may have entries of the guest's further up.  EAX, ECX and EDX are lost.  Code
 * has 32 bits until a far jump.
 */
.macro activate_long_mode
	movl $pdpt + TABLE_RW, pml4
	movl $pd + TABLE_RW, pdpt
	movl $LARGE_RW, pd
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
.endm

	.bss
	.balign 4096
pml4:	.skip 4096
pdpt:	.skip 4096
pd:	.skip 4096
	.text

#endif
