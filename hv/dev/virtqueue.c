/* virtqueue.c - see virtqueue.h; pure, tested and fuzzed on the host */
#include "dev/virtqueue.h"

#include "host.h"
#include "lib/string.h"
#include "vm/state.h"

#define DESCRIPTOR_SIZE sizeof(struct virtqueue_descriptor)
#define USED_ELEMENT 8 /* u32 id, u32 len */

/* Both rings begin with u16 flags, u16 idx; the elements follow. */
#define RING_FLAGS 0
#define RING_IDX 2
#define RING_ELEMENTS 4

/* Table 2.2 of "Split Virtqueues" (2.7): the parts' alignment. */
#define DESCRIPTORS_ALIGN 16
#define AVAILABLE_ALIGN 2
#define USED_ALIGN 4

/* ---- Small accesses to the rings: aligned, so that none crosses a piece of RAM  */

static void set_broken(struct virtqueue *q, const char *why)
{
	if (!q->broken)
		q->broken = why;
}

static u16 ring_read(struct virtqueue *q, u64 address)
{
	u16 *p = bus_ram(q->bus, gpa(address), sizeof(*p));

	if (!p) {
		set_broken(q, "the available ring is not in RAM");
		return 0;
	}
	return READ_ONCE(*p);
}

static void ring_write16(struct virtqueue *q, u64 address, u16 value)
{
	u16 *p = bus_ram(q->bus, gpa(address), sizeof(*p));

	if (p)
		WRITE_ONCE(*p, value);
	else
		set_broken(q, "the used ring is not in RAM");
}

static void ring_write32(struct virtqueue *q, u64 address, u32 value)
{
	u32 *p = bus_ram(q->bus, gpa(address), sizeof(*p));

	if (p)
		WRITE_ONCE(*p, value);
	else
		set_broken(q, "the used ring is not in RAM");
}

static u64 available_element(const struct virtqueue *q, u16 n)
{
	return q->available + RING_ELEMENTS + sizeof(u16) * (n % q->size);
}

static u64 used_event_field(const struct virtqueue *q)
{
	return q->available + RING_ELEMENTS + sizeof(u16) * q->size;
}

static u64 available_event_field(const struct virtqueue *q)
{
	return q->used + RING_ELEMENTS + USED_ELEMENT * q->size;
}

/* No part may wrap around the end of the address space, or be where its fields would be split. */
static bool well_placed(const struct virtqueue *q)
{
	const u64 most = ~0ull - VIRTQUEUE_SIZE_MAX * DESCRIPTOR_SIZE - PAGE_SIZE;

	return IS_ALIGNED(q->descriptors, DESCRIPTORS_ALIGN) &&
	       IS_ALIGNED(q->available, AVAILABLE_ALIGN) && IS_ALIGNED(q->used, USED_ALIGN) &&
	       q->descriptors < most && q->available < most && q->used < most;
}

/* May the rings be looked at?  A misplaced queue breaks here. */
static bool usable(struct virtqueue *q)
{
	if (!q->enabled || q->broken)
		return false;
	if (!well_placed(q))
		set_broken(q, "a part of the ring is misaligned");
	return !q->broken;
}

/* ---- Taking a buffer ----------------------------------------------------- */

/*
 * One descriptor, read once: what lies behind the barrier knows only our copy.  An indirect table
 * may stand at any address, so a descriptor of it may cross a border.
 */
static bool read_descriptor(struct virtqueue *q, u64 address, struct virtqueue_descriptor *d)
{
	const void *p = bus_ram(q->bus, gpa(address), sizeof(*d));
	bool there = true;

	if (p)
		memcpy(d, p, sizeof(*d));
	else
		there = bus_read_ram(q->bus, gpa(address), d, sizeof(*d));
	__asm__ volatile("" ::: "memory");
	if (!there)
		set_broken(q, "a descriptor is not in RAM");
	return there;
}

static void add_segment(struct virtqueue *q, struct virtqueue_chain *chain, bool write, u64 address,
			u32 len)
{
	unsigned n = chain->readable + chain->writable;
	void *p = bus_ram(q->bus, gpa(address), len);

	if (n == VIRTQUEUE_SEGMENTS_MAX) {
		set_broken(q, "a buffer has too many parts");
		return;
	}
	if (!p) {
		set_broken(q, "a buffer is not in RAM");
		return;
	}
	chain->segment[n] = (struct virtqueue_segment){ p, len };
	if (write) {
		chain->writable++;
		chain->writable_bytes += len;
	} else {
		chain->readable++;
		chain->readable_bytes += len;
	}
}

