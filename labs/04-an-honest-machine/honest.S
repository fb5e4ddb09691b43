/*
 * honest.S - asks a machine what it is, and whether it does what the manuals say
 *
 * Six inquiries, one for each exercise of lab 4.  The command line chooses: do=15 for the
 * first and the fifth, all six by default; cpus=2 asks a second CPU; strict=1 tries what QEMU
 * does not refuse on a bare machine.  What it prints ought to be the same bare and virtual:
 *   G=build/labs/04-an-honest-machine/honest.elf
 *   tools/run --machine qemu-bare $G --append nonce=1a2b3c4d
 *
 * A line is a title, numbers, and a seal over them (honest.h).  "-" stands for "no trap".
 *
 * Sources: [SDM] vol. 2 "CPUID - CPU Identification", "Instruction Format" (2); vol. 3 "Advanced
 * Programmable Interrupt Controller (APIC)" (10), "Initializing IA-32e Mode" (9.8.5); [APM]
 * vol. 2.
 */
#include "honest.h"

#define CR0_PE 0x1
#define CR0_RUN 0x33 /* PE MP ET NE: what this guest works with */
#define CR0_ET 0x10
#define CR0_TS 0x8
#define CR0_NW 0x20000000
#define CR0_PG 0x80000000
#define CR4_DE 0x8
#define CR4_PSE 0x10
#define CR4_PAE 0x20
#define CR4_OSXSAVE 0x40000
#define CR4_PKE 0x400000
#define EFER_LME 0x100
#define PTE_RW 0x3
#define PTE_LARGE_RW 0x83

#define LEAF_FEATURES 1
#define LEAF_MORE 7
#define LEAF_TOPOLOGY 0xb
#define LEAF_XSAVE 0xd
#define LEAF_EXTENDED 0x80000001
#define XCR0_ALL 7 /* x87, SSE, AVX */
#define XSAVE 0x4000000
#define XSAVEC 2
#define XSAVES 8

#define PIC2_MASK 0xa1
#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define UART_SCRATCH (COM1 + 7)
#define NOBODY_PORT 0xeee0
#define CALL_PORT 0xec
#define DR7_PORT 0x20001 /* breakpoint 0: a byte-wide port */

#define MSR_APIC_BASE 0x1b
#define MSR_MICROCODE_INTEL 0x79
#define MSR_MTRRCAP 0xfe
#define MSR_MTRR_BASE7 0x20e
#define MSR_PAT 0x277
#define MSR_EFER 0xc0000080
#define MSR_TSC_AUX 0xc0000103
#define MSR_NOBODYS 0xc0001ff0
#define MSR_K7_EVENT 0xc0010000
#define MSR_MICROCODE_AMD 0xc0010020
#define APIC_ON 0x800
#define NO_COUNTER 0x3fff

#define TRAMPOLINE 0x8000
#define TOLD 0x8f00 /* what the second CPU says: EBX of leaf 1, EDX of leaf 0xb, done */
#define ICR_INIT 0x4500
#define ICR_STARTUP (0x4600 | TRAMPOLINE >> 12)
#define ICR_NMI 0x4400
#define PATIENCE 20000000

	/* The local APIC's registers; the timer's initial count reads as it was written. */
	.equ ICR, 0xfee00300
	.equ ICR_TO, 0xfee00310
	.equ TIMER, 0xfee00380

	/* Memory that this guest has not touched before. */
	.equ TABLES, 0x200000
	.equ PDPT, TABLES + 0x1000
	.equ DIRECTORIES, TABLES + 0x2000 /* four, for 4 GiB */
	.equ PDPT_TOP, TABLES + 0x6000
	.equ DIRECTORY32, TABLES + 0x7000
	.equ PDPT_PAE, TABLES + 0x8000
	.equ DIRECTORY_PAE, TABLES + 0x9000
	.equ TREASURE, 0x400000
	.equ STACK_A, 0x800000
	.equ STACK_B, 0xa00000
	.equ STACK_C, 0xc00000
	.equ UNMAPPED, 0x40000000

	.macro CR4_SET bits
	movl %cr4, %eax
	orl $\bits, %eax
	movl %eax, %cr4
	.endm
	.macro CR4_CLEAR bits
	movl %cr4, %eax
	andl $~\bits, %eax
	movl %eax, %cr4
	.endm

	.bss
