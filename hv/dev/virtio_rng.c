/* virtio_rng.c - see virtio_rng.h; pure, tested and fuzzed on the host */
#include "dev/virtio_rng.h"

#include "dev/section.h"
#include "lib/string.h"
#include "vm/state.h"

#define CLASS_OTHER 0x00ff00
#define SECTION_VERSION 1
#define BUFFERS_PER_RUN (2 * VIRTIO_RNG_QUEUE_SIZE)

static struct virtio_rng *of_virtio(const struct virtio *v)
{
	return container_of(v, struct virtio_rng, virtio);
}

static void fill_buffer(struct virtio_rng *rng)
{
	const struct virtqueue_chain *chain = &rng->chain;
	u32 len = MIN(chain->writable_bytes, VIRTIO_RNG_CHUNK);
	u8 bytes[VIRTIO_RNG_CHUNK];

	rng->fill(rng->context, bytes, len);
	len = virtqueue_write(chain, 0, bytes, len);
	memset(bytes, 0, sizeof(bytes));
	virtio_push(&rng->virtio, 0, chain->head, chain->epoch, len);
}

static void process(struct virtio_rng *rng)
{
	struct virtio *v = &rng->virtio;
	unsigned buffers = 0;

	do {
		while (buffers < BUFFERS_PER_RUN && virtio_pop(v, 0, &rng->chain)) {
			fill_buffer(rng);
			buffers++;
		}
		virtio_publish(v, 0);
		if (buffers == BUFFERS_PER_RUN) {
			virtio_ignore(v, 0);
			bus_post(v->bus, rng->work);
			return;
		}
	} while (virtio_listen(v, 0));
}

static void notify(struct virtio *v, unsigned n UNUSED)
{
	process(of_virtio(v));
}

static void work(void *dev)
{
	process(dev);
}

static const struct virtio_ops ops = {
	.id = VIRTIO_ID_RNG,
	.queues = 1,
	.queue_size = { VIRTIO_RNG_QUEUE_SIZE },
	.notify = notify,
};

void virtio_rng_init(struct virtio_rng *rng, struct bus *bus, struct pci *pci, u8 devfn,
		     void (*fill)(void *context, void *to, size_t len), void *context, bool ports)
{
	*rng = (struct virtio_rng){ .fill = fill, .context = context };
	rng->work = bus_add_work(bus, work, rng);
	virtio_init(&rng->virtio, bus, &ops, 0);
	virtio_pci_init(&rng->pci, &rng->virtio, pci, devfn, CLASS_OTHER, ports);
}

void virtio_rng_reset(struct virtio_rng *rng)
{
	virtio_reset(&rng->virtio);
}

void virtio_rng_save(const struct virtio_rng *rng, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_VIRTIO_RNG, SECTION_VERSION);

	virtio_pci_save(&rng->pci, buf);
	state_end_section(buf, begin);
}

int virtio_rng_load(struct virtio_rng *rng, struct state_buf *buf)
{
	return virtio_pci_load(&rng->pci, buf);
}
