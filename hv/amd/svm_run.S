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
 * void svm_enter(struct gpregs *regs, u64 vmcb_pa, u64 host_pa,
 *                bool (*again)(struct gpregs *regs));
 *
 * After each exit again is asked whether the guest shall go on at once.  Until it says no, what a C
 * function preserves (RBP, R12 to R15) and what VMLOAD loads stay the guest's, and GIF stays
 * clear: again must not touch anything of the host but memory.
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
	sub $8, %rsp			/* calls want 16 bytes of alignment */
	push %rdi
	push %rcx
	push %rdx
	push %rsi
	mov REGS_RBP(%rdi), %rbp
	mov REGS_R12(%rdi), %r12
	mov REGS_R13(%rdi), %r13
	mov REGS_R14(%rdi), %r14
	mov REGS_R15(%rdi), %r15
	mov (%rsp), %rax		/* VMCB */
	clgi
	sti
	vmload %rax
again:
	mov REGS_RBX(%rdi), %rbx
	mov REGS_RCX(%rdi), %rcx
	mov REGS_RDX(%rdi), %rdx
	mov REGS_RSI(%rdi), %rsi
	mov REGS_R8(%rdi), %r8
	mov REGS_R9(%rdi), %r9
	mov REGS_R10(%rdi), %r10
	mov REGS_R11(%rdi), %r11
	mov REGS_RDI(%rdi), %rdi
	mov (%rsp), %rax
	vmrun %rax			/* RAX and RSP are the host's again */
	mov 24(%rsp), %rax		/* registers */
	mov %rbx, REGS_RBX(%rax)
	mov %rcx, REGS_RCX(%rax)
	mov %rdx, REGS_RDX(%rax)
	mov %rsi, REGS_RSI(%rax)
	mov %rdi, REGS_RDI(%rax)
	mov %r8, REGS_R8(%rax)
	mov %r9, REGS_R9(%rax)
	mov %r10, REGS_R10(%rax)
	mov %r11, REGS_R11(%rax)
	mov %rax, %rdi
	call *16(%rsp)
	mov 24(%rsp), %rdi
	test %al, %al
	jnz again
	mov (%rsp), %rax
	vmsave %rax
	mov 8(%rsp), %rax		/* where the host's part was saved */
	vmload %rax
	cli
	stgi
	mov %rbp, REGS_RBP(%rdi)
	mov %r12, REGS_R12(%rdi)
	mov %r13, REGS_R13(%rdi)
	mov %r14, REGS_R14(%rdi)
	mov %r15, REGS_R15(%rdi)
	add $40, %rsp
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

	.globl svm_probe_debug_guest
svm_probe_debug_guest:
	nop
	.globl svm_probe_debug_end
svm_probe_debug_end:
	vmmcall
	hlt

	.globl svm_dr7_guest
svm_dr7_guest:
	mov %rax, %db7
	vmmcall
	hlt

	.globl svm_probe_rdpmc_guest
svm_probe_rdpmc_guest:
	rdpmc
	vmmcall
	hlt

	.globl svm_probe_msr_guest
svm_probe_msr_guest:
	rdmsr
	vmmcall
	hlt

	.section .note.GNU-stack, "", @progbits
