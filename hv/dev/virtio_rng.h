/*
 * virtio_rng.h - a virtio source of entropy
 *
 * Owns: buffers to be filled with random bytes.
 * Must not know: where those come from.
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Entropy Device" (5.4).
 *
 * Locking: as everything on the bus, with the VM's device lock held.
 */
#ifndef ESPEJO_DEV_VIRTIO_RNG_H
#define ESPEJO_DEV_VIRTIO_RNG_H

#include "dev/virtio_pci.h"

#define VIRTIO_RNG_QUEUE_SIZE 16
#define VIRTIO_RNG_CHUNK 256 /* bytes in a buffer, at most: drivers ask again */

struct virtio_rng {
	struct virtio virtio;
	struct virtio_pci pci;
	unsigned work;
	void (*fill)(void *context, void *to, size_t len); /* random bytes */
	void *context;
	struct virtqueue_chain chain; /* the one being looked at */
};

/* Plug a source into pci at devfn.  ports: see virtio_pci_init. */
void virtio_rng_init(struct virtio_rng *rng, struct bus *bus, struct pci *pci, u8 devfn,
		     void (*fill)(void *context, void *to, size_t len), void *context, bool ports);
void virtio_rng_reset(struct virtio_rng *rng);

void virtio_rng_save(const struct virtio_rng *rng, struct state_buf *buf);
/* 0, or -1 with buf->error set and nothing changed. */
int virtio_rng_load(struct virtio_rng *rng, struct state_buf *buf);

#endif
