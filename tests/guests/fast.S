/*
 * fast.S - CPUID and hypercalls in every dress, with all registers after each
 *
 * Prints what an exit left behind: it must be the same whichever way the hypervisor takes to answer
 * it (tests/system/fast.sh).  Everything comes more than once, since the short way needs an
 * instruction that was seen before; and what was seen before changes: its bytes, its page, its
 * tables, its segment.
 */
#include "tiny64.h"

#define CODE32 0x08
#define DATA 0x10
#define CODE64 0x20
#define GATE 0x8e00 /* an interrupt gate, DPL 0, present */
#define VECTORS 0x31
#define DB 1
#define UD 6
#define IRQ 0x30
#define FLAGS 0x8d7 /* CF PF AF ZF SF OF */
#define CR4_PSE 0x10
#define PIC1_MASK 0x21
#define PIC2_MASK 0xa1
#define APIC_EOI 0xfee000b0
#define APIC_SVR 0xfee000f0
#define APIC_ICR 0xfee00300
#define SVR_ON 0x1ff
#define ICR_SELF 0x40000

	/* What stands in strings, which the preprocessor leaves alone. */
	.equ CODE16, 0x18
	.equ TF, 0x100
	.equ WINDOW, 0xc0000000 /* linear, two pages */
	.equ PAGE, 4096
	.equ MOVED, 0x400000
	.equ CODE_A, 0x28
	.equ CODE_B, 0x30

	/* Run code with known registers and show them. */
	.macro TRY title, code
	.pushsection .rodata
8:	.asciz "\title"
	.popsection
	movl $8b, name
	movl $7f, resume
	call load
	\code
7:	call show
	.endm

	/* At most eight bytes become the code at spot. */
	.macro PUT bytes:vararg
	.pushsection .rodata
	.balign 8
6:	.byte \bytes
	.balign 8
	.popsection
	movl 6b, %eax
	movl %eax, spot
	movl 6b + 4, %eax
	movl %eax, spot + 4
	.endm

	/* These bytes, then INC %EBP, RET; or the same for 16 bits, with a far RET. */
	.macro VARIANT title, bytes:vararg
	PUT \bytes, 0x45, 0xc3
	TRY "\title", "movl $spot, %edx; call *%edx"
	.endm
	.macro VARIANT16 title, bytes:vararg
	PUT \bytes, 0x66, 0x45, 0x66, 0xcb
	TRY "\title", "lcall $CODE16, $0"
	.endm
	.macro PUT64 bytes:vararg
	.pushsection .rodata
	.balign 8
6:	.byte \bytes
	.balign 8
	.popsection
	movq 6b(%rip), %rax
	movq %rax, spot(%rip)
	.endm
	.macro VARIANT64 title, bytes:vararg
	PUT64 \bytes, 0xff, 0xc5, 0xc3
	TRY64 "\title", "movl $spot, %edx; call *%rdx"
	.endm
	.macro TRY64 title, code
	.pushsection .rodata
8:	.asciz "\title"
	.popsection
	movl $8b, name(%rip)
	movl $7f, resume(%rip)
	call load64
	\code
7:	call show64
	.endm

	movb $0xff, %al		/* firmware left the PIT running, at vectors that are not ours */
	outb %al, $PIC1_MASK
	outb %al, $PIC2_MASK
	lgdt gdt_pointer
	ljmp $CODE32, $1f
1:	movl $DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $spot, %eax
	movl $CODE16, %ebx
	call base
	movl $segment_a, %eax
	movl $CODE_A, %ebx
	call base
	movl $segment_b, %eax
	movl $CODE_B, %ebx
	call base
	movl $DB, %eax
	movl $on_db, %ebx
	call gate
	movl $UD, %eax
	movl $on_ud, %ebx
	call gate
	movl $IRQ, %eax
	movl $on_irq, %ebx
	call gate
	lidt idt_pointer
	movl $SVR_ON, APIC_SVR

	/* ---- All leaves ------------------------------------------------------------------ */
	movl $leaves, %esi
1:	lodsl
	movl %eax, in_eax
	lodsl
	movl %eax, last
	movl %esi, leaf
