/*
 * svm_run.S - the world switch of AMD-V
 *
 * Owns: which instruction runs last in the host and first after #VMEXIT.
 * Must not know: why the guest runs or stopped.
 *
 * Source: [APM] vol. 2 "VMRUN Instruction" (15.5), "VMSAVE and VMLOAD Instructions" (15.5.2),
 * "Global Interrupt Flag, STGI and CLGI Instructions" (15.17).
 */
#include "amd/svm_offsets.h"

	.text
/*
 * void svm_enter(struct gpregs *regs, u64 vmcb_pa, u64 host_pa);
 *
 * VMRUN itself switches RAX, RSP, RIP, RFLAGS, CS, SS, DS, ES, CPL, control registers, EFER,
 * GDTR, IDTR, DR6, DR7; VMLOAD and VMSAVE the rest of the segments and the system call MSRs.
 * The VMSAVE area of the host was filled when the vCPU was loaded.
 *
 * With GIF clear nothing interrupts the switch.  The host's IF at VMRUN decides whether its
 * interrupts stop the guest (V_INTR_MASKING), so it is set just for the time the guest runs.
 */
	.globl svm_enter
	.type svm_enter, @function
svm_enter:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	push %rdx
	mov %rsi, %rax
	mov REGS_RCX(%rdi), %rcx
	mov REGS_RDX(%rdi), %rdx
	mov REGS_RBX(%rdi), %rbx
	mov REGS_RBP(%rdi), %rbp
	mov REGS_RSI(%rdi), %rsi
	mov REGS_R8(%rdi), %r8
	mov REGS_R9(%rdi), %r9
	mov REGS_R10(%rdi), %r10
	mov REGS_R11(%rdi), %r11
	mov REGS_R12(%rdi), %r12
	mov REGS_R13(%rdi), %r13
	mov REGS_R14(%rdi), %r14
	mov REGS_R15(%rdi), %r15
	mov REGS_RDI(%rdi), %rdi
	clgi
	sti
	vmload %rax
	vmrun %rax
	vmsave %rax			/* RAX and RSP are the host's again */
	mov 8(%rsp), %rax
	mov %rcx, REGS_RCX(%rax)
	mov %rdx, REGS_RDX(%rax)
	mov %rbx, REGS_RBX(%rax)
	mov %rbp, REGS_RBP(%rax)
	mov %rsi, REGS_RSI(%rax)
	mov %rdi, REGS_RDI(%rax)
	mov %r8, REGS_R8(%rax)
	mov %r9, REGS_R9(%rax)
	mov %r10, REGS_R10(%rax)
	mov %r11, REGS_R11(%rax)
	mov %r12, REGS_R12(%rax)
	mov %r13, REGS_R13(%rax)
	mov %r14, REGS_R14(%rax)
	mov %r15, REGS_R15(%rax)
	pop %rax
	vmload %rax
	cli
	stgi
	pop %rdi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.size svm_enter, . - svm_enter

/* Runs as a guest in the host's own address space; nothing behind VMMCALL is ever reached. */
	.globl svm_probe_guest
svm_probe_guest:
	vmmcall
	hlt

	.section .note.GNU-stack, "", @progbits
