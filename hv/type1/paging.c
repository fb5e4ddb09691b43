/* paging.c - see paging.h */
#include "type1/paging.h"

#include "host.h"
#include "lib/string.h"
#include "type1/bootinfo.h"
#include "type1/layout.h"
#include "x86_ops.h"

#define ENTRIES 512
#define TABLE_BITS (PTE_P | PTE_W)
#define DIRECT_BITS (PTE_P | PTE_W | PTE_NX | PTE_PS | PTE_G | PTE_A | PTE_D)
#define DEVICE_BITS (DIRECT_BITS | PTE_PCD | PTE_PWT)
#define IMAGE_TABLES 4 /* of 2 MiB each: the image must end below that */

extern u64 paging_pml4[ENTRIES], paging_direct_pdpt[ENTRIES], paging_image_pdpt[ENTRIES];
extern u64 paging_low_pd[4 * ENTRIES];
extern u8 image_start[], image_text[], image_rodata[], image_data[], image_end[];

static u64 image_pd[ENTRIES] ALIGNED(4096);
static u64 image_pt[IMAGE_TABLES * ENTRIES] ALIGNED(4096);
static u64 trampoline_pml4[ENTRIES] ALIGNED(4096);
static u64 trampoline_pdpt[ENTRIES] ALIGNED(4096);
static u64 trampoline_pd[ENTRIES] ALIGNED(4096);

static u64 physical(const void *p)
{
	return (u64)p - IMAGE_BASE;
}

/* The rights of the program header that va lies in. */
static u64 image_rights(u64 va)
{
	if (va < (u64)image_text || va >= (u64)image_end)
		return 0; /* .boot has done its work */
	if (va < (u64)image_rodata)
		return PTE_P;
	if (va < (u64)image_data)
		return PTE_P | PTE_NX;
	return PTE_P | PTE_W | PTE_NX;
}

static void map_image(void)
{
	check((u64)image_end - IMAGE_BASE <= IMAGE_TABLES * LARGE_PAGE_SIZE);
	for (u64 i = 0; i < IMAGE_TABLES * ENTRIES; i++) {
		u64 rights = image_rights(IMAGE_BASE + i * PAGE_SIZE);

		image_pt[i] = rights ? i * PAGE_SIZE | rights | PTE_G | PTE_A | PTE_D : 0;
	}
	for (u64 i = 0; i < IMAGE_TABLES; i++)
		image_pd[i] = physical(&image_pt[i * ENTRIES]) | TABLE_BITS;
	paging_image_pdpt[IMAGE_PDPT_SLOT] = physical(image_pd) | TABLE_BITS;
}

static void make_trampoline_root(void)
{
	memcpy(trampoline_pml4, paging_pml4, sizeof(trampoline_pml4));
	trampoline_pml4[0] = physical(trampoline_pdpt) | TABLE_BITS;
	trampoline_pdpt[0] = physical(trampoline_pd) | TABLE_BITS;
	trampoline_pd[0] = PTE_P | PTE_W | PTE_PS;
}

/*
 * The image first: its code runs on paging_low_pd until then, which is about to lose the right to
 * execute.
 */
void paging_init(void)
{
	map_image();
	for (u64 i = 0; i < ARRAY_SIZE(paging_low_pd); i++)
		paging_low_pd[i] = i * LARGE_PAGE_SIZE | DIRECT_BITS;
	paging_pml4[0] = 0;
	x86_write_cr3(physical(paging_pml4));
	make_trampoline_root();
}

/* The entry that maps the 2 MiB at address in the direct map; NULL: no memory for its table. */
static u64 *direct_entry(u64 address)
{
	u64 *pdpte = &paging_direct_pdpt[address >> 30], *pd;

	if (!(*pdpte & PTE_P)) {
		pd = host_alloc_pages(0);
		if (!pd)
			return NULL;
		*pdpte = host_hpa(pd).v | TABLE_BITS;
	}
	if (address < GiB(4))
		return &paging_low_pd[address / LARGE_PAGE_SIZE];
	pd = host_ptr(hpa(*pdpte & PTE_ADDR));
	return &pd[address / LARGE_PAGE_SIZE % ENTRIES];
}

/* Map [start, end) with the given bits; the first address that could not be. */
static u64 map_direct(u64 start, u64 end, u64 bits)
{
	u64 at;

	for (at = ALIGN_DOWN(start, LARGE_PAGE_SIZE); at < end; at += LARGE_PAGE_SIZE) {
		u64 *entry = at < GiB(512) ? direct_entry(at) : NULL;

		if (!entry)
			return at;
		*entry = at | bits;
		x86_invlpg(DIRECT_BASE + at);
	}
	return end;
}

u64 paging_map_memory(const struct bootinfo *info)
{
	u64 limit = ~0ull;

	for (unsigned i = 0; i < info->region_count; i++) {
		const struct bootinfo_region *r = &info->region[i];
		u64 to;

		if (!r->usable || r->end <= GiB(4))
			continue;
		to = map_direct(MAX(r->start, GiB(4)), r->end, DIRECT_BITS);
		if (to < r->end)
			limit = MIN(limit, to);
	}
	if (limit != ~0ull)
		host_log("espejo: memory from %#lx on is not used: the direct map ends at 512 GiB,"
			 " or memory for its tables is short",
			 limit);
	return limit;
}

void *paging_map_device(u64 address, u64 size)
{
	if (size > GiB(512) || address > GiB(512) - size)
		return NULL;
	if (map_direct(address, address + size, DEVICE_BITS) < address + size)
		return NULL;
	return (void *)(DIRECT_BASE + address);
}

/* The table of 4 KiB pages behind a direct entry, made if it maps 2 MiB in one; NULL: no memory. */
static u64 *split(u64 *entry)
{
	u64 *table;

	if (!(*entry & PTE_PS))
		return host_ptr(hpa(*entry & PTE_ADDR));
	table = host_alloc_pages(0);
	for (u64 i = 0; table && i < ENTRIES; i++)
		table[i] = (*entry & ~PTE_PS) + i * PAGE_SIZE;
	if (table)
		*entry = host_hpa(table).v | TABLE_BITS;
	return table;
}

void paging_guard(const void *page)
{
	u64 number = host_hpa(page).v >> PAGE_SHIFT, *table, *entry;

	if ((u64)page >= IMAGE_BASE) {
		image_pt[number] = 0;
	} else {
		entry = direct_entry(number << PAGE_SHIFT);
		table = entry ? split(entry) : NULL;
		if (!table)
			return;
		table[number % ENTRIES] = 0;
	}
	x86_invlpg((u64)page);
}

u64 paging_root(void)
{
	return physical(paging_pml4);
}

u64 paging_trampoline_root(void)
{
	return physical(trampoline_pml4);
}
