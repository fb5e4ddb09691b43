/*
 * kernel.S - the guest of the monitor: a kernel for CPL 0 that looks at what it finds there
 *
 * 64-bit code for any address.  It loads registers of the system and reads them back, and says of
 * each answer whether it is right; at CPL 0 all of them are.  It knows of no monitor.
 *
 * Its code has nothing but instructions in it, one behind the other, up to kernel_code_end.
 */
#include "x86.h"

#define COM1 0x3f8
#define EXIT_PORT 0xf4
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS 0x40
#define SELECTOR_LDT 0x50
#define ALL_FLAGS 0x38d7	/* IOPL 3, IF clear; OF SF ZF AF PF CF, and bit 1 */
#define SOME_FLAGS 0x46		/* ZF, PF */
#define ROUNDS 100

/* Is the condition true?  That answer is right then. */
	.macro answer name, condition
	set\condition %bl
	lea \name(%rip), %rsi
	call judge
	.endm

	.section .rodata.kernel, "a"
	.balign 16
	.globl kernel_begin, kernel_code_end, kernel_name, kernel_end
kernel_begin:
	lea kernel_stack_top(%rip), %rsp
	xor %r12d, %r12d		/* answers */
	xor %r13d, %r13d		/* right ones */
	lea hello(%rip), %rsi
	call say
	lea newline(%rip), %rsi
	call say

	/* GDTR, IDTR: 10 bytes each; the first 8 will do. */
	lea gdt(%rip), %rax
	mov %rax, gdtr + 2(%rip)
	lea ldt(%rip), %rax
	mov %ax, gdt + SELECTOR_LDT + 2(%rip)
	shr $16, %rax
	mov %al, gdt + SELECTOR_LDT + 4(%rip)
	lea tss(%rip), %rax
	mov %ax, gdt + SELECTOR_TSS + 2(%rip)
	shr $16, %rax
	mov %al, gdt + SELECTOR_TSS + 4(%rip)
	lea idt(%rip), %rax
	mov %rax, idtr + 2(%rip)
	lgdt gdtr(%rip)
	sgdt seen(%rip)
	mov gdtr(%rip), %rax
	cmp %rax, seen(%rip)
	answer name_sgdt, e
	lidt idtr(%rip)
	lea seen(%rip), %rcx
	mov $2, %edx
	sidt -16(%rcx, %rdx, 8)
	mov idtr(%rip), %rax
	cmp %rax, seen(%rip)
	answer name_sidt, e

	/* LDTR and TR. */
	mov $SELECTOR_LDT, %eax
	lldt %ax
	sldt %ecx
	cmp $SELECTOR_LDT, %ecx
	answer name_sldt, e
	mov $SELECTOR_TSS, %eax
	ltr %ax
	str seen(%rip)
	cmpw $SELECTOR_TSS, seen(%rip)
	answer name_str, e

	/* CR0. */
	mov %cr0, %rax
	or $CR0_TS, %rax
	mov %rax, %cr0
	smsw %ecx
	test $CR0_TS, %ecx
	answer name_smsw, nz
	clts
	smsw seen(%rip)
	testb $CR0_TS, seen(%rip)
	answer name_clts, z

	/* IF, IOPL and the other flags. */
	sti
	nop
	pushfq
	cli
	pop %rax
	test $RFLAGS_IF, %eax
	answer name_sti, nz
	pushfq
	pop %rax
	test $RFLAGS_IF, %eax
	answer name_cli, z
	push $ALL_FLAGS
	popfq
	pushfq
	pop %rax
	cmp $ALL_FLAGS, %eax
	answer name_popf, e
	mov %rsp, %r14
	or $RFLAGS_ID, %eax
	push %rax
	popfq
	pushw $SOME_FLAGS
	popfw
	pushfq
	pop %rax
	and $~RFLAGS_RF, %eax
	cmp $(SOME_FLAGS + RFLAGS_ID), %eax
	answer name_popfw, e
	cmp %rsp, %r14
	answer name_stack, e

	/* A critical section, as kernels have them, and many times. */
	mov $ROUNDS, %ecx
