/*
 * boot.S - the legacy guest's way into real and virtual-8086 mode and to segments, and back
 *
 * Owns: multiboot header, entry, the mode switches, trap stubs, the tables of instructions.
 * Must not know: what is expected.
 *
 * An instruction runs at 0x8000 and ends with INT 0x30.  What traps is logged by `trapped`
 * (legacy.c) in protected mode, by the stub itself in real mode.
 *
 * Sources: Multiboot Specification 0.6.96; [SDM] "Switching Back to Real-Address Mode" (9.9.2),
 * "Virtual-8086 Mode" (20.2).
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_MEMORY 2
#define STUB 0x7000
#define CODE 0x8000
#define LOG 0x6000
#define STACK 0x5ff0
#define CS32 0x08
#define DS32 0x10
#define CS16 0x18
#define DS16 0x20
#define IN_STUB(symbol) (symbol - stub_start + STUB)

	.section .multiboot, "awx"
	.balign 4
	.globl image_start
image_start:
	.long MULTIBOOT_MAGIC, MULTIBOOT_MEMORY, -(MULTIBOOT_MAGIC + MULTIBOOT_MEMORY)

	.section .note.GNU-stack, "", @progbits

	.bss
	.balign 16
	.skip 16384
stack_top:
	.globl resume_esp
resume_esp:
	.long 0

	.text
	.code32
	.globl entry
entry:
	cli
	cld
	movl $stack_top, %esp
	pushl %ebx
	call main
1:	hlt
	jmp 1b

/* void to_real(u32 flags): the instruction at CODE, in real mode; FS keeps its 4 GiB. */
	.globl to_real
to_real:
	pushal
	movl 36(%esp), %edx
	movl %esp, resume_esp
	movl $DS32, %eax
	movl %eax, %fs
	ljmp $CS16, $IN_STUB(going)

	.globl from_real
from_real:
	movl $DS32, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movl resume_esp, %esp
	popal
	ret

/* The part that lies below 64 KiB, copied there. */
	.balign 16
	.globl stub_start, stub_end, real_stubs
	.code16
stub_start:
going:
	movw $DS16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw %ax, %gs
	movl %cr0, %eax
	andb $0xfe, %al
	movl %eax, %cr0
	ljmp $0, $IN_STUB(gone)
gone:
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw %ax, %gs
	movl $STACK, %esp
	lidtl IN_STUB(real_idt)
	pushw %dx
	pushw $0
	pushw $CODE
	xorl %eax, %eax
	movl $0x9000, %ebx
	movl $0x55, %ecx
	movl $0x9000, %esi
	movl $0x9000, %edi
	movl $0x80, %edx
	iretw
real_idt:
	.word 0x3ff
	.long 0
	.balign 16
real_stubs:
	.set vector, 0
	.rept 64
	.balign 8
	pushw $vector
	jmp real_common
	.set vector, vector + 1
	.endr
/* vector, IP, CS, flags on the stack: into the log, 16 bytes each. */
real_common:
	pushal
	movw %sp, %bp
	xorw %ax, %ax
	movw %ax, %ds
	movw LOG, %di
	incw LOG
	shlw $4, %di
	movl 32(%bp), %eax
	movl %eax, LOG + 16(%di)
	movl 36(%bp), %eax
	movl %eax, LOG + 20(%di)
	movl %db6, %eax
	movl %eax, LOG + 24(%di)
	movl 28(%bp), %eax
	movl %eax, LOG + 28(%di)
	xorl %eax, %eax
	movl %eax, %db6
	cmpw $1, 32(%bp)
	jne 1f
	cmpw $8, LOG
	jae 1f
	popal
	addw $2, %sp
	iretw
1:	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $CS32, $from_real
stub_end:

	.code32
/* void to_segments(const u32 *regs): EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS by IRET. */
	.globl to_segments
to_segments:
	pushal
	movl 36(%esp), %esi
	movl %esp, resume_esp
	testl $0x20000, 8(%esi)
	jz 1f
	pushl 32(%esi)
	pushl 28(%esi)
	pushl 24(%esi)
	pushl 20(%esi)
	pushl 16(%esi)
	pushl 12(%esi)
	jmp 2f
