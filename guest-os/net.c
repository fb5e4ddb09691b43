/*
 * net.c - Ethernet, and who we are on it
 *
 * Owns: our addresses, frames from and to the card, addresses as text.
 * Must not know: what is inside the frames (arp.c, ip.c), which card it is.
 *
 * Source: IEEE 802.3 "MAC frame format" (3.1.1); RFC 894.
 */
#include "net.h"

#include "arp.h"
#include "bootinfo.h"
#include "errno.h"
#include "ip.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "print.h"
#include "virtio_net.h"

struct net_config net_config;
const u8 net_broadcast[NET_MAC_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void net_init(void)
{
	char text[32];

	if (virtio_net_present()) {
		memcpy(net_config.mac, virtio_net_mac(), NET_MAC_SIZE);
		net_config.send = virtio_net_send;
	}
	if (bootinfo_value("ip=", 0, text, sizeof(text)) &&
	    !net_parse_prefix(text, &net_config.address, &net_config.mask))
		print("guest-os: ip=%s: not an address like 10.0.0.2/24\n", text);
	if (bootinfo_value("gateway=", 0, text, sizeof(text)) &&
	    !net_parse(text, &net_config.gateway))
		print("guest-os: gateway=%s: not an address\n", text);
}

int net_send(void *frame, size_t length, const u8 to[NET_MAC_SIZE], enum net_type type)
{
	struct net_header *h = frame;

	if (!net_config.send)
		return -EIO;
	memcpy(h->to, to, NET_MAC_SIZE);
	memcpy(h->from, net_config.mac, NET_MAC_SIZE);
	h->type = wire16((u16)type);
	return net_config.send(frame, length);
}

static bool for_us(const struct net_header *h)
{
	return !memcmp(h->to, net_config.mac, NET_MAC_SIZE) ||
	       !memcmp(h->to, net_broadcast, NET_MAC_SIZE);
}

void net_receive(const void *frame, size_t length)
{
	const struct net_header *h = frame;

	if (length < sizeof(*h) || length > NET_FRAME_MAX || !for_us(h) || !net_config.address)
		return;
	if (h->type == wire16(NET_ARP))
		arp_receive(h + 1, length - sizeof(*h));
	else if (h->type == wire16(NET_IP))
		ip_receive(h + 1, length - sizeof(*h));
}

/* A number up to max at *text, which moves behind it. */
static bool parse_number(const char **text, u32 max, u32 *value)
{
	const char *start = *text;

	for (*value = 0; **text >= '0' && **text <= '9' && *value <= max; ++*text)
		*value = *value * 10 + (u32)(**text - '0');
	return *text != start && *value <= max;
}

/* Four numbers with dots between them. */
static bool parse_address(const char **text, u32 *address)
{
	u32 result = 0;

	for (int i = 0; i < 4; i++) {
		u32 byte;

		if (i && *(*text)++ != '.')
			return false;
		if (!parse_number(text, 255, &byte))
			return false;
		result = result << 8 | byte;
	}
	*address = result;
	return true;
}

bool net_parse(const char *text, u32 *address)
{
	u32 value;

	if (!parse_address(&text, &value) || *text)
		return false;
	*address = value;
	return true;
}

bool net_parse_prefix(const char *text, u32 *address, u32 *mask)
{
	u32 value, bits;

	if (!parse_address(&text, &value) || *text++ != '/')
		return false;
	if (!parse_number(&text, 32, &bits) || *text)
		return false;
	*address = value;
	*mask = bits ? ~0u << (32 - bits) : 0;
	return true;
}

void net_format(u32 address, char text[NET_TEXT_MAX])
{
	fmt_string(text, NET_TEXT_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
		   address >> 8 & 0xff, address & 0xff);
}
