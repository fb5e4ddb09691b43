/* switch.c - see switch.h */
#include "net/switch.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "net/capture.h"

#define DESTINATION 0 /* of a frame: [802.3] "MAC frame format" (3.1.1) */
#define SOURCE 6
#define GROUP 0x01 /* in an address's first byte: all of a group are meant */
#define HASH_PRIME 0x9e3779b1u /* Knuth's multiplicative hashing: 2^32 by the golden ratio */
#define BUCKETS (SWITCH_ADDRESSES / SWITCH_BUCKET)
#define NOWHERE SWITCH_PORTS

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "a bucket is taken by some bits of the hash");

static bool same(const u8 *a, const u8 *b)
{
	return !memcmp(a, b, LINK_MAC);
}

static bool is_set(const u8 *mac)
{
	static const u8 none[LINK_MAC];

	return !same(mac, none);
}

/* Bridge group addresses, "Reserved addresses" (802.1Q, 8.6.3): for the next bridge only. */
static bool is_reserved(const u8 *mac)
{
	static const u8 prefix[LINK_MAC - 1] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return !memcmp(mac, prefix, sizeof(prefix)) && mac[LINK_MAC - 1] < 0x10;
}

void switch_init(struct net_switch *net, const char *name)
{
	*net = (struct net_switch){ 0 };
	fmt_string(net->name, sizeof(net->name), "%s", name);
}

/* ---- Addresses ------------------------------------------------------------------------------ */

static struct switch_address *bucket_of(struct net_switch *net, const u8 *mac)
{
	u32 hash = (u32)mac[0] << 8 | mac[1];

	for (unsigned i = 2; i < LINK_MAC; i++)
		hash = hash * HASH_PRIME + mac[i];
	hash *= HASH_PRIME;
	return &net->address[(hash >> 16 & (BUCKETS - 1)) * SWITCH_BUCKET];
}

static bool is_alive(const struct switch_address *a, u64 now)
{
	return a->used && now - a->seen_ns < SWITCH_AGE_NS;
}

/* The port whose card was given this address. */
static unsigned port_of_card(const struct net_switch *net, const u8 *mac)
{
	for (unsigned i = 0; i < SWITCH_PORTS; i++)
		if (net->port[i] && same(net->port[i]->mac, mac))
			return i;
	return NOWHERE;
}

static unsigned port_of(struct net_switch *net, const u8 *mac)
{
	struct switch_address *bucket = bucket_of(net, mac);
	unsigned port = port_of_card(net, mac);
	u64 now = host_now();

	for (unsigned i = 0; i < SWITCH_BUCKET && port == NOWHERE; i++)
		if (is_alive(&bucket[i], now) && same(bucket[i].mac, mac))
			port = bucket[i].port;
	return port;
}

/* Which of two entries is rather given up for a new address at port: the higher, the rather. */
static unsigned worth_giving_up(const struct switch_address *a, unsigned port, u64 now)
{
	return !is_alive(a, now) ? 2 : a->port == port;
}

/* The place for mac in its bucket: its own, a dead one, the oldest of this port, the oldest. */
static struct switch_address *place_for(struct net_switch *net, const u8 *mac, unsigned port,
					u64 now)
{
	struct switch_address *bucket = bucket_of(net, mac), *best = bucket;

	for (unsigned i = 0; i < SWITCH_BUCKET; i++) {
		struct switch_address *a = &bucket[i];
		unsigned worth = worth_giving_up(a, port, now);
		unsigned best_worth = worth_giving_up(best, port, now);

		if (a->used && same(a->mac, mac))
			return a;
		if (worth > best_worth || (worth == best_worth && a->seen_ns < best->seen_ns))
			best = a;
	}
	return best;
}

/* False: that is another card's address. */
static bool learn(struct net_switch *net, const u8 *mac, unsigned port)
{
	unsigned card = port_of_card(net, mac);
	u64 now = host_now();
	struct switch_address *a;

	if (card != NOWHERE)
		return card == port;
	a = place_for(net, mac, port, now);
	*a = (struct switch_address){ .port = (u8)port, .used = true, .seen_ns = now };
	memcpy(a->mac, mac, LINK_MAC);
	return true;
}

static void forget_port(struct net_switch *net, unsigned port)
{
	for (unsigned i = 0; i < SWITCH_ADDRESSES; i++)
		if (net->address[i].port == port)
			net->address[i].used = false;
}

/* ---- Ports ---------------------------------------------------------------------------------- */

static int plug(struct net_switch *net, struct link *link)
{
	if (is_set(link->mac) && port_of_card(net, link->mac) != NOWHERE)
		return -HOST_EINVAL;
	for (unsigned i = 0; i < SWITCH_PORTS; i++) {
		if (net->port[i])
			continue;
		net->port[i] = link;
		link->port = i;
		WRITE_ONCE(link->net, net);
		return 0;
	}
	return -HOST_EBUSY;
}

