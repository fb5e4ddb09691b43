/*
 * tiny.h - the frame of a guest of a few lines, in 32-bit assembly
 *
 * Owns: the multiboot header, the entry tiny_entry with a stack, `say`.
 * Must not know: what the guest is there for.
 *
 * Sources: Multiboot Specification 0.6.96 "OS image format" (3.1), "Machine state" (3.2).
 */
#ifndef TESTS_TINY_H
#define TESTS_TINY_H

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_MEMORY 2 /* tell me how much there is */
#define INFO_MEM_UPPER 8 /* KiB above 1 MiB */
#define COM1 0x3f8

#ifdef __ASSEMBLER__
/* Print text; EAX, EDX and ESI are lost. */
.macro say text
	.pushsection .rodata
9:	.asciz "\text"
	.popsection
	movl $9b, %esi
	call tiny_say
.endm

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_MAGIC, MULTIBOOT_MEMORY, -(MULTIBOOT_MAGIC + MULTIBOOT_MEMORY)

	.bss
	.balign 16
	.skip 4096
tiny_stack:

	.section .note.GNU-stack, "", @progbits

	.text
	.code32
tiny_say:
	movw $COM1, %dx
1:	lodsb
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	ret

	.globl tiny_entry
tiny_entry:
	cli
	cld
	movl $tiny_stack, %esp
#endif

#endif
