/*
 * honest.h - the frame of lab 4's guests, in 32-bit assembly
 *
 * Owns: the multiboot header, the way to 32-bit code with a stack, traps that come back, the
 * command line, what is printed and how it is sealed, the end of the machine.
 * Must not know: what a guest wants to find out.
 *
 * Everything printed as a number goes into the line's seal as well: seal = (seal rotated left
 * by 5) + number, which begins as the number behind `nonce=`.
 *
 * Source: Multiboot Specification, "OS image format" (3.1), "Machine state" (3.2).
 */
#ifndef LABS_HONEST_H
#define LABS_HONEST_H

#define MULTIBOOT_MAGIC 0x1badb002
#define INFO_COMMAND_LINE 16
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_STATUS (COM1 + 5)
#define LINE_8BITS 3 /* the UART starts with five */
#define FIFO_ON 1 /* room for 16 bytes; its register stands before LINE_CONTROL */
#define STATUS_EMPTY 0x40
#define EXIT_PORT 0xf4
#define BOCHS_PORT 0x8900
#define CODE32 0x08
#define DATA 0x10
#define CODE64 0x18
#define VECTORS 0x31
#define STUB 8 /* bytes of each */
#define VECTOR_NMI 2
#define GATE 0x8e00 /* an interrupt gate, DPL 0, present */

#ifdef __ASSEMBLER__
	.equ NO_TRAP, 0xff

	/* Run code; trap is the vector that it raised, or NO_TRAP. */
	.macro TRY code
	movl $7f, resume
	movl $6f, origin
	movl %esp, frame
	movl $NO_TRAP, trap
6:	\code
7:	movl $unexpected, resume
	movl $0, origin
	.endm

	/* A line begins: its title, and a new seal. */
	.macro LINE title
	.pushsection .data
5:	.asciz "\title"
	.popsection
	pushl $5b
	call begin
	.endm

	/* A number, as it is printed and as it goes into the seal. */
	.macro SHOW number
	pushl \number
	call show
	.endm

	/* The same without printing. */
	.macro FOLD number
	pushl \number
	call fold
	.endm

	/* What became of the last TRY: vector, and the error code if it pushed one. */
	.macro SHOW_TRAP
	call show_trap
	.endm

	/* EAX: the number behind NAME=, or what it was. */
	.macro OPTION name
	.pushsection .data
5:	.asciz "\name="
	.popsection
	movl $5b, %esi
	call option
	.endm

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.bss
	.balign 16
	.skip 4096
stack:
idt:
	.skip VECTORS * 8
command_line:
	.skip 4
nonce:	.skip 4
seal:	.skip 4
trap:	.skip 4
error:	.skip 4		/* -1: none was pushed */
where:	.skip 4		/* EIP as pushed, from the start of the code tried */
origin:	.skip 4
resume:	.skip 4
frame:	.skip 4

	.data
patience:
	.long 5000		/* looks at the line */
radix:	.long 16		/* of numbers on the command line */
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* CODE32 */
	.quad 0x00cf93000000ffff	/* DATA */
	.quad 0x00af9b000000ffff	/* CODE64 */
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
idt_pointer:
	.word VECTORS * 8 - 1
	.long idt

	.section .note.GNU-stack, "", @progbits
	.text
	.code32
	.globl _start
_start:
	cli
	cld
	movl $stack, %esp
	movl INFO_COMMAND_LINE(%ebx), %eax
	movl %eax, command_line
	lgdt gdt_pointer
	ljmp $CODE32, $1f
1:	movl $DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %ecx, %ecx
2:	leal stubs(, %ecx, STUB), %eax
	call set_gate
	incl %ecx
	cmpl $VECTORS, %ecx
	jne 2b
	lidt idt_pointer
	movl $unexpected, resume
	movl $stack, frame
	movl $LINE_CONTROL, %edx
	movb $LINE_8BITS, %al
	outb %al, %dx
	decl %edx			/* FIFO_CONTROL */
	movb $FIFO_ON, %al
	outb %al, %dx
	xorl %eax, %eax
	OPTION nonce
	movl %eax, nonce
	jmp main

/* Nobody tried anything.  Says where, and ends. */
unexpected:
	call end_line
	LINE "unexpected trap:"
	SHOW_TRAP
	SHOW where
	call end_line
	jmp end_machine

/* Vector ECX leads to EAX, which is lost. */
set_gate:
	movw %ax, idt(, %ecx, 8)
	movw $CODE32, idt + 2(, %ecx, 8)
	shrl $16, %eax
	movw $GATE, idt + 4(, %ecx, 8)
	movw %ax, idt + 6(, %ecx, 8)
	ret