2:	movl $0, in_ecx
3:	TRY "cpuid", "cpuid"
	incl in_ecx
	cmpl $3, in_ecx
	jne 3b
	incl in_eax
	movl in_eax, %eax
	cmpl %eax, last
	jne 2b
	movl leaf, %esi
	cmpl $leaves_end, %esi
	jne 1b
	movl $0, in_ecx

	/* ---- The same instruction, other bytes -------------------------------------------- */
	movl $2, rounds
1:	movl $0, in_eax
	VARIANT "plain", 0x0f, 0xa2
	VARIANT "plain", 0x0f, 0xa2
	VARIANT "66", 0x66, 0x0f, 0xa2
	VARIANT "66", 0x66, 0x0f, 0xa2
	VARIANT "plain", 0x0f, 0xa2
	VARIANT "2e 66", 0x2e, 0x66, 0x0f, 0xa2
	VARIANT "rep", 0xf3, 0x0f, 0xa2
	VARIANT "repne 67 65", 0xf2, 0x67, 0x65, 0x0f, 0xa2
	VARIANT "lock", 0xf0, 0x0f, 0xa2
	VARIANT "plain", 0x0f, 0xa2
	VARIANT "vmmcall 0", 0x0f, 0x01, 0xd9
	VARIANT "vmmcall 0", 0x0f, 0x01, 0xd9
	VARIANT "vmcall 0", 0x0f, 0x01, 0xc1
	VARIANT "vmcall 0", 0x0f, 0x01, 0xc1
	VARIANT "rep vmmcall 0", 0xf3, 0x0f, 0x01, 0xd9
	VARIANT "rep vmcall 0", 0xf3, 0x0f, 0x01, 0xc1
	movl $1, in_eax
	VARIANT "vmmcall 1", 0x0f, 0x01, 0xd9
	VARIANT "vmcall 1", 0x0f, 0x01, 0xc1
	movl $-1, in_eax
	VARIANT "vmmcall -1", 0x0f, 0x01, 0xd9
	VARIANT "vmcall -1", 0x0f, 0x01, 0xc1
	decl rounds
	jnz 1b

	/* ---- Traps and shadows (leaf 0: what depends on the vCPU goes the long way) ---- */
	movl $0, in_eax
	movl $3, rounds
1:	TRY "tf cpuid", "pushl $TF | 2; popfl; cpuid; nop"
	TRY "tf vmmcall", "pushl $TF | 2; popfl; vmmcall; nop"
	TRY "tf vmcall", "pushl $TF | 2; popfl; vmcall; nop"
	TRY "tf mov-ss cpuid", "movl %ss, %ebx; pushl $TF | 2; popfl; movl %ebx, %ss; cpuid; nop"
	TRY "sti cpuid", "call pend; sti; cpuid; nop; cli"
	TRY "sti mov-ss cpuid", "movl %ss, %ebx; call pend; sti; movl %ebx, %ss; cpuid; nop; cli"
	TRY "sti vmmcall", "call pend; sti; vmmcall; nop; nop; cli"
	TRY "pending cpuid", "call pend; cpuid; nop; sti; nop; nop; cli"
	TRY "breakpoint behind", "call break_at; cpuid; nop"
	TRY "breakpoint on it and behind", "call break_both; cpuid; nop"
	TRY "sti cpuid, then an interrupt", "sti; cpuid; call pend; nop; cli"
	decl rounds
	jnz 1b

	/* ---- 16 bits: the same linear address in another segment --------------------------- */
	movl $2, rounds
1:	VARIANT "32 bits", 0x0f, 0xa2
	VARIANT16 "16 bits", 0x0f, 0xa2
	VARIANT16 "16 bits", 0x0f, 0xa2
	VARIANT16 "16 bits, 66", 0x66, 0x0f, 0xa2
	VARIANT16 "16 bits, 67", 0x67, 0x0f, 0xa2
	decl rounds
	jnz 1b

	/* The same EIP in two segments, for instructions of two lengths. */
	movl $0x45a20f66, segment_b
	movw $0xcb90, segment_b + 4
	movl $0xcb45a20f, segment_a
	movl $2, rounds
