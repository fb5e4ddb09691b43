/* icmp.h - echoes; see icmp.c */
#ifndef GUEST_OS_ICMP_H
#define GUEST_OS_ICMP_H

#include "net.h"

/* RFC 792 "Echo or Echo Reply Message" */
struct icmp_echo {
	u8 type, code;
	u16 checksum, id, sequence;
} PACKED;
ASSERT_SIZE(struct icmp_echo, 8);

#define ICMP_ECHO_REPLY 0
#define ICMP_ECHO 8
#define ICMP_DATA 56 /* bytes of data in our own echoes */

/*
 * Send an echo and wait for its reply, up to timeout_us.  0, and the time it took is in *us;
 * -ENETUNREACH: no card, no address, no way there, or nobody answers to the next hop's address;
 * -ETIMEDOUT: no reply.
 */
int icmp_ping(u32 address, u16 sequence, u64 timeout_us, u64 *us);

/* A message has come, length bytes. */
void icmp_receive(u32 from, const void *message, size_t length);

#endif
