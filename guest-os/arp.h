/* arp.h - which card has which address; see arp.c */
#ifndef GUEST_OS_ARP_H
#define GUEST_OS_ARP_H

#include "net.h"

/* RFC 826 "Packet format", for Ethernet and IP */
struct arp_packet {
	u16 hardware, protocol;
	u8 hardware_size, protocol_size;
	u16 operation;
	u8 sender_mac[NET_MAC_SIZE];
	u32 sender;
	u8 target_mac[NET_MAC_SIZE];
	u32 target;
} PACKED;
ASSERT_SIZE(struct arp_packet, 28);

#define ARP_ETHERNET 1
#define ARP_REQUEST 1
#define ARP_REPLY 2

/* The card of a neighbour: true if it is known; else ask for it, for the next time. */
bool arp_lookup(u32 address, u8 mac[NET_MAC_SIZE]);

/* The same, and wait for the answer, up to a second. */
bool arp_resolve(u32 address, u8 mac[NET_MAC_SIZE]);

/* A packet has come, length bytes of it. */
void arp_receive(const void *packet, size_t length);

/* Forget all neighbours. */
void arp_clear(void);

/* The n-th neighbour; false behind the last. */
bool arp_neighbour(unsigned n, u32 *address, u8 mac[NET_MAC_SIZE]);

#endif
