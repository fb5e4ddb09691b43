/*
 * rom.S - see rom.h: what interrupt vectors of a PC lead to, and where its CPUs begin
 *
 * Owns: the handlers of hardware interrupts, the old services that cost little, the way back from a
 * reset that software asked for.
 * Must not know: disks and keyboards (there are none), protected mode but for INT 15h, 87h.
 *
 * A kernel that is started directly finds here what firmware leaves behind.  Everything runs in
 * real mode, CS is ROM_SEGMENT.
 *
 * Sources: IBM, "PC/AT Technical Reference" (1502243), "BIOS" (5); [ACPI] "INT 15H, E820H" (15.1);
 * [SDM] "First Instruction Executed" (9.1.4).
 */
#include "rom/rom.h"

#define BDA 0x40 /* segment of the BIOS data area, and what lies there */
#define BDA_EBDA 0x0e
#define BDA_EQUIPMENT 0x10
#define BDA_MEMORY 0x13
#define BDA_MODE 0x49
#define BDA_CURSOR 0x50
#define BDA_CRTC 0x63
#define BDA_RESUME 0x67
#define BDA_TICKS 0x6c
#define BDA_MIDNIGHT 0x70
#define TICKS_A_DAY 0x1800b0

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_EOI 0x20
#define KEYBOARD_DATA 0x60
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET 0xfe
#define SYSTEM_B 0x61
#define REFRESH 0x10 /* toggles every 15 us */
#define CMOS 0x70
#define CMOS_NO_NMI 0x80
#define SYSTEM_A 0x92
#define SYSTEM_A_A20 0x02
#define RESET_CONTROL 0xcf9
#define RESET_HARD 0x02
#define RESET_NOW 0x06

#define CMOS_SHUTDOWN 0x0f
#define SHUTDOWN_EOI_JUMP 0x05
#define SHUTDOWN_BLOCK_MOVED 0x09
#define SHUTDOWN_JUMP 0x0a
#define SHUTDOWN_IRET 0x0b
#define SHUTDOWN_RETF 0x0c

#define SCREEN 0xb800
#define COLUMNS 80
#define ROWS 25
#define BLANK 0x0720

#define CARRY 0x01 /* of FLAGS */
#define ZERO 0x40
#define SMAP 0x534d4150

/* A handler saved BP: the caller's FLAGS. */
#define FLAGS 6(%bp)

	.macro succeed
	pushw %bp
	movw %sp, %bp
	andb $~CARRY, FLAGS
	popw %bp
	iretw
	.endm

	.macro refuse
	pushw %bp
	movw %sp, %bp
	orb $CARRY, FLAGS
	popw %bp
	iretw
	.endm

	.macro cmos register
	movb $\register, %al
	outb %al, $CMOS
	inb $(CMOS + 1), %al
	.endm

	.text
	.code16
	.globl rom_start
rom_start:
	.word vectors, gdt, area_count, areas

vectors:
	.rept 8
	.word ROM_IRET
	.endr
	.word irq_timer, irq_keyboard
	.rept 6
	.word irq_first
	.endr
	.word video, equipment, memory_size, disk, serial, system, keyboard, printer
	.word restart, restart, clock
	.rept 0x70 - 0x1b
	.word ROM_IRET
	.endr
	.word irq_clock
	.rept 7
	.word irq_second
	.endr
	.if . - vectors - 2 * ROM_VECTORS
	.error "not as many vectors as rom.h says"
	.endif

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* code, data: all memory */
	.quad 0x00cf93000000ffff
	.quad 0x00009b000000ffff /* 16 bits, for the way to real mode */
	.quad 0x000093000000ffff
	.if . - gdt - 8 * ROM_GDT_ENTRIES
	.error "not as many descriptors as rom.h says"
	.endif
flat:
	.word . - gdt - 1
	.long 16 * ROM_SEGMENT + gdt

	.balign 2
