/* virtio_net.c - see virtio_net.h; pure, tested and fuzzed on the host */
#include "dev/virtio_net.h"

#include "dev/section.h"
#include "host.h"
#include "lib/string.h"
#include "vm/state.h"

#define CLASS_ETHERNET 0x020000
#define HEADER_SIZE ((u32)sizeof(struct virtio_net_header))
#define SECTION_VERSION 1
/* Of a packet to be cut: Ethernet with a VLAN tag, IPv6, and what its length field can say. */
#define LARGE_FRAME_MAX (18u + 40 + 65535)
/*
 * The guest's CPU is not interrupted while frames are moved: after so many buffers, or so many
 * frames on the link, the rest waits for the next time.
 */
#define FRAMES_PER_RUN 64

static struct virtio_net *of_virtio(const struct virtio *v)
{
	return container_of(v, struct virtio_net, virtio);
}

/* ---- Out ----------------------------------------------------------------- */

static void refuse(struct virtio_net *net)
{
	net->refused++;
}

static void send_plain(struct virtio_net *net, const struct virtio_net_header *header, u32 len)
{
	bool unfinished =
	    header->flags & VIRTIO_NET_NEEDS_CSUM && virtio_has(&net->virtio, VIRTIO_NET_F_CSUM);

	if (len < LINK_FRAME_MIN || len > LINK_FRAME_MAX) {
		refuse(net);
		return;
	}
	virtqueue_read(&net->chain, HEADER_SIZE, net->frame, len);
	if (unfinished &&
	    !offload_checksum(net->frame, len, header->csum_start, header->csum_offset))
		refuse(net);
	else
		link_send(&net->link, net->frame, len);
}

/* A large TCP packet becomes as many frames as it takes: how many. */
static unsigned send_segments(struct virtio_net *net, const struct virtio_net_header *header,
			      u32 len, bool v6)
{
	struct offload_tcp t;
	u32 available = virtqueue_read(&net->chain, HEADER_SIZE, t.headers, sizeof(t.headers));
	unsigned frames = 0;

	if (len > LARGE_FRAME_MAX ||
	    !offload_parse_tcp(&t, available, len, v6, header->gso_size, LINK_FRAME_MAX)) {
		refuse(net);
		return 1;
	}
	for (u32 at = 0; at < t.payload || !frames; at += t.mss, frames++) {
		u32 part = MIN(t.payload - at, t.mss);

		virtqueue_read(&net->chain, HEADER_SIZE + t.headers_len + at,
			       net->frame + t.headers_len, part);
		offload_segment(&t, net->frame, at, part);
		link_send(&net->link, net->frame, t.headers_len + part);
	}
	return frames;
}

/* "Packet Transmission" (5.1.6.2): what net->chain holds; how many frames it was. */
static unsigned send(struct virtio_net *net)
{
	struct virtio_net_header header;
	u32 len;

	if (virtqueue_read(&net->chain, 0, &header, HEADER_SIZE) != HEADER_SIZE) {
		refuse(net);
		return 1;
	}
	len = net->chain.readable_bytes - HEADER_SIZE;
	if (header.gso_type == VIRTIO_NET_GSO_NONE)
		send_plain(net, &header, len);
	else if (header.gso_type == VIRTIO_NET_GSO_TCPV4 &&
		 virtio_has(&net->virtio, VIRTIO_NET_F_HOST_TSO4))
		return send_segments(net, &header, len, false);
	else if (header.gso_type == VIRTIO_NET_GSO_TCPV6 &&
		 virtio_has(&net->virtio, VIRTIO_NET_F_HOST_TSO6))
		return send_segments(net, &header, len, true);
	else
		refuse(net);
	return 1;
}

static void transmit(struct virtio_net *net)
{
	struct virtio *v = &net->virtio;
	unsigned frames = 0;

	do {
		while (frames < FRAMES_PER_RUN && virtio_pop(v, VIRTIO_NET_TX, &net->chain)) {
			frames += send(net);
			virtio_push(v, VIRTIO_NET_TX, net->chain.head, net->chain.epoch, 0);
		}
		virtio_publish(v, VIRTIO_NET_TX);
		if (frames >= FRAMES_PER_RUN) {
			virtio_ignore(v, VIRTIO_NET_TX);
			bus_post(v->bus, net->work);
			return;
		}
	} while (virtio_listen(v, VIRTIO_NET_TX));
}

/* ---- In ------------------------------------------------------------------ */

