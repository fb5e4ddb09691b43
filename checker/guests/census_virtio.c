/*
 * census_virtio.c - a virtual machine's PCI functions and virtio devices, whatever they are
 *
 * They are not those of the bare machine, so nothing is compared: the standards say what holds for
 * any function and any device.  Violations are counted; one device, the source of entropy, is
 * driven.
 *
 * Sources: PCI-SIG, "PCI Local Bus Specification" 3.0, "Configuration Space" (6); OASIS, "Virtual
 * I/O Device (VIRTIO) Version 1.2", "Virtio Over PCI Bus" (4.1), "Device Status Field" (2.1),
 * "Split Virtqueues" (2.7); Intel, "82371SB (PIIX3)", "PIRQx Route Control Registers".
 */
#include "census.h"
#include "census_board.h"
#include "lib/string.h"
#include "x86_ops.h"

#define FUNCTIONS 256u
#define COMMAND 0x04
#define BUSES_ON 7u
#define INTX_OFF 0x400u
#define MASTER 4u
#define STATUS_INTERRUPT (1u << 19)
#define STATUS_CAPABILITIES (1u << 20)
#define BAR(n) (0x10u + 4 * (n))
#define BARS 6u
#define SUBSYSTEM 0x2c
#define CAPABILITIES 0x34
#define INTERRUPT 0x3c
#define CAP_VENDOR 9
#define CAP_MSIX 0x11
#define VIRTIO_VENDOR 0x1af4
#define MODERN 0x1040

static bool there(unsigned devfn)
{
	return (board_pci_read(devfn, 0) & 0xffff) != 0xffff;
}

static bool is_bridge(unsigned devfn)
{
	return board_pci_read(devfn, 8) >> 24 == 6;
}

/* ---- What holds for every function ---- */

/* Registers that software may only read. */
static unsigned written_identity(unsigned devfn)
{
	static const u8 fixed[] = { 0, 8, SUBSYSTEM };
	unsigned bad = 0;

	for (unsigned i = 0; i < sizeof(fixed); i++) {
		u32 value = board_pci_read(devfn, fixed[i]);

		board_pci_write(devfn, fixed[i], ~value);
		bad += board_pci_read(devfn, fixed[i]) != value;
	}
	return bad;
}

/* The interrupt line is a note of the firmware's; the pin is the chip's. */
static unsigned wrong_interrupt(unsigned devfn)
{
	u32 old = board_pci_read(devfn, INTERRUPT), now;
	unsigned pin = old >> 8 & 0xff;

	if (!pin)
		return 0;
	board_pci_write(devfn, INTERRUPT, 0xff5a);
	now = board_pci_read(devfn, INTERRUPT);
	board_pci_write(devfn, INTERRUPT, old);
	return pin > 4 || (now & 0xffff) != (old & 0xff00) + 0x5a;
}

/* "Base Addresses" (6.2.5.1): of one size, a power of two, and placed at a multiple of it. */
static u64 bar_size(unsigned devfn, unsigned n)
{
	u32 old = board_pci_read(devfn, BAR(n)), mask;

	board_pci_write(devfn, BAR(n), ~0u);
	mask = board_pci_read(devfn, BAR(n));
	board_pci_write(devfn, BAR(n), old);
	if (!mask)
		return 0;
	return (u32) - (mask & (mask & 1 ? ~3u : ~15u));
}

static unsigned wrong_bars(unsigned devfn)
{
	u32 command = board_pci_read(devfn, COMMAND) & 0xffff;
	unsigned bad = 0;

	board_pci_write(devfn, COMMAND, command & ~3u);
	for (unsigned n = 0; n < BARS; n++) {
		u32 old = board_pci_read(devfn, BAR(n));
		u64 size = bar_size(devfn, n);

		if (!size)
			continue;
		bad += (size & (size - 1)) != 0 || size < (old & 1 ? 4 : 16);
		bad += ((old & (old & 1 ? ~3u : ~15u)) & (size - 1)) != 0;
		bad += board_pci_read(devfn, BAR(n)) != old;
	}
	board_pci_write(devfn, COMMAND, command);
	return bad;
}

