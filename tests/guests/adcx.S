/*
 * adcx.S - a guest that exits with what ADCX leaves in RFLAGS
 *
 * QEMU 7.2 takes the carry of ADCX with 32-bit operands from all 64 bits of its registers and puts
 * it into RFLAGS as it is: with upper halves that are not zero, reserved bits are set.  A CPU
 * leaves CF.  Either way the guest must go on.
 */
#include "tiny64.h"

#define CODE64 0x08
#define PAT 0x277
#define RESERVED_BIT 30
#define ROUNDS 1000

	activate_long_mode
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
