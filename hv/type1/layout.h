/*
 * layout.h - where things lie in the hypervisor's address space
 *
 * Owns: the two upper windows, the selectors and their descriptors, the sizes of stacks.  For C and
 * assembly.
 * Must not know: who uses them.
 *
 *   0xffff800000000000  direct map: all memory of the machine, at its physical address
 *   0xffffffff80000000  the image, loaded at 1 MiB
 *
 * The lower half is empty after boot: a paravirtual guest will live there.
 */
#ifndef ESPEJO_TYPE1_LAYOUT_H
#define ESPEJO_TYPE1_LAYOUT_H

#define DIRECT_BASE 0xffff800000000000
#define DIRECT_SLOT 256 /* of the PML4: 512 GiB */
#define IMAGE_BASE 0xffffffff80000000
#define IMAGE_SLOT 511
#define IMAGE_PDPT_SLOT 510

#define SELECTOR_CS 0x08
#define SELECTOR_DS 0x10
#define SELECTOR_TSS 0x18

/* Descriptors: [SDM] "Segment Descriptors" (3.4.5).  Present, ring 0, accessed. */
#define DESCRIPTOR_CODE64 0x00af9b000000ffff
#define DESCRIPTOR_DATA 0x00cf93000000ffff

#define STACK_PAGES_ORDER 3 /* 32 KiB for each CPU; the lowest page is a guard: see paging.h */
#define STACK_SIZE (4096 << STACK_PAGES_ORDER)

/* Where the trampoline of the other CPUs keeps its arguments: see trampoline.S. */
#define TRAMPOLINE_PAGE_TABLE 0x10
#define TRAMPOLINE_CPU 0x18
#define TRAMPOLINE_STACK 0x20
#define TRAMPOLINE_ENTRY 0x28

/* What the loader leaves in EAX. */
#define MULTIBOOT1_MAGIC 0x2badb002
#define MULTIBOOT2_MAGIC 0x36d76289

#endif
