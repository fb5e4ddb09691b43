/*
 * rings.S - a driver of a virtio disk, honest or not
 *
 * part=rings, data      chains of descriptors, one of them spoilt in some way, each after a reset
 * part=notify           when does the device interrupt?
 * part=requests         what a disk does; seed=TEXT is written and read
 * part=move kib=N chunk=SECTORS
 *                       read as much, in requests of so many sectors
 *
 * What is in a buffer of 512 bytes, and in 512 behind it, is 0xee before each request.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Block Device" (5.2).
 */
#include "driver.h"

#define READ 0
#define WRITE 1
#define FLUSH 4
#define GET_ID 8
#define SECTOR 512
#define NONE 0xee
#define BORDER 0x400000 /* of two pieces of RAM: they are 2 MiB each */
#define MEMORY 0x1000000 /* mem=16M */
#define PLACE 0x200000

	/* The request's header: type, sector. */
	.macro header type, sector=0
	movl $\type, request
	movl $\sector, request + 8
	.endm

main:	mov $VIRTIO_BLK, %eax
	call pci_find
	get_option part
	mov (%esi), %al
	cmp $'r', %al
	jne 0f
	cmpb $'e', 1(%esi)
	je requests
	mov $chains, %ebx
	jmp spoil_all
0:	cmp $'d', %al
	mov $pieces, %ebx
	je spoil_all
	cmp $'n', %al
	je interrupts
	jmp move

/* ---- Chains ------------------------------------------------------------------- */

/* SECTOR bytes at EDI, and as many behind them, as no disk has them. */
mark:	mov $2 * SECTOR / 4, %ecx
	mov $NONE * 0x01010101, %eax
	rep stosl
	ret

/* A right one: a sector to read, its status.  The buffer and what is around it are as before. */
good:	movl $buffer, where
	mov $buffer, %edi
	call mark
	movb $NONE, status
	header READ
	describe 0, $request, $16, D_NEXT, 1
	describe 1, $buffer, $SECTOR, D_NEXT | D_WRITE, 2
	describe 2, $status, $1, D_WRITE
	movw $0, AVAIL(0)
	ret

/* Each of the table EBX: say what it is, do it, say what came of it. */
spoil_all:
0:	call say_seed
	mov 4(%ebx), %eax
	call virtio_up
	call good
	call *8(%ebx)
	mov (%ebx), %esi
	call puts
	mov $1, %eax
	call go
	mov outcomes(, %eax, 4), %esi
	call puts
	call say_buffer
	add $12, %ebx
	cmpl $0, (%ebx)
	jne 0b
	ret

/* seed=TEXT, if it was given, in front of each line: so that nobody can say it before. */
say_seed:
	get_option seed
	test %esi, %esi
	jz 0f
	call put_word
	say " "
0:	ret

/* How many bytes the device changed in the buffer at `where`, and in as many behind it. */
say_buffer:
	say ", data "
	mov where, %edi
	call say_changed
	say ", behind "
	mov where, %edi
	add $SECTOR, %edi
	call say_changed
	say "\n"
	ret

say_changed:
	mov $SECTOR, %ecx
	xor %eax, %eax
0:	cmpb $NONE, (%edi)
	je 1f
	inc %eax
1:	inc %edi
	loop 0b
	jmp put_decimal

	.data
outcomes:
	.long nothing, served, broken
nothing:
	.asciz ": nothing"
served:	.asciz ": served"
broken:	.asciz ": needs a reset"

	/* A line of a table: 1 chains, 2 pieces. */
	.macro entry table, text, features, routine
	.data
9:	.asciz "\text"
	.data \table
	.long 9b, \features, \routine
	.text
	.endm

	.data 1
	.balign 4
chains:
	.data 2
	.balign 4
pieces:
	.text

right:	ret

/* As many descriptors as the queue has: six sectors, the fourth of them into the buffer. */
full:	describe 1, $other, $SECTOR, D_NEXT | D_WRITE, 2
	describe 2, $other, $SECTOR, D_NEXT | D_WRITE, 3
	describe 3, $other, $SECTOR, D_NEXT | D_WRITE, 4
	describe 4, $buffer, $SECTOR, D_NEXT | D_WRITE, 5
	describe 5, $other, $SECTOR, D_NEXT | D_WRITE, 6
	describe 6, $other, $SECTOR, D_NEXT | D_WRITE, 7
	describe 7, $status, $1, D_WRITE
	ret

