/* virtio_net.h - the network card; see virtio_net.c */
#ifndef GUEST_OS_VIRTIO_NET_H
#define GUEST_OS_VIRTIO_NET_H

#include "types.h"

/* Find the card and start it: from now on net_receive gets its frames.  Silent if there is none. */
void virtio_net_init(void);

bool virtio_net_present(void);

/* Its address, six bytes. */
const u8 *virtio_net_mac(void);

/* Send a frame of length bytes, from Ethernet's header on; it is copied.  0, -EAGAIN, -EIO. */
int virtio_net_send(const void *frame, size_t length);

/* Frames that were sent and have left, that were received. */
u64 virtio_net_sent(void);
u64 virtio_net_received(void);

#endif