/* "Capabilities List" (6.7); structures of virtio lie within their BARs. */
static unsigned wrong_capabilities(unsigned devfn)
{
	bool listed = board_pci_read(devfn, COMMAND) & STATUS_CAPABILITIES;
	unsigned at = board_pci_read(devfn, CAPABILITIES) & 0xff, n = 0, bad = 0;

	bad += listed != (at != 0);
	for (; at && n < 48; n++) {
		u32 head = board_pci_read(devfn, at);

		bad += at < 0x40 || at & 3;
		if ((head & 0xff) == CAP_VENDOR && head >> 24 >= 1 && head >> 24 <= 4) {
			unsigned bar = board_pci_read(devfn, at + 4) & 0xff;
			u64 end =
			    (u64)board_pci_read(devfn, at + 8) + board_pci_read(devfn, at + 12);

			bad += bar >= BARS || end > bar_size(devfn, bar);
		}
		if ((head & 0xff) == CAP_MSIX) {
			u32 table = board_pci_read(devfn, at + 4),
			    pba = board_pci_read(devfn, at + 8);
			u32 count = (head >> 16 & 0x7ff) + 1;

			bad += (table & 7) >= BARS || (pba & 7) >= BARS ||
			       (table & ~7u) + count * 16 > bar_size(devfn, table & 7) ||
			       (pba & ~7u) + 8 > bar_size(devfn, pba & 7);
		}
		at = head >> 8 & 0xff;
	}
	return bad + (n == 48);
}

static void write_part(unsigned devfn, unsigned offset, unsigned size, u32 value)
{
	x86_outl(0xcf8, 0x80000000u | devfn << 8 | (offset & 0xfc));
	if (size == 1)
		x86_outb((u16)(0xcfc + (offset & 3)), (u8)value);
	else
		x86_outw((u16)(0xcfc + (offset & 3)), (u16)value);
}

/* A write of one or two bytes of a BAR leaves the others alone. */
static unsigned wrong_parts(unsigned devfn)
{
	u32 command = board_pci_read(devfn, COMMAND) & 0xffff;
	unsigned bad = 0;

	board_pci_write(devfn, COMMAND, command & ~3u);
	for (unsigned n = 0; n < BARS; n++) {
		u32 old = board_pci_read(devfn, BAR(n)), all, mask;

		if (!bar_size(devfn, n))
			continue;
		for (unsigned size = 1; size <= 2; size++)
			for (unsigned at = 0; at < 4; at += size) {
				mask = (size == 1 ? 0xffu : 0xffffu) << 8 * at;
				board_pci_write(devfn, BAR(n), ~0u);
				all = board_pci_read(devfn, BAR(n));
				write_part(devfn, BAR(n) + at, size, 0);
				bad += ((board_pci_read(devfn, BAR(n)) ^ all) & ~mask) != 0;
				board_pci_write(devfn, BAR(n), 0);
				all = board_pci_read(devfn, BAR(n));
				write_part(devfn, BAR(n) + at, size, ~0u);
				bad += ((board_pci_read(devfn, BAR(n)) ^ all) & ~mask) != 0;
			}
		board_pci_write(devfn, BAR(n), old);
	}
	board_pci_write(devfn, COMMAND, command);
	return bad;
}

static void functions(void)
{
	unsigned count = 0, identity = 0, interrupt = 0, bars = 0, parts = 0, capabilities = 0;

	for (unsigned devfn = 0; devfn < FUNCTIONS; devfn++) {
		if (!there(devfn))
			continue;
		count++;
		identity += written_identity(devfn);
		if (is_bridge(devfn))
			continue;
		interrupt += wrong_interrupt(devfn);
		bars += wrong_bars(devfn);
		parts += wrong_parts(devfn);
		capabilities += wrong_capabilities(devfn);
	}
	census_number_manual("pci.functions", count != 0, 1);
	census_number_manual("pci.identity.fixed", identity, 0);
	census_number_manual("pci.interrupt.line", interrupt, 0);
	census_number_manual("pci.bars", bars, 0);
	census_number_manual("pci.parts", parts, 0);
	census_number_manual("pci.capabilities", capabilities, 0);
}

/* ---- A virtio device ---- */

enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR };
enum common {
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	CONFIG_VECTOR = 0x10,
	QUEUES = 0x12,
	STATUS = 0x14,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_AVAIL = 0x28,
	QUEUE_USED = 0x30,
};
#define NO_VECTOR 0xffff
#define DRIVER 3
#define FEATURES_OK 8
#define DRIVER_OK 4

struct device {
	unsigned devfn, cap[4];
	u64 common, notify, isr;
	u32 multiplier;
};