1:	movl 28(%esi), %eax
	movl %eax, %fs
	movl 32(%esi), %eax
	movl %eax, %gs
2:	pushl 8(%esi)
	pushl 4(%esi)
	pushl (%esi)
	xorl %eax, %eax
	movl $0x9000, %ebx
	movl $0x55, %ecx
	movl $0x80, %edx
	movl $0x9000, %edi
	movl $0x9000, %esi
	iretl

	.balign 16
	.globl traps
traps:
	.set vector, 0
	.rept 64
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
	pushl $0
	.endif
	pushl $vector
	jmp common
	.set vector, vector + 1
	.endr
common:
	pushal
	movl $DS32, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	cld
	pushl %esp
	call trapped
	addl $4, %esp
	testl %eax, %eax
	jz 1f
	popal
	addl $8, %esp
	iretl
1:	jmp from_real

	.macro insn text
	.pushsection .rodata.text, "a"
1:	.asciz "\text"
	.popsection
	.pushsection .text
2:	\text
	int $0x30
3:
	.popsection
	.long 1b, 2b, 3b
	.endm

	.section .rodata
	.balign 4
	.globl insns16, insns32, insns_v86
	.code16
/* In real mode, and in virtual-8086 mode too. */
insns16:
	insn "nop"
	insn "cpuid"
	insn "movl %cr0, %eax"
	insn "movl %cr0, %eax; movl %eax, %cr0"
	insn "smsw %ax"
	insn "smsw %eax"
	insn "sgdt (%bx)"
	insn "sidt (%bx)"
	insn "sldt %ax"
	insn "str %ax"
	insn "lar %ax, %cx"
	insn "verr %ax"
	insn "arpl %ax, %cx"
	insn "clts"
	insn "invlpg (%bx)"
	insn "wbinvd"
	insn "movl $0x1b, %ecx; rdmsr"
	insn "movl $0xc0000080, %ecx; rdmsr; wrmsr"
	insn "rdpmc"
	insn "cli"
	insn "sti; nop; cli"
	insn "pushf; popf"
	insn "pushfl; popfl"
	insn "pushf; popw %ax"
	insn "movw $0x3302, %ax; pushw %ax; popf; pushf; popw %ax; cli"
	insn "int $0x31"
	insn "int3"
	insn "into"
	insn "movb $0x7f, %al; incb %al; into"
	insn "movw $0, %ax; boundw %ax, (%bx)"
	insn "movw $7, %ax; boundw %ax, (%bx)"
	insn ".byte 0xf1"
	insn "ud2"
	insn "inb $0x71, %al; xorb %al, %al"
	insn "movw $0x80, %dx; inb %dx, %al"
	insn "movb $0x12, %al; outb %al, $0x80"
	insn "outl %eax, $0x80"
	insn "insb"
	insn "outsb"
	insn "movw $2, %cx; rep; outsw"
	insn "movw $0xffff, %si; movw $0x80, %dx; outsw"
	insn "movw $0xffff, %di; movw $0x80, %dx; insw"
	insn "movw 0xffff, %ax"
	insn "movw %ax, 0xffff"
	insn "movl 0xfffd, %eax"
	insn "movb 0xffff, %al"
	insn "pushw $1; popw %ax"
	insn "movl $0x10000, %ebx; .byte 0x67; movb (%ebx), %al"
	insn "movl $0x10000, %ebp; .byte 0x67; movb (%ebp), %al"
	insn "movl $0x100000, %ebx; .byte 0x67; movl %fs:(%ebx), %eax"
	insn "movl $0xfee00030, %ebx; movl %fs:(%ebx), %eax; movzbl %al, %eax"
	insn "movl $0xfee00080, %ebx; movl $0, %fs:(%ebx); movl %fs:(%ebx), %eax"
	insn "movw $0xb800, %ax; movw %ax, %es; movw $0x741, %es:0xf00; movw %es:0xf00, %ax"
	insn "movw $0xb800, %ax; movw %ax, %es; movw %es:0xffff, %ax"
	insn "movw $0xffff, %ax; movw %ax, %es; movb %es:0x10, %al; xorb %al, %al"
	insn "inb $0x92, %al; xorw %ax, %ax"
	insn "ljmp $0x10, $0x7f00 + 5"
	insn "movw %sp, %ax; pushw %sp; popw %cx"
	insn "pushw %ss; popw %ss; nop"
	insn "pushw %ss; popw %ss; cpuid"
	insn "movw $0xff00, %ax; addb %ah, %ah; lahf"
	insn "xorw %cx, %cx; divb %cl"
	insn "fninit; fnstcw (%bx); movw (%bx), %ax"
	insn "lock; nop"
	insn ".byte 0xf0, 0x0f, 0xa2"
	insn ".byte 0x0f, 0x0a"
	insn "pushfw; popw %ax; orw $0x4000, %ax; pushw %ax; popfw; pushfw; popw %ax"
	insn ".fill 14, 1, 0x66; nop; nop"
	insn "xgetbv"
	insn "vmcall"
	insn "vmmcall"
	insn "sysenter"
	insn "syscall"
	insn "rsm"
	.long 0
