/*
 * selftest_net.c - ARP, IP, ICMP and UDP, with a card that is played here
 *
 * Owns: our addresses while a check runs, and the frame that was sent last.
 */
#include "arp.h"
#include "icmp.h"
#include "ip.h"
#include "lib/string.h"
#include "selftest.h"
#include "udp.h"

#define US 0x0a000002 /* 10.0.0.2 */
#define PEER 0x0a000007
#define FAR 0x08080808
#define GATEWAY 0x0a000001
#define DATA 32

static struct net_config before;
static u8 sent[NET_FRAME_MAX];
static size_t sent_length;
static unsigned sent_count;

static const u8 our_mac[NET_MAC_SIZE] = { 2, 0, 0, 0, 0, 2 };
static const u8 peer_mac[NET_MAC_SIZE] = { 2, 0, 0, 0, 0, 7 };

static int capture(const void *frame, size_t length)
{
	memcpy(sent, frame, length);
	sent_length = length;
	sent_count++;
	return 0;
}

static void begin(void)
{
	before = net_config;
	net_config = (struct net_config){
		.address = US, .mask = 0xffffff00, .gateway = GATEWAY, .send = capture
	};
	memcpy(net_config.mac, our_mac, NET_MAC_SIZE);
	arp_clear();
	sent_count = 0;
}

static void finish(void)
{
	net_config = before;
	arp_clear();
}

struct arp_frame {
	struct net_header header;
	struct arp_packet arp;
} PACKED;

/* The peer asks who has this address. */
static struct arp_frame question(u32 address)
{
	struct arp_frame f = { .arp = { wire16(ARP_ETHERNET),
					wire16(NET_IP),
					NET_MAC_SIZE,
					4,
					wire16(ARP_REQUEST),
					{ 0 },
					wire32(PEER),
					{ 0 },
					wire32(address) } };

	memcpy(f.header.to, net_broadcast, NET_MAC_SIZE);
	memcpy(f.header.from, peer_mac, NET_MAC_SIZE);
	memcpy(f.arp.sender_mac, peer_mac, NET_MAC_SIZE);
	f.header.type = wire16(NET_ARP);
	return f;
}

static void meet_peer(void)
{
	struct arp_frame f = question(US);

	net_receive(&f, sizeof(f));
	sent_count = 0;
}

struct ip_frame {
	struct net_header header;
	struct ip_header ip;
	struct {
		union {
			struct icmp_echo echo;
			struct udp_header udp;
		};
		u8 data[DATA];
	} PACKED body;
} PACKED;

static void seal(struct ip_frame *f)
{
	f->ip.checksum = 0;
	f->ip.checksum = ip_checksum_end(ip_checksum(0, &f->ip, sizeof(f->ip)));
}

static struct ip_frame packet(enum ip_protocol protocol)
{
	struct ip_frame f = { .ip = { .version_length = 0x45,
				      .time_to_live = 64,
				      .total_length = wire16(sizeof(f.ip) + sizeof(f.body)),
				      .protocol = (u8)protocol,
				      .from = wire32(PEER),
				      .to = wire32(US) } };

	memcpy(f.header.to, our_mac, NET_MAC_SIZE);
	memcpy(f.header.from, peer_mac, NET_MAC_SIZE);
	f.header.type = wire16(NET_IP);
	for (unsigned i = 0; i < DATA; i++)
		f.body.data[i] = (u8)(i + 1);
	seal(&f);
	return f;
}

static struct ip_frame echo(void)
{
	struct ip_frame f = packet(IP_ICMP);

	f.body.echo = (struct icmp_echo){ ICMP_ECHO, 0, 0, wire16(0x1234), wire16(5) };
	f.body.echo.checksum = ip_checksum_end(ip_checksum(0, &f.body, sizeof(f.body)));
	return f;
}