1:	TRY "segment a", "lcall $CODE_A, $0"
	TRY "segment b", "lcall $CODE_B, $0"
	TRY "segment b", "lcall $CODE_B, $0"
	TRY "segment a", "lcall $CODE_A, $0"
	decl rounds
	jnz 1b

	/* ---- Paging: the page below the instruction changes ---------------------------------- */
	movl $LARGE_RW, directory_a
	movl $LARGE_RW, directory_b
	movl $LARGE_RW | 0xfec00000, directory_a + 4 * (0xfee00000 >> 22)
	movl $LARGE_RW | 0xfec00000, directory_b + 4 * (0xfee00000 >> 22)
	movl $table_a + TABLE_RW, directory_a + 4 * (WINDOW >> 22)
	movl $table_b + TABLE_RW, directory_b + 4 * (WINDOW >> 22)
	movl $page_a + TABLE_RW, table_a
	movl $page_b + TABLE_RW, table_b
	movl $page_c + TABLE_RW, table_a + 4
	movl $page_c + TABLE_RW, table_b + 4
	movl %cr4, %eax
	orl $CR4_PSE, %eax
	movl %eax, %cr4
	movl $directory_a, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	call fill_pages

	/* The same EIP with and without paging: another page. */
	movl $table_d + TABLE_RW, directory_a + 4 * (MOVED >> 22)
	movl $page_b + TABLE_RW, table_d
	movl $3, rounds
1:	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl $0xc345a20f, MOVED
	TRY "without paging", "movl $MOVED, %edx; call *%edx"
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	TRY "with paging", "movl $MOVED, %edx; call *%edx"
	decl rounds
	jnz 1b

	movl $2, rounds
1:	TRY "page a", "movl $WINDOW, %edx; call *%edx"
	TRY "page a again", "movl $WINDOW, %edx; call *%edx"
	movl $page_b + TABLE_RW, table_a
	invlpg WINDOW
	TRY "page b below it", "movl $WINDOW, %edx; call *%edx"
	movl $page_a + TABLE_RW, table_a
	invlpg WINDOW
	TRY "page a back", "movl $WINDOW, %edx; call *%edx"
	movl $directory_b, %eax
	movl %eax, %cr3
	TRY "other tables", "movl $WINDOW, %edx; call *%edx"
	movl $directory_a, %eax
	movl %eax, %cr3
	TRY "first tables", "movl $WINDOW, %edx; call *%edx"
	movl $table_b + TABLE_RW, directory_a + 4 * (WINDOW >> 22)
	invlpg WINDOW
	TRY "directory changed", "movl $WINDOW, %edx; call *%edx"
	movl $table_a + TABLE_RW, directory_a + 4 * (WINDOW >> 22)
	invlpg WINDOW
	/*
	 * Over the end of a page: 66 0F | A2, and then other bytes there.  (Not another page: of an
	 * instruction on two pages Bochs 2.7 may not see that the second one is mapped anew.)
	 */
	TRY "across", "movl $WINDOW + PAGE - 2, %edx; call *%edx"
	TRY "across again", "movl $WINDOW + PAGE - 2, %edx; call *%edx"
	movl $0x90c34d0b, page_c	/* 66 0F 0B: UD2 */
	TRY "across, another end", "movl $WINDOW + PAGE - 2, %edx; call *%edx"
	movl $0x90c345a2, page_c
	TRY "across, the first", "movl $WINDOW + PAGE - 2, %edx; call *%edx"
	decl rounds
	jnz 1b

	/* ---- 64 bits ------------------------------------------------------------------- */
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl $LARGE_RW | 0x200000, pd + 8
	movl $table_c + TABLE_RW, pd + 16	/* 4 MiB */
	movl $page_a + TABLE_RW, table_c
	activate_long_mode
	ljmp $CODE64, $long_mode

/* cpuid; inc %ebp in page a; 66 cpuid; inc %ebp in b; the end of what crosses in c. */
fill_pages:
	movl $0xc345a20f, page_a
	movl $0x45a20f66, page_b
	movb $0xc3, page_b + 4
	movw $0x0f66, page_a + PAGE - 2
	movl $0x90c345a2, page_c
	ret

