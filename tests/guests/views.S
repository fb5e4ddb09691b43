/*
 * views.S - what the bridge does to memory below 1 MiB, and text on the screen
 *
 * Sources: Intel 82441FX, "PAM - Programmable Attribute Map Registers": PAM0 at 0x59, its high half
 * for 0xf0000-0xfffff; bit 0 reads RAM, bit 1 writes RAM.
 */
#include "tiny.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define PAM_DWORD 0x80000058	/* bus 0, device 0, function 0, register 0x58 */
#define PAM0 1	/* the byte in it */
#define READ_RAM 0x10
#define WRITE_RAM 0x20

#define AREA 0xf0000
#define CODE 0xf8000
#define SCREEN 0xb8000
#define COLUMNS 80
#define ROWS 25
#define CRTC 0x3d4
#define STATUS 0x3da
#define RETRACE 8
#define GREY 0x07

	/* PAM0 becomes state. */
	.macro pam state
	movl $PAM_DWORD, %eax
	movw $CONFIG_ADDRESS, %dx
	outl %eax, %dx
	movb $(\state), %al
	movw $CONFIG_DATA + PAM0, %dx
	outb %al, %dx
	.endm

	/* AREA holds value, or it is said what does not. */
	.macro expect value, what
	cmpl $(\value), AREA
	je 1f
	say "views: FAILED: \what\n"
	jmp over
1:
	.endm

	pam READ_RAM | WRITE_RAM
	movl $0x11111111, AREA
	expect 0x11111111, "RAM that is read and written"

	pam READ_RAM
	expect 0x11111111, "RAM that is read only"
	movl $0x22222222, AREA
	expect 0x11111111, "a store that is lost"
	movl $3, %eax
	xchgl %eax, AREA
	cmpl $0x11111111, %eax
	jne bad
	expect 0x11111111, "an exchange that is lost"
	lock incl AREA
	orb $0xff, AREA
	expect 0x11111111, "a locked increment that is lost"
	movl $AREA, %edi
	movl $0x4000, %ecx
	movl $0x55555555, %eax
	rep stosl
	expect 0x11111111, "a string store that is lost"
	cmpl $0, AREA + 0xeffc	/* the page behind holds firmware */
	jne bad
	movl $0x33333333, AREA + 0x10000	/* RAM above is as it was */
	cmpl $0x33333333, AREA + 0x10000
	jne bad
	say "views: lost\n"

	/* No ROM is there: reads give ones; what is written shows later. */
	pam WRITE_RAM
	expect 0xffffffff, "nothing to be read"
	movl $0x66666666, AREA
	addb $1, AREA
	expect 0xffffffff, "nothing to be read after a store"
	pam 0
	movl $0x77777777, AREA
	expect 0xffffffff, "nothing at all"
	pam READ_RAM | WRITE_RAM
	cmpb $0, AREA
	jne bad
	cmpb $0x66, AREA + 3
	jne bad
	movl $0x12345678, AREA
	say "views: shadowed\n"

	/* Code in memory that it cannot change. */
	movl $carried, %esi
	movl $CODE, %edi
	movl $carried_end - carried, %ecx
	rep movsb
	pam READ_RAM
	movl $CODE, %eax
	call *%eax
	cmpl $0xc0de, %eax
	jne bad
	cmpb $0, CODE + 0x1000
	jne bad
	say "views: code runs there\n"
	pam READ_RAM | WRITE_RAM

	/* The screen: thirty lines, scrolled by copying, the cursor behind them. */
	movl $1, %ebp
	xorl %ebx, %ebx
line:	cmpl $ROWS - 1, %ebx
	jb 2f
	movl $SCREEN + 2 * COLUMNS, %esi
	movl $SCREEN, %edi
	movl $(ROWS - 1) * COLUMNS / 2, %ecx
	rep movsl
	movl $COLUMNS / 2, %ecx
	movl $0x07200720, %eax
	rep stosl
	movl $ROWS - 2, %ebx
2:	imull $2 * COLUMNS, %ebx, %edi
	addl $SCREEN, %edi
	movl $text, %esi
	movb $GREY, %ah
3:	lodsb
	testb %al, %al
	jz 4f
	stosw
	jmp 3b
4:	movl %ebp, %eax	/* the number, two digits */
	movb $10, %cl
	divb %cl
	addw $0x3030, %ax
	movb %ah, %cl
	movb $GREY, %ah
	stosw
	movb %cl, %al
	stosw
	incl %ebx
	imull $COLUMNS, %ebx, %ecx
	movw $CRTC, %dx
	movb $0x0e, %al
	movb %ch, %ah
	outw %ax, %dx
	movb $0x0f, %al
	movb %cl, %ah
	outw %ax, %dx
	movw $STATUS, %dx	/* a frame per line: slow enough to be seen */
5:	inb %dx, %al
	testb $RETRACE, %al
	jz 5b
6:	inb %dx, %al
	testb $RETRACE, %al
	jnz 6b
	incl %ebp
	cmpl $30, %ebp
	jbe line
	/* Silent for some frames: all of the screen is told before the last words. */
	movl $8, %ecx
	movw $STATUS, %dx
7:	inb %dx, %al
	testb $RETRACE, %al
	jz 7b
8:	inb %dx, %al
	testb $RETRACE, %al
	jnz 8b
	decl %ecx
	jnz 7b
	cmpl $0x076c0773, SCREEN	/* "sl": what was written is read */
	jne bad
	say "views: done\n"
	jmp over

bad:	say "views: FAILED\n"
over:	cli
	hlt
	jmp over

carried:
	movl $0xc0de, %eax
	movb $1, CODE + 0x1000
	ret
carried_end:

	.section .rodata
text:	.asciz "slowly said "
