/*
 * nested.h - guest-physical to host-physical tables
 *
 * Owns: a radix tree of four levels that the CPU walks for the guest's physical
 * addresses: mapping, splitting large pages, unmapping, dirty bits.
 * Must not know: how an entry looks.  NPT and EPT give a table of entry makers each;
 * the host test gives a third, made up one.
 *
 * [APM] vol. 2 "Nested Paging" (15.25), [SDM] "The Extended Page Table Mechanism (EPT)" (29.3)
 *
 * Locking: the caller's (the VM's lock).  Entries are written whole, so a CPU that walks
 * meanwhile sees the old or the new one.  Flushing is the caller's affair too.
 */
#ifndef ESPEJO_PAGING_NESTED_H
#define ESPEJO_PAGING_NESTED_H

#include "compiler.h"

#define NESTED_LEVELS 4 /* 48 bits of guest-physical address */
#define NESTED_ENTRIES 512

/* Level 0 maps 4 KiB, 1 maps 2 MiB, 2 maps 1 GiB; 3 is the root. */
struct nested_format {
	const char *name; /* "NPT", "EPT" */
	u64 (*table)(hpa_t table); /* entry that points to a lower table */
	/* Entry that maps write-back memory; prot: PROT_* of virt.h. */
	u64 (*leaf)(hpa_t page, unsigned level, unsigned prot);
	bool (*present)(u64 entry);
	bool (*is_leaf)(u64 entry, unsigned level);
	hpa_t (*address)(u64 entry, unsigned level);
	unsigned (*rights)(u64 entry); /* PROT_* */
	u64 dirty; /* bit that the CPU sets on a write, 0: none, use protection */
	unsigned max_leaf_level; /* 2: 1 GiB pages work, 1: 2 MiB, 0: 4 KiB only */
};

struct nested {
	const struct nested_format *format;
	u64 *root;
	u64 table_pages; /* in use, the root included */
};

/* 0 or -HOST_ENOMEM. */
int nested_init(struct nested *n, const struct nested_format *format);
void nested_free(struct nested *n);

/*
 * Map [at, at + size) to memory that starts at page, with the largest pages that alignment
 * allows.  Whole 4 KiB pages.  What was mapped there is replaced; a page that is mapped again where
 * it was stays dirty.  -HOST_ENOMEM: a part may be mapped then; unmapping it all is harmless.
 */
int nested_map(struct nested *n, gpa_t at, hpa_t page, u64 size, unsigned prot);
/* Tables that become empty are freed by nested_free only, so that nobody walks freed memory. */
int nested_unmap(struct nested *n, gpa_t at, u64 size);
int nested_protect(struct nested *n, gpa_t at, u64 size, unsigned prot);

/* Bit i of the bitmap: page i of [at, at + size) was written since the last call.  A large
 * page that is dirty sets all bits of its part. */
void nested_dirty_fetch_and_clear(struct nested *n, gpa_t at, u64 size, u64 *bitmap);

/*
 * Entries from the root down to the one that decides, in entries[]; their number.
 * If it maps, *page is the host address of a itself, else unchanged.
 */
unsigned nested_walk(const struct nested *n, gpa_t a, u64 entries[NESTED_LEVELS], hpa_t *page);

#endif
