/* page.h - physical pages; see page.c */
#ifndef GUEST_OS_PAGE_H
#define GUEST_OS_PAGE_H

#include "layout.h"
#include "types.h"

#define PAGE_KIB 4ul

/* Take over the RAM that bootinfo found, but for the first MiB and the kernel's image. */
void page_init(void);

/* A page full of zeros, by its address in the direct map; NULL if there is none left. */
void *page_alloc(void);

/* Give a page of page_alloc back. */
void page_free(void *page);

/* Pages that page_alloc could give now, and that it could give at first. */
u64 page_free_count(void);
u64 page_total_count(void);

/* Between a physical address and its address in the direct map. */
static inline void *page_at(u64 pa)
{
	return (void *)(DIRECT_BASE + pa);
}

static inline u64 page_address(const void *page)
{
	return (u64)page - DIRECT_BASE;
}

#endif
