/*
 * pages.h - the machine's free memory, in pages
 *
 * Owns: which pages are free: a buddy system of 4 KiB (order 0) to 2 MiB (order 9), and the
 * promises made on it.
 * Must not know: the boot information, page tables, who uses memory; no hardware, so that it
 * runs in a host test as well.
 *
 * A promise is a number of 2 MiB blocks, for guests' memory.  Order 9 is taken for nothing
 * else; smaller orders come from blocks broken up for them, and a block is broken up
 * only while the others are enough for all promises.
 *
 * Locking: the caller's.
 */
#ifndef ESPEJO_TYPE1_PAGES_H
#define ESPEJO_TYPE1_PAGES_H

#include "compiler.h"

#define PAGES_MAX_ORDER 9

/* Sits in the first bytes of each free block. */
struct pages_free {
	struct pages_free *next, *previous;
};

struct pages {
	u8 *base; /* where physical address 0 is seen */
	u8 *map; /* a byte for each page below limit; see pages.c */
	u64 limit_pages;
	struct pages_free free[PAGES_MAX_ORDER + 1]; /* circular lists */
	u64 total_pages; /* ever given to us */
	u64 free_pages;
	u64 blocks; /* 2 MiB blocks that are free as a whole */
	u64 reserved; /* blocks promised, taken or not */
	u64 taken; /* blocks handed out as a whole */
};

/* Bytes of map that memory up to limit needs. */
u64 pages_map_size(u64 limit);

/* No page is free yet.  map has pages_map_size(limit) bytes. */
void pages_init(struct pages *p, u8 *base, u8 *map, u64 limit);

/* The whole pages of [start, end) are free from now on; what lies beyond the limit is ignored. */
void pages_add(struct pages *p, u64 start, u64 end);

/* 2^order pages, aligned, not cleared; NULL: not so much in one piece, or all of it is promised. */
void *pages_alloc(struct pages *p, unsigned order);
/* False: that is no block of this order that was handed out (a bug of the caller). */
bool pages_free(struct pages *p, void *block, unsigned order) MUST_CHECK;

/* Promise bytes, rounded up to 2 MiB: false if there is not enough. */
bool pages_reserve(struct pages *p, u64 bytes) MUST_CHECK;
void pages_unreserve(struct pages *p, u64 bytes);

#endif
