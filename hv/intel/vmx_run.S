/*
 * vmx_run.S - into the guest and back, like a call of a C function
 *
 * void vmx_launch(struct vcpu *v);
 * void vmx_resume(struct vcpu *v);
 *
 * Enter the guest of the current VMCS, whose HOST_RIP is vmx_exit_point and whose HOST_RSP is v;
 * launch if its launch state is clear, else resume.  After each exit vmx_fast(v) is asked
 * whether the guest shall go on at once: v, or NULL for no.  Then the guest's general registers
 * but RSP are in v->regs (RSP, RIP and RFLAGS are in the VMCS), and with the C caller's stack and
 * registers as they were, the rest is vmx_exited(v)'s, which returns to that caller.  If the
 * instruction fails, vmx_entry_failed(v, how) does so instead: the one place where VMfail
 * is decoded.  v->regs' RSP is destroyed in any case.
 * [SDM] "VM Entries" (27), "Loading Host State" (28.5), "VMLAUNCH/VMRESUME" (31.3)
 *
 * What a C function preserves (RBP, R12 to R15) stays the guest's while vmx_fast runs, which is
 * what makes the short way short.
 *
 * v->regs is at offset 0 of v, so an exit finds it by its stack pointer alone: no register
 * must be spilled first.  The hypervisor's own stack pointer waits in the place of the guest's
 * RSP, which is unused meanwhile.  An NMI or #MC may arrive at any time, also while the stack
 * pointer is v: their handlers have stacks of their own (IST).
 */
/* Offsets in struct gpregs, asserted in vmx_vcpu.c: 8 times the register's number. */
#define R_RAX 0
#define R_RCX 8
#define R_RDX 16
#define R_RBX 24
#define R_RSP 32
#define R_RBP 40
#define R_RSI 48
#define R_RDI 56
#define R_R8 64
#define R_R9 72
#define R_R10 80
#define R_R11 88
#define R_R12 96
#define R_R13 104
#define R_R14 112
#define R_R15 120

/* Arguments of vmx_entry_failed: asserted in vmx_vcpu.c. */
#define FAIL_INVALID 1
#define FAIL_VALID 2

	/* The C caller's registers; v on top, with which the stack is aligned to 16 bytes. */
.macro ENTER
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	mov %rsp, R_RSP(%rdi)
	mov R_RBP(%rdi), %rbp
	mov R_R12(%rdi), %r12
	mov R_R13(%rdi), %r13
	mov R_R14(%rdi), %r14
	mov R_R15(%rdi), %r15
.endm

.macro LEAVE
	pop %rdi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
.endm

	/* What a C function may change, RBX too: CPUID writes it. */
.macro LOAD_REST from
	mov R_RCX(\from), %rcx
	mov R_RDX(\from), %rdx
	mov R_RBX(\from), %rbx
	mov R_RSI(\from), %rsi
	mov R_RDI(\from), %rdi
	mov R_R8(\from), %r8
	mov R_R9(\from), %r9
	mov R_R10(\from), %r10
	mov R_R11(\from), %r11
	mov R_RAX(\from), %rax
.endm

.macro SAVE_PRESERVED
	mov %rbp, R_RBP(%rdi)
	mov %r12, R_R12(%rdi)
	mov %r13, R_R13(%rdi)
	mov %r14, R_R14(%rdi)
	mov %r15, R_R15(%rdi)
.endm

	.text
	.globl vmx_launch
	.type vmx_launch, @function
vmx_launch:
	ENTER
	mov %rdi, %rax
	LOAD_REST %rax
	vmlaunch
	jmp failed
	.size vmx_launch, . - vmx_launch

	.globl vmx_exit_point
	.type vmx_exit_point, @function
vmx_exit_point:
	mov %rax, R_RAX(%rsp)
	mov %rcx, R_RCX(%rsp)
	mov %rdx, R_RDX(%rsp)
	mov %rbx, R_RBX(%rsp)
	mov %rsi, R_RSI(%rsp)
	mov %rdi, R_RDI(%rsp)
	mov %r8, R_R8(%rsp)
	mov %r9, R_R9(%rsp)
	mov %r10, R_R10(%rsp)
	mov %r11, R_R11(%rsp)
	mov %rsp, %rdi
	mov R_RSP(%rsp), %rsp
	call vmx_fast
	test %rax, %rax
	jz leave
again:
	LOAD_REST %rax
	vmresume
	/* Still here: VMfail.  Flags: CF VMfailInvalid, ZF VMfailValid.  The stack is ours. */
failed:
	mov $FAIL_VALID, %esi
	mov $FAIL_INVALID, %eax
	cmovc %eax, %esi
	mov (%rsp), %rdi
	SAVE_PRESERVED
	LEAVE
	jmp vmx_entry_failed
leave:
	mov (%rsp), %rdi
	SAVE_PRESERVED
	LEAVE
	jmp vmx_exited
	.size vmx_exit_point, . - vmx_exit_point

	.globl vmx_resume
	.type vmx_resume, @function
vmx_resume:
	ENTER
	mov %rdi, %rax
	jmp again
	.size vmx_resume, . - vmx_resume

	.section .note.GNU-stack, "", @progbits