area_count:
	.word 0
areas:
	.skip ROM_AREAS * ROM_AREA_SIZE

/* ---- Hardware interrupts ----------------------------------------------------- */

irq_timer:
	pushw %ax
	pushw %ds
	movw $BDA, %ax
	movw %ax, %ds
	incl BDA_TICKS
	cmpl $TICKS_A_DAY, BDA_TICKS
	jb 1f
	movl $0, BDA_TICKS
	movb $1, BDA_MIDNIGHT
1:	popw %ds
	popw %ax
	int $0x1c /* who wants to hear of ticks takes this vector */
irq_first:
	pushw %ax
1:	movb $PIC_EOI, %al
	outb %al, $PIC1
	popw %ax
	iretw

irq_keyboard:
	pushw %ax
	inb $KEYBOARD_DATA, %al
	jmp 1b

irq_clock:
	pushw %ax
	cmos 0x0c /* until this is read, no other comes */
	jmp 1f
irq_second:
	pushw %ax
1:	movb $PIC_EOI, %al
	outb %al, $PIC2
	outb %al, $PIC1
	popw %ax
	iretw

/* ---- INT 10h: the screen, text mode 3 ------------------------------------------ */

video:
	pushal
	pushw %ds
	pushw %es
	movw $BDA, %bp
	movw %bp, %ds
	movw $SCREEN, %bp
	movw %bp, %es
	cld
	cmpb $0x00, %ah
	je video_clear
	cmpb $0x02, %ah
	je video_move
	cmpb $0x03, %ah
	je video_where
	cmpb $0x06, %ah
	je video_clear
	cmpb $0x09, %ah
	je video_repeat
	cmpb $0x0a, %ah
	je video_repeat
	cmpb $0x0e, %ah
	je video_teletype
	cmpb $0x0f, %ah
	je video_mode
video_done:
	popw %es
	popw %ds
	popal
	iretw

video_clear:
	xorw %di, %di
	movw $BLANK, %ax
	movw $COLUMNS * ROWS, %cx
	rep
	stosw
	xorw %dx, %dx
video_move:
	movw %dx, BDA_CURSOR
	call cursor
	jmp video_done

/* The registers of the caller lie behind DS and ES: DI SI BP SP BX DX CX AX, 4 bytes each. */
video_where:
	movw %sp, %bp
	movw BDA_CURSOR, %ax
	movw %ax, 4 + 20(%bp)
	movw $0x0607, 4 + 24(%bp)
	jmp video_done

video_mode:
	movw %sp, %bp
	movb BDA_MODE, %al
	movb $COLUMNS, %ah
	movw %ax, 4 + 28(%bp)
	movb $0, 4 + 17(%bp)
	jmp video_done

/* 09h with its colour in BL, 0Ah without: CX times AL. */
video_repeat:
	call cell
1:	jcxz video_done
	stosb
	cmpb $0x09, %ah
	jne 2f
	movb %bl, %es:(%di)
2:	incw %di
	decw %cx
	jmp 1b

video_teletype:
	movw BDA_CURSOR, %dx
	cmpb $0x07, %al
	je video_done
	cmpb $'\b', %al
	je 2f
	cmpb $'\r', %al
	je 3f
	cmpb $'\n', %al
	je 4f
	call cell
	stosb
	incb %dl
	cmpb $COLUMNS, %dl
	jb video_move
	xorb %dl, %dl
	jmp 4f
2:	subb $1, %dl
	jae video_move
3:	xorb %dl, %dl
	jmp video_move
4:	incb %dh
	cmpb $ROWS, %dh
	jb video_move
	decb %dh
	call scroll
	jmp video_move

/* DI: the cell at the cursor.  DX is lost. */
cell:
	pushw %ax
	movw BDA_CURSOR, %dx
	movb $COLUMNS, %al
	mulb %dh
	xorb %dh, %dh
	addw %dx, %ax
	addw %ax, %ax
	movw %ax, %di
	movw BDA_CURSOR, %dx
	popw %ax
	ret

