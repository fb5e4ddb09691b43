/*
 * virtio_blk.c - the disk
 *
 * Owns: the first virtio block device, its queue.
 * Must not know: what is on the disk (fs.c).
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Block Device" (5.2).
 */
#include "virtio_blk.h"

#include "clock.h"
#include "errno.h"
#include "page.h"
#include "print.h"
#include "sched.h"
#include "virtio.h"

#define FEATURE_RO (1ull << 5)
#define FEATURE_FLUSH (1ull << 9)
#define CAPACITY 0 /* in sectors; a u64 of the device's configuration */
#define HEADER_SIZE offsetof(struct virtio_blk_request, status)
#define STATUS_OK 0
#define STATUS_PENDING 0xff
#define PATIENCE_US 10000000

_Static_assert(HEADER_SIZE == 16, "the header that the device reads");

static struct virtio disk;
static u64 sectors;
static bool failed; /* it did not answer: its buffers are lost, and so is it */

static void interrupt(void)
{
	struct virtio_blk_request *r;
	u32 written;

	while ((r = virtqueue_take(&disk.queue[0], &written)))
		r->done = true;
	sched_wake(SCHED_DISK);
}

void virtio_blk_init(void)
{
	volatile u32 *capacity;
	int error = virtio_start(&disk, VIRTIO_BLK, FEATURE_RO | FEATURE_FLUSH, 1, interrupt);

	if (error && error != -ENODEV)
		print("guest-os: the disk does not start\n");
	if (error)
		return;
	capacity = (volatile u32 *)(disk.config + CAPACITY);
	sectors = (u64)capacity[1] << 32 | capacity[0];
}

bool virtio_blk_present(void)
{
	return disk.pci && !failed;
}

bool virtio_blk_read_only(void)
{
	return disk.features & FEATURE_RO;
}

u64 virtio_blk_sectors(void)
{
	return sectors;
}

int virtio_blk_submit(struct virtio_blk_request *r, void *data, u32 length)
{
	bool reads = r->type == VIRTIO_BLK_IN;
	struct virtqueue_part parts[3] = { { r, HEADER_SIZE, false } };
	unsigned n = 1;

	if (!virtio_blk_present())
		return -EIO;
	if (length)
		parts[n++] = (struct virtqueue_part){ data, length, reads };
	parts[n++] = (struct virtqueue_part){ &r->status, 1, true };
	r->status = STATUS_PENDING;
	r->done = false;
	if (!virtqueue_add(&disk.queue[0], parts, n, r))
		return -EAGAIN;
	virtqueue_kick(&disk.queue[0]);
	return 0;
}

int virtio_blk_wait(struct virtio_blk_request *r)
{
	u64 limit = clock_us() + PATIENCE_US;

	while (!r->done) {
		if (clock_us() >= limit) {
			failed = true;
			return -EIO;
		}
		sched_wait(SCHED_DISK, limit);
	}
	return r->status == STATUS_OK ? 0 : -EIO;
}

static int transfer(enum virtio_blk_type type, u64 sector, void *data, u32 length)
{
	struct virtio_blk_request *r = page_alloc();
	int error;

	if (!r)
		return -ENOMEM;
	r->type = type;
	r->sector = sector;
	error = virtio_blk_submit(r, data, length);
	if (!error)
		error = virtio_blk_wait(r);
	if (!failed)
		page_free(r);
	return error;
}

int virtio_blk_read(u64 sector, void *data, u32 length)
{
	return transfer(VIRTIO_BLK_IN, sector, data, length);
}

int virtio_blk_write(u64 sector, const void *data, u32 length)
{
	return transfer(VIRTIO_BLK_OUT, sector, (void *)(u64)data, length);
}

/* A disk without the feature has no cache that could lose anything. */
int virtio_blk_flush(void)
{
	if (virtio_blk_present() && !(disk.features & FEATURE_FLUSH))
		return 0;
	return transfer(VIRTIO_BLK_FLUSH, 0, NULL, 0);
}