static void addresses(struct check *c, const void *argument UNUSED)
{
	static const char *const bad[] = { "",	      "10.0.0",	   "10.0.0.256",	"10.0.0.2.",
					   "10..0.2", "10.0.0.2x", "99999999999.0.0.1", "a.b.c.d" };
	u32 address = 0, mask = 0;
	char text[NET_TEXT_MAX];

	expect_true(c, "an address", net_parse_prefix("192.168.7.255/20", &address, &mask));
	expect_equal(c, "address", address, 0xc0a807ff);
	expect_equal(c, "mask", mask, 0xfffff000);
	net_format(address, text);
	expect_equal(c, "text", (u64)strcmp(text, "192.168.7.255"), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		expect_true(c, "refusal", !net_parse(bad[i], &address));
	expect_true(c, "33 bits refused", !net_parse_prefix("10.0.0.2/33", &address, &mask));
	expect_true(c, "0 bits", net_parse_prefix("10.0.0.2/0", &address, &mask) && !mask);
}

/* The example of RFC 1071 "Numerical Examples" (3), then an odd number of bytes. */
static void checksum(struct check *c, const void *argument UNUSED)
{
	static const u8 bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	expect_equal(c, "checksum", wire16(ip_checksum_end(ip_checksum(0, bytes, 8))),
		     (u16)~0xddf2);
	expect_equal(c, "of 7", wire16(ip_checksum_end(ip_checksum(0, bytes, 7))),
		     (u16) ~(0xddf2 - 0xf7));
}

static void arp_answers(struct check *c, const void *argument UNUSED)
{
	struct arp_frame f;
	const struct arp_frame *reply = (void *)sent;
	u8 mac[NET_MAC_SIZE];

	begin();
	f = question(PEER + 1);
	net_receive(&f, sizeof(f));
	expect_equal(c, "answers to a question for others", sent_count, 0);
	f = question(US);
	net_receive(&f, sizeof(f) - 1);
	expect_equal(c, "answers to a piece", sent_count, 0);
	net_receive(&f, sizeof(f));
	expect_equal(c, "answers", sent_count, 1);
	expect_equal(c, "length", sent_length, sizeof(*reply));
	expect_equal(c, "operation", reply->arp.operation, wire16(ARP_REPLY));
	expect_equal(c, "sender", wire32(reply->arp.sender), US);
	expect_equal(c, "target", wire32(reply->arp.target), PEER);
	expect_equal(c, "our card", (u64)memcmp(reply->arp.sender_mac, our_mac, NET_MAC_SIZE), 0);
	expect_equal(c, "to whom", (u64)memcmp(reply->header.to, peer_mac, NET_MAC_SIZE), 0);
	expect_true(c, "the peer is known", arp_lookup(PEER, mac));
	expect_equal(c, "its card", (u64)memcmp(mac, peer_mac, NET_MAC_SIZE), 0);
	finish();
}

static void arp_asks(struct check *c, const void *argument UNUSED)
{
	const struct arp_frame *ask = (void *)sent;
	u8 mac[NET_MAC_SIZE];

	begin();
	expect_true(c, "nobody known", !arp_lookup(PEER, mac));
	expect_equal(c, "questions", sent_count, 1);
	expect_equal(c, "operation", ask->arp.operation, wire16(ARP_REQUEST));
	expect_equal(c, "target", wire32(ask->arp.target), PEER);
	expect_equal(c, "to all", (u64)memcmp(ask->header.to, net_broadcast, NET_MAC_SIZE), 0);
	expect_equal(c, "hop to a neighbour", ip_next_hop(PEER), PEER);
	expect_equal(c, "hop to all others", ip_next_hop(FAR), GATEWAY);
	finish();
}

static void echo_answered(struct check *c, const void *argument UNUSED)
{
	const struct ip_frame *reply = (void *)sent;
	struct ip_frame f;

	begin();
	meet_peer();
	f = echo();
	net_receive(&f, sizeof(f));
	expect_equal(c, "replies", sent_count, 1);
	expect_equal(c, "length", sent_length, sizeof(f));
	expect_equal(c, "from", wire32(reply->ip.from), US);
	expect_equal(c, "to", wire32(reply->ip.to), PEER);
	expect_equal(c, "header's sum", ip_checksum_end(ip_checksum(0, &reply->ip, 20)), 0);
	expect_equal(c, "type", reply->body.echo.type, ICMP_ECHO_REPLY);
	expect_equal(c, "id", reply->body.echo.id, wire16(0x1234));
	expect_equal(c, "sequence", reply->body.echo.sequence, wire16(5));
	expect_equal(c, "sum", ip_checksum_end(ip_checksum(0, &reply->body, sizeof(f.body))), 0);
	expect_equal(c, "data", (u64)memcmp(reply->body.data, f.body.data, DATA), 0);
	finish();
}

static void udp_echoed(struct check *c, const void *argument UNUSED)
{
	const struct ip_frame *reply = (void *)sent;
	struct ip_frame f;

	begin();
	meet_peer();
	f = packet(IP_UDP);
	f.body.udp = (struct udp_header){ .from = wire16(1000),
					  .to = wire16(UDP_ECHO),
					  .length = wire16(sizeof(f.body)) };
	f.body.udp.checksum = udp_checksum(PEER, US, &f.body, sizeof(f.body));
	net_receive(&f, sizeof(f));
	expect_equal(c, "replies", sent_count, 1);
	expect_equal(c, "to port", reply->body.udp.to, wire16(1000));
	expect_equal(c, "sum", udp_checksum(US, PEER, &reply->body, sizeof(f.body)), 0);
	expect_equal(c, "data", (u64)memcmp(reply->body.data, f.body.data, DATA), 0);
	f.body.data[3]++;
	net_receive(&f, sizeof(f));
	expect_equal(c, "replies to a damaged one", sent_count, 1);
	finish();
}

/* How an echo may be spoiled; where the header was touched, its checksum is made right again. */
static void spoil(struct ip_frame *f, unsigned how, size_t *length)
{
	switch (how) {
	case 0:
		f->body.data[1] ^= 1;
		return;
	case 1:
		f->ip.checksum ^= 1;
		return;
	case 2:
		f->header.to[5]++;
		return;
	case 3:
		*length = sizeof(*f) - 1;
		return;
	case 4:
		*length = sizeof(f->header) + 3;
		return;
	case 5:
		f->ip.to = wire32(US + 1);
		break;
	case 6:
		f->ip.version_length = 0x65;
		break;
	case 7:
		f->ip.version_length = 0x44; /* a header of 16 bytes */
		break;
	case 8:
		f->ip.fragment = wire16(0x2000);
		break;
	case 9:
		f->ip.total_length = wire16(2000);
		break;
	case 10:
		f->ip.total_length = wire16(19);
		break;
	case 11:
		f->ip.protocol = 99;
		break;
	}
	seal(f);
}

#define SPOILS 12

static void spoiled_dropped(struct check *c, const void *argument UNUSED)
{
	begin();
	meet_peer();
	for (unsigned how = 0; how < SPOILS; how++) {
		struct ip_frame f = echo();
		size_t length = sizeof(f);

		spoil(&f, how, &length);
		net_receive(&f, length);
		expect_equal(c, "replies", sent_count, 0);
	}
	finish();
}

static const struct selftest tests[] = {
	{ "network: addresses as text", addresses, NULL },
	{ "network: the Internet's checksum", checksum, NULL },
	{ "ARP: who asks for us gets an answer, and is known", arp_answers, NULL },
	{ "ARP: who is not known is asked for, directly or as gateway", arp_asks, NULL },
	{ "ICMP: an echo is answered with its data", echo_answered, NULL },
	{ "UDP: port 7 sends back what it gets", udp_echoed, NULL },
	{ "network: what is damaged, cut or not for us is dropped", spoiled_dropped, NULL },
};

const struct selftest_group selftest_net = { tests, ARRAY_SIZE(tests) };