scroll:
	pushw %ds
	movw $SCREEN, %ax
	movw %ax, %ds
	movw $2 * COLUMNS, %si
	xorw %di, %di
	movw $COLUMNS * (ROWS - 1), %cx
	rep
	movsw
	movw $BLANK, %ax
	movw $COLUMNS, %cx
	rep
	stosw
	popw %ds
	ret

/* Show the cursor where BDA_CURSOR says. */
cursor:
	pushal
	call cell
	shrw $1, %di
	movw BDA_CRTC, %dx
	movw %di, %ax
	movb $0x0e, %al
	outw %ax, %dx
	movw %di, %bx
	movb %bl, %ah
	movb $0x0f, %al
	outw %ax, %dx
	popal
	ret

/* ---- What there is ---------------------------------------------------------------- */

equipment:
	pushw $BDA_EQUIPMENT
	jmp 1f
memory_size:
	pushw $BDA_MEMORY
1:	pushw %bp
	movw %sp, %bp
	pushw %ds
	movw $BDA, %ax
	movw %ax, %ds
	pushw %bx
	movw 2(%bp), %bx
	movw (%bx), %ax
	popw %bx
	popw %ds
	popw %bp
	addw $2, %sp
	iretw

/* No disk but virtio ones, for which there is no driver here: reset succeeds, all else fails. */
disk:
	testb %ah, %ah
	jz 1f
	movb $0x01, %ah
	refuse
1:	succeed

printer:
	movb $0x01, %ah /* time-out */
	iretw

/* No keyboard: no key is there, and none comes. */
keyboard:
	andb $0x0f, %ah
	cmpb $0x01, %ah
	je 1f
	cmpb $0x02, %ah
	je 2f
	testb %ah, %ah
	jnz 3f
	sti
0:	hlt
	jmp 0b
1:	pushw %bp
	movw %sp, %bp
	orb $ZERO, FLAGS
	popw %bp
	iretw
2:	xorb %al, %al
3:	iretw

/* ---- INT 14h: the serial line, as it is set up ---------------------------------------- */

serial:
	pushw %dx
	testw %dx, %dx
	jnz 4f
	movw %cs:com1, %dx
	addw $5, %dx
	cmpb $0x01, %ah
	je 1f
	cmpb $0x02, %ah
	je 2f
	incw %dx
	inb %dx, %al /* the modem's state, that of the line below */
	decw %dx
3:	movb %al, %ah
	inb %dx, %al
	xchgb %al, %ah
4:	popw %dx
	iretw
1:	movb %al, %ah
0:	inb %dx, %al
	testb $0x20, %al
	jz 0b
	movb %ah, %al
	subw $5, %dx
	outb %al, %dx
	addw $5, %dx
	jmp 3b
2:	inb %dx, %al
	testb $0x01, %al
	jz 2b
	movb %al, %ah
	andb $0x1e, %ah
	subw $5, %dx
	inb %dx, %al
	jmp 4b
com1:
	.word 0x3f8

/* ---- INT 15h ------------------------------------------------------------------------------- */

system:
	cmpw $0xe820, %ax
	je system_areas
	cmpw $0xe801, %ax
	je system_sizes
	cmpb $0x24, %ah
	je system_a20
	cmpb $0x86, %ah
	je system_wait
	cmpb $0x87, %ah
	je system_move
	cmpb $0x88, %ah
	je system_extended
	cmpb $0xc0, %ah
	je system_table
	cmpb $0xc1, %ah
	je system_ebda
	movb $0x86, %ah
	refuse

