/*
 * memory.h - the memory of a virtual machine: RAM, ROM, and a window of a display
 *
 * Owns: what is behind each guest-physical address that is no device register: which host memory
 * reads come from and where writes go.
 * Must not know: how a back end maps it (it is told by virt->map), what a display is.
 *
 * RAM comes in chunks of 2 MiB, promised when the VM is made and taken, cleared,
 * when first touched, by the guest or by us; or, from a host that has virtual memory, in one piece
 * that is mapped from the beginning.  It lies as on a PC: from 0 up to
 * 3.5 GiB at most without the hole at 0xa0000-0xbffff, the rest above 4 GiB.
 *
 * Three things may lie over it, and everybody sees them alike: the guest, the fetching of its code,
 * the walking of its page tables, emulation.
 *   - ROM, just below 4 GiB, its last 128 KiB below 1 MiB too;
 *   - from 0xc0000 to 1 MiB, the bridge's choice per page: reads from RAM or ROM, writes to RAM or
 *     lost ("shadowing").  After memory_init all of that is RAM, as firmware would leave it;
 *   - in the hole, one window on memory of a device, which hears of the first write into it.
 *
 * Changing what a guest sees.  A change is complete for who makes it when the function returns, and
 * for a vCPU from its next entry on: each gets REQUEST_FLUSH and a kick, nobody waits.  So a vCPU
 * that is in the guest on another CPU may still see the old view for the length of a kick; with no
 * harm, as no memory of a VM is freed before the VM is.  Who must know that no vCPU does any more
 * asks memory_settled.
 */
#ifndef ESPEJO_VM_MEMORY_H
#define ESPEJO_VM_MEMORY_H

#include "host.h"

struct vm;

#define MEMORY_CHUNK LARGE_PAGE_SIZE
#define MEMORY_LOW_LIMIT (GiB(3) + MiB(512))
#define MEMORY_VGA_HOLE 0xa0000ull
#define MEMORY_VGA_HOLE_END 0xc0000ull
#define MEMORY_PAM 0xc0000ull /* the bridge decides, up to: */
#define MEMORY_PAM_END MiB(1)
#define MEMORY_PAM_PAGES 64
#define MEMORY_ROM_LOW KiB(128) /* so much of the ROM is below 1 MiB too */
#define MEMORY_ROM_MAX MiB(2)
#define MEMORY_GUARDS 8 /* one for each vCPU */

struct memory_slot {
	gpa_t base;
	u64 size; /* bytes, a multiple of MEMORY_CHUNK */
	void **chunk; /* size / MEMORY_CHUNK pointers, NULL: not touched yet */
	unsigned chunk_order; /* pages of the pointer table */
	u8 *whole; /* all of it, in one piece, always mapped; NULL: it comes in chunks */
};

#define MEMORY_SLOTS 2
#define MEMORY_RECENT 32

enum memory_window_state {
	MEMORY_WINDOW_CLOSED, /* accesses go to the device's registers */
	MEMORY_WINDOW_WATCHED, /* reads come from it; a write calls written() first */
	MEMORY_WINDOW_OPEN, /* reads and writes without an exit */
};

struct memory_window {
	gpa_t base; /* in the hole; whole pages */
	u64 size;
	u8 *host; /* page-aligned, physically in one piece; the device's, and outlives the VM */
	/*
	 * The guest is about to write into the window, which is watched: it must be open when this
	 * returns.  vm->lock is held.
	 */
	void (*written)(void *ctx);
	void *ctx;
};

struct memory {
	struct host_lock lock; /* taking chunks, mapping; only the allocator is below it */
	struct memory_slot slot[MEMORY_SLOTS];
	unsigned slot_count;
	u64 size; /* bytes of RAM promised */
	u64 touched; /* bytes taken so far */
	u8 pam[MEMORY_PAM_PAGES]; /* MEMORY_READ_RAM, MEMORY_WRITE_RAM */
	u8 *rom; /* a copy of its own; NULL: none */
	u64 rom_size; /* as used: a multiple of a page */
	unsigned rom_order;
	struct memory_window window;
	u8 window_state; /* enum memory_window_state */
	bool a20_masked; /* gate A20 is closed */
	u64 recent[MEMORY_RECENT]; /* chunks mapped since the gate moved; all are in it.. */
	unsigned recent_count; /* ..unless this is more than it holds */
	u64 guard[MEMORY_GUARDS]; /* page and MEMORY_GUARD_SET, or 0 */
	u32 guards; /* those that are set; atomic */
};

