/*
 * netsocket.h - sockets that carry a guest's frames, one in each message
 *
 * Owns: making one, and whether one that was given to us can do it.
 * Must not know: frames (uplink.h), what is at the other end.
 * Source: Linux, udp(7), unix(7), socket(7) "SO_TYPE".
 */
#ifndef ESPEJO_TYPE2_NETSOCKET_H
#define ESPEJO_TYPE2_NETSOCKET_H

#include "type2/failure.h"

/*
 * A UDP socket at port `mine` of this machine's loopback address, joined to port `peer` there: two
 * espejo-vm with these the other way round, or one and QEMU's "-netdev socket,udp".  The other one
 * may come later.  The descriptor, or -1: why not.
 */
int netsocket_open(unsigned mine, unsigned peer, struct failure *why);

/*
 * Is the descriptor that we were started with open, and keeps messages apart: a socket of datagrams
 * or packets, or a device (tap)?  Before anything else is opened, which could get its number.
 */
bool netsocket_check(int fd, struct failure *why);

#endif