sections:
	.skip 4
	.text
main:
	movl $0x123456, %eax
	OPTION do
	movl %eax, sections
	movl $1, %ebp
1:	movl sections, %eax
2:	testl %eax, %eax
	jz 3f
	movl %eax, %ecx
	shrl $4, %eax
	andl $15, %ecx
	cmpl %ebp, %ecx
	jne 2b
	pushl %ebp
	call *inquiries - 4(, %ebp, 4)
	popl %ebp
3:	incl %ebp
	cmpl $7, %ebp
	jb 1b
	jmp end_machine

	.data
	.balign 4
inquiries:
	.long ask_cpuid, ask_ports, ask_msrs, ask_faults, ask_cr0, ask_forms
	.text

/* ---- 1: CPUID: what follows the CPU's state -------------------------------------------- */

/* EAX: a leaf; ECX: a bit of its ECX, shown as 0 or 1. */
show_ecx_bit:
	pushl %ecx
	xorl %ecx, %ecx
	cpuid
	movl %ecx, %edx
	popl %ecx
show_bit:
	shrl %cl, %edx
	andl $1, %edx
	SHOW %edx
	ret

	.macro SHOW_ECX leaf, bit
	movl $\leaf, %eax
	movl $\bit, %ecx
	call show_ecx_bit
	.endm

/* A bit of EDX. */
show_edx_bit:
	pushl %ecx
	xorl %ecx, %ecx
	cpuid
	popl %ecx
	jmp show_bit

ask_cpuid:
	movl $LEAF_FEATURES, %eax
	xorl %ecx, %ecx
	cpuid
	testl $XSAVE, %ecx
	jz 4f
	LINE "1 OSXSAVE"
	SHOW_ECX LEAF_FEATURES, 27
	CR4_SET CR4_OSXSAVE
	SHOW_ECX LEAF_FEATURES, 27
	call end_line

	LINE "1 XSAVE area"
	call show_area
	xorl %ecx, %ecx
	xorl %edx, %edx
	movl $XCR0_ALL, %eax
	xsetbv
	call show_area
	movl $LEAF_XSAVE, %eax
	movl $1, %ecx
	cpuid
	testl $XSAVEC | XSAVES, %eax
	jz 1f
	SHOW %ebx
1:	call end_line

4:	movl $LEAF_MORE, %eax
	xorl %ecx, %ecx
	cpuid
	testl $8, %ecx		/* PKU */
	jz 1f
	LINE "1 OSPKE"
	SHOW_ECX LEAF_MORE, 4
	CR4_SET CR4_PKE
	SHOW_ECX LEAF_MORE, 4
	CR4_CLEAR CR4_PKE
	call end_line

1:	LINE "1 SYSCALL"
	movl $LEAF_EXTENDED, %eax
	movl $11, %ecx
	call show_edx_bit
	movl $extended64, %edx
	call in_64
	movl answer, %edx
	movl $11, %ecx
	call show_bit
	call end_line

	xorl %eax, %eax
	OPTION cpus
	cmpl $2, %eax
	jb 2f
	LINE "1 second CPU"
	call ask_second
	call end_line

	/* A real one that is off stays off: so it comes back only where nobody needs it. */
2:	cmpl $1, sections
	jne 3f
	LINE "1 APIC"
	movl $LEAF_FEATURES, %eax
	movl $9, %ecx
	call show_edx_bit
	movl $MSR_APIC_BASE, %ecx
	rdmsr
	andl $~APIC_ON, %eax
	wrmsr
	movl $LEAF_FEATURES, %eax
	movl $9, %ecx
	call show_edx_bit
	call end_line
3:	ret

