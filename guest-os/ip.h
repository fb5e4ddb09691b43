/* ip.h - packets of the Internet Protocol, version 4; see ip.c */
#ifndef GUEST_OS_IP_H
#define GUEST_OS_IP_H

#include "net.h"

/* RFC 791 "Internet Header Format" (3.1) */
struct ip_header {
	u8 version_length; /* version 4; length in words of 32 bits */
	u8 service;
	u16 total_length, id, fragment;
	u8 time_to_live, protocol;
	u16 checksum;
	u32 from, to;
} PACKED;
ASSERT_SIZE(struct ip_header, 20);

enum ip_protocol { IP_ICMP = 1, IP_UDP = 17 };

#define IP_PAYLOAD_MAX (NET_FRAME_MAX - sizeof(struct net_header) - sizeof(struct ip_header))

/*
 * The Internet's checksum over length bytes, beginning with the sum of other bytes (0: none), not
 * yet complemented: ip_checksum_end does that, and gives what goes onto the wire.
 */
u32 ip_checksum(u32 sum, const void *bytes, size_t length);
u16 ip_checksum_end(u32 sum);

/*
 * Send a packet: 0; -EIO: no card or no address; -EINVAL: too long; -EAGAIN: the card has no room,
 * or the next hop's card is not known yet, and has been asked for.
 */
int ip_send(u32 to, enum ip_protocol protocol, const void *payload, size_t length);

/* The neighbour through which this address is reached: itself, or the gateway (0: none). */
u32 ip_next_hop(u32 to);

/* A packet has come, length bytes, perhaps with padding behind it. */
void ip_receive(const void *packet, size_t length);

#endif
