/*
 * stubborn.S - a guest that keeps its CPU: interrupts off, and a jump to itself
 *
 * So whoever shares the CPU with it is preempted, turn by turn.
 */
#define MULTIBOOT_MAGIC 0x1badb002

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.text
	.globl _start
_start:
	cli
	jmp .

	.section .note.GNU-stack, "", @progbits
