/*
 * page.c - physical pages
 *
 * Owns: every page of RAM behind the kernel's image.  A page that was never used lies in
 * one of the fresh ranges and has not even been touched; a page that came back is on a list.
 * Must not know: what pages are used for.
 */
#include "page.h"

#include "bootinfo.h"
#include "compiler.h"
#include "lib/string.h"
#include "print.h"

#define POISON 0xdb /* what a freed page is full of, to expose its use */

extern char kernel_end[];

struct free_page {
	struct free_page *next;
};

static struct free_page *free_list;
static struct bootinfo_range ranges[BOOTINFO_RANGES_MAX]; /* what is still fresh */
static unsigned fresh; /* index of the range that fresh pages come from */
static u64 free_count, total_count;

void page_init(void)
{
	u64 first = ALIGN_UP((u64)kernel_end - KERNEL_BASE, PAGE_SIZE);

	for (unsigned i = 0; i < bootinfo_ram_count; i++) {
		struct bootinfo_range *ram = &ranges[i];

		*ram = bootinfo_ram[i];
		if (ram->start < first)
			ram->start = MIN(first, ram->end);
		total_count += (ram->end - ram->start) / PAGE_SIZE;
	}
	free_count = total_count;
}

static void *take_fresh(void)
{
	for (; fresh < bootinfo_ram_count; fresh++) {
		struct bootinfo_range *ram = &ranges[fresh];

		if (ram->start < ram->end) {
			ram->start += PAGE_SIZE;
			return page_at(ram->start - PAGE_SIZE);
		}
	}
	return NULL;
}

void *page_alloc(void)
{
	void *page = free_list;

	if (page)
		free_list = free_list->next;
	else
		page = take_fresh();
	if (!page)
		return NULL;
	free_count--;
	return memset(page, 0, PAGE_SIZE);
}

void page_free(void *page)
{
	struct free_page *returned = page;

	if (!IS_ALIGNED((u64)page, PAGE_SIZE))
		panic("page_free of %p", page);
	memset(page, POISON, PAGE_SIZE);
	returned->next = free_list;
	free_list = returned;
	free_count++;
}

u64 page_free_count(void)
{
	return free_count;
}

u64 page_total_count(void)
{
	return total_count;
}
