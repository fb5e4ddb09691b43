/*
 * sysenter.S - a guest that exits behind SYSENTER from compatibility mode
 *
 * In long mode AMD's CPUs refuse SYSENTER (#UD), Intel's load CS with L and without D.  QEMU 7.2
 * takes it in compatibility mode, and sets both, which its own VMRUN refuses.  Whichever it is, the
 * guest must go on with its own RIP and RSP.
 */
#include "tiny64.h"

#define CODE64 0x08
#define CODE32 0x18
#define INNER 0x28 /* SYSENTER_CS: code, and data behind */
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

	activate_long_mode
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
