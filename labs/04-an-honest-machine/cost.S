/*
 * cost.S - what an exit costs, in ticks of the TSC
 *
 * First the ticks of one round of each kind, from a thousand rounds; then those of a piece of
 * work whose parts the command line tells (decimal): fixed=N leaf=N msr=N out=N in=N load=N
 * spin=N rounds of each.  The work's ticks can be told before, from the costs and from a run
 * on the bare machine.
 *
 * The numbers are instructions where one instruction is one tick: on Bochs, and on QEMU
 * with --icount.
 */
#include "honest.h"

#define ROUNDS 1000
#define LEAF_FIXED 0x80000000
#define LEAF_FEATURES 1
#define MSR_APIC_BASE 0x1b
#define UART_SCRATCH (COM1 + 7)

	.equ APIC_VERSION, 0xfee00030

	/* One kind: its name, which is also an option's. */
	.macro KIND name
	.long 5f, 6f, \name
	.pushsection .data, 1
5:	.asciz "\name="
6:	.asciz "\name"
	.popsection
	.endm

	.bss
	.balign 4
begun:	.skip 4
digits:	.skip 12

	.data
	.balign 4
kinds:
	KIND fixed
	KIND leaf
	KIND msr
	KIND out
	KIND in
	KIND load
	KIND spin
kinds_end:
	.text

/* One round of each; EBP and EDI stay. */
fixed:
	movl $LEAF_FIXED, %eax
	cpuid
	ret
leaf:
	movl $LEAF_FEATURES, %eax
	cpuid
	ret
msr:
	movl $MSR_APIC_BASE, %ecx
	rdmsr
	ret
out:
	movl $UART_SCRATCH, %edx
	outb %al, %dx
	ret
in:
	movl $UART_SCRATCH, %edx
	inb %dx, %al
	ret
load:
	movl APIC_VERSION, %eax
spin:
	ret

main:
	movl $10, radix
	movl $kinds, %edi
1:	movl 4(%edi), %esi
	call say
	call start
	movl $ROUNDS, %ebp
	call rounds
	call ticks
	xorl %edx, %edx
	movl $ROUNDS, %ecx
	divl %ecx
	call say_number
	addl $12, %edi
	cmpl $kinds_end, %edi
	jb 1b

	movl $work, %esi
	call say
	call start
	movl $kinds, %edi
2:	xorl %eax, %eax
	movl (%edi), %esi
	pushl %edi
	call option
	popl %edi
	movl %eax, %ebp
	call rounds
	addl $12, %edi
	cmpl $kinds_end, %edi
	jb 2b
	call ticks
	call say_number
	jmp end_machine

/* EBP rounds of the kind at EDI. */
rounds:
	testl %ebp, %ebp
	jz 2f
1:	call *8(%edi)
	decl %ebp
	jnz 1b
2:	ret

start:
	rdtsc
	movl %eax, begun
	ret

/* EAX: since start. */
ticks:
	rdtsc
	subl begun, %eax
	ret

say:
	lodsb
	testb %al, %al
	jz 1f
	call put
	jmp say
1:	ret

/* " EAX", decimal, and a new line. */
say_number:
	movl $digits + 11, %esi
	movb $0, (%esi)
	movl $10, %ecx
1:	xorl %edx, %edx
	divl %ecx
	addb $'0', %dl
	decl %esi
	movb %dl, (%esi)
	testl %eax, %eax
	jnz 1b
	decl %esi
	movb $' ', (%esi)
	call say
	movb $'\n', %al
	jmp put

	.data
work:	.asciz "work"
