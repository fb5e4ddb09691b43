/*
 * link.h - a cable with an Ethernet frame in it
 *
 * Owns: the promise between a network card (virtio_net, an uplink's driver) and the switch.
 * Must not know: cards, the switch's table.
 *
 * Locking: link_send may be called with a VM's device lock held; the switch never calls into a
 * device from there.  It puts the frame into the receivers' queues and calls ready, which posts
 * work (dev/bus.h); the card then takes frames with link_receive at its own machine's expense.
 * The order is: whatever the card holds  >  the switch's lock  >  a link's  >  a capture's.
 */
#ifndef ESPEJO_NET_LINK_H
#define ESPEJO_NET_LINK_H

#include "compiler.h"
#include "host.h"

#define LINK_MTU 1500
#define LINK_FRAME_MIN 14
#define LINK_FRAME_MAX 1518 /* with a VLAN tag, without the frame check sequence */
#define LINK_QUEUE 256 /* frames waiting for a receiver: more are dropped and counted */
#define LINK_MAC 6

struct link_frame {
	u16 len;
	u8 data[LINK_FRAME_MAX];
};

struct link_counters {
	u64 sent, received; /* frames, as the card sees it */
	u64 sent_bytes, received_bytes;
	u64 dropped; /* to the card: its queue was full */
	u64 refused; /* from the card: no frame, or the switch did not believe its source */
};

struct net_switch;
struct capture;

/* One end: the card's. */
struct link {
	struct host_lock lock; /* the queue; only a capture's is taken under it */
	struct net_switch *net; /* NULL: not plugged in, everything sent is lost */
	unsigned port;
	char name[20]; /* "vm:0", "uplink" */
	/*
	 * A frame came into an empty queue: whoever takes frames goes on until there are none.  Any
	 * CPU; locks may be held: it only posts.
	 */
	void (*ready)(struct link *link);
	struct link_frame *queue; /* LINK_QUEUE frames */
	u32 head, tail; /* tail - head are waiting */
	struct link_counters counters;
	struct capture *capture; /* a pcap of all it sends and receives; NULL: none */
	/*
	 * The address that the host gave to this card.  Nobody else gets its frames by claiming to
	 * have it, and no flood of addresses makes the switch forget it.  All zero: it has none.
	 */
	u8 mac[LINK_MAC];
};

/* XX:XX:XX:XX:XX:XX; false: no address that one network card can have (a group's, or 0). */
bool link_mac_of(const char *text, u8 mac[LINK_MAC]);

/* Memory for the queue; not plugged in.  0 or -HOST_ENOMEM. */
int link_init(struct link *link, const char *name, void (*ready)(struct link *link)) MUST_CHECK;
/* Pull it out of its switch and free the queue.  The card sends and receives no more. */
void link_free(struct link *link);

/* A whole frame, LINK_FRAME_MIN..LINK_FRAME_MAX bytes without FCS; others are refused, counted. */
void link_send(struct link *link, const void *frame, u32 len);
/* The oldest frame waiting into buf (LINK_FRAME_MAX bytes): its length, 0 if there is none. */
u32 link_receive(struct link *link, void *buf);
bool link_waiting(const struct link *link);
/* Frames waiting are thrown away: the card was reset. */
void link_drain(struct link *link);

/* For the switch: a frame for this card. */
void link_deliver(struct link *link, const void *frame, u32 len);

#endif