/*
 * What a descriptor of data describes becomes segments of the chain (add_segment), in order, one
 * for each piece of RAM that it lies in: pieces are LARGE_PAGE_SIZE long and aligned, and bus_ram
 * knows no range over a border.  512 bytes that begin 192 below a border are two segments.
 *
 * Before that the rules that need no look at RAM, in this order; who breaks one adds nothing, and
 * breaks the queue with these words:
 *	"a descriptor has no bytes"
 *	"a buffer wraps around the address space": its end, in 64 bits, lies before its beginning
 *	"a buffer has 4 GiB or more": all descriptors of the chain so far, and this one, together
 *	"a readable descriptor follows a writable one"
 * When add_segment breaks the queue, that was the last segment.
 *
 * "Message Framing" (2.7.4), "The Virtqueue Descriptor Table" (2.7.5).
 */
static void add_data(struct virtqueue *q, struct virtqueue_chain *chain,
		     const struct virtqueue_descriptor *d)
{
	bool write = d->flags & VIRTQUEUE_WRITE;
	u64 total = (u64)chain->readable_bytes + chain->writable_bytes + d->len;

	if (!d->len)
		set_broken(q, "a descriptor has no bytes");
	else if (d->address + d->len < d->address)
		set_broken(q, "a buffer wraps around the address space");
	else if (total > ~0u)
		set_broken(q, "a buffer has 4 GiB or more");
	else if (!write && chain->writable)
		set_broken(q, "a readable descriptor follows a writable one");
	for (u32 done = 0, part; !q->broken && done < d->len; done += part) {
		u64 at = d->address + done;

		part = (u32)MIN((u64)d->len - done, LARGE_PAGE_SIZE - at % LARGE_PAGE_SIZE);
		add_segment(q, chain, write, at, part);
	}
}

/* The descriptors of an indirect table, from number 0 on. */
static void add_indirect(struct virtqueue *q, struct virtqueue_chain *chain,
			 const struct virtqueue_descriptor *table)
{
	u32 count = table->len / DESCRIPTOR_SIZE;
	struct virtqueue_descriptor d = { .flags = VIRTQUEUE_NEXT };

	if (!q->indirect)
		set_broken(q, "an indirect descriptor was not negotiated");
	else if (table->flags & VIRTQUEUE_NEXT)
		set_broken(q, "an indirect descriptor has a successor");
	else if (!count || table->len % DESCRIPTOR_SIZE)
		set_broken(q, "an indirect table has an impossible length");
	else if (table->address + table->len < table->address)
		set_broken(q, "an indirect table wraps around the address space");
	/* Each round adds a segment or breaks the queue, so there are not many. */
	while (!q->broken && d.flags & VIRTQUEUE_NEXT) {
		if (d.next >= count)
			set_broken(q, "an indirect descriptor's successor is beyond its table");
		else if (!read_descriptor(q, table->address + d.next * DESCRIPTOR_SIZE, &d))
			return;
		else if (d.flags & VIRTQUEUE_INDIRECT)
			set_broken(q, "an indirect table has an indirect descriptor");
		else
			add_data(q, chain, &d);
	}
}

/*
 * Follow the descriptors of a buffer, from number chain->head on (which is in the table), and add
 * to the empty chain what they describe: data, or a whole indirect table.  The table has q->size
 * descriptors; each that is followed is read once, and that copy alone is believed.  The flag
 * VIRTQUEUE_NEXT says that there is a successor.
 *
 * A guest can write any number into any field, so here too rules come first, with their words:
 *	"a chain of descriptors loops": it goes on after as many descriptors as the table has
 *	"a descriptor's number is beyond the table"
 * What is called here may break the queue as well.  Of a broken queue nothing more is read.
 *
 * "The Virtqueue Descriptor Table" (2.7.5), "Indirect Descriptors" (2.7.5.3).
 */
static void read_chain(struct virtqueue *q, struct virtqueue_chain *chain)
{
	struct virtqueue_descriptor d = { .flags = VIRTQUEUE_NEXT, .next = chain->head };

	for (unsigned n = 0; !q->broken && d.flags & VIRTQUEUE_NEXT; n++) {
		if (n == q->size)
			set_broken(q, "a chain of descriptors loops");
		else if (d.next >= q->size)
			set_broken(q, "a descriptor's number is beyond the table");
		else if (!read_descriptor(q, q->descriptors + d.next * DESCRIPTOR_SIZE, &d))
			return;
		else if (d.flags & VIRTQUEUE_INDIRECT)
			add_indirect(q, chain, &d);
		else
			add_data(q, chain, &d);
	}
}

