/*
 * hostile_wire.c - two cards on one wire: who hears what, and is it what was sent?
 *
 * Owns: a mirror, which sends each frame that it hears back to who wants it, inside another frame;
 * and the attacks of the machine beside it.
 * Must not know: what is between the two cards.
 *
 * Every frame that is meant for the mirror says where to answer; frames that nobody may hear are
 * followed by one that must come back, so that no time is judged.
 *
 * Sources: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Network Device" (5.1); IEEE 802.1Q,
 * "Reserved addresses" (8.6.3); RFC 791, RFC 9293.
 */
#include "hostile.h"
#include "hostile_virtio.h"
#include "lib/string.h"
#include "x86_ops.h"

#define RX 0
#define TX 1
#define NET_HEADER 12u
#define MAC 6u
#define ETHERNET 14u
#define FRAME_MIN 60u
#define FRAME_MAX 1514u
#define BUFFER 2048u
#define LARGE 4096u
#define TYPE_ASK 0x88b5 /* for experiments */
#define TYPE_ANSWER 0x88b6
#define TYPE_IPV4 0x0800
#define F_CSUM BIT(0)
#define F_TSO4 BIT(11)

/* What a frame that asks has behind its type. */
#define REPLY_TO ETHERNET
#define NUMBER (REPLY_TO + MAC)
#define FILLER (NUMBER + 2)
/* What an answer has: the length of the frame, and the frame. */
#define HEARD_LEN ETHERNET
#define HEARD (HEARD_LEN + 2)

struct card {
	const struct virtio *d;
	u8 mac[MAC];
	u16 taken; /* of the used ring of reception */
	struct ring_of_8 {
		struct descriptor d[8];
		volatile u16 avail[3 + 8];
		volatile u16 used[2 + 4 * 8 + 1] ALIGNED(4);
	} ring[2];
	u8 in[8][BUFFER];
	u8 out[NET_HEADER + LARGE];
};

static struct card card ALIGNED(4096);

static void put16(u8 *p, u32 value)
{
	p[0] = (u8)(value >> 8);
	p[1] = (u8)value;
}

static u32 get16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

/* ---- The card -------------------------------------------------------------------------------- */

static void begin(const struct virtio *d, u32 features)
{
	memset(&card, 0, sizeof(card));
	card.d = d;
	set8(d->common + COMMON_STATUS, 0);
	set8(d->common + COMMON_STATUS, 3);
	set32(d->common + COMMON_FEATURE_SELECT, 0);
	set32(d->common + COMMON_FEATURE, features);
	set32(d->common + COMMON_FEATURE_SELECT, 1);
	set32(d->common + COMMON_FEATURE, 1);
	set8(d->common + COMMON_STATUS, 11);
	for (unsigned q = 0; q < 2; q++)
		virtio_queue(d, q, 8, (u64)(uintptr_t)card.ring[q].d,
			     (u64)(uintptr_t)card.ring[q].avail, (u64)(uintptr_t)card.ring[q].used);
	set8(d->common + COMMON_STATUS, 15);
	for (unsigned i = 0; i < MAC; i++)
		card.mac[i] = *(volatile u8 *)(uintptr_t)(d->device + i);
	for (unsigned i = 0; i < 8; i++) {
		card.ring[RX].d[i] = (struct descriptor){ (u64)(uintptr_t)card.in[i], BUFFER,
							  DESC_WRITE, 0 };
		card.ring[RX].avail[2 + i] = (u16)i;
	}
	card.ring[RX].avail[1] = 8;
	virtio_notify(d, RX);
}

