/*
 * boot.S - from the multiboot loader to C in long mode; trap stubs; how a case is run
 *
 * Owns: the multiboot header, the first page tables, the descriptor table, 256 stubs.
 * Must not know: what a case is about.
 *
 * Sources: Multiboot Specification 0.6.96 "OS image format" (3.1), "Machine state" (3.2);
 * [SDM] "Initializing IA-32e Mode" (9.8.5), "Error Code" (6.13).
 */
#include "layout.h"
#include "x86.h"

#define HEADER_MAGIC 0x1badb002
#define ENTRY (PTE_P | PTE_W | PTE_U)
#define CPUID_ECX_XSAVE (1 << 26)

	.section .multiboot, "a"
	.balign 4
	.long HEADER_MAGIC
	.long 0
	.long -HEADER_MAGIC

/* Physical memory one to one up to 4 GiB, for the kernel and for user mode. */
	.section .boot, "ax"
	.code32
	.globl boot_entry
boot_entry:
	cli
	cld
	movl %ebx, %esi /* CPUID below changes EBX */
	movl $(boot_pdpt + ENTRY), boot_pml4
	movl $(boot_pd + ENTRY), %eax
	xorl %ecx, %ecx
1:	movl %eax, boot_pdpt(, %ecx, 8)
	addl $4096, %eax
	incl %ecx
	cmpl $4, %ecx
	jb 1b
	movl $(PTE_PS | ENTRY), %eax
	xorl %ecx, %ecx
2:	movl %eax, boot_pd(, %ecx, 8)
	addl $(1 << 21), %eax
	incl %ecx
	cmpl $2048, %ecx
	jb 2b
	movl $boot_pml4, %eax
	movl %eax, %cr3
	movl $1, %eax
	cpuid
	movl $(CR4_PAE | CR4_DE), %eax
	testl $CPUID_ECX_XSAVE, %ecx
	jz 3f
	orl $CR4_OSXSAVE, %eax
3:
	movl %eax, %cr4
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(EFER_LME | EFER_SCE), %eax
	wrmsr
	movl $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	movl %eax, %cr0
	lgdt boot_gdt_pointer
	ljmp $SEL_CODE, $1f
	.code64
1:	movl $SEL_DATA, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_stack_top, %rsp
	xorl %ebp, %ebp
	movl %esi, %edi
	call run_start
	ud2

	.data
	.balign 8
	.globl boot_gdt, boot_idt_pointer
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* SEL_CODE: 64 bits */
	.quad 0x00cf93000000ffff	/* SEL_DATA */
	.quad 0x00cf9b000000ffff	/* SEL_CODE32: compatibility mode */
	.quad 0x00cff3000000ffff	/* SEL_USER_DATA */
	.quad 0x00affb000000ffff	/* SEL_USER_CODE: where SYSRET expects it */
	.quad 0, 0			/* SEL_TSS: run.c */
boot_gdt_pointer:
	.word boot_gdt_pointer - boot_gdt - 1
	.quad boot_gdt

	.text
/* Stub n lies at boot_stubs + 16 n and makes all frames alike. */
	.balign 16
	.globl boot_stubs
boot_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	pushq $0
	.endif
	pushq $vector
	jmp trap
	.set vector, vector + 1
	.endr
	.balign 16
trap:
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
	call run_trap
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
	.globl boot_iret
boot_iret:
	iretq

/*
 * void boot_case(const void *code, u64 argument): run a case, on this stack, interrupts off.  R8
 * holds the argument, R9 the flags of the moment.  A case ends by a jump to case_end.
 */
	.globl boot_case, case_end
boot_case:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, case_rsp
	movq %rdi, %rax
	movq %rsi, %r8
	pushfq
	popq %r9
	jmp *%rax
case_end:
	cli
	cld
	movq case_rsp, %rsp
	pushq $2
	popfq
	movl $SEL_DATA, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

/* A case in compatibility mode ends here. */
	.code32
	.globl case_end32
case_end32:
	ljmp $SEL_CODE, $case_end
	.code64

	.bss
	.balign 4096
	.globl boot_pd
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pd:
	.skip 4 * 4096
	.skip STACK_SIZE
boot_stack_top:
	.globl boot_user_stack
	.skip STACK_SIZE
boot_user_stack:
	.globl case_rsp
case_rsp:
	.skip 8

	.section .note.GNU-stack, "", @progbits