/* Its head is not number 0, and its numbers go down. */
backwards:
	describe 7, $request, $16, D_NEXT, 4
	describe 4, $buffer, $SECTOR, D_NEXT | D_WRITE, 2
	movw $7, AVAIL(0)
	ret

/* Behind the last descriptor there is one that would do. */
next_beyond:
	movw $RING, DESC(1) + 14
	describe RING, $status, $1, D_WRITE
	ret

next_far:
	movw $0xffff, DESC(1) + 14
	ret

/* The whole chain in a table of its own. */
indirect:
	mov $DESC(0), %esi
	mov $table, %edi
	mov $3 * 16 / 4, %ecx
	rep movsl
	describe 0, $table, $(3*16), D_INDIRECT
	ret

/* The header in the queue's table, a table for the rest, whose numbers count from 0. */
header_and_table:
	call indirect
	describe 0, $request, $16, D_NEXT, 1
	describe 1, $table+16, $(2*16), D_INDIRECT
	movw $1, table + 16 + 14
	ret

/* The last of them leads back to the second. */
loop_back:
	describe 2, $status, $1, D_NEXT | D_WRITE, 1
	ret

/* ---- Pieces of data --------------------------------------------------------------- */

empty:	movl $0, DESC(1) + 8
	ret

/* The status, which is written, before the data, which is read: a write to the disk. */
disorder:
	header WRITE
	describe 1, $status, $1, D_NEXT | D_WRITE, 2
	describe 2, $buffer, $SECTOR, 0
	ret

beyond_ram:
	movl $MEMORY - 256, DESC(1)
	ret

/* A buffer on both sides of a border of RAM's pieces. */
border:	movl $BORDER - 192, where
	mov $BORDER - 192, %edi
	call mark
	movl $BORDER - 192, DESC(1)
	ret

/* A sector in two descriptors, the second of 112 bytes. */
two_parts:
	describe 1, $buffer, $400, D_NEXT | D_WRITE, 3
	describe 3, $buffer+400, $112, D_NEXT | D_WRITE, 2
	ret

/* Around the end of all addresses. */
wraps:	movl $-256, DESC(1)
	movl $-1, DESC(1) + 4
	ret

	entry 1, "a right chain", 0, right
	entry 1, "one as long as the queue", 0, full
	entry 1, "one that goes backwards", 0, backwards
	entry 1, "an indirect table", F_INDIRECT, indirect
	entry 1, "a header and a table", F_INDIRECT, header_and_table
	entry 1, "a successor just beyond the queue", 0, next_beyond
	entry 1, "a successor far beyond it", 0, next_far
	entry 1, "a chain that returns", 0, loop_back
	entry 2, "a right chain", 0, right
	entry 2, "a buffer over a border", 0, border
	entry 2, "data in two parts", 0, two_parts
	entry 2, "a buffer of no bytes", 0, empty
	entry 2, "the status before the data", 0, disorder
	entry 2, "a buffer beyond RAM", 0, beyond_ram
	entry 2, "a buffer around the end of addresses", 0, wraps
	.data 1
	.long 0
	.data 2
	.long 0
	.text

/* ---- Interrupts ---------------------------------------------------------------------- */

	/* How many are used, and whether the device interrupted for it. */
	.macro say_interrupt text
	call say_seed
	say "\text: used "
	call say_interrupt_of
	.endm

say_interrupt_of:
	movzwl USED_IDX, %eax
	call put_decimal
	say ", ISR "
	mov regs, %edi
	mov ISR(%edi), %al
	mov $2, %cl
	call put_hex
	say "\n"
	ret

/* Four flushes, of two descriptors each, ready to be shown. */
flushes:
	header FLUSH
	describe 0, $request, $16, D_NEXT, 1
	describe 1, $status, $1, D_WRITE
	describe 2, $request, $16, D_NEXT, 3
	describe 3, $status, $1, D_WRITE
	describe 4, $request, $16, D_NEXT, 5
	describe 5, $status, $1, D_WRITE
	describe 6, $request, $16, D_NEXT, 7
	describe 7, $status, $1, D_WRITE
	xor %eax, %eax
0:	mov %eax, %ecx
	and $3, %ecx
	shl $1, %ecx
	mov %cx, AVAIL(0)(, %eax, 2)
	inc %eax
	cmp $RING, %eax
	jne 0b
	ret

