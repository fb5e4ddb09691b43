/*
 * insns.S - instructions to be tried, one by one, and the way to them and back
 *
 * Owns: the tables; going to any privilege level and mode by IRET.
 * Must not know: what is expected.
 *
 * An instruction ends with INT 0x30.  RAX to RDI are what insns.c says.
 */
#include "layout.h"
#include "x86.h"

	.section .note.GNU-stack, "", @progbits

	.macro insn text
	.pushsection .rodata.text, "a"
1:	.asciz "\text"
	.popsection
	.pushsection .text
2:	\text
3:	int $0x30
	.popsection
	.quad 1b, 2b, 3b
	.endm

	.macro table name
	.section .rodata
	.balign 8
	.globl \name
\name:
	.endm

	.code64
	table insns64
	insn "nop"
	insn "cpuid"
	insn "rep; cpuid"
	insn ".byte 0xf0; cpuid"
	insn ".fill 13, 1, 0x66; cpuid"
	insn ".fill 14, 1, 0x66; cpuid"
	insn "rdtsc"
	insn "rdtscp"
	insn "rdpmc"
	insn ".byte 0x0f, 0xc7, 0xf8"
	insn "xgetbv"
	insn "xsetbv"
	insn "pause"
	insn "sgdt (%rbx)"
	insn "sidt (%rbx)"
	insn "sldt %eax"
	insn "sldt (%rbx)"
	insn "str %eax"
	insn "smsw %eax"
	insn "smsw (%rbx)"
	insn "lar %ax, %ecx"
	insn "verr %ax"
	insn "movq %cr0, %rax"
	insn "movq %cr2, %rax"
	insn "movq %cr3, %rax"
	insn "movq %cr4, %rax"
	insn "movq %cr8, %rax"
	insn ".byte 0x0f, 0x20, 0xc8"
	insn ".byte 0x0f, 0x20, 0xe8"
	insn ".byte 0x44, 0x0f, 0x20, 0xc8"
	insn ".byte 0xf0, 0x0f, 0x20, 0xc0"
	insn ".byte 0x0f, 0x22, 0xc8"
	insn "movq %cr0, %rdx; movq %rdx, %cr0"
	insn "movq %cr3, %rdx; movq %rdx, %cr3"
	insn "movq %cr4, %rdx; movq %rdx, %cr4"
	insn "movq %cr8, %rdx; movq %rdx, %cr8"
	insn "movq %rcx, %cr8"
	insn "movq %db0, %rax"
	insn "movq %db4, %rax"
	insn "movq %db5, %rax"
	insn "movq %db6, %rax"
	insn "movq %db7, %rax"
	insn ".byte 0x44, 0x0f, 0x21, 0xc0"
	insn "movq %rcx, %db0"
	insn "clts"
	insn "lmsw %ax"
	insn "invlpg (%rbx)"
	insn "invlpg (%rdi)"
	insn "wbinvd"
	insn ".byte 0xf3; wbinvd"
	insn "movl $0xc0000080, %ecx; rdmsr"
	insn "movl $0x10, %ecx; rdmsr"
	insn "movl $0xc0000080, %ecx; rdmsr; wrmsr"
	insn "inb $0x71, %al"
	insn "movl $0x3fb, %edx; inb %dx, %al"
	insn "movl $0x80, %edx; outb %al, %dx"
	insn "movl $0x80, %edx; outw %ax, %dx"
	insn "movl $0x80, %edx; outl %eax, %dx"
	insn "movq %rbx, %rsi; movl $0x80, %edx; movl $1, %ecx; rep; outsb"
	insn "movl $0x80, %edx; movq %rdi, %rsi; outsb"
	insn "movl $0x80, %edx; insb"
	insn "movl $0x80, %edx; movl $0, %ecx; rep; insb"
	insn "cli"
	insn "sti"
	insn "pushfq; popfq"
	insn "pushq $0x3202; popfq; pushfq; popq %rax"
	insn "int3"
	insn "int $0x31"
	insn "int $3"
	insn "int $0xff"
	insn ".byte 0xf1"
	insn ".byte 0xce"
	insn "ud2"
	insn ".byte 0x0f, 0xff, 0xc0"
	insn ".byte 0x0f, 0xb9, 0xc0"
	insn ".byte 0x0f, 0x0a"
	insn ".byte 0x0f, 0x04"
	insn ".byte 0xf0, 0x90"
	insn ".byte 0xf0, 0x01, 0xc0"
	insn ".byte 0xf0, 0x8b, 0x03"
	insn ".byte 0x06"
	insn ".byte 0x27"
	insn ".byte 0x62"
	insn ".byte 0x82, 0xc0, 0x00"
	insn ".byte 0xd6"
	insn ".byte 0x9a"
	insn ".byte 0xea"
	insn ".byte 0x0f, 0xaa"
	insn ".byte 0x0f, 0x37"
	insn "vmcall"
	insn "vmmcall"
	insn "vmrun"
	insn "vmload"
	insn "vmsave"
	insn "stgi"
	insn "clgi"
	insn "skinit"
	insn "invlpga"
	insn "vmxoff"
	insn "vmlaunch"
	insn "vmresume"
	insn "vmxon (%rbx)"
	insn "vmclear (%rbx)"
	insn "vmptrld (%rbx)"
	insn "vmptrst (%rbx)"
	insn "vmread %rax, %rcx"
	insn "vmwrite %rax, %rcx"
	insn ".byte 0x66, 0x0f, 0x38, 0x80, 0x03"
	insn ".byte 0x66, 0x0f, 0x38, 0x81, 0x03"
	insn ".byte 0x0f, 0x01, 0xd4"
	insn ".byte 0x0f, 0x01, 0xfd"
	insn ".byte 0x0f, 0x01, 0xcf"
	insn ".byte 0x0f, 0x01, 0xc0"
	insn ".byte 0x66, 0x0f, 0x38, 0x82, 0x03"
	insn ".byte 0x0f, 0x01, 0xee"
	insn ".byte 0x0f, 0x01, 0xef"
	insn ".byte 0xf3, 0x0f, 0xae, 0xc0"
	insn ".byte 0xf3, 0x48, 0x0f, 0xae, 0xd8"
	insn ".byte 0x0f, 0x01, 0xca"
	insn ".byte 0x0f, 0x01, 0xcb"
	insn ".byte 0x0f, 0x01, 0xe8"
	insn ".byte 0x0f, 0xc7, 0x2b"
	insn ".byte 0x0f, 0xc7, 0x1b"
	insn ".byte 0x0f, 0xc7, 0xf0"
	insn "swapgs; swapgs"
	insn "lgdt (%rdi)"
	insn "lidt (%rdi)"
	insn "lldt %ax"
	insn "xorl %eax, %eax; lldt %ax"
	insn "movw $0x30, %ax; ltr %ax"
	insn "movw $0x33, %ax; movw %ax, %ds"
	insn "movw $0x1000, %ax; movw %ax, %ds"
	insn "movw $8, %ax; movw %ax, %ss"
	insn "xorl %eax, %eax; movw %ax, %ss"
	insn "movw $0x23, %ax; movw %ax, %ss"
	insn "movw %ss, %ax; movw %ax, %ss; nop"
	insn "movw %ss, %ax; movw %ax, %ss; cpuid"
	insn "movw %ss, %ax; movw %ax, %ss; int3"
	insn "movw %ss, %ax; movw %ax, %ss; pushfq; popq %rdx"
	insn "movq (%rdi), %rax"
	insn "movq %rax, (%rdi)"
	insn "pushq (%rdi)"
	insn "movq %rdi, %rsp; pushq %rax"
	insn "movq %rdi, %rbp; movq (%rbp), %rax"
	insn "jmp *%rdi"
	insn "call *%rdi"
	insn "pushq %rdi; ret"
	insn "fxsave (%rbx)"
	insn "fxsave 1(%rbx)"
	insn "fxrstor 1(%rbx)"
	insn "xsave (%rbx)"
	insn "xsave 8(%rbx)"
	insn "xrstor (%rbx)"
	insn ".byte 0x0f, 0xc7, 0x6b, 0x00"
	insn "fninit; fldz; fdivp; fwait"
	insn "fninit; fnstcw (%rbx); andw $0xfffb, (%rbx); fldcw (%rbx); fld1; fldz; fdivrp; fwait"
	insn "movaps 1(%rbx), %xmm0"
	insn "movaps (%rbx), %xmm0"
	insn "stmxcsr (%rbx); orl $0x10000, (%rbx); ldmxcsr (%rbx)"
	insn "xorps %xmm0, %xmm0; divps %xmm0, %xmm0"
	insn "emms"
	insn "vzeroall"
	insn "xorl %ecx, %ecx; divl %ecx"
	insn "movl $0x80000000, %eax; cdq; movl $-1, %ecx; idivl %ecx"
	insn "cmpxchg16b 8(%rbx)"
	insn "cmpxchg16b (%rbx)"
	insn "sysenter"
	insn "sysexitl"
	insn "movl 1(%rbx), %eax"
	insn "loop ."
	insn "movl $2, %ecx; 4: nop; loop 4b"
	insn "lahf; sahf"
	insn "clflush (%rbx)"
	insn "clflush (%rdi)"
	insn "prefetcht0 (%rdi)"
	insn "movq $0x7ffffffffffd, %rax; movl (%rax), %eax"
	insn "movq $0xffff7ffffffffffd, %rax; movl (%rax), %eax"
	insn "movl $0xfed50000, %eax; movl (%rax), %edx"
	insn "movl $0xfed50000, %eax; movl %edx, (%rax)"
	insn "movl $0xfed50000, %eax; addl %edx, (%rax)"
	insn "movl $0xfee000f0, %eax; movl (%rax), %edx"
	insn "movl $0xfee00080, %eax; movl $0, (%rax)"
	insn ".quad 0"
	.quad 0

	/* Only for user mode: they stop the machine, or take it away from us. */
	table insns64_user
	insn "hlt"
	insn "invd"
	insn "movl $0xc0000081, %ecx; rdmsr; wrmsr"
	insn "sysretq"
	insn "iretq"
	insn "movl $0x1000, %eax; movq %rax, %cr3"
	insn "xorl %eax, %eax; movq %rax, %cr4"
	insn "rdmsr"
	insn "wrmsr"
	.quad 0

	.code32
	table insns32
	insn "nop"
	insn "cpuid"
	insn ".byte 0xce"
	insn "movb $0x7f, %al; incb %al; into"
	insn "boundl %eax, (%ebx)"
	insn "movl $5, (%ebx); movl $6, 4(%ebx); movl $7, %eax; boundl %eax, (%ebx)"
	insn "movl $5, (%ebx); movl $6, 4(%ebx); movl $6, %eax; boundl %eax, (%ebx)"
	insn "pushl %es; popl %es"
	insn "pushl %ss; popl %ss; nop"
	insn "pushl %ss; popl %ss; cpuid"
	insn "daa"
	insn "aam $0"
	insn "aam"
	insn ".byte 0xd6"
	insn ".byte 0x82, 0xc0, 0x00"
	insn ".byte 0x8d, 0xc0"
	insn ".byte 0xc4, 0xc0"
	insn ".byte 0xc5, 0xc0"
	insn "lesl (%ebx), %eax"
	insn "arpl %ax, %cx"
	insn "sgdt (%ebx)"
	insn "smsw %eax"
	insn "movl %cr0, %eax"
	insn ".byte 0x0f, 0x21, 0xe0"
	insn "rdtsc"
	insn "cli"
	insn "sti"
	insn "pushfl; popfl"
	insn "inb $0x71, %al"
	insn "movl $0x80, %edx; outl %eax, %dx"
	insn "movl $0x80, %edx; movl %ebx, %edi; insb"
	insn "int3"
	insn "int $0x31"
	insn "int $0xff"
	insn "ud2"
	insn "sysenter"
	insn "lcall $0x30, $0"
	insn "lcall $0, $0"
	insn "lcall $0x2000, $0"
	insn "ljmp $0x10, $0"
	insn "movl %ebx, %eax; movw %ax, %fs"
	insn "xorl %eax, %eax; movw %ax, %fs; movl %fs:(%ebx), %eax"
	insn "movl $0xfffffffe, %eax; movl (%eax), %eax"
	insn "movl $0xfee000f0, %eax; movl (%eax), %edx"
	insn "vmcall"
	insn "vmmcall"
	insn "rdpmc"
	insn "invlpg (%ebx)"
	insn "sldt %eax"
	insn ".fill 14, 1, 0x66; cpuid"
	insn "cmpxchg8b (%ebx)"
	insn ".byte 0x0f, 0xc7, 0xc8"
	insn ".byte 0xf0, 0x0f, 0xc7, 0xc8"
	.quad 0

	.code16
	table insns16
	insn "nop"
	insn "cpuid"
	insn "movl %cr0, %eax"
	insn "rdtsc"
	insn "inb $0x71, %al"
	insn "int3"
	insn "int $0x31"
	insn "pushf; popf"
	insn "pushfl; popfl"
	insn "sgdt (%ebx)"
	insn "smsw %ax"
	insn "smsw %eax"
	insn "into"
	insn "movl $0xfee000f0, %eax; movl (%eax), %edx"
	insn "movl $0xfee000f0, %eax; .byte 0x67; movb (%eax), %dl"
	insn "pushw %ss; popw %ss; cpuid"
	.quad 0

	.text
	.code64
/* u64 insns_go(const struct insns_regs *regs): by IRET to regs; back when the hook says so. */
	.globl insns_go, insns_back
insns_go:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, insns_rsp
	pushq 32(%rdi)
	pushq 24(%rdi)
	pushq 16(%rdi)
	pushq 8(%rdi)
	pushq (%rdi)
	movq 40(%rdi), %rax
	movq 48(%rdi), %rbx
	movq 56(%rdi), %rcx
	movq 64(%rdi), %rdx
	movq %rbx, %rsi
	movq 72(%rdi), %rdi
	iretq
insns_back:
	movq insns_rsp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.bss
	.balign 8
	.globl insns_rsp
insns_rsp:
	.skip 8
