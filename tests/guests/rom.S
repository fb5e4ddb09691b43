/*
 * rom.S - what firmware left: in real mode, its services; at the reset vector, the way back
 *
 * Prints a line for each, ends with status 1.  What it must not know is whose firmware it is: the
 * same image runs bare.
 *
 * Sources: IBM, "PC/AT Technical Reference" (1502243), "BIOS" (5); [SDM] "Switching Back to
 * Real-Address Mode" (9.9.2).
 */
#define REAL 0x8000 /* where the real-mode part is copied */
#define STACK 0x7000
#define CS16 0x18
#define DS16 0x20
#define COM1 0x3f8
#define EXIT_PORT 0xf4
#define APIC_ICR 0xfee00300
#define APIC_ICR_HIGH 0xfee00310
#define INIT_SELF 0x4500
#define FAR 0xf000
#define AT(symbol) (symbol - real_start + REAL)

	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 2, -(0x1badb002 + 2)
	.section .note.GNU-stack, "", @progbits

	.bss
	.skip 16
tiny_stack:

	.text
	.code32
	.globl tiny_entry
/* As it is at the entry: stack and descriptors are what the loader left. */
tiny_entry:
	pushl $0x12345678
	popl %eax
	cli
	cld
	movl $real_start, %esi
	movl $REAL, %edi
	movl $real_end - real_start, %ecx
	rep
	movsb
	movw $COM1 + 3, %dx
	movb $3, %al
	outb %al, %dx
	lgdt AT(gdtr)
	movw $DS16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	ljmp $CS16, $AT(narrow)

	.section .rodata
	.code16
real_start:
narrow:
	movl %cr0, %eax
	andb $0xfe, %al
	movl %eax, %cr0
	ljmp $0, $AT(gone)
gone:
	call segments
	lidtl AT(idt)
	movw $AT(hello), %si
	call say
	/* as a system would: the 8259s and the PIT are as they were left */
	sti
	movl 0x46c, %eax
1:	hlt
	cmpl %eax, 0x46c
	je 1b
	movw $AT(ticks), %si
	call say
	cli
	int $0x12
	call word
	int $0x11
	andw $0x02, %ax /* an FPU */
	call word
	movb $0x88, %ah
	int $0x15
	movw $1, %bp
	call flags
	cmpw $0x400, %ax
	movw $AT(small), %si
	jb 2f
	movw $AT(memory), %si
2:	call say
	/* all areas but the lengths, which depend on what else is kept in memory */
	xorl %ebx, %ebx
	movw $AT(buffer), %di
	xorl %ebp, %ebp
3:	movl $0xe820, %eax
	movl $20, %ecx
	movl $0x534d4150, %edx
	int $0x15
	jc 4f
	cmpl $0x534d4150, %eax
	jne 4f
	cmpl $1, AT(buffer) + 16
	jne 5f
	addl AT(buffer) + 8, %ebp
5:	testl %ebx, %ebx
	jnz 3b
	shrl $20, %ebp
	movw $AT(usable), %si
	cmpl $20, %ebp
	ja 6f
4:	movw $AT(none), %si
6:	call say
	movw $0x0e41, %ax
	xorw %bx, %bx
	int $0x10
	movb $0x02, %ah
	int $0x16
	call word
	movb $0x01, %ah
	int $0x16
	movw $0x40, %bp
	call flags
	xorb %ah, %ah
	int $0x1a
	cmpl $0, 0x46c
	movw $AT(clock), %si
	je 7f
	call say
7:	movb $0x04, %ah
	int $0x1a
	movw %cx, %ax
	movb $0, %al
	call word
	movb $0x02, %ah
	movb $0x80, %dl
	movw $1, %cx
	movw $0x0201, %ax
	xorw %dx, %dx
	int $0x13
	movw $1, %bp
	call flags
	movw $0xec00, %ax
	int $0x15
	movw $1, %bp
	call flags
	/* gate A20: the last of its two controls decides */
	call wraps
	movw $0x2400, %ax
	int $0x15
	call wraps
	movb $0xdf, %al /* the keyboard controller opens */
	outb %al, $0x64
	call wraps
	movb $0xdd, %al
	outb %al, $0x64
	call wraps
	movw $0x2401, %ax
	int $0x15
	call wraps
	/* INIT: through the reset vector, and back by the word in CMOS */
	movb $0x0f, %al
	outb %al, $0x70
	movb $0x0a, %al
	outb %al, $0x71
	movw $AT(back), 0x467
	movw $0, 0x469
	call init
