/*
 * first.S - the smallest guest that has something to say
 *
 * A multiboot 1 kernel in 32-bit protected mode, without stack, interrupts or paging.  Whatever it
 * wants from the world outside is an OUT or a CPUID: so each of its exits can be counted here.
 * It runs bare as well:  tools/run --machine qemu-bare build/labs/03-first-guest/first.elf
 *
 * Source: Multiboot Specification, "OS image format" (3.1), "Machine state" (3.2).
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_8BITS 3 /* the UART starts with five */
#define EXIT_PORT 0xf4

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.text
	.globl _start
_start:
	mov $LINE_CONTROL, %edx
	mov $LINE_8BITS, %al
	out %al, %dx
	mov $hello, %esi
	mov $1f, %edi
	jmp say
1:	xor %eax, %eax
	cpuid
	mov %ebx, vendor
	mov %edx, vendor + 4
	mov %ecx, vendor + 8
	mov $processor, %esi
	mov $2f, %edi
	jmp say
2:	xor %eax, %eax
	out %al, $EXIT_PORT	/* the machine ends, and says 0 */
	cli
3:	hlt
	jmp 3b

/* Text at ESI to the serial line, byte by byte, then on at EDI. */
say:
	mov $COM1, %edx
4:	lodsb
	test %al, %al
	jz 5f
	out %al, %dx
	jmp 4b
5:	jmp *%edi

	.data
hello:
	.asciz "first light\n"
processor:
	.ascii "on a processor by "
vendor:
	.asciz "............\n"

	.section .note.GNU-stack, "", @progbits
