/*
 * virtio.c - see evil.h: a driver by the specification, whose caller may spoil each step
 *
 * Source: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Virtio Over PCI Bus" (4.1), "Split
 * Virtqueues" (2.7), "Device Initialization" (3.1).
 */
#include "evil.h"

#include "lib/string.h"

#define VENDOR 0x1af4
#define DEVICE_BASE 0x1040
#define CAP_VENDOR 0x09
#define CAP_MSIX 0x11
#define CAPS_MAX 16

enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };

#define PATIENCE 20000u /* looks at a register */
#define SECTOR 512u
#define BLK_F_RO BIT(5)
#define BLK_IN 0u

struct ring ring;
unsigned chain_length, chain_data;

struct device devices[4] = {
	{ .name = "blk", .type = TYPE_BLK, .queue = 0 },
	{ .name = "net", .type = TYPE_NET, .queue = 1 },
	{ .name = "console", .type = TYPE_CONSOLE, .queue = 1 },
	{ .name = "rng", .type = TYPE_RNG, .queue = 0 },
};

/* ---- Registers ----------------------------------------------------------------------- */

u64 reg_read(u64 base, unsigned offset, unsigned size)
{
	void *p = (void *)(uintptr_t)(base + offset);

	switch (size) {
	case 1:
		return *(volatile u8 *)p;
	case 2:
		return *(volatile u16 *)p;
	case 4:
		return *(volatile u32 *)p;
	default:
		return *(volatile u64 *)p;
	}
}

void reg_write(u64 base, unsigned offset, unsigned size, u64 value)
{
	void *p = (void *)(uintptr_t)(base + offset);

	switch (size) {
	case 1:
		*(volatile u8 *)p = (u8)value;
		break;
	case 2:
		*(volatile u16 *)p = (u16)value;
		break;
	case 4:
		*(volatile u32 *)p = (u32)value;
		break;
	default:
		*(volatile u64 *)p = value;
		break;
	}
}

/* ---- Finding ---------------------------------------------------------------------------- */

static u64 bar_address(u8 devfn, unsigned n)
{
	return pci_read(devfn, PCI_BAR0 + 4 * n, 4) & ~0xfull;
}

static void take_capability(struct device *d, unsigned at)
{
	u8 devfn = (u8)d->devfn, bar = (u8)pci_read(devfn, at + 4, 1);
	u64 where;

	/* Memory only: whatever ports can do, memory can, in more widths. */
	if (bar > 5 || pci_read(devfn, PCI_BAR0 + 4u * bar, 4) & 1)
		return;
	where = bar_address(devfn, bar) + pci_read(devfn, at + 8, 4);
	switch (pci_read(devfn, at + 3, 1)) {
	case CAP_COMMON:
		d->common = where;
		break;
	case CAP_NOTIFY:
		d->notify = where;
		d->notify_multiplier = pci_read(devfn, at + 16, 4);
		break;
	case CAP_ISR:
		d->isr = where;
		break;
	case CAP_DEVICE:
		d->config = where;
		d->config_size = pci_read(devfn, at + 12, 4);
		break;
	default:
		break;
	}
}

static void read_capabilities(struct device *d)
{
	u8 devfn = (u8)d->devfn;
	unsigned at = pci_read(devfn, PCI_CAPABILITIES, 1);

	for (unsigned n = 0; at && n < CAPS_MAX; n++, at = pci_read(devfn, at + 1, 1)) {
		u32 id = pci_read(devfn, at, 1), table = pci_read(devfn, at + 4, 4);

		if (id == CAP_VENDOR)
			take_capability(d, at);
		else if (id == CAP_MSIX)
			d->msix = bar_address(devfn, table & 7) + (table & ~7u);
	}
}

static void find_one(struct device *d)
{
	int at = pci_next(0);

	while (at >= 0 && pci_read((u8)at, 0, 4) != (VENDOR | (u32)(DEVICE_BASE + d->type) << 16))
		at = pci_next(at + 1u);
	d->devfn = at;
	if (at < 0)
		return;
	pci_write((u8)at, PCI_COMMAND, 2, PCI_IO | PCI_MEMORY | PCI_MASTER);
	read_capabilities(d);
	if (d->type != TYPE_BLK)
		return;
	d->sectors = reg_read(d->config, 0, 8);
	reg_write(d->common, DEVICE_FEATURE_SELECT, 4, 0);
	d->read_only = reg_read(d->common, DEVICE_FEATURE, 4) & BLK_F_RO;
}

unsigned virtio_find(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
		find_one(&devices[i]);
		count += devices[i].devfn >= 0;
	}
	return count;
}

/* ---- Bringing up ---------------------------------------------------------------------------- */

u8 virtio_status(const struct device *d)
{
	return (u8)reg_read(d->common, STATUS, 1);
}

bool virtio_reset(const struct device *d)
{
	reg_write(d->common, STATUS, 1, 0);
	for (unsigned i = 0; i < PATIENCE; i++)
		if (!virtio_status(d))
			return true;
	return false;
}

