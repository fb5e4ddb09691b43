/*
 * ram.c - see ram.h
 *
 * Pages are cut from large anonymous mappings, of which Linux takes only what is touched.  What is
 * freed is given back to Linux, which hands it out again as zeros, and its addresses wait in a list
 * for the next one who wants as many.  A guest's RAM is a mapping of its own.
 */
#include "type2/ram.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/string.h"

#define ORDERS 16
#define ARENA_SIZE MiB(64) /* of addresses, not of memory */
#define CLEAR_BY_HAND 4	   /* up to so many pages a memset costs less than a system call */
#define CGROUP_LIMIT "/sys/fs/cgroup/memory.max"

/* The first bytes of a free block. */
struct free_block {
	struct free_block *next;
};

static struct {
	struct host_lock lock;
	struct free_block *free[ORDERS];
	u8 *arena, *arena_end; /* the rest of the mapping that is being cut */
	u64 total, reserved, used;
} ram;

void ram_init(u64 total)
{
	ram.total = total;
}

u64 ram_of_machine(void)
{
	u64 bytes = (u64)sysconf(_SC_PHYS_PAGES) * (u64)sysconf(_SC_PAGE_SIZE);
	FILE *limit = fopen(CGROUP_LIMIT, "re");
	unsigned long long most;

	/* It says "max" if there is none. */
	if (limit && fscanf(limit, "%llu", &most) == 1)
		bytes = MIN(bytes, (u64)most);
	if (limit)
		fclose(limit);
	return bytes;
}

/* ---- Pages -------------------------------------------------------------------------------- */

/* Addresses, aligned; NULL: there are no more. */
static u8 *map(u64 size, u64 align)
{
	u8 *p = mmap(NULL, size + align, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
	   *begin;

	if (p == MAP_FAILED)
		return NULL;
	begin = (u8 *)ALIGN_UP((uintptr_t)p, (uintptr_t)align);
	if (begin > p)
		munmap(p, (size_t)(begin - p));
	munmap(begin + size, (size_t)(p + align - begin));
	return begin;
}

static u8 *cut(u64 size)
{
	u8 *at = (u8 *)ALIGN_UP((uintptr_t)ram.arena, (uintptr_t)size);

	if (!ram.arena || at + size > ram.arena_end) {
		u64 arena = MAX((u64)ARENA_SIZE, size);

		/* What is left of the old one costs addresses only. */
		at = map(arena, MAX(size, (u64)LARGE_PAGE_SIZE));
		if (!at)
			return NULL;
		ram.arena_end = at + arena;
	}
	ram.arena = at + size;
	return at;
}

void *host_alloc_pages(unsigned order)
{
	u64 size = PAGE_SIZE << order;
	struct free_block *block;

	if (order >= ORDERS)
		return NULL;
	host_lock(&ram.lock);
	block = ram.free[order];
	if (block) {
		ram.free[order] = block->next;
		block->next = NULL;
	} else {
		block = (void *)cut(size);
	}
	ram.used += block ? size : 0;
	host_unlock(&ram.lock);
	return block;
}

static void clear(void *pages, u64 size)
{
	if (size <= CLEAR_BY_HAND * PAGE_SIZE || madvise(pages, size, MADV_DONTNEED))
		memset(pages, 0, size);
}

void host_free_pages(void *pages, unsigned order)
{
	struct free_block *block = pages;
	u64 size = PAGE_SIZE << order;

	if (!pages)
		return;
	check(order < ORDERS && IS_ALIGNED((uintptr_t)pages, size));
	clear(pages, size);
	host_lock(&ram.lock);
	check(ram.used >= size);
	block->next = ram.free[order];
	ram.free[order] = block;
	ram.used -= size;
	host_unlock(&ram.lock);
}

void *host_alloc_ram(u64 size)
{
	void *p = map(size, LARGE_PAGE_SIZE);

	/* Fewer entries in both page tables; where Linux cannot, it does without. */
	if (p)
		(void)madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void host_free_ram(void *p, u64 size)
{
	check(!p || !munmap(p, size));
}

/* ---- Promises ------------------------------------------------------------------------------ */

int host_reserve(u64 bytes)
{
	bool enough;

	host_lock(&ram.lock);
	enough = bytes <= ram.total - ram.reserved;
	ram.reserved += enough ? bytes : 0;
	host_unlock(&ram.lock);
	return enough ? 0 : -HOST_ENOMEM;
}

void host_unreserve(u64 bytes)
{
	host_lock(&ram.lock);
	check(bytes <= ram.reserved);
	ram.reserved -= bytes;
	host_unlock(&ram.lock);
}

void host_memory(u64 *total, u64 *reserved, u64 *used)
{
	host_lock(&ram.lock);
	*total = ram.total;
	*reserved = ram.reserved;
	*used = ram.used;
	host_unlock(&ram.lock);
}

/* ---- Small objects ------------------------------------------------------------------------- */

void *host_alloc(size_t size)
{
	check(size && size <= PAGE_SIZE);
	return calloc(1, size);
}

void host_free(void *object, size_t size UNUSED)
{
	free(object);
}
