/*
 * driver.h - what the guests of lab 8 have in common: words, PCI, a virtio driver that can lie
 *
 * 32-bit protected mode, no paging, no interrupts.  Every routine may change EAX, ECX, EDX, ESI and
 * EDI, and keeps EBX and EBP.  The registers lie where our devices have them (hv/dev/virtio_pci.h);
 * a driver for the world looks for them in the capabilities, as guest-os/virtio.c does.
 *
 * Sources: Multiboot Specification, "Boot information format" (3.3); OASIS, "Virtual I/O Device
 * (VIRTIO) Version 1.2", "Device Initialization" (3.1), "Split Virtqueues" (2.7).
 */
#ifndef LAB8_DRIVER_H
#define LAB8_DRIVER_H

#define MULTIBOOT_MAGIC 0x1badb002
#define INFO_COMMAND_LINE 16
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_8BITS 3
#define EXIT_PORT 0xf4

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE 0x80000000
#define PCI_COMMAND 0x04
#define PCI_BAR0 0x10
#define PCI_BAR2 0x18
#define PCI_ALL 7 /* ports, memory, and bus master: it may touch RAM */
#define VIRTIO_NET 0x10411af4
#define VIRTIO_BLK 0x10421af4

/* In the registers' BAR */
#define FEATURE_SELECT 0x08
#define FEATURE 0x0c
#define STATUS 0x14
#define QUEUE_SELECT 0x16
#define QUEUE_SIZE 0x18
#define QUEUE_ENABLE 0x1c
#define QUEUE_DESC 0x20
#define QUEUE_DRIVER 0x28
#define QUEUE_DEVICE 0x30
#define ISR 0x1000
#define CONFIG 0x2000
#define NOTIFY 0x3000

#define ACKNOWLEDGE 1
#define DRIVER 3
#define FEATURES_OK 0x0b
#define DRIVER_OK 0x0f
#define NEEDS_RESET 0x40
#define F_INDIRECT 0x10000000
#define F_EVENT_IDX 0x20000000

#define RING 8 /* descriptors in a queue */
#define D_NEXT 1
#define D_WRITE 2
#define D_INDIRECT 4
#define NO_INTERRUPT 1

/* The parts of the queue, all in one page; behind the table there is room for what is beyond it. */
#define DESC(n) (ring + 16 * (n))
#define AVAIL_FLAGS (ring + 1024)
#define AVAIL_IDX (ring + 1026)
#define AVAIL(n) (ring + 1028 + 2 * (n))
#define USED_EVENT AVAIL(RING)
#define USED_IDX (ring + 2050)
#define USED_LEN(n) (ring + 2056 + 8 * (n))

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.macro say text
	.section .data
9:	.asciz "\text"
	.text
	mov $9b, %esi
	call puts
	.endm

	/* Descriptor n: address, len, flags, next. */
	.macro describe n, address, len, flags, next=0
	movl \address, DESC(\n)
	movl $0, DESC(\n) + 4
	movl \len, DESC(\n) + 8
	movl $((\flags) | (\next) << 16), DESC(\n) + 12
	.endm

	.text
	.globl _start
_start:
	mov $stack, %esp
	cld
	mov INFO_COMMAND_LINE(%ebx), %eax
	mov %eax, command_line
	mov $LINE_CONTROL, %edx
	mov $LINE_8BITS, %al
	out %al, %dx
	call main
	xor %eax, %eax
	out %al, $EXIT_PORT
	cli
0:	hlt
	jmp 0b

/* ---- Words ------------------------------------------------------------------ */

/* The text at ESI, up to a zero. */
puts:
	mov $COM1, %edx
0:	lodsb
	test %al, %al
	jz 1f
	out %al, %dx
	jmp 0b
1:	ret

/* The word at ESI, up to the first byte that is no letter, digit or sign. */
put_word:
	mov $COM1, %edx
0:	lodsb
	cmp $' ', %al
	jbe 1f
	cmp $'~', %al
	ja 1f
	out %al, %dx
	jmp 0b
1:	ret

/* The last CL hexadecimal digits of EAX. */
put_hex:
	movzx %cl, %ecx
	lea (, %ecx, 4), %edi
	mov %eax, %esi
	mov $COM1, %edx
0:	sub $4, %edi
	js 1f
	mov %edi, %ecx
	mov %esi, %eax
	shr %cl, %eax
	and $15, %eax
	mov digits(%eax), %al
	out %al, %dx
	jmp 0b
1:	ret

/* EAX in decimal. */
put_decimal:
	mov $decimal_end, %esi
	mov $10, %ecx
0:	xor %edx, %edx
	div %ecx
	mov digits(%edx), %dl
	dec %esi
	mov %dl, (%esi)
	test %eax, %eax
	jnz 0b
	jmp puts

