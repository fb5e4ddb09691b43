/* space.h - address spaces; see space.c */
#ifndef GUEST_OS_SPACE_H
#define GUEST_OS_SPACE_H

#include "compiler.h"
#include "x86.h"

#define SPACE_AREAS_MAX 8
#define SPACE_LEVELS 4

/* User addresses start..end (end excluded) that get a page of zeros when first touched. */
struct space_area {
	u64 start, end;
	u64 rights; /* PTE_W, PTE_NX */
};

struct space {
	u64 *pml4;
	struct space_area area[SPACE_AREAS_MAX];
	unsigned area_count;
};

/* An entry that a walk reads: its table, by the physical address, its index there, what it says. */
struct space_step {
	u64 table;
	unsigned index;
	u64 entry;
};

/* The kernel's own space; every other one shares its upper half. */
extern struct space space_kernel;

/* Build the kernel's page tables, no page both writable and executable, and switch to them. */
void space_init(void);

/* An empty user half.  0, or -ENOMEM. */
int space_new(struct space *space);

/* Free the user half: its pages and its tables.  Must not be the active space. */
void space_free(struct space *space);

/* Translate with this space from now on. */
void space_activate(const struct space *space);

/*
 * Map the page at va to the physical page pa, with rights from PTE_W, PTE_U, PTE_NX, PTE_PCD and
 * PTE_PWT.  Takes tables as needed: 0, or -ENOMEM.  va must be unmapped.
 */
int space_map(struct space *space, u64 va, u64 pa, u64 rights);

/*
 * Make physical memory that is none of our RAM (a device's registers, the firmware's tables)
 * visible in the direct map, with rights from PTE_W, PTE_PCD, PTE_PWT.  Pages that are visible
 * already stay as they are.  0, or -ENOMEM.
 */
#define SPACE_DEVICE (PTE_W | PTE_PCD | PTE_PWT)
int space_show(u64 pa, u64 size, u64 rights);

/*
 * Unmap the page at va, and let every processor forget it.  Returns its physical address, or
 * SPACE_NONE.
 */
#define SPACE_NONE (~0ull)
u64 space_unmap(struct space *space, u64 va);

/*
 * Unmap pages of the kernel from va on, SPACE_RELEASE_MAX at most, and give those that were mapped
 * back; the other processors are told once, and before.
 */
#define SPACE_RELEASE_MAX 8
void space_release(u64 va, unsigned pages);

/*
 * Follow va through the tables, as the processor does, and note what is read; see space.c.  Returns
 * how many entries that were.
 */
unsigned space_walk(const struct space *space, u64 va, struct space_step step[SPACE_LEVELS]);

/* The last-level entry for va, or NULL if a table or a large page is in the way. */
u64 *space_entry(const struct space *space, u64 va);

/* Add an area.  0, -ENOMEM if there are too many, -EINVAL if it is no user memory. */
int space_add_area(struct space *space, u64 start, u64 end, u64 rights);

/* Does va lie in an area? */
bool space_owns(const struct space *space, u64 va);

/*
 * Put a page behind va, if it lies in an area and has none yet and the access (PF_WRITE, PF_FETCH)
 * is one that the area allows.  True if the access may now be tried again.
 */
bool space_fault(struct space *space, u64 va, u64 access);

/* Copy len bytes between the kernel and user memory.  0, or -EFAULT if part may not be accessed. */
int space_read(struct space *space, void *to, u64 from_va, size_t len);
int space_write(struct space *space, u64 to_va, const void *from, size_t len);

/* Last-level entries of the kernel half, large ones too, with these bits set and those clear. */
u64 space_count(u64 set, u64 clear);

#endif
