/* virtqueue.h - a queue shared with a virtio device; see virtqueue.c */
#ifndef GUEST_OS_VIRTQUEUE_H
#define GUEST_OS_VIRTQUEUE_H

#include "compiler.h"

#define VIRTQUEUE_SIZE_MAX 64 /* so that all of a queue fits into one page */

/* [VIRTIO] "The Virtqueue Descriptor Table" (2.7.5) */
struct virtqueue_desc {
	u64 address;
	u32 length;
	u16 flags, next;
};
ASSERT_SIZE(struct virtqueue_desc, 16);
#define VIRTQUEUE_DESC_NEXT 1
#define VIRTQUEUE_DESC_WRITE 2 /* the device writes */

/* [VIRTIO] "The Virtqueue Available Ring" (2.7.6): what the driver offers. */
struct virtqueue_avail {
	u16 flags, index;
	u16 ring[VIRTQUEUE_SIZE_MAX];
	u16 used_event;
};

/* [VIRTIO] "The Virtqueue Used Ring" (2.7.8): what the device gives back. */
struct virtqueue_used {
	u16 flags, index;
	struct {
		u32 id, length;
	} ring[VIRTQUEUE_SIZE_MAX];
	u16 avail_event;
};
ASSERT_OFFSET(struct virtqueue_used, ring, 4);

struct virtqueue {
	u16 size;
	u16 free_head, free_count; /* descriptors that are not in use, linked by next */
	u16 used_seen;
	struct virtqueue_desc *desc;
	struct virtqueue_avail *avail;
	struct virtqueue_used *used;
	void *token[VIRTQUEUE_SIZE_MAX]; /* by the first descriptor of a chain */
	volatile u16 *notify;		 /* where the device listens */
	u16 number;
};

/* A piece of memory of a request; it lies in the direct map (page.h). */
struct virtqueue_part {
	void *data;
	u32 length;
	bool device_writes;
};

/* An empty queue of this size, a power of two up to VIRTQUEUE_SIZE_MAX, inside a page of zeros. */
void virtqueue_init(struct virtqueue *q, void *page, u16 size);

/*
 * Offer a chain of 1.. parts to the device, those that it reads first.  The token, not NULL, comes
 * back with it.  False if there are too few free descriptors.
 */
bool virtqueue_add(struct virtqueue *q, const struct virtqueue_part *parts, unsigned count,
		   void *token);

/* Tell the device that there is something new. */
void virtqueue_kick(struct virtqueue *q);

/* A chain that the device is done with: its token, and how many bytes it wrote; NULL: none. */
void *virtqueue_take(struct virtqueue *q, u32 *written);

#endif