/*
 * Make RAM of this size (rounded up to 2 MiB).  -HOST_ENOMEM: the machine lacks it;
 * -HOST_EINVAL: zero, or beyond the guest's address space.
 */
int memory_init(struct vm *vm, u64 size);
void memory_free(struct vm *vm);

/* Is all of [a, a + len) RAM, that is read and written? */
bool memory_is_ram(const struct vm *vm, gpa_t a, u64 len);

/*
 * Host pointer to RAM at a, good for len bytes that do not cross a chunk; takes
 * the chunk if nobody touched it.  NULL: not RAM that is read and written, or it crosses; or, if
 * memory_is_ram, no memory is left.  It stays valid as long as the VM lives.  The guest may
 * change what it points to at any time.
 */
void *memory_ptr(struct vm *vm, gpa_t a, u64 len);

/*
 * The same for who reads only: RAM, ROM or the window, where reads at a come from.  NULL: nothing
 * is there to be read, or it crosses from one to another.
 */
const void *memory_view(struct vm *vm, gpa_t a, u64 len);

/*
 * Copy as the guest would, over all borders: what is written to ROM is lost.  0; -HOST_EINVAL if
 * any byte belongs to a device or to nobody, -HOST_ENOMEM if no memory is left (a part may
 * have been copied then).  Any lock up to vm->lock may be held.
 */
int memory_read(struct vm *vm, gpa_t a, void *to, u64 len);
int memory_write(struct vm *vm, gpa_t a, const void *from, u64 len);

/*
 * The guest accessed a (ACCESS_*) and the nested tables did not allow it.  0: they do now, let it
 * retry; -HOST_ENOENT: not without us (a device, nothing, a write that goes elsewhere than
 * reads: carry it out by memory_read and memory_write); -HOST_ENOMEM.  No lock may be held.
 */
int memory_fault(struct vm *vm, gpa_t a, unsigned access);

/*
 * Put a copy of image below 4 GiB, and its end below 1 MiB (where memory_pam lets it show).  It
 * replaces an earlier one.  size: a multiple of 4 KiB, at most MEMORY_ROM_MAX, else
 * -HOST_EINVAL; or -HOST_ENOMEM.  vCPUs must be quiet.
 */
int memory_rom(struct vm *vm, const void *image, u64 size);

/*
 * From base (in 0xc0000-0xfffff, whole pages) on: do reads come from RAM (else from ROM; where
 * there is none they read as ones), do writes go to RAM (else they are lost)?
 */
void memory_pam(struct vm *vm, gpa_t base, u64 size, bool read_ram, bool write_ram);

/* Describe the one window, closed at first; and set its state. */
void memory_window(struct vm *vm, const struct memory_window *window);
void memory_window_set(struct vm *vm, enum memory_window_state state);

/*
 * Tell by mwait_stored of stores to this page of RAM, until the guard is taken by memory_unguard
 * or by the first store.  One guard for each vCPU.  vCPUs cannot store to the page from when they
 * have served REQUEST_FLUSH, which all but this one are asked for and answer by mwait_look; who
 * sleeps is not woken for that.  Nothing is taken from a VM with one vCPU, whose devices' stores
 * are seen all the same.  vm->lock may be held.
 */
void memory_guard(struct vm *vm, unsigned vcpu, gpa_t page);
void memory_unguard(struct vm *vm, unsigned vcpu);

/*
 * Somebody else than a vCPU in the guest stores to [a, a + len), or is given a pointer to store
 * there: before vm->lock is released, or before the vCPU that does it enters the guest.
 */
void memory_stored(struct vm *vm, gpa_t a, u64 len);

/*
 * Gate A20: while it is closed, RAM does not see bit 20 of any address, of no CPU and no device; on
 * real machines devices are not behind the gate.  A guest that moves it again and again pays for
 * what it touched meanwhile, and an exit for each: no more than that is unmapped.
 */
void memory_a20(struct vm *vm, bool enabled);

/* Has every vCPU seen all changes, or will before it enters the guest again? */
bool memory_settled(const struct vm *vm);

#endif