/* ---- Traps --------------------------------------------------------------------------- */

	.balign STUB
stubs:
	.equ vector, 0
	.rept VECTORS
	.balign STUB
	.byte 0x6a, vector	/* PUSH of a byte */
	.if (1 << vector) & 0x27d00 && vector < 32
	jmp trapped_with_error
	.else
	jmp trapped
	.endif
	.equ vector, vector + 1
	.endr

/* Nothing is restored but the stack: on at resume. */
trapped_with_error:
	popl trap
	popl error
	jmp 1f
trapped:
	popl trap
	movl $-1, error
1:	popl where
	pushl %eax
	movl origin, %eax
	subl %eax, where
	popl %eax
	movl frame, %esp
	jmp *resume

/* ---- What is printed; all registers stay ------------------------------------------------- */

/* AL to the serial line, once that has room: a real one needs its time. */
put:
	pushl %edx
	pushl %eax
	call wait_for_line
	popl %eax
	movl $COM1, %edx
	outb %al, %dx
	popl %edx
	ret

/* EAX and EDX are lost.  A line that is never free is not waited for again. */
wait_for_line:
	pushl %ecx
	movl patience, %ecx
1:	movl $LINE_STATUS, %edx
	inb %dx, %al
	testb $STATUS_EMPTY, %al
	jnz 2f
	decl %ecx
	jnz 1b
	movl $1, patience
2:	popl %ecx
	ret

/* The title whose address was pushed; it is taken from the stack. */
begin:
	pushal
	movl 36(%esp), %esi
	movl nonce, %eax
	movl %eax, seal
1:	lodsb
	testb %al, %al
	jz 2f
	call put
	jmp 1b
2:	popal
	ret $4

/* The number that was pushed, hexadecimal without leading zeros. */
show:
	pushal
	movb $' ', %al
	call put
	movl 36(%esp), %ebx
	call print
	pushl %ebx
	call fold
	popal
	ret $4

/* EBX, at least one digit; EAX, ECX, EDX are lost. */
print:
	bsrl %ebx, %ecx
	jnz 1f
	xorl %ecx, %ecx
1:	andb $0x1c, %cl
2:	movl %ebx, %eax
	shrl %cl, %eax
	andb $15, %al
	addb $'0', %al
	cmpb $'9', %al
	jbe 3f
	addb $'a' - '0' - 10, %al
3:	call put
	subb $4, %cl
	jns 2b
	ret

fold:
	pushl %eax
	movl 8(%esp), %eax
	roll $5, seal
	addl %eax, seal
	popl %eax
	ret $4

show_trap:
	cmpl $NO_TRAP, trap
	je 2f
	SHOW trap
	cmpl $-1, error
	je 1f
	SHOW error
1:	ret
2:	pushl %eax
	movb $' ', %al
	call put
	movb $'-', %al
	call put
	FOLD $NO_TRAP
	popl %eax
	ret

/* The line ends with its seal. */
end_line:
	pushal
	movb $' ', %al
	call put
	movb $'=', %al
	call put
	movl seal, %ebx
	call print
	movb $'\n', %al
	call put
	popal
	ret

/* ---- The command line ------------------------------------------------------------------- */

/* EAX becomes the number behind the text at ESI, if that is there; other registers are lost. */
option:
	movl command_line, %edi
1:	cmpb $0, (%edi)
	je 4f
	movl %esi, %edx
	movl %edi, %ecx
2:	movb (%edx), %bl
	testb %bl, %bl
	jz 5f
	cmpb (%ecx), %bl
	jne 3f
	incl %edx
	incl %ecx
	jmp 2b
3:	incl %edi
	jmp 1b
4:	ret
5:	xorl %eax, %eax
6:	movzbl (%ecx), %ebx
	subl $'0', %ebx
	cmpl $9, %ebx
	jbe 7f
	subl $'a' - '0' - 10, %ebx
	cmpl $10, %ebx
	jb 4b
	cmpl $15, %ebx
	ja 4b
7:	imull radix, %eax
	addl %ebx, %eax
	incl %ecx
	jmp 6b

/* ---- The end ------------------------------------------------------------------------------ */

end_machine:
	call wait_for_line
	xorl %eax, %eax
	outb %al, $EXIT_PORT	/* QEMU, Espejo */
	movl $shutdown, %esi
	movl $BOCHS_PORT, %edx
	movl $shutdown_end - shutdown, %ecx
	rep outsb
2:	cli
	hlt
	jmp 2b

	.data
shutdown:
	.ascii "Shutdown"
shutdown_end:
	.text
#endif

#endif
