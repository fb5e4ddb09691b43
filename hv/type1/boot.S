/*
 * boot.S - from the loader to C in long mode
 *
 * Owns: both multiboot headers, the first page tables, the jump to the upper half.
 * Must not know: what the boot information says (multiboot.c).
 *
 * Sources: "Multiboot Specification version 0.6.96", "OS image format" (3.1), "Machine state"
 * (3.2); "Multiboot2 Specification version 2.0", "Header layout" (3.1), "Machine state" (3.3);
 * [SDM] "Initializing IA-32e Mode" (9.8.5).
 */
#include "type1/entry.h"

#define HEADER1_MAGIC 0x1badb002
#define HEADER1_FLAGS 3 /* modules on page boundaries, memory map */
#define HEADER2_MAGIC 0xe85250d6
#define HEADER2_I386 0
#define TAG_END 0
#define TAG_REQUEST 1
#define TAG_CONSOLE 4
#define TAG_MODULE_ALIGN 6
#define TAG_OPTIONAL 1
#define CONSOLE_EGA_TEXT 2 /* text mode will do */

#define CPUID_EXTENDED 0x80000001
#define CPUID_EDX_NX (1 << 20)
#define CPUID_EDX_LONG_MODE (1 << 29)
#define TABLE_BITS (PTE_P | PTE_W)
#define LARGE_PAGES 2048 /* of 2 MiB: what lies below 4 GiB */
#define PHYSICAL(symbol) (symbol - IMAGE_BASE)

	.section .multiboot, "a"
	.balign 8
header2:
	.long HEADER2_MAGIC, HEADER2_I386, header2_end - header2
	.long -(HEADER2_MAGIC + HEADER2_I386 + (header2_end - header2))
	/* What must be told: command line, modules, memory map. */
	.balign 8
1:	.short TAG_REQUEST, 0
	.long 2f - 1b
	.long 1, 3, 6
2:
	/* What not every machine has: framebuffer, ACPI old and new, EFI map, boot services. */
	.balign 8
1:	.short TAG_REQUEST, TAG_OPTIONAL
	.long 2f - 1b
	.long 8, 14, 15, 17, 18
2:
	.balign 8
	/*
	 * No tag asks for a framebuffer: so GRUB leaves a BIOS machine in text mode, and gives us
	 * a framebuffer under UEFI, where there is no text mode.
	 */
	.short TAG_CONSOLE, TAG_OPTIONAL
	.long 12, CONSOLE_EGA_TEXT
	.balign 8
	.short TAG_MODULE_ALIGN, TAG_OPTIONAL
	.long 8
	.balign 8
	.short TAG_END, 0
	.long 8
header2_end:

	.balign 4
	.long HEADER1_MAGIC, HEADER1_FLAGS, -(HEADER1_MAGIC + HEADER1_FLAGS)

	.section .boot, "awx"
	.code32
/* From the loader: EAX its magic, EBX the information; 32-bit protected mode, no paging. */
	.globl boot_entry
boot_entry:
	cli
	cld
	movl %eax, %edi		/* the two arguments of main_start */
	movl %ebx, %esi

	movl $0x80000000, %eax
	cpuid
	cmpl $CPUID_EXTENDED, %eax
	jb boot_no_long_mode
	movl $CPUID_EXTENDED, %eax
	cpuid
	andl $(CPUID_EDX_LONG_MODE | CPUID_EDX_NX), %edx
	cmpl $(CPUID_EDX_LONG_MODE | CPUID_EDX_NX), %edx
	jne boot_no_long_mode

	/* The first 4 GiB three times: where they are (for a while), direct, as the image. */
	movl $(PHYSICAL(paging_direct_pdpt) + TABLE_BITS), PHYSICAL(paging_pml4)
	movl $(PHYSICAL(paging_direct_pdpt) + TABLE_BITS), PHYSICAL(paging_pml4) + DIRECT_SLOT * 8
	movl $(PHYSICAL(paging_image_pdpt) + TABLE_BITS), PHYSICAL(paging_pml4) + IMAGE_SLOT * 8
	movl $(PHYSICAL(paging_low_pd) + TABLE_BITS), %eax
	movl %eax, PHYSICAL(paging_image_pdpt) + IMAGE_PDPT_SLOT * 8
	xorl %ecx, %ecx
1:	movl %eax, PHYSICAL(paging_direct_pdpt)(, %ecx, 8)
	addl $4096, %eax
	incl %ecx
	cmpl $4, %ecx
	jb 1b
	movl $(PTE_PS | TABLE_BITS), %eax
	xorl %ecx, %ecx
2:	movl %eax, PHYSICAL(paging_low_pd)(, %ecx, 8)
	addl $(1 << 21), %eax
	incl %ecx
	cmpl $LARGE_PAGES, %ecx
	jb 2b

	movl $PHYSICAL(paging_pml4), %eax
	entry_long_mode
	lgdt boot_gdt_pointer
	ljmp $SELECTOR_CS, $boot_long

/* One sentence to the debug port and to COM1, then nothing. */
boot_no_long_mode:
	movl $boot_sorry, %esi
	movl $0x3fb, %edx	/* COM1: 8 bits */
	movb $3, %al
	outb %al, %dx
3:	lodsb
	testb %al, %al
	jz 4f
	outb %al, $0xe9
	movl $0x3f8, %edx
	outb %al, %dx
	jmp 3b
4:	hlt
	jmp 4b

	.code64
boot_long:
	entry_data_segments
	movq $boot_stack_top, %rsp
	xorl %ebp, %ebp
	movq $main_start, %rax
	call *%rax
	ud2

	.balign 8
	.globl boot_gdt_pointer
boot_gdt:
	entry_descriptors
boot_gdt_pointer:
	.word boot_gdt_pointer - boot_gdt - 1
	.long boot_gdt
boot_sorry:
	.ascii "espejo: this processor has no 64-bit mode with no-execute pages, "
	.asciz "which the hypervisor needs\n"

	.bss
	.balign 4096
	.globl paging_pml4, paging_direct_pdpt, paging_image_pdpt, paging_low_pd
paging_pml4:
	.skip 4096
paging_direct_pdpt:
	.skip 4096
paging_image_pdpt:
	.skip 4096
paging_low_pd:
	.skip 4 * 4096
	.globl boot_stack, boot_stack_top
boot_stack:
	.skip STACK_SIZE
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