insns_v86:
	insn "hlt"
	insn "movl %eax, %db7"
	insn "lgdt (%bx)"
	insn "lmsw %ax"
	insn "movw $0x30cd, 0x9000; pushfw; pushw $0; pushw $0x9000; iretw"
	.long 0

	.code32
/* FS: 0x9000 to 0x9fff; GS: expand-down, from 0x1000 above 0x9000 to 64 KiB. */
insns32:
	insn "nop"
	insn "movb %fs:0xfff, %al"
	insn "movw %fs:0xfff, %ax"
	insn "movl %fs:0xffc, %eax"
	insn "movl %fs:0xffd, %eax"
	insn "movl %eax, %fs:0x1000"
	insn "movb %gs:0, %al"
	insn "movb %gs:0xfff, %al"
	insn "movb %gs:0x1000, %al"
	insn "movw %gs:0xfff, %ax"
	insn "movw %gs:0xffff, %ax"
	insn "movb %gs:0xffff, %al"
	insn "movb %gs:0x10000, %al"
	insn "movb %cs:0x8000, %al"
	insn "movb %al, %cs:0x9000"
	insn "fs; outsb"
	insn "movl $0xfff, %esi; fs; outsw"
	insn "movl $0x1000, %esi; fs; outsb"
	insn "movl $0x1000, %edi; pushl %fs; popl %es; insb"
	insn "movl $0, %esi; gs; outsb"
	insn "movl %cr0, %eax; lmsw %ax"
	insn "lmsw %fs:0xfff"
	insn "lmsw %gs:0"
	insn "invlpg %fs:0x2000"
	insn "invlpg %gs:0"
	insn "pushl %fs; popl %fs"
	insn "movl $0x44, %eax; movl %eax, %gs"
	insn "movl $0x50, %eax; movl %eax, %gs"
	insn "movl $0x58, %eax; movl %eax, %ss"
	insn "movl $0x58, %eax; movl %eax, %gs; movb %gs:0, %al"
	insn "movl $0x58, %eax; movl %eax, %gs; movb %al, %gs:0"
	insn "lcall $0x38, $0"
	insn "lar %ax, %ecx"
	insn "movl $0x60, %eax; lar %eax, %ecx; lsl %eax, %edx"
	insn "int $0x3f"
	insn "movl $0xfee00030, %eax; movl (%eax), %eax; movzbl %al, %eax"
	insn "movl %cr4, %eax"
	insn "boundl %eax, (%ebx)"
	insn "movl $0x70, %eax; movl %eax, %fs; movl %fs:0xff0, %eax"
	insn "movl $0x70, %eax; movl %eax, %fs; movl %fs:0xffd, %eax"
	insn "movl $0x70, %eax; movl %eax, %fs; movl %eax, %fs:0x1000"
	.long 0
