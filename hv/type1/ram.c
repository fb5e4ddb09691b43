/* ram.c - see ram.h */
#include "type1/ram.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/bootinfo.h"
#include "type1/layout.h"
#include "type1/pages.h"

#define RAM_MINIMUM MiB(8) /* free memory below which starting makes no sense */
#define LOW_END 0xa0000ull
#define POISON 0xd5 /* in freed small objects */

extern u8 image_start[], image_end[];

static struct {
	struct host_lock lock;
	struct pages pages;
} ram;

/* ---- Start ------------------------------------------------------------------------ */

/* Memory in use before there is an allocator, and what must not be handed out at all. */
struct taken {
	u64 start, end;
};

#define TAKEN_MAX (BOOTINFO_MODULES + BOOTINFO_REGIONS + 3)

static struct taken taken[TAKEN_MAX];
static unsigned taken_count;

static void take(u64 start, u64 end)
{
	check(taken_count < TAKEN_MAX);
	taken[taken_count++] =
		(struct taken){ ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE) };
}

/* The first taken range that meets [start, end). */
static const struct taken *collision(u64 start, u64 end)
{
	const struct taken *first = NULL;

	for (unsigned i = 0; i < taken_count; i++)
		if (taken[i].start < end && taken[i].end > start && taken[i].start < taken[i].end &&
		    (!first || taken[i].start < first->start))
			first = &taken[i];
	return first;
}

/* Walk over the parts of [start, end) that nobody took. */
static void give(u64 start, u64 end)
{
	while (start < end) {
		const struct taken *t = collision(start, end);

		if (t && t->start <= start) {
			start = t->end;
			continue;
		}
		pages_add(&ram.pages, start, t ? t->start : end);
		start = t ? t->end : end;
	}
}

/* A place for the allocator's map: the first that is free and large enough, or 0. */
static u64 place(const struct bootinfo *info, u64 size, u64 limit)
{
	for (unsigned i = 0; i < info->region_count; i++) {
		u64 start = ALIGN_UP(info->region[i].start, PAGE_SIZE);
		u64 end = MIN(info->region[i].end, limit);

		while (info->region[i].usable && start < end && end - start >= size) {
			const struct taken *t = collision(start, start + size);

			if (!t)
				return start;
			start = t->end;
		}
	}
	return 0;
}

/* One past the last usable byte of the memory map. */
static u64 end_of(const struct bootinfo *info)
{
	u64 end = 0;

	for (unsigned i = 0; i < info->region_count; i++)
		if (info->region[i].usable)
			end = MAX(end, info->region[i].end);
	return end;
}

u64 ram_size(const struct bootinfo *info)
{
	u64 size = 0;

	for (unsigned i = 0; i < info->region_count; i++)
		if (info->region[i].usable)
			size += info->region[i].end - info->region[i].start;
	return size;
}

/* Does a module or an entry of the map that forbids have any of the page? */
static bool is_wanted(const struct bootinfo *info, u64 page)
{
	u64 end = page + PAGE_SIZE;

	for (unsigned i = 0; i < info->module_count; i++)
		if (info->module[i].start < end && info->module[i].end > page)
			return true;
	for (unsigned i = 0; i < info->region_count; i++)
		if (!info->region[i].usable && info->region[i].start < end &&
		    info->region[i].end > page)
			return true;
	return false;
}

u64 ram_low_page(const struct bootinfo *info)
{
	for (unsigned i = 0; i < info->region_count; i++) {
		const struct bootinfo_region *r = &info->region[i];
		u64 page = ALIGN_DOWN(MIN(r->end, LOW_END), PAGE_SIZE);

		/* The highest one below 640 KiB: the lowest belong to the firmware's tables. */
		while (r->usable && page > PAGE_SIZE && page - PAGE_SIZE >= r->start) {
			page -= PAGE_SIZE;
			if (!is_wanted(info, page))
				return page;
		}
	}
	return 0;
}

static void take_all(const struct bootinfo *info)
{
	take(0, MiB(1));
	take((u64)image_start - IMAGE_BASE, (u64)image_end - IMAGE_BASE);
	for (unsigned i = 0; i < info->module_count; i++)
		take(info->module[i].start, info->module[i].end);
	/* Where entries overlap, the one that forbids wins. */
	for (unsigned i = 0; i < info->region_count; i++)
		if (!info->region[i].usable)
			take(info->region[i].start, info->region[i].end);
}

static void give_all(const struct bootinfo *info, u64 start, u64 end)
{
	for (unsigned i = 0; i < info->region_count; i++) {
		const struct bootinfo_region *r = &info->region[i];

		if (r->usable)
			give(MAX(r->start, start), MIN(r->end, end));
	}
}

