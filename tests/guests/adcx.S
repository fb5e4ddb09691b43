/*
 * adcx.S - a guest that exits with what ADCX leaves in RFLAGS
 *
 * QEMU 7.2 takes the carry of ADCX with 32-bit operands from all 64 bits of its registers and puts
 * it into RFLAGS as it is: with upper halves that are not zero, reserved bits are set.  A CPU
 * leaves CF.  Either way the guest must go on.
 */
#include "tiny.h"

#define CODE64 0x08
#define LARGE_RW 0x83
#define TABLE_RW 0x03
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define PAT 0x277
#define EFER 0xc0000080
#define EFER_LME 0x100
#define RESERVED_BIT 30
#define ROUNDS 1000

	movl $pdpt + TABLE_RW, pml4
	movl $pd + TABLE_RW, pdpt
	movl $LARGE_RW, pd
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	lgdt gdt_pointer
	ljmp $CODE64, $1f

	.code64
1:	movl $PAT, %ecx
	rdmsr
	xorl %ebx, %ebx
	btsq $(32 + RESERVED_BIT), %rbx
	movl $ROUNDS, %edi
2:	xorl %esi, %esi
	adcxl %ebx, %esi
	wrmsr			/* exits, and what VMRUN loads is looked at again */
	decl %edi
	jnz 2b
	say "adcx: goes on\n"
3:	hlt
	jmp 3b

	.section .rodata
gdt:	.quad 0, 0x00af9b000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.bss
	.balign 4096
pml4:	.skip 4096
pdpt:	.skip 4096
pd:	.skip 4096
