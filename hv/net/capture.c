/* capture.c - see capture.h */
#include "net/capture.h"

#include "lib/string.h"

#define NS_PER_S 1000000000ull
#define NS_PER_US 1000

static void put(struct capture *c, const void *bytes, u32 len)
{
	u32 at = c->tail & (c->size - 1), first = MIN(len, c->size - at);

	memcpy(c->ring + at, bytes, first);
	memcpy(c->ring, (const u8 *)bytes + first, len - first);
	c->tail += len;
}

void capture_init(struct capture *capture, void *ring, u32 size)
{
	const struct capture_file header = {
		.magic = CAPTURE_MAGIC,
		.version_major = CAPTURE_VERSION_MAJOR,
		.version_minor = CAPTURE_VERSION_MINOR,
		.snaplen = CAPTURE_SNAPLEN,
		.link_type = CAPTURE_ETHERNET,
	};

	check(size >= sizeof(header) && !(size & (size - 1)));
	*capture = (struct capture){ .ring = ring, .size = size };
	put(capture, &header, sizeof(header));
}

void capture_frame(struct capture *capture, const void *frame, u32 len)
{
	bool was_empty;
	u64 now = host_now();
	struct capture_record record = { .length = len };

	record.captured = MIN(len, (u32)CAPTURE_SNAPLEN);
	record.seconds = (u32)(host_epoch() + now / NS_PER_S);
	record.microseconds = (u32)(now % NS_PER_S / NS_PER_US);
	host_lock(&capture->lock);
	was_empty = capture->head == capture->tail;
	if (capture->size - (capture->tail - capture->head) < sizeof(record) + record.captured) {
		capture->dropped++;
	} else {
		put(capture, &record, sizeof(record));
		put(capture, frame, record.captured);
		capture->frames++;
	}
	host_unlock(&capture->lock);
	if (was_empty && capture->ready)
		capture->ready(capture);
}

u32 capture_take(struct capture *capture, void *buf, u32 size)
{
	u32 at, first, len;

	host_lock(&capture->lock);
	at = capture->head & (capture->size - 1);
	len = MIN(size, capture->tail - capture->head);
	first = MIN(len, capture->size - at);
	memcpy(buf, capture->ring + at, first);
	memcpy((u8 *)buf + first, capture->ring, len - first);
	capture->head += len;
	host_unlock(&capture->lock);
	return len;
}

bool capture_waiting(const struct capture *capture)
{
	return READ_ONCE(capture->head) != READ_ONCE(capture->tail);
}