int switch_plug(struct net_switch *net, struct link *link)
{
	int result;

	check(!link->net && link->queue);
	host_lock(&net->lock);
	result = plug(net, link);
	host_unlock(&net->lock);
	return result;
}

void switch_unplug(struct link *link)
{
	struct net_switch *net = link->net;

	if (!net)
		return;
	host_lock(&net->lock);
	net->port[link->port] = NULL;
	forget_port(net, link->port);
	WRITE_ONCE(link->net, NULL);
	host_unlock(&net->lock);
}

struct link *switch_find(struct net_switch *net, const char *name)
{
	struct link *found = NULL;

	host_lock(&net->lock);
	for (unsigned i = 0; i < SWITCH_PORTS; i++)
		if (net->port[i] && !strcmp(net->port[i]->name, name))
			found = net->port[i];
	host_unlock(&net->lock);
	return found;
}

void switch_capture(struct link *link, struct capture *capture)
{
	host_lock(&link->lock);
	link->capture = capture;
	host_unlock(&link->lock);
}

/* ---- Frames --------------------------------------------------------------------------------- */

static void flood(struct net_switch *net, unsigned from, const void *frame, u32 len)
{
	for (unsigned i = 0; i < SWITCH_PORTS; i++)
		if (net->port[i] && i != from)
			link_deliver(net->port[i], frame, len);
	net->flooded++;
}

static void forward(struct net_switch *net, unsigned from, const u8 *frame, u32 len)
{
	const u8 *to = frame + DESTINATION;
	unsigned port = to[0] & GROUP ? NOWHERE : port_of(net, to);

	if (is_reserved(to) || port == from) {
		net->filtered++;
	} else if (port == NOWHERE) {
		flood(net, from, frame, len);
	} else {
		link_deliver(net->port[port], frame, len);
		net->forwarded++;
	}
}

static void count_refused(struct link *link)
{
	host_lock(&link->lock);
	link->counters.refused++;
	host_unlock(&link->lock);
}

/*
 * A frame of at least LINK_FRAME_MIN bytes from a card; see switch.h.  The card's link may be in no
 * switch: then the frame is lost.  It may also be pulled out of it, on another CPU, up to the
 * moment when we have the switch's lock: what then stands at its port is the last word.
 *
 * A frame whose source is a group, or an address that learn does not believe, is refused.  The
 * table learns nothing from it, nobody gets it, and it is counted twice: in the switch's filtered,
 * and for its link (count_refused, which takes the link's lock).  All others are forwarded.
 *
 * [802.1Q] "Bridge operation" (8), "The Learning Process" (8.7).
 */
void switch_input(struct link *from, const void *frame, u32 len)
{
	const u8 *source = (const u8 *)frame + SOURCE;
	struct net_switch *net = READ_ONCE(from->net);
	bool refused;

	if (!net)
		return;
	host_lock(&net->lock);
	if (net->port[from->port] != from) { /* unplugged meanwhile */
		host_unlock(&net->lock);
		return;
	}
	refused = source[0] & GROUP || !learn(net, source, from->port);
	if (!refused)
		forward(net, from->port, frame, len);
	net->filtered += refused;
	host_unlock(&net->lock);
	if (refused)
		count_refused(from);
}

/* ---- For the operator ----------------------------------------------------------------------- */

static void say(struct fmt_sink *sink, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(struct fmt_sink *sink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(sink, format, args);
	va_end(args);
}

static void show_mac(struct fmt_sink *sink, const u8 *mac)
{
	say(sink, " %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void show_port(struct net_switch *net, unsigned port, struct fmt_sink *sink)
{
	const struct link *link = net->port[port];
	const struct link_counters *c = &link->counters;

	say(sink, "  %-16s sent %llu (%llu bytes), received %llu (%llu bytes), dropped %llu,"
	    " refused %llu%s\n", link->name, (unsigned long long)c->sent,
	    (unsigned long long)c->sent_bytes, (unsigned long long)c->received,
	    (unsigned long long)c->received_bytes, (unsigned long long)c->dropped,
	    (unsigned long long)c->refused, link->capture ? ", captured" : "");
	say(sink, "    addresses:");
	if (is_set(link->mac))
		show_mac(sink, link->mac);
	for (unsigned i = 0; i < SWITCH_ADDRESSES; i++)
		if (net->address[i].port == port && is_alive(&net->address[i], host_now()))
			show_mac(sink, net->address[i].mac);
	say(sink, "\n");
}

void switch_show(struct net_switch *net, struct fmt_sink *sink)
{
	host_lock(&net->lock);
	say(sink, "%s: frames forwarded %llu, flooded %llu, filtered %llu\n", net->name,
	    (unsigned long long)net->forwarded, (unsigned long long)net->flooded,
	    (unsigned long long)net->filtered);
	for (unsigned i = 0; i < SWITCH_PORTS; i++)
		if (net->port[i])
			show_port(net, i, sink);
	host_unlock(&net->lock);
}
