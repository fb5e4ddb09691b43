/*
 * space.c - address spaces
 *
 * Owns: the page tables: four levels; 4 KiB pages, and 2 MiB pages in the direct map only.
 * The upper half belongs to the kernel and is shared; the lower half to one process.
 * Must not know: processes.
 *
 * Sources: [SDM] "4-Level Paging and 5-Level Paging" (4.5), "Access Rights" (4.6).
 */
#include "space.h"

#include "bootinfo.h"
#include "errno.h"
#include "ipi.h"
#include "layout.h"
#include "lib/string.h"
#include "page.h"
#include "print.h"
#include "x86_ops.h"

#define ENTRIES 512
#define KERNEL_HALF 256 /* first PML4 entry of the upper half */

extern char kernel_text[], kernel_rodata[], kernel_data[], kernel_end[];

struct space space_kernel;

/* Which entry of a table of this level (4 is the PML4) translates va. */
static unsigned index_of(u64 va, unsigned level)
{
	return va >> (PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

static u64 *table_at(u64 entry)
{
	return page_at(entry & PTE_ADDR);
}

/*
 * The entry of level `last` for va (1: of a page of 4 KiB, 2: of one of 2 MiB), whatever it says;
 * the tables above it are there afterwards.  A table that exists is used; one that is missing
 * becomes a page of zeros (page_alloc), and the entry above it gets its physical address and lets
 * through what any page below may be allowed: stores always, user mode for addresses below USER_END
 * ([SDM] "Determination of Access Rights" (4.6.1): each level must allow an access).  NULL: there
 * is no page left, or a large page is in the way.  Tables made until then stay.
 */
static u64 *entry_make(struct space *space, u64 va, unsigned last)
{
	u64 *table = space->pml4, user = va < USER_END ? PTE_U : 0;

	for (unsigned level = SPACE_LEVELS; level > last; level--) {
		u64 *entry = &table[index_of(va, level)];

		if (!(*entry & PTE_P)) {
			void *made = page_alloc();

			if (!made)
				return NULL;
			*entry = page_address(made) | PTE_P | PTE_W | user;
		}
		if (*entry & PTE_PS)
			return NULL;
		table = table_at(*entry);
	}
	return &table[index_of(va, last)];
}

/*
 * Follow va through the tables as the processor does, and note each entry that it reads: the PML4's
 * in step[0], the next level's in step[1], and so on.  The last one noted is the first that is not
 * present or refers to a page: every entry of level 1 does, and on levels 3 and 2 one with PTE_PS
 * ([SDM] "4-Level Paging and 5-Level Paging" (4.5), its figures).  Returns how many were noted, 1
 * to SPACE_LEVELS.  Changes nothing in the tables.
 */
unsigned space_walk(const struct space *space, u64 va, struct space_step step[SPACE_LEVELS])
{
	const u64 *table = space->pml4;
	unsigned n = 0;

	for (unsigned level = SPACE_LEVELS; level > 0; level--) {
		unsigned index = index_of(va, level);
		u64 entry = table[index];

		step[n++] = (struct space_step){ page_address(table), index, entry };
		if (!(entry & PTE_P) || (level < SPACE_LEVELS && entry & PTE_PS))
			break;
		table = table_at(entry);
	}
	return n;
}

u64 *space_entry(const struct space *space, u64 va)
{
	struct space_step step[SPACE_LEVELS];
	const struct space_step *last = &step[SPACE_LEVELS - 1];

	if (space_walk(space, va, step) < SPACE_LEVELS)
		return NULL;
	return (u64 *)page_at(last->table) + last->index;
}

int space_map(struct space *space, u64 va, u64 pa, u64 rights)
{
	u64 *entry = entry_make(space, va, 1);

	if (!entry)
		return -ENOMEM;
	if (*entry & PTE_P)
		panic("space_map: %#lx is mapped", va);
	*entry = pa | rights | PTE_P;
	return 0;
}

/* Take the entry of a page away, and let this processor forget it. */
static u64 take_entry(struct space *space, u64 va)
{
	u64 *entry = space_entry(space, va), old = entry ? *entry : 0;

	if (!(old & PTE_P))
		return SPACE_NONE;
	*entry = 0;
	x86_invlpg(va);
	return old & PTE_ADDR;
}

/*
 * The kernel's half is in use on all processors; a process runs on one only, and wherever it ran
 * before, CR3 was loaded since.
 */
u64 space_unmap(struct space *space, u64 va)
{
	u64 pa = take_entry(space, va);

	if (pa != SPACE_NONE && space == &space_kernel)
		ipi_call_others(x86_invlpg, va);
	return pa;
}

/* Nothing is marked global, so this forgets all. */
static void forget_all(u64 argument UNUSED)
{
	x86_write_cr3(x86_read_cr3());
}

void space_release(u64 va, unsigned pages)
{
	u64 pa[SPACE_RELEASE_MAX];

	for (unsigned i = 0; i < pages; i++)
		pa[i] = take_entry(&space_kernel, va + i * PAGE_SIZE);
	ipi_call_others(forget_all, 0);
	for (unsigned i = 0; i < pages; i++)
		if (pa[i] != SPACE_NONE)
			page_free(page_at(pa[i]));
}

static bool translated(const struct space *space, u64 va)
{
	struct space_step step[SPACE_LEVELS];

	return step[space_walk(space, va, step) - 1].entry & PTE_P;
}

int space_show(u64 pa, u64 size, u64 rights)
{
	int error = 0;

	for (u64 at = ALIGN_DOWN(pa, PAGE_SIZE); !error && at < pa + size; at += PAGE_SIZE)
		if (!translated(&space_kernel, DIRECT_BASE + at))
			error = space_map(&space_kernel, DIRECT_BASE + at, at, rights | PTE_NX);
	return error;
}

/* Map start..end (physical) at base + physical address; the machine can not run without it. */
static void map_range(u64 start, u64 end, u64 base, u64 rights)
{
	for (u64 pa = start; pa < end; pa += PAGE_SIZE)
		if (space_map(&space_kernel, base + pa, pa, rights))
			panic("no memory for the kernel's page tables");
}

static void map_large(u64 pa)
{
	u64 *entry = entry_make(&space_kernel, DIRECT_BASE + pa, 2);

	if (!entry)
		panic("no memory for the direct map");
	*entry = pa | PTE_P | PTE_W | PTE_NX | PTE_PS;
}

/*
 * RAM, writable, never executable.  The kernel's image is left out: its text and constants would
 * else have a second, writable address.
 */
static void map_direct(const struct bootinfo_range *ram, u64 image_end)
{
	u64 pa = MAX(ram->start, image_end), end = ram->end;

	while (pa < end) {
		if (IS_ALIGNED(pa, LARGE_PAGE_SIZE) && end - pa >= LARGE_PAGE_SIZE) {
			map_large(pa);
			pa += LARGE_PAGE_SIZE;
		} else {
			map_range(pa, pa + PAGE_SIZE, DIRECT_BASE, PTE_W | PTE_NX);
			pa += PAGE_SIZE;
		}
	}
}

static void map_image(const char *start, const char *end, u64 rights)
{
	map_range((u64)start - KERNEL_BASE, (u64)end - KERNEL_BASE, KERNEL_BASE, rights);
}

void space_init(void)
{
	space_kernel.pml4 = page_alloc();
	if (!space_kernel.pml4)
		panic("no memory at all");

	map_image(kernel_text, kernel_rodata, 0);
	map_image(kernel_rodata, kernel_data, PTE_NX);
	map_image(kernel_data, kernel_end, PTE_W | PTE_NX);
	for (unsigned i = 0; i < bootinfo_ram_count; i++)
		map_direct(&bootinfo_ram[i], (u64)kernel_end - KERNEL_BASE);
	map_range(APIC_DEFAULT_BASE, APIC_DEFAULT_BASE + PAGE_SIZE, DIRECT_BASE,
		  PTE_W | PTE_NX | PTE_PCD | PTE_PWT);
	space_activate(&space_kernel);
}

int space_new(struct space *space)
{
	*space = (struct space){ .pml4 = page_alloc() };
	if (!space->pml4)
		return -ENOMEM;
	memcpy(space->pml4 + KERNEL_HALF, space_kernel.pml4 + KERNEL_HALF,
	       (ENTRIES - KERNEL_HALF) * sizeof(u64));
	return 0;
}

/* Free what the first n entries of a table of this level refer to, but not the table. */
static void free_entries(u64 *table, unsigned level, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!(table[i] & PTE_P))
			continue;
		if (level > 1)
			free_entries(table_at(table[i]), level - 1, ENTRIES);
		page_free(table_at(table[i]));
	}
}

