/*
 * puzzle.S - a guest that does what its seed says, and keeps it to itself
 *
 * Eight hexadecimal digits at the end of the command line are the seed.  All that puzzle does
 * with the
 * outside world can be seen from outside: how often it executes CPUID, how many bytes go to the
 * port 0x80 between two of them, which other port it writes to, once, and what lies in its
 * registers then.
 * Only what it says, "puzzle SEED", tells nothing.
 *
 * A multiboot 1 kernel in 32-bit protected mode, without interrupts or paging.
 * Source: Multiboot Specification, "Machine state" (3.2), "Boot information format" (3.3).
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define INFO_COMMAND_LINE 16
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_8BITS 3
#define DELAY_PORT 0x80
#define EXIT_PORT 0xf4
#define FIRST_PORT 0x300 /* and 4 * 0..59 above: not the serial line */
#define PORTS 60
#define DIGITS 8

/* A linear congruential generator; EAX is the next number. */
#define FACTOR 1664525
#define SUMMAND 1013904223

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.text
	.globl _start
_start:
	mov $stack, %esp
	cld
	mov INFO_COMMAND_LINE(%ebx), %esi
	call read_seed
	mov $LINE_CONTROL, %edx
	mov $LINE_8BITS, %al
	out %al, %dx
	mov $text, %esi
	call say

	/* 4 to 11 times: 1 to 16 bytes to the port 0x80, then a CPUID. */
	call next
	shr $29, %eax
	lea 4(%eax), %ebp
1:	call next
	shr $28, %eax
	lea 1(%eax), %ecx
2:	out %al, $DELAY_PORT
	loop 2b
	xor %eax, %eax
	cpuid
	dec %ebp
	jnz 1b

	/* Once to another port, a byte of its own; ESI holds what nobody has asked for. */
	call next
	mov %eax, %esi
	call next
	mov %eax, %ecx
	shr $26, %eax
	cmp $PORTS, %eax	/* 0 to 63; from 0x3f0 on it would be taken for the serial line */
	jb 3f
	sub $PORTS, %eax
3:	lea FIRST_PORT(, %eax, 4), %edx
	shr $16, %ecx
	mov %cl, %al
	out %al, %dx
#ifdef TELL
	mov %esi, seed
	call seed_to_text
	mov $text, %esi
	call say
#endif
	xor %eax, %eax
	out %al, $EXIT_PORT
	cli
3:	hlt
	jmp 3b

next:
	imul $FACTOR, seed, %eax
	add $SUMMAND, %eax
	mov %eax, seed
	ret

/* The last eight characters of the text at ESI: into seed, and into what is said. */
read_seed:
	mov %esi, %edi
	xor %eax, %eax
	or $-1, %ecx
	repne scasb
	lea -1-DIGITS(%edi), %esi
	mov $digits, %edi
	mov $DIGITS, %ecx
1:	lodsb
	stosb
	or $0x20, %al		/* 'A' becomes 'a'; digits stay */
	sub $'0', %al
	cmp $10, %al
	jb 2f
	sub $'a' - '0' - 10, %al
2:	shll $4, seed
	or %al, seed
	loop 1b
	ret

#ifdef TELL
seed_to_text:
	mov seed, %ebx
	mov $digits, %edi
	mov $DIGITS, %ecx
1:	rol $4, %ebx
	mov %bl, %al
	and $15, %al
	add $'0', %al
	cmp $'9', %al
	jbe 2f
	add $'a' - '0' - 10, %al
2:	stosb
	loop 1b
	ret
#endif

/* The text at ESI to the serial line. */
say:
	mov $COM1, %edx
1:	lodsb
	test %al, %al
	jz 2f
	out %al, %dx
	jmp 1b
2:	ret

	.data
	.align 4
seed:
	.long 0
text:
	.ascii "puzzle "
digits:
	.asciz "........\n"

	.bss
	.skip 256
stack:

	.section .note.GNU-stack, "", @progbits
