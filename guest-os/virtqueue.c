/*
 * virtqueue.c - a queue shared with a virtio device
 *
 * Owns: a split virtqueue: the table of descriptors, the two rings, who owns which descriptor.
 * Must not know: what the parts contain, how a device is found.
 *
 * The device is another processor that looks at the same memory: what it is to see must be written
 * in order, and what it has written is read once.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Split Virtqueues" (2.7).
 */
#include "virtqueue.h"

#include "page.h"

#define AVAIL_AT (VIRTQUEUE_SIZE_MAX * sizeof(struct virtqueue_desc))
#define USED_AT ALIGN_UP(AVAIL_AT + sizeof(struct virtqueue_avail), 4ul)
_Static_assert(USED_AT + sizeof(struct virtqueue_used) <= PAGE_SIZE, "a queue fits into a page");

/* x86 keeps stores in order, and loads; the compiler must too. */
static void barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

void virtqueue_init(struct virtqueue *q, void *page, u16 size)
{
	*q = (struct virtqueue){ .size = size, .free_count = size };
	q->desc = page;
	q->avail = (void *)((u8 *)page + AVAIL_AT);
	q->used = (void *)((u8 *)page + USED_AT);
	for (u16 i = 0; i < size; i++)
		q->desc[i].next = i + 1;
}

bool virtqueue_add(struct virtqueue *q, const struct virtqueue_part *parts, unsigned count,
		   void *token)
{
	u16 head = q->free_head, last = head, at = head;

	if (count > q->free_count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		struct virtqueue_desc *d = &q->desc[at];

		d->address = page_address(parts[i].data);
		d->length = parts[i].length;
		d->flags = (parts[i].device_writes ? VIRTQUEUE_DESC_WRITE : 0) |
			   (i + 1 < count ? VIRTQUEUE_DESC_NEXT : 0);
		last = at;
		at = d->next;
	}
	q->free_head = q->desc[last].next;
	q->free_count -= (u16)count;
	q->token[head] = token;
	q->avail->ring[q->avail->index % q->size] = head;
	barrier(); /* the chain first, then the index that shows it */
	WRITE_ONCE(q->avail->index, (u16)(q->avail->index + 1));
	return true;
}

void virtqueue_kick(struct virtqueue *q)
{
	barrier();
	if (q->notify)
		*q->notify = q->number;
}

/* Put a chain's descriptors on the free list. */
static void release(struct virtqueue *q, u16 head)
{
	u16 last = head, n = 1;

	for (; q->desc[last].flags & VIRTQUEUE_DESC_NEXT && n < q->size; n++)
		last = q->desc[last].next;
	q->desc[last].next = q->free_head;
	q->free_head = head;
	q->free_count += n;
}

void *virtqueue_take(struct virtqueue *q, u32 *written)
{
	u16 slot = q->used_seen % q->size;
	void *token;
	u32 id;

	if (READ_ONCE(q->used->index) == q->used_seen)
		return NULL;
	barrier(); /* the index first, then what it shows */
	id = READ_ONCE(q->used->ring[slot].id);
	*written = READ_ONCE(q->used->ring[slot].length);
	q->used_seen++;
	token = id < q->size ? q->token[id] : NULL;
	if (!token)
		return NULL; /* a device that makes this up is broken */
	q->token[id] = NULL;
	release(q, (u16)id);
	return token;
}