/* EBX: which area; to ES:DI. */
system_areas:
	cmpl $SMAP, %edx
	jne 1f
	cmpl $ROM_AREA_SIZE, %ecx
	jb 1f
	movzwl %cs:area_count, %eax
	cmpl %eax, %ebx
	jae 1f
	pushw %si
	pushw %di
	imulw $ROM_AREA_SIZE, %bx, %si
	addw $areas, %si
	movl $ROM_AREA_SIZE, %ecx
	cld
	rep
	movsb %cs:(%si), %es:(%di)
	movl $ROM_AREA_SIZE, %ecx
	popw %di
	popw %si
	incl %ebx
	cmpl %eax, %ebx
	jb 2f
	xorl %ebx, %ebx
2:	movl $SMAP, %eax
	succeed
1:	movb $0x86, %ah
	refuse

/* KiB between 1 and 16 MiB, and 64 KiB above. */
system_sizes:
	cmos 0x35
	movb %al, %ah
	cmos 0x34
	movw %ax, %bx
	movw %ax, %dx
	cmos 0x31
	movb %al, %ah
	cmos 0x30
	cmpw $15 * 1024, %ax
	jbe 1f
	movw $15 * 1024, %ax
1:	movw %ax, %cx
	succeed

system_extended:
	cmos 0x31
	movb %al, %ah
	cmos 0x30
	succeed

system_a20:
	cmpb $0x03, %al
	ja 4f
	je 3f
	cmpb $0x02, %al
	je 2f
	pushw %ax
	movb %al, %ah
	inb $SYSTEM_A, %al
	andb $~(SYSTEM_A_A20 | 1), %al
	testb %ah, %ah
	jz 1f
	orb $SYSTEM_A_A20, %al
1:	outb %al, $SYSTEM_A
	popw %ax
	xorb %ah, %ah
	succeed
2:	inb $SYSTEM_A, %al
	shrb $1, %al
	andb $1, %al
	xorb %ah, %ah
	succeed
3:	movw $0x0003, %bx /* by the keyboard controller and by port 0x92 */
	xorb %ah, %ah
	succeed
4:	movb $0x86, %ah
	refuse

/* CX:DX us, counted in refreshes of 15 us. */
system_wait:
	pushal
	shll $16, %ecx
	movw %dx, %cx
	movl %ecx, %eax
	xorl %edx, %edx
	movl $15, %ebx
	divl %ebx
	movl %eax, %ecx
	inb $SYSTEM_B, %al
	movb %al, %ah
1:	jecxz 2f
3:	inb $SYSTEM_B, %al
	xorb %ah, %al
	testb $REFRESH, %al
	jz 3b
	xorb %al, %ah
	decl %ecx
	jmp 1b
2:	popal
	xorb %ah, %ah
	succeed

/* CX words between the bases of the descriptors at ES:SI + 10h and + 18h. */
system_move:
	pushal
	pushw %ds
	pushw %es
	pushfw
	cli
	cld
	movl %es:0x12(%si), %eax
	andl $0xffffff, %eax
	movb %es:0x17(%si), %dl
	shll $24, %edx
	orl %edx, %eax
	pushl %eax
	movl %es:0x1a(%si), %eax
	andl $0xffffff, %eax
	movb %es:0x1f(%si), %dl
	shll $24, %edx
	orl %edx, %eax
	movl %eax, %edi
	popl %esi
	lgdtl %cs:flat
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	movw $0x10, %dx
	movw %dx, %ds
	movw %dx, %es
	andb $~1, %al
	movl %eax, %cr0
	xorw %dx, %dx
	movw %dx, %ds
	movw %dx, %es
	movzwl %cx, %ecx
	.byte 0x67, 0xf3 /* with ESI, EDI and ECX, repeated; clang cannot spell it */
	movsw
	popfw
	popw %es
	popw %ds
	popal
	xorb %ah, %ah
	succeed

system_table:
	movw $ROM_SEGMENT, %bx
	movw %bx, %es
	movw $table, %bx
	xorb %ah, %ah
	succeed
