/*
 * hostile_bombs.c - a disk and a network driven to their ends: group "bombs", in a machine that has
 * them
 *
 * Must not know: who else has a disk or a card.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Network Device" (5.1), "Block Device"
 * (5.2).
 */
#include "hostile.h"
#include "hostile_virtio.h"
#include "lib/string.h"
#include "x86_ops.h"

static struct ring *const ring = &virtio_ring;

static void done(struct tally *t, u64 target, u64 action)
{
	rt_vector = RT_NONE;
	hostile_case(t, target, action);
}

/* Until the device has used n buffers, or long enough.  The used ring's index. */
static u16 wait_for(const struct virtio *d, u16 n)
{
	for (unsigned i = 0; i < 10 && ring->used[1] != n; i++)
		virtio_wait(d);
	return ring->used[1];
}

/* ---- Disks ---------------------------------------------------------------------------- */

#define SECTOR 512u
#define BLK_IN 0
#define BLK_OUT 1
#define UNANSWERED 0xee

static struct blk_header {
	u32 type, reserved;
	u64 sector;
} header;
static volatile u8 status;

static const u32 types[] = { BLK_IN, BLK_OUT, 4, 8, 11, 13, 0xdead };
static const u32 lengths[] = { SECTOR, SECTOR - 1, 0, 8192 };

static void make_request(u32 type, u64 sector, u32 len)
{
	header = (struct blk_header){ .type = type, .sector = sector };
	status = UNANSWERED;
	ring->d[0] = (struct descriptor){ (u64)(uintptr_t)&header, sizeof(header), DESC_NEXT, 1 };
	ring->d[1] =
	    (struct descriptor){ (u64)(uintptr_t)ring->data, len,
				 (u16)(DESC_NEXT | (type == BLK_OUT ? 0 : DESC_WRITE)), 2 };
	ring->d[2] = (struct descriptor){ (u64)(uintptr_t)&status, 1, DESC_WRITE, 0 };
}

static u64 sector_of(u64 capacity, unsigned class)
{
	const u64 sectors[] = { 0,	    capacity - 1, capacity, capacity + 1,
				1ull << 32, 1ull << 55,	  ~0ull };

	return sectors[class];
}
#define SECTORS 7

static void look_for_secrets(struct tally *t, u64 where)
{
	const u64 *word = (const u64 *)(const void *)ring->data;

	for (unsigned i = 0; i < sizeof(ring->data) / 8; i++)
		hostile_bad(t, hostile_secret(word[i]), "a-secret", where);
}

static void ask_disk(const struct virtio *d, void *context)
{
	struct tally *t = context;
	u64 capacity;

	if (d->type != VIRTIO_BLK || !d->device)
		return;
	capacity = *(volatile u32 *)(uintptr_t)d->device;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		for (unsigned s = 0; s < SECTORS; s++)
			for (unsigned l = 0; l < ARRAY_SIZE(lengths); l++) {
				u64 sector = sector_of(capacity, s);
				bool beyond =
				    sector >= capacity || lengths[l] > (capacity - sector) * SECTOR;

				make_request(types[i], sector, lengths[l]);
				virtio_start(d, 0);
				virtio_offer(d, 0, 1);
				wait_for(d, 1);
				done(t, i << 4 | s, l);
				hostile_bad(t,
					    beyond && types[i] <= BLK_OUT && lengths[l] && !status,
					    "beyond-the-disk", s);
				look_for_secrets(t, sector);
			}
}

/* Catches: a request that reaches beyond the guest's disk: another's, or the machine's. */
static void blk_requests(struct tally *t)
{
	done(t, 0xffff, 0);
	virtio_each(ask_disk, t);
}

static void misshape(const struct virtio *d, void *context)
{
	static const u32 heads[] = { 0, 1, 8, 15, 16, 17, 4096 };
	struct tally *t = context;

	if (d->type != VIRTIO_BLK)
		return;
	for (unsigned h = 0; h < ARRAY_SIZE(heads); h++)
		for (unsigned shape = 0; shape < 8; shape++) {
			make_request(shape & 1, 0, SECTOR);
			ring->d[0].len = heads[h];
			if (shape & 2) /* the device may write its own orders */
				ring->d[0].flags |= DESC_WRITE;
			if (shape & 4) /* nowhere to answer */
				ring->d[1].flags &= (u16)~DESC_NEXT;
			virtio_start(d, 0);
			virtio_offer(d, 0, 1);
			virtio_wait(d);
			done(t, h, shape);
		}
}

/* Catches: a header that is read although there is none, an answer that is written anywhere. */
static void blk_shapes(struct tally *t)
{
	done(t, 0xffff, 0);
	virtio_each(misshape, t);
}

static void flood_disk(const struct virtio *d, void *context)
{
	struct tally *t = context;

	if (d->type != VIRTIO_BLK)
		return;
	for (u64 round = hostile_some(60); round; round--) {
		unsigned batch = (unsigned)(round % RING) + 1;

		make_request((u32)(round & 1), round & 7, 4096);
		virtio_start(d, 0);
		for (unsigned i = 0; i < batch; i++)
			ring->avail[2 + i] = 0;
		ring->avail[1] = (u16)batch;
		virtio_notify(d, 0);
		if (round % 4) /* else: reset with all in flight */
			wait_for(d, (u16)batch);
		done(t, batch, round % 4 == 0);
	}
}

/* Requests without end, also reset in flight.  Catches: a request that outlives its machine. */
static void disk_flood(struct tally *t)
{
	done(t, 0xffff, 0);
	virtio_each(flood_disk, t);
}

/* ---- Network ----------------------------------------------------------------------------- */

#define TX 1
#define NET_HEADER 12

struct net_header {
	u8 flags, gso;
	u16 header_len, gso_size, csum_start, csum_offset, buffers;
};
ASSERT_SIZE(struct net_header, NET_HEADER);

static void send(const struct virtio *d, const struct net_header *h, u32 len, unsigned n)
{
	memset(ring->data, 0xff, 6); /* to all */
	memset(ring->data + 6, 2, 6);
	memcpy(ring->data + 4096, h, sizeof(*h));
	for (unsigned i = 0; i < RING; i += 2) {
		ring->d[i] = (struct descriptor){ (u64)(uintptr_t)ring->data + 4096, NET_HEADER,
						  DESC_NEXT, (u16)(i + 1) };
		ring->d[i + 1] = (struct descriptor){ (u64)(uintptr_t)ring->data, len, 0, 0 };
	}
	for (unsigned i = 0; i < n; i++)
		ring->avail[2 + (ring->avail[1] + i) % RING] = (u16)(2 * i % RING);
	ring->avail[1] = (u16)(ring->avail[1] + n);
	virtio_notify(d, TX);
}

static void send_odd(const struct virtio *d, void *context)
{
	static const u32 sizes[] = { 0, 1, 13, 14, 60, 1514, 1515, 8192 };
	static const u8 gso[] = { 0, 1, 4, 0x81, 0xff };
	static const u16 starts[] = { 0, 14, 34, 0xffff };
	struct tally *t = context;

	if (d->type != VIRTIO_NET)
		return;
	for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++)
		for (unsigned g = 0; g < ARRAY_SIZE(gso); g++)
			for (unsigned c = 0; c < ARRAY_SIZE(starts); c++) {
				struct net_header h = { .flags = (u8)(c ? 1 : 0),
							.gso = gso[g],
							.header_len = starts[c],
							.gso_size = (u16)(c & 1),
							.csum_start = starts[c],
							.csum_offset =
							    (u16)(c == 3 ? 0xffff : 16) };

				virtio_start(d, TX);
				send(d, &h, sizes[s], 1);
				wait_for(d, 1);
				done(t, s, g << 2 | c);
			}
}

/* Catches: a checksum or a segment that is made beyond the frame. */
static void net_frames(struct tally *t)
{
	done(t, 0xffff, 0);
	virtio_each(send_odd, t);
}

static void flood_network(const struct virtio *d, void *context)
{
	static const struct net_header none;
	struct tally *t = context;

	if (d->type != VIRTIO_NET)
		return;
	virtio_start(d, TX);
	for (u64 round = hostile_some(200); round; round--) {
		unsigned batch = (unsigned)(round % (RING / 2)) + 1;
		u16 before = ring->avail[1];

		send(d, &none, round & 1 ? 60 : 1514, batch);
		if (round % 8)
			wait_for(d, (u16)(before + batch));
		done(t, batch, round & 1);
	}
}

/* Catches: frames that are kept for somebody who never takes them. */
static void net_flood(struct tally *t)
{
	done(t, 0xffff, 0);
	virtio_each(flood_network, t);
}

/* ---- CPU and memory ------------------------------------------------------------------------- */

/* Every page of its memory, written at once.  Catches: memory that nobody accounts for. */
static void memory_bomb(struct tally *t)
{
	for (u64 at = ALIGN_UP(rt_image_limit(), 4096); at < rt_memory_end(); at += 4096) {
		*(volatile u64 *)at = ~at;
		done(t, at / MiB(1), 0);
	}
}

/* Translations forgotten again and again, in all ways. */
static void translation_storm(struct tally *t)
{
	u64 cr4 = x86_read_cr4();

	for (u64 i = hostile_some(2000); i; i--) {
		x86_write_cr3(x86_read_cr3());
		done(t, 0, 0);
		x86_invlpg(i << 12);
		done(t, 1, i % 8);
		x86_write_cr4(cr4 ^ CR4_PGE);
		x86_write_cr4(cr4);
		done(t, 2, 0);
		(void)*(volatile u8 *)rt_window(i << 12 & BITS(23, 12));
		done(t, 3, i % 8);
	}
}

static const struct attack attacks[] = {
	{ "memory-bomb", memory_bomb, false },	 { "translation-storm", translation_storm, false },
	{ "blk-requests", blk_requests, false }, { "blk-shapes", blk_shapes, false },
	{ "disk-flood", disk_flood, false },	 { "net-frames", net_frames, false },
	{ "net-flood", net_flood, false },
};

const struct attack_list hostile_bombs = ATTACKS_OF(attacks, "bombs");