/* ---- Handlers --------------------------------------------------------------------------- */

on_db:	addl $DB | 0x100, trap	/* and how many */
	andl $~TF, 8(%esp)
	orl $0x10000, 8(%esp)
	pushl %eax
	movl %dr6, %eax
	movl %eax, dr6
	xorl %eax, %eax
	movl %eax, %dr6
	movl 4(%esp), %eax
	movl %eax, trap_eip
	popl %eax
	iret
on_ud:	movl $UD, trap
	popl trap_eip
	pushl resume
	iret
on_irq:	movl $IRQ, trap
	pushl %eax
	movl 4(%esp), %eax
	movl %eax, trap_eip
	movl $0, APIC_EOI
	popl %eax
	iret

/* An interrupt is pending. */
pend:	movl $ICR_SELF | IRQ, APIC_ICR
	ret
/* Breakpoints on the CPUID behind the call and on the NOP behind that. */
break_both:
	pushl %eax
	movl 4(%esp), %eax
	movl %eax, %dr1
	addl $2, %eax
	movl %eax, %dr0
	movl $0x405, %eax
	movl %eax, %dr7
	popl %eax
	ret
/* A breakpoint on the NOP behind the CPUID behind the call. */
break_at:
	pushl %eax
	movl 4(%esp), %eax
	addl $2, %eax
	movl %eax, %dr0
	movl $0x401, %eax
	movl %eax, %dr7
	popl %eax
	ret

/* ---- Registers -------------------------------------------------------------------------- */

load:	movl $0, trap
	movl $0, trap_eip
	movl $0, dr6
	movl in_eax, %eax
	movl in_ecx, %ecx
	movl $0x11111111, %edx
	movl $0x22222222, %ebx
	movl $0x33333333, %ebp
	movl $0x44444444, %esi
	movl $0x55555555, %edi
	pushl $FLAGS
	popfl
	ret

show:	popl back
	pushfl
	pushal
	cld
	xorl %eax, %eax
	movl %eax, %dr7
	movl name, %esi
	call tiny_say
	movl %esp, %esi
	movl $9, %ecx		/* EDI ESI EBP ESP EBX EDX ECX EAX EFLAGS */
	call words
	movl $trap, %esi
	movl $3, %ecx
	call words
	say "\n"
	movl $tiny_stack, %esp	/* whatever a fault left there */
	jmp *back

words:	pushl %ecx
	movl $' ', %eax
	movw $COM1, %dx
	outb %al, %dx
	lodsl
	movl %eax, %ebx
	movl $8, %ecx
1:	roll $4, %ebx
	movl %ebx, %eax
	andl $15, %eax
	movb digits(%eax), %al
	outb %al, %dx
	loop 1b
	popl %ecx
	loop words
	ret

/* EAX: linear address of the segment with selector EBX. */
base:	movw %ax, gdt + 2(%ebx)
	shrl $16, %eax
	movb %al, gdt + 4(%ebx)
	ret

gate:	movw %bx, idt(,%eax,8)
	movw $CODE32, idt + 2(,%eax,8)
	movw $GATE, idt + 4(,%eax,8)
	shrl $16, %ebx
	movw %bx, idt + 6(,%eax,8)
	ret

/* ---- 64 bits ----------------------------------------------------------------  */

	.code64
long_mode:
	movl $DATA, %eax
	movl %eax, %ss
	movl $on_ud64, %eax
	movw %ax, idt64 + 16 * UD(%rip)
	movw $CODE64, idt64 + 16 * UD + 2(%rip)
	movw $GATE, idt64 + 16 * UD + 4(%rip)
	shrl $16, %eax
	movw %ax, idt64 + 16 * UD + 6(%rip)
	lidt idt64_pointer(%rip)
	movl $3, rounds(%rip)
