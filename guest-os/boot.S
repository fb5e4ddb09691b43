/*
 * boot.S - from the multiboot loader to C in long mode; and each further processor, from its start
 *
 * Owns: the multiboot header, the first page tables, the jump to the higher half, the boot stack.
 * Must not know: what the multiboot information says (bootinfo.c).
 *
 * Sources: Multiboot Specification 0.6.96 "OS image format" (3.1), "Machine state" (3.2);
 * [SDM] "Initializing IA-32e Mode" (9.8.5).
 */
#include "layout.h"
#include "x86.h"

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_MEMORY_INFO 2 /* please: the memory map */
#define CPUID_LONG_MODE (1 << 29)
#define TABLE_BITS 3 /* present, writable */
#define TABLE_LARGE 0x80 /* a page, not a table */
#define LARGE_PAGES 2048 /* of 2 MiB: all that lies below 4 GiB */
#define PHYSICAL(symbol) (symbol - KERNEL_BASE)

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_MEMORY_INFO
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_MEMORY_INFO)

	.section .boot, "ax"
	.code32
/* From the loader: EAX = the loader's magic, EBX = the information; protected mode, no paging. */
	.globl boot_entry
boot_entry:
	cli
	cld
	movl %eax, %edi		/* the two arguments of main_start */
	movl %ebx, %esi

	movl $0x80000001, %eax
	cpuid
	testl $CPUID_LONG_MODE, %edx
	jz boot_no_long_mode

	/* Three views of the first 4 GiB: where they are, the direct map, the kernel's place. */
	movl $(PHYSICAL(boot_pdpt) + TABLE_BITS), PHYSICAL(boot_pml4)
	movl $(PHYSICAL(boot_pdpt) + TABLE_BITS), PHYSICAL(boot_pml4) + 256 * 8
	movl $(PHYSICAL(boot_pdpt_high) + TABLE_BITS), PHYSICAL(boot_pml4) + 511 * 8
	movl $(PHYSICAL(boot_pd) + TABLE_BITS), PHYSICAL(boot_pdpt_high) + 510 * 8
	movl $(PHYSICAL(boot_pd) + TABLE_BITS), %eax
	xorl %ecx, %ecx
1:	movl %eax, PHYSICAL(boot_pdpt)(, %ecx, 8)
	addl $4096, %eax
	incl %ecx
	cmpl $4, %ecx
	jb 1b
	movl $(TABLE_LARGE | TABLE_BITS), %eax
	xorl %ecx, %ecx
2:	movl %eax, PHYSICAL(boot_pd)(, %ecx, 8)
	addl $(1 << 21), %eax
	incl %ecx
	cmpl $LARGE_PAGES, %ecx
	jb 2b

	jmp boot_paging

/* From smp_trampoline.S: another processor, in protected mode, no paging; it has no arguments. */
	.globl boot_processor
boot_processor:
	xorl %edi, %edi
boot_paging:
	movl $PHYSICAL(boot_pml4), %eax
	movl %eax, %cr3
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $MSR_EFER, %ecx
	movl $(EFER_LME | EFER_NXE | EFER_SCE), %eax
	xorl %edx, %edx
	wrmsr
	movl $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	movl %eax, %cr0
	lgdt boot_gdt_pointer
	ljmp $SELECTOR_KERNEL_CS, $boot_long

/* One sentence to the debug port and to COM1, then nothing. */
boot_no_long_mode:
	movl $boot_sorry, %esi
3:	lodsb
	testb %al, %al
	jz 4f
	outb %al, $0xe9
	movw $0x3f8, %dx
	outb %al, %dx
	jmp 3b
4:	hlt
	jmp 4b

	.code64
boot_long:
	movl $SELECTOR_KERNEL_SS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	testl %edi, %edi	/* the loader's magic is never 0 */
	jz boot_processor_long
	movq $boot_stack_top, %rsp
	xorl %ebp, %ebp
	movq $main_start, %rax
	call *%rax
	ud2

/* Only the upper half of the address space is the kernel's: go there, then load its page tables. */
boot_processor_long:
	movq $boot_processor_high, %rax
	jmp *%rax

	.balign 8
	.globl boot_gdt, boot_gdt_limit
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
	.quad 0x00cf9b000000ffff	/* 32-bit code, on the way from real mode */
	.set boot_gdt_limit, . - boot_gdt - 1
boot_gdt_pointer:
	.word boot_gdt_limit
	.long boot_gdt
boot_sorry:
	.asciz "guest-os: this processor has no long mode\n"

	.text
boot_processor_high:
	movq smp_cr3(%rip), %rax
	movq %rax, %cr3
	movq smp_stack(%rip), %rsp
	xorl %ebp, %ebp
	call smp_processor
	ud2

	.bss
	.balign 4096
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_pd:
	.skip 4 * 4096
boot_stack:
	.skip 4 * 4096
	.globl boot_stack_top
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
