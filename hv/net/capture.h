/*
 * capture.h - frames on their way, as a pcap file
 *
 * Owns: a ring of bytes that are, in the order in which they are taken out, a classic pcap file.
 * Must not know: links, where the bytes go.
 *
 * A record that does not fit is left out and counted: the file is whole all the same.
 *
 * Source: IETF draft-ietf-opsawg-pcap, "PCAP Capture File Format": "File Header" (4), "Packet
 * Record" (5); LINKTYPE_ETHERNET is 1 in its registry.  Numbers are in this machine's byte order.
 */
#ifndef ESPEJO_NET_CAPTURE_H
#define ESPEJO_NET_CAPTURE_H

#include "compiler.h"
#include "host.h"

#define CAPTURE_MAGIC 0xa1b2c3d4u /* times in microseconds */
#define CAPTURE_VERSION_MAJOR 2
#define CAPTURE_VERSION_MINOR 4
#define CAPTURE_SNAPLEN 65535
#define CAPTURE_ETHERNET 1

struct capture_file {
	u32 magic;
	u16 version_major, version_minor;
	u32 reserved[2];
	u32 snaplen, link_type;
};
ASSERT_SIZE(struct capture_file, 24);
ASSERT_OFFSET(struct capture_file, snaplen, 16);
ASSERT_OFFSET(struct capture_file, link_type, 20);

struct capture_record {
	u32 seconds, microseconds; /* since 1970 */
	u32 captured, length; /* bytes that follow, and that the frame had */
};
ASSERT_SIZE(struct capture_record, 16);

struct capture {
	struct host_lock lock;
	u8 *ring;
	u32 size; /* a power of two */
	u32 head, tail; /* tail - head bytes are in it; both run over */
	u64 frames, dropped;
	/* Something came into an empty ring.  Any CPU, any lock: it only posts.  May be NULL. */
	void (*ready)(struct capture *capture);
};

/* Empty, but for the file's header. */
void capture_init(struct capture *capture, void *ring, u32 size);
/* Any CPU, any lock held but another capture's. */
void capture_frame(struct capture *capture, const void *frame, u32 len);
/* The next bytes of the file, at most size: how many. */
u32 capture_take(struct capture *capture, void *buf, u32 size);
bool capture_waiting(const struct capture *capture);

#endif