/* Bytes for XCR0 as it is. */
show_area:
	movl $LEAF_XSAVE, %eax
	xorl %ecx, %ecx
	cpuid
	SHOW %ebx
	ret

/* Start CPU 1 in real mode, and show how CPUID numbers it there. */
ask_second:
	movl $second, %esi
	movl $TRAMPOLINE, %edi
	movl $second_end - second, %ecx
	rep movsb
	movl $0, TOLD + 8
	movl $1 << 24, ICR_TO
	movl $ICR_INIT, ICR
	movl $100000, %ecx
1:	decl %ecx
	jnz 1b
	movl $ICR_STARTUP, ICR
	movl $PATIENCE, %ecx
2:	cmpl $0, TOLD + 8
	jne 3f
	pause
	decl %ecx
	jnz 2b
3:	movl TOLD, %ebx
	shrl $24, %ebx
	SHOW %ebx
	SHOW TOLD + 4
	ret

	.code16
second:
	cli
	movl $LEAF_FEATURES, %eax
	cpuid
	movl %ebx, TOLD
	movl $LEAF_TOPOLOGY, %eax
	xorl %ecx, %ecx
	cpuid
	movl %edx, TOLD + 4
	movl $1, TOLD + 8
1:	hlt
	jmp 1b
second_end:
	.code32

/* ---- 2: ports ------------------------------------------------------------------------------- */

	.bss
	.balign 4
buffer:	.skip 4
	.text

ask_ports:
	LINE "2 bytes"
	movl nonce, %eax
	movl $UART_SCRATCH, %edx
	outb %al, %dx
	movl $0x5a5a5a5a, %eax	/* what is above the byte stays */
	inb %dx, %al
	SHOW %eax
	movl nonce, %eax
	shrl $8, %eax
	outb %al, $PIC2_MASK
	movl $0x5a5a5a5a, %eax
	inb $PIC2_MASK, %al
	SHOW %eax
	call end_line

	LINE "2 words"
	movl nonce, %eax
	andl $0xfffffc, %eax
	orl $0x80000000, %eax
	movl $PCI_ADDRESS, %edx
	outl %eax, %dx
	xorl %eax, %eax
	inl %dx, %eax
	SHOW %eax
	movl $0x80000000, %eax
	outl %eax, %dx
	movl $0x5a5a5a5a, %eax
	movl $PCI_DATA, %edx
	inw %dx, %ax
	SHOW %eax
	call end_line

	LINE "2 nobody there"
	movl $0x5a5a5a5a, %eax
	movl $NOBODY_PORT, %edx
	inb %dx, %al
	SHOW %eax
	inw %dx, %ax
	SHOW %eax
	inl %dx, %eax
	SHOW %eax
	call end_line

	LINE "2 strings"
	movl $UART_SCRATCH, %edx
	movl $buffer, %edi
	movl $4, %ecx
	rep insb
	SHOW buffer
	SHOW %ecx
	subl $buffer, %edi
	SHOW %edi
	movl nonce, %eax
	notl %eax
	andl $0xfffffc, %eax
	orl $0x80000000, %eax
	movl %eax, buffer
	movl $buffer, %esi
	movl $PCI_ADDRESS, %edx
	outsl
	xorl %eax, %eax
	inl %dx, %eax
	SHOW %eax
	call end_line

	LINE "2 text"
	call wait_for_line
	movl $text, %esi
	movl $text_end - text, %ecx
	movl $COM1, %edx
	rep outsb
	SHOW %ecx
	call end_line

	LINE "2 breakpoint"
	CR4_SET CR4_DE
	movl $UART_SCRATCH, %edx
	movl %edx, %dr0
	xorl %eax, %eax
	movl %eax, %dr6
	movl $DR7_PORT, %eax
	movl %eax, %dr7
	TRY "outb %al, %dx"
	xorl %eax, %eax
	movl %eax, %dr7
	SHOW_TRAP
	SHOW where
	movl %dr6, %eax
	andl $15, %eax
	SHOW %eax
	CR4_CLEAR CR4_DE
	call end_line

	/* A bare machine has nothing there, and no reason to touch EAX. */
	LINE "2 calls"
	movl $CALL_PORT, %edx
	xorl %eax, %eax
	outl %eax, %dx
	SHOW %eax
	xorl %eax, %eax
	outw %ax, %dx
	SHOW %eax
	movl $buffer, %esi
	movl $0, (%esi)
	xorl %eax, %eax
	outsl
	SHOW %eax
	inl %dx, %eax
	SHOW %eax
	call end_line
	ret

	.data
