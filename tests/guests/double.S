/*
 * double.S - double faults with a handler, faults inside that handler, and at last a triple fault
 *
 * Each line names what came, its error code, CR2 and where it came from (a letter of the list in
 * `where`): by [SDM] "Interrupt 8 - Double Fault Exception (#DF)" (6.15), table 6-5.  The last is
 * a fault in the delivery of #DF itself: no line follows.
 */
#include "tiny.h"

#define CODE 0x08
#define DATA 0x10
#define GATE 0x8e00 /* a 32-bit interrupt gate, DPL 0, present */
#define DE 0
#define UD 6
#define DF 8
#define NP 11
#define GP 13
#define PF 14
#define NOWHERE 0xc0000000 /* no page is there */
#define LARGE_RW 0x83 /* a page directory's entry of 4 MiB: present, writable */
#define CR0_PG 0x80000000
#define CR4_PSE 0x10

	lgdt gdt_pointer
	lidt idt_pointer
	ljmp $CODE, $1f
1:	movl $DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss

	movl $LARGE_RW, directory	/* the first 4 MiB, and nothing else */
	movl %cr4, %eax
	orl $CR4_PSE, %eax
	movl %eax, %cr4
	movl $directory, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0

	movl $UD, %eax
	movl $on_ud, %ebx
	call gate
	movl $DF, %eax
	movl $on_df, %ebx
	call gate
	movl $PF, %eax
	movl $on_pf, %ebx
	call gate
	movl $GP, %eax
	movl $on_gp, %ebx
	call gate

	/* Two contributory faults: #DE has no gate, so #NP. */
	movl $after_a, next
	xorl %edx, %edx
	xorl %ecx, %ecx
a:	divl %ecx
after_a:
	/* The double fault's handler is past: the same again, from a handler of another fault. */
	movl $after_b, next
b:	ud2
after_b:
	/* A page fault whose gate is gone. */
	movl $PF, %eax
	call no_gate
	movl $after_c, next
c:	movl NOWHERE + 0x44, %eax
after_c:
	/* Faults of every day, long after a double fault. */
	movl $after_d, next
d:	movl %eax, NOWHERE + 0x88
after_d:
	movl $after_e, next
	movl $0x1234, %eax
e:	movl %eax, %fs
after_e:
	say "double: the stack goes\n"
	xorl %ecx, %ecx
	movl $NOWHERE, %esp
	divl %ecx
	say "double: still here\n"
1:	hlt
	jmp 1b

/* ---- Handlers -------------------------------------------------------------------------- */

/* #DF: it has an error code, 0, and takes faults of its own before it goes on. */
on_df:
	pushl $df
	call tell
	movl $PF, %eax
	movl $on_pf, %ebx
	call gate
	movl next, %eax
	movl %eax, resume
	movl $1f, next
f:	movl NOWHERE + 0x123, %eax
1:	movl $2f, next
	movl $0x1234, %eax
g:	movl %eax, %gs
2:	movl resume, %eax
	movl $tiny_stack, %esp
	jmp *%eax

/* #UD, which divides by zero: no gate for that, so a contributory fault and #NP: #DF once more. */
on_ud:	pushl $0
	pushl $ud
	call tell
	xorl %ecx, %ecx
h:	divl %ecx

on_gp:	pushl $gp
	jmp 1f
on_pf:	pushl $pf
1:	call tell
	movl $tiny_stack, %esp
	jmp *next

/* (name, error, EIP, ...) on the stack: a line. */
tell:
	say "double: "
	movl 4(%esp), %esi
	call tiny_say
	say " error "
	movl 8(%esp), %eax
	call hex
	say " cr2 "
	movl %cr2, %eax
	call hex
	say " at "
	movl 12(%esp), %eax
	movl $where, %edi
1:	movl (%edi), %ebx
	addl $8, %edi
	testl %ebx, %ebx
	jz 2f
	cmpl %eax, %ebx
	jne 1b
2:	leal -4(%edi), %esi
	call tiny_say
	say "\n"
	ret

hex:	movl %eax, %ebx
	movl $8, %ecx
1:	roll $4, %ebx
	movl %ebx, %eax
	andl $15, %eax
	movb digits(%eax), %al
	movw $COM1, %dx
	outb %al, %dx
	loop 1b
	ret

/* EAX: vector, EBX: handler. */
gate:	movw %bx, idt(,%eax,8)
	movw $CODE, idt + 2(,%eax,8)
	movw $GATE, idt + 4(,%eax,8)
	shrl $16, %ebx
	movw %bx, idt + 6(,%eax,8)
	ret
no_gate:
	movw $0, idt + 4(,%eax,8)
	ret

	.section .rodata
digits:	.ascii "0123456789abcdef"
df:	.asciz "#DF"
ud:	.asciz "#UD"
gp:	.asciz "#GP"
pf:	.asciz "#PF"
	.macro at label
	.long \label
	.asciz "\label"
	.balign 4
	.endm
	.balign 4
where:	at a
	at b
	at c
	at d
	at e
	at f
	at g
	at h
	.long 0
	.asciz "?"
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
idt_pointer:
	.word 32 * 8 - 1
	.long idt

	.bss
	.balign 4096
directory:
	.skip 4096
idt:	.skip 32 * 8
next:	.skip 4
resume:	.skip 4
