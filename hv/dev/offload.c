/* offload.c - see offload.h; pure, tested and fuzzed on the host */
#include "dev/offload.h"

#include "lib/string.h"

#define ETHERTYPE 12 /* behind the two addresses */
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERNET_SIZE 14
#define VLAN_SIZE 4

#define IPV4_SIZE_MIN 20
#define IPV4_LENGTH 2
#define IPV4_ID 4
#define IPV4_PROTOCOL 9
#define IPV4_CHECKSUM 10
#define IPV4_ADDRESSES 12
#define IPV4_ADDRESSES_SIZE 8

#define IPV6_SIZE 40
#define IPV6_LENGTH 4
#define IPV6_NEXT 6
#define IPV6_ADDRESSES 8
#define IPV6_ADDRESSES_SIZE 32

#define PROTOCOL_TCP 6
#define TCP_SIZE_MIN 20
#define TCP_SEQUENCE 4
#define TCP_DATA_OFFSET 12
#define TCP_FLAGS 13
#define TCP_CHECKSUM 16
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80

static u16 get16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static void put16(u8 *p, u32 value)
{
	p[0] = (u8)(value >> 8);
	p[1] = (u8)value;
}

static u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

static void put32(u8 *p, u32 value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static u16 fold(u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

u64 offload_sum(u64 sum, const void *data, u32 len)
{
	const u8 *p = data;

	for (; len >= 4; len -= 4, p += 4)
		sum += get32(p);
	if (len >= 2) {
		sum += get16(p);
		p += 2;
	}
	/* A last odd byte is the upper half of a word. */
	return len & 1 ? sum + ((u64)*p << 8) : sum;
}

/* Of TCP and UDP: 0 would mean that UDP has none, and is the same number as all ones. */
static u16 complement(u64 sum)
{
	u16 checksum = (u16)~fold(sum);

	return checksum ? checksum : 0xffff;
}

bool offload_checksum(u8 *frame, u32 len, u32 start, u32 offset)
{
	if (start >= len || offset > len || start + offset + 2 > len)
		return false;
	put16(frame + start + offset, complement(offload_sum(0, frame + start, len - start)));
	return true;
}

static bool parse_ip(struct offload_tcp *t, u32 available)
{
	const u8 *ip = t->headers + t->ip;
	u32 left = available - t->ip;

	if (t->v6) {
		t->tcp = t->ip + IPV6_SIZE;
		return left >= IPV6_SIZE && ip[0] >> 4 == 6 && ip[IPV6_NEXT] == PROTOCOL_TCP;
	}
	if (left < IPV4_SIZE_MIN || ip[0] >> 4 != 4 || ip[IPV4_PROTOCOL] != PROTOCOL_TCP)
		return false;
	t->tcp = t->ip + (ip[0] & 0xfu) * 4;
	return t->tcp - t->ip >= IPV4_SIZE_MIN;
}

bool offload_parse_tcp(struct offload_tcp *t, u32 available, u32 total, bool v6, u32 mss,
		       u32 frame_max)
{
	u16 wanted = v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;

	t->v6 = v6;
	t->mss = mss;
	t->ip = ETHERNET_SIZE;
	if (available < ETHERNET_SIZE + VLAN_SIZE)
		return false;
	if (get16(t->headers + ETHERTYPE) == ETHERTYPE_VLAN)
		t->ip += VLAN_SIZE;
	if (get16(t->headers + t->ip - 2) != wanted || !parse_ip(t, available))
		return false;
	if (t->tcp + TCP_SIZE_MIN > available)
		return false;
	t->headers_len = t->tcp + (t->headers[t->tcp + TCP_DATA_OFFSET] >> 4) * 4u;
	if (t->headers_len < t->tcp + TCP_SIZE_MIN || t->headers_len > available ||
	    t->headers_len > total || mss < OFFLOAD_MSS_MIN || mss > frame_max - t->headers_len)
		return false;
	t->payload = total - t->headers_len;
	return true;
}

static void finish_ip(const struct offload_tcp *t, u8 *ip, u32 number, u32 bytes_behind)
{
	if (t->v6) {
		put16(ip + IPV6_LENGTH, bytes_behind);
		return;
	}
	put16(ip + IPV4_LENGTH, t->tcp - t->ip + bytes_behind);
	put16(ip + IPV4_ID, get16(ip + IPV4_ID) + number);
	put16(ip + IPV4_CHECKSUM, 0);
	put16(ip + IPV4_CHECKSUM, (u16)~fold(offload_sum(0, ip, t->tcp - t->ip)));
}

static u64 pseudo_header(const struct offload_tcp *t, const u8 *ip, u32 bytes_behind)
{
	u64 sum = PROTOCOL_TCP + bytes_behind;

	return t->v6 ? offload_sum(sum, ip + IPV6_ADDRESSES, IPV6_ADDRESSES_SIZE)
		     : offload_sum(sum, ip + IPV4_ADDRESSES, IPV4_ADDRESSES_SIZE);
}

void offload_segment(const struct offload_tcp *t, u8 *frame, u32 at, u32 len)
{
	u8 *ip = frame + t->ip, *tcp = frame + t->tcp;
	u32 bytes_behind = t->headers_len - t->tcp + len;

	memcpy(frame, t->headers, t->headers_len);
	finish_ip(t, ip, at / t->mss, bytes_behind);
	put32(tcp + TCP_SEQUENCE, get32(tcp + TCP_SEQUENCE) + at);
	/* What ends the stream or hurries it belongs to the last segment, CWR to the first. */
	if (at + len < t->payload)
		tcp[TCP_FLAGS] &= (u8) ~(TCP_FIN | TCP_PSH);
	if (at)
		tcp[TCP_FLAGS] &= (u8)~TCP_CWR;
	put16(tcp + TCP_CHECKSUM, 0);
	put16(tcp + TCP_CHECKSUM,
	      complement(offload_sum(pseudo_header(t, ip, bytes_behind), tcp, bytes_behind)));
}
