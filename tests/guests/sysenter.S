/*
 * sysenter.S - a guest that exits behind SYSENTER from compatibility mode
 *
 * In long mode AMD's CPUs refuse SYSENTER (#UD), Intel's load CS with L and without D.  QEMU 7.2
 * takes it in compatibility mode, and sets both, which its own VMRUN refuses.  Whichever it is, the
 * guest must go on with its own RIP and RSP.
 */
#include "tiny.h"

#define CODE64 0x08
#define CODE32 0x18
#define INNER 0x28 /* SYSENTER_CS: code, and data behind */
#define LARGE_RW 0x83
#define TABLE_RW 0x03
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define EFER 0xc0000080
#define EFER_LME 0x100
#define SYSENTER_CS 0x174
#define SYSENTER_ESP 0x175
#define SYSENTER_EIP 0x176
#define VECTOR_UD 6
#define ROUNDS 100
#define PORT 0x80 /* nobody listens */

.macro to_msr number, value
	movl $\number, %ecx
	movl $\value, %eax
	xorl %edx, %edx
	wrmsr
.endm

	movl $pdpt + TABLE_RW, pml4
	movl $pd + TABLE_RW, pdpt
	movl $LARGE_RW, pd
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	lgdt gdt_pointer
	ljmp $CODE64, $1f

	.code64
1:	movl $refused, %eax
	movw %ax, idt + 16 * VECTOR_UD(%rip)
	shrl $16, %eax
	movw %ax, idt + 16 * VECTOR_UD + 6(%rip)
	lidt idt_pointer(%rip)
	to_msr SYSENTER_CS, INNER
	to_msr SYSENTER_ESP, tiny_stack
	to_msr SYSENTER_EIP, inside
	movl $ROUNDS, %ebx
round:	movl $tiny_stack, %esp
	ljmp *compatible(%rip)

	.code32
enter:	sysenter

	.code64
inside:	outb %al, $PORT			/* exits */
	inb $PORT, %al
	xorl %eax, %eax
	pushq %rbx
	cpuid				/* and an exit that may be answered on the spot */
	popq %rbx
	leaq tiny_stack(%rip), %rax
	cmpq %rax, %rsp
	jne wrong
	decl %ebx
	jnz round
	jmp good
refused:
	leaq enter(%rip), %rax
	cmpq %rax, (%rsp)
	jne wrong
good:	say "sysenter: goes on\n"
3:	hlt
	jmp 3b
wrong:	say "sysenter: lost\n"
	jmp 3b

	.section .rodata
gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff, 0x00cf93000000ffff
	.quad 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt, 0
idt_pointer:
	.word 16 * (VECTOR_UD + 1) - 1
	.long idt, 0
compatible:
	.long enter
	.word CODE32

	.data
	.balign 16
idt:	.skip 16 * VECTOR_UD
	.word 0, CODE64, 0x8e00, 0	/* an interrupt gate; its offset is written above */
	.quad 0

	.bss
	.balign 4096
pml4:	.skip 4096
pdpt:	.skip 4096
pd:	.skip 4096