static u64 structure(unsigned devfn, unsigned type, unsigned *cap)
{
	unsigned at = board_pci_read(devfn, CAPABILITIES) & 0xff;

	for (unsigned n = 0; at && n < 48; n++) {
		u32 head = board_pci_read(devfn, at);
		unsigned bar = board_pci_read(devfn, at + 4) & 0xff;

		if ((head & 0xff) == CAP_VENDOR && head >> 24 == type && bar < BARS) {
			u32 base = board_pci_read(devfn, BAR(bar));

			*cap = at;
			if (!(base & 1))
				return (base & ~15u) + board_pci_read(devfn, at + 8);
		}
		at = head >> 8 & 0xff;
	}
	return 0;
}

static bool open_device(struct device *d, unsigned devfn)
{
	*d = (struct device){ .devfn = devfn };
	if ((board_pci_read(devfn, 0) & 0xffff) != VIRTIO_VENDOR ||
	    board_pci_read(devfn, 0) >> 16 < MODERN)
		return false;
	d->common = structure(devfn, CAP_COMMON, &d->cap[CAP_COMMON]);
	d->notify = structure(devfn, CAP_NOTIFY, &d->cap[CAP_NOTIFY]);
	d->isr = structure(devfn, CAP_ISR, &d->cap[CAP_ISR]);
	if (!d->common || !d->notify || !d->isr)
		return false;
	d->multiplier = board_pci_read(devfn, d->cap[CAP_NOTIFY] + 16);
	board_pci_write(devfn, COMMAND, (board_pci_read(devfn, COMMAND) & 0xffff) | BUSES_ON);
	return true;
}

static u32 get(const struct device *d, enum common at, unsigned size)
{
	u64 p = d->common + at;

	return size == 1 ? *(volatile u8 *)p : size == 2 ? *(volatile u16 *)p : *(volatile u32 *)p;
}

static void set(const struct device *d, enum common at, unsigned size, u32 value)
{
	u64 p = d->common + at;

	if (size == 1)
		*(volatile u8 *)p = (u8)value;
	else if (size == 2)
		*(volatile u16 *)p = (u16)value;
	else
		*(volatile u32 *)p = value;
}

static void reset(const struct device *d)
{
	set(d, STATUS, 1, 0);
	for (unsigned i = 0; i < 10000 && get(d, STATUS, 1); i++)
		x86_pause();
}

static u32 offered(const struct device *d, u32 word)
{
	set(d, DEVICE_FEATURE_SELECT, 4, word);
	return get(d, DEVICE_FEATURE, 4);
}

static void accept(const struct device *d, u32 word, u32 features)
{
	set(d, DRIVER_FEATURE_SELECT, 4, word);
	set(d, DRIVER_FEATURE, 4, features);
}

/* Does the device agree to these features? */
static bool agrees(const struct device *d, u32 low, u32 high)
{
	bool agreed;

	reset(d);
	set(d, STATUS, 1, DRIVER);
	accept(d, 0, low);
	accept(d, 1, high);
	set(d, STATUS, 1, DRIVER | FEATURES_OK);
	agreed = get(d, STATUS, 1) & FEATURES_OK;
	reset(d);
	return agreed;
}

/* "Feature Bits" (2.2), "Device Initialization" (3.1): none but what was offered, and VERSION_1. */
static unsigned wrong_features(const struct device *d)
{
	u32 low = offered(d, 0), high = offered(d, 1);
	unsigned bad = !(high & 1) + (offered(d, 2) != 0);

	bad += !agrees(d, low, high) + !agrees(d, 0, 1);
	for (unsigned bit = 0; bit < 32; bit++) {
		if (!(low & 1u << bit))
			bad += agrees(d, 1u << bit, 1);
		if (!(high & 1u << bit))
			bad += agrees(d, 0, 1 | 1u << bit);
	}
	return bad;
}

static unsigned wrong_status(const struct device *d)
{
	unsigned bad;

	reset(d);
	bad = get(d, STATUS, 1) != 0;
	set(d, STATUS, 1, 1);
	bad += get(d, STATUS, 1) != 1;
	set(d, STATUS, 1, DRIVER);
	bad += get(d, STATUS, 1) != DRIVER;
	reset(d);
	return bad + (get(d, STATUS, 1) != 0);
}

