/* link.c - see link.h */
#include "net/link.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "net/capture.h"
#include "net/switch.h"

#define QUEUE_ORDER 7
_Static_assert(LINK_QUEUE * sizeof(struct link_frame) <= PAGE_SIZE << QUEUE_ORDER,
	       "the queue fits into its pages");
_Static_assert((LINK_QUEUE & (LINK_QUEUE - 1)) == 0, "head and tail run over");

#define MAC_GROUP BIT(0) /* of the first byte: many receivers, so no card's own */

bool link_mac_of(const char *text, u8 mac[LINK_MAC])
{
	u8 any = 0;

	for (unsigned i = 0; i < LINK_MAC; i++, text += 3) {
		int byte = fmt_hex_byte(text);

		if (byte < 0 || text[2] != (i < LINK_MAC - 1 ? ':' : '\0'))
			return false;
		mac[i] = (u8)byte;
		any |= mac[i];
	}
	return any && !(mac[0] & MAC_GROUP);
}

int link_init(struct link *link, const char *name, void (*ready)(struct link *link))
{
	*link = (struct link){ .ready = ready };
	fmt_string(link->name, sizeof(link->name), "%s", name);
	link->queue = host_alloc_pages(QUEUE_ORDER);
	return link->queue ? 0 : -HOST_ENOMEM;
}

void link_free(struct link *link)
{
	if (!link->queue)
		return;
	switch_unplug(link);
	host_free_pages(link->queue, QUEUE_ORDER);
	link->queue = NULL;
}

void link_send(struct link *link, const void *frame, u32 len)
{
	struct net_switch *net = READ_ONCE(link->net);
	bool is_frame = len >= LINK_FRAME_MIN && len <= LINK_FRAME_MAX;

	host_lock(&link->lock);
	link->counters.refused += !is_frame;
	link->counters.sent += is_frame;
	link->counters.sent_bytes += is_frame ? len : 0;
	if (is_frame && link->capture)
		capture_frame(link->capture, frame, len);
	host_unlock(&link->lock);
	if (is_frame && net)
		switch_input(link, frame, len);
}

void link_deliver(struct link *link, const void *frame, u32 len)
{
	struct link_frame *place;
	bool was_empty, full;

	host_lock(&link->lock);
	was_empty = link->head == link->tail;
	full = link->tail - link->head == LINK_QUEUE;
	if (!full) {
		place = &link->queue[link->tail++ % LINK_QUEUE];
		place->len = (u16)len;
		memcpy(place->data, frame, len);
		if (link->capture)
			capture_frame(link->capture, frame, len);
	}
	link->counters.dropped += full;
	host_unlock(&link->lock);
	if (was_empty)
		link->ready(link);
}

u32 link_receive(struct link *link, void *buf)
{
	const struct link_frame *frame;
	u32 len = 0;

	host_lock(&link->lock);
	if (link->head != link->tail) {
		frame = &link->queue[link->head++ % LINK_QUEUE];
		len = frame->len;
		memcpy(buf, frame->data, len);
		link->counters.received++;
		link->counters.received_bytes += len;
	}
	host_unlock(&link->lock);
	return len;
}

bool link_waiting(const struct link *link)
{
	return READ_ONCE(link->head) != READ_ONCE(link->tail);
}

void link_drain(struct link *link)
{
	host_lock(&link->lock);
	link->head = link->tail;
	host_unlock(&link->lock);
}
