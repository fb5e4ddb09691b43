/*
 * ip.c - packets of the Internet Protocol, version 4
 *
 * Owns: the header and its checksum, the choice of the next hop.  Neither fragments nor options
 * are made; fragments that come are dropped.
 * Must not know: what the protocols inside say (icmp.c, udp.c).
 *
 * Sources: RFC 791 "Internet Header Format" (3.1); RFC 1071 "Computing the Internet Checksum".
 */
#include "ip.h"

#include "arp.h"
#include "errno.h"
#include "icmp.h"
#include "lib/string.h"
#include "udp.h"

#define VERSION_4 0x40
#define HEADER_WORDS 5
#define FRAGMENT_MORE 0x2000
#define FRAGMENT_OFFSET 0x1fff
#define TIME_TO_LIVE 64

u32 ip_checksum(u32 sum, const void *bytes, size_t length)
{
	const u8 *b = bytes;

	for (size_t i = 0; i < length; i++)
		sum += i & 1 ? b[i] : (u32)b[i] << 8;
	return sum;
}

u16 ip_checksum_end(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return wire16((u16)~sum);
}

u32 ip_next_hop(u32 to)
{
	return (to ^ net_config.address) & net_config.mask ? net_config.gateway : to;
}

int ip_send(u32 to, enum ip_protocol protocol, const void *payload, size_t length)
{
	static u16 id;
	u8 frame[NET_FRAME_MAX], mac[NET_MAC_SIZE];
	struct ip_header *h = (void *)(frame + sizeof(struct net_header));
	u32 hop = ip_next_hop(to);

	if (!net_config.send || !net_config.address || !hop)
		return -EIO;
	if (length > IP_PAYLOAD_MAX)
		return -EINVAL;
	if (!arp_lookup(hop, mac))
		return -EAGAIN;
	*h = (struct ip_header){ .version_length = VERSION_4 | HEADER_WORDS,
				 .total_length = wire16((u16)(sizeof(*h) + length)),
				 .id = wire16(id++),
				 .time_to_live = TIME_TO_LIVE,
				 .protocol = (u8)protocol,
				 .from = wire32(net_config.address),
				 .to = wire32(to) };
	h->checksum = ip_checksum_end(ip_checksum(0, h, sizeof(*h)));
	memcpy(h + 1, payload, length);
	return net_send(frame, sizeof(struct net_header) + sizeof(*h) + length, mac, NET_IP);
}

/* Is this the beginning of a whole packet for us?  Its header's length then is in *skip. */
static bool acceptable(const struct ip_header *h, size_t length, size_t *skip)
{
	if (length < sizeof(*h) || (h->version_length & 0xf0) != VERSION_4)
		return false;
	*skip = (h->version_length & 0xfu) * 4;
	if (*skip < sizeof(*h) || wire16(h->total_length) < *skip ||
	    wire16(h->total_length) > length)
		return false;
	if (ip_checksum_end(ip_checksum(0, h, *skip)))
		return false;
	return !(wire16(h->fragment) & (FRAGMENT_MORE | FRAGMENT_OFFSET)) &&
	       wire32(h->to) == net_config.address;
}

void ip_receive(const void *packet, size_t length)
{
	const struct ip_header *h = packet;
	size_t skip;

	if (!acceptable(h, length, &skip))
		return;
	length = wire16(h->total_length) - skip;
	if (h->protocol == IP_ICMP)
		icmp_receive(wire32(h->from), (const u8 *)packet + skip, length);
	else if (h->protocol == IP_UDP)
		udp_receive(wire32(h->from), (const u8 *)packet + skip, length);
}
