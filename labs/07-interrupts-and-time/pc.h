/*
 * pc.h - what the guests of lab 7 share: start, interrupt gates, text
 *
 * Included once, at the top.  A guest defines main, and for each vector a handler: GATE.  It has
 * 32-bit protected mode without paging; both 8259s at vectors 0x20 and 0x28, all masked but the
 * cascade; interrupts off.  The command line's second word is printed in each line, so that
 * nobody knows the text beforehand.
 *
 * Registers: subroutines may change all but EBP.
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define EXIT_PORT 0xf4
#define PIC 0x20
#define PIC2 0xa0
#define PM_TIMER 0x608
#define CODE 8
#define DATA 16

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

.macro OUTB port, value
	mov $\value, %al
.if \port < 256
	out %al, $\port
.else
	mov $\port, %dx
	out %al, %dx
.endif
.endm

/* One letter to the log. */
.macro LOG letter
	.pushsection .data
9:	.ascii "\letter"
	.fill 3
	.popsection
	push 9b
	call log
.endm

.macro GATE vector, handler
	mov $\vector, %eax
	mov $\handler, %edx
	call set_gate
.endm

/* A line "MODE NONCE NAME: LOG", and the log is empty. */
.macro SAY name
	.pushsection .data
9:	.asciz "\name"
	.popsection
	mov $9b, %esi
	call say
.endm

	.text
	.globl _start
_start:
	mov $stack_end, %esp
	mov 16(%ebx), %eax	/* cmdline, of the multiboot information */
	mov %eax, command
	lgdt gdt_pointer
	ljmp $CODE, $1f
1:	mov $DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	lidt idt_pointer
	OUTB LINE_CONTROL, 3
	OUTB PIC, 0x11
	OUTB PIC2, 0x11
	OUTB (PIC+1), 0x20
	OUTB (PIC2+1), 0x28
	OUTB (PIC+1), 4
	OUTB (PIC2+1), 2
	OUTB (PIC+1), 1
	OUTB (PIC2+1), 1
	OUTB (PIC+1), 0xfb
	OUTB (PIC2+1), 0xff
	call main
	OUTB EXIT_PORT, 0
	cli
2:	hlt
	jmp 2b

/* Handler at EDX for vector EAX. */
set_gate:
	mov %dx, idt(,%eax,8)
	movw $CODE, idt+2(,%eax,8)
	movw $0x8e00, idt+4(,%eax,8)
	shr $16, %edx
	mov %dx, idt+6(,%eax,8)
	ret

/* A letter from the stack to the log; keeps all registers. */
log:
	push %eax
	push %ecx
	mov 12(%esp), %al
	mov log_size, %ecx
	cmp $60, %ecx
	jae 1f
	mov %al, log_text(%ecx)
	incl log_size
1:	pop %ecx
	pop %eax
	ret $4

putc:
	mov $COM1, %edx
	out %al, %dx
	ret

puts:
	lodsb
	test %al, %al
	jz 1f
	call putc
	jmp puts
1:	ret

/* EAX in decimal. */
put_number:
	mov $10, %ecx
	xor %edx, %edx
	div %ecx
	push %edx
	test %eax, %eax
	jz 1f
	call put_number
1:	pop %eax
	add $'0', %al
	jmp putc

/* The command line and a blank. */
put_who:
	mov command, %esi
	call puts
	mov $' ', %al
	jmp putc

say:
	push %esi
	call put_who
	pop %esi
	call puts
	mov $':', %al
	call putc
	mov $' ', %al
	call putc
	mov log_size, %ecx
	movb $0, log_text(%ecx)
	mov $log_text, %esi
	call puts
	movl $0, log_size
newline:
	mov $10, %al
	jmp putc

	.data
	.align 8
gdt:	.quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.word 23
	.long gdt
idt_pointer:
	.word 256 * 8 - 1
	.long idt
command:
	.long 0
log_size:
	.long 0
log_text:
	.fill 64
	.align 8
idt:	.fill 256 * 8
	.fill 8192
stack_end:
	.long 0

	.text
