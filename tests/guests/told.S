/*
 * told.S - prints what a boot loader told it, and ends with status 1: registers, the information
 * structure, modules with their first four bytes, the memory map
 */
#include "tiny.h"

#define EXIT_PORT 0xf4
#define INFO_MODS_COUNT 20
#define INFO_MODS 24
#define INFO_MMAP_LENGTH 44
#define INFO_MMAP 48

/* text and a number; all registers but EBX, EBP and EDI are lost */
.macro tell text, value
	movl \value, %ecx
	say "\text"
	call put_number
.endm

/* text and the string at an address, in quotes */
.macro quote text, address
	movl \address, %ecx
	say "\text"
	call put_string
.endm

	movl %eax, %ebp
	tell "magic ", %ebp
	tell "\nflags ", 0(%ebx)
	tell "\nmem_lower ", 4(%ebx)
	tell "\nmem_upper ", 8(%ebx)
	tell "\nboot_device ", 12(%ebx)
	quote "\ncmdline ", 16(%ebx)
	quote "\nloader ", 64(%ebx)
	tell "\nmodules ", INFO_MODS_COUNT(%ebx)
	movl INFO_MODS(%ebx), %edi
	movl INFO_MODS_COUNT(%ebx), %ebp
modules:
	decl %ebp
	js map
	tell "\nmodule ", 0(%edi)
	tell " ", 4(%edi)
	movl 0(%edi), %eax
	tell " ", (%eax)
	quote " ", 8(%edi)
	addl $16, %edi
	jmp modules

map:
	tell "\nmmap ", INFO_MMAP_LENGTH(%ebx)
	movl INFO_MMAP(%ebx), %edi
	movl INFO_MMAP_LENGTH(%ebx), %ebp
	addl %edi, %ebp
1:	cmpl %ebp, %edi
	jae done
	tell "\narea ", 8(%edi)
	tell " ", 4(%edi)
	tell " ", 16(%edi)
	tell " ", 12(%edi)
	tell " ", 20(%edi)
	addl 0(%edi), %edi
	addl $4, %edi
	jmp 1b

done:
	say "\n"
	movb $0, %al
	outb %al, $EXIT_PORT
	jmp .

/* ECX in hexadecimal. */
put_number:
	movw $COM1, %dx
	movl $8, %esi
1:	roll $4, %ecx
	movl %ecx, %eax
	andl $15, %eax
	movb digits(%eax), %al
	outb %al, %dx
	decl %esi
	jnz 1b
	ret

put_string:
	movw $COM1, %dx
	movb $'"', %al
	outb %al, %dx
	movl %ecx, %esi
	call tiny_say
	movb $'"', %al
	outb %al, %dx
	ret

	.section .rodata
digits:
	.ascii "0123456789abcdef"
