/*
 * virtio.h - what all virtio devices have in common
 *
 * Owns: the device status and what may be done in which, features and their negotiation, the
 * virtqueues' lives, resets that wait for requests in flight.
 * Must not know: what a device does (virtio_blk, ...), how its registers are reached (virtio_pci).
 *
 * A device embeds struct virtio, with a table of what it does; a transport offers the registers and
 * interrupts.  A driver that breaks the rules of its rings gets a device that needs a reset, and
 * nothing else happens.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Basic Facilities of a Virtio Device"
 * (2).
 *
 * Locking: as everything on the bus, with the VM's device lock held.
 */
#ifndef ESPEJO_DEV_VIRTIO_H
#define ESPEJO_DEV_VIRTIO_H

#include "dev/virtqueue.h"

struct state_buf;

#define VIRTIO_QUEUES_MAX 2
#define VIRTIO_CONFIG_CHANGE VIRTIO_QUEUES_MAX /* where a queue's number means an interrupt */

/* "Device Types" (5) */
enum virtio_id {
	VIRTIO_ID_NET = 1,
	VIRTIO_ID_BLK = 2,
	VIRTIO_ID_CONSOLE = 3,
	VIRTIO_ID_RNG = 4,
};

/* "Device Status Field" (2.1) */
#define VIRTIO_ACKNOWLEDGE BIT(0)
#define VIRTIO_DRIVER BIT(1)
#define VIRTIO_DRIVER_OK BIT(2)
#define VIRTIO_FEATURES_OK BIT(3)
#define VIRTIO_NEEDS_RESET BIT(6)
#define VIRTIO_FAILED BIT(7)

/* "Reserved Feature Bits" (6): those that every device here offers */
#define VIRTIO_F_INDIRECT_DESC BIT(28)
#define VIRTIO_F_EVENT_IDX BIT(29)
#define VIRTIO_F_VERSION_1 BIT(32)
#define VIRTIO_F_RING_RESET BIT(40)
#define VIRTIO_F_ALL                                                                               \
	(VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET)

struct virtio;

/* What a device is.  Functions may be NULL where it says so. */
struct virtio_ops {
	u16 id; /* enum virtio_id */
	u8 queues;
	u16 queue_size[VIRTIO_QUEUES_MAX];
	u8 config_size; /* bytes of device-specific configuration */
	/* Buffers may have come to queue n.  Only called while virtio_running. */
	void (*notify)(struct virtio *v, unsigned n);
	/* One byte of the configuration; write: NULL if nothing can be written. */
	u8 (*config_read)(struct virtio *v, unsigned offset);
	void (*config_write)(struct virtio *v, unsigned offset, u8 value);
	/* Queue n was reset: forget its buffers.  NULL: none is kept. */
	void (*forget)(struct virtio *v, unsigned n);
	/* Requests of others, to memory that buffers gave them, are still in flight.  NULL: never.
	 */
	bool (*busy)(const struct virtio *v);
};

/* How a device reaches its driver. */
struct virtio_transport {
	/* Interrupt for queue n, or for VIRTIO_CONFIG_CHANGE. */
	void (*interrupt)(struct virtio *v, unsigned n);
	/* May the device touch RAM? */
	bool (*master)(const struct virtio *v);
	/* The device was reset: so are vectors and pending interrupts. */
	void (*reset)(struct virtio *v);
};

struct virtio {
	const struct virtio_ops *ops;
	const struct virtio_transport *transport;
	void *transport_of; /* the transport's own */
	struct bus *bus;
	u64 offered, accepted; /* features: accepted is as the driver wrote it until FEATURES_OK */
	u8 status;
	bool resetting; /* a reset waits until the device is not busy */
	bool config_changed; /* since the driver last read it */
	u8 generation;
	struct virtqueue queue[VIRTIO_QUEUES_MAX];
	bool queue_resetting[VIRTIO_QUEUES_MAX];
	const char *cause; /* why it needs a reset, a part of a sentence; NULL: it does not */
};

/* As after power-on.  features: what it offers besides VIRTIO_F_ALL.  transport: set afterwards. */
void virtio_init(struct virtio *v, struct bus *bus, const struct virtio_ops *ops, u64 features);
/*
 * Power-on again.  Requests may be in flight: nothing of them will be seen in the rings, but their
 * data still moves.  Who lets go of the guest's memory waits until virtio_busy says no.
 */
void virtio_reset(struct virtio *v);
bool virtio_busy(const struct virtio *v);

/* ---- For devices --------------------------------------------------------- */

/* DRIVER_OK, not broken, not being reset, and allowed to touch RAM. */
bool virtio_running(const struct virtio *v);
/* Negotiated? */
bool virtio_has(const struct virtio *v, u64 feature);
/*
 * The next buffer of queue n, if there is one and the device runs.  A broken ring makes the device
 * broken.  Give it back with virtio_push, and show what was given back with virtio_publish.  A
 * buffer that is given back while the device may not touch RAM breaks the device: it is lost.
 */
bool virtio_pop(struct virtio *v, unsigned n, struct virtqueue_chain *chain) MUST_CHECK;
void virtio_push(struct virtio *v, unsigned n, u16 head, u32 epoch, u32 written);
void virtio_publish(struct virtio *v, unsigned n);
/* See virtqueue_listen, virtqueue_ignore. */
bool virtio_listen(struct virtio *v, unsigned n) MUST_CHECK;
void virtio_ignore(struct virtio *v, unsigned n);
/* The driver did what no device can answer: DEVICE_NEEDS_RESET. */
void virtio_break(struct virtio *v, const char *cause);
/* The configuration is another one now. */
void virtio_config_changed(struct virtio *v);
/* A request ended: finish a reset that waited for it. */
void virtio_settle(struct virtio *v);

/* ---- For transports ------------------------------------------------------ */

u32 virtio_features(const struct virtio *v, u32 word);
u32 virtio_accepted(const struct virtio *v, u32 word);
/* Ignored once FEATURES_OK is set. */
void virtio_accept(struct virtio *v, u32 word, u32 features);
/*
 * 0 resets; status reads as before until that is done.  Other values add bits: FEATURES_OK only if
 * the features are a subset of what is offered and have VERSION_1, DRIVER_OK only after it.
 */
void virtio_set_status(struct virtio *v, u8 status);
u64 virtio_config_read(struct virtio *v, u64 offset, unsigned size);
void virtio_config_write(struct virtio *v, u64 offset, unsigned size, u64 value);
void virtio_notify(struct virtio *v, u64 n); /* n may be any number */
void virtio_notify_all(struct virtio *v);
/* May the queue's registers be written? */
bool virtio_queue_writable(const struct virtio *v, unsigned n);
void virtio_queue_enable(struct virtio *v, unsigned n);
/* "Virtqueue Reset" (2.6.1) */
void virtio_queue_reset(struct virtio *v, unsigned n);

/* As a part of a device's section.  It must not be busy, else panic. */
void virtio_save(const struct virtio *v, struct state_buf *buf);
/* Into v, which was initialised alike; sets buf->error, v is then worthless. */
void virtio_load(struct virtio *v, struct state_buf *buf);

#endif
