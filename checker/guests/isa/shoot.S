/*
 * shoot.S - one instruction form, executed in another mode
 *
 * Owns: the ways from 64-bit C to 64-bit, compatibility, 32-bit protected, virtual-8086 and real
 * mode, and back by whatever exception or interrupt comes first.
 * Must not know: what is executed there.  All that goes in or comes out lies in struct isa_shot.
 *
 * void shoot_long(void), void shoot_legacy(void): interrupts off, GDT A and a 64-bit TSS loaded;
 * shoot_legacy returns with the legacy IDT and TSS loaded: the caller puts them right.
 *
 * Sources: [SDM] vol. 3 "Switching Out of IA-32e Mode Operation" (10.8.5.4), "Mode Switching"
 * (10.9), "Real-Address Mode" (21.1), "Entering Virtual-8086 Mode" (21.2.5); [APM] vol. 2 "Leaving
 * Long Mode" (14.7).
 */
#include "layout.h"
#include "x86.h"

#define OUT(n) (ISA_SHOT + SHOT_OUT + (n))
#define IN(n) (ISA_SHOT + (n))
#define OUT_RIP OUT(SHOT_RIP)
#define OUT_CS OUT(SHOT_CS)
#define OUT_RFLAGS OUT(SHOT_RFLAGS)
#define OUT_RSP OUT(32)
#define OUT_SS OUT(SHOT_SS)

	.text
	.code64
	.globl shoot_long
shoot_long:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, shoot_rsp
	movw IN(SHOT_DS), %ds
	movw IN(SHOT_ES), %es
	movw IN(SHOT_FS), %fs
	movw IN(SHOT_GS), %gs
	pushq IN(SHOT_SS)
	pushq IN(32)
	pushq IN(SHOT_RFLAGS)
	pushq IN(SHOT_CS)
	pushq IN(SHOT_RIP)
	movq IN(8), %rcx
	movq IN(16), %rdx
	movq IN(24), %rbx
	movq IN(40), %rbp
	movq IN(48), %rsi
	movq IN(56), %rdi
	movq IN(64), %r8
	movq IN(72), %r9
	movq IN(80), %r10
	movq IN(88), %r11
	movq IN(96), %r12
	movq IN(104), %r13
	movq IN(112), %r14
	movq IN(120), %r15
	movq IN(0), %rax
	iretq

/* Stub n lies at shoot_stubs64 + 16 n. */
	.balign 16
	.globl shoot_stubs64
shoot_stubs64:
	.set vector, 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	pushq $0
	.endif
	pushq $vector
	jmp left64
	.set vector, vector + 1
	.endr
	.balign 16
left64:
	movq %rax, OUT(0)
	movq %rcx, OUT(8)
	movq %rdx, OUT(16)
	movq %rbx, OUT(24)
	movq %rbp, OUT(40)
	movq %rsi, OUT(48)
	movq %rdi, OUT(56)
	movq %r8, OUT(64)
	movq %r9, OUT(72)
	movq %r10, OUT(80)
	movq %r11, OUT(88)
	movq %r12, OUT(96)
	movq %r13, OUT(104)
	movq %r14, OUT(112)
	movq %r15, OUT(120)
	movw %ds, OUT(SHOT_DS)
	movw %es, OUT(SHOT_ES)
	movw %fs, OUT(SHOT_FS)
	movw %gs, OUT(SHOT_GS)
	popq IN(SHOT_VECTOR)
	popq IN(SHOT_ERROR)
	popq OUT_RIP
	popq OUT_CS
	popq OUT_RFLAGS
	popq OUT_RSP
	popq OUT_SS
back64:
	movl $SEL_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movq shoot_rsp, %rsp
	cld
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.globl shoot_legacy
shoot_legacy:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, shoot_rsp
	movq %cr0, %rax
	movq %rax, saved_cr0
	movq %cr3, %rax
	movq %rax, saved_cr3
	movq %cr4, %rax
	movq %rax, saved_cr4
	pushq $SEL_CS32
	pushq $1f
	lretq
	.code32