void space_free(struct space *space)
{
	if (!space->pml4)
		return;
	free_entries(space->pml4, SPACE_LEVELS, KERNEL_HALF);
	page_free(space->pml4);
	*space = (struct space){ 0 };
}

void space_activate(const struct space *space)
{
	x86_write_cr3(page_address(space->pml4));
}

int space_add_area(struct space *space, u64 start, u64 end, u64 rights)
{
	if (start < USER_BASE || end > USER_END || start > end)
		return -EINVAL;
	if (space->area_count == SPACE_AREAS_MAX)
		return -ENOMEM;
	space->area[space->area_count++] = (struct space_area){ start, end, rights };
	return 0;
}

static const struct space_area *find_area(const struct space *space, u64 va)
{
	for (unsigned i = 0; i < space->area_count; i++)
		if (space->area[i].start <= va && va < space->area[i].end)
			return &space->area[i];
	return NULL;
}

bool space_owns(const struct space *space, u64 va)
{
	return find_area(space, va);
}

/*
 * A program has touched va, or the kernel is about to on its behalf, and no page answers: put one
 * of zeros there, if the program has a right to it.  It has if va lies in one of the space's areas,
 * nothing is mapped at va yet (a fault at a page that is there is a violation, whatever the area
 * says), and the area's rights allow the access.  That is said in bits of the #PF error code ([SDM]
 * "Page-Fault Exceptions" (4.7)): PF_WRITE wants PTE_W, PF_FETCH wants no PTE_NX; a read needs
 * nothing. The page gets the area's rights, and lets user mode in.  True: the access may be tried
 * again. False: no right to a page, or no memory for it; then none is taken.
 */
