/*
 * bytes.S - moves kib=N KiB through a device of registers, byte by byte
 *
 * The serial port is in loopback, so that nothing of it is on the line.  way=string: by REP OUTSB.
 */
#include "driver.h"

#define MCR (COM1 + 4)
#define LOOP 0x10

main:	mov $MCR, %edx
	mov $LOOP, %al
	out %al, %dx
	get_number kib
	shl $10, %eax
	mov %eax, %ebx
	get_option way
	mov %ebx, %ecx
	mov $COM1, %edx
	test %esi, %esi
	mov $0x200000, %esi
	jnz 1f
0:	lodsb
	out %al, %dx
	loop 0b
	jmp 2f
1:	rep outsb
2:	mov $MCR, %edx
	xor %eax, %eax
	out %al, %dx
	say "moved by "
	mov %ebx, %eax
	call put_decimal
	say " bytes\n"
	ret
