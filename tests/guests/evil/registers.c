/*
 * registers.c - see evil.h: every register of a virtio device, in every state, width and order
 *
 * What may be written at random is written at random, but the rings stay where nothing is: a device
 * that was told to use RAM of ours may do so.
 */
#include "evil.h"

#define ROUNDS 400

enum state { RESET, ACKNOWLEDGED, KNOWN, AGREED, STARTED, FAILED, LOST, STATES };

static void enter(const struct device *d, enum state state)
{
	virtio_reset(d);
	if (state == ACKNOWLEDGED)
		reg_write(d->common, STATUS, 1, S_ACKNOWLEDGE);
	if (state == KNOWN)
		reg_write(d->common, STATUS, 1, S_ACKNOWLEDGE | S_DRIVER);
	if (state == AGREED)
		virtio_begin(d, F_INDIRECT | F_EVENT_IDX | F_RING_RESET);
	if (state == STARTED)
		virtio_up(d, F_EVENT_IDX);
	if (state == FAILED)
		reg_write(d->common, STATUS, 1, S_FAILED);
	if (state == LOST) {
		virtio_up(d, 0);
		virtio_chain(d);
		ring.d[chain_data].len = 0;
		(void)virtio_run(d, 1);
	}
}

static bool is_address(unsigned offset)
{
	return offset + 8 > QUEUE_DESC && offset < QUEUE_DEVICE + 8;
}

/* All offsets and widths once, with one kind of value. */
static void sweep(const struct device *d, u64 value)
{
	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned offset = 0; offset + size <= COMMON_SIZE + 16; offset++) {
			(void)reg_read(d->common, offset, size);
			reg_write(d->common, offset, size,
				  is_address(offset) ? value | 0x8000000080000000 : value);
		}
}

static void scribble(const struct device *d)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned size = 1u << rt_random() % 4, offset = (unsigned)(rt_random() % 0x40);
		u64 value = rt_random() >> rt_random() % 64;

		if (is_address(offset))
			value |= 0x8000000080000000; /* all the bytes that a part of it may be */
		if (!(rt_random() & 7))
			(void)reg_read(d->common, offset, size);
		else
			reg_write(d->common, offset, size, value);
	}
}

/* Registers that are no registers: pages behind, ISR, configuration, notification. */
static void elsewhere(const struct device *d)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned size = 1u << rt_random() % 4;
		unsigned offset = (unsigned)(rt_random() % (0x4000 - 8));
		u64 page = d->common & ~0xfffull;

		if (offset < 0x40)
			offset += 0x40;
		if (rt_random() & 1)
			(void)reg_read(page, offset, size);
		else
			reg_write(page, offset, size, rt_random());
	}
}

static void crossing(const struct device *d)
{
	u64 page = d->common & ~0xfffull;

	/* Over the borders of its parts, and out of the BAR. */
	for (unsigned border = 0x1000; border <= 0x4000; border += 0x1000)
		for (unsigned before = 1; before < 8; before++) {
			(void)reg_read(page, border - before, 8);
			reg_write(page, border - before, 8, ~0ull);
		}
}

static void configuration(const struct device *d)
{
	u64 before = d->type == TYPE_BLK ? reg_read(d->config, 0, 8) : 0;

	for (unsigned i = 0; d->config && i < ROUNDS; i++) {
		/* Of a console, what is written is shown: zeros. */
		u64 value = d->type == TYPE_CONSOLE ? 0 : rt_random();

		reg_write(d->config, (unsigned)(rt_random() % 64), 1u << rt_random() % 4, value);
	}
	verdict(!before || reg_read(d->config, 0, 8) == before,
		"%s: its configuration is what it was", d->name);
}

static void steps(const struct device *d)
{
	u8 seen;

	virtio_reset(d);
	reg_write(d->common, STATUS, 1, S_ACKNOWLEDGE | S_DRIVER | S_DRIVER_OK);
	seen = virtio_status(d);
	verdict(!(seen & S_DRIVER_OK), "%s: does not start without features", d->name);
	virtio_reset(d);
	verdict(!virtio_begin(d, BIT(60)), "%s: takes no feature that it did not offer", d->name);
	virtio_reset(d);
	reg_write(d->common, DRIVER_FEATURE_SELECT, 4, 1);
	reg_write(d->common, DRIVER_FEATURE, 4, 0);
	reg_write(d->common, STATUS, 1, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	seen = virtio_status(d);
	verdict(!(seen & S_FEATURES_OK), "%s: does not start without VERSION_1", d->name);
}

void registers_main(void)
{
	for (unsigned k = 0; k < ARRAY_SIZE(devices); k++) {
		const struct device *d = &devices[k];

		if (d->devfn < 0)
			continue;
		for (unsigned state = 0; state < STATES; state++) {
			enter(d, state);
			sweep(d, 0);
			enter(d, state);
			sweep(d, ~0ull);
			enter(d, state);
			sweep(d, rt_random());
			enter(d, state);
			scribble(d);
		}
		verdict(virtio_works(d), "%s: works after writes to all registers in %u states",
			d->name, STATES);
		elsewhere(d);
		crossing(d);
		configuration(d);
		steps(d);
		verdict(virtio_works(d), "%s: works after writes to what is no register", d->name);
	}
}
