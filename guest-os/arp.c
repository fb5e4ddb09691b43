/*
 * arp.c - which card has which address
 *
 * Owns: the table of neighbours; questions and answers about it.
 * Must not know: who wants to send what.
 *
 * Source: RFC 826 "An Ethernet Address Resolution Protocol", "Packet Reception".
 */
#include "arp.h"

#include "clock.h"
#include "lib/string.h"
#include "sched.h"

#define NEIGHBOURS 16
#define ASK_AGAIN_US 200000
#define GIVE_UP_US 1000000

static struct neighbour {
	u32 address; /* 0: free */
	u8 mac[NET_MAC_SIZE];
} neighbours[NEIGHBOURS];

static unsigned next; /* to be replaced when the table is full */

static struct neighbour *find(u32 address)
{
	for (unsigned i = 0; i < NEIGHBOURS; i++)
		if (neighbours[i].address == address)
			return &neighbours[i];
	return NULL;
}

static void learn(u32 address, const u8 mac[NET_MAC_SIZE])
{
	struct neighbour *n = find(address);

	if (!n)
		n = find(0);
	if (!n)
		n = &neighbours[next++ % NEIGHBOURS];
	n->address = address;
	memcpy(n->mac, mac, NET_MAC_SIZE);
	sched_wake(SCHED_NET);
}

static void send(u16 operation, u32 target, const u8 target_mac[NET_MAC_SIZE], const u8 *to)
{
	struct PACKED {
		struct net_header header;
		struct arp_packet arp;
	} frame = { .arp = { wire16(ARP_ETHERNET),
			     wire16(NET_IP),
			     NET_MAC_SIZE,
			     sizeof(u32),
			     wire16(operation),
			     { 0 },
			     wire32(net_config.address),
			     { 0 },
			     wire32(target) } };

	memcpy(frame.arp.sender_mac, net_config.mac, NET_MAC_SIZE);
	if (target_mac)
		memcpy(frame.arp.target_mac, target_mac, NET_MAC_SIZE);
	net_send(&frame, sizeof(frame), to, NET_ARP);
}

bool arp_lookup(u32 address, u8 mac[NET_MAC_SIZE])
{
	const struct neighbour *n = find(address);

	if (!n || !address) {
		send(ARP_REQUEST, address, NULL, net_broadcast);
		return false;
	}
	memcpy(mac, n->mac, NET_MAC_SIZE);
	return true;
}

bool arp_resolve(u32 address, u8 mac[NET_MAC_SIZE])
{
	u64 limit = clock_us() + GIVE_UP_US;

	while (!arp_lookup(address, mac)) {
		u64 again = clock_us() + ASK_AGAIN_US;

		if (clock_us() >= limit)
			return false;
		while (!find(address) && clock_us() < again)
			sched_wait(SCHED_NET, again);
	}
	return true;
}

/* Who speaks to us is known from then on; others are only brought up to date. */
void arp_receive(const void *packet, size_t length)
{
	const struct arp_packet *p = packet;
	u32 sender;
	bool ours;

	if (length < sizeof(*p) || p->hardware != wire16(ARP_ETHERNET) ||
	    p->protocol != wire16(NET_IP) || p->hardware_size != NET_MAC_SIZE ||
	    p->protocol_size != sizeof(u32))
		return;
	sender = wire32(p->sender);
	ours = wire32(p->target) == net_config.address;
	if (sender && sender != net_config.address && (ours || find(sender)))
		learn(sender, p->sender_mac);
	if (ours && p->operation == wire16(ARP_REQUEST))
		send(ARP_REPLY, sender, p->sender_mac, p->sender_mac);
}

void arp_clear(void)
{
	memset(neighbours, 0, sizeof(neighbours));
}

bool arp_neighbour(unsigned n, u32 *address, u8 mac[NET_MAC_SIZE])
{
	for (unsigned i = 0; i < NEIGHBOURS; i++) {
		if (!neighbours[i].address || n--)
			continue;
		*address = neighbours[i].address;
		memcpy(mac, neighbours[i].mac, NET_MAC_SIZE);
		return true;
	}
	return false;
}