/* The value of the option whose name, with its "=", is at ESI: ESI points to it; 0: not there. */
option:
	mov command_line, %edi
0:	xor %ecx, %ecx
1:	mov (%esi, %ecx), %al
	test %al, %al
	jz 2f
	cmp %al, (%edi, %ecx)
	jne 3f
	inc %ecx
	jmp 1b
2:	lea (%edi, %ecx), %esi
	ret
3:	cmpb $0, (%edi)
	lea 1(%edi), %edi
	jne 0b
	xor %esi, %esi
	ret

/* The option at ESI as a decimal number in EAX; 0: not there. */
option_number:
	call option
	xor %eax, %eax
	test %esi, %esi
	jz 1f
0:	movzbl (%esi), %ecx
	inc %esi
	sub $'0', %ecx
	cmp $9, %ecx
	ja 1f
	imul $10, %eax
	add %ecx, %eax
	jmp 0b
1:	ret

	.macro get_option name
	.section .data
9:	.asciz "\name="
	.text
	mov $9b, %esi
	call option
	.endm

	.macro get_number name
	.section .data
9:	.asciz "\name="
	.text
	mov $9b, %esi
	call option_number
	.endm

/* ---- PCI ---------------------------------------------------------------------- */

/* Configuration register EAX of the device in `slot`: EDX is the port of its data. */
pci_select:
	or slot, %eax
	or $PCI_ENABLE, %eax
	mov $PCI_ADDRESS, %edx
	out %eax, %dx
	mov $PCI_DATA, %edx
	ret

/* The device whose identity is EAX, switched on: `regs`, `notify_port`.  There is one. */
pci_find:
	mov %eax, %esi
	movl $-0x800, slot
0:	addl $0x800, slot
	xor %eax, %eax
	call pci_select
	in %dx, %eax
	cmp %esi, %eax
	jne 0b
	mov $PCI_COMMAND, %eax
	call pci_select
	mov $PCI_ALL, %eax
	out %ax, %dx
	mov $PCI_BAR0, %eax
	call pci_select
	in %dx, %eax
	and $~0xf, %eax
	mov %eax, regs
	mov $PCI_BAR2, %eax
	call pci_select
	in %dx, %eax
	and $~3, %eax
	mov %eax, notify_port
	ret

/* ---- virtio ------------------------------------------------------------------- */

/* Reset, VERSION_1 and the low features in EAX, an empty `queue` of RING, DRIVER_OK. */
virtio_up:
	mov %eax, %esi
	mov $ring, %edi
	mov $1024, %ecx
	xor %eax, %eax
	rep stosl
	mov regs, %edi
	movb $0, STATUS(%edi)
	movb $ACKNOWLEDGE, STATUS(%edi)
	movb $DRIVER, STATUS(%edi)
	movl $0, FEATURE_SELECT(%edi)
	mov %esi, FEATURE(%edi)
	movl $1, FEATURE_SELECT(%edi)
	movl $1, FEATURE(%edi)
	movb $FEATURES_OK, STATUS(%edi)
	mov queue, %eax
	mov %ax, QUEUE_SELECT(%edi)
	movw $RING, QUEUE_SIZE(%edi)
	movl $DESC(0), QUEUE_DESC(%edi)
	movl $0, QUEUE_DESC + 4(%edi)
	movl $AVAIL_FLAGS, QUEUE_DRIVER(%edi)
	movl $0, QUEUE_DRIVER + 4(%edi)
	movl $USED_IDX - 2, QUEUE_DEVICE(%edi)
	movl $0, QUEUE_DEVICE + 4(%edi)
	movw $1, QUEUE_ENABLE(%edi)
	movb $DRIVER_OK, STATUS(%edi)
	ret

/* Tell the device, through its port, that there is something. */
notify:
	mov queue, %eax
	mov notify_port, %edx
	lea (%edx, %eax, 4), %edx
	out %ax, %dx
	ret

/* Show AX buffers in all, notify; EAX: 1 served, 2 the device needs a reset, 0 neither. */
go:
	mov USED_IDX, %cx
	mov %ax, AVAIL_IDX
	push %ecx
	call notify
	pop %ecx
	mov $1, %eax
	cmp USED_IDX, %cx
	jne 0f
	mov regs, %edi
	mov STATUS(%edi), %al
	and $NEEDS_RESET, %eax
	shr $5, %eax
0:	ret

	.data
digits:	.ascii "0123456789abcdef"
	.ascii "0000000000"
decimal_end:
	.byte 0

	.section .bss
	.balign 4096
ring:	.skip 4096
	.skip 4096
stack:
command_line: .skip 4
slot:	.skip 4
regs:	.skip 4
notify_port: .skip 4
queue:	.skip 4

	.section .note.GNU-stack, "", @progbits
	.text
#endif