/* Note that head is in flight; false if it is already. */
static bool take_head(struct virtqueue *q, u16 head)
{
	u64 *word = &q->taken[head / 64];

	if (*word & BIT(head % 64))
		return false;
	*word |= BIT(head % 64);
	q->in_flight++;
	return true;
}

/* How many buffers wait; 0 too if the queue is broken. */
static u16 waiting(struct virtqueue *q)
{
	u16 count = (u16)(ring_read(q, q->available + RING_IDX) - q->next_available);

	if (!q->broken && count > q->size)
		set_broken(q, "more buffers are available than the ring holds");
	if (q->broken)
		return 0;
	q->seen = (u16)(q->next_available + count);
	return count;
}

static void take(struct virtqueue *q, struct virtqueue_chain *chain)
{
	chain->head = ring_read(q, available_element(q, q->next_available));
	chain->epoch = q->epoch;
	chain->readable = chain->writable = 0;
	chain->readable_bytes = chain->writable_bytes = 0;
	if (q->broken)
		return;
	if (chain->head >= q->size)
		set_broken(q, "an available descriptor's number is beyond the table");
	else if (!take_head(q, chain->head))
		set_broken(q, "a buffer is made available twice");
	else
		read_chain(q, chain);
}

enum virtqueue_result virtqueue_pop(struct virtqueue *q, struct virtqueue_chain *chain)
{
	if (usable(q) && (q->seen != q->next_available || waiting(q))) {
		/* The ring's elements and descriptors were written before idx. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		take(q, chain);
		if (!q->broken) {
			q->next_available++;
			return VIRTQUEUE_TAKEN;
		}
	}
	return q->broken ? VIRTQUEUE_BROKEN : VIRTQUEUE_EMPTY;
}

/* ---- Giving it back ------------------------------------------------------ */

void virtqueue_push(struct virtqueue *q, u16 head, u32 epoch, u32 written)
{
	u64 element = q->used + RING_ELEMENTS + (u64)USED_ELEMENT * (q->next_used % q->size);

	if (epoch != q->epoch || q->broken)
		return;
	check(q->taken[head / 64] & BIT(head % 64));
	q->taken[head / 64] &= ~BIT(head % 64);
	q->in_flight--;
	ring_write32(q, element, head);
	ring_write32(q, element + sizeof(u32), written);
	q->next_used++;
}

/* Is event among the counts that came after old, up to new? */
static bool passed(u16 event, u16 new, u16 old)
{
	return (u16)(new - event - 1) < (u16)(new - old);
}

/*
 * The used ring's idx becomes the count of all that was pushed: not before the elements themselves
 * are in memory.  If that is what it says already, or the queue is not usable, nothing is written
 * and nobody is to be interrupted.
 *
 * Then, and not earlier, the driver's wish is read.  A driver writes its wish and looks at idx
 * afterwards; we do it the other way round, so that one of the two sees what the other wrote: that
 * takes a fence between our write and our read (__ATOMIC_SEQ_CST), which x86 needs as well.
 * Without event_idx, VIRTQUEUE_NO_INTERRUPT in the available ring's flags means no.  With it these
 * flags mean nothing, and used_event_field says of which buffer the driver wants to hear: is its
 * count among those that idx has passed over just now?  Who lied about where the rings are finds a
 * queue that breaks while it is looked at, and is not interrupted.
 *
 * "The Virtqueue Used Ring" (2.7.8), "Used Buffer Notification Suppression" (2.7.7).
 */
bool virtqueue_publish(struct virtqueue *q)
{
	u16 old = q->published;

	if (q->next_used == old || !usable(q))
		return false;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ring_write16(q, q->used + RING_IDX, q->next_used);
	q->published = q->next_used;
	/* The driver writes its wish, then looks at idx; we do it the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->event_idx)
		return passed(ring_read(q, used_event_field(q)), q->next_used, old) && !q->broken;
	return !(ring_read(q, q->available + RING_FLAGS) & VIRTQUEUE_NO_INTERRUPT) && !q->broken;
}

bool virtqueue_listen(struct virtqueue *q)
{
	if (!usable(q))
		return false;
	if (q->event_idx)
		ring_write16(q, available_event_field(q), q->next_available);
	else if (q->deaf)
		ring_write16(q, q->used + RING_FLAGS, 0);
	q->deaf = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return waiting(q) != 0;
}

/* With event_idx, an avail_event that lies behind is silence enough. */
void virtqueue_ignore(struct virtqueue *q)
{
	if (!usable(q) || q->deaf)
		return;
	q->deaf = true;
	if (!q->event_idx)
		ring_write16(q, q->used + RING_FLAGS, VIRTQUEUE_NO_NOTIFY);
}

/* ---- Life ---------------------------------------------------------------- */

void virtqueue_reset(struct virtqueue *q)
{
	*q = (struct virtqueue){
		.bus = q->bus,
		.size_max = q->size_max,
		.size = q->size_max,
		.epoch = q->epoch + 1,
	};
}

void virtqueue_init(struct virtqueue *q, const struct bus *bus, u16 size_max)
{
	check(size_max && size_max <= VIRTQUEUE_SIZE_MAX && !(size_max & (size_max - 1)));
	*q = (struct virtqueue){ .bus = bus, .size_max = size_max };
	virtqueue_reset(q);
}

/* ---- The bytes of a chain ------------------------------------------------ */

unsigned virtqueue_slice(const struct virtqueue_chain *chain, bool writable, u32 offset, u32 len,
			 struct virtqueue_segment *segment, unsigned max)
{
	const struct virtqueue_segment *s = &chain->segment[writable ? chain->readable : 0];
	unsigned n = 0;

	for (; len; s++) {
		u32 skip = MIN(offset, s->len), part = MIN(len, s->len - skip);

		check(s < &chain->segment[chain->readable + (writable ? chain->writable : 0)]);
		offset -= skip;
		len -= part;
		if (!part)
			continue;
		check(n < max);
		segment[n++] = (struct virtqueue_segment){ s->data + skip, part };
	}
	return n;
}

enum copy { COPY_OUT, COPY_IN, COPY_CLEAR };

/* The part of [offset, offset + len) that count segments hold, to or from bytes: its length. */
static u32 copy_segments(const struct virtqueue_segment *s, unsigned count, u32 offset, u8 *bytes,
			 u32 len, enum copy what)
{
	u32 done = 0;

	for (; count && done < len; count--, s++) {
		u32 skip = MIN(offset, s->len), part = MIN(len - done, s->len - skip);

		offset -= skip;
		if (what == COPY_OUT)
			memcpy(bytes + done, s->data + skip, part);
		else if (what == COPY_IN)
			memcpy(s->data + skip, bytes + done, part);
		else
			memset(s->data + skip, 0, part);
		done += part;
	}
	return done;
}

u32 virtqueue_read(const struct virtqueue_chain *chain, u32 offset, void *to, u32 len)
{
	return copy_segments(chain->segment, chain->readable, offset, to, len, COPY_OUT);
}

u32 virtqueue_write(const struct virtqueue_chain *chain, u32 offset, const void *from, u32 len)
{
	/* Only read from: the direction is COPY_IN. */
	return copy_segments(chain->segment + chain->readable, chain->writable, offset,
			     (u8 *)(uintptr_t)from, len, COPY_IN);
}

void virtqueue_clear(const struct virtqueue_chain *chain, u32 offset, u32 len)
{
	copy_segments(chain->segment + chain->readable, chain->writable, offset, NULL, len,
		      COPY_CLEAR);
}

/* ---- Saved states -------------------------------------------------------- */

void virtqueue_save(const struct virtqueue *q, struct state_buf *buf)
{
	check((!q->in_flight && q->published == q->next_used) || q->broken);
	state_put(buf, q->size, 2);
	state_put(buf, q->enabled, 1);
	state_put(buf, q->descriptors, 8);
	state_put(buf, q->available, 8);
	state_put(buf, q->used, 8);
	state_put(buf, q->next_available, 2);
	state_put(buf, q->next_used, 2);
	state_put(buf, q->deaf, 1);
	state_put(buf, q->broken != NULL, 1);
}

void virtqueue_load(struct virtqueue *q, struct state_buf *buf)
{
	virtqueue_reset(q);
	q->size =
	    (u16)state_get_max(buf, 2, q->size_max, "a virtqueue is larger than its device has");
	q->enabled = state_get_max(buf, 1, 1, "a flag of a virtqueue is neither 0 nor 1");
	q->descriptors = state_get(buf, 8);
	q->available = state_get(buf, 8);
	q->used = state_get(buf, 8);
	q->next_available = q->seen = (u16)state_get(buf, 2);
	q->next_used = q->published = (u16)state_get(buf, 2);
	q->deaf = state_get_max(buf, 1, 1, "a flag of a virtqueue is neither 0 nor 1");
	if (state_get_max(buf, 1, 1, "a flag of a virtqueue is neither 0 nor 1"))
		q->broken = "it was when it was saved";
	if (q->size & (q->size - 1) || !q->size)
		state_refuse(buf, "a virtqueue's size is no power of two");
}
