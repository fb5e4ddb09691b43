/*
 * selftest_queue.c - virtqueues, with a device that is played here
 *
 * Owns: a queue in memory that no device knows of.
 */
#include "lib/string.h"
#include "page.h"
#include "selftest.h"
#include "virtqueue.h"

#define SIZE 4
#define ROUNDS 70000 /* more than 16 bits count */

static struct virtqueue queue;
static void *ring_page;
static u16 device_seen; /* how many chains the device has taken */

static bool begin(struct check *c)
{
	ring_page = page_alloc();
	expect_true(c, "a page", ring_page);
	if (ring_page)
		virtqueue_init(&queue, ring_page, SIZE);
	device_seen = 0;
	return ring_page;
}

static void finish(void)
{
	page_free(ring_page);
}

/* The device: the next chain offered, as the index of its first descriptor; SIZE: none. */
static u16 device_take(void)
{
	if (device_seen == queue.avail->index)
		return SIZE;
	return queue.avail->ring[device_seen++ % SIZE];
}

static void device_return(u32 id, u32 written)
{
	u16 slot = queue.used->index % SIZE;

	queue.used->ring[slot].id = id;
	queue.used->ring[slot].length = written;
	queue.used->index++;
}

static bool add(unsigned count, void *token)
{
	static u8 *const data = (u8 *)DIRECT_BASE + 0x1000; /* only its address matters */
	struct virtqueue_part parts[SIZE] = { { data, 10, false },
					      { data + 100, 20, false },
					      { data + 200, 30, true },
					      { data + 300, 40, true } };

	return virtqueue_add(&queue, parts, count, token);
}

static void chain_in_order(struct check *c, const void *argument UNUSED)
{
	const struct virtqueue_desc *d;
	int token;

	if (!begin(c))
		return;
	expect_equal(c, "a chain before", device_take(), SIZE);
	expect_true(c, "room", add(3, &token));
	d = &queue.desc[device_take() % SIZE];
	expect_equal(c, "first address", d->address, 0x1000);
	expect_equal(c, "first length", d->length, 10);
	expect_equal(c, "first flags", d->flags, VIRTQUEUE_DESC_NEXT);
	d = &queue.desc[d->next % SIZE];
	expect_equal(c, "second address", d->address, 0x1000 + 100);
	expect_equal(c, "second flags", d->flags, VIRTQUEUE_DESC_NEXT);
	d = &queue.desc[d->next % SIZE];
	expect_equal(c, "third length", d->length, 30);
	expect_equal(c, "third flags", d->flags, VIRTQUEUE_DESC_WRITE);
	expect_equal(c, "another chain", device_take(), SIZE);
	finish();
}

static void full_refuses(struct check *c, const void *argument UNUSED)
{
	u32 written;
	int token;

	if (!begin(c))
		return;
	expect_true(c, "room for three", add(3, &token));
	expect_true(c, "no room for two more", !add(2, &token));
	expect_true(c, "room for one more", add(1, &token));
	expect_true(c, "no room at all", !add(1, &token));
	device_return(device_take(), 0);
	expect_equal(c, "token", (u64)virtqueue_take(&queue, &written), (u64)&token);
	expect_true(c, "room for three again", add(3, &token));
	expect_true(c, "no room at all", !add(1, &token));
	finish();
}

static void any_order(struct check *c, const void *argument UNUSED)
{
	int first, second;
	u32 written = 0;
	u16 a, b;

	if (!begin(c))
		return;
	add(2, &first);
	add(2, &second);
	a = device_take();
	b = device_take();
	expect_equal(c, "nothing used yet", (u64)virtqueue_take(&queue, &written), 0);
	device_return(b, 7);
	device_return(a, 9);
	expect_equal(c, "the second", (u64)virtqueue_take(&queue, &written), (u64)&second);
	expect_equal(c, "bytes", written, 7);
	expect_equal(c, "the first", (u64)virtqueue_take(&queue, &written), (u64)&first);
	expect_equal(c, "bytes", written, 9);
	expect_equal(c, "free descriptors", queue.free_count, SIZE);
	finish();
}

static void indices_wrap(struct check *c, const void *argument UNUSED)
{
	u32 written;
	int token;

	if (!begin(c))
		return;
	for (u32 i = 0; i < ROUNDS && !c->what; i++) {
		expect_true(c, "room", add(i % 3 + 1, &token));
		device_return(device_take(), i);
		expect_equal(c, "token", (u64)virtqueue_take(&queue, &written), (u64)&token);
		expect_equal(c, "bytes", written, i);
	}
	expect_equal(c, "index", queue.avail->index, (u16)ROUNDS);
	finish();
}

static void wrong_ids(struct check *c, const void *argument UNUSED)
{
	u32 written;
	int token;
	u16 head;

	if (!begin(c))
		return;
	add(1, &token);
	head = device_take();
	device_return(~0u, 0);
	device_return((head + 1u) % SIZE, 0);
	device_return(head, 0);
	device_return(head, 0);
	expect_equal(c, "no descriptor", (u64)virtqueue_take(&queue, &written), 0);
	expect_equal(c, "one not offered", (u64)virtqueue_take(&queue, &written), 0);
	expect_equal(c, "the right one", (u64)virtqueue_take(&queue, &written), (u64)&token);
	expect_equal(c, "the same again", (u64)virtqueue_take(&queue, &written), 0);
	expect_equal(c, "free descriptors", queue.free_count, SIZE);
	finish();
}

static const struct selftest tests[] = {
	{ "virtqueue: a chain reaches the device in order", chain_in_order, NULL },
	{ "virtqueue: a full one refuses, until something comes back", full_refuses, NULL },
	{ "virtqueue: chains may come back in any order", any_order, NULL },
	{ "virtqueue: its indices wrap around", indices_wrap, NULL },
	{ "virtqueue: IDs that were not offered are not believed", wrong_ids, NULL },
};

const struct selftest_group selftest_queue = { tests, ARRAY_SIZE(tests) };
