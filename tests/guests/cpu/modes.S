/*
 * modes.S - between ways of paging, and 32-bit code under PAE paging
 *
 * Owns: the way out of long mode and back; a 32-bit IDT's two handlers; what is tried there.
 * Must not know: what is expected.
 *
 * Interrupts are off, and all of this lies below 4 GiB, mapped one to one.
 * Source: [SDM] "Initializing IA-32e Mode" (9.8.5), "PAE Paging" (4.4).
 */
#include "layout.h"
#include "x86.h"

#define GP 13
#define PF 14

	.section .note.GNU-stack, "", @progbits

	.macro save
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm

	.macro restore
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	.endm

	.macro to_32bit			/* and paging off; CR0 with it on stays in EBX */
	pushq $RT_CS32
	pushq $1f
	lretq
	.code32
1:	movl %cr0, %ebx
	movl %ebx, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	.endm

	.macro to_64bit
	movl %ebx, %cr0
	ljmp $RT_CS, $1f
	.code64
1:
	.endm

	.macro set_lme on		/* EAX, ECX, EDX */
	movl $MSR_EFER, %ecx
	rdmsr
	andl $~EFER_LME, %eax
	.if \on
	orl $EFER_LME, %eax
	.endif
	wrmsr
	.endm

	.text
/* void modes_switch(u64 cr3, u64 cr4): long mode again, by those tables. */
	.globl modes_switch
modes_switch:
	save
	to_32bit
	movl %edi, %cr3
	movl %esi, %cr4
	to_64bit
	restore
	ret

/* u64 modes_exits(void): instructions that a hypervisor answers, wherever this code is mapped. */
	.globl modes_exits
modes_exits:
	pushq %rbx
	xorl %eax, %eax
	xorl %ecx, %ecx
	cpuid
	pushq %rbx
	movl $MSR_EFER, %ecx
	rdmsr
	inb $0x71, %al
	popq %rax
	popq %rbx
	ret

/*
 * void modes_syscall(u32 *selectors): SYSCALL as STAR has it, from CPL 0, and what CS and SS are
 * then, at once and after an exit.  LSTAR is modes_syscall_entry.
 */
	.globl modes_syscall, modes_syscall_entry
modes_syscall:
	save
	movq %rdi, %r12
	syscall
	.globl modes_syscall_entry
modes_syscall_entry:
	movw %cs, (%r12)
	movw %ss, 4(%r12)
	xorl %eax, %eax
	cpuid
	movw %cs, 8(%r12)
	movw %ss, 12(%r12)
	int3				/* and an exception, whose frame has them */
	movl $RT_DS, %eax
	movl %eax, %ss
	pushq $RT_CS
	pushq $1f
	lretq
1:	restore
	ret

/* void modes_sysret(void): to user mode, where it ends with INT3; the hook comes back. */
	.globl modes_sysret, modes_sysret_back
modes_sysret:
	save
	movq %rsp, sysret_rsp
	movq $user, %rcx
	movl $2, %r11d
	sysretq
modes_sysret_back:
	movq sysret_rsp, %rsp
	restore
	ret
user:	movl %cs, %eax
	movl %ss, %edx
	int3

/* ---- PAE paging -------------------------------------------------------------------------- */

/* void modes_pae(u64 cr3): leaves long mode for the tries below. */
	.globl modes_pae
modes_pae:
	save
	movq %cr3, %rax
	movl %eax, old_cr3
	sidt old_idt
	to_32bit
	set_lme 0
	movl %edi, %cr3
	movl %ebx, %cr0
	lidt modes_idt32_pointer
	call tries
	lidt old_idt
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	set_lme 1
	movl old_cr3, %eax
	movl %eax, %cr3
	to_64bit
	restore
	ret

	.code32
/* One instruction, maybe with an exception: vector, error code and EAX become the next result. */
	.macro try text:vararg
	movl $-1, vector
	movl $0, error
	movl $1f, fixup
	xorl %eax, %eax
	\text
1:	call note
	.endm

	.macro entry value		/* PDPT[1], in memory only */
	movl modes_entry_\value, %eax
	movl %eax, modes_pdpt + 8
	.endm

	.macro reload
	movl %cr3, %eax
	movl %eax, %cr3
	.endm

tries:	pushl %ebx
	movl $modes_results, %edi
	try movl 0x40000000, %eax
	entry b
	invlpg 0x40000000
	try movl 0x40000000, %eax	/* 1: not loaded again */
	reload
	try movl 0x40000000, %eax
	entry reserved
	movl %cr3, %edx
	try movl %edx, %cr3		/* 3: #GP, or nothing yet */
	try movl 0x40000000, %eax
	entry absent
	reload
	try movl 0x40000000, %eax	/* 5: #PF */
	entry device
	try movl 0x7ee00030, %eax	/* 6: not loaded */
	reload
	try movl 0x7ee00030, %eax
	entry absent
	invlpg 0x7ee00030
	try movl 0x7ee00030, %eax	/* 8: not loaded */
	entry device
	reload
	movl $0x7ee00030, %esi
	pushl %edi
	movl $modes_buffer, %edi
	movsl
	popl %edi
	try movl modes_buffer, %eax	/* 9 */
	entry a
	movl %cr4, %eax
	xorl $CR4_PGE, %eax
	movl %eax, %cr4
	try movl 0x40000000, %eax	/* 10: CR4.PGE loads too */
	movl %cr4, %eax
	xorl $CR4_PGE, %eax
	movl %eax, %cr4
	popl %ebx
	ret

note:	movl %eax, 8(%edi)
	movl vector, %eax
	movl %eax, (%edi)
	movl error, %eax
	movl %eax, 4(%edi)
	addl $12, %edi
	ret

	.globl modes_gp32, modes_pf32
modes_gp32:
	movl $GP, vector
	jmp 1f
modes_pf32:
	movl $PF, vector
1:	popl error
	pushl %eax
	movl fixup, %eax
	movl %eax, 4(%esp)
	popl %eax
	iretl
	.code64

	.bss
	.balign 16
old_idt:
	.skip 16
old_cr3:
	.skip 4
vector:
	.skip 4
error:
	.skip 4
fixup:
	.skip 4
sysret_rsp:
	.skip 8
