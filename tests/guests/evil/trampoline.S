/*
 * trampoline.S - the second CPU, from where a SIPI leaves it into 64-bit C
 *
 * Copied to TRAMPOLINE.  Paging, PAE and long mode are switched on at once: [SDM] "Initializing
 * IA-32e Mode" (10.8.5) asks for protection before paging, and one MOV to CR0 sets both.
 */
#define AT(symbol) (symbol - trampoline + 0x8000)
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define CR0_PG_PE 0x80000001
#define CR0_NO_CACHE 0x60000000

	.section .rodata
	.globl trampoline, trampoline_end, trampoline_cr3, trampoline_stack, trampoline_entry
	.code16
trampoline:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl AT(gdtr)
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl AT(trampoline_cr3), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	andl $~CR0_NO_CACHE, %eax
	orl $CR0_PG_PE, %eax
	movl %eax, %cr0
	ljmpl $8, $AT(long_mode)

	.code64
long_mode:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movq AT(trampoline_stack), %rsp
	movq AT(trampoline_entry), %rax
	call *%rax
1:	cli
	hlt
	jmp 1b

	.balign 8
gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr:
	.word gdtr - gdt - 1
	.long AT(gdt)
	.balign 8
trampoline_cr3:
	.quad 0
trampoline_stack:
	.quad 0
trampoline_entry:
	.quad 0
trampoline_end:

	.section .note.GNU-stack, "", @progbits
