/* test_offload.c - checksums and segments: dev/offload.c */
#include <CUnit/CUnit.h>
#include <string.h>

#include "dev/offload.h"

void test_offload_register(void);

#define FRAME_MAX 1518
#define IP 14
#define TCP 34

/* The sum as RFC 1071 words it, without any of the tricks. */
static u16 plain_sum(u32 sum, const u8 *p, u32 len)
{
	for (u32 i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (u32)p[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

static u32 get(const u8 *p, unsigned bytes)
{
	u32 value = 0;

	while (bytes--)
		value = value << 8 | *p++;
	return value;
}

static void test_sum(void)
{
	/* The example of RFC 1071 "Numerical Examples" (3): ddf2 before the complement. */
	const u8 example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	u8 bytes[301];
	u8 frame[8];
	unsigned wrong = 0;

	memcpy(frame, example, 8);
	CU_ASSERT_EQUAL(plain_sum(0, example, 8), 0xddf2);
	CU_ASSERT_EQUAL(offload_sum(0, example, 8) % 0xffff, 0xddf2);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (u8)(i * 37 + i / 7);
	for (u32 len = 0; len < sizeof(bytes); len++)
		wrong += offload_sum(5, bytes, len) % 0xffff != plain_sum(5, bytes, len) % 0xffffu;
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_bad_checksums(void)
{
	u8 frame[64] = { 0 };

	CU_ASSERT(!offload_checksum(frame, 64, 64, 0));
	CU_ASSERT(!offload_checksum(frame, 64, 65535, 0));
	CU_ASSERT(!offload_checksum(frame, 64, 34, 29));
	CU_ASSERT(!offload_checksum(frame, 64, 34, 65535));
	CU_ASSERT(!offload_checksum(frame, 0, 0, 0));
	CU_ASSERT(!offload_checksum(frame, 1, 0, 0));
	CU_ASSERT(offload_checksum(frame, 64, 34, 28)); /* the last two bytes */
	CU_ASSERT_EQUAL(get(frame + 62, 2), 0xffff);	/* never 0 */
}

static void test_checksum(void)
{
	u8 frame[61];

	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = (u8)(i * 11);
	frame[40] = 0x12; /* the pseudo header's sum */
	frame[41] = 0x34;
	CU_ASSERT(offload_checksum(frame, sizeof(frame), 34, 6));
	/* What was there was a part of the sum: with it, all add up to ones. */
	CU_ASSERT_EQUAL(plain_sum(0x1234, frame + 34, sizeof(frame) - 34), 0xffff);
}

/* A TCP packet of so many bytes of payload, as a driver hands it over; its length. */
static u32 make_packet(u8 *frame, bool v6, bool vlan, u32 payload)
{
	u32 ip = vlan ? 18 : 14, tcp = ip + (v6 ? 40 : 20);

	memset(frame, 0, tcp + 32);
	memcpy(frame, "\x52\x54\0\0\0\1\x52\x54\0\0\0\2", 12);
	if (vlan)
		memcpy(frame + 12, "\x81\0\0\5", 4);
	memcpy(frame + ip - 2, v6 ? "\x86\xdd" : "\x08\0", 2);
	if (v6) {
		memcpy(frame + ip, "\x60\0\0\0\xff\xff\6\x40", 8);
		memset(frame + ip + 8, 0xfe, 16);
		memset(frame + ip + 24, 0xfd, 16);
	} else {
		memcpy(frame + ip, "\x45\0\xff\xff\x12\xff\x40\0\x40\6\xaa\xaa", 12);
		memcpy(frame + ip + 12, "\xa\0\2\xf\xa\0\2\2", 8);
	}
	memcpy(frame + tcp, "\x10\0\0\x50\xff\xff\xff\0", 8); /* the sequence runs over */
	frame[tcp + 12] = 0x80;				      /* 32 bytes of header */
	frame[tcp + 13] = 0x99;				      /* CWR ACK PSH FIN */
	frame[tcp + 16] = 0x77;
	for (u32 i = 0; i < payload; i++)
		frame[tcp + 32 + i] = (u8)(i * 7 + i / 251);
	return tcp + 32 + payload;
}

static u8 large[70000];
static u8 frame[FRAME_MAX];

/* One segment: its headers are those of the packet, but for what must differ. */
static void check_segment(const struct offload_tcp *t, u32 at, u32 len, unsigned number, bool last)
{
	const u8 *ip = frame + t->ip, *tcp = frame + t->tcp;
	u32 behind = t->headers_len - t->tcp + len;
	u16 pseudo;

	if (t->v6) {
		CU_ASSERT_EQUAL(get(ip + 4, 2), behind);
		pseudo = plain_sum(6 + behind, ip + 8, 32);
	} else {
		CU_ASSERT_EQUAL(get(ip + 2, 2), 20 + behind);
		CU_ASSERT_EQUAL(get(ip + 4, 2), (0x12ff + number) & 0xffff);
		CU_ASSERT_EQUAL(plain_sum(0, ip, 20), 0xffff);
		pseudo = plain_sum(6 + behind, ip + 12, 8);
	}
	CU_ASSERT_EQUAL(plain_sum(pseudo, tcp, behind), 0xffff);
	CU_ASSERT_EQUAL(get(tcp + 4, 4), 0xffffff00u + at);
	CU_ASSERT_EQUAL(tcp[13] & 0x09, last ? 0x09 : 0);
	CU_ASSERT_EQUAL(tcp[13] & 0x80, at ? 0 : 0x80);
	CU_ASSERT_EQUAL(tcp[13] & 0x10, 0x10);
	CU_ASSERT_EQUAL(memcmp(frame + t->headers_len, large + t->headers_len + at, len), 0);
	CU_ASSERT_EQUAL(memcmp(frame, large, t->ip), 0);
}

static void cut(bool v6, bool vlan, u32 payload, u32 mss)
{
	u32 total = make_packet(large, v6, vlan, payload);
	struct offload_tcp t;
	unsigned number = 0;

	memcpy(t.headers, large, sizeof(t.headers));
	CU_ASSERT_FATAL(offload_parse_tcp(&t, MIN(total, 256u), total, v6, mss, FRAME_MAX));
	CU_ASSERT_EQUAL(t.payload, payload);
	for (u32 at = 0; at < payload; at += mss, number++) {
		u32 len = MIN(mss, payload - at);

		memcpy(frame + t.headers_len, large + t.headers_len + at, len);
		offload_segment(&t, frame, at, len);
		check_segment(&t, at, len, number, at + len == payload);
	}
}

static void test_segments(void)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		for (unsigned vlan = 0; vlan < 2; vlan++) {
			cut(v6, vlan, 64000, 1400);
			cut(v6, vlan, 2 * 1001, 1001); /* no rest, odd lengths */
			cut(v6, vlan, 1001, 1400);     /* only one */
			cut(v6, vlan, 500, 48);
		}
	}
}

static bool parse(u32 available, u32 total, bool v6, u32 mss)
{
	struct offload_tcp t;

	memcpy(t.headers, large, sizeof(t.headers));
	return offload_parse_tcp(&t, available, total, v6, mss, FRAME_MAX);
}

/* The packet with one byte changed. */
static bool parse_with(u32 at, u8 value)
{
	u32 total = make_packet(large, false, false, 3000);

	large[at] = value;
	return parse(256, total, false, 1400);
}

static void test_bad_packets(void)
{
	u32 total = make_packet(large, false, false, 3000);

	CU_ASSERT(parse(256, total, false, 1400));
	CU_ASSERT(parse(66, total, false, 1400));
	for (u32 available = 0; available < 66; available++)
		CU_ASSERT(!parse(available, total, false, 1400));
	CU_ASSERT(!parse(256, total, true, 1400));
	CU_ASSERT(!parse(256, total, false, 0));
	CU_ASSERT(!parse(256, total, false, 47));
	CU_ASSERT(!parse(256, total, false, FRAME_MAX - 65));
	CU_ASSERT(parse(256, total, false, FRAME_MAX - 66));
	CU_ASSERT(!parse(256, total, false, 65535));
	CU_ASSERT(!parse(256, 65, false, 1400));
	CU_ASSERT(!parse_with(IP, 0x44)); /* a header of 16 bytes */
	CU_ASSERT(!parse_with(IP, 0x65));
	CU_ASSERT(!parse_with(IP + 9, 17));
	CU_ASSERT(!parse_with(TCP + 12, 0x40));
	CU_ASSERT(!parse_with(13, 6));
	total = make_packet(large, true, false, 3000);
	CU_ASSERT(parse(256, total, true, 1400));
	large[IP + 6] = 0; /* hop-by-hop options before TCP */
	CU_ASSERT(!parse(256, total, true, 1400));
}

void test_offload_register(void)
{
	CU_pSuite s = CU_add_suite("offload", NULL, NULL);

	CU_add_test(s, "checksums outside the frame", test_bad_checksums);
	CU_add_test(s, "packets that cannot be cut", test_bad_packets);
	CU_add_test(s, "the sum", test_sum);
	CU_add_test(s, "a checksum", test_checksum);
	CU_add_test(s, "segments", test_segments);
}
