/*
 * frames.S - a card that says it is somebody else
 *
 * Sends frames of 60 bytes, to all, from: its own address; one that nobody has, 02:00 and the four
 * bytes of seed=XXXXXXXX; its neighbour's, 02:00:00:00:00:02; a group's.  Receives nothing.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Network Device" (5.1).
 */
#include "driver.h"

#define HEADER 12
#define FRAME 60
#define SOURCE 6 /* the sender's address in a frame */

main:	movl $1, queue
	mov $VIRTIO_NET, %eax
	call pci_find
	xor %eax, %eax
	call virtio_up

	/* To all, of a protocol for experiments. */
	movl $0xffffffff, frame
	movw $0xffff, frame + 4
	movw $0xb588, frame + 12
	mov regs, %edi
	mov CONFIG(%edi), %eax
	mov %eax, frame + SOURCE
	mov CONFIG + 4(%edi), %ax
	mov %ax, frame + SOURCE + 4
	mov $1, %eax
	call send

	movw $0x0002, frame + SOURCE
	get_option seed
	mov $frame + SOURCE + 2, %edi
	mov $4, %ecx
0:	call digit
	shl $4, %eax
	mov %eax, %ebx
	call digit
	or %ebx, %eax
	stosb
	loop 0b
	mov $2, %eax
	call send

	movl $0x00000002, frame + SOURCE
	movw $0x0200, frame + SOURCE + 4
	mov $3, %eax
	call send

	movl $0x00000003, frame + SOURCE
	mov $4, %eax
	call send
	say "sent 4 frames\n"
	ret

/* The next hexadecimal digit at ESI, into EAX. */
digit:	movzbl (%esi), %eax
	inc %esi
	sub $'0', %eax
	cmp $9, %eax
	jbe 1f
	sub $'a' - '0' - 10, %eax
1:	ret

/* The frame, as number EAX in all. */
send:	describe 0, $header, $HEADER + FRAME, 0
	jmp go

	.section .bss
	.balign 16
header:	.skip HEADER
frame:	.skip FRAME