1:	movl $SEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl IN(SHOT_CR0), %eax /* PG is clear */
	movl %eax, %cr0
	lgdt IN(SHOT_GDTR)
	lidt IN(SHOT_IDTR)
	lldt IN(SHOT_LDTR)
	ltr IN(SHOT_TR)
	movl IN(SHOT_ENTER), %eax
	cmpl $ENTER_REAL, %eax
	jne 2f
	ljmp $SEL_LOW_CS, $(low_enter - low_start + ISA_LOW)
2:	movl $shoot_stack_top, %esp
	cmpl $ENTER_SUPERVISOR, %eax
	je 7f
	cmpl $ENTER_V86, %eax
	jne 4f
	pushl IN(SHOT_GS)
	pushl IN(SHOT_FS)
	pushl IN(SHOT_DS)
	pushl IN(SHOT_ES)
4:	pushl IN(SHOT_SS)
	pushl IN(32)
	pushl IN(SHOT_RFLAGS)
	pushl IN(SHOT_CS)
	pushl IN(SHOT_RIP)
	cmpl $ENTER_V86, %eax
	je 6f
	movw IN(SHOT_ES), %es
	movw IN(SHOT_FS), %fs
	movw IN(SHOT_GS), %gs
	movw IN(SHOT_DS), %ds
6:	movl IN(0), %eax
	movl IN(8), %ecx
	movl IN(16), %edx
	movl IN(24), %ebx
	movl IN(40), %ebp
	movl IN(48), %esi
	movl IN(56), %edi
	iretl
/* Without a trace on the form's own stack. */
7:	pushl IN(SHOT_RFLAGS)
	popfl
	movw IN(SHOT_ES), %es
	movw IN(SHOT_FS), %fs
	movw IN(SHOT_GS), %gs
	movw IN(SHOT_DS), %ds
	movl IN(0), %eax
	movl IN(8), %ecx
	movl IN(16), %edx
	movl IN(24), %ebx
	movl IN(40), %ebp
	movl IN(48), %esi
	movl IN(56), %edi
	movl IN(32), %esp
	ljmp *IN(SHOT_JUMP)

/* Stub n lies at shoot_stubs32 + 16 n. */
	.balign 16
	.globl shoot_stubs32
shoot_stubs32:
	.set vector, 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	pushl $0
	.endif
	pushl $vector
	jmp left32
	.set vector, vector + 1
	.endr
	.balign 16
left32:
	pushl %eax
	pushl %ds
	movl $SEL_DS, %eax
	movl %eax, %ds
	popl OUT(SHOT_DS)
	popl OUT(0)
	movl %ecx, OUT(8)
	movl %edx, OUT(16)
	movl %ebx, OUT(24)
	movl %ebp, OUT(40)
	movl %esi, OUT(48)
	movl %edi, OUT(56)
	movw %es, OUT(SHOT_ES)
	movw %fs, OUT(SHOT_FS)
	movw %gs, OUT(SHOT_GS)
	popl IN(SHOT_VECTOR)
	popl IN(SHOT_ERROR)
	popl OUT_RIP
	popl OUT_CS
	popl OUT_RFLAGS
	testl $RFLAGS_VM, OUT_RFLAGS
	jnz 7f
	testl $3, OUT_CS
	jnz 8f
	movl %esp, OUT_RSP
	movw %ss, OUT_SS
	jmp 9f
7:	popl OUT_RSP
	popl OUT_SS
	popl OUT(SHOT_ES)
	popl OUT(SHOT_DS)
	popl OUT(SHOT_FS)
	popl OUT(SHOT_GS)
	jmp 9f
8:	popl OUT_RSP
	popl OUT_SS
9:	movl %cr0, %eax
	movl %eax, IN(SHOT_SEEN_CR0)
	sgdt IN(SHOT_SEEN_GDTR)
	sidt IN(SHOT_SEEN_IDTR)
