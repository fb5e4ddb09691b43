/*
 * hostile_virtio.h - a virtio device and one ring, for those who lie to it
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Virtio Over PCI Bus" (4.1), "Split
 * Virtqueues" (2.7).
 */
#ifndef CHECKER_HOSTILE_VIRTIO_H
#define CHECKER_HOSTILE_VIRTIO_H

#include "compiler.h"

#define RING 16u
#define BAIT 3u /* descriptors behind the table, which no device may follow */
#define DESC_NEXT 1
#define DESC_WRITE 2
#define DESC_TABLE 4

struct descriptor {
	u64 address;
	u32 len;
	u16 flags, next;
};
ASSERT_SIZE(struct descriptor, 16);

struct ring {
	u8 before[4096];
	struct descriptor d[RING + BAIT];
	volatile u16 avail[3 + RING];
	volatile u16 used[2 + 4 * RING + 1] ALIGNED(4);
	u8 data[8192] ALIGNED(4096);
	u8 behind[4096];
};

extern struct ring virtio_ring;

/* A device that was found; nth counts them. */
struct virtio {
	unsigned devfn, nth, type;	 /* the device's ID: 1 network, 2 disk, .. */
	u64 common, notify, isr, device; /* its structures in memory; 0: none that we reach */
	u32 multiplier;
};

enum virtio_common {
	COMMON_FEATURE_SELECT = 0x08,
	COMMON_FEATURE = 0x0c,
	COMMON_CONFIG_VECTOR = 0x10,
	COMMON_STATUS = 0x14,
	COMMON_SELECT = 0x16,
	COMMON_SIZE = 0x18,
	COMMON_ENABLE = 0x1c,
	COMMON_NOTIFY_OFF = 0x1e,
	COMMON_DESC = 0x20,
	COMMON_AVAIL = 0x28,
	COMMON_USED = 0x30,
	COMMON_END = 0x40,
};

enum { VIRTIO_NET = 1, VIRTIO_BLK = 2 };

/* Calls f with each device, its buses switched on; afterwards it is reset and as it was. */
void virtio_each(void (*f)(const struct virtio *d, void *context), void *context);

/* Reset it, and agree on features; then its queues; then it is told to begin (status 15). */
void virtio_negotiate(const struct virtio *d);
void virtio_queue(const struct virtio *d, unsigned queue, u16 size, u64 desc, u64 avail, u64 used);
/* Reset it, and bring one queue up with the rings at these addresses. */
void virtio_bring_up(const struct virtio *d, unsigned queue, u64 desc, u64 avail, u64 used);
/* The same, with virtio_ring. */
void virtio_start(const struct virtio *d, unsigned queue);
void virtio_notify(const struct virtio *d, unsigned queue);
/* Looks at a register until the device has had its time. */
void virtio_wait(const struct virtio *d);

/* The head of the next n chains, from descriptor 0 on; then tells the device. */
void virtio_offer(const struct virtio *d, unsigned queue, unsigned n);

static inline void set8(u64 at, u8 value)
{
	*(volatile u8 *)(uintptr_t)at = value;
}

static inline void set16(u64 at, u16 value)
{
	*(volatile u16 *)(uintptr_t)at = value;
}

static inline void set32(u64 at, u32 value)
{
	*(volatile u32 *)(uintptr_t)at = value;
}

static inline void set64(u64 at, u64 value)
{
	set32(at, (u32)value);
	set32(at + 4, (u32)(value >> 32));
}

#endif
