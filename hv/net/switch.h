/*
 * switch.h - a learning Ethernet switch
 *
 * Owns: ports, and the table of which address was seen at which port.
 * Must not know: machines, cards.
 *
 * An address that the host gave to a card (link.mac) is at its port and nowhere else: a frame
 * that claims to come from it elsewhere is refused.  What is learned is a guess beside that: it
 * ages, and a card that sends from many addresses pushes out its own first.
 *
 * Source: IEEE Std 802.1Q "Bridge operation" (8): learning, aging, flooding of what is unknown;
 * frames to 01-80-C2-00-00-0x are not forwarded.
 */
#ifndef ESPEJO_NET_SWITCH_H
#define ESPEJO_NET_SWITCH_H

#include "net/link.h"

struct fmt_sink;

#define SWITCH_PORTS 32
#define SWITCH_ADDRESSES 256
#define SWITCH_BUCKET 4 /* places where one address may stand */
#define SWITCH_AGE_NS 300000000000ull

struct switch_address {
	u8 mac[LINK_MAC];
	u8 port;
	bool used;
	u64 seen_ns; /* host_now */
};

struct net_switch {
	char name[16];
	struct host_lock lock; /* ports and table; taken before a link's lock */
	struct link *port[SWITCH_PORTS];
	struct switch_address address[SWITCH_ADDRESSES]; /* a hash table of buckets */
	u64 flooded, forwarded, filtered;
};

void switch_init(struct net_switch *net, const char *name);
/* 0; -HOST_EBUSY: all ports are taken; -HOST_EINVAL: another card has link's mac. */
int switch_plug(struct net_switch *net, struct link *link) MUST_CHECK;
/* No frame comes to link any more when this returns; what is queued stays.  No locks held. */
void switch_unplug(struct link *link);
/* A frame from link's card: learn, then hand it to the others' queues.  For link.c. */
void switch_input(struct link *from, const void *frame, u32 len);

/* The link in a port, by its name ("vm:0"); NULL: none.  Only where nobody unplugs meanwhile. */
struct link *switch_find(struct net_switch *net, const char *name);
/* Record this link's frames from now on; NULL: no more. */
void switch_capture(struct link *link, struct capture *capture);

/* Ports, addresses and counters, for the operator. */
void switch_show(struct net_switch *net, struct fmt_sink *sink);

#endif
