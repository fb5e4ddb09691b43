/*
 * boot.S - from the multiboot loader to C in long mode; traps
 *
 * Owns: the multiboot header, the first page tables, 256 trap stubs.
 * Must not know: what a trap is good for (rt.c).
 *
 * Sources: Multiboot Specification 0.6.96 "OS image format" (3.1), "Machine state" (3.2);
 * [SDM] "Initializing IA-32e Mode" (9.8.5), "Exception and Interrupt Vectors" (6.3).
 */
#include "layout.h"
#include "x86.h"

#define HEADER_MAGIC 0x1badb002
#define HEADER_FLAGS 2 /* the memory map, please */
#define TABLE 3 /* present, writable */
#define LARGE 0x80

	.section .multiboot, "a"
	.balign 4
	.long HEADER_MAGIC
	.long HEADER_FLAGS
	.long -(HEADER_MAGIC + HEADER_FLAGS)

	.section .boot, "ax"
	.code32
	.globl rt_entry
rt_entry:
	cli
	cld
	movl %eax, %edi
	movl %ebx, %esi
	movl $(rt_pdpt + TABLE), rt_pml4
	movl $(rt_window_pdpt + TABLE), rt_pml4 + 8
	movl $(rt_window_pd + TABLE), rt_window_pdpt
	movl $(rt_window_pt + TABLE), rt_window_pd
	movl $(rt_pd + TABLE), %eax
	xorl %ecx, %ecx
1:	movl %eax, rt_pdpt(, %ecx, 8)
	addl $4096, %eax
	incl %ecx
	cmpl $4, %ecx
	jb 1b
	movl $(LARGE | TABLE), %eax
	xorl %ecx, %ecx
2:	movl %eax, rt_pd(, %ecx, 8)
	addl $(1 << 21), %eax
	incl %ecx
	cmpl $2048, %ecx
	jb 2b
	movl $rt_pml4, %eax
	movl %eax, %cr3
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $MSR_EFER, %ecx
	movl $(EFER_LME | EFER_SCE), %eax
	xorl %edx, %edx
	wrmsr
	movl $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	movl %eax, %cr0
	lgdt rt_gdt_pointer
	ljmp $RT_CS, $rt_long

	.code64
rt_long:
	movl $RT_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $rt_stack_top, %rsp
	xorl %ebp, %ebp
	call rt_start
	ud2

	.data
	.balign 8
	.globl rt_gdt
rt_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
	.quad 0x00cf9b000000ffff	/* 32-bit code */
	.quad 0x00cff3000000ffff	/* data for user mode */
	.quad 0x00affb000000ffff	/* 64-bit code for user mode */
	.quad 0, 0			/* the TSS: rt.c */
rt_gdt_pointer:
	.word rt_gdt_pointer - rt_gdt - 1
	.quad rt_gdt

	.text
/* Stub n lies at rt_stubs + 16 n and makes all frames alike. */
	.balign 16
	.globl rt_stubs
rt_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	pushq $0
	.endif
	pushq $vector
	jmp rt_common
	.set vector, vector + 1
	.endr
	.balign 16
rt_common:
	cld
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %rdi
	call rt_trap
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

/* u64 rt_call(void (*f)(u64), u64 argument): 0, or 1 if rt_trap sent us to rt_recover. */
	.globl rt_call
rt_call:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	subq $8, %rsp
	movq %rsp, rt_recover_rsp
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	xorl %eax, %eax
	jmp 1f
	.globl rt_recover
rt_recover:
	movl $RT_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movq rt_recover_rsp, %rsp
	movl $1, %eax
1:	addq $8, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.bss
	.balign 4096
	.globl rt_pml4, rt_pdpt, rt_pd, rt_window_pt
rt_pml4:
	.skip 4096
rt_pdpt:
	.skip 4096
rt_pd:
	.skip 4 * 4096
rt_window_pdpt:
	.skip 4096
rt_window_pd:
	.skip 4096
rt_window_pt:
	.skip 4096
	.skip RT_STACK
	.globl rt_stack_top
rt_stack_top:
	.balign 8
	.globl rt_recover_rsp
rt_recover_rsp:
	.skip 8

	.section .note.GNU-stack, "", @progbits
