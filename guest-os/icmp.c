/*
 * icmp.c - echoes
 *
 * Owns: replies to others' echoes, and the one echo of ours that may be on its way.
 * Must not know: how packets travel.
 *
 * Source: RFC 792 "Echo or Echo Reply Message".
 */
#include "icmp.h"

#include "arp.h"
#include "clock.h"
#include "errno.h"
#include "ip.h"
#include "lib/string.h"
#include "random.h"
#include "sched.h"

struct message {
	struct icmp_echo header;
	u8 data[IP_PAYLOAD_MAX - sizeof(struct icmp_echo)];
};

static struct {
	u32 to;
	u16 id, sequence;
	bool waiting;
	u64 replied_us;
} ping;

static void seal(struct message *m, size_t length)
{
	m->header.checksum = 0;
	m->header.checksum = ip_checksum_end(ip_checksum(0, m, length));
}

/* The reply must bring back the data, and the checksum over it shows that it did. */
static void take_reply(u32 from, const struct icmp_echo *h, size_t length)
{
	if (ping.waiting && from == ping.to && h->id == wire16(ping.id) &&
	    h->sequence == wire16(ping.sequence) && length == sizeof(*h) + ICMP_DATA) {
		ping.waiting = false;
		ping.replied_us = clock_us();
		sched_wake(SCHED_NET);
	}
}

void icmp_receive(u32 from, const void *message, size_t length)
{
	const struct icmp_echo *h = message;
	struct message reply;

	if (length < sizeof(*h) || length > sizeof(reply) || h->code ||
	    ip_checksum_end(ip_checksum(0, message, length)))
		return;
	if (h->type == ICMP_ECHO_REPLY)
		take_reply(from, h, length);
	if (h->type != ICMP_ECHO)
		return;
	memcpy(&reply, message, length);
	reply.header.type = ICMP_ECHO_REPLY;
	seal(&reply, length);
	ip_send(from, IP_ICMP, &reply, length);
}

static int send_echo(u32 address, u16 sequence)
{
	struct message m = {
		.header = { .type = ICMP_ECHO, .id = wire16(ping.id), .sequence = wire16(sequence) }
	};

	for (unsigned i = 0; i < ICMP_DATA; i++)
		m.data[i] = (u8)i;
	seal(&m, sizeof(m.header) + ICMP_DATA);
	return ip_send(address, IP_ICMP, &m, sizeof(m.header) + ICMP_DATA);
}

int icmp_ping(u32 address, u16 sequence, u64 timeout_us, u64 *us)
{
	u8 mac[NET_MAC_SIZE];
	u32 hop = ip_next_hop(address);
	u64 start;

	if (!net_config.send || !net_config.address || !hop || !arp_resolve(hop, mac))
		return -ENETUNREACH;
	if (!ping.id)
		ping.id = (u16)random_next() | 1;
	ping.to = address;
	ping.sequence = sequence;
	ping.waiting = true;
	start = clock_us();
	if (send_echo(address, sequence))
		return -ENETUNREACH;
	while (ping.waiting && clock_us() < start + timeout_us)
		sched_wait(SCHED_NET, start + timeout_us);
	*us = ping.replied_us - start;
	return ping.waiting ? -ETIMEDOUT : 0;
}
