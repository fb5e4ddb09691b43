/* virtio.h - virtio devices on the PCI bus; see virtio.c */
#ifndef GUEST_OS_VIRTIO_H
#define GUEST_OS_VIRTIO_H

#include "pci_interrupt.h"
#include "virtqueue.h"

#define VIRTIO_QUEUES_MAX 2

/* [VIRTIO] "Device Types" (5) */
enum virtio_type { VIRTIO_NET = 1, VIRTIO_BLK = 2, VIRTIO_CONSOLE = 3, VIRTIO_RNG = 4 };

#define VIRTIO_F_VERSION_1 (1ull << 32)

/* [VIRTIO] "Common configuration structure layout" (4.1.4.3); 64-bit fields in two halves. */
struct virtio_common {
	u32 device_feature_select, device_feature;
	u32 driver_feature_select, driver_feature;
	u16 config_msix_vector, queue_count;
	u8 status, config_generation;
	u16 queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	u32 queue_desc[2], queue_driver[2], queue_device[2];
};
ASSERT_OFFSET(struct virtio_common, status, 20);
ASSERT_OFFSET(struct virtio_common, queue_notify_off, 30);
ASSERT_SIZE(struct virtio_common, 56);

/* [VIRTIO] "Device Status Field" (2.1) */
#define VIRTIO_STATUS_ACKNOWLEDGE 1
#define VIRTIO_STATUS_DRIVER 2
#define VIRTIO_STATUS_DRIVER_OK 4
#define VIRTIO_STATUS_FEATURES_OK 8
#define VIRTIO_STATUS_NEEDS_RESET 64
#define VIRTIO_STATUS_FAILED 128

struct virtio {
	const struct pci_device *pci; /* NULL: there is no such device */
	volatile struct virtio_common *common;
	volatile u8 *isr, *config; /* config: of its type; NULL if it has none */
	volatile u8 *notify;
	u32 notify_multiplier;
	u64 features; /* as negotiated */
	enum pci_way way;
	struct virtqueue queue[VIRTIO_QUEUES_MAX];
	void (*handler)(void); /* the driver's */
};

/*
 * Find the first device of this type, negotiate VERSION_1 and those of the wanted features that it
 * has, set up its first queues, and start it.  From then on handler is called when it interrupts.
 * 0; -ENODEV: there is none; -EIO: it will not start, and has been told so; -ENOMEM.
 */
int virtio_start(struct virtio *v, enum virtio_type type, u64 wanted, unsigned queues,
		 void (*handler)(void));

/* The device's status now. */
u8 virtio_status(const struct virtio *v);

#endif