/* Model FC: PC/AT; the second 8259, a clock, and an extended BIOS data area are there. */
table:
	.word 8
	.byte 0xfc, 0, 1, 0x64, 0, 0, 0, 0

system_ebda:
	pushw %ds
	pushw $BDA
	popw %ds
	movw BDA_EBDA, %es
	popw %ds
	succeed

/* ---- INT 1Ah: the time ------------------------------------------------------------------- */

clock:
	cmpb $0x00, %ah
	je 1f
	cmpb $0x01, %ah
	je 2f
	cmpb $0x02, %ah
	je 3f
	cmpb $0x04, %ah
	je 4f
	refuse
1:	pushw %ds
	pushw $BDA
	popw %ds
	movw BDA_TICKS, %dx
	movw BDA_TICKS + 2, %cx
	xorb %al, %al
	xchgb %al, BDA_MIDNIGHT
	popw %ds
	xorb %ah, %ah
	succeed
2:	pushw %ds
	pushw $BDA
	popw %ds
	movw %dx, BDA_TICKS
	movw %cx, BDA_TICKS + 2
	movb $0, BDA_MIDNIGHT
	popw %ds
	xorb %ah, %ah
	succeed
3:	call settled
	cmos 0x00
	movb %al, %dh
	cmos 0x02
	movb %al, %cl
	cmos 0x0b
	andb $1, %al
	movb %al, %dl
	cmos 0x04
	movb %al, %ch
	succeed
4:	call settled
	cmos 0x07
	movb %al, %dl
	cmos 0x08
	movb %al, %dh
	cmos 0x09
	movb %al, %cl
	cmos 0x32
	movb %al, %ch
	succeed

/* Wait until the clock does not change. */
settled:
	cmos 0x0a
	testb $0x80, %al
	jnz settled
	ret

/* ---- Back from a reset ----------------------------------------------------------------- */

/*
 * INIT brings the boot CPU here; memory and devices are as they were.  CMOS says what the one who
 * asked for it wants; without a wish it is a reset like any other, and the whole machine's.
 */
restart:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movb $(CMOS_NO_NMI | CMOS_SHUTDOWN), %al
	outb %al, $CMOS
	inb $(CMOS + 1), %al
	movb %al, %bl
	movb $CMOS_SHUTDOWN, %al
	outb %al, $CMOS
	xorb %al, %al
	outb %al, $(CMOS + 1)
	movw $BDA, %ax
	movw %ax, %ds
	cmpb $SHUTDOWN_EOI_JUMP, %bl
	je 1f
	cmpb $SHUTDOWN_JUMP, %bl
	je 2f
	cmpb $SHUTDOWN_BLOCK_MOVED, %bl
	je 3f
	cmpb $SHUTDOWN_IRET, %bl
	je 4f
	cmpb $SHUTDOWN_RETF, %bl
	je 5f
	movw $RESET_CONTROL, %dx
	movb $RESET_HARD, %al
	outb %al, %dx
	movb $RESET_NOW, %al
	outb %al, %dx
	movb $KEYBOARD_RESET, %al
	outb %al, $KEYBOARD_COMMAND
0:	hlt
	jmp 0b
1:	movb $PIC_EOI, %al
	outb %al, $PIC2
	outb %al, $PIC1
2:	ljmpw *BDA_RESUME
3:	lssw BDA_RESUME, %sp
	popw %es
	popw %ds
	popaw
	iretw
4:	lssw BDA_RESUME, %sp
	iretw
5:	lssw BDA_RESUME, %sp
	lretw

/* ---- Fixed places ---------------------------------------------------------------- */

	.org ROM_IRET - ROM_OFFSET, 0xff
	iretw

	.org ROM_RESET - ROM_OFFSET, 0xff
	ljmpw $ROM_SEGMENT, $restart
	.ascii "01/01/00"

	.org ROM_MODEL - ROM_OFFSET, 0xff
	.byte 0xfc, 0
	.section .note.GNU-stack, "", @progbits
