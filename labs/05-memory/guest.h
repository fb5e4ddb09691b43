/*
 * guest.h - the frame of this lab's guests
 *
 * Owns: the multiboot header, the entry with a stack, text and numbers to the serial line, the
 * number on the command line.
 * Must not know: what a guest is there for.
 *
 * A guest begins behind it at `begin`, in 32-bit protected mode without paging: so its addresses
 * are guest-physical ones.  EBX is the number (hexadecimal, the last word of the command line).
 *
 * Source: Multiboot Specification, "OS image format" (3.1), "Machine state" (3.2), "Boot
 * information format" (3.3).
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_MEMORY 2 /* tell me how much there is */
#define INFO_MEM_UPPER 8 /* KiB above 1 MiB */
#define INFO_CMDLINE 16
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_8BITS 3
#define EXIT_PORT 0xf4
#define PAUSE_PORT 0xeb /* with `pauseport` on its command line a VM stops here until `vm resume` */

	/* Print text.  EAX, EDX, ESI are lost. */
	.macro say text
	.pushsection .data
9:	.asciz "\text"
	.popsection
	mov $9b, %esi
	call say_text
	.endm

	/* Print a register's value in hexadecimal, eight digits.  EAX, EDX are lost. */
	.macro say_hex register
	push \register
	call say_number
	.endm

	/* The operator's turn.  AL is lost. */
	.macro pause_here
	xor %eax, %eax
	out %al, $PAUSE_PORT
	.endm

	/* The machine's end, status 0. */
	.macro end_here
	xor %eax, %eax
	out %al, $EXIT_PORT
	cli
	hlt
	.endm

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, MULTIBOOT_MEMORY, -(MULTIBOOT_MAGIC + MULTIBOOT_MEMORY)

	.bss
	.align 16
	.skip 1024
stack:
	.section .note.GNU-stack, "", @progbits

	.data
memory_end:
	.long 0 /* of the RAM that begins at 1 MiB */

	.text
	.globl _start
_start:
	cld
	mov $stack, %esp
	mov INFO_MEM_UPPER(%ebx), %eax
	shl $10, %eax
	add $0x100000, %eax
	mov %eax, memory_end
	mov INFO_CMDLINE(%ebx), %esi
	mov $LINE_CONTROL, %edx
	mov $LINE_8BITS, %al
	out %al, %dx
	xor %ebx, %ebx
1:	movzbl (%esi), %eax	/* digit after digit; another character begins anew */
	inc %esi
	test %eax, %eax
	jz begin
	sub $'0', %eax
	cmp $9, %eax
	jbe 2f
	sub $'a' - '0' - 10, %eax
	cmp $10, %eax
	jb 3f
	cmp $15, %eax
	ja 3f
2:	shl $4, %ebx
	or %eax, %ebx
	jmp 1b
3:	xor %ebx, %ebx
	jmp 1b

say_text:
	mov $COM1, %edx
1:	lodsb
	test %al, %al
	jz 2f
	out %al, %dx
	jmp 1b
2:	ret

say_number:
	push %ecx
	mov $8, %ecx
	mov $COM1, %edx
1:	roll $4, 8(%esp)
	mov 8(%esp), %al
	and $15, %al
	add $'0', %al
	cmp $'9', %al
	jbe 2f
	add $'a' - '0' - 10, %al
2:	out %al, %dx
	loop 1b
	pop %ecx
	ret $4

begin:
