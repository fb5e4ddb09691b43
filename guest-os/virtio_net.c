/*
 * virtio_net.c - the network card
 *
 * Owns: the first virtio network device: its two queues, a page for each frame on its way.
 * Must not know: what is in a frame (net.c).
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Network Device" (5.1).
 */
#include "virtio_net.h"

#include "errno.h"
#include "lib/string.h"
#include "net.h"
#include "page.h"
#include "print.h"
#include "sched.h"
#include "virtio.h"

#define FEATURE_MAC (1ull << 5)
#define RX 0
#define TX 1
#define RX_BUFFERS 32
#define TX_MAX 32 /* frames on their way out */

/* "Device Operation" (5.1.6); nothing of it is used but to be zero. */
struct header {
	u8 flags, gso_type;
	u16 hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
ASSERT_SIZE(struct header, 12);

/* A page: the header, then the frame. */
struct buffer {
	struct header header;
	u8 frame[NET_FRAME_MAX];
};
_Static_assert(sizeof(struct buffer) <= PAGE_SIZE, "a frame fits into a page");

static struct virtio card;
static u8 mac[6];
static u64 sent, received;
static unsigned sending;

static void offer(struct buffer *b)
{
	struct virtqueue_part part = { b, sizeof(*b), true };

	if (!virtqueue_add(&card.queue[RX], &part, 1, b))
		page_free(b);
}

static void take_sent(void)
{
	void *page;
	u32 written;

	while ((page = virtqueue_take(&card.queue[TX], &written))) {
		page_free(page);
		sending--;
		sent++;
	}
}

static void take_received(void)
{
	struct buffer *b;
	u32 written;
	bool some = false;

	while ((b = virtqueue_take(&card.queue[RX], &written))) {
		received++;
		some = true;
		if (written > sizeof(b->header) && written <= sizeof(*b))
			net_receive(b->frame, written - sizeof(b->header));
		offer(b);
	}
	if (some)
		virtqueue_kick(&card.queue[RX]);
}

static void interrupt(void)
{
	take_sent();
	take_received();
	sched_wake(SCHED_NET);
}

void virtio_net_init(void)
{
	int error = virtio_start(&card, VIRTIO_NET, FEATURE_MAC, 2, interrupt);

	if (error && error != -ENODEV)
		print("guest-os: the network card does not start\n");
	if (error)
		return;
	for (unsigned i = 0; i < sizeof(mac); i++)
		mac[i] = card.config[i];
	for (unsigned i = 0; i < RX_BUFFERS; i++) {
		struct buffer *b = page_alloc();

		if (b)
			offer(b);
	}
	virtqueue_kick(&card.queue[RX]);
}

bool virtio_net_present(void)
{
	return card.pci;
}

const u8 *virtio_net_mac(void)
{
	return mac;
}

int virtio_net_send(const void *frame, size_t length)
{
	struct virtqueue_part part = { .length = (u32)(sizeof(struct header) + length) };
	struct buffer *b;

	if (!card.pci || length > NET_FRAME_MAX)
		return -EIO;
	take_sent();
	if (sending == TX_MAX)
		return -EAGAIN;
	b = page_alloc();
	if (!b)
		return -EAGAIN;
	memcpy(b->frame, frame, length);
	part.data = b;
	if (!virtqueue_add(&card.queue[TX], &part, 1, b)) {
		page_free(b);
		return -EAGAIN;
	}
	sending++;
	virtqueue_kick(&card.queue[TX]);
	return 0;
}

u64 virtio_net_sent(void)
{
	return sent;
}

u64 virtio_net_received(void)
{
	return received;
}