back:
	call segments
	movw $AT(returned), %si
	call say
	movl %cr0, %eax
	andl $0x1f, %eax
	call word
	movb $0x0f, %al
	outb %al, $0x70
	inb $0x71, %al
	xorb %ah, %ah
	call word
	/* the same with an end of interrupt */
	movb $0x0f, %al
	outb %al, $0x70
	movb $0x05, %al
	outb %al, $0x71
	movw $AT(again), 0x467
	ljmp $0xffff, $0
again:
	call segments
	movw $AT(jumped), %si
	call say
	movw $AT(done), %si
	call say
	movw $COM1 + 5, %dx
8:	inb %dx, %al
	testb $0x40, %al
	jz 8b
	xorb %al, %al
	outb %al, $EXIT_PORT
	movw $0x8900, %dx
	movw $AT(shutdown), %si
9:	lodsb
	outb %al, %dx
	testb %al, %al
	jnz 9b
	jmp .

/* Is the first byte of odd MiB that of even ones?  Far above what the kernel has there. */
wraps:
	pushw %es
	movw $0xffff, %ax
	movw %ax, %es
	movw $0x1234, FAR
	movw $0x5678, %es:FAR + 0x10
	movw FAR, %ax
	popw %es
	call word
	ret

/* DS 0, a stack. */
segments:
	cli
	cld
	popw %bx
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $STACK, %sp
	jmp *%bx

/* INIT to this CPU itself, from protected mode. */
init:
	lgdtl AT(gdtr)
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	movw $8, %ax
	movw %ax, %ds
	movl $0, %eax
	movl $APIC_ICR_HIGH, %ebx
	movl %eax, (%ebx)
	movl $INIT_SELF, %eax
	movl $APIC_ICR, %ebx
	movl %eax, (%ebx)
1:	jmp 1b

say:
	movw $COM1, %dx
1:	lodsb
	testb %al, %al
	jz 2f
	call put
	jmp 1b
2:	ret

put:
	pushw %ax
	pushw %dx
	movw $COM1 + 5, %dx
1:	inb %dx, %al
	testb $0x20, %al
	jz 1b
	popw %dx
	popw %ax
	outb %al, %dx
	ret

/* AX and a newline. */
word:
	pushal
	movw %ax, %bx
	movw $COM1, %dx
	movw $4, %cx
1:	rolw $4, %bx
	movw %bx, %si
	andw $15, %si
	movb AT(digits)(%si), %al
	call put
	loop 1b
	movb $'\n', %al
	call put
	popal
	ret

/* The flags of BP, and AH if one is set. */
flags:
	pushal
	pushfw
	popw %bx
	andw %bp, %bx
	jz 1f
	movb %ah, %bh
1:	movw %bx, %ax
	call word
	popal
	ret

idt:
	.word 0x3ff
	.long 0
	.balign 8
gdt:
	.quad 0, 0x00cf93000000ffff, 0, 0x00009b000000ffff, 0x000093000000ffff
gdtr:
	.word 39
	.long AT(gdt)
digits:
	.ascii "0123456789abcdef"
hello:
	.asciz "rom: real mode\n"
ticks:
	.asciz "ticks come\n"
small:
	.asciz "little memory\n"
memory:
	.asciz "memory above 1 MiB\n"
usable:
	.asciz "E820 tells of it\n"
none:
	.asciz "no E820\n"
clock:
	.asciz "the clock goes\n"
returned:
	.asciz "back from INIT\n"
jumped:
	.asciz "back from a jump\n"
done:
	.asciz "rom: finished\n"
shutdown:
	.asciz "Shutdown"
buffer:
	.skip 24
real_end:
