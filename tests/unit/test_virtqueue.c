/* test_virtqueue.c - what a driver may and may not do to a ring: dev/virtqueue.c */
#include "virtio_driver.h"

void test_virtqueue_register(void);

#define SIZE 16
#define BASE 0x10000ull
#define DATA 0x40000ull
#define TABLE 0x80000ull /* an indirect one */

static struct virtio_machine vm;
static struct ring ring;
static struct virtqueue q;
static struct virtqueue_chain chain;

static void setup(bool event_idx)
{
	ring_init(&ring, &vm, BASE, SIZE);
	ring.event_idx = event_idx;
	virtqueue_reset(&q);
	q.size = SIZE;
	q.descriptors = ring.descriptors;
	q.available = ring.available;
	q.used = ring.used;
	q.indirect = true;
	q.event_idx = event_idx;
	q.enabled = true;
}

static void start_with(bool event_idx)
{
	vmachine_init(&vm);
	virtqueue_init(&q, &vm.m.bus, VIRTQUEUE_SIZE_MAX);
	setup(event_idx);
}

static void start(void)
{
	start_with(false);
}

static void end(void)
{
	vmachine_free(&vm);
}

/* What was offered breaks the queue for a reason that has the word, and stays so. */
static void broken_by(const char *word)
{
	u16 published = vmachine_get16(&vm, BASE + 0x3002);

	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_BROKEN);
	CU_ASSERT_PTR_NOT_NULL_FATAL(q.broken);
	if (!strstr(q.broken, word))
		printf("\nbroken by \"%s\", not by \"%s\"\n", q.broken, word);
	CU_ASSERT_PTR_NOT_NULL(strstr(q.broken, word));
	vm.accesses = 0;
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_BROKEN);
	CU_ASSERT(!virtqueue_publish(&q));
	CU_ASSERT(!virtqueue_listen(&q));
	virtqueue_ignore(&q);
	CU_ASSERT_EQUAL(vm.accesses, 0);
	CU_ASSERT_EQUAL(vmachine_get16(&vm, BASE + 0x3002), published);
	setup(q.event_idx);
}

/* One descriptor, alone. */
static void offer_one(u64 address, u32 len, u16 flags, u16 next)
{
	ring_describe(&ring, 0, address, len, flags, next);
	ring_offer(&ring, 0);
}

static void test_bad_descriptors(void)
{
	start();
	offer_one(DATA, 0, 0, 0);
	broken_by("no bytes");
	offer_one(HOLE_BASE, 512, 0, 0);
	broken_by("not in RAM");
	offer_one(HOLE_BASE - 1, 2, 0, 0);
	broken_by("not in RAM");
	offer_one(RAM_SIZE - 1, 2, 0, 0);
	broken_by("not in RAM");
	offer_one(RAM_SIZE, 1, VIRTQUEUE_WRITE, 0);
	broken_by("not in RAM");
	offer_one(~0ull, 1, 0, 0);
	broken_by("wraps");
	offer_one(~0ull - 4, 100, 0, 0);
	broken_by("wraps");
	offer_one(DATA, ~0u, 0, 0);
	broken_by("not in RAM");
	offer_one(DATA, 512, VIRTQUEUE_NEXT, SIZE);
	broken_by("beyond the table");
	offer_one(DATA, 512, VIRTQUEUE_NEXT, 0xffff);
	broken_by("beyond the table");
	offer_one(DATA, 512, VIRTQUEUE_NEXT, 0);
	broken_by("loops");
	end();
}

static void test_bad_chains(void)
{
	start();
	/* A loop of all of them, and one back into the middle. */
	for (u16 i = 0; i < SIZE; i++)
		ring_describe(&ring, i, DATA, 16, VIRTQUEUE_NEXT, (u16)((i + 1) % SIZE));
	ring_offer(&ring, 0);
	broken_by("loops");
	ring_describe(&ring, 0, DATA, 16, VIRTQUEUE_NEXT, 1);
	ring_describe(&ring, 1, DATA, 16, VIRTQUEUE_NEXT, 2);
	ring_describe(&ring, 2, DATA, 16, VIRTQUEUE_NEXT, 1);
	ring_offer(&ring, 0);
	broken_by("loops");
	ring_describe(&ring, 0, DATA, 16, VIRTQUEUE_WRITE | VIRTQUEUE_NEXT, 1);
	ring_describe(&ring, 1, DATA, 16, 0, 0);
	ring_offer(&ring, 0);
	broken_by("follows a writable");
	/* Too many bytes: only found if the sum is not cut to 32 bits. */
	for (u16 i = 0; i < 9; i++)
		ring_describe(&ring, i, 0, (u32)MiB(4), VIRTQUEUE_NEXT, (u16)(i + 1));
	ring_offer(&ring, 0);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_BROKEN);
	setup(false);
	end();
}

static void test_bad_rings(void)
{
	start();
	vmachine_put16(&vm, ring.available + 2, SIZE + 1);
	broken_by("more buffers are available");
	vmachine_put16(&vm, ring.available + 2, 0xffff);
	broken_by("more buffers are available");
	ring_offer(&ring, SIZE);
	broken_by("beyond the table");
	ring_offer(&ring, 0xffff);
	broken_by("beyond the table");
	ring_describe(&ring, 3, DATA, 16, 0, 0);
	ring_offer(&ring, 3);
	ring_offer(&ring, 3);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	broken_by("available twice");
	end();
}

static void test_bad_places(void)
{
	static const u64 bad[] = { HOLE_BASE, RAM_SIZE, 0xfffffffffff0ull };

	start();
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		offer_one(DATA, 16, 0, 0);
		q.descriptors = bad[i];
		broken_by("not in RAM");
		q.available = bad[i];
		broken_by("not in RAM");
		offer_one(DATA, 16, 0, 0);
		q.used = bad[i];
		CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
		virtqueue_push(&q, chain.head, chain.epoch, 0);
		CU_ASSERT(!virtqueue_publish(&q));
		CU_ASSERT_PTR_NOT_NULL(q.broken);
		setup(false);
	}
	q.descriptors += 8;
	broken_by("misaligned");
	q.available += 1;
	broken_by("misaligned");
	q.used += 2;
	broken_by("misaligned");
	q.used = ~0ull - 3;
	broken_by("misaligned");
	q.descriptors = ~0ull << 4;
	broken_by("misaligned");
	end();
}

static void offer_table(u64 table, u32 len, u16 flags)
{
	ring_describe(&ring, 0, table, len, (u16)(VIRTQUEUE_INDIRECT | flags), 1);
	ring_offer(&ring, 0);
}

static void put_in_table(u16 n, u64 address, u32 len, u16 flags, u16 next)
{
	struct virtqueue_descriptor d = { address, len, flags, next };

	memcpy(vmachine_at(&vm, TABLE + 16 * n, 16), &d, 16);
}

static void test_bad_indirect(void)
{
	start();
	put_in_table(0, DATA, 16, 0, 0);
	q.indirect = false;
	offer_table(TABLE, 16, 0);
	broken_by("not negotiated");
	offer_table(TABLE, 16, VIRTQUEUE_NEXT);
	broken_by("successor");
	offer_table(TABLE, 0, 0);
	broken_by("impossible length");
	offer_table(TABLE, 15, 0);
	broken_by("impossible length");
	offer_table(TABLE, 40, 0);
	broken_by("impossible length");
	offer_table(HOLE_BASE, 16, 0);
	broken_by("not in RAM");
	offer_table(HOLE_BASE - 8, 16, 0);
	broken_by("not in RAM");
	offer_table(~0ull - 15, 32, 0);
	broken_by("wraps");
	put_in_table(0, DATA, 16, VIRTQUEUE_INDIRECT, 0);
	offer_table(TABLE, 16, 0);
	broken_by("has an indirect");
	put_in_table(0, DATA, 16, VIRTQUEUE_NEXT, 2);
	offer_table(TABLE, 32, 0);
	broken_by("beyond its table");
	put_in_table(0, DATA, 16, VIRTQUEUE_NEXT, 0);
	offer_table(TABLE, 16, 0);
	broken_by("too many parts");
	put_in_table(0, DATA, 0, 0, 0);
	offer_table(TABLE, 16, 0);
	broken_by("no bytes");
	end();
}

static void test_empty(void)
{
	start();
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_EMPTY);
	offer_one(DATA, 16, 0, 0);
	q.enabled = false;
	vm.accesses = 0;
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_EMPTY);
	CU_ASSERT_EQUAL(vm.accesses, 0);
	q.enabled = true;
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_EMPTY);
	end();
}

static void test_segments(void)
{
	const struct piece pieces[] = { { DATA, 16, false },
					{ LARGE_PAGE_SIZE - 100, 300, false },
					{ DATA + 1000, 1, true },
					{ 3 * LARGE_PAGE_SIZE, 512, true } };
	u16 head;

	start();
	ring.next_descriptor = 14; /* the chain runs over the end of the table */
	head = ring_add(&ring, pieces, 4);
	CU_ASSERT_EQUAL(head, 14);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_EQUAL(chain.head, 14);
	CU_ASSERT_EQUAL(chain.readable, 3);
	CU_ASSERT_EQUAL(chain.writable, 2);
	CU_ASSERT_EQUAL(chain.readable_bytes, 316);
	CU_ASSERT_EQUAL(chain.writable_bytes, 513);
	CU_ASSERT_PTR_EQUAL(chain.segment[0].data, vmachine_at(&vm, DATA, 1));
	CU_ASSERT_EQUAL(chain.segment[1].len, 100);
	CU_ASSERT_PTR_EQUAL(chain.segment[2].data, vm.piece[1]);
	CU_ASSERT_EQUAL(chain.segment[2].len, 200);
	CU_ASSERT_PTR_EQUAL(chain.segment[4].data, vm.piece[3]);
	end();
}

static void test_indirect(void)
{
	const struct piece pieces[] = { { DATA, 16, false }, { DATA + 512, 512, true } };

	start();
	/* Alone, with a write flag that means nothing, over the border of a piece, behind others.
	 */
	ring_add_indirect(&ring, TABLE + 4, pieces, 2);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_EQUAL(chain.readable, 1);
	CU_ASSERT_EQUAL(chain.writable, 1);
	put_in_table(0, DATA, 16, 0, 0);
	ring_describe(&ring, 1, TABLE, 16, VIRTQUEUE_INDIRECT | VIRTQUEUE_WRITE, 0);
	ring_offer(&ring, 1);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_EQUAL(chain.readable, 1);
	memcpy(vmachine_at(&vm, LARGE_PAGE_SIZE - 8, 8), vmachine_at(&vm, TABLE, 8), 8);
	memcpy(vmachine_at(&vm, LARGE_PAGE_SIZE, 8), vmachine_at(&vm, TABLE + 8, 8), 8);
	ring_describe(&ring, 2, LARGE_PAGE_SIZE - 8, 16, VIRTQUEUE_INDIRECT, 0);
	ring_offer(&ring, 2);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_PTR_EQUAL(chain.segment[0].data, vmachine_at(&vm, DATA, 1));
	ring_describe(&ring, 3, DATA + 2048, 16, VIRTQUEUE_NEXT, 4);
	ring_describe(&ring, 4, TABLE, 16, VIRTQUEUE_INDIRECT, 0);
	ring_offer(&ring, 3);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_EQUAL(chain.readable, 2);
	end();
}

/* 130 segments are taken, 131 are not. */
static void test_many_segments(void)
{
	start();
	for (u16 i = 0; i <= VIRTQUEUE_SEGMENTS_MAX; i++)
		put_in_table(i, DATA + 16 * i, 16, VIRTQUEUE_NEXT, (u16)(i + 1));
	put_in_table(VIRTQUEUE_SEGMENTS_MAX - 1, DATA, 1, VIRTQUEUE_WRITE, 0);
	offer_table(TABLE, 16 * VIRTQUEUE_SEGMENTS_MAX, 0);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_EQUAL(chain.readable + chain.writable, VIRTQUEUE_SEGMENTS_MAX);
	CU_ASSERT_EQUAL(chain.writable, 1);
	setup(false);
	put_in_table(VIRTQUEUE_SEGMENTS_MAX - 1, DATA, 1, VIRTQUEUE_NEXT, VIRTQUEUE_SEGMENTS_MAX);
	put_in_table(VIRTQUEUE_SEGMENTS_MAX, DATA, 1, 0, 0);
	offer_table(TABLE, 16 * (VIRTQUEUE_SEGMENTS_MAX + 1), 0);
	broken_by("too many parts");
	end();
}

/* A guest that rewrites a descriptor after it was read changes nothing. */
static void test_read_once(void)
{
	start();
	offer_one(DATA, 16, 0, 0);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	/* idx, the ring's element, the descriptor, and what it points at: one look at each. */
	setup(false);
	offer_one(DATA, 16, 0, 0);
	vm.accesses = 0;
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_EQUAL(vm.accesses, 4);
	offer_one(HOLE_BASE, 16, 0, 0);
	CU_ASSERT_PTR_EQUAL(chain.segment[0].data, vmachine_at(&vm, DATA, 1));
	end();
}

static void test_give_back(void)
{
	u32 id, len;
	const struct piece piece = { DATA, 64, true };

	start();
	for (unsigned i = 0; i < 70000; i++) { /* every count runs over 16 bits */
		u16 head = ring_add(&ring, &piece, 1);

		CU_ASSERT_EQUAL_FATAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
		virtqueue_push(&q, chain.head, chain.epoch, i);
		CU_ASSERT_FATAL(!ring_take(&ring, &id, &len)); /* not yet shown */
		CU_ASSERT_FATAL(virtqueue_publish(&q));
		CU_ASSERT_FATAL(ring_take(&ring, &id, &len));
		CU_ASSERT_FATAL(id == head && len == i);
	}
	CU_ASSERT(!virtqueue_publish(&q)); /* nothing new */
	CU_ASSERT_EQUAL(q.in_flight, 0);
	end();
}

/* What was taken before a reset is not given back after it. */
static void test_epochs(void)
{
	u32 epoch;

	start();
	offer_one(DATA, 64, VIRTQUEUE_WRITE, 0);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	epoch = chain.epoch;
	setup(false);
	offer_one(DATA, 64, VIRTQUEUE_WRITE, 0);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_NOT_EQUAL(chain.epoch, epoch);
	virtqueue_push(&q, 0, epoch, 64);
	CU_ASSERT_EQUAL(q.in_flight, 1);
	CU_ASSERT(!virtqueue_publish(&q));
	virtqueue_push(&q, 0, chain.epoch, 64);
	CU_ASSERT(virtqueue_publish(&q));
	end();
}

/* count buffers taken and given back together; does the driver want an interrupt? */
static bool serve(unsigned count)
{
	const struct piece piece = { DATA, 64, true };

	for (unsigned i = 0; i < count; i++)
		ring_add(&ring, &piece, 1);
	while (virtqueue_pop(&q, &chain) == VIRTQUEUE_TAKEN)
		virtqueue_push(&q, chain.head, chain.epoch, 0);
	return virtqueue_publish(&q);
}

static void test_interrupt_flag(void)
{
	start();
	CU_ASSERT(serve(1));
	vmachine_put16(&vm, ring.available, VIRTQUEUE_NO_INTERRUPT);
	CU_ASSERT(!serve(4));
	/* Without EVENT_IDX, what stands in used_event is nothing. */
	ring_want_interrupt_after(&ring, 5);
	CU_ASSERT(!serve(1));
	vmachine_put16(&vm, ring.available, 0);
	CU_ASSERT(serve(1));
	end();
}

static void test_interrupt_event(void)
{
	start_with(true);
	vmachine_put16(&vm, ring.available, VIRTQUEUE_NO_INTERRUPT); /* means nothing here */
	CU_ASSERT(serve(1)); /* used_event is 0: the first one */
	CU_ASSERT(!serve(1));
	CU_ASSERT(!serve(10));
	ring.seen = 12;
	ring_want_interrupt_after(&ring, 2); /* the third from now */
	CU_ASSERT(!serve(1));
	CU_ASSERT(!serve(1));
	CU_ASSERT(serve(1));
	CU_ASSERT(!serve(1));
	ring.seen = 16;
	ring_want_interrupt_after(&ring, 7); /* in the middle of a batch */
	CU_ASSERT(serve(12));
	/* Over the end of 16 bits. */
	for (unsigned i = 0; i < 65500 / 10; i++)
		(void)serve(10);
	ring.seen = vmachine_get16(&vm, ring.used + 2);
	ring_want_interrupt_after(&ring, 30);
	CU_ASSERT(!serve(15));
	CU_ASSERT(!serve(15));
	CU_ASSERT(serve(15));
	end();
}