int ram_init(const struct bootinfo *info, char *error, size_t size)
{
	u64 end = MIN(end_of(info), GiB(512)), map_size = pages_map_size(end), map;

	take_all(info);
	map = place(info, map_size, GiB(4));
	if (map) {
		take(map, map + map_size);
		pages_init(&ram.pages, (u8 *)DIRECT_BASE, (u8 *)DIRECT_BASE + map, end);
		give_all(info, 0, GiB(4));
	}
	if (ram.pages.free_pages * PAGE_SIZE >= RAM_MINIMUM)
		return 0;
	fmt_string(error, size,
		   "too little memory: %llu KiB are free beside the hypervisor and its modules, at"
		   " least %lu are needed",
		   (ram.pages.free_pages * PAGE_SIZE) / 1024, RAM_MINIMUM / 1024);
	return -HOST_ENOMEM;
}

void ram_add_high(const struct bootinfo *info, u64 limit)
{
	give_all(info, GiB(4), limit);
}

/* ---- Pages ------------------------------------------------------------------------- */

void *host_alloc_pages(unsigned order)
{
	void *block;

	host_lock(&ram.lock);
	block = pages_alloc(&ram.pages, order);
	host_unlock(&ram.lock);
	if (block)
		memset(block, 0, PAGE_SIZE << order);
	return block;
}

void host_free_pages(void *block, unsigned order)
{
	bool was_ours;

	if (!block)
		return;
	host_lock(&ram.lock);
	was_ours = pages_free(&ram.pages, block, order);
	host_unlock(&ram.lock);
	if (!was_ours)
		panic("%p is no block of order %u in use", block, order);
}

/* Guests share the physical memory: only what they touch is taken. */
void *host_alloc_ram(u64 size UNUSED)
{
	return NULL;
}

void host_free_ram(void *memory UNUSED, u64 size UNUSED)
{
	panic("there is no such RAM here");
}

int host_reserve(u64 bytes)
{
	bool done;

	host_lock(&ram.lock);
	done = pages_reserve(&ram.pages, bytes);
	host_unlock(&ram.lock);
	return done ? 0 : -HOST_ENOMEM;
}

void host_unreserve(u64 bytes)
{
	host_lock(&ram.lock);
	pages_unreserve(&ram.pages, bytes);
	host_unlock(&ram.lock);
}

void host_memory(u64 *total, u64 *reserved, u64 *used)
{
	host_lock(&ram.lock);
	*total = ram.pages.total_pages * PAGE_SIZE;
	*reserved = ram.pages.reserved * LARGE_PAGE_SIZE;
	*used = (ram.pages.total_pages - ram.pages.free_pages) * PAGE_SIZE;
	host_unlock(&ram.lock);
}

/* ---- Small objects -------------------------------------------------------------------- */

/* Powers of two from 16 bytes to half a page, each a list of free ones; pages never go back. */
#define SMALLEST 16
#define CLASSES 8

struct small {
	struct small *next;
};

static struct {
	struct host_lock lock;
	struct small *free[CLASSES];
} heap;

static unsigned class_of(size_t size)
{
	unsigned class = 0;

	while (((size_t)SMALLEST << class) < size)
		class ++;
	return class;
}

static void push(unsigned class, void *object)
{
	struct small *s = object;

	s->next = heap.free[class];
	heap.free[class] = s;
}

static void cut_page(unsigned class, u8 *page)
{
	size_t size = (size_t)SMALLEST << class;

	for (size_t at = 0; at < PAGE_SIZE; at += size)
		push(class, page + at);
}

void *host_alloc(size_t size)
{
	unsigned class = class_of(size);
	struct small *s;

	check(size && size <= PAGE_SIZE);
	if (class >= CLASSES)
		return host_alloc_pages(0);
	host_lock(&heap.lock);
	if (!heap.free[class]) {
		u8 *page = host_alloc_pages(0);

		if (page)
			cut_page(class, page);
	}
	s = heap.free[class];
	if (s)
		heap.free[class] = s->next;
	host_unlock(&heap.lock);
	return s ? memset(s, 0, (size_t)SMALLEST << class) : NULL;
}

void host_free(void *object, size_t size)
{
	unsigned class = class_of(size);

	if (!object)
		return;
	if (class >= CLASSES) {
		host_free_pages(object, 0);
		return;
	}
	memset(object, POISON, (size_t)SMALLEST << class);
	host_lock(&heap.lock);
	push(class, object);
	host_unlock(&heap.lock);
}

/* ---- Addresses --------------------------------------------------------------------------- */

hpa_t host_hpa(const void *p)
{
	u64 a = (u64)p;

	if (a >= IMAGE_BASE)
		return hpa(a - IMAGE_BASE);
	check(a >= DIRECT_BASE && a < DIRECT_BASE + GiB(512));
	return hpa(a - DIRECT_BASE);
}

void *host_ptr(hpa_t a)
{
	check(a.v < GiB(512));
	return (void *)(DIRECT_BASE + a.v);
}
