/*
 * sched_switch.S - from one kernel stack to another
 *
 * Owns: the frame of a process that does not run: the registers that a C function must preserve.
 * process.c builds the same frame for a new process.
 */
	.text
/* void sched_switch(u64 *save_rsp, u64 load_rsp): returns on the other stack. */
	.globl sched_switch
sched_switch:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.section .note.GNU-stack, "", @progbits
