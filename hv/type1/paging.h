/*
 * paging.h - the hypervisor's own address space
 *
 * Owns: the page tables behind layout.h's windows.
 * Must not know: nested page tables, what devices do.
 *
 * [SDM] "4-Level Paging and 5-Level Paging" (4.5)
 */
#ifndef ESPEJO_TYPE1_PAGING_H
#define ESPEJO_TYPE1_PAGING_H

#include "compiler.h"

struct bootinfo;

/*
 * Replaces what boot.S made: the lower half becomes empty, the image gets the rights of its
 * segments, the direct map loses the right to execute.  Below 4 GiB it stays whole.
 */
void paging_init(void);

/*
 * Extend the direct map to all usable memory; needs memory below 4 GiB for tables.  Returns the
 * lowest usable address that is not mapped; ~0: all are.
 */
u64 paging_map_memory(const struct bootinfo *info);

/* Uncached view of a device's registers, for ever.  NULL: beyond the direct map, or no memory. */
void *paging_map_device(u64 address, u64 size);

/*
 * Take a page of ours, in the image or the direct map, out of the address space for ever, so that a
 * stack that grows into it is noticed.  Without memory for a table it stays.
 */
void paging_guard(const void *page);

/* The tables of this address space, for CR3. */
u64 paging_root(void);

/* A root that also has the first 2 MiB at their own addresses, for CPUs that start; below 4 GiB. */
u64 paging_trampoline_root(void);

#endif