1:	movl $0, in_eax(%rip)
	VARIANT64 "plain", 0x0f, 0xa2
	VARIANT64 "plain", 0x0f, 0xa2
	VARIANT64 "rex.w", 0x48, 0x0f, 0xa2
	VARIANT64 "66 rex.w", 0x66, 0x48, 0x0f, 0xa2
	VARIANT64 "rex.w 66", 0x48, 0x66, 0x0f, 0xa2
	VARIANT64 "rep rex", 0xf3, 0x47, 0x0f, 0xa2
	VARIANT64 "vmmcall 1 0000 0000", 0x0f, 0x01, 0xd9
	VARIANT64 "vmmcall 1 0000 0000", 0x0f, 0x01, 0xd9
	VARIANT64 "vmcall 1 0000 0000", 0x0f, 0x01, 0xc1
	VARIANT64 "vmcall 1 0000 0000", 0x0f, 0x01, 0xc1
	TRY64 "page a", "movl $0x400000, %edx; call *%rdx"
	TRY64 "page a again", "movl $0x400000, %edx; call *%rdx"
	movl $page_b + TABLE_RW, table_c(%rip)
	invlpg 0x400000
	TRY64 "page b below it", "movl $0x400000, %edx; call *%rdx"
	movl $page_a + TABLE_RW, table_c(%rip)
	invlpg 0x400000
	decl rounds(%rip)
	jnz 1b
	say "fast: finished\n"
1:	cli
	hlt
	jmp 1b

on_ud64:
	movl $UD, trap(%rip)
	popq trap_eip(%rip)
	pushq resume(%rip)
	iretq

load64:	movl $0, trap(%rip)
	movl $0, trap_eip(%rip)
	movq $FLAGS, %rax
	pushq %rax
	movl in_eax(%rip), %eax
	btsq $32, %rax
	movl in_ecx(%rip), %ecx
	movabsq $0x1111111111111111, %rdx
	movabsq $0x2222222222222222, %rbx
	movabsq $0x3333333333333333, %rbp
	movabsq $0x4444444444444444, %rsi
	movabsq $0x5555555555555555, %rdi
	movabsq $0x8888888888888888, %r8
	movabsq $0xcccccccccccccccc, %r12
	popfq
	ret

show64:	popq back(%rip)
	pushfq
	pushq %r12
	pushq %r8
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	cld
	movl name(%rip), %esi
	call tiny_say
	movl %esp, %esi
	movl $20, %ecx
	call words64
	movl $trap, %esi
	movl $2, %ecx
	call words64
	say "\n"
	movl $tiny_stack, %esp
	jmp *back(%rip)

/* Low halves first. */
words64:
	movl %ecx, %edi
1:	movb $' ', %al
	movw $COM1, %dx
	outb %al, %dx
	lodsl
	movl %eax, %ebx
	movl $8, %ecx
2:	roll $4, %ebx
	movl %ebx, %eax
	andl $15, %eax
	movb digits(%eax), %al
	outb %al, %dx
	loop 2b
	decl %edi
	jnz 1b
	ret

	.section .rodata
digits:	.ascii "0123456789abcdef"
	.balign 8
leaves:	.long 0, 0x22, 0x40000000, 0x40000004, 0x80000000, 0x80000022
leaves_end:
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00009b000000ffff, 0x00af9b000000ffff
	.quad 0x00cf9b000000ffff, 0x00cf9b000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
idt_pointer:
	.word VECTORS * 8 - 1
	.long idt

idt64_pointer:
	.word 16 * (UD + 1) - 1
	.long idt64, 0

	.bss
	.balign 4096
directory_a:
	.skip PAGE
directory_b:
	.skip PAGE
table_a:
	.skip PAGE
table_b:
	.skip PAGE
table_c:
	.skip PAGE
table_d:
	.skip PAGE
page_a:	.skip PAGE
page_b:	.skip PAGE
page_c:	.skip PAGE
idt:	.skip VECTORS * 8
idt64:	.skip 16 * (UD + 1)
	.balign 8
back:	.skip 8
spot:	.skip 16
segment_a:
	.skip 16
segment_b:
	.skip 16
name:	.skip 4
resume:	.skip 8
in_eax:	.skip 4
in_ecx:	.skip 4
last:	.skip 4
leaf:	.skip 4
rounds:	.skip 4
trap:	.skip 4
trap_eip:
	.skip 4
dr6:	.skip 4