/* "Processing of Incoming Packets" (5.1.6.4): the oldest frame into net->chain. */
static void deliver(struct virtio_net *net)
{
	const struct virtio_net_header header = { .num_buffers = 1 };
	const struct virtqueue_chain *chain = &net->chain;
	u32 len = link_receive(&net->link, net->frame), written = 0;

	if (len && chain->writable_bytes >= HEADER_SIZE + len) {
		written = virtqueue_write(chain, 0, &header, HEADER_SIZE);
		written += virtqueue_write(chain, HEADER_SIZE, net->frame, len);
	} else if (len) {
		net->too_long++;
	}
	virtio_push(&net->virtio, VIRTIO_NET_RX, chain->head, chain->epoch, written);
}

/* Frames wait in the link until there are buffers; without a driver they are lost. */
static void receive(struct virtio_net *net)
{
	struct virtio *v = &net->virtio;
	unsigned frames = 0;

	if (!virtio_running(v)) {
		while (link_receive(&net->link, net->frame) && frames < LINK_QUEUE)
			frames++;
		return;
	}
	do {
		while (frames < FRAMES_PER_RUN && link_waiting(&net->link) &&
		       virtio_pop(v, VIRTIO_NET_RX, &net->chain)) {
			deliver(net);
			frames++;
		}
		virtio_publish(v, VIRTIO_NET_RX);
		if (frames >= FRAMES_PER_RUN)
			bus_post(v->bus, net->work);
		if (frames >= FRAMES_PER_RUN || !link_waiting(&net->link)) {
			virtio_ignore(v, VIRTIO_NET_RX);
			return;
		}
	} while (virtio_listen(v, VIRTIO_NET_RX));
}

/* Any CPU, any lock. */
static void ready(struct link *link)
{
	struct virtio_net *net = container_of(link, struct virtio_net, link);

	bus_post(net->virtio.bus, net->work);
}

static void work(void *dev)
{
	receive(dev);
	transmit(dev);
}

static void notify(struct virtio *v, unsigned n)
{
	if (n == VIRTIO_NET_RX)
		receive(of_virtio(v));
	else
		transmit(of_virtio(v));
}

/* ---- Configuration, life ------------------------------------------------- */

static u8 config_read(struct virtio *v, unsigned offset)
{
	struct virtio_net *net = of_virtio(v);

	if (offset < VIRTIO_NET_STATUS)
		return net->mac[offset];
	return offset == VIRTIO_NET_STATUS && READ_ONCE(net->link.net) ? VIRTIO_NET_LINK_UP : 0;
}

static const struct virtio_ops ops = {
	.id = VIRTIO_ID_NET,
	.queues = 2,
	.queue_size = { VIRTIO_NET_QUEUE_SIZE, VIRTIO_NET_QUEUE_SIZE },
	.config_size = VIRTIO_NET_CONFIG_SIZE,
	.notify = notify,
	.config_read = config_read,
};

int virtio_net_init(struct virtio_net *net, struct bus *bus, struct pci *pci, u8 devfn,
		    const char *name, const u8 mac[LINK_MAC], bool ports)
{
	memset(net, 0, sizeof(*net));
	if (link_init(&net->link, name, ready))
		return -HOST_ENOMEM;
	memcpy(net->mac, mac, LINK_MAC);
	net->work = bus_add_work(bus, work, net);
	virtio_init(&net->virtio, bus, &ops,
		    VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |
			VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS);
	virtio_pci_init(&net->pci, &net->virtio, pci, devfn, CLASS_ETHERNET, ports);
	return 0;
}

void virtio_net_reset(struct virtio_net *net)
{
	virtio_reset(&net->virtio);
}

void virtio_net_free(struct virtio_net *net)
{
	link_free(&net->link);
}

void virtio_net_link_changed(struct virtio_net *net)
{
	virtio_config_changed(&net->virtio);
}

void virtio_net_save(const struct virtio_net *net, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_VIRTIO_NET, SECTION_VERSION);

	state_put_bytes(buf, net->mac, LINK_MAC);
	virtio_pci_save(&net->pci, buf);
	state_end_section(buf, begin);
}

int virtio_net_load(struct virtio_net *net, struct state_buf *buf)
{
	u8 mac[LINK_MAC];

	state_get_bytes(buf, mac, LINK_MAC);
	if (virtio_pci_load(&net->pci, buf))
		return -1;
	memcpy(net->mac, mac, LINK_MAC);
	return 0;
}