text:	.ascii " in one piece"
text_end:
	.text

/* ---- 3: MSRs -------------------------------------------------------------------------------- */

	/* EDX:EAX into it; a trap shows when it is read. */
	.macro WRITE msr
	movl $\msr, %ecx
	TRY "wrmsr"
	.endm
	.macro READ msr
	movl $\msr, %ecx
	call read_msr
	.endm

read_msr:
	movl $0x5a5a5a5a, %eax
	movl %eax, %edx
	TRY "rdmsr"
	SHOW_TRAP
	SHOW %edx
	SHOW %eax
	ret

ask_msrs:
	LINE "3 kept"
	movl nonce, %eax
	xorl %edx, %edx
	WRITE MSR_TSC_AUX
	READ MSR_TSC_AUX
	call end_line

	LINE "3 PAT"
	movl nonce, %eax
	andl $0x01010101, %eax
	orl $0x04040404, %eax	/* each of eight is a type that exists */
	movl $0x00070406, %edx
	WRITE MSR_PAT
	READ MSR_PAT
	call end_line

	LINE "3 constant"
	READ MSR_MTRRCAP
	call end_line

	LINE "3 emulated"
	movl nonce, %eax
	andl $0xfff000, %eax
	orl $6, %eax
	xorl %edx, %edx
	WRITE MSR_MTRR_BASE7
	READ MSR_MTRR_BASE7
	READ MSR_APIC_BASE
	READ MSR_EFER
	call end_line

	LINE "3 lost"
	movl nonce, %eax
	xorl %edx, %edx
	WRITE MSR_K7_EVENT
	READ MSR_K7_EVENT
	call end_line

	LINE "3 only written"
	READ MSR_MICROCODE_INTEL
	READ MSR_MICROCODE_AMD
	call end_line

	LINE "3 nobody's"
	READ MSR_NOBODYS
	call end_line
	ret

/* ---- 4: faults that a hypervisor finds ------------------------------------------------------ */

	.bss
	.balign 4
nmis:	.skip 4
depth:	.skip 4
deepest:
	.skip 4
	.text

ask_faults:
	LINE "4 calls"
	TRY "vmcall"
	SHOW_TRAP
	SHOW where
	TRY "vmmcall"
	SHOW_TRAP
	SHOW where
	call end_line

	LINE "4 counter"
	movl $NO_COUNTER, %ecx
	TRY "rdpmc"
	SHOW_TRAP
	SHOW where
	call end_line

	LINE "4 nobody's MSR"
	movl $MSR_NOBODYS, %ecx
	TRY "rdmsr"
	SHOW_TRAP
	SHOW where
	call end_line

	call paging_on
	/* From a device to a page that is not there. */
	LINE "4 page"
	call from_device
	SHOW_TRAP
	SHOW where
	movl %cr2, %eax
	SHOW %eax
	call end_line

	/* Stacks that nobody has touched: their memory is not there yet either. */
	LINE "4 INT n"
	TRY "movl $STACK_A, %esp; int $0x30"
	SHOW_TRAP
	SHOW where
	call end_line

	LINE "4 new stacks"
	TRY "movl $STACK_B, %esp; int3"
	SHOW_TRAP
	SHOW where
	TRY "movl $STACK_C, %esp; ud2"
	SHOW_TRAP
	SHOW where
	call end_line

	LINE "4 double"
	andb $0x7f, idt + 14 * 8 + 5	/* the gate of #PF is not present */
	call from_device
	orb $0x80, idt + 14 * 8 + 5
	SHOW_TRAP
	call end_line

	LINE "4 NMI"
	movl $VECTOR_NMI, %ecx
	movl $on_nmi, %eax
	call set_gate
	call nmi_myself
	movl $1000000, %ecx
