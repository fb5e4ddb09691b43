/*
 * fuzz_offload.c - frames whose checksums and segments the card is to make
 *
 * Input: a byte of options, numbers, then the frame.  Every checksum that was made is tried by a
 * sum of another make, and each segment's headers must fit its length and place.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dev/offload.h"
#include "host.h"

#define FRAME_MAX 1518u
#define PAYLOAD_MAX 65536u

/* One's complement, word by word. */
static u16 sum_slowly(const u8 *p, u32 len, u32 sum)
{
	for (u32 i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (u32)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (u16)sum;
}

static u16 get16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static void try_checksum(const u8 *data, u32 len, u32 start, u32 offset)
{
	u8 *frame = malloc(len ? len : 1);
	u64 at = (u64)start + offset;

	memcpy(frame, data, len);
	if (!offload_checksum(frame, len, start, offset)) {
		check(start > len || at + 2 > len);
		check(!len || !memcmp(frame, data, len));
	} else {
		check(at + 2 <= len);
		/* The field held the sum of what is not in the frame; all together is all ones. */
		if (offset % 2 == 0) {
			u16 made = sum_slowly(frame + start, len - start, 0);

			check(sum_slowly(data + at, 2, made) == 0xffff);
		}
		frame[at] = data[at];
		frame[at + 1] = data[at + 1];
		check(!memcmp(frame, data, len));
	}
	free(frame);
}

static void check_segment(const struct offload_tcp *t, const u8 *frame, u32 at, u32 len)
{
	const u8 *ip = frame + t->ip, *tcp = frame + t->tcp;
	u32 tcp_len = t->headers_len - t->tcp + len, sum, sequence;

	if (t->v6) {
		check(get16(ip + 4) == t->headers_len - t->ip - 40 + len);
		sum = sum_slowly(ip + 8, 32, 6);
	} else {
		check(sum_slowly(ip, t->tcp - t->ip, 0) == 0xffff);
		check(get16(ip + 2) == t->headers_len - t->ip + len);
		sum = sum_slowly(ip + 12, 8, 6);
	}
	sum = (sum & 0xffff) + tcp_len;
	check(sum_slowly(tcp, tcp_len, (sum & 0xffff) + (sum >> 16)) == 0xffff);
	sequence = (u32)get16(tcp + 4) << 16 | get16(tcp + 6);
	check(sequence == ((u32)get16(t->headers + t->tcp + 4) << 16 |
			   get16(t->headers + t->tcp + 6)) + at);
	check(!(tcp[13] & 9) || at + len == t->payload); /* FIN, PSH: the last one's */
}

static void try_segments(const u8 *data, u32 available, u32 total, bool v6, u32 mss)
{
	struct offload_tcp *t = malloc(sizeof(*t));
	u8 *frame;

	available = MIN(available, OFFLOAD_HEADERS_MAX);
	memset(t, 0xa5, sizeof(*t));
	memcpy(t->headers, data, available);
	if (offload_parse_tcp(t, available, total, v6, mss, FRAME_MAX)) {
		check(t->v6 == v6 && t->headers_len <= available && t->ip < t->tcp);
		check(t->tcp + 20 <= t->headers_len && t->headers_len + t->payload == total);
		check(t->mss >= OFFLOAD_MSS_MIN && t->headers_len + t->mss <= FRAME_MAX);
		for (u32 at = 0, len; at < t->payload; at += len) {
			len = MIN(t->mss, t->payload - at);
			frame = malloc(t->headers_len + len);
			memset(frame + t->headers_len, (int)at, len);
			offload_segment(t, frame, at, len);
			check_segment(t, frame, at, len);
			free(frame);
		}
	}
	free(t);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 options = (u8)fuzz_take(&in, 1);
	u32 a = (u32)fuzz_take(&in, 2), b = (u32)fuzz_take(&in, 2), len;

	len = (u32)MIN(in.left, 4096u);
	if (options & 1)
		try_checksum(in.data, len, options & 2 ? a : ~a, b);
	else
		try_segments(in.data, len, a % PAYLOAD_MAX, options & 2, b);
	return 0;
}
