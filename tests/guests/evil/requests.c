/* requests.c - see evil.h: rings that are right, with requests that are not */
#include "evil.h"

#include "lib/string.h"

#define SECTOR 512u
#define BLK_IN 0u
#define BLK_OUT 1u
#define BLK_FLUSH 4u
#define BLK_GET_ID 8u
#define BLK_OK 0u
#define BLK_IOERR 1u
#define BLK_UNSUPP 2u
#define NET_HEADER 12u

static u64 address(const volatile void *p)
{
	return (u64)(uintptr_t)p;
}

/* ---- Disk ------------------------------------------------------------------------------ */

struct header {
	u32 type, reserved;
	u64 sector;
};

/* The status of a request with bytes of data; 0x100: it is not served. */
static unsigned ask(const struct device *d, u32 type, u64 sector, u32 bytes)
{
	const struct header header = { type, 0, sector };

	virtio_up(d, 0);
	virtio_chain(d);
	memcpy(memory_buffer(0), &header, sizeof(header));
	ring.d[1].len = bytes;
	ring.d[1].flags = (u16)(D_NEXT | (type == BLK_OUT ? 0 : D_WRITE));
	return virtio_run(d, 1) == SERVED ? *memory_buffer(2) : 0x100;
}

static void disk_says(const struct device *d, const char *what, u32 type, u64 sector, u32 bytes,
		      unsigned wanted)
{
	unsigned got = ask(d, type, sector, bytes);

	verdict(got == wanted, "blk: %s: status %u", what, got);
}

static void disk_short(const struct device *d, const char *what, unsigned first, unsigned count)
{
	virtio_up(d, 0);
	virtio_chain(d);
	ring.avail[0] = (u16)first;
	ring.d[first + count - 1].flags &= (u16)~D_NEXT;
	verdict(virtio_run(d, 1) == BROKEN, "blk: %s: needs reset", what);
}

static void disk(const struct device *d)
{
	u64 end = d->sectors;

	disk_says(d, "the last sector", BLK_IN, end - 1, SECTOR, BLK_OK);
	disk_says(d, "one sector behind the end", BLK_IN, end, SECTOR, BLK_IOERR);
	disk_says(d, "two sectors over the end", BLK_IN, end - 1, 2 * SECTOR, BLK_IOERR);
	disk_says(d, "sector 2^63", BLK_IN, BIT(63), SECTOR, BLK_IOERR);
	disk_says(d, "the last sector that has a number", BLK_IN, ~0ull, SECTOR, BLK_IOERR);
	disk_says(d, "sectors that wrap around", BLK_IN, ~0ull - 1, 4 * SECTOR, BLK_IOERR);
	disk_says(d, "bytes that wrap around", BLK_IN, BIT(55), SECTOR, BLK_IOERR);
	disk_says(d, "half a sector", BLK_IN, 0, SECTOR / 2, BLK_IOERR);
	disk_says(d, "a write behind the end", BLK_OUT, end, SECTOR, BLK_IOERR);
	disk_says(d, "a write", BLK_OUT, 1, SECTOR, d->read_only ? BLK_IOERR : BLK_OK);
	disk_says(d, "an operation that there is not", 0x1234, 0, SECTOR, BLK_UNSUPP);
	disk_says(d, "the reserved type ~0", ~0u, 0, SECTOR, BLK_UNSUPP);
	disk_says(d, "a flush", BLK_FLUSH, 0, SECTOR, BLK_OK);
	disk_says(d, "its name", BLK_GET_ID, 0, 20, BLK_OK);
	disk_short(d, "no room for a status", 0, 1);
	disk_short(d, "no header", 1, 2);
	virtio_up(d, 0);
	virtio_chain(d);
	ring.d[0].len = 8;
	verdict(virtio_run(d, 1) == BROKEN, "blk: half a header: needs reset");
}

/* ---- Network ---------------------------------------------------------------------------- */

/* Frames of len bytes, all the same, as many as the ring has pairs for; served or not. */
static bool send(const struct device *d, u32 len, unsigned frames)
{
	u16 idx = 0;

	virtio_up(d, 0);
	virtio_chain(d);
	for (unsigned i = 0; i < frames; i++) {
		ring.d[2 * i] = (struct descriptor){ address(memory_buffer(0)), NET_HEADER, D_NEXT,
						     (u16)(2 * i + 1) };
		ring.d[2 * i + 1] = (struct descriptor){ address(memory_buffer(1)), len, 0, 0 };
		ring.avail[idx++] = (u16)(2 * i);
	}
	if (virtio_run(d, idx) != SERVED)
		return false;
	for (unsigned i = 0; i < 100000 && ring.used_idx != idx; i++)
		(void)virtio_status(d);
	return ring.used_idx == idx;
}

static void forge(u8 *frame)
{
	for (unsigned i = 0; i < 64; i += 8) {
		u64 value = rt_random();

		memcpy(frame + i, &value, 8);
	}
	/* A source is no group; the destination is everybody, somebody or nobody. */
	frame[6] &= 0xfe;
	if (rt_random() & 1)
		memset(frame, 0xff, 6);
}

static void floods(const struct device *d)
{
	static const u32 lengths[] = { 1,    2,	   12,	 13,   14,   15,   16,	 59,   60,   61,
				       1500, 1513, 1514, 1515, 1518, 1519, 1522, 2048, 4095, 4096 };
	unsigned served = 0, sent = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		forge(memory_buffer(1));
		served += send(d, lengths[i], 1);
	}
	verdict(served == ARRAY_SIZE(lengths), "net: frames of %u sizes are taken", served);
	for (unsigned i = 0; i < 64; i++) {
		forge(memory_buffer(1));
		sent += send(d, 60 + (u32)(rt_random() % 1455), RING_SIZE / 2);
	}
	verdict(sent == 64, "net: %u frames with made-up addresses are taken",
		sent * RING_SIZE / 2);
}

/* A header of random numbers, offloads and all, with what was negotiated and what was not. */
static void headers(const struct device *d)
{
	const u64 features[] = { 0, BIT(0), BIT(0) | BIT(11) | BIT(12) };
	unsigned served = 0, tried = 0;

	for (unsigned i = 0; i < 300; i++, tried++) {
		u8 *header = memory_buffer(0);

		virtio_up(d, features[i % ARRAY_SIZE(features)]);
		virtio_chain(d);
		for (unsigned k = 0; k < NET_HEADER; k++)
			header[k] = (u8)rt_random();
		header[0] = (u8)(i & 1);
		header[1] = (u8)(i % 7 == 6 ? rt_random() : (i >> 1) % 6);
		if (i & 8) /* a frame that could be TCP over IPv4 */
			memcpy(memory_buffer(1) + 12, "\x08\x00\x45\x00\x00\x50\0\0\0\0\x40\x06",
			       12);
		ring.d[1].len = 14 + (u32)(rt_random() % (BUFFER_SIZE - 14));
		served += virtio_run(d, 1) == SERVED;
	}
	verdict(served == tried, "net: %u of %u senseless headers are taken", served, tried);
}

/* 64 KiB from one page shown over and over, in segments as small as they may be. */
static void large(const struct device *d)
{
	u8 *header = memory_buffer(0), *frame = memory_buffer(1);

	virtio_up(d, BIT(0) | BIT(11));
	virtio_chain(d);
	memset(frame, 0, 64);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x06\x66\x66\x66\x66\x66\x08\x00\x45\x00\xff\xff\0\0\0\0\x40\x06", 18);
	frame[14 + 20 + 12] = 0x50;
	header[0] = 1;
	header[1] = 1;
	header[4] = 1; /* gso_size 1 */
	for (unsigned i = 1; i <= 16; i++)
		ring.d[i] =
		    (struct descriptor){ address(frame), BUFFER_SIZE, D_NEXT, (u16)(i + 1) };
	ring.d[16].flags = 0;
	verdict(virtio_run(d, 1) == SERVED, "net: 64 KiB in segments of one byte are taken");
}

/* ---- Console, entropy --------------------------------------------------------------------- */

static void plain(const struct device *d, u32 len)
{
	enum outcome got;

	virtio_up(d, 0);
	virtio_chain(d);
	ring.d[0].len = len;
	memset(memory_buffer(0), d->type == TYPE_CONSOLE ? 0 : 1, len);
	got = virtio_run(d, 1);
	verdict(got == SERVED, "%s: a buffer of %u bytes is taken", d->name, len);
}

/* A buffer of the wrong kind: there is nothing to read in it, or nothing to write. */
static void wrong_kind(const struct device *d)
{
	virtio_up(d, 0);
	virtio_chain(d);
	ring.d[0].flags ^= D_WRITE;
	verdict(virtio_run(d, 1) != NOTHING, "%s: a buffer of the other direction is answered",
		d->name);
}

void requests_main(void)
{
	for (unsigned k = 0; k < ARRAY_SIZE(devices); k++) {
		const struct device *d = &devices[k];

		if (d->devfn < 0)
			continue;
		if (d->type == TYPE_BLK) {
			disk(d);
		} else if (d->type == TYPE_NET) {
			floods(d);
			headers(d);
			large(d);
		} else {
			plain(d, 1);
			plain(d, BUFFER_SIZE);
			wrong_kind(d);
		}
	}
}