1:	cmpl $2, nmis
	jae 2f
	pause
	decl %ecx
	jnz 1b
2:	SHOW nmis
	SHOW deepest
	call end_line
	movl $CR0_RUN, %eax
	movl %eax, %cr0
	CR4_CLEAR CR4_PSE
	ret

from_device:
	movl $TIMER, %esi
	movl nonce, %edi
	andl $0xffc, %edi
	orl $UNMAPPED, %edi
	TRY "movsl"
	ret

/* The first 16 MiB and the APICs, as they are. */
paging_on:
	xorl %ecx, %ecx
1:	movl %ecx, %eax
	shll $22, %eax
	orl $PTE_LARGE_RW, %eax
	movl %eax, DIRECTORY32(, %ecx, 4)
	incl %ecx
	cmpl $4, %ecx
	jne 1b
	movl $0xfec00000 | PTE_LARGE_RW, DIRECTORY32 + 0xfec00000 / 0x400000 * 4
	CR4_SET CR4_PSE
	movl $DIRECTORY32, %eax
	movl %eax, %cr3
	movl $CR0_RUN | CR0_PG, %eax
	movl %eax, %cr0
	ret

nmi_myself:
	movl ICR_TO - 0x2f0, %eax	/* our ID */
	movl %eax, ICR_TO
	movl $ICR_NMI, ICR
	ret

on_nmi:
	pushal
	incl nmis
	incl depth
	movl depth, %eax
	cmpl deepest, %eax
	jbe 1f
	movl %eax, deepest
1:	cmpl $1, nmis
	jne 3f
	call nmi_myself		/* it must wait until this handler has ended */
	movl $1000, %ecx
2:	decl %ecx
	jnz 2b
3:	decl depth
	popal
	iret

/* ---- 5: CR0 ----------------------------------------------------------------------------- */

	.macro SET_CR0 value
	movl $\value, %eax
	movl %eax, %cr0
	.endm
	.macro SHOW_CR0
	movl %cr0, %eax
	SHOW %eax
	.endm

show_efer:
	movl $MSR_EFER, %ecx
	rdmsr
	SHOW %eax
	ret

ask_cr0:
	LINE "5 bits"
	SET_CR0 CR0_RUN
	SHOW_CR0
	SET_CR0 CR0_RUN & ~CR0_ET
	SHOW_CR0
	SET_CR0 CR0_RUN | CR0_TS
	SHOW_CR0
	clts
	SHOW_CR0
	call end_line

	LINE "5 PAE"
	call pae_on
	SHOW UNMAPPED
	SHOW_CR0
	SET_CR0 CR0_RUN
	CR4_CLEAR CR4_PAE
	call end_line

	LINE "5 long mode"
	call make_tables
	call long_mode_begin
	call show_efer
	SET_CR0 CR0_RUN | CR0_PG
	call show_efer
	SET_CR0 CR0_RUN | CR0_PG | CR0_TS
	call show_efer
	SET_CR0 CR0_RUN | CR0_PG
	movl $square64, %edx
	call compatible_to_64
	SHOW answer
	SET_CR0 CR0_RUN
	call show_efer
	call long_mode_end
	call show_efer
	call end_line

	xorl %eax, %eax
	OPTION strict
	testl %eax, %eax
	jz 1f
	LINE "5 refused"
	movl $(CR0_RUN | CR0_PG) & ~CR0_PE, %eax
	call try_cr0
	movl $CR0_RUN | CR0_NW, %eax
	call try_cr0
	movl $CR0_RUN | 0x40, %eax	/* no CPU has this one: it is lost, or it faults */
	call try_cr0
	call end_line
	LINE "5 wrong PDPTE"
	call pae_tables
	movl $0x1e7, PDPT_PAE + 16	/* present, with reserved bits */
	movl $CR0_RUN | CR0_PG, %eax
	call try_cr0
	SET_CR0 CR0_RUN
	CR4_CLEAR CR4_PAE
	call end_line
