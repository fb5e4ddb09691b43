/*
 * virtio_driver.h - a guest's side of virtio: RAM with holes, rings, a driver
 *
 * Owns: a machine with RAM and PCI, and what a driver does to a virtio device in it.
 * Must not know: any one device.
 *
 * RAM is in pieces of 2 MiB that are far apart in our memory, so that whatever runs over an edge is
 * seen by the address sanitizer; one piece is missing.
 */
#ifndef ESPEJO_TESTS_UNIT_VIRTIO_DRIVER_H
#define ESPEJO_TESTS_UNIT_VIRTIO_DRIVER_H

#include "machine.h"

#include "dev/virtio_pci.h"

#define RAM_PIECES 4
#define RAM_HOLE 2 /* the piece that is missing */
#define RAM_SIZE (RAM_PIECES * LARGE_PAGE_SIZE)
#define HOLE_BASE (RAM_HOLE * LARGE_PAGE_SIZE)

#define MSI_ADDRESS 0xfee00000ull

struct virtio_machine {
	struct machine m;
	u8 *piece[RAM_PIECES];
	struct pci pci;
	struct line irq[PCI_INTX_LINES];
	unsigned msis; /* messages seen */
	u32 msi_data;  /* of the last one */
	unsigned posts;
	unsigned accesses; /* calls of bus->ram */
};

void vmachine_init(struct virtio_machine *vm);
void vmachine_free(struct virtio_machine *vm);
/* The byte of RAM at a; aborts if it is not RAM. */
void *vmachine_at(struct virtio_machine *vm, u64 a, u64 len);
void vmachine_put16(struct virtio_machine *vm, u64 a, u16 value);
u16 vmachine_get16(struct virtio_machine *vm, u64 a);
/* Works until nothing is posted any more. */
void vmachine_work(struct virtio_machine *vm);

/* ---- A ring, as a driver keeps it ---------------------------------------- */

struct ring {
	struct virtio_machine *vm;
	u16 size;
	u64 descriptors, available, used;
	bool event_idx;
	u16 next_descriptor; /* used round and round */
	u16 added, seen;     /* idx of the available ring; used elements taken */
	u16 kicked;	     /* idx when the device was told last, or needed not be */
	unsigned kicks;
};

struct piece {
	u64 address;
	u32 len;
	bool write;
};

/* Clears the ring's memory. */
void ring_init(struct ring *ring, struct virtio_machine *vm, u64 base, u16 size);
void ring_describe(struct ring *ring, u16 n, u64 address, u32 len, u16 flags, u16 next);
/* Offer the chain that begins at head. */
void ring_offer(struct ring *ring, u16 head);
/* A chain of the pieces, offered: its head. */
u16 ring_add(struct ring *ring, const struct piece *pieces, unsigned count);
/* The same, by an indirect table at address table. */
u16 ring_add_indirect(struct ring *ring, u64 table, const struct piece *pieces, unsigned count);
/* The next used element; false: there is none. */
bool ring_take(struct ring *ring, u32 *id, u32 *len);
/* Must the device be told of what was added since the last time? */
bool ring_needs_kick(struct ring *ring);
/* Interrupt after n more elements from what was taken; only with event_idx. */
void ring_want_interrupt_after(struct ring *ring, u16 n);

/* ---- A driver of a PCI device -------------------------------------------- */

struct driver {
	struct virtio_machine *vm;
	struct virtio_pci *p;
	u8 devfn;
	struct ring ring[VIRTIO_QUEUES_MAX];
};

#define DRIVER_RINGS 0x10000ull /* where rings are put: 64 KiB for each */

/* BARs placed, memory, ports and bus mastering on. */
void driver_init(struct driver *d, struct virtio_machine *vm, struct virtio_pci *p);
/* Registers in the BAR, through the bus. */
u64 driver_read(struct driver *d, u64 offset, unsigned size);
void driver_write(struct driver *d, u64 offset, unsigned size, u64 value);
u64 driver_features(struct driver *d);
/* Up to FEATURES_OK: false, it was refused. */
bool driver_negotiate(struct driver *d, u64 features);
/* Set up queue n, of size, and enable it. */
void driver_queue(struct driver *d, unsigned n, u16 size);
/* All of it, up to DRIVER_OK; VERSION_1 is added to features. */
bool driver_start(struct driver *d, u64 features, u16 queue_size);
void driver_status(struct driver *d, u8 status);
/* MSI-X on, vector n of each event; data is 0x40 + vector. */
void driver_msix(struct driver *d);
/* Tell the device of queue n if it wants to know: counted in ring[n].kicks; then its works run. */
void driver_kick(struct driver *d, unsigned n);

#endif
