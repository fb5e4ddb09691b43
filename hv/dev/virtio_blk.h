/*
 * virtio_blk.h - a virtio disk over a block store
 *
 * Owns: requests from their descriptors to the store and back.
 * Must not know: what the store is made of.
 *
 * Data moves between the store and the guest's RAM without a copy, except where the driver cut it
 * into pieces that are no sectors.  While requests are in flight, the driver need not notify: the
 * ring is looked at again when one of them ends.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Block Device" (5.2).
 *
 * Locking: as everything on the bus, with the VM's device lock held; what the store calls is not.
 */
#ifndef ESPEJO_DEV_VIRTIO_BLK_H
#define ESPEJO_DEV_VIRTIO_BLK_H

#include "dev/virtio_pci.h"
#include "store.h"

#define VIRTIO_BLK_QUEUE_SIZE 256
#define VIRTIO_BLK_SLOTS 64 /* requests in flight; others wait in the ring */

/*
 * At most so many data descriptors in a request, each of at most so many bytes: then each crosses
 * one border of RAM's pieces at most, and all segments have room in a store's request.  Drivers
 * that do not know the limits may have fewer and larger ones, but not more bytes in all.
 */
#define VIRTIO_BLK_SEG_MAX 62
#define VIRTIO_BLK_SIZE_MAX KiB(64)
#define VIRTIO_BLK_BYTES_MAX MiB(4)
_Static_assert(2 * VIRTIO_BLK_SEG_MAX + 4 <= VIRTQUEUE_SEGMENTS_MAX &&
		   VIRTIO_BLK_SEG_MAX * VIRTIO_BLK_SIZE_MAX <= VIRTIO_BLK_BYTES_MAX,
	       "a driver that keeps to the limits never meets ours");
_Static_assert(VIRTQUEUE_SEGMENTS_MAX <= STORE_SEGMENTS_MAX, "what fits a chain fits a request");

#define VIRTIO_BLK_F_SIZE_MAX BIT(1)
#define VIRTIO_BLK_F_SEG_MAX BIT(2)
#define VIRTIO_BLK_F_RO BIT(5)
#define VIRTIO_BLK_F_BLK_SIZE BIT(6)
#define VIRTIO_BLK_F_FLUSH BIT(9)
#define VIRTIO_BLK_F_CONFIG_WCE BIT(11)

/* "Device configuration layout" (5.2.4) */
enum virtio_blk_config {
	VIRTIO_BLK_CAPACITY = 0,
	VIRTIO_BLK_SIZE_MAX_FIELD = 8,
	VIRTIO_BLK_SEG_MAX_FIELD = 12,
	VIRTIO_BLK_BLK_SIZE = 20,
	VIRTIO_BLK_WRITEBACK = 32,
	VIRTIO_BLK_CONFIG_SIZE = 36,
};

/* "Device Operation" (5.2.6) */
enum virtio_blk_type {
	VIRTIO_BLK_IN = 0,
	VIRTIO_BLK_OUT = 1,
	VIRTIO_BLK_FLUSH = 4,
	VIRTIO_BLK_GET_ID = 8,
};

enum virtio_blk_status { VIRTIO_BLK_OK, VIRTIO_BLK_IOERR, VIRTIO_BLK_UNSUPP };

#define VIRTIO_BLK_ID_SIZE 20

struct virtio_blk_header {
	u32 type;
	u32 reserved;
	u64 sector;
};
ASSERT_SIZE(struct virtio_blk_header, 16);
ASSERT_OFFSET(struct virtio_blk_header, sector, 8);

struct virtio_blk_slot;

struct virtio_blk {
	struct virtio virtio;
	struct virtio_pci pci;
	struct store *store;
	unsigned work;
	u8 writeback; /* the configuration's byte */
	struct virtio_blk_slot *slot[VIRTIO_BLK_SLOTS]; /* made when first needed */
	u64 used_slots; /* a bit each */
	u64 ended; /* those whose store request ended: atomic, set on any CPU */
	u32 telling; /* CPUs that are about to tell of one: atomic */
	u8 *bounce; /* a page, for data that is not cut into sectors */
	struct virtio_blk_slot *bouncing; /* whose turn with it is */
	struct store_request bounce_request; /* on that page */
	u64 wants_bounce; /* a bit for each slot that waits for it */
	struct virtqueue_chain chain; /* the one being looked at */
};

/*
 * Plug a disk into pci at devfn; the store stays the caller's.  ports: see virtio_pci_init.
 * 0 or -HOST_ENOMEM.
 */
int virtio_blk_init(struct virtio_blk *blk, struct bus *bus, struct pci *pci, u8 devfn,
		    struct store *store, bool ports) MUST_CHECK;
/* As after power-on; requests may be in flight: see virtio_reset. */
void virtio_blk_reset(struct virtio_blk *blk);
/*
 * Nothing may be in flight, else panic: run the bus's works until !virtio_busy(&blk->virtio).  No
 * lock may be held: another CPU may just be coming back from telling that the last request ended.
 */
void virtio_blk_free(struct virtio_blk *blk);

/* A section.  Nothing may be in flight. */
void virtio_blk_save(const struct virtio_blk *blk, struct state_buf *buf);
/* 0, or -1 with buf->error set and nothing changed. */
int virtio_blk_load(struct virtio_blk *blk, struct state_buf *buf);

#endif
