/*
 * cr2.S - CR2 is the guest's own: it stays what its last page fault left, whoever else had the CPU
 *
 * Each round makes a page fault at an address that only this guest and this round have (the first
 * letter of the command line is in it), compares CR2, and goes on reading it for some slices of a
 * scheduler.  Even rounds fault by themselves; in odd ones the fault lies behind a load from device
 * memory, so that it is the hypervisor's emulation that raises it.
 */
#include "tiny.h"

#define CODE 0x08
#define DATA 0x10
#define GATE 0x8e00 /* a 32-bit interrupt gate, DPL 0, present */
#define PF 14
#define NOWHERE 0xc0000000 /* no page is there */
#define LAPIC_VERSION 0xfee00030
#define LAPIC_SLOT 0x3fb /* of the page directory */
#define LAPIC_FRAME 0xfec00000
#define LARGE_RW 0x83 /* a page directory's entry of 4 MiB: present, writable */
#define CR0_PG 0x80000000
#define CR4_PSE 0x10
#define INFO_CMDLINE 16
#define WHO_SHIFT 12
#define ROUNDS 8
#define READS 1000000

	movl INFO_CMDLINE(%ebx), %eax
	movzbl (%eax), %ebp
	shll $WHO_SHIFT, %ebp
	addl $NOWHERE, %ebp

	lgdt gdt_pointer
	lidt idt_pointer
	ljmp $CODE, $1f
1:	movl $DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $LARGE_RW, directory	/* the first 4 MiB, the local APIC, and nothing else */
	movl $(LAPIC_FRAME + LARGE_RW), directory + 4 * LAPIC_SLOT
	movl %cr4, %eax
	orl $CR4_PSE, %eax
	movl %eax, %cr4
	movl $directory, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	movl $on_pf, %eax
	movw %ax, idt + 8 * PF
	movw $CODE, idt + 8 * PF + 2
	movw $GATE, idt + 8 * PF + 4
	shrl $16, %eax
	movw %ax, idt + 8 * PF + 6

/* EBP: the address of this round. */
	say "cr2: begins\n"
	movl $ROUNDS, rounds
round:
	movl $0, faults
	movl $watch, next
	testl $1, rounds
	jnz 1f
	movl (%ebp), %eax
1:	movl $LAPIC_VERSION, %esi
	movl %ebp, %edi
	movsl
	say "cr2: no fault came\n"
	jmp end

watch:
	movl %cr2, %eax
	cmpl $1, faults
	jne lost
	movl $READS, %ecx
1:	movl %cr2, %eax
	cmpl %ebp, %eax
	jne lost
	decl %ecx
	jnz 1b
	say "cr2: kept\n"
	addl $4, %ebp
	decl rounds
	jnz round
	say "cr2: finished\n"
	jmp end
lost:
	movl %eax, %ebx
	say "cr2: lost: "
	call hex
	say " instead of "
	movl %ebp, %ebx
	call hex
	say "\n"
end:	cli
	hlt
	jmp end

/* Counts, and goes on at `next`. */
on_pf:
	incl faults
	addl $4, %esp /* the error code */
	movl next, %eax
	movl %eax, (%esp)
	iret

hex:	movl $8, %ecx
1:	roll $4, %ebx
	movl %ebx, %eax
	andl $15, %eax
	movb digits(%eax), %al
	movw $COM1, %dx
	outb %al, %dx
	loop 1b
	ret

	.section .rodata
digits:	.ascii "0123456789abcdef"
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
idt_pointer:
	.word 32 * 8 - 1
	.long idt

	.bss
	.balign 4096
directory:
	.skip 4096
idt:	.skip 32 * 8
next:	.skip 4
rounds:	.skip 4
faults:	.skip 4
