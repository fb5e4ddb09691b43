/*
 * stubborn.S - a guest that never gives the CPU back
 *
 * It says one line, switches interrupts off, and jumps to itself for ever.  On a bare machine
 * that is the end.  A hypervisor still has the last word: the timer's interrupt is the host's.
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_8BITS 3 /* the UART starts with five */

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.text
	.globl _start
_start:
	mov $LINE_CONTROL, %edx
	mov $LINE_8BITS, %al
	out %al, %dx
	mov $threat, %esi
	mov $COM1, %edx
1:	lodsb
	test %al, %al
	jz 2f
	out %al, %dx
	jmp 1b
2:	cli
	jmp .

	.data
threat:
	.asciz "stubborn: I keep this CPU\n"

	.section .note.GNU-stack, "", @progbits
