/*
 * boot.S - one instruction at a time, with its operands in a segment of the C code's choice
 *
 * Owns: multiboot header, entry, `run`, the trap stubs, what instructions may jump to.
 * Must not know: instructions, what is expected.
 *
 * Whatever the instruction does to segments and stack, at the end nothing but registers is used to
 * save them: EAX and DS go through DR0 and DR1, which trap nothing, for DR7 is clear.
 *
 * Sources: Multiboot Specification 0.6.96; [SDM] "Protected-Mode Exceptions and Interrupts" (6).
 */
#include "mmio.h"

	.section .multiboot, "awx"
	.balign 4
	.long 0x1badb002, 2, -(0x1badb002 + 2)

	.section .note.GNU-stack, "", @progbits

	.bss
	.balign 16
	.skip 16384
stack_top:
	.skip 4096
	.globl kernel_stack
kernel_stack:
saved_esp:
	.long 0

	.text
	.code32
	.globl entry
entry:
	cli
	cld
	movl $stack_top, %esp
	pushl %ebx
	call main
1:	hlt
	jmp 1b

/* void run(void): `in` into the registers, the code at `code`; behind it, `out`. */
	.globl run
run:
	pushal
	movl %esp, saved_esp
	movl $SEL_OPERAND, %eax
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl in + 4, %ecx
	movl in + 8, %edx
	movl in + 12, %ebx
	movl in + 20, %ebp
	movl in + 24, %esi
	movl in + 28, %edi
	movl in + R_SS, %eax
	pushl in + R_FLAGS
	popfl
	movl %eax, %ss
	movl in + 16, %esp
	/* DS last: from here on nothing of ours is in reach. */
	movl $SEL_OPERAND, %eax
	movl %eax, %ds
	movl %cs:in + 0, %eax
	ljmp $SEL_CODE, $CODE

/* Here the code goes on, and instructions jump to. */
	.globl leave, landing
landing:
leave:
	movl %eax, %db0
	movl %ds, %eax
	movl %eax, %db1
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %db0, %eax
	movl %eax, out + 0
	movl %ecx, out + 4
	movl %edx, out + 8
	movl %ebx, out + 12
	movl %esp, out + 16
	movl %ebp, out + 20
	movl %esi, out + 24
	movl %edi, out + 28
	movl %ss, %eax
	movl %eax, out + R_SS
	movl $SEL_DATA, %eax
	movl %eax, %ss
	movl saved_esp, %esp
	pushfl
	popl out + R_FLAGS
	pushl $2
	popfl
	movl %db1, %eax
	movl %eax, out + R_DS
	movl %es, %eax
	movl %eax, out + R_ES
	movl %fs, %eax
	movl %eax, out + R_FS
	movl %gs, %eax
	movl %eax, out + R_GS
	movl %cs, %eax
	movl %eax, out + R_CS
	sldt %ax
	movzwl %ax, %eax
	movl %eax, out + R_LDTR
	str %ax
	movzwl %ax, %eax
	movl %eax, out + R_TR
	movl %cr0, %eax
	movl %eax, out + R_CR0
	sgdtl out + R_GDTR
	sidtl out + R_IDTR
	movl $SEL_DATA, %eax
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	popal
	ret

/* In user mode: an interrupt leads back, with the frame of it on the kernel's stack. */
	.globl user_landing
user_landing:
	int $USER_VECTOR

	.balign 16
	.globl traps
traps:
	.set vector, 0
	.rept TRAPS
	.balign 16
	.if (1 << vector) & 0x227d00
	.else
	pushl $0
	.endif
	pushl $vector
	jmp trapped
	.set vector, vector + 1
	.endr

trapped:
	cmpl $1, %ss:(%esp)
	je stepped
	popl %ss:out + R_VECTOR
	popl %ss:out + R_ERROR
	popl %ss:out + R_EIP
	addl $4, %esp
	popl %ss:out + R_TRAP_FLAGS
	jmp leave

/* A single step: count it; the last one is that of the jump to `leave`. */
stepped:
	pushl %eax
	incl %ss:out + R_STEPS
	movl %db6, %eax
	orl %eax, %ss:out + R_DR6
	xorl %eax, %eax
	movl %eax, %db6
	movl %ss:12(%esp), %eax
	cmpl $leave, %eax
	jne 1f
	andl $~0x100, %ss:20(%esp)
1:	popl %eax
	addl $8, %esp
	iretl
