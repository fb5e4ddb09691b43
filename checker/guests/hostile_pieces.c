/*
 * hostile_pieces.c - buffers of many short pieces, with bytes of nobody's between them
 *
 * Owns: cutting a buffer, and looking whether each byte, and only these bytes, is what it should
 * be. Must not know: what a device does with a buffer beyond that.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Message Framing" (2.7.4), "The
 * Virtqueue Used Ring" (2.7.8), "Entropy Device" (5.4), "Block Device" (5.2), "Network Device"
 * (5.1).
 */
#include "hostile.h"
#include "hostile_virtio.h"
#include "lib/string.h"
#include "x86_ops.h"

#define VIRTIO_ENTROPY 4
#define NOBODYS 0xa5

static struct ring *const ring = &virtio_ring;

static void done(struct tally *t, u64 target, u64 action)
{
	rt_vector = RT_NONE;
	hostile_case(t, target, action);
}

/* Until the device has used n buffers, or long enough. */
static bool was_used(const struct virtio *d, u16 n)
{
	for (unsigned i = 0; i < 50 && ring->used[1] != n; i++)
		virtio_wait(d);
	return ring->used[1] == n;
}

static u32 used_len(void)
{
	return ring->used[4] | (u32)ring->used[5] << 16;
}

/* ---- Cutting --------------------------------------------------------------------------- */

#define PIECES 10u
#define EVEN 512u /* a sector */

struct cut {
	unsigned count;
	struct {
		u32 at, len;
	} piece[PIECES];
	u32 bytes; /* in all */
};

/* Where in ring->data byte n of the buffer is. */
static u8 *byte_of(const struct cut *c, u32 n)
{
	unsigned i = 0;

	for (; n >= c->piece[i].len; i++)
		n -= c->piece[i].len;
	return &ring->data[c->piece[i].at + n];
}

/* Which piece is of a whole sector beside odd ones, where that fits: none, the first, the last. */
static bool is_even(unsigned shape, u32 bytes, unsigned i)
{
	return bytes > EVEN && ((shape % 3 == 1 && !i) || (shape % 3 == 2 && i == PIECES - 1));
}

/* Pieces of 1 to 17 bytes, the rest, if bytes are wanted, in the last one or that before it. */
static struct cut cut(unsigned shape, u32 bytes)
{
	struct cut c = { .count = bytes ? PIECES : 1 + shape % PIECES };
	unsigned rest = PIECES - 1 - is_even(shape, bytes, PIECES - 1);
	u32 at = shape % 5;

	for (unsigned i = 0; i < c.count; i++) {
		u32 len = 1 + (shape * 7 + i * 5) % 17;

		if (is_even(shape, bytes, i))
			len = EVEN;
		else if (bytes && i == rest)
			len = bytes - c.bytes - (rest == PIECES - 1 ? 0 : EVEN);
		c.piece[i].at = at;
		c.piece[i].len = len;
		c.bytes += len;
		at += len + 1 + i % 7;
	}
	memset(ring->data, NOBODYS, sizeof(ring->data));
	return c;
}

/* The pieces as descriptors from number n on, linked to what follows: the next free number. */
static unsigned describe(const struct cut *c, unsigned n, u16 flags, bool last)
{
	for (unsigned i = 0; i < c->count; i++, n++)
		ring->d[n] = (struct descriptor){
			(u64)(uintptr_t)&ring->data[c->piece[i].at], c->piece[i].len,
			(u16)(flags | (last && i == c->count - 1 ? 0 : DESC_NEXT)), (u16)(n + 1)
		};
	return n;
}

/* Nothing between the pieces, or behind the last, is written. */
static void look_between(struct tally *t, const struct cut *c, u64 shape)
{
	unsigned piece = 0;

	for (u32 i = 0; i < sizeof(ring->data); i++) {
		if (piece < c->count && i == c->piece[piece].at) {
			i += c->piece[piece++].len - 1;
			continue;
		}
		hostile_bad(t, ring->data[i] != NOBODYS, "written-between-pieces", shape << 16 | i);
	}
}

/* ---- Entropy --------------------------------------------------------------------------- */

static void look_at_random(struct tally *t, const struct cut *c, u64 shape)
{
	u32 len = used_len(), same = 0;

	hostile_bad(t, !len || len > c->bytes, "used-len", len);
	for (u32 i = 0; i < c->bytes; i++) {
		if (i >= len)
			hostile_bad(t, *byte_of(c, i) != NOBODYS, "written-beyond-used-len", i);
		else
			same += *byte_of(c, i) == NOBODYS;
	}
	hostile_bad(t, len > 8 && same > len / 2, "not-written", shape);
}

static void want_random(const struct virtio *d, void *context)
{
	struct tally *t = context;

	if (d->type != VIRTIO_ENTROPY)
		return;
	for (unsigned shape = 0; shape < 40; shape++) {
		struct cut c = cut(shape, 0);

		describe(&c, 0, DESC_WRITE, true);
		virtio_start(d, 0);
		virtio_offer(d, 0, 1);
		hostile_bad(t, !was_used(d, 1), "never-used", shape);
		look_at_random(t, &c, shape);
		look_between(t, &c, shape);
		done(t, shape % PIECES, shape);
	}
}

/* Catches: a piece that is written beyond its end, a length that is counted from anywhere else. */
static void virtio_pieces(struct tally *t)
{
	done(t, 0xffff, 0);
	virtio_each(want_random, t);
}

static const struct attack attacks[] = { { "virtio-pieces", virtio_pieces, false } };
const struct attack_list hostile_pieces = ATTACKS(attacks);

/* ---- Disk ------------------------------------------------------------------------------ */

#define BLK_IN 0
#define BLK_OUT 1
#define SECTOR 512u
#define UNANSWERED 0xee
#define FIRST_SECTOR 5

static struct {
	u32 type, reserved;
	u64 sector;
} header;
static volatile u8 status;

static u8 pattern(u64 sector, u32 i)
{
	return (u8)((sector * SECTOR + i) * 2654435761u >> 13);
}

/* The header too is cut: "no assumptions about the framing". */
static void ask(const struct virtio *d, const struct cut *c, u32 type, u64 sector)
{
	unsigned n;

	header.type = type;
	header.sector = sector;
	status = UNANSWERED;
	ring->d[0] = (struct descriptor){ (u64)(uintptr_t)&header, 3, DESC_NEXT, 1 };
	ring->d[1] = (struct descriptor){ (u64)(uintptr_t)&header + 3, 13, DESC_NEXT, 2 };
	n = describe(c, 2, type == BLK_IN ? DESC_WRITE : 0, false);
	ring->d[n] = (struct descriptor){ (u64)(uintptr_t)&status, 1, DESC_WRITE, 0 };
	virtio_start(d, 0);
	virtio_offer(d, 0, 1);
}

static void write_and_read(const struct virtio *d, void *context)
{
	static const u8 sectors[] = { 1, 2, 7, 9, 13 }; /* also more than a page */
	struct tally *t = context;

	if (d->type != VIRTIO_BLK || !d->device)
		return;
	for (unsigned shape = 0; shape < 24; shape++) {
		u64 sector = FIRST_SECTOR + shape % 3;
		u32 bytes = SECTOR * sectors[shape % ARRAY_SIZE(sectors)];
		struct cut c = cut(shape, bytes);

		for (u32 i = 0; i < bytes; i++)
			*byte_of(&c, i) = pattern(sector, i);
		ask(d, &c, BLK_OUT, sector);
		hostile_bad(t, !was_used(d, 1) || status, "not-written", shape);
		hostile_bad(t, used_len() != 1, "used-len-of-a-write", used_len());
		c = cut(shape + 3, bytes);
		ask(d, &c, BLK_IN, sector);
		hostile_bad(t, !was_used(d, 1) || status, "not-read", shape);
		hostile_bad(t, used_len() != bytes + 1, "used-len-of-a-read", used_len());
		for (u32 i = 0; i < bytes; i++)
			hostile_bad(t, *byte_of(&c, i) != pattern(sector, i), "another-byte", i);
		look_between(t, &c, shape);
		done(t, shape % ARRAY_SIZE(sectors), shape);
	}
}

#define BLK_FLUSH 4
#define BLK_GET_ID 8
#define ID_SIZE 20u

/* Where data is only read, or of another length, nobody writes it. */
static void ask_for_less(const struct virtio *d, void *context)
{
	static const struct {
		u32 type, most;
	} requests[] = { { BLK_GET_ID, ID_SIZE }, { BLK_FLUSH, 0 }, { 77, 0 }, { ~0u, 0 } };
	struct tally *t = context;

	if (d->type != VIRTIO_BLK || !d->device)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
		for (unsigned shape = 0; shape < 6; shape++) {
			struct cut c = cut(shape, 300 + 200 * shape);
			unsigned n;

			ask(d, &c, BLK_OUT, FIRST_SECTOR); /* lays its descriptors */
			header.type = requests[i].type;
			n = describe(&c, 2, DESC_WRITE, false);
			memset(ring->data, NOBODYS, sizeof(ring->data));
			status = UNANSWERED;
			ring->d[n].flags = DESC_WRITE;
			virtio_start(d, 0);
			virtio_offer(d, 0, 1);
			hostile_bad(t, !was_used(d, 1), "never-used", requests[i].type);
			for (u32 k = requests[i].most; k < c.bytes; k++)
				hostile_bad(t, *byte_of(&c, k) != NOBODYS, "more-than-it-has", k);
			look_between(t, &c, shape);
			done(t, 0x100 + i, shape);
		}
}

/* Catches: a sector that is put together from the wrong pieces, an answer that is too long. */
static void blk_pieces(struct tally *t)
{
	done(t, 0xffff, 0);
	virtio_each(write_and_read, t);
	virtio_each(ask_for_less, t);
}

/* ---- Network --------------------------------------------------------------------------- */

#define RX 0
#define TX 1
#define NET_HEADER 12u
#define FRAME 60u

/* A second queue beside virtio_ring, which is that of reception. */
static struct {
	struct descriptor d[2];
	volatile u16 avail[8];
	volatile u16 used[2 + 4 * 4] ALIGNED(4);
	u8 bytes[NET_HEADER + FRAME];
} sending ALIGNED(4096);

static void send_frame(const struct virtio *d, const u8 *to, const u8 *from)
{
	u16 n = sending.avail[1];

	memset(sending.bytes, 0, sizeof(sending.bytes));
	memcpy(sending.bytes + NET_HEADER, to, 6);
	memcpy(sending.bytes + NET_HEADER + 6, from, 6);
	sending.d[0] =
	    (struct descriptor){ (u64)(uintptr_t)sending.bytes, sizeof(sending.bytes), 0, 0 };
	sending.avail[2 + n % 4] = 0;
	sending.avail[1] = (u16)(n + 1);
	virtio_notify(d, TX);
	for (unsigned i = 0; i < 50 && sending.used[1] != (u16)(n + 1); i++)
		virtio_wait(d);
}

static void start_both(const struct virtio *d)
{
	memset(&sending, 0, sizeof(sending));
	for (unsigned i = 0; i < RING; i++)
		ring->d[i] = (struct descriptor){ (u64)(uintptr_t)&ring->data[i % 4 * 2048], 2048,
						  DESC_WRITE, 0 };
	memset((void *)(uintptr_t)ring->avail, 0, sizeof(ring->avail));
	memset((void *)(uintptr_t)ring->used, 0, sizeof(ring->used));
	virtio_negotiate(d);
	virtio_queue(d, RX, RING, (u64)(uintptr_t)ring->d, (u64)(uintptr_t)ring->avail,
		     (u64)(uintptr_t)ring->used);
	virtio_queue(d, TX, 4, (u64)(uintptr_t)sending.d, (u64)(uintptr_t)sending.avail,
		     (u64)(uintptr_t)sending.used);
	set8(d->common + COMMON_STATUS, 15);
	virtio_offer(d, RX, RING);
}

static void hear_itself(const struct virtio *d, void *context)
{
	static const u8 all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const u8 group[6] = { 1, 0, 0x5e, 0, 0, 1 }, other[6] = { 2, 9, 9, 9, 9, 9 };
	struct tally *t = context;
	u8 own[6];

	if (d->type != VIRTIO_NET || !d->device)
		return;
	for (unsigned i = 0; i < 6; i++)
		own[i] = *(volatile u8 *)(uintptr_t)(d->device + i);
	for (unsigned i = 0; i < 8; i++) {
		const u8 *to[] = { all, group, other, own };

		start_both(d);
		send_frame(d, to[i % 4], i < 4 ? own : other);
		hostile_bad(t, sending.used[1] != 1, "never-sent", i);
		for (unsigned k = 0; k < 5; k++)
			virtio_wait(d);
		hostile_bad(t, ring->used[1] != 0, "its-own-frame", i);
		done(t, 0, i);
	}
}

/* Nobody else is on its wire.  Catches: a switch that sends a frame back to where it came from. */
static void net_echo(struct tally *t)
{
	done(t, 0xffff, 0);
	virtio_each(hear_itself, t);
}

static const struct attack bombs[] = { { "blk-pieces", blk_pieces, false },
				       { "net-echo", net_echo, false } };
const struct attack_list hostile_pieces_bombs = ATTACKS_OF(bombs, "bombs");