/* card.out has a header and len bytes; false: the device never took it. */
static bool send(u32 len)
{
	u16 n = card.ring[TX].avail[1];

	card.ring[TX].d[0] =
	    (struct descriptor){ (u64)(uintptr_t)card.out, NET_HEADER + len, 0, 0 };
	card.ring[TX].avail[2 + n % 8] = 0;
	__asm__ volatile("" ::: "memory");
	card.ring[TX].avail[1] = (u16)(n + 1);
	virtio_notify(card.d, TX);
	for (unsigned i = 0; i < 2000 && card.ring[TX].used[1] != (u16)(n + 1); i++)
		virtio_wait(card.d);
	return card.ring[TX].used[1] == (u16)(n + 1);
}

/* Of a header: in how many buffers the frame lies.  "Device Operation" (5.1.6) */
#define NUM_BUFFERS 10

static u32 wrong_headers;

/* The oldest frame that came, without header; NULL: none.  release() gives its buffer back. */
static const u8 *receive(u32 *len, u16 *buffer)
{
	const volatile u16 *element = &card.ring[RX].used[2 + 4 * (card.taken % 8)];

	if (card.ring[RX].used[1] == card.taken)
		return NULL;
	*buffer = element[0] % 8;
	*len = element[2] - MIN(element[2], NET_HEADER);
	wrong_headers += card.in[*buffer][NUM_BUFFERS] != 1 || card.in[*buffer][NUM_BUFFERS + 1];
	card.taken++;
	return card.in[*buffer] + NET_HEADER;
}

static void release(u16 buffer)
{
	u16 n = card.ring[RX].avail[1];

	card.ring[RX].avail[2 + n % 8] = buffer;
	__asm__ volatile("" ::: "memory");
	card.ring[RX].avail[1] = (u16)(n + 1);
	virtio_notify(card.d, RX);
}

/* ---- The mirror ---------------------------------------------------------------------------- */

static bool end_tick(struct rt_frame *frame)
{
	if (frame->vector != 0x61)
		return false;
	*(volatile u32 *)(u64)(APIC_DEFAULT_BASE + 0xb0) = 0;
	return true;
}

/* Who polls takes its CPU from others: so, now and then. */
static void tick(void)
{
	volatile u32 *apic = (volatile u32 *)(u64)APIC_DEFAULT_BASE;

	rt_hook = end_tick;
	apic[0xf0 / 4] |= 0x100;
	apic[0x3e0 / 4] = 0xb;
	apic[0x320 / 4] = 0x20000 | 0x61;
	apic[0x380 / 4] = 2000000;
}

static void answer(const u8 *heard, u32 len, const u8 *to)
{
	u32 part = MIN(len, FRAME_MAX - HEARD);
	u8 *frame = card.out + NET_HEADER;

	memset(card.out, 0, sizeof(card.out));
	memcpy(frame, to, MAC);
	memcpy(frame + MAC, card.mac, MAC);
	put16(frame + 2 * MAC, TYPE_ANSWER);
	put16(frame + HEARD_LEN, len);
	memcpy(frame + HEARD, heard, part);
	send(MAX(HEARD + part, FRAME_MIN));
}

static void mirror(const struct virtio *d, void *context UNUSED)
{
	u8 to[MAC] = { 0 };
	const u8 *heard;
	u16 buffer;
	u32 len;

	if (d->type != VIRTIO_NET || !d->device)
		return;
	begin(d, 0);
	tick();
	for (;;) {
		while ((heard = receive(&len, &buffer)) != NULL) {
			u32 type = get16(heard + 2 * MAC);

			if (type == TYPE_ASK)
				memcpy(to, heard + REPLY_TO, MAC);
			if (type == TYPE_ASK || type == TYPE_IPV4)
				answer(heard, len, to);
			release(buffer);
		}
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	}
}

static void mirror_for_ever(struct tally *t UNUSED)
{
	virtio_each(mirror, NULL);
}

static const struct attack mirrors[] = { { "mirror", mirror_for_ever, false } };
const struct attack_list hostile_mirror = ATTACKS_OF(mirrors, "mirror");

/* ---- The other side -------------------------------------------------------------------------- */

