/*
 * xen_entry.S - from Xen to the shim, and from the shim to a multiboot kernel
 *
 * Owns: the ELF note that makes the shim a PVH kernel, its stack, both jumps.
 * Must not know: what is loaded (xen_shim.c).
 *
 * Sources: Xen, docs/misc/pvh.pandoc, "x86/HVM direct boot ABI"; xen/include/public/elfnote.h;
 * Multiboot Specification 0.6.96 "Machine state" (3.2).
 */
#define NOTE_PHYS32_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
#define MULTIBOOT_LOADED 0x2badb002

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 4, NOTE_PHYS32_ENTRY
	.asciz "Xen"
	.long xen_entry

/* Protected mode, paging off, flat segments; EBX: the start info. */
	.text
	.code32
	.globl xen_entry
xen_entry:
	cli
	cld
	movl $stack_top, %esp
	pushl %ebx
	call xen_shim
	ud2

/* void xen_leave(u32 entry, u32 info): the kernel at entry, as a multiboot loader starts it. */
	.globl xen_leave
xen_leave:
	movl 4(%esp), %ecx
	movl 8(%esp), %ebx
	movl $MULTIBOOT_LOADED, %eax
	jmp *%ecx

	.bss
	.balign 16
	.skip 8192
stack_top:

	.section .note.GNU-stack, "", @progbits
