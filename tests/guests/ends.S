/*
 * ends.S - ends its machine in the way that the last word of its command line says
 *
 *   vXX        byte XX to the exit port      wXXXXXXXX  a double word (hexadecimal, small letters)
 *   k, c       reset by the keyboard controller, by port 0xcf9
 *   t          triple fault                  p          soft off, by the PIIX4
 *   h          HLT with interrupts off       s          an endless loop
 *   i          all input comes back, every byte plus 1, until 'q'; then as v01
 *   o          300000 bytes of output, a line each 16; then as v03
 *   d          text to port 0xe9 and a line that looks like the hypervisor's; then as v02
 */
#include "tiny.h"

#define INFO_CMDLINE 16
#define EXIT_PORT 0xf4
#define KBC_COMMAND 0x64
#define KBC_RESET 0xfe
#define RESET_CONTROL 0xcf9
#define RESET_HARD 6
#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PIIX4_PMBA 0x80000b40 /* 00:01.3, register 0x40 */
#define PM_CONTROL 4
#define SOFT_OFF 0x2000
#define DEBUG_PORT 0xe9
#define LSR 5
#define OUTPUT 300000

	movl INFO_CMDLINE(%ebx), %esi
last_word:
	movl %esi, %edi
1:	lodsb
	cmpb $' ', %al
	je last_word
	testb %al, %al
	jnz 1b
	movb (%edi), %al
	leal 1(%edi), %esi
	cmpb $'v', %al
	je byte
	cmpb $'w', %al
	je dword
	cmpb $'k', %al
	je keyboard
	cmpb $'c', %al
	je control
	cmpb $'t', %al
	je triple
	cmpb $'p', %al
	je power
	cmpb $'h', %al
	je halt
	cmpb $'i', %al
	je input
	cmpb $'o', %al
	je output
	cmpb $'d', %al
	je forge
	say "ends: spinning\n"
	jmp .

/* The number at ESI in EBX. */
number:
	xorl %ebx, %ebx
1:	movzbl (%esi), %eax
	incl %esi
	testl %eax, %eax
	jz 2f
	subl $'0', %eax
	cmpl $9, %eax
	jbe 3f
	subl $'a' - '0' - 10, %eax
3:	shll $4, %ebx
	orl %eax, %ebx
	jmp 1b
2:	ret

byte:
	call number
	movb %bl, %al
	outb %al, $EXIT_PORT
	jmp .

dword:
	call number
	movl %ebx, %eax
	outl %eax, $EXIT_PORT
	jmp .

keyboard:
	say "ends: reset\n"
	movb $KBC_RESET, %al
	outb %al, $KBC_COMMAND
	jmp .

control:
	say "ends: reset\n"
	movw $RESET_CONTROL, %dx
	movb $RESET_HARD, %al
	outb %al, %dx
	jmp .

triple:
	say "ends: triple fault\n"
	lidt no_idt
	ud2

power:
	say "ends: off\n"
	movl $PIIX4_PMBA, %eax
	movw $PCI_ADDRESS, %dx
	outl %eax, %dx
	movw $PCI_DATA, %dx
	inl %dx, %eax
	andl $0xffc0, %eax
	leal PM_CONTROL(%eax), %edx
	movw $SOFT_OFF, %ax
	outw %ax, %dx
	jmp .

halt:
	say "ends: halted\n"
1:	hlt
	jmp 1b

input:
	movw $COM1 + LSR, %dx
1:	inb %dx, %al
	testb $1, %al
	jz 1b
	movw $COM1, %dx
	inb %dx, %al
	cmpb $'q', %al
	je 2f
	incb %al
	outb %al, %dx
	jmp input
2:	movb $1, %al
	outb %al, $EXIT_PORT
	jmp .

output:
	movw $COM1, %dx
	movl $OUTPUT, %ecx
1:	movb %cl, %al
	andb $15, %al
	addb $'A', %al
	testb $15, %cl
	jnz 2f
	movb $'\n', %al
2:	outb %al, %dx
	loop 1b
	movb $3, %al
	outb %al, $EXIT_PORT
	jmp .

forge:
	say "espejo: emulator status 77\n"
	say "espejo: exit status 78\n"
	movl $forged, %esi
1:	lodsb
	outb %al, $DEBUG_PORT
	testb %al, %al
	jnz 1b
	movb $2, %al
	outb %al, $EXIT_PORT
	jmp .

	.section .rodata
no_idt:
	.word 0
	.long 0
forged:
	.asciz "\nespejo: emulator status 79\n"