static unsigned msix_capability(unsigned devfn)
{
	unsigned at = board_pci_read(devfn, CAPABILITIES) & 0xff;

	for (unsigned n = 0; at && n < 48; n++, at = board_pci_read(devfn, at) >> 8 & 0xff)
		if ((board_pci_read(devfn, at) & 0xff) == CAP_MSIX)
			return at;
	return 0;
}

/* The MSI-X table's size; 0: there is none. */
static unsigned vectors(unsigned devfn)
{
	unsigned at = msix_capability(devfn);

	return at ? (board_pci_read(devfn, at) >> 16 & 0x7ff) + 1 : 0;
}

static unsigned wrong_vector(const struct device *d, enum common at)
{
	unsigned bad = get(d, at, 2) != NO_VECTOR, count = vectors(d->devfn);

	if (!count)
		return bad;
	set(d, at, 2, count - 1);
	bad += get(d, at, 2) != count - 1;
	set(d, at, 2, count);
	bad += get(d, at, 2) != NO_VECTOR;
	set(d, at, 2, 0);
	bad += get(d, at, 2) != 0;
	set(d, at, 2, 0x7ff);
	bad += get(d, at, 2) != NO_VECTOR;
	return bad;
}

/* "Common configuration structure layout" (4.1.4.3): each queue, and one behind the last. */
static unsigned wrong_queues(const struct device *d)
{
	unsigned queues = get(d, QUEUES, 2), bad = !queues;

	reset(d);
	bad += wrong_vector(d, CONFIG_VECTOR);
	set(d, QUEUE_SELECT, 2, queues);
	bad += get(d, QUEUE_SIZE, 2) != 0 || get(d, QUEUE_ENABLE, 2) != 0;
	for (unsigned n = 0; n < queues; n++) {
		u32 size;

		set(d, QUEUE_SELECT, 2, n);
		size = get(d, QUEUE_SIZE, 2);
		bad += get(d, QUEUE_SELECT, 2) != n || !size || (size & (size - 1)) != 0;
		bad += get(d, QUEUE_ENABLE, 2) != 0 || wrong_vector(d, QUEUE_VECTOR);
		set(d, QUEUE_SIZE, 2, size / 2);
		bad += get(d, QUEUE_SIZE, 2) != size / 2;
		for (unsigned at = QUEUE_DESC; at < QUEUE_USED + 8; at += 4) {
			set(d, at, 4, 0x12345670 + at);
			bad += get(d, at, 4) != 0x12345670 + at;
		}
		reset(d);
		set(d, QUEUE_SELECT, 2, n);
		bad += get(d, QUEUE_SIZE, 2) != size || get(d, QUEUE_DESC, 4) != 0;
	}
	return bad;
}

static void devices(void)
{
	unsigned count = 0, status = 0, features = 0, queues = 0;
	struct device d;

	for (unsigned devfn = 0; devfn < FUNCTIONS; devfn++) {
		if (!open_device(&d, devfn))
			continue;
		count++;
		status += wrong_status(&d);
		features += wrong_features(&d);
		queues += wrong_queues(&d);
		reset(&d);
	}
	if (!count)
		return; /* nobody promised any */
	census_number_manual("virtio.status", status, 0);
	census_number_manual("virtio.features", features, 0);
	census_number_manual("virtio.queues", queues, 0);
}

/* ---- One that works: entropy ---- */

#define ENTROPY 4u
#define RING 4u
#define WRITE 2
#define VECTOR 0x61
#define BIT_OF (u32) BIT(1)
#define ISA 0x60 /* PIRQ routes of 00:01.0 */
#define PIIX3 (1u << 3)

static struct {
	struct {
		u64 address;
		u32 len;
		u16 flags, next;
	} d[RING];
	volatile u16 avail[4 + RING];
	volatile u32 used[2 + 2 * RING] ALIGNED(4);
	u8 data[64];
} ring ALIGNED(4096);

static void start(const struct device *d, unsigned vector)
{
	memset(&ring, 0, sizeof(ring));
	reset(d);
	set(d, STATUS, 1, DRIVER);
	accept(d, 0, 0);
	accept(d, 1, 1);
	set(d, STATUS, 1, DRIVER | FEATURES_OK);
	set(d, QUEUE_SELECT, 2, 0);
	set(d, QUEUE_SIZE, 2, RING);
	set(d, QUEUE_VECTOR, 2, vector);
	set(d, QUEUE_DESC, 4, (u32)(uintptr_t)ring.d);
	set(d, QUEUE_AVAIL, 4, (u32)(uintptr_t)ring.avail);
	set(d, QUEUE_USED, 4, (u32)(uintptr_t)ring.used);
	set(d, QUEUE_ENABLE, 2, 1);
	set(d, STATUS, 1, DRIVER | FEATURES_OK | DRIVER_OK);
}

