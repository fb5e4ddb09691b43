/* pages.c - see pages.h */
#include "type1/pages.h"

#include "lib/string.h"

/* map: the state of the page that a block starts with; the other pages of a block are INNER. */
#define ABSENT 0xff /* not ours */
#define INNER 0xfe
#define FREE 0x80 /* + order */
#define USED 0x40 /* + order */

#define SIZE_OF(order) (PAGE_SIZE << (order))
#define PAGES_OF(order) (1ull << (order))

u64 pages_map_size(u64 limit)
{
	return (limit + PAGE_SIZE - 1) / PAGE_SIZE;
}

static u64 page_of(const struct pages *p, const void *block)
{
	return (u64)((const u8 *)block - p->base) >> PAGE_SHIFT;
}

static struct pages_free *block_at(const struct pages *p, u64 page)
{
	return (struct pages_free *)(void *)(p->base + (page << PAGE_SHIFT));
}

static void list_add(struct pages *p, u64 page, unsigned order)
{
	struct pages_free *head = &p->free[order], *block = block_at(p, page);

	block->next = head->next;
	block->previous = head;
	head->next->previous = block;
	head->next = block;
	p->map[page] = (u8)(FREE + order);
	if (order == PAGES_MAX_ORDER)
		p->blocks++;
}

static void list_remove(struct pages *p, u64 page, unsigned order)
{
	struct pages_free *block = block_at(p, page);

	block->previous->next = block->next;
	block->next->previous = block->previous;
	p->map[page] = INNER;
	if (order == PAGES_MAX_ORDER)
		p->blocks--;
}

void pages_init(struct pages *p, u8 *base, u8 *map, u64 limit)
{
	memset(p, 0, sizeof(*p));
	p->base = base;
	p->map = map;
	p->limit_pages = pages_map_size(limit);
	memset(map, ABSENT, p->limit_pages);
	for (unsigned order = 0; order <= PAGES_MAX_ORDER; order++)
		p->free[order].next = p->free[order].previous = &p->free[order];
}

/* Make a block free, and one with its buddy as long as that one is free too. */
static void merge(struct pages *p, u64 page, unsigned order)
{
	for (; order < PAGES_MAX_ORDER; order++) {
		u64 buddy = page ^ PAGES_OF(order);

		if (buddy + PAGES_OF(order) > p->limit_pages || p->map[buddy] != FREE + order)
			break;
		list_remove(p, buddy, order);
		page &= ~PAGES_OF(order);
	}
	list_add(p, page, order);
}

/* The largest aligned block at page that ends by last and is not ours yet; 0: not even one page. */
static unsigned fitting_order(const struct pages *p, u64 page, u64 last)
{
	unsigned order = 0;

	while (order < PAGES_MAX_ORDER && IS_ALIGNED(page, PAGES_OF(order + 1)) &&
	       page + PAGES_OF(order + 1) <= last)
		order++;
	for (u64 i = 1; i < PAGES_OF(order); i++)
		if (p->map[page + i] != ABSENT)
			return 0;
	return order;
}

void pages_add(struct pages *p, u64 start, u64 end)
{
	u64 page = (start + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u64 last = MIN(end >> PAGE_SHIFT, p->limit_pages);
	unsigned order;

	for (; page < last; page += PAGES_OF(order)) {
		order = 0;
		if (p->map[page] != ABSENT)
			continue; /* given twice: the memory map overlaps itself */
		order = fitting_order(p, page, last);
		memset(p->map + page, INNER, PAGES_OF(order));
		p->total_pages += PAGES_OF(order);
		p->free_pages += PAGES_OF(order);
		merge(p, page, order);
	}
}

/* Blocks that must stay whole. */
static u64 promised(const struct pages *p)
{
	return p->reserved > p->taken ? p->reserved - p->taken : 0;
}

void *pages_alloc(struct pages *p, unsigned order)
{
	unsigned from = order;
	u64 page;

	while (from <= PAGES_MAX_ORDER && p->free[from].next == &p->free[from])
		from++;
	if (from > PAGES_MAX_ORDER)
		return NULL;
	if (from == PAGES_MAX_ORDER && order < from && p->blocks <= promised(p))
		return NULL;
	page = page_of(p, p->free[from].next);
	list_remove(p, page, from);
	while (from > order) {
		from--;
		list_add(p, page + PAGES_OF(from), from);
	}
	p->map[page] = (u8)(USED + order);
	p->free_pages -= PAGES_OF(order);
	if (order == PAGES_MAX_ORDER)
		p->taken++;
	return block_at(p, page);
}

bool pages_free(struct pages *p, void *block, unsigned order)
{
	u64 page = page_of(p, block);

	if (order > PAGES_MAX_ORDER || page >= p->limit_pages || p->map[page] != USED + order)
		return false;
	p->map[page] = INNER;
	p->free_pages += PAGES_OF(order);
	if (order == PAGES_MAX_ORDER)
		p->taken--;
	merge(p, page, order);
	return true;
}

bool pages_reserve(struct pages *p, u64 bytes)
{
	u64 blocks = bytes / LARGE_PAGE_SIZE + (bytes % LARGE_PAGE_SIZE != 0);

	/* One block is kept back: tables for the promised memory must come from somewhere. */
	if (p->blocks <= promised(p) || blocks >= p->blocks - promised(p))
		return false;
	p->reserved += blocks;
	return true;
}

void pages_unreserve(struct pages *p, u64 bytes)
{
	u64 blocks = bytes / LARGE_PAGE_SIZE + (bytes % LARGE_PAGE_SIZE != 0);

	p->reserved -= MIN(blocks, p->reserved);
}
