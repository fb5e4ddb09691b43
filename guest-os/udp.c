/*
 * udp.c - datagrams
 *
 * Owns: port 7, which sends back what it gets.
 * Must not know: how packets travel.
 *
 * Sources: RFC 768 "User Datagram Protocol"; RFC 862 "Echo Protocol".
 */
#include "udp.h"

#include "ip.h"
#include "lib/string.h"

u16 udp_checksum(u32 from, u32 to, const void *datagram, size_t length)
{
	struct PACKED {
		u32 from, to;
		u8 zero, protocol;
		u16 length;
	} pseudo = { wire32(from), wire32(to), 0, IP_UDP, wire16((u16)length) };
	u32 sum = ip_checksum(0, &pseudo, sizeof(pseudo));

	return ip_checksum_end(ip_checksum(sum, datagram, length));
}

/* A checksum of 0 says that the sender made none; one that comes to 0 is sent as ones. */
void udp_receive(u32 from, const void *datagram, size_t length)
{
	const struct udp_header *h = datagram;
	u8 copy[IP_PAYLOAD_MAX];
	struct udp_header *reply = (void *)copy;

	if (length < sizeof(*h) || wire16(h->length) < sizeof(*h) || wire16(h->length) > length)
		return;
	length = wire16(h->length);
	if (h->checksum && udp_checksum(from, net_config.address, datagram, length))
		return;
	if (h->to != wire16(UDP_ECHO) || h->from == wire16(UDP_ECHO) || length > sizeof(copy))
		return; /* two echoes would talk for ever */
	memcpy(copy, datagram, length);
	reply->from = h->to;
	reply->to = h->from;
	reply->checksum = 0;
	reply->checksum = udp_checksum(net_config.address, from, copy, length);
	if (!reply->checksum)
		reply->checksum = 0xffff;
	ip_send(from, IP_UDP, copy, length);
}
