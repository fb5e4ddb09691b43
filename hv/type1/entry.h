/*
 * entry.h - steps that every way into the hypervisor takes, as macros of the assembler
 *
 * Owns: the change to long mode and the segments there, for boot.S, trampoline.S, traps_entry.S.
 * Must not know: where each of them comes from and goes to.
 *
 * Source: [SDM] "Initializing IA-32e Mode" (9.8.5).
 */
#ifndef ESPEJO_TYPE1_ENTRY_H
#define ESPEJO_TYPE1_ENTRY_H
#ifdef __ASSEMBLER__

#include "type1/layout.h"
#include "x86.h"

/*
 * EAX: the physical address of the PML4.  From real or protected mode without paging to
 * compatibility mode; a far jump to SELECTOR_CS must follow.  CD and NW of power-on go too.
 * Changes EAX, ECX, EDX.
 */
	.macro entry_long_mode
	movl %eax, %cr3
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $MSR_EFER, %ecx
	movl $(EFER_LME | EFER_NXE), %eax
	xorl %edx, %edx
	wrmsr
	movl $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	movl %eax, %cr0
	.endm

/* Our data segment where one is looked at, none in FS and GS.  Changes EAX. */
	.macro entry_data_segments
	movl $SELECTOR_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	.endm

/* Descriptors 0 to SELECTOR_DS of a GDT for the way up. */
	.macro entry_descriptors
	.quad 0, DESCRIPTOR_CODE64, DESCRIPTOR_DATA
	.endm

#endif
#endif
