/* udp.h - datagrams; see udp.c */
#ifndef GUEST_OS_UDP_H
#define GUEST_OS_UDP_H

#include "net.h"

/* RFC 768 "Format" */
struct udp_header {
	u16 from, to, length, checksum;
} PACKED;
ASSERT_SIZE(struct udp_header, 8);

#define UDP_ECHO 7 /* the port that sends back what it gets: RFC 862 */

/* A datagram has come, length bytes. */
void udp_receive(u32 from, const void *datagram, size_t length);

/* The checksum of a datagram between these addresses, as it goes onto the wire; 0 if the one inside
 * is right. */
u16 udp_checksum(u32 from, u32 to, const void *datagram, size_t length);

#endif
