/*
 * registers.S - what the registers of a serial port do when one writes to them
 *
 * Says, on the port that it looks at, what it reads back: seed=XXXXXXXX gives the values.  The same
 * lines come from a machine without a hypervisor, since the port is the same:
 *
 *	tools/run --machine qemu-bare --append seed=12345678 build/labs/08-devices/registers.elf
 *
 * Source: National Semiconductor, "PC16550D", 8 "Registers".
 */
#include "driver.h"

#define DLL COM1
#define DLM (COM1 + 1)
#define RBR COM1
#define IER (COM1 + 1)
#define IIR (COM1 + 2)
#define FCR (COM1 + 2)
#define MCR (COM1 + 4)
#define LSR (COM1 + 5)
#define MSR (COM1 + 6)
#define SCRATCH (COM1 + 7)
#define DLAB 0x80
#define OUT2 0x08
#define LOOP 0x10
#define IER_THRE 2

	.macro write port, value
	mov $\port, %edx
	mov \value, %al
	out %al, %dx
	.endm

	/* A byte, or EAX, behind a text: kept in memory while the text is being said. */
	.macro keep_port n, port
	mov $\port, %edx
	in %dx, %al
	mov %al, kept + \n
	.endm

	.macro say_byte n
	movzbl kept + \n, %eax
	mov $2, %cl
	call put_hex
	.endm

main:	get_option seed
	mov $0x5a, %ebx
	test %esi, %esi
	jz 2f
	/* The seed's digits, folded to four bytes of values in EBX. */
	xor %ebx, %ebx
0:	movzbl (%esi), %eax
	inc %esi
	sub $'0', %al
	jb 2f
	cmp $9, %al
	jbe 1f
	sub $'a' - '0' - 10, %al
	cmp $15, %al
	ja 2f
1:	shl $4, %ebx
	or %eax, %ebx
	jmp 0b

	/* The divisor latch: the first two registers are others while DLAB is set. */
2:	write IER, $0
	write LINE_CONTROL, $DLAB | LINE_8BITS
	write DLL, %bl
	write DLM, %bh
	write FCR, $1
	keep_port 0, DLL
	keep_port 1, DLM
	write LINE_CONTROL, $LINE_8BITS
	keep_port 2, IER
	keep_port 3, IIR
	write FCR, $0
	keep_port 4, IIR
	write LINE_CONTROL, $DLAB | LINE_8BITS
	keep_port 5, DLL
	write DLL, $1
	write DLM, $0
	write LINE_CONTROL, $LINE_8BITS
	say "divisor: "
	say_byte 1
	say_byte 0
	say ", still "
	say_byte 5
	say ", IER "
	say_byte 2
	say ", IIR "
	say_byte 3
	say " and without FIFOs "
	say_byte 4
	say "\n"

	/* What is only there to be read, and what is only there to be kept. */
	write LSR, $0xff
	write MSR, $0xff
	mov %ebx, %eax
	shr $16, %eax
	mov $SCRATCH, %edx
	out %al, %dx
	keep_port 0, MSR
	keep_port 1, LSR
	keep_port 2, SCRATCH
	say "scratch: "
	say_byte 2
	say ", MSR "
	say_byte 0
	say ", LSR "
	say_byte 1
	say "\n"

	/* Loopback: what is sent comes back, and nothing of it is on the line. */
	write MCR, $LOOP | 2
	mov %ebx, %eax
	shr $24, %eax
	mov $COM1, %edx
	out %al, %dx
	keep_port 0, LSR
	keep_port 1, RBR
	keep_port 2, MSR
	write MCR, $0
	say "loop: "
	say_byte 1
	say ", LSR "
	say_byte 0
	say ", MSR "
	say_byte 2
	say "\n"

	/* An access as wide as four registers: MCR, LSR, MSR and SCR. */
	mov %ebx, %eax
	shl $24, %eax
	or $0xffff00 | OUT2, %eax
	mov $MCR, %edx
	out %eax, %dx
	keep_port 0, MCR
	keep_port 1, SCRATCH
	/* And two: the divisor in one go. */
	write LINE_CONTROL, $DLAB | LINE_8BITS
	mov $DLL, %edx
	mov %ebx, %eax
	shr $8, %eax
	out %ax, %dx
	keep_port 2, DLL
	keep_port 3, DLM
	write LINE_CONTROL, $LINE_8BITS
	write MCR, $0
	say "wide: "
	say_byte 0
	say_byte 1
	say ", "
	say_byte 3
	say_byte 2
	say "\n"

	/* The transmitter says that it is empty: when it is asked to, and behind each byte. */
	write MCR, $OUT2
	write IER, $IER_THRE
	keep_port 0, IIR
	keep_port 1, IIR
	write COM1, $'.'
	keep_port 2, IIR
	keep_port 3, IIR
	write IER, $0
	write MCR, $0
	say " interrupts: "
	say_byte 0
	say_byte 1
	say_byte 2
	say_byte 3
	say "\n"
	ret

	.section .bss
kept:	.skip 8