1:	pushfq
	cli
	nop
	popfq
	dec %ecx
	jnz 1b
	pushfq
	pop %rax
	test $RFLAGS_IF, %eax
	answer name_section, z

	/* Selectors, and what they may reach. */
	mov %cs, %eax
	cmp $SELECTOR_CODE, %eax
	answer name_cs, e
	mov %ss, seen(%rip)
	cmpw $SELECTOR_DATA, seen(%rip)
	answer name_ss, e
	mov $SELECTOR_CODE, %ecx
	lar %cx, %eax
	answer name_lar, z
	lsl %ecx, %eax
	cmp $0xffffffff, %eax
	answer name_lsl, e
	mov $SELECTOR_DATA, %ecx
	verr %cx
	answer name_verr, z
	mov $SELECTOR_DATA, %ecx
	verw %cx
	answer name_verw, z

	/* What needs no patch: selectors without a CPL, bytes that look like PUSHF, POPF. */
	mov %ds, %ecx
	xor %ecx, %ecx
	mov %ecx, %es
	mov $0x9d9c9d9c, %eax
	cmp %eax, bytes(%rip)
	answer name_bytes, e

	lea kernel_name(%rip), %rsi
	call say
	lea colon(%rip), %rsi
	call say
	mov %r13d, %eax
	call number
	lea of(%rip), %rsi
	call say
	mov %r12d, %eax
	call number
	lea right(%rip), %rsi
	call say
	xor %eax, %eax
	out %al, $EXIT_PORT
2:	hlt
	jmp 2b

/* The name at RSI, then whether BL is 1. */
judge:
	call say
	inc %r12d
	movzbl %bl, %eax
	add %eax, %r13d
	lea yes(%rip), %rsi
	lea no(%rip), %rdi
	test %eax, %eax
	cmovz %rdi, %rsi
	call say
	ret

/* The text at RSI; RAX, RDX, RSI are lost. */
say:
	mov $COM1, %edx
3:	lodsb
	test %al, %al
	jz 4f
	out %al, %dx
	jmp 3b
4:	ret

/* EAX, below 100. */
number:
	cmp $10, %eax
	jb 5f
	xor %edx, %edx
	mov $10, %ecx
	div %ecx
	add $0x3030, %eax
	mov %al, digits(%rip)
	add $0x30, %edx
	mov %dl, digits + 1(%rip)
	lea digits(%rip), %rsi
	call say
	ret
5:	add $0x30, %eax
	mov %al, digits + 1(%rip)
	lea digits + 1(%rip), %rsi
	call say
	ret
kernel_code_end:

hello:		.ascii "kernel "
kernel_name:	.asciz "nameless"
newline:	.asciz "\n"
	.balign 16
colon:		.asciz ": "
of:		.asciz " of "
right:		.asciz " answers are right\n"
digits:		.asciz "00"
yes:		.asciz "right\n"
no:		.asciz "WRONG\n"
name_sgdt:	.asciz "  SGDT after LGDT       "
name_sidt:	.asciz "  SIDT after LIDT       "
name_sldt:	.asciz "  SLDT after LLDT       "
name_str:	.asciz "  STR after LTR         "
name_smsw:	.asciz "  SMSW, TS set          "
name_clts:	.asciz "  SMSW after CLTS       "
name_sti:	.asciz "  PUSHF after STI       "
name_cli:	.asciz "  PUSHF after CLI       "
name_popf:	.asciz "  POPF, all flags       "
name_popfw:	.asciz "  POPF of 16 bits       "
name_stack:	.asciz "  the stack pointer     "
name_section:	.asciz "  100 critical sections "
name_cs:	.asciz "  MOV from CS           "
name_ss:	.asciz "  MOV from SS           "
name_lar:	.asciz "  LAR of its code       "
name_lsl:	.asciz "  LSL of its code       "
name_verr:	.asciz "  VERR of its data      "
name_verw:	.asciz "  VERW of its data      "
name_bytes:	.asciz "  bytes in a constant   "

	.balign 8
bytes:	.long 0x9d9c9d9c
	.balign 8
	.word 0, 0, 0
gdtr:	.word gdt_end - gdt - 1
	.quad 0
	.balign 8
	.word 0, 0, 0
idtr:	.word 0xfff
	.quad 0
	.balign 8
seen:	.quad 0, 0
gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
	.quad 0, 0, 0, 0, 0
	.quad 0x0000890000000067, 0	/* the TSS */
	.quad 0x0000820000000007, 0	/* the LDT */
gdt_end:
ldt:	.quad 0
tss:	.skip 104
	.balign 16
	.skip 1024
kernel_stack_top:
idt:
kernel_end:

	.section .note.GNU-stack, "", @progbits
