/*
 * wrap.S - instructions that exit and end at 4 GiB: the next one is at 0, for EIP has 32 bits
 *
 * The last page of linear memory and the first one are RAM.  At the very end lies CPUID, then MOV
 * to CR0 of a bit that no guest changes alone; at 0 lies a jump back.
 */
#include "tiny.h"

#define LARGE_RW 0x83 /* a page directory's entry of 4 MiB: present, writable */
#define LAST 0x3ff
#define END 0x400000 /* physical, of what the last 4 MiB are mapped to */
#define CR0_PG 0x80000000
#define CR0_CD 0x40000000
#define CR4_PSE 0x10

	movl $LARGE_RW, directory
	movl $LARGE_RW, directory + 4 * LAST
	movl %cr4, %eax
	orl $CR4_PSE, %eax
	movl %eax, %cr4
	movl $directory, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	movw jump, %ax
	movw %ax, 0

	say "wrap: begins\n"
	movw cpuid, %ax
	movw %ax, END - 2
	xorl %eax, %eax
	movl $1f, %ebp
	movl $-2, %edi
	jmp *%edi
1:	say "wrap: CPUID\n"

	movw mov_cr0, %ax
	movw %ax, END - 3
	movb mov_cr0 + 2, %al
	movb %al, END - 1
	movl %cr0, %eax
	xorl $CR0_CD, %eax
	movl %eax, %ecx
	movl $1f, %ebp
	movl $-3, %edi
	jmp *%edi
1:	movl %cr0, %eax
	cmpl %ecx, %eax
	jne 1f
	say "wrap: MOV to CR0\n"
1:	hlt
	jmp 1b

	.section .rodata
jump:	jmp *%ebp
cpuid:	cpuid
mov_cr0:
	movl %eax, %cr0

	.bss
	.balign 4096
directory:
	.skip 4096