bool virtio_begin(const struct device *d, u64 features)
{
	features |= F_VERSION_1;
	reg_write(d->common, STATUS, 1, S_ACKNOWLEDGE);
	reg_write(d->common, STATUS, 1, S_ACKNOWLEDGE | S_DRIVER);
	for (unsigned word = 0; word < 2; word++) {
		reg_write(d->common, DRIVER_FEATURE_SELECT, 4, word);
		reg_write(d->common, DRIVER_FEATURE, 4, (u32)(features >> (32 * word)));
	}
	reg_write(d->common, STATUS, 1, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	return virtio_status(d) & S_FEATURES_OK;
}

void virtio_queue(const struct device *d, unsigned n, u16 size, u64 desc, u64 avail, u64 used)
{
	reg_write(d->common, QUEUE_SELECT, 2, n);
	reg_write(d->common, QUEUE_SIZE, 2, size);
	reg_write(d->common, QUEUE_DESC, 8, desc);
	reg_write(d->common, QUEUE_DRIVER, 8, avail);
	reg_write(d->common, QUEUE_DEVICE, 8, used);
	reg_write(d->common, QUEUE_ENABLE, 2, 1);
}

void virtio_go(const struct device *d)
{
	reg_write(d->common, STATUS, 1, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
}

void virtio_notify(const struct device *d, unsigned n)
{
	reg_write(d->notify, n * d->notify_multiplier, 2, n);
}

static u64 address(const volatile void *p)
{
	return (u64)(uintptr_t)p;
}

bool virtio_up(const struct device *d, u64 features)
{
	if (!virtio_reset(d) || !virtio_begin(d, features))
		return false;
	memset(&ring, 0, sizeof(ring));
	virtio_queue(d, d->queue, RING_SIZE, address(ring.d), address(&ring.avail_flags),
		     address(&ring.used_flags));
	virtio_go(d);
	return true;
}

/* ---- Requests ---------------------------------------------------------------------------------
 */

static void add(unsigned buffer, u32 len, u16 flags)
{
	unsigned n = chain_length++;

	if (n)
		ring.d[n - 1].flags |= D_NEXT;
	ring.d[n] = (struct descriptor){ address(memory_buffer(buffer)), len, flags, (u16)(n + 1) };
}

static void blk_chain(void)
{
	const struct {
		u32 type, reserved;
		u64 sector;
	} header = { BLK_IN, 0, 0 };

	memcpy(memory_buffer(0), &header, sizeof(header));
	*memory_buffer(2) = 0xff;
	add(0, sizeof(header), 0);
	add(1, SECTOR, D_WRITE);
	add(2, 1, D_WRITE);
	chain_data = 1;
}

/* A broadcast of an experimental protocol, from an address of nobody's. */
static void net_chain(void)
{
	static const u8 frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x06,
				      0,    0,	  0,	0xe7, 0x11, 0x88, 0xb5 };

	memset(memory_buffer(0), 0, 12);
	memcpy(memory_buffer(1), frame, sizeof(frame));
	add(0, 12, 0);
	add(1, sizeof(frame), 0);
	chain_data = 1;
}

void virtio_chain(const struct device *d)
{
	chain_length = chain_data = 0;
	memset(ring.d, 0, sizeof(ring.d));
	if (d->type == TYPE_BLK) {
		blk_chain();
	} else if (d->type == TYPE_NET) {
		net_chain();
	} else if (d->type == TYPE_CONSOLE) {
		memcpy(memory_buffer(0), "+", 1);
		add(0, 1, 0);
	} else {
		memset(memory_buffer(0), 0, 64);
		add(0, 64, D_WRITE);
	}
	ring.avail[0] = 0;
}

enum outcome virtio_run(const struct device *d, u16 avail_idx)
{
	u16 before = ring.used_idx;

	__asm__ volatile("mfence" ::: "memory");
	ring.avail_idx = avail_idx;
	__asm__ volatile("mfence" ::: "memory");
	virtio_notify(d, d->queue);
	for (unsigned i = 0; i < PATIENCE; i++) {
		if (virtio_status(d) & S_NEEDS_RESET)
			return BROKEN;
		if (ring.used_idx != before)
			return SERVED;
		if (i == 1000 && !avail_idx)
			break; /* nothing was offered: nothing will come */
	}
	return NOTHING;
}

/* rng: of 64 bytes not all are 0. */
static bool all_zero(const u8 *bytes, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

bool virtio_works(const struct device *d)
{
	if (!virtio_up(d, 0))
		return false;
	virtio_chain(d);
	if (d->type == TYPE_BLK)
		memset(memory_buffer(1), 0xee, SECTOR);
	if (virtio_run(d, 1) != SERVED || ring.used_idx != 1 || ring.used[0].id != 0)
		return false;
	if (d->type == TYPE_BLK)
		return !*memory_buffer(2) && ring.used[0].len == SECTOR + 1 &&
		       !memcmp(memory_buffer(1), "evil disk", 9);
	return d->type != TYPE_RNG || (ring.used[0].len && !all_zero(memory_buffer(0), 64));
}
