/* flight.c - see evil.h: a device that loses its ring, its memory or its buses under way */
#include "evil.h"

#include "lib/string.h"

#define REQUESTS 21u /* three descriptors each */
#define QUIET 2000u  /* looks at the status, while nothing may happen */

static void offer_many(const struct device *d)
{
	virtio_up(d, F_RING_RESET);
	virtio_chain(d);
	for (unsigned i = 1; i < REQUESTS && chain_length * (i + 1) <= RING_SIZE; i++) {
		for (unsigned k = 0; k < chain_length; k++) {
			ring.d[i * chain_length + k] = ring.d[k];
			ring.d[i * chain_length + k].next = (u16)(i * chain_length + k + 1);
		}
		ring.avail[i] = (u16)(i * chain_length);
	}
	__asm__ volatile("mfence" ::: "memory");
	ring.avail_idx = (u16)REQUESTS;
	__asm__ volatile("mfence" ::: "memory");
	virtio_notify(d, d->queue);
}

static bool untouched(const void *memory, size_t size, u8 pattern)
{
	for (size_t i = 0; i < size; i++)
		if (((const volatile u8 *)memory)[i] != pattern)
			return false;
	return true;
}

/* Once a reset has ended, the ring and the buffers are the driver's again. */
static void silent(const struct device *d, const char *what)
{
	memset(&ring, 0x5a, sizeof(ring));
	memset(memory_buffer(1), 0x5a, BUFFER_SIZE);
	for (unsigned i = 0; i < QUIET; i++)
		(void)virtio_status(d);
	verdict(untouched(&ring, sizeof(ring), 0x5a) &&
		    untouched(memory_buffer(1), BUFFER_SIZE, 0x5a),
		"%s: %s: nothing is written afterwards", d->name, what);
}

static void reset_device(const struct device *d)
{
	offer_many(d);
	verdict(virtio_reset(d), "%s: a reset with requests in flight ends", d->name);
	silent(d, "a reset");
}

static void reset_queue(const struct device *d)
{
	bool ended = false;

	offer_many(d);
	reg_write(d->common, QUEUE_SELECT, 2, d->queue);
	reg_write(d->common, QUEUE_RESET, 2, 1);
	for (unsigned i = 0; i < 100000 && !ended; i++)
		ended = !reg_read(d->common, QUEUE_RESET, 2);
	verdict(ended && !reg_read(d->common, QUEUE_ENABLE, 2),
		"%s: a queue's reset with requests in flight ends", d->name);
	silent(d, "a queue's reset");
}

static void no_master(const struct device *d)
{
	u8 devfn = (u8)d->devfn;

	offer_many(d);
	pci_write(devfn, PCI_COMMAND, 2, PCI_IO | PCI_MEMORY);
	memset(&ring, 0x5a, sizeof(ring));
	for (unsigned i = 0; i < QUIET; i++)
		(void)virtio_status(d);
	verdict(untouched(&ring, sizeof(ring), 0x5a),
		"%s: without bus mastering its ring is not written", d->name);
	pci_write(devfn, PCI_COMMAND, 2, PCI_IO | PCI_MEMORY | PCI_MASTER);
	verdict(virtio_works(d), "%s: works with bus mastering again", d->name);
	/* The registers go away, and come back. */
	offer_many(d);
	pci_write(devfn, PCI_COMMAND, 2, 0);
	pci_write(devfn, PCI_COMMAND, 2, PCI_IO | PCI_MEMORY | PCI_MASTER);
	verdict(virtio_works(d), "%s: works after all its buses were off", d->name);
}

/* The ring changes while it is read: from one reading to the next there is a lie. */
static void restless(const struct device *d)
{
	for (unsigned i = 0; i < 50; i++) {
		virtio_up(d, 0);
		virtio_chain(d);
		for (unsigned k = 0; k < 20; k++) {
			ring.d[rt_random() % RING_SIZE].len ^= (u32)rt_random() & 0xf0000fff;
			ring.d[rt_random() % RING_SIZE].flags ^= (u16)(rt_random() & 7);
			ring.d[rt_random() % RING_SIZE].next ^= (u16)(rt_random() & 0x7f);
			ring.avail_idx++;
			virtio_notify(d, d->queue);
		}
	}
	verdict(virtio_works(d), "%s: works after rings that changed at random", d->name);
}

void flight_main(void)
{
	for (unsigned k = 0; k < ARRAY_SIZE(devices); k++) {
		const struct device *d = &devices[k];

		if (d->devfn < 0)
			continue;
		for (unsigned i = 0; i < 5; i++) {
			reset_device(d);
			reset_queue(d);
		}
		no_master(d);
		restless(d);
	}
}