left_legacy:
	cld
	movl $SEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movl $shoot_stack_top, %esp
	sldt IN(SHOT_SEEN_LDTR)
	str IN(SHOT_SEEN_TR)
	cmpw $SEL_TSS16, IN(SHOT_SEEN_TR)
	jne 1f
	movl $SEL_LEAVE, %eax
	ltr %ax
1:	movl %cr3, %eax
	movl %eax, IN(SHOT_SEEN_CR3)
	movl %cr4, %eax
	movl %eax, IN(SHOT_SEEN_CR4)
	cmpl saved_cr4, %eax
	je 10f
	movl saved_cr4, %eax
	movl %eax, %cr4
10:	movl saved_cr3, %eax
	cmpl IN(SHOT_SEEN_CR3), %eax
	je 11f
	movl %eax, %cr3
11:	movl saved_cr0, %eax
	movl %eax, %cr0
	lgdt IN(SHOT_MAIN_GDTR)
	ljmp $SEL_CS64, $back64

/* What follows is copied to ISA_LOW; in real mode CS is 0. */
	.code16
	.globl shoot_low, shoot_low_end
shoot_low:
low_start:
low_stubs:
	.set vector, 0
	.rept 256
	.byte 0x68 /* PUSH i16: all stubs are of one length */
	.word vector
	.byte 0xe9 /* JMP rel16 */
	.word low_left - . - 2
	.set vector, vector + 1
	.endr
low_enter:
	movw $SEL_LOW_DS, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw %ax, %fs
	movw %ax, %gs
	lidtl IN(SHOT_IDTR)
	movl IN(SHOT_CR0), %eax
	andl $~CR0_PE, %eax
	movl %eax, %cr0
	ljmp $0, $(1f - low_start + ISA_LOW)
1:	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movl $ISA_LOW_STACK, %esp
	pushw IN(SHOT_RFLAGS)
	popfw
	movw IN(SHOT_SS), %ss
	movl IN(32), %esp
	movl IN(0), %eax
	movl IN(8), %ecx
	movl IN(16), %edx
	movl IN(24), %ebx
	movl IN(40), %ebp
	movl IN(48), %esi
	movl IN(56), %edi
	movw IN(SHOT_ES), %es
	movw IN(SHOT_FS), %fs
	movw IN(SHOT_GS), %gs
	movw IN(SHOT_DS), %ds
	ljmpw *%cs:IN(SHOT_JUMP)
low_left:
	movl %eax, %cs:OUT(0)
	movl %ecx, %cs:OUT(8)
	movl %edx, %cs:OUT(16)
	movl %ebx, %cs:OUT(24)
	movl %ebp, %cs:OUT(40)
	movl %esi, %cs:OUT(48)
	movl %edi, %cs:OUT(56)
	movw %ds, %cs:OUT(SHOT_DS)
	movw %es, %cs:OUT(SHOT_ES)
	movw %fs, %cs:OUT(SHOT_FS)
	movw %gs, %cs:OUT(SHOT_GS)
	movw %ss, %cs:OUT_SS
	popw %cs:IN(SHOT_VECTOR)
	popw %cs:OUT_RIP
	popw %cs:OUT_CS
	popw %cs:OUT_RFLAGS
	movl %esp, %cs:OUT_RSP
	sgdtl %cs:IN(SHOT_SEEN_GDTR)
	sidtl %cs:IN(SHOT_SEEN_IDTR)
	movl %cr0, %eax
	movl %eax, %cs:IN(SHOT_SEEN_CR0)
	lgdtl %cs:IN(SHOT_MAIN_GDTR)
	orb $CR0_PE, %al
	movl %eax, %cr0
	ljmpl $SEL_CS32, $left_legacy
shoot_low_end:

	.bss
	.balign 16
	.skip 4096
	.globl shoot_stack_top
shoot_stack_top:
shoot_rsp:
	.skip 8
saved_cr0:
	.skip 8
saved_cr3:
	.skip 8
saved_cr4:
	.skip 8

	.section .note.GNU-stack, "", @progbits