static void test_notify_flag(void)
{
	start();
	CU_ASSERT(!virtqueue_listen(&q));
	CU_ASSERT_EQUAL(vmachine_get16(&vm, ring.used), 0);
	virtqueue_ignore(&q);
	CU_ASSERT_EQUAL(vmachine_get16(&vm, ring.used), VIRTQUEUE_NO_NOTIFY);
	offer_one(DATA, 16, 0, 0);
	CU_ASSERT(!ring_needs_kick(&ring));
	CU_ASSERT(virtqueue_listen(&q)); /* the driver did not tell: there is one */
	CU_ASSERT_EQUAL(vmachine_get16(&vm, ring.used), 0);
	end();
}

static void test_notify_event(void)
{
	start_with(true);
	offer_one(DATA, 16, 0, 0);
	CU_ASSERT(ring_needs_kick(&ring)); /* avail_event is 0 */
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	virtqueue_push(&q, chain.head, chain.epoch, 0);
	virtqueue_ignore(&q);
	CU_ASSERT_EQUAL(vmachine_get16(&vm, ring.used), 0); /* the flag stays 0 */
	offer_one(DATA, 16, 0, 0);
	CU_ASSERT(!ring_needs_kick(&ring));
	CU_ASSERT(virtqueue_listen(&q));
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT(!virtqueue_listen(&q));
	virtqueue_push(&q, chain.head, chain.epoch, 0);
	offer_one(DATA, 16, 0, 0);
	CU_ASSERT(ring_needs_kick(&ring));
	end();
}

static void test_bytes(void)
{
	const struct piece pieces[] = { { DATA, 3, false },
					{ DATA + 100, 5, false },
					{ DATA + 200, 4, true },
					{ DATA + 300, 1, true },
					{ DATA + 400, 10, true } };
	struct virtqueue_segment part[8];
	char text[16] = "";

	start();
	memcpy(vmachine_at(&vm, DATA, 3), "abc", 3);
	memcpy(vmachine_at(&vm, DATA + 100, 5), "defgh", 5);
	ring_add(&ring, pieces, 5);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT_EQUAL(virtqueue_read(&chain, 0, text, 16), 8);
	CU_ASSERT_STRING_EQUAL(text, "abcdefgh");
	memset(text, 0, sizeof(text));
	CU_ASSERT_EQUAL(virtqueue_read(&chain, 2, text, 3), 3);
	CU_ASSERT_STRING_EQUAL(text, "cde");
	CU_ASSERT_EQUAL(virtqueue_read(&chain, 8, text, 3), 0);
	CU_ASSERT_EQUAL(virtqueue_read(&chain, ~0u, text, 3), 0);
	CU_ASSERT_EQUAL(virtqueue_write(&chain, 3, "xyz", 3), 3);
	CU_ASSERT_EQUAL(memcmp(vmachine_at(&vm, DATA + 200, 4), "\0\0\0x", 4), 0);
	CU_ASSERT_EQUAL(*(char *)vmachine_at(&vm, DATA + 300, 1), 'y');
	CU_ASSERT_EQUAL(*(char *)vmachine_at(&vm, DATA + 400, 1), 'z');
	CU_ASSERT_EQUAL(virtqueue_write(&chain, 13, "uvw", 3), 2);
	virtqueue_clear(&chain, 4, 1);
	CU_ASSERT_EQUAL(*(char *)vmachine_at(&vm, DATA + 300, 1), 0);
	CU_ASSERT_EQUAL(virtqueue_slice(&chain, false, 2, 6, part, 8), 2);
	CU_ASSERT_EQUAL(part[0].len, 1);
	CU_ASSERT_EQUAL(part[1].len, 5);
	CU_ASSERT_EQUAL(virtqueue_slice(&chain, true, 4, 2, part, 8), 2);
	CU_ASSERT_PTR_EQUAL(part[0].data, vmachine_at(&vm, DATA + 300, 1));
	CU_ASSERT_EQUAL(virtqueue_slice(&chain, true, 15, 0, part, 0), 0);
	end();
}

