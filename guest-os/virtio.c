/*
 * virtio.c - virtio devices on the PCI bus
 *
 * Owns: finding them by their IDs and capabilities, the handshake, their interrupts.
 * Must not know: what the types of devices do (virtio_blk.c, ..).
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Device Initialization" (3.1), "Virtio
 * Over PCI Bus" (4.1).
 */
#include "virtio.h"

#include "clock.h"
#include "errno.h"
#include "page.h"
#include "space.h"
#include "x86_ops.h"

#define VENDOR 0x1af4
#define MODERN_ID 0x1040	  /* plus the type */
#define TRANSITIONAL_FIRST 0x1000 /* the subsystem's ID is the type */
#define TRANSITIONAL_LAST 0x103f

/* "Virtio Structure PCI Capabilities" (4.1.4) */
#define CAP_TYPE 3
#define CAP_BAR 4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_MULTIPLIER 16
enum cap_type { CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4 };

#define NO_VECTOR 0xffff
#define RESET_US 1000000

static const struct pci_device *find(enum virtio_type type)
{
	for (const struct pci_device *d = pci_devices; d < pci_devices + pci_count; d++) {
		if (d->vendor != VENDOR)
			continue;
		if (d->device == MODERN_ID + type)
			return d;
		if (d->device >= TRANSITIONAL_FIRST && d->device <= TRANSITIONAL_LAST &&
		    d->subsystem == type)
			return d;
	}
	return NULL;
}

/* The structure of this type, mapped; NULL if it has none that we could map. */
static volatile u8 *structure(const struct pci_device *d, enum cap_type type, unsigned *cap)
{
	for (*cap = 0; (*cap = pci_capability(d, PCI_CAP_VENDOR, *cap));) {
		u32 offset = pci_read32(d, *cap + CAP_OFFSET);
		u32 length = pci_read32(d, *cap + CAP_LENGTH);
		u8 n = pci_read8(d, *cap + CAP_BAR);

		if (pci_read8(d, *cap + CAP_TYPE) != type || n >= PCI_BARS)
			continue;

		struct pci_bar bar = pci_bar(d, n);

		if (!bar.memory || !bar.base || (u64)offset + length > bar.size)
			continue;
		if (space_show(bar.base + offset, length, SPACE_DEVICE))
			return NULL;
		return page_at(bar.base + offset);
	}
	return NULL;
}

static bool map_structures(struct virtio *v)
{
	unsigned cap;

	v->config = structure(v->pci, CAP_DEVICE, &cap);
	v->isr = structure(v->pci, CAP_ISR, &cap);
	v->common = (volatile void *)structure(v->pci, CAP_COMMON, &cap);
	v->notify = structure(v->pci, CAP_NOTIFY, &cap);
	if (cap)
		v->notify_multiplier = pci_read32(v->pci, cap + CAP_MULTIPLIER);
	return v->isr && v->common && v->notify;
}

u8 virtio_status(const struct virtio *v)
{
	return v->common->status;
}

static void add_status(struct virtio *v, u8 bits)
{
	v->common->status = v->common->status | bits;
}

static bool reset(struct virtio *v)
{
	u64 end = clock_us() + RESET_US;

	v->common->status = 0;
	while (v->common->status && clock_us() < end)
		x86_pause();
	return !v->common->status;
}

static u64 offered(struct virtio *v)
{
	u32 low;

	v->common->device_feature_select = 0;
	low = v->common->device_feature;
	v->common->device_feature_select = 1;
	return (u64)v->common->device_feature << 32 | low;
}

static bool negotiate(struct virtio *v, u64 wanted)
{
	v->features = offered(v) & (wanted | VIRTIO_F_VERSION_1);
	for (u32 half = 0; half < 2; half++) {
		v->common->driver_feature_select = half;
		v->common->driver_feature = (u32)(v->features >> 32 * half);
	}
	add_status(v, VIRTIO_STATUS_FEATURES_OK);
	return v->features & VIRTIO_F_VERSION_1 && virtio_status(v) & VIRTIO_STATUS_FEATURES_OK;
}

static void set_address(volatile u32 *halves, const void *at)
{
	halves[0] = (u32)page_address(at);
	halves[1] = (u32)(page_address(at) >> 32);
}

/* All queues interrupt through entry 0 of the table, if there are messages at all. */
static int start_queue(struct virtio *v, u16 n)
{
	volatile struct virtio_common *c = v->common;
	struct virtqueue *q = &v->queue[n];
	void *page = page_alloc();

	if (!page)
		return -ENOMEM;
	c->queue_select = n;
	if (!c->queue_size) {
		page_free(page);
		return -EIO;
	}
	virtqueue_init(q, page, MIN(c->queue_size, (u16)VIRTQUEUE_SIZE_MAX));
	q->number = n;
	q->notify = (volatile void *)(v->notify + c->queue_notify_off * v->notify_multiplier);
	c->queue_size = q->size;
	set_address(c->queue_desc, q->desc);
	set_address(c->queue_driver, q->avail);
	set_address(c->queue_device, q->used);
	c->queue_msix_vector = v->way == PCI_MSIX ? 0 : NO_VECTOR;
	if (v->way == PCI_MSIX && c->queue_msix_vector)
		return -EIO; /* it has no room for this vector */
	c->queue_enable = 1;
	return 0;
}

/* Reading the ISR lets go of the line; a message needs none of this. */
static void interrupt(void *context)
{
	struct virtio *v = context;

	if (v->way == PCI_MSIX || *v->isr)
		v->handler();
}

static int try_start(struct virtio *v, u64 wanted, unsigned queues)
{
	int error = 0;

	pci_enable(v->pci);
	if (!map_structures(v) || !reset(v))
		return -EIO;
	add_status(v, VIRTIO_STATUS_ACKNOWLEDGE);
	add_status(v, VIRTIO_STATUS_DRIVER);
	if (!negotiate(v, wanted))
		return -EIO;
	v->way = pci_interrupt(v->pci, interrupt, v);
	if (v->way == PCI_NO_WAY)
		return -EIO;
	v->common->config_msix_vector = NO_VECTOR;
	for (u16 n = 0; !error && n < queues; n++)
		error = start_queue(v, n);
	if (!error)
		add_status(v, VIRTIO_STATUS_DRIVER_OK);
	return error;
}

int virtio_start(struct virtio *v, enum virtio_type type, u64 wanted, unsigned queues,
		 void (*handler)(void))
{
	int error;

	*v = (struct virtio){ .pci = find(type), .handler = handler };
	if (!v->pci)
		return -ENODEV;
	error = try_start(v, wanted, queues);
	if (error && v->common)
		add_status(v, VIRTIO_STATUS_FAILED);
	if (error)
		v->pci = NULL;
	return error;
}
