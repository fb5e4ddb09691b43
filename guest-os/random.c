/*
 * random.c - numbers that nobody can foresee, or at least that differ
 *
 * Owns: the first virtio entropy device, and the generator that it seeds.  Without the device the
 * seed is the time: good for names of things, not for secrets.
 * Must not know: what the numbers are for.
 *
 * Sources: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Entropy Device" (5.4); Marsaglia,
 * "Xorshift RNGs", Journal of Statistical Software 8 (2003), the triple 13, 7, 17.
 */
#include "random.h"

#include "clock.h"
#include "errno.h"
#include "lib/string.h"
#include "page.h"
#include "print.h"
#include "sched.h"
#include "virtio.h"
#include "x86_ops.h"

#define PATIENCE_US 1000000

static struct virtio source;
static void *page; /* what the device fills */
static bool filling;
static u32 filled;
static u64 state;

static void interrupt(void)
{
	if (virtqueue_take(&source.queue[0], &filled))
		filling = false;
	sched_wake(SCHED_RANDOM);
}

bool random_device_present(void)
{
	return source.pci;
}

/* One request: how many bytes came, or -EIO. */
static int fill(size_t length)
{
	struct virtqueue_part part = { page, (u32)length, true };
	u64 limit = clock_us() + PATIENCE_US;

	if (!source.pci || filling)
		return -EIO;
	filling = true;
	if (!virtqueue_add(&source.queue[0], &part, 1, page))
		return -EIO;
	virtqueue_kick(&source.queue[0]);
	while (filling && clock_us() < limit)
		sched_wait(SCHED_RANDOM, limit);
	return filling || !filled ? -EIO : (int)MIN(filled, (u32)length);
}

/* The device may give less than it was asked for. */
int random_from_device(void *bytes, size_t length)
{
	for (size_t done = 0; done < length;) {
		int n = fill(MIN(length - done, (size_t)PAGE_SIZE));

		if (n < 0)
			return n;
		memcpy((u8 *)bytes + done, page, (size_t)n);
		done += (size_t)n;
	}
	return 0;
}

void random_init(void)
{
	int error = virtio_start(&source, VIRTIO_RNG, 0, 1, interrupt);

	page = error ? NULL : page_alloc();
	if (!page)
		source.pci = NULL;
	if (error && error != -ENODEV)
		print("guest-os: the entropy device does not start\n");
	if (random_from_device(&state, sizeof(state)))
		state = x86_rdtsc();
	state |= 1; /* anything but 0 */
}

u64 random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}
