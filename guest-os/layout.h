/*
 * layout.h - the map of the address space
 *
 * Owns: every address and selector on which more than one file must agree; used by C, by assembly
 * and by the linker script's author.
 * Must not know: how any of it is mapped (space.c) or loaded (segment.c).
 *
 *   0x0000000000400000  a program: text, data, then its heap
 *   0x000000007ffff000  top of a program's stack, which grows down on demand
 *   0x0000000080000000  end of user space
 *   0xffff800000000000  the direct map: physical address p is at DIRECT_BASE + p
 *   0xffffffff80000000  the kernel image: physical address p is at KERNEL_BASE + p
 *   0xffffffffc0000000  kernel stacks, each with an unmapped page below it
 *   0xffffffffd0000000  pages that only the self-test maps
 */
#ifndef GUEST_OS_LAYOUT_H
#define GUEST_OS_LAYOUT_H

#define USER_BASE 0x400000
#define USER_STACK_TOP 0x7ffff000
#define USER_STACK_SIZE 0x40000
#define USER_END 0x80000000

#define DIRECT_BASE 0xffff800000000000
#define KERNEL_BASE 0xffffffff80000000
#define STACK_BASE 0xffffffffc0000000
#define TEST_BASE 0xffffffffd0000000

#define KERNEL_STACK_PAGES 4

/* Processors; a page below 1 MiB where all but the first wake up (smp_trampoline.S). */
#define CPU_MAX 8
#define TRAMPOLINE 0x8000

/* Offsets in struct cpu (cpu.h). */
#define CPU_SYSCALL_RSP 0
#define CPU_USER_RSP 8

/* Selectors. SYSCALL and SYSRET fix their order: [SDM] "SYSRET" (vol. 2). */
#define SELECTOR_KERNEL_CS 0x08
#define SELECTOR_KERNEL_SS 0x10
#define SELECTOR_USER_CS32 0x1b
#define SELECTOR_USER_SS 0x23
#define SELECTOR_USER_CS 0x2b
#define SELECTOR_TSS 0x30 /* of the first processor; the others' follow */
#define SELECTOR_TSS_SIZE 0x10
#define SELECTOR_ABSENT 0xb0 /* a data segment that is not present, for the self-test */
#define SELECTOR_BOOT_CS32 0x18 /* only in the GDT of boot.S */

#endif
