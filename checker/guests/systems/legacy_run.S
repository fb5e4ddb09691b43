/*
 * legacy_run.S - see legacy.h
 *
 * Owns: leaving and entering IA-32e mode, the loop over the shots, 32-bit stubs. Must not know:
 * what is tried.
 *
 * void legacy_enter(const struct legacy *): interrupts off; all of it lies below 4 GiB.  It
 * returns with another TR, IDT and LDT: the caller puts them right.
 *
 * Sources: [SDM] vol. 3 "Switching Out of IA-32e Mode Operation" (9.8.5.4), "Initializing IA-32e
 * Mode" (9.8.5), "Interrupt Handler Stack-Usage" (6.12.1).
 */
#include "gates.h"
#include "layout.h"
#include "x86.h"

	.text
	.code64
	.globl legacy_enter
legacy_enter:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, saved_rsp
	movq %cr0, %rax
	movl %eax, saved_cr0
	movq %cr3, %rax
	movl %eax, saved_cr3
	movq %cr4, %rax
	movl %eax, saved_cr4
	movl $MSR_EFER, %ecx
	rdmsr
	movl %eax, saved_efer
	movl %edi, %ebp
	pushq $RT_CS32
	pushq $1f
	lretq

	.code32
1:	movl $RT_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movl saved_cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl $MSR_EFER, %ecx
	movl LEGACY_EFER(%ebp), %eax
	xorl %edx, %edx
	wrmsr
	movl LEGACY_CR4(%ebp), %eax
	movl %eax, %cr4
	movl LEGACY_CR3(%ebp), %eax
	movl %eax, %cr3
	lidt legacy_idt_pointer
	ltr legacy_tr
	lldt LEGACY_LDT(%ebp)
	movl $legacy_stack_top, %esp
	movl LEGACY_CR0(%ebp), %eax
	movl %eax, %cr0
	jmp 2f
2:	movl LEGACY_SHOT(%ebp), %ebx

/* EBP: struct legacy; EBX: the shot. */
next:	cmpl $0, LEGACY_COUNT(%ebp)
	je leave
	decl LEGACY_COUNT(%ebp)
	movl %ebx, now
	movl $legacy_stack_top, %esp
	leal L_EDIT(%ebx), %esi
	movl $3, %ecx
3:	movl (%esi), %edi
	testl %edi, %edi
	jz 4f
	movl 4(%esi), %eax
	movl %eax, (%edi)
	movl 8(%esi), %eax
	movl %eax, 4(%edi)
4:	addl $L_EDIT_SIZE, %esi
	loop 3b
	movl L_FLUSH(%ebx), %eax
	testl %eax, %eax
	jz 5f
	invlpg (%eax)
	jmp 6f
5:	movl LEGACY_CR3(%ebp), %eax
	movl %eax, %cr3
6:	testl $RFLAGS_VM, L_EFLAGS(%ebx)
	jz 7f
	pushl $0
	pushl $0
	pushl $0
	pushl $0
	jmp 8f
7:	testl $3, L_CS(%ebx)
	jz 9f
8:	pushl L_SS(%ebx)
	pushl L_ESP(%ebx)
9:	movl $RT_USER_DS, %eax /* IRET to user mode keeps no others */
	movl %eax, %ds
	movl %eax, %es
	pushl L_EFLAGS(%ebx)
	pushl L_CS(%ebx)
	pushl L_EIP(%ebx)
	movl L_EAX(%ebx), %eax
	movl L_EDX(%ebx), %edx
	movl L_ESI(%ebx), %esi
	movl L_EDI(%ebx), %edi
	iretl

/* Stub n lies at legacy_stubs + 16 n. */
	.balign 16
	.globl legacy_stubs
legacy_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	pushl $0
	.endif
	pushl $vector
	jmp left
	.set vector, vector + 1
	.endr
	.balign 16
left:	movl $RT_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	cld
	movl now, %ebx
	popl L_VECTOR(%ebx)
	popl L_ERROR(%ebx)
	popl L_AT(%ebx)
	popl L_AT_CS(%ebx)
	popl L_AT_EFLAGS(%ebx)
	movl %esp, L_AT_ESP(%ebx)
	movl %cr2, %eax
	movl %eax, L_CR2(%ebx)
	leal L_EDIT(%ebx), %esi
	movl $3, %ecx
1:	movl (%esi), %edi
	testl %edi, %edi
	jz 2f
	movl (%edi), %eax
	movl %eax, 12(%esi)
2:	addl $L_EDIT_SIZE, %esi
	loop 1b
	addl $L_SIZE, %ebx
	movl of_legacy, %ebp
	jmp next

leave:	movl saved_cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl saved_cr4, %eax
	movl %eax, %cr4
	movl saved_cr3, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl saved_efer, %eax
	xorl %edx, %edx
	wrmsr
	movl saved_cr0, %eax
	movl %eax, %cr0
	ljmp $RT_CS, $back
	.code64
back:	movq saved_rsp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.data
	.balign 8
	.globl of_legacy, legacy_idt_pointer
of_legacy:
	.long 0
saved_rsp:
	.quad 0
saved_cr0:
	.long 0
saved_cr3:
	.long 0
saved_cr4:
	.long 0
saved_efer:
	.long 0
now:
	.long 0
legacy_tr:
	.word SEL_TSS32
	.balign 4
legacy_idt_pointer:
	.word 256 * 8 - 1
	.long legacy_idt

	.bss
	.balign 16
	.skip 4096
	.globl legacy_stack_top
legacy_stack_top:

	.section .note.GNU-stack, "", @progbits