static const u8 everybody[MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static u8 mirror_mac[MAC];

static u32 hash(const u8 *p, u32 len)
{
	u32 h = 2166136261u;

	while (len--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

/* What came back: a frame's number, the length and the hash of what was heard. */
struct heard {
	u32 number, len, hash;
};

static u32 make_ask(const u8 *to, const u8 *from, u32 number, u32 len)
{
	u8 *frame = card.out + NET_HEADER;

	memset(card.out, 0, sizeof(card.out));
	memcpy(frame, to, MAC);
	memcpy(frame + MAC, from, MAC);
	put16(frame + 2 * MAC, TYPE_ASK);
	memcpy(frame + REPLY_TO, card.mac, MAC);
	put16(frame + NUMBER, number);
	for (u32 i = FILLER; i < len; i++)
		frame[i] = (u8)(i * 7 + number);
	return hash(frame, len);
}

/* The next answer, within reason; false: none came.  keep (or NULL): the frame that was heard. */
static bool next_answer(struct heard *h, u8 *keep, unsigned patience)
{
	const u8 *frame = NULL;
	bool found = false;
	u16 buffer;
	u32 len;

	for (unsigned i = 0; i < patience && !found; i++) {
		frame = receive(&len, &buffer);
		if (!frame) {
			virtio_wait(card.d);
			continue;
		}
		if (get16(frame + 2 * MAC) == TYPE_ANSWER) {
			found = true;
			h->len = get16(frame + HEARD_LEN);
			h->number = get16(frame + HEARD + NUMBER);
			h->hash = hash(frame + HEARD, MIN(h->len, FRAME_MAX - HEARD));
			memcpy(mirror_mac, frame + MAC, MAC);
			if (keep)
				memcpy(keep, frame + HEARD, MIN(h->len, FRAME_MAX - HEARD));
		}
		release(buffer);
	}
	return found;
}

#define PATIENCE 40000u
#define TRIES 60u /* until somebody answers, perhaps after a turn; who is alone learns it soon */
#define LAST 0x7fff

/* Nothing is under way any more: the frame that says so has come back.  What came before it? */
static unsigned settle(struct heard *first)
{
	struct heard h;
	unsigned n = 0;

	make_ask(everybody, card.mac, LAST, FRAME_MIN);
	send(FRAME_MIN);
	while (next_answer(&h, NULL, PATIENCE) && h.number != LAST) {
		if (!n++)
			*first = h;
	}
	return n;
}

#define FLIGHT 5u /* so many on their way: fewer than buffers that wait */

/* What comes back is what was sent, in its order. */
static void sizes(struct tally *t)
{
	static const u32 lengths[] = { 60, 61, 64, 99, 100, 511, 512, 1024, 1497, 1498 };
	const u8 *to[] = { everybody, mirror_mac };
	u32 sum[FLIGHT];
	struct heard h;

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(lengths); i++) {
		u32 len = lengths[i / 2];
		bool came;

		for (unsigned k = i; i % FLIGHT == 0 && k < i + FLIGHT; k++) {
			sum[k % FLIGHT] = make_ask(to[k % 2], card.mac, k, lengths[k / 2]);
			hostile_bad(t, !send(lengths[k / 2]), "never-sent", k);
		}
		came = next_answer(&h, NULL, PATIENCE);
		hostile_bad(t, !came, "a-frame-is-lost", len);
		hostile_bad(t, came && h.number != i, "another-frame", h.number);
		hostile_bad(t, came && h.len != len, "another-length", h.len);
		hostile_bad(t, came && h.hash != sum[i % FLIGHT], "other-bytes", len);
		hostile_case(t, i % 2, i / 2);
	}
}

/* Nobody hears what says that it comes from another's card, from a group, or is for bridges. */
static void unheard(struct tally *t)
{
	static const u8 group[MAC] = { 0x03, 1, 2, 3, 4, 5 };
	u8 reserved[MAC] = { 0x01, 0x80, 0xc2, 0, 0, 0 };
	struct heard h = { 0 };
	unsigned n;

	for (unsigned i = 0; i < 19; i++) {
		const u8 *to = i < 3 ? (i < 2 ? everybody : card.mac) : reserved;
		const u8 *from = i == 0 ? mirror_mac : i == 1 ? group : card.mac;

		reserved[MAC - 1] = (u8)(i - 3); /* 00 to 0f */
		make_ask(to, from, 100 + i, FRAME_MIN);
		send(FRAME_MIN);
		hostile_case(t, 2, i);
	}
	n = settle(&h);
	hostile_bad(t, n, "heard-what-nobody-may-hear", h.number);
	reserved[MAC - 1] = 0x10; /* the next one is a group like others */
	make_ask(reserved, card.mac, 200, FRAME_MIN);
	send(FRAME_MIN);
	hostile_bad(t, settle(&h) != 1 || h.number != 200, "a-group-is-not-heard", 0x10);
	/* Who pretended to be another gets nothing of his. */
	make_ask(mirror_mac, card.mac, 201, FRAME_MIN);
	send(FRAME_MIN);
	hostile_bad(t, settle(&h) != 1 || h.number != 201, "the-other-lost-its-frames", 0);
}

/* ---- What the device completes ----------------------------------------------------------- */

#define IP ETHERNET
#define TCP (IP + 20)
#define DATA (TCP + 20)
#define PAYLOAD 2500u
#define MSS 1000u
#define SEQUENCE 0xfffffe00u /* goes round */
#define FLAGS_ALL 0x99 /* CWR, ACK, PSH, FIN */

static u32 sum16(const u8 *p, u32 len, u32 sum)
{
	for (u32 i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (u32)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* With the pseudo header: 0xffff if the sum is right. */
static u32 tcp_sum(const u8 *frame, u32 len)
{
	return sum16(frame + TCP, len - TCP, sum16(frame + IP + 12, 8, 6 + len - TCP));
}

static u8 payload(u32 i)
{
	return (u8)(i * 13 >> 3);
}

static void make_packet(u32 bytes, u8 gso)
{
	u8 *h = card.out, *frame = h + NET_HEADER, *ip = frame + IP, *tcp = frame + TCP;

	memset(card.out, 0, sizeof(card.out));
	h[0] = 1; /* the sum is wanted */
	h[1] = gso;
	h[2] = DATA;
	h[4] = MSS & 0xff;
	h[5] = MSS >> 8;
	h[6] = TCP;
	h[8] = 16;
	memcpy(frame, mirror_mac, MAC);
	memcpy(frame + MAC, card.mac, MAC);
	put16(frame + 2 * MAC, TYPE_IPV4);
	ip[0] = 0x45;
	put16(ip + 2, DATA - IP + bytes);
	put16(ip + 4, 0xfffe); /* goes round, too */
	ip[8] = 64;
	ip[9] = 6;
	put16(ip + 12, 0x0a01);
	put16(ip + 14, 0x0203);
	put16(ip + 16, 0x0a01);
	put16(ip + 18, 0x0204);
	put16(ip + 10, ~sum16(ip, 20, 0));
	put16(tcp, 1234);
	put16(tcp + 2, 80);
	put16(tcp + 4, SEQUENCE >> 16);
	put16(tcp + 6, SEQUENCE & 0xffff);
	tcp[12] = 5 << 4;
	tcp[13] = FLAGS_ALL;
	put16(tcp + 14, 0x2000);
	put16(tcp + 16, sum16(ip + 12, 8, 6 + 20 + bytes)); /* of the pseudo header */
	for (u32 i = 0; i < bytes; i++)
		frame[DATA + i] = payload(i);
}

static void look_at_segment(struct tally *t, const u8 *frame, u32 len, u32 n, u32 bytes)
{
	u32 at = n * MSS, part = MIN(MSS, bytes - at), sequence = SEQUENCE + at, bad = 0;
	bool last = at + part == bytes;
	u8 flags = (u8)(0x10 | (last ? 0x09 : 0) | (n ? 0 : 0x80));

	hostile_bad(t, len != DATA + part, "segment-length", len);
	hostile_bad(t, get16(frame + IP + 2) != DATA - IP + part, "segment-ip-length", n);
	hostile_bad(t, get16(frame + IP + 4) != ((0xfffe + n) & 0xffff), "segment-ip-number", n);
	hostile_bad(t, sum16(frame + IP, 20, 0) != 0xffff, "segment-ip-sum", n);
	hostile_bad(t, (get16(frame + TCP + 4) << 16 | get16(frame + TCP + 6)) != sequence,
		    "segment-sequence", n);
	hostile_bad(t, frame[TCP + 13] != flags, "segment-flags", frame[TCP + 13]);
	hostile_bad(t, tcp_sum(frame, DATA + part) != 0xffff, "segment-tcp-sum", n);
	for (u32 i = 0; i < part; i++)
		bad += frame[DATA + i] != payload(at + i);
	hostile_bad(t, bad, "segment-bytes", n);
}

/* "Packet Transmission" (5.1.6.2): a sum that is wanted; a packet of several segments. */
static void completed(struct tally *t)
{
	static u8 frame[BUFFER];
	static const u32 bytes[] = { 7, 999, 1000, 1001, PAYLOAD };
	struct heard h;
	unsigned more;

	for (unsigned i = 0; i < ARRAY_SIZE(bytes); i++) {
		bool large = bytes[i] > MSS;

		make_packet(bytes[i], large ? 1 : 0);
		if (!large) /* one frame has all flags */
			card.out[NET_HEADER + TCP + 13] = 0x99;
		hostile_bad(t, !send(DATA + bytes[i]), "never-sent", bytes[i]);
		for (u32 n = 0; n * MSS < bytes[i]; n++) {
			bool came = next_answer(&h, frame, PATIENCE);

			hostile_bad(t, !came, "a-segment-is-lost", n);
			if (came)
				look_at_segment(t, frame, h.len, n, bytes[i]);
			hostile_case(t, 3, i << 2 | n);
		}
	}
	more = settle(&h);
	hostile_bad(t, more, "a-segment-more", h.len);
}

static void attack_wire(const struct virtio *d, void *context)
{
	struct tally *t = context;
	struct heard h;
	bool met = false;
	u32 offers;

	if (d->type != VIRTIO_NET || !d->device)
		return;
	set32(d->common, 0);
	offers = *(volatile u32 *)(uintptr_t)(d->common + 4);
	begin(d, offers & (u32)(F_CSUM | F_TSO4));
	for (unsigned i = 0; i < TRIES && !met; i++) {
		make_ask(everybody, card.mac, LAST, FRAME_MIN);
		send(FRAME_MIN);
		met = next_answer(&h, NULL, PATIENCE / 16);
	}
	hostile_bad(t, !met, "nobody-answers", 0);
	if (!met)
		return;
	settle(&h);
	while (next_answer(&h, NULL, 100))
		;
	sizes(t);
	unheard(t);
	if ((offers & (F_CSUM | F_TSO4)) == (F_CSUM | F_TSO4))
		completed(t);
	hostile_bad(t, wrong_headers, "num_buffers-is-not-1", wrong_headers);
}

/* Catches: a frame that is cut, mended wrongly, given to the wrong one, or from the wrong one. */
static void net_wire(struct tally *t)
{
	rt_vector = RT_NONE;
	hostile_case(t, 0xffff, 0);
	virtio_each(attack_wire, t);
}

static const struct attack attacks[] = { { "net-wire", net_wire, false } };
const struct attack_list hostile_wire = ATTACKS_OF(attacks, "bombs");