interrupts:
	xor %eax, %eax
	call virtio_up
	call flushes
	mov $1, %eax
	call go
	say_interrupt "one buffer"
	call notify
	say_interrupt "nothing new"
	mov $4, %eax
	call go
	say_interrupt "three at once"
	movw $NO_INTERRUPT, AVAIL_FLAGS
	mov $5, %eax
	call go
	say_interrupt "none wanted"
	movw $0, AVAIL_FLAGS
	call notify
	say_interrupt "wanted again"
	mov $6, %eax
	call go
	say_interrupt "and one more"

	/* The driver names the buffer that it wants to hear of: here the third one. */
	mov $F_EVENT_IDX, %eax
	call virtio_up
	call flushes
	movw $2, USED_EVENT
	movw $NO_INTERRUPT, AVAIL_FLAGS /* says nothing now */
	mov $2, %eax
	call go
	say_interrupt "index 2, before it"
	mov $4, %eax
	call go
	say_interrupt "index 2, past it"
	mov $5, %eax
	call go
	say_interrupt "index 2, behind it"
	ret

/* ---- Requests --------------------------------------------------------------------------- */

	.macro say_answer text
	say "\text: "
	call say_answer_of
	.endm

/* The device's answer: its status byte, how much it says it has written. */
say_answer_of:
	say "status "
	movzbl status, %eax
	mov $2, %cl
	call put_hex
	movzwl USED_IDX, %ecx
	sub $1, %ecx
	and $RING - 1, %ecx
	mov USED_LEN(0)(, %ecx, 8), %eax
	push %eax
	say ", written "
	pop %eax
	jmp put_decimal

/* The good chain again, as a request of this type. */
	.macro request type, sector
	call good
	header \type, \sector
	.endm

	/* Show it: as the EBX-th one of this queue. */
offer:	mov %ebx, %eax
	and $RING - 1, %eax
	movw $0, AVAIL(0)(, %eax, 2)
	inc %ebx
	mov %ebx, %eax
	jmp go

requests:
	xor %eax, %eax
	call virtio_up
	xor %ebx, %ebx
	request WRITE, 1
	describe 1, $buffer, $SECTOR, D_NEXT, 2
	get_option seed
	mov $buffer, %edi
0:	lodsb
	cmp $' ', %al
	jbe 1f
	stosb
	jmp 0b
1:	movb $0, (%edi)
	call offer
	say_answer "write"
	say "\n"

	request READ, 1
	call offer
	say_answer "read"
	say ", "
	mov $buffer, %esi
	call put_word
	call say_buffer

	/* One buffer for data and status. */
	request READ, 1
	describe 1, $buffer, $SECTOR + 1, D_WRITE
	call offer
	mov buffer + SECTOR, %al
	mov %al, status
	movb $NONE, buffer + SECTOR
	say_answer "status behind the data"
	say ", "
	mov $buffer, %esi
	call put_word
	call say_buffer

	/* Header and data in one, as far as both are only read. */
	request WRITE, 2
	mov $request, %esi
	mov $buffer, %edi
	mov $16 / 4, %ecx
	rep movsl
	describe 0, $buffer, $16 + SECTOR, D_NEXT, 2
	call offer
	say_answer "header beside the data"
	say "\n"

	request FLUSH, 0
	describe 0, $request, $16, D_NEXT, 2
	call offer
	say_answer "flush"
	say "\n"

	request GET_ID, 0
	movl $20, DESC(1) + 8
	call offer
	say_answer "name"
	say ", "
	movb $0, buffer + 20
	mov $buffer, %esi
	call put_word
	say "\n"

	request READ, 0x7ffffff0
	call offer
	say_answer "beyond the end"
	call say_buffer

	request 99, 0
	call offer
	say_answer "unknown"
	call say_buffer
	ret

/* ---- Moving ------------------------------------------------------------------------------- */

/* kib= KiB, in requests of chunk= sectors; what is read falls all in one place. */
move:	xor %eax, %eax
	call virtio_up
	call good
	get_number chunk
	mov %eax, %ebx
	shl $9, %eax
	mov %eax, DESC(1) + 8
	movl $PLACE, DESC(1)
	get_number kib
	shl $1, %eax
	xor %edx, %edx
	div %ebx
	mov %eax, %ebp
	xor %ebx, %ebx
0:	call offer
	cmp $1, %eax
	jne 1f
	cmpb $0, status
	jne 1f
	cmp %ebp, %ebx
	jb 0b
1:	say "moved by "
	mov %ebx, %eax
	call put_decimal
	say " requests\n"
	ret


	.section .bss
	.balign 4096
request: .skip 16
status:	.skip 16
table:	.skip 16 * RING
where:	.skip 4
	.balign 512
buffer:	.skip 2 * SECTOR
other:	.skip SECTOR