bool space_fault(struct space *space, u64 va, u64 access)
{
	const struct space_area *area = find_area(space, va);
	u64 *entry = space_entry(space, va);

	if (!area || (entry && *entry & PTE_P))
		return false;
	if ((access & PF_WRITE && !(area->rights & PTE_W)) ||
	    (access & PF_FETCH && area->rights & PTE_NX))
		return false;

	void *page = page_alloc();

	if (!page)
		return false;
	if (!space_map(space, ALIGN_DOWN(va, PAGE_SIZE), page_address(page), area->rights | PTE_U))
		return true;
	page_free(page);
	return false;
}

/*
 * Where the kernel finds the byte at a program's address va, if the program itself might access it
 * (access: PF_WRITE, or 0 for a read); else NULL.  va came from the program and may be anything:
 * user memory is USER_BASE to USER_END, the end excluded, and the page's entry must let user mode
 * in, and store if that is wanted.  A page that is promised but not there yet must not make a
 * difference: it is put there now (space_fault), as if the program had touched it.  The result lies
 * in the direct map (page_at, table_at), and is good up to the end of that page.
 */
static u8 *user_byte(struct space *space, u64 va, u64 access)
{
	u64 needed = PTE_P | PTE_U | (access & PF_WRITE ? PTE_W : 0);
	u64 *entry;

	if (va < USER_BASE || va >= USER_END)
		return NULL;
	entry = space_entry(space, va);
	if ((!entry || !(*entry & PTE_P)) && space_fault(space, va, access))
		entry = space_entry(space, va);
	if (!entry || (*entry & needed) != needed)
		return NULL;
	return (u8 *)table_at(*entry) + (va & PAGE_MASK);
}

int space_read(struct space *space, void *to, u64 va, size_t len)
{
	for (size_t n; len; len -= n, va += n, to = (u8 *)to + n) {
		const u8 *from = user_byte(space, va, 0);

		if (!from)
			return -EFAULT;
		n = MIN(len, PAGE_SIZE - (va & PAGE_MASK));
		memcpy(to, from, n);
	}
	return 0;
}

int space_write(struct space *space, u64 va, const void *from, size_t len)
{
	for (size_t n; len; len -= n, va += n, from = (const u8 *)from + n) {
		u8 *to = user_byte(space, va, PF_WRITE);

		if (!to)
			return -EFAULT;
		n = MIN(len, PAGE_SIZE - (va & PAGE_MASK));
		memcpy(to, from, n);
	}
	return 0;
}

static u64 count_in(const u64 *table, unsigned level, unsigned from, u64 set, u64 clear)
{
	u64 n = 0;

	for (unsigned i = from; i < ENTRIES; i++) {
		if (!(table[i] & PTE_P))
			continue;
		if (level > 1 && !(level < SPACE_LEVELS && table[i] & PTE_PS))
			n += count_in(table_at(table[i]), level - 1, 0, set, clear);
		else if ((table[i] & set) == set && !(table[i] & clear))
			n++;
	}
	return n;
}

u64 space_count(u64 set, u64 clear)
{
	return count_in(space_kernel.pml4, SPACE_LEVELS, KERNEL_HALF, set, clear);
}
