/*
 * uplink.h - the guest's network beyond this process: frames through a file descriptor
 *
 * Owns: the switch of the guest's card, its other port, and the thread that carries frames.
 * Must not know: what is at the other end: a tap device, a user-space network, another machine.
 *
 * Each read and each write of the descriptor is one Ethernet frame without its check sequence, as
 * with a tap device (Linux "Universal TUN/TAP device driver") or a SOCK_SEQPACKET socket.
 */
#ifndef ESPEJO_TYPE2_UPLINK_H
#define ESPEJO_TYPE2_UPLINK_H

#include "net/switch.h"

/* name: for messages.  The switch that the guest's card shall be plugged into; NULL: no memory. */
struct net_switch *uplink_open(int fd, const char *name);
/* Frames flow from here on, if there is an uplink.  False: as threads_create. */
bool uplink_start_thread(void);

#endif
