/*
 * virtqueue.h - the device's side of a split virtqueue
 *
 * Owns: reading what a driver offers out of a guest's memory, and giving it back.
 * Must not know: devices, transports, features but the two that change a ring.
 *
 * Everything in a ring is written by a guest that may lie, and may change it while it is read.
 * So each field is read once, into memory of ours, checked there, and never looked at again; what
 * comes out is a struct virtqueue_chain of pieces of RAM, proven to be RAM.  A ring that breaks the
 * rules is broken for good: nothing more is read from it or written to it until it is reset.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Split Virtqueues" (2.7).
 */
#ifndef ESPEJO_DEV_VIRTQUEUE_H
#define ESPEJO_DEV_VIRTQUEUE_H

#include "dev/bus.h"

struct state_buf;

#define VIRTQUEUE_SIZE_MAX 256
#define VIRTQUEUE_SEGMENTS_MAX 130

/* "The Virtqueue Descriptor Table" (2.7.5) */
struct virtqueue_descriptor {
	u64 address;
	u32 len;
	u16 flags;
	u16 next;
};
ASSERT_SIZE(struct virtqueue_descriptor, 16);
ASSERT_OFFSET(struct virtqueue_descriptor, len, 8);
ASSERT_OFFSET(struct virtqueue_descriptor, flags, 12);
ASSERT_OFFSET(struct virtqueue_descriptor, next, 14);

#define VIRTQUEUE_NEXT BIT(0)
#define VIRTQUEUE_WRITE BIT(1) /* the device may write, and not read */
#define VIRTQUEUE_INDIRECT BIT(2)

#define VIRTQUEUE_NO_INTERRUPT BIT(0) /* flags of the available ring */
#define VIRTQUEUE_NO_NOTIFY BIT(0) /* flags of the used ring */

/* RAM of the guest, in one piece.  The guest may write it at any time. */
struct virtqueue_segment {
	u8 *data;
	u32 len; /* never 0 */
};

/* One buffer that the driver offered: segments to read, then segments to write. */
struct virtqueue_chain {
	u16 head;
	u32 epoch;
	unsigned readable, writable; /* how many segments of each */
	u32 readable_bytes, writable_bytes;
	struct virtqueue_segment segment[VIRTQUEUE_SEGMENTS_MAX];
};

struct virtqueue {
	const struct bus *bus;
	u16 size_max; /* what the device offers: a power of two, at most VIRTQUEUE_SIZE_MAX */
	bool indirect, event_idx; /* negotiated: set by virtio.c before the first virtqueue_pop */

	/* What the driver says, in the transport's registers. */
	u16 size;
	bool enabled;
	u64 descriptors, available, used; /* guest-physical addresses of the three parts */

	u16 next_available, next_used; /* counts of buffers, modulo 2^16 */
	u16 seen; /* the available idx as last read */
	u16 published; /* what the used ring's idx says */
	u16 in_flight; /* taken and not yet given back */
	u64 taken[VIRTQUEUE_SIZE_MAX / 64]; /* a bit for each head in flight */
	bool deaf; /* no notifications wanted */
	u32 epoch; /* counts resets: what was taken before the last one is not given back */
	const char *broken; /* NULL, or what the driver did, as a part of a sentence */
};

/* A queue as after reset.  size_max: see above, else panic. */
void virtqueue_init(struct virtqueue *q, const struct bus *bus, u16 size_max);
/* Disabled, empty, not broken; what was taken is forgotten. */
void virtqueue_reset(struct virtqueue *q);

enum virtqueue_result {
	VIRTQUEUE_EMPTY, /* nothing there */
	VIRTQUEUE_TAKEN, /* chain is filled in */
	VIRTQUEUE_BROKEN, /* q->broken says why; q is dead until virtqueue_reset */
};

/*
 * Take the next buffer.  All its segments are RAM; there is at least one.  A chain that is longer
 * than the queue, or than VIRTQUEUE_SEGMENTS_MAX segments (descriptors that cross pieces of RAM
 * count twice), loops, has a descriptor of no bytes, or a readable one behind a writable one,
 * breaks the queue.  "Supplying Buffers to The Device" (2.7.13), "Indirect Descriptors" (2.7.5.3).
 * A queue that is not enabled is empty.
 */
enum virtqueue_result virtqueue_pop(struct virtqueue *q, struct virtqueue_chain *chain) MUST_CHECK;

/*
 * Give a buffer back, written bytes of it written from its first writable byte on.  The driver sees
 * it after virtqueue_publish.  From before a reset, or of a broken queue: nothing.
 */
void virtqueue_push(struct virtqueue *q, u16 head, u32 epoch, u32 written);

/*
 * Show the driver what was pushed.  True: it wants to be interrupted for it.
 * "Used Buffer Notification Suppression" (2.7.7)
 */
bool virtqueue_publish(struct virtqueue *q) MUST_CHECK;

/*
 * Ask for a notification of the next buffer.  True: there is one already, take it, for the driver
 * may not have seen the wish.  "Available Buffer Notification Suppression" (2.7.10)
 */
bool virtqueue_listen(struct virtqueue *q) MUST_CHECK;
/* Do without notifications until virtqueue_listen (the driver may send some all the same). */
void virtqueue_ignore(struct virtqueue *q);

/* ---- The bytes of a chain ------------------------------------------------ */

/* Copy len bytes from offset of what is readable; returns how many there were. */
u32 virtqueue_read(const struct virtqueue_chain *chain, u32 offset, void *to, u32 len);
/* Copy to offset of what is writable; returns for how many bytes there was room. */
u32 virtqueue_write(const struct virtqueue_chain *chain, u32 offset, const void *from, u32 len);
/* Clear len bytes from offset of what is writable. */
void virtqueue_clear(const struct virtqueue_chain *chain, u32 offset, u32 len);
/*
 * The pieces of [offset, offset + len) of what is readable or writable, at most max of them into
 * segment: how many.  The range must be there, and max at least the segments of that kind.
 */
unsigned virtqueue_slice(const struct virtqueue_chain *chain, bool writable, u32 offset, u32 len,
			 struct virtqueue_segment *segment, unsigned max);

/* ---- Saved states -------------------------------------------------------- */

/* As a part of a device's section.  Nothing may be in flight, else panic. */
void virtqueue_save(const struct virtqueue *q, struct state_buf *buf);
/* Into q, which was initialised; sets buf->error if the values are impossible. */
void virtqueue_load(struct virtqueue *q, struct state_buf *buf);

#endif
