/*
 * probe_walk.c - memory in small pages, all of them touched
 *
 * Owns: tables of our own for a window of 4 KiB pages, high in RAM, beside those of the runtime.
 * Must not know: what a walk through them costs; who looks at them from outside does
 * (../references.h).
 *
 * Source: [SDM] vol. 3 "4-Level Paging and 5-Level Paging" (4.5).
 */
#include "probe.h"

#include "lib/string.h"
#include "rt/rt.h"
#include "x86_ops.h"

#define PAGE 4096ull
#define WINDOW_SLOT 1 /* of the PML4: nobody else's */
#define WINDOW ((u64)WINDOW_SLOT << 39)
#define LEAF_TABLES 2
#define PAGES (LEAF_TABLES * 512ull)
#define TABLES (2 + LEAF_TABLES)
#define TABLE_BITS (PTE_P | PTE_W)

/* The tables, then the pages. */
static u64 *table(u64 base, unsigned i)
{
	return (u64 *)(base + i * PAGE);
}

static void map_window(u64 base)
{
	u64 *pml4 = (u64 *)(x86_read_cr3() & ~(PAGE - 1));

	memset((void *)base, 0, TABLES * PAGE);
	for (u64 i = 0; i < PAGES; i++)
		table(base, 2)[i] = (base + (TABLES + i) * PAGE) | TABLE_BITS;
	for (unsigned i = 0; i < LEAF_TABLES; i++)
		table(base, 1)[i] = (base + (2 + i) * PAGE) | TABLE_BITS;
	table(base, 0)[0] = (base + PAGE) | TABLE_BITS;
	pml4[WINDOW_SLOT] = base | TABLE_BITS;
	x86_write_cr3(x86_read_cr3());
}

void probe_walk(void)
{
	u64 base = ALIGN_UP(rt_image_limit(), MiB(2)) + MiB(2);

	if (base + (TABLES + PAGES) * PAGE > rt_memory_end()) {
		rt_record("walk absent=1");
		return;
	}
	map_window(base);
	for (u64 i = 0; i < PAGES; i++)
		*(volatile u64 *)(WINDOW + i * PAGE) = i;
	rt_record("walk pages=%llu", PAGES);
}
