/* net.h - Ethernet, and who we are on it; see net.c */
#ifndef GUEST_OS_NET_H
#define GUEST_OS_NET_H

#include "compiler.h"

#define NET_FRAME_MAX 1514 /* without its checksum, which is the card's business */
#define NET_MAC_SIZE 6

/* All numbers on the wire have their highest byte first; wire16 and wire32 convert, both ways. */
static inline u16 wire16(u16 v)
{
	return (u16)(v << 8 | v >> 8);
}

static inline u32 wire32(u32 v)
{
	return __builtin_bswap32(v);
}

/* IEEE 802.3 "MAC frame format" (3.1.1), with a type */
struct net_header {
	u8 to[NET_MAC_SIZE], from[NET_MAC_SIZE];
	u16 type; /* wire16(enum net_type) */
} PACKED;
ASSERT_SIZE(struct net_header, 14);

enum net_type { NET_IP = 0x0800, NET_ARP = 0x0806 };

/* Who we are.  Addresses are numbers: 10.0.0.2 is 0x0a000002; 0: none. */
struct net_config {
	u8 mac[NET_MAC_SIZE];
	u32 address, mask, gateway;
	int (*send)(const void *frame, size_t length); /* the card's; 0, or a negative reason */
};
extern struct net_config net_config;

extern const u8 net_broadcast[NET_MAC_SIZE];

/*
 * Take over the card, if there is one, and the words ip=ADDRESS/BITS and gateway=ADDRESS of the
 * command line; says so if they make no sense.
 */
void net_init(void);

/* Send what lies behind frame's header, which is filled in here; length counts the header too. */
int net_send(void *frame, size_t length, const u8 to[NET_MAC_SIZE], enum net_type type);

/* A frame has come: from the card, with interrupts off.  Believe nothing of it. */
void net_receive(const void *frame, size_t length);

/* Between text and addresses: "10.0.0.2", "10.0.0.2/24".  False: the text is none. */
bool net_parse(const char *text, u32 *address);
bool net_parse_prefix(const char *text, u32 *address, u32 *mask);
#define NET_TEXT_MAX 16
void net_format(u32 address, char text[NET_TEXT_MAX]);

#endif
