/* virtio_blk.h - the disk; see virtio_blk.c */
#ifndef GUEST_OS_VIRTIO_BLK_H
#define GUEST_OS_VIRTIO_BLK_H

#include "types.h"

#define DISK_SECTOR 512ul

/* [VIRTIO] "Block Device", "Device Operation" (5.2.6) */
enum virtio_blk_type { VIRTIO_BLK_IN = 0, VIRTIO_BLK_OUT = 1, VIRTIO_BLK_FLUSH = 4 };

/* A request, in a page of its own (page_alloc): the device reads and writes it. */
struct virtio_blk_request {
	u32 type, reserved; /* these three the device reads */
	u64 sector;
	u8 status; /* this it writes */
	volatile bool done;
};

/* Find the disk and start it. Silent if there is none. */
void virtio_blk_init(void);

bool virtio_blk_present(void);
bool virtio_blk_read_only(void);
u64 virtio_blk_sectors(void);

/*
 * Begin a request: length bytes at data (in the direct map; whole sectors, 0 for a flush).
 * 0; -EIO: no disk, or it has failed; -EAGAIN: too many at once.
 */
int virtio_blk_submit(struct virtio_blk_request *r, void *data, u32 length);

/* Wait until it is done: 0, or -EIO. */
int virtio_blk_wait(struct virtio_blk_request *r);

/*
 * Begin one and wait: 0, -EIO, -ENOMEM.  A read or write is of length bytes, whole sectors, within
 * a page of page_alloc.
 */
int virtio_blk_read(u64 sector, void *data, u32 length);
int virtio_blk_write(u64 sector, const void *data, u32 length);

/* Returns when all that was written is where it survives a loss of power. */
int virtio_blk_flush(void);

#endif