1:	ret

try_cr0:
	TRY "movl %eax, %cr0"
	SHOW_TRAP
	SHOW_CR0
	ret

/* 16 MiB as they are; at UNMAPPED what lies at TREASURE, which is the nonce. */
pae_tables:
	xorl %ecx, %ecx
1:	movl %ecx, %eax
	shll $21, %eax
	orl $PTE_LARGE_RW, %eax
	movl %eax, DIRECTORY_PAE(, %ecx, 8)
	movl $0, DIRECTORY_PAE + 4(, %ecx, 8)
	incl %ecx
	cmpl $8, %ecx
	jne 1b
	movl $TREASURE | PTE_LARGE_RW, DIRECTORY_PAE + 0x1000
	movl $DIRECTORY_PAE | 1, PDPT_PAE
	movl $DIRECTORY_PAE + 0x1001, PDPT_PAE + 8
	movl $0, PDPT_PAE + 16
	movl nonce, %eax
	movl %eax, TREASURE
	movl $PDPT_PAE, %eax
	movl %eax, %cr3		/* while paging is off nobody looks */
	CR4_SET CR4_PAE
	ret

pae_on:
	call pae_tables
	SET_CR0 CR0_RUN | CR0_PG
	ret

/* ---- 64 bits, and back -------------------------------------------------------------------- */

	.bss
	.balign 4
answer:	.skip 4
	.text

/* The lowest 4 GiB as they are, and the last of them once more at the end of all addresses. */
make_tables:
	movl $PDPT | PTE_RW, TABLES
	movl $PDPT_TOP | PTE_RW, TABLES + 511 * 8
	movl $DIRECTORIES + 0x3000 + PTE_RW, PDPT_TOP + 511 * 8
	xorl %ecx, %ecx
1:	movl %ecx, %eax
	shll $12, %eax
	addl $DIRECTORIES + PTE_RW, %eax
	movl %eax, PDPT(, %ecx, 8)
	incl %ecx
	cmpl $4, %ecx
	jne 1b
	xorl %ecx, %ecx
2:	movl %ecx, %eax
	shll $21, %eax
	orl $PTE_LARGE_RW, %eax
	movl %eax, DIRECTORIES(, %ecx, 8)
	movl $0, DIRECTORIES + 4(, %ecx, 8)
	incl %ecx
	cmpl $2048, %ecx
	jne 2b
	ret

/* All but paging itself. */
long_mode_begin:
	CR4_SET CR4_PAE
	movl $TABLES, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	ret

long_mode_end:
	movl $MSR_EFER, %ecx
	rdmsr
	andl $~EFER_LME, %eax
	wrmsr
	CR4_CLEAR CR4_PAE
	ret

/* Calls EDX in 64-bit mode.  All registers are lost. */
in_64:
	pushl %edx
	call make_tables
	call long_mode_begin
	movl $CR0_RUN | CR0_PG, %eax
	movl %eax, %cr0
	popl %edx
	call compatible_to_64
	movl $CR0_RUN, %eax
	movl %eax, %cr0
	jmp long_mode_end

compatible_to_64:
	ljmp $CODE64, $1f
	.code64
1:	movl %edx, %edx
	call *%rdx
	ljmp *way_back(%rip)
	.code32
2:	ret

	.data
way_back:
	.long 2b
	.word CODE32
	.text
	.code64
extended64:
	movl $LEAF_EXTENDED, %eax
	xorl %ecx, %ecx
	cpuid
	movl %edx, answer(%rip)
	ret

/* The upper half of nonce squared, which 32 bits do not have. */
square64:
	movl nonce(%rip), %eax
	imulq %rax, %rax
	shrq $32, %rax
	movl %eax, answer(%rip)
	ret
	.code32

