/*
 * memory.h - the RAM of a virtual machine
 *
 * Owns: which guest-physical addresses are RAM and which host memory is behind them.
 * Must not know: how a back end maps it (it is told by virt->map).
 *
 * RAM comes in chunks of 2 MiB, promised when the VM is made and taken, cleared,
 * when first touched, by the guest or by us.  It lies as on a PC: from 0 up to
 * 3.5 GiB at most without the hole at 0xa0000-0xbffff, the rest above 4 GiB.
 */
#ifndef ESPEJO_VM_MEMORY_H
#define ESPEJO_VM_MEMORY_H

#include "host.h"

struct vm;

#define MEMORY_CHUNK LARGE_PAGE_SIZE
#define MEMORY_LOW_LIMIT (GiB(3) + MiB(512))
#define MEMORY_VGA_HOLE 0xa0000ull
#define MEMORY_VGA_HOLE_END 0xc0000ull

struct memory_slot {
	gpa_t base;
	u64 size; /* bytes, a multiple of MEMORY_CHUNK */
	void **chunk; /* size / MEMORY_CHUNK pointers, NULL: not touched yet */
	unsigned chunk_order; /* pages of the pointer table */
};

#define MEMORY_SLOTS 2

struct memory {
	struct host_lock lock; /* taking chunks; leaf of the lock order but for the allocator */
	struct memory_slot slot[MEMORY_SLOTS];
	unsigned slot_count;
	u64 size; /* bytes of RAM promised */
	u64 touched; /* bytes taken so far */
};

/*
 * Make RAM of this size (rounded up to 2 MiB).  -HOST_ENOMEM: the machine lacks it;
 * -HOST_EINVAL: zero, or beyond the guest's address space.
 */
int memory_init(struct vm *vm, u64 size);
void memory_free(struct vm *vm);

/* Is all of [a, a + len) RAM? */
bool memory_is_ram(const struct vm *vm, gpa_t a, u64 len);

/*
 * Host pointer to RAM at a, good for len bytes that do not cross a chunk; takes
 * the chunk if nobody touched it.  NULL: not RAM, or it crosses.  The pointer stays
 * valid as long as the VM lives.  The guest may change what it points to at any time.
 */
void *memory_ptr(struct vm *vm, gpa_t a, u64 len);

/* Copy, over chunk borders.  0, or -HOST_EINVAL if any byte is not RAM (nothing is copied then). */
int memory_read(struct vm *vm, gpa_t a, void *to, u64 len);
int memory_write(struct vm *vm, gpa_t a, const void *from, u64 len);

/*
 * The guest touched a and the nested tables did not have it.  0: mapped now, let it
 * retry; -HOST_ENOENT: not RAM (a device, or nothing); -HOST_ENOMEM.
 */
int memory_fault(struct vm *vm, gpa_t a);

#endif
