/*
 * virtio_net.h - a virtio network card at one end of a link
 *
 * Owns: frames between a driver's buffers and the link; checksums and segments that the driver
 * left to the card, finished before a frame leaves it.
 * Must not know: switches, other cards.
 *
 * Every frame on the link is whole: within the MTU, its checksums valid, whatever was negotiated.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Network Device" (5.1).
 *
 * Locking: as everything on the bus, with the VM's device lock held.
 */
#ifndef ESPEJO_DEV_VIRTIO_NET_H
#define ESPEJO_DEV_VIRTIO_NET_H

#include "dev/offload.h"
#include "dev/virtio_pci.h"
#include "net/link.h"

#define VIRTIO_NET_QUEUE_SIZE 256

enum virtio_net_queue { VIRTIO_NET_RX, VIRTIO_NET_TX };

#define VIRTIO_NET_F_CSUM BIT(0) /* the driver may leave checksums to the card */
#define VIRTIO_NET_F_MAC BIT(5)
#define VIRTIO_NET_F_HOST_TSO4 BIT(11) /* and segments of TCP over IPv4, */
#define VIRTIO_NET_F_HOST_TSO6 BIT(12) /* or IPv6 */
#define VIRTIO_NET_F_STATUS BIT(16)

/* "Device configuration layout" (5.1.4) */
enum virtio_net_config {
	VIRTIO_NET_MAC = 0,
	VIRTIO_NET_STATUS = 6,
	VIRTIO_NET_CONFIG_SIZE = 8,
};
#define VIRTIO_NET_LINK_UP BIT(0)

/* "Device Operation" (5.1.6) */
struct virtio_net_header {
	u8 flags;
	u8 gso_type;
	u16 hdr_len;
	u16 gso_size;
	u16 csum_start;
	u16 csum_offset;
	u16 num_buffers;
};
ASSERT_SIZE(struct virtio_net_header, 12);
ASSERT_OFFSET(struct virtio_net_header, csum_start, 6);
ASSERT_OFFSET(struct virtio_net_header, num_buffers, 10);

#define VIRTIO_NET_NEEDS_CSUM BIT(0)
#define VIRTIO_NET_GSO_NONE 0
#define VIRTIO_NET_GSO_TCPV4 1
#define VIRTIO_NET_GSO_TCPV6 4

struct virtio_net {
	struct virtio virtio;
	struct virtio_pci pci;
	struct link link;
	unsigned work;
	u8 mac[LINK_MAC];
	u64 refused; /* frames of the driver's that were none */
	u64 too_long; /* frames that the driver had no large enough buffer for */
	u8 frame[LINK_FRAME_MAX];
	struct virtqueue_chain chain; /* the one being looked at */
};

/*
 * Plug a card into pci at devfn, with an end of a link that the caller plugs into a switch
 * (net->link; then virtio_net_link_changed).  name: of the link.  ports: see virtio_pci_init.
 * 0 or -HOST_ENOMEM.
 */
int virtio_net_init(struct virtio_net *net, struct bus *bus, struct pci *pci, u8 devfn,
		    const char *name, const u8 mac[LINK_MAC], bool ports) MUST_CHECK;
void virtio_net_reset(struct virtio_net *net);
/* Unplugs the link. */
void virtio_net_free(struct virtio_net *net);
/* The link was plugged in or out: tell the driver. */
void virtio_net_link_changed(struct virtio_net *net);

void virtio_net_save(const struct virtio_net *net, struct state_buf *buf);
/* 0, or -1 with buf->error set and nothing changed.  Frames that wait in the link are not state. */
int virtio_net_load(struct virtio_net *net, struct state_buf *buf);

#endif
