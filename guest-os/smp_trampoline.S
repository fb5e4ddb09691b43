/*
 * smp_trampoline.S - where another processor wakes up
 *
 * Owns: the way from real mode to 32-bit protected mode, from where boot.S goes on.
 * Must not know: which processor it is.
 *
 * The code is copied to TRAMPOLINE, and CS is TRAMPOLINE / 16.  Real mode reaches only the first
 * MiB, so the pointer to the GDT must lie here; protected mode reaches all.
 *
 * Source: [SDM] "MP Initialization Protocol Algorithm for MP Systems" (8.4.3), "Switching to
 * Protected Mode" (9.9.1).
 */
#include "layout.h"
#include "x86.h"

	.section .rodata
	.code16
	.globl smp_trampoline
smp_trampoline:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	lgdtl gdt_pointer - smp_trampoline
	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $SELECTOR_BOOT_CS32, $(TRAMPOLINE + protected - smp_trampoline)

	.code32
protected:
	movl $SELECTOR_KERNEL_SS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $boot_processor, %eax
	jmp *%eax

gdt_pointer:
	.word boot_gdt_limit
	.long boot_gdt
	.globl smp_trampoline_end
smp_trampoline_end:

	.section .note.GNU-stack, "", @progbits