/* One buffer more, of 16 bytes.  The used ring's index, after a while. */
static u16 request(const struct device *d)
{
	u16 n = ring.avail[1];
	u32 off = get(d, QUEUE_NOTIFY_OFF, 2);

	ring.d[n % RING].address = (u64)(uintptr_t)ring.data;
	ring.d[n % RING].len = 16;
	ring.d[n % RING].flags = WRITE;
	ring.avail[2 + n % RING] = n % RING;
	ring.avail[1] = (u16)(n + 1);
	__asm__ volatile("mfence" ::: "memory");
	*(volatile u16 *)(d->notify + off * d->multiplier) = 0;
	for (unsigned i = 0; i < 2000 && ring.used[0] >> 16 != n + 1u; i++)
		x86_pause();
	return (u16)(ring.used[0] >> 16);
}

/* What its command register switches off does not answer: each kind of BAR by itself. */
static void decoding(const struct device *d)
{
	unsigned off = 0, on = 0;

	for (unsigned n = 0; n < BARS; n++) {
		u32 bar = board_pci_read(d->devfn, BAR(n));

		if (!bar_size(d->devfn, n) || !(bar & 1))
			continue;
		board_pci_write(d->devfn, COMMAND, BUSES_ON & ~1u);
		off += x86_inb((u16)(bar & ~3u)) != 0xff;
	}
	board_pci_write(d->devfn, COMMAND, BUSES_ON & ~2u);
	off += get(d, QUEUES, 2) != 0xffff;
	board_pci_write(d->devfn, COMMAND, BUSES_ON & ~1u);
	on += get(d, QUEUES, 2) == 0xffff;
	board_pci_write(d->devfn, COMMAND, BUSES_ON);
	on += get(d, QUEUES, 2) == 0xffff;
	census_number_manual("pci.decode.off", off, 0);
	census_number_manual("pci.decode.on", on, 0);
}

static void rings(const struct device *d)
{
	bool in_order = true, zero = true;

	start(d, NO_VECTOR);
	for (unsigned n = 0; n < 2 * RING; n++) {
		in_order &= request(d) == n + 1;
		in_order &= ring.used[1 + 2 * (n % RING)] == n % RING &&
			    ring.used[2 + 2 * (n % RING)] == 16;
	}
	for (unsigned i = 0; i < 16; i++)
		zero &= !ring.data[i];
	census_number_manual("virtio.ring.used", in_order, 1);
	census_number_manual("virtio.ring.written", zero, 0);
	census_number_manual("virtio.ring.beyond", ring.data[16], 0);
	census_number_manual("virtio.queue.enabled", get(d, QUEUE_ENABLE, 2), 1);
	start(d, NO_VECTOR);
	board_pci_write(d->devfn, COMMAND, BUSES_ON & ~MASTER);
	census_number_manual("pci.master.off", request(d), 0);
	board_pci_write(d->devfn, COMMAND, BUSES_ON);
}

/* Is the line up at the interrupt controllers? */
static u64 line(unsigned irq)
{
	u16 chip = irq < 8 ? 0x20 : 0xa0;

	x86_outb(chip, 0x0a);
	return x86_inb(chip) >> irq % 8 & 1;
}

