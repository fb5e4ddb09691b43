/*
 * lme.S - a guest that exits with EFER.LME set while neither paging nor PAE is
 *
 * The manuals leave the order of LME and PAE open, before paging begins: [APM] vol. 2
 * "Activating Long Mode" (14.6).  QEMU 7.2 does not restore the host's CR0 at the #VMEXIT of such a
 * guest.
 */
#include "tiny.h"

#define CR4_PAE 0x20
#define EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_LMA 0x400
#define PORT 0x80 /* nobody listens */

	movl %cr4, %eax
	andl $~CR4_PAE, %eax
	movl %eax, %cr4
	movl $EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	outb %al, $PORT			/* exits */
	xorl %eax, %eax
	cpuid
	movl $EFER, %ecx
	rdmsr
	andl $EFER_LME | EFER_LMA, %eax
	cmpl $EFER_LME, %eax
	jne wrong
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	rdmsr
	andl $EFER_LME | EFER_LMA, %eax
	cmpl $EFER_LME, %eax
	jne wrong
	rdmsr
	andl $~EFER_LME, %eax
	wrmsr
	rdmsr
	testl $EFER_LME, %eax
	jnz wrong
	say "lme: goes on\n"
1:	hlt
	jmp 1b
wrong:	say "lme: lost\n"
	jmp 1b
