/*
 * offload.h - what network cards do for drivers: checksums, and cutting TCP into segments
 *
 * Owns: the one's complement sum, and the headers of the segments of a large TCP packet.
 * Must not know: cards, rings.  Bytes in, bytes out; every offset is checked against its frame.
 *
 * Sources: RFC 1071 (the sum), RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 "Header Format" (3.1),
 * RFC 768 (a UDP sum of 0 is written as all ones).
 */
#ifndef ESPEJO_DEV_OFFLOAD_H
#define ESPEJO_DEV_OFFLOAD_H

#include "compiler.h"

#define OFFLOAD_MSS_MIN 48 /* no TCP that is meant well sends less in a full segment */
#define OFFLOAD_HEADERS_MAX 256 /* Ethernet with a VLAN tag, IP with options, TCP with options */

/* Sum of len bytes as 16-bit words of the network's order, added to sum; not yet folded. */
u64 offload_sum(u64 sum, const void *data, u32 len);

/*
 * frame[start + offset] has the sum of the pseudo header; put the checksum of all from start to the
 * end there.  False: the field is not in the frame.
 */
bool offload_checksum(u8 *frame, u32 len, u32 start, u32 offset) MUST_CHECK;

/* A TCP packet whose payload is to be cut. */
struct offload_tcp {
	u8 headers[OFFLOAD_HEADERS_MAX]; /* as the driver made them */
	u32 headers_len, ip, tcp; /* bytes in all; where those two begin */
	bool v6;
	u32 payload, mss; /* bytes in all and in a segment */
};

/*
 * Understand the headers in t->headers, of which the first available bytes are there; total is the
 * length of the whole frame.  Sets all but headers; false: no TCP over that IP, or lengths that
 * make no sense, mss below OFFLOAD_MSS_MIN, or a segment larger than frame_max.
 */
bool offload_parse_tcp(struct offload_tcp *t, u32 available, u32 total, bool v6, u32 mss,
		       u32 frame_max) MUST_CHECK;

/*
 * Headers of the segment that has the payload's bytes [at, at + len), to frame, in which the
 * payload stands behind them already: lengths, IP's identification, sequence number, flags,
 * checksums.
 */
void offload_segment(const struct offload_tcp *t, u8 *frame, u32 at, u32 len);

#endif
