/*
 * boot.S - the start of the task guest, and the code that its tasks run
 *
 * Owns: multiboot header, entry; trampolines that need exact instructions.
 * Must not know: what is expected of a switch (task.c).
 *
 * Sources: Multiboot Specification 0.6.96 "OS image format" (3.1), "Machine state" (3.2).
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_MEMORY 2
#define STACK_SIZE 8192

	.section .multiboot, "awx"
	.balign 4
	.globl image_start
image_start:
	.long MULTIBOOT_MAGIC, MULTIBOOT_MEMORY, -(MULTIBOOT_MAGIC + MULTIBOOT_MEMORY)

	.bss
	.balign 16
	.skip STACK_SIZE
stack_top:
	.globl resume_esp
resume_esp:
	.long 0

	.section .note.GNU-stack, "", @progbits

/*
 * First in the image, within 64 KiB of its base: what a task of 16 bits runs, in a code segment
 * with that base.  The flags and the stack it has got go to fixed places; then it returns.
 */
	.section .multiboot
	.code32
	.globl task16_entry
task16_entry:
	pushfl
	popl %eax
	movl %eax, %ss:task16_flags - image_start
	movl %esp, %ss:task16_esp - image_start
	movl %ecx, %ss:task16_ecx - image_start
	str %ax
	movw %ax, %ss:task16_tr - image_start
	iret
	jmp task16_entry

	.balign 4
	.globl task16_flags, task16_esp, task16_ecx, task16_tr
task16_flags: .long 0
task16_esp: .long 0
task16_ecx: .long 0
task16_tr: .long 0

	.text
	.globl entry
entry:
	cli
	cld
	movl $stack_top, %esp
	pushl %ebx
	call main
1:	hlt
	jmp 1b

/* void try(void (*what)(void)): whatever fault ends it, the recovery comes back to try_resume. */
	.globl try, try_resume
try:
	pushl %ebp
	movl %esp, %ebp
	pushal
	movl %esp, resume_esp
	call *8(%ebp)
try_resume:
	movl resume_esp, %esp
	popal
	popl %ebp
	ret

/* One entry for each vector whose gate is a task gate: 8, 10 to 14 with error codes, 6 without. */
	.macro fault vector, error
	.globl fault\vector
fault\vector:
	.if \error
	popl %eax
	.else
	movl $-1, %eax
	.endif
	pushl %eax
	pushl $\vector
	call faulted
	.endm
	fault 6, 0
	fault 8, 1
	fault 10, 1
	fault 11, 1
	fault 12, 1
	fault 13, 1
	fault 14, 1

/* #DB by an interrupt gate. */
	.globl debug_entry
debug_entry:
	pushal
	leal 32(%esp), %eax
	pushl %eax
	call debugged
	addl $4, %esp
	popal
	iret

/* Tasks: they report, and go back in their own ways. */
	.globl task_iret, task_jmp, task_irq
task_iret:
	call report
	iret
	jmp task_iret
task_jmp:
	call report
	ljmp $0x18, $0
	jmp task_jmp
task_irq:
	call ticked
	iret
	jmp task_irq

/* In virtual-8086 mode: HLT is not allowed there. */
	.globl v86_code, v86_end
	.code16
v86_code:
	movw $0x1234, %ax
	hlt
v86_end:
