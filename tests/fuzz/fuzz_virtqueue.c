/*
 * fuzz_virtqueue.c - a ring that a guest filled with anything, and goes on changing
 *
 * Input: one byte of options, then up to half of the rest are changes of RAM while the device looks
 * at it, and the other half is RAM from the descriptor table on.
 */
#include "fuzz.h"

#include "dev/virtqueue.h"
#include "host.h"

#define RINGS FUZZ_RAM_BASE
#define ROUNDS 64

static struct fuzz_machine m;
static struct virtqueue_chain chain;

static bool in_ram(const u8 *p, u32 len)
{
	for (unsigned i = 0; i < 2; i++)
		if (p >= m.half[i] && p < m.half[i] + FUZZ_RAM_SIZE)
			return len <= (u64)(m.half[i] + FUZZ_RAM_SIZE - p);
	return false;
}

/* What a device relies on. */
static void check_chain(const struct virtqueue *q)
{
	u64 readable = 0, writable = 0;

	check(chain.head < q->size && chain.readable + chain.writable > 0);
	check(chain.readable + chain.writable <= VIRTQUEUE_SEGMENTS_MAX);
	for (unsigned i = 0; i < chain.readable + chain.writable; i++) {
		check(chain.segment[i].len && in_ram(chain.segment[i].data, chain.segment[i].len));
		*(i < chain.readable ? &readable : &writable) += chain.segment[i].len;
	}
	check(readable == chain.readable_bytes && writable == chain.writable_bytes);
}

static void use_chain(struct virtqueue *q, u32 odd)
{
	struct virtqueue_segment part[VIRTQUEUE_SEGMENTS_MAX];
	u8 bytes[100];
	u32 len = virtqueue_read(&chain, odd, bytes, sizeof(bytes));

	check(virtqueue_write(&chain, odd, bytes, len) <= len);
	virtqueue_clear(&chain, odd / 2, odd);
	(void)virtqueue_slice(&chain, true, 0, chain.writable_bytes, part, ARRAY_SIZE(part));
	(void)virtqueue_slice(&chain, false, chain.readable_bytes / 2,
			      chain.readable_bytes - chain.readable_bytes / 2, part,
			      ARRAY_SIZE(part));
	virtqueue_push(q, chain.head, chain.epoch, odd);
}

static void serve(struct virtqueue *q)
{
	bool wanted;

	for (unsigned i = 0; i < ROUNDS; i++) {
		switch (virtqueue_pop(q, &chain)) {
		case VIRTQUEUE_TAKEN:
			check_chain(q);
			use_chain(q, i * 37);
			break;
		case VIRTQUEUE_EMPTY:
			wanted = virtqueue_publish(q);
			if (!virtqueue_listen(q) && !wanted)
				return;
			break;
		case VIRTQUEUE_BROKEN:
			check(q->broken);
			return;
		}
		if (i % 7 == 3)
			virtqueue_ignore(q);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size }, patches;
	u8 options = (u8)fuzz_take(&in, 1);
	size_t ram = MIN(in.left - in.left / 2 * (options >> 7), FUZZ_RAM_SIZE);
	struct virtqueue q;

	patches = (struct fuzz_input){ in.data + ram, in.left - ram };
	fuzz_machine_init(&m, &patches);
	virtqueue_init(&q, &m.bus, VIRTQUEUE_SIZE_MAX);
	fuzz_ram_write(&m, RINGS, in.data, ram);
	q.size = (u16)(1 << (options & 7));
	q.indirect = options & 8;
	q.event_idx = options & 16;
	q.descriptors = RINGS;
	q.available = RINGS + 16 * q.size;
	q.used = ALIGN_UP(q.available + 6 + 2 * q.size, 4);
	q.used += options & 32 ? FUZZ_RAM_SIZE - 64 : 0;
	q.enabled = true;
	serve(&q);
	virtqueue_reset(&q);
	fuzz_machine_free(&m);
	return 0;
}
