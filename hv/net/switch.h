/*
 * switch.h - a learning Ethernet switch
 *
 * Owns: ports, and the table of which address was seen at which port.
 * Must not know: machines, cards.
 *
 * Source: IEEE Std 802.1Q "Bridge operation" (8): learning, aging, flooding of what is unknown;
 * frames to 01-80-C2-00-00-0x are not forwarded.
 */
#ifndef ESPEJO_NET_SWITCH_H
#define ESPEJO_NET_SWITCH_H

#include "net/link.h"

#define SWITCH_PORTS 32
#define SWITCH_ADDRESSES 256
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
	struct switch_address address[SWITCH_ADDRESSES]; /* hashed, four to a bucket */
	u64 flooded, forwarded, filtered;
};

void switch_init(struct net_switch *net, const char *name);
/* 0, or -HOST_EBUSY: all ports are taken. */
int switch_plug(struct net_switch *net, struct link *link) MUST_CHECK;
void switch_unplug(struct link *link);
/* A frame from link's card: learn, then hand it to the others' queues.  For link.c. */
void switch_input(struct link *from, const void *frame, u32 len);

#endif