/* ---- 6: where an instruction ends, and where its memory is ----------------------------------- */

	.equ FAR, 0x12345678
	.equ IMMEDIATE, 0x600d600d

	.bss
	.balign 4
value:	.skip 4
right:	.skip 4
	.text

	/* A store of ECX, or of IMMEDIATE, to TIMER; was it one? */
	.macro FORM code
	call next
	TRY "\code"
	call look
	.endm
	.macro FORM_IMMEDIATE code
	movl $IMMEDIATE, value
	TRY "\code"
	call look
	.endm

next:
	addl $0x01010101, value
	movl value, %ecx
	ret

look:
	movl TIMER, %eax	/* an opcode without ModRM */
	FOLD %eax
	cmpl value, %eax
	jne 1f
	incl right
1:	ret

ask_forms:
	LINE "6 in 32 bits"
	movl nonce, %eax
	movl %eax, value
	movl $0, right
	movl $TIMER, %ebx
	FORM "movl %ecx, (%ebx)"
	movl $TIMER - 0x40, %ebx
	FORM "movl %ecx, 0x40(%ebx)"
	movl $TIMER + 0x80, %ebx
	FORM "movl %ecx, -0x80(%ebx)"
	movl $TIMER - FAR, %ebx
	FORM "movl %ecx, FAR(%ebx)"
	FORM "movl %ecx, TIMER"
	movl $TIMER - 0x40, %ebx
	movl $0x10, %edx
	FORM "movl %ecx, (%ebx, %edx, 4)"
	movl $TIMER + 8 - 0x20, %ebp
	FORM "movl %ecx, -8(%ebp, %edx, 2)"
	FORM "movl %ecx, TIMER - 0x80(, %edx, 8)"
	movl %esp, %ebp
	FORM "movl $TIMER, %esp; movl %ecx, (%esp); movl %ebp, %esp"
	movl $TIMER - 0x7c, %ebx
	FORM_IMMEDIATE "movl $IMMEDIATE, 0x7c(%ebx)"
	FORM_IMMEDIATE "movl $IMMEDIATE, TIMER"
	SHOW right
	call end_line

	LINE "6 in 64 bits"
	movl nonce, %eax
	movl %eax, value
	movl $0, right
	movl $forms64, %edx
	call in_64
	SHOW right
	call end_line
	ret

	.code64
	.macro FORM64 code
	call next64
	\code
	call look64
	.endm

next64:
	addl $0x01010101, value(%rip)
	movl value(%rip), %ecx
	ret

look64:
	movabsl TIMER, %eax
	roll $5, seal(%rip)
	addl %eax, seal(%rip)
	cmpl %eax, value(%rip)
	jne 1f
	incl right(%rip)
1:	ret

/* TIMER has two addresses here, and the second one is in the reach of RIP. */
forms64:
	/* MOV of ECX: the assembler would take a number before (%rip) as it stands. */
	FORM64 ".byte 0x89, 0x0d; .long TIMER - 4 - ."
	movl $TIMER, %r13d
	FORM64 "movl %ecx, (%r13)"
	movl $TIMER - 0x100, %r13d
	FORM64 "movl %ecx, 0x100(%r13)"
	movl $TIMER, %r12d
	FORM64 "movl %ecx, (%r12)"
	movl $TIMER - 0x10, %ebp
	movl $2, %r12d
	FORM64 "movl %ecx, (%rbp, %r12, 8)"
	movl $TIMER - 0x40, %r13d
	FORM64 "movl %ecx, 0x30(%r13, %r12, 8)"
	FORM64 "movl %ecx, TIMER - 0x100000000"
	movabsq $0x5a5a5a5a00000000 + TIMER, %rbx
	FORM64 "movl %ecx, (%ebx)"
	movl $IMMEDIATE, value(%rip)
	.byte 0xc7, 0x05	/* MOV of a number that stands behind the displacement */
	.long TIMER - 8 - ., IMMEDIATE
	call look64
	ret
	.code32