static void slice_beyond(void *unused UNUSED)
{
	struct virtqueue_segment part[8];

	(void)virtqueue_slice(&chain, true, 0, 9, part, 8);
}

static void save_in_flight(void *unused UNUSED)
{
	u8 data[256];
	struct state_buf buf = { .data = data, .size = sizeof(data) };

	virtqueue_save(&q, &buf);
}

static void init_odd(void *unused UNUSED)
{
	struct virtqueue other;

	virtqueue_init(&other, &vm.m.bus, 48);
}

static void test_our_own_mistakes(void)
{
	start();
	offer_one(DATA, 8, VIRTQUEUE_WRITE, 0);
	CU_ASSERT_EQUAL(virtqueue_pop(&q, &chain), VIRTQUEUE_TAKEN);
	CU_ASSERT(panics(slice_beyond, NULL));
	CU_ASSERT(panics(save_in_flight, NULL));
	CU_ASSERT(panics(init_odd, NULL));
	end();
}

/* Whatever stands in the ring: no access outside RAM, and the chain is what it says. */
static void test_random_rings(void)
{
	unsigned taken = 0, broke = 0, interrupts = 0;
	u32 seed = 12345;

	start();
	for (unsigned round = 0; round < 20000; round++) {
		setup(round & 1);
		for (unsigned i = 0; i < SIZE; i++) {
			u32 r = seed = seed * 1664525 + 1013904223;

			ring_describe(&ring, (u16)i, (u64)(r >> 8) % (RAM_SIZE + PAGE_SIZE),
				      (r >> 3) % 5000, (u16)((r >> 28) & (r & 0x800000 ? 7 : 3)),
				      (u16)((r >> 13) % (SIZE + 1)));
		}
		ring_offer(&ring, (u16)(seed >> 7) % SIZE);
		if (virtqueue_pop(&q, &chain) != VIRTQUEUE_TAKEN) {
			broke++;
			continue;
		}
		taken++;
		CU_ASSERT_FATAL(chain.readable + chain.writable > 0);
		virtqueue_clear(&chain, 0, chain.writable_bytes);
		virtqueue_push(&q, chain.head, chain.epoch, chain.writable_bytes);
		interrupts += virtqueue_publish(&q);
	}
	CU_ASSERT(taken > 500 && broke > 500 && interrupts > 500);
	end();
}

void test_virtqueue_register(void)
{
	CU_pSuite s = CU_add_suite("virtqueue", NULL, NULL);

	CU_add_test(s, "bad descriptors", test_bad_descriptors);
	CU_add_test(s, "bad chains", test_bad_chains);
	CU_add_test(s, "bad rings", test_bad_rings);
	CU_add_test(s, "parts that are no RAM or misplaced", test_bad_places);
	CU_add_test(s, "bad indirect tables", test_bad_indirect);
	CU_add_test(s, "random rings", test_random_rings);
	CU_add_test(s, "our own mistakes", test_our_own_mistakes);
	CU_add_test(s, "empty, disabled", test_empty);
	CU_add_test(s, "segments", test_segments);
	CU_add_test(s, "indirect tables", test_indirect);
	CU_add_test(s, "as many segments as there may be", test_many_segments);
	CU_add_test(s, "everything is read once", test_read_once);
	CU_add_test(s, "given back", test_give_back);
	CU_add_test(s, "not given back after a reset", test_epochs);
	CU_add_test(s, "interrupts by the flag", test_interrupt_flag);
	CU_add_test(s, "interrupts by EVENT_IDX", test_interrupt_event);
	CU_add_test(s, "notifications by the flag", test_notify_flag);
	CU_add_test(s, "notifications by EVENT_IDX", test_notify_event);
	CU_add_test(s, "the bytes of a chain", test_bytes);
}