/* The pin, its gate, its route, its status bit, and what takes it back. */
static void pins(const struct device *d)
{
	unsigned irq = board_pci_read(d->devfn, INTERRUPT) & 15;
	u32 routes = board_pci_read(PIIX3, ISA);

	x86_outb((u16)(0x4d0 + irq / 8), (u8)(1 << irq % 8));
	start(d, NO_VECTOR);
	census_number_manual("pci.pin.down", line(irq), 0);
	request(d);
	census_number_manual("pci.pin.up", line(irq), 1);
	census_number_manual("pci.pin.status",
			     !!(board_pci_read(d->devfn, COMMAND) & STATUS_INTERRUPT), 1);
	board_pci_write(d->devfn, COMMAND, BUSES_ON | INTX_OFF);
	census_number_manual("pci.pin.off", line(irq), 0);
	census_number_manual("pci.pin.off.status",
			     !!(board_pci_read(d->devfn, COMMAND) & STATUS_INTERRUPT), 1);
	board_pci_write(d->devfn, COMMAND, BUSES_ON);
	census_number_manual("pci.pin.on", line(irq), 1);
	if (board_pci_read(PIIX3, 0) == 0x70008086) {
		board_pci_write(PIIX3, ISA, routes | 0x80808080);
		census_number_manual("pci.route.off", line(irq), 0);
		board_pci_write(PIIX3, ISA, routes);
		census_number_manual("pci.route.on", line(irq), 1);
	}
	census_number_manual("virtio.isr", *(volatile u8 *)d->isr, 1);
	census_number_manual("virtio.isr.read-clears", *(volatile u8 *)d->isr, 0);
	census_number_manual("pci.pin.acknowledged", line(irq), 0);
	request(d);
	census_number_manual("pci.pin.again", line(irq), 1);
	reset(d);
	census_number_manual("virtio.reset.pin", line(irq), 0);
	x86_outb(0x4d0, 0);
	x86_outb(0x4d1, 0);
}

static bool end_it(struct rt_frame *frame)
{
	if (frame->vector != VECTOR)
		return false;
	*board_apic(0xb0) = 0;
	return true;
}

static u64 message(void)
{
	u64 irr = *board_apic(BOARD_IRR_3) & BIT_OF;

	rt_hook = end_it;
	board_open();
	rt_hook = NULL;
	return irr;
}


#define MSIX_ENABLE 0x80000000u
#define MSIX_MASK 0x40000000u

/* "MSI-X Operation" (6.8.3): what is masked waits, and is sent once as the mask goes. */
static void messages(const struct device *d)
{
	unsigned cap = msix_capability(d->devfn), irq = board_pci_read(d->devfn, INTERRUPT) & 15;
	u32 head, table, pba;
	volatile u32 *entry, *pending;

	if (!cap)
		return;
	head = board_pci_read(d->devfn, cap) & 0x7fffu << 16;
	table = board_pci_read(d->devfn, cap + 4);
	pba = board_pci_read(d->devfn, cap + 8);
	entry = (volatile u32 *)(u64)((board_pci_read(d->devfn, BAR(table & 7)) & ~15u) +
				      (table & ~7u));
	pending =
	    (volatile u32 *)(u64)((board_pci_read(d->devfn, BAR(pba & 7)) & ~15u) + (pba & ~7u));
	census_number_manual("msix.masked-first", entry[3] & 1, 1);
	board_pci_write(d->devfn, cap, head | MSIX_ENABLE);
	start(d, 0);
	entry[0] = 0xfee00000u | (*board_apic(0x20) >> 24) << 12;
	entry[1] = 0;
	entry[2] = VECTOR;
	request(d);
	census_number_manual("msix.masked", message(), 0);
	census_number_manual("msix.pending", *pending & 1, 1);
	entry[3] = 0;
	census_number_manual("msix.unmasked", message(), BIT_OF);
	census_number_manual("msix.not-pending", *pending & 1, 0);
	request(d);
	census_number_manual("msix.sent", message(), BIT_OF);
	census_number_manual("msix.no-pin", line(irq), 0);
	board_pci_write(d->devfn, cap, head | MSIX_ENABLE | MSIX_MASK);
	request(d);
	census_number_manual("msix.all-masked", message(), 0);
	board_pci_write(d->devfn, cap, head | MSIX_ENABLE);
	census_number_manual("msix.all-unmasked", message(), BIT_OF);
	set(d, QUEUE_VECTOR, 2, NO_VECTOR);
	request(d);
	census_number_manual("msix.no-vector", message(), 0);
	entry[3] = 1;
	board_pci_write(d->devfn, cap, head);
	reset(d);
}

static void entropy(void)
{
	struct device d;

	for (unsigned devfn = 0; devfn < FUNCTIONS; devfn++) {
		if (!open_device(&d, devfn) || board_pci_read(devfn, 0) >> 16 != MODERN + ENTROPY)
			continue;
		decoding(&d);
		rings(&d);
		pins(&d);
		messages(&d);
		return;
	}
}

void census_virtio(void)
{
	if (!census_virtual())
		return;
	functions();
	devices();
	entropy();
}
