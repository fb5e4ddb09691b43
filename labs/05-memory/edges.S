/*
 * edges.S - what is not simply RAM
 *
 * A PC has addresses that nothing answers to, memory that cannot be written and a screen made of
 * memory; and a hypervisor may give RAM when it is touched, no earlier.  This guest tries each of
 * them; the number on the command line is what it stores.
 *
 * Source of the shadowing: Intel 82441FX, "PAM - Programmable Attribute Map Registers": register
 * 0x59, its high half for 0xf0000-0xfffff; bit 4 reads RAM, bit 5 writes RAM.
 */
#include "guest.h"

#define UNTOUCHED 0x400000
#define LOADS 64
#define NOWHERE 0x50000000
#define AREA 0xf4000
#define SCREEN 0xb8000
#define GREY 0x07
#define CELLS (4 * 80) /* some lines: the first of them has text */
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define PAM_DWORD 0x80000058 /* bus 0, device 0, function 0, register 0x58 */
#define PAM0 1 /* the byte in it */
#define READ_RAM 0x10
#define WRITE_RAM 0x20

	.macro pam state
	mov $PAM_DWORD, %eax
	mov $CONFIG_ADDRESS, %edx
	out %eax, %dx
	mov $(\state), %al
	mov $CONFIG_DATA + PAM0, %edx
	out %al, %dx
	.endm

	say "edges: begins\n"
	/* RAM that nobody has touched: the first load brings it, the others find it. */
	mov $UNTOUCHED, %esi
	mov $LOADS, %ecx
	xor %edi, %edi
1:	or (%esi), %edi
	add $4, %esi
	loop 1b
	say "edges: RAM that nobody wrote: "
	say_hex %edi
	say "\n"

	mov %ebx, NOWHERE
	mov NOWHERE, %ecx
	say "edges: where nothing is: "
	say_hex %ecx
	say "\n"

	pam READ_RAM | WRITE_RAM
	mov %ebx, AREA
	pam READ_RAM
	notl AREA	/* reads it, and cannot write it */
	mov AREA, %ecx
	say "edges: read-only: "
	say_hex %ecx
	say "\n"

	/* Text, then blanks: many stores, one of which must be noticed. */
	mov $text, %esi
	mov $SCREEN, %edi
	mov $CELLS, %ecx
	mov $GREY, %ah
1:	mov $' ', %al
	cmpb $0, (%esi)
	je 2f
	lodsb
2:	mov %ax, (%edi)
	add $2, %edi
	loop 1b
	say "edges: done\n"
	end_here

	.data
text:
	.asciz "written to the screen"
