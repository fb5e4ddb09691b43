/*
 * census_virtio.c - a virtual machine's virtio devices, whatever they are
 *
 * They are not those of the bare machine, so nothing is compared: the standards say what holds for
 * any device.  Violations are counted; two devices are driven, the source of entropy and a console.
 *
 * Sources: OASIS, "Virtual I/O Device (VIRTIO) Version 1.2", "Virtio Over PCI Bus" (4.1), "Device
 * Status Field" (2.1), "Split Virtqueues" (2.7), "Console Device" (5.3); PCI-SIG, "PCI Local Bus
 * Specification" 3.0, "MSI-X Operation" (6.8.3); Intel, "82371SB (PIIX3)", "PIRQx Route Control
 * Registers".
 */
#include "census.h"
#include "census_board.h"
#include "census_board_pci.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

#define VIRTIO_VENDOR 0x1af4
#define MODERN 0x1040

/* ---- A virtio device ---- */

enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };
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
	reset(d);
	set(d, STATUS, 1, DRIVER);
	accept(d, 0, ~0u); /* and takes that back */
	accept(d, 0, 0);
	accept(d, 1, 1);
	set(d, STATUS, 1, DRIVER | FEATURES_OK);
	bad += !(get(d, STATUS, 1) & FEATURES_OK);
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

static void start_queue(const struct device *d, unsigned queue, unsigned vector, u32 features)
{
	memset(&ring, 0, sizeof(ring));
	reset(d);
	set(d, STATUS, 1, DRIVER);
	accept(d, 0, features);
	accept(d, 1, 1);
	set(d, STATUS, 1, DRIVER | FEATURES_OK);
	set(d, QUEUE_SELECT, 2, queue);
	set(d, QUEUE_SIZE, 2, RING);
	set(d, QUEUE_VECTOR, 2, vector);
	set(d, QUEUE_DESC, 4, (u32)(uintptr_t)ring.d);
	set(d, QUEUE_AVAIL, 4, (u32)(uintptr_t)ring.avail);
	set(d, QUEUE_USED, 4, (u32)(uintptr_t)ring.used);
	set(d, QUEUE_ENABLE, 2, 1);
	set(d, STATUS, 1, DRIVER | FEATURES_OK | DRIVER_OK);
}

static void start_with(const struct device *d, unsigned vector, u32 features)
{
	start_queue(d, 0, vector, features);
}

static void start(const struct device *d, unsigned vector)
{
	start_with(d, vector, 0);
}

/* One buffer more.  The used ring's index, after a while. */
static u16 request_of(const struct device *d, u8 *buffer, u32 len)
{
	u16 n = ring.avail[1];
	u32 off = get(d, QUEUE_NOTIFY_OFF, 2);

	ring.d[n % RING].address = (u64)(uintptr_t)buffer;
	ring.d[n % RING].len = len;
	ring.d[n % RING].flags = WRITE;
	ring.avail[2 + n % RING] = n % RING;
	ring.avail[1] = (u16)(n + 1);
	__asm__ volatile("mfence" ::: "memory");
	*(volatile u16 *)(d->notify + off * d->multiplier) = 0;
	for (unsigned i = 0; i < 2000 && ring.used[0] >> 16 != n + 1u; i++)
		x86_pause();
	return (u16)(ring.used[0] >> 16);
}

/* One of 16 bytes. */
static u16 request(const struct device *d)
{
	return request_of(d, ring.data, 16);
}

/* What its command register switches off does not answer: each kind of BAR by itself. */
static void decoding(const struct device *d)
{
	unsigned off = 0, on = 0;

	for (unsigned n = 0; n < BARS; n++) {
		u32 bar = board_pci_read(d->devfn, BAR(n));

		if (!board_pci_bar_size(d->devfn, n) || !(bar & 1))
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

#define LARGE 4096u

/* What it says to have written, it has. "Device Operation" (5.4.6) */
static void long_request(const struct device *d)
{
	static u8 buffer[LARGE];
	u32 len, same = 0;

	memset(buffer, 0xee, LARGE);
	start(d, NO_VECTOR);
	request_of(d, buffer, LARGE);
	len = MIN(ring.used[2], LARGE);
	for (u32 i = len - MIN(len, 64); i < len; i++)
		same += buffer[i] == 0xee;
	census_number_manual("virtio.ring.length", len && same < 16, 1);
	same = 0;
	for (u32 i = len; i < LARGE; i++)
		same += buffer[i] == 0xee;
	census_number_manual("virtio.ring.rest", same, LARGE - len);
	reset(d);
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
	census_number_manual("pci.pin.acknowledged.status",
			     !!(board_pci_read(d->devfn, COMMAND) & STATUS_INTERRUPT), 0);
	request(d);
	census_number_manual("pci.pin.again", line(irq), 1);
	reset(d);
	census_number_manual("virtio.reset.pin", line(irq), 0);
	x86_outb(0x4d0, 0);
	x86_outb(0x4d1, 0);
}

#define EVENT_IDX (1u << 29)
#define NO_INTERRUPT 1

/* Which of four buffers the driver is told of, by bits. */
static unsigned told_of(const struct device *d)
{
	unsigned told = 0;

	for (unsigned n = 0; n < RING; n++) {
		request(d);
		told |= (*(volatile u8 *)d->isr & 1u) << n;
	}
	return told;
}

/* "Used Buffer Notification Suppression" (2.7.7): by a flag, or by the buffer one waits for. */
static void notifications(const struct device *d)
{
	unsigned wrong = 0;

	start(d, NO_VECTOR);
	ring.avail[0] = NO_INTERRUPT;
	census_number_manual("virtio.told.none", told_of(d), 0);
	ring.avail[0] = 0;
	census_number_manual("virtio.told.all", told_of(d), BITS(RING - 1, 0));
	if (!(offered(d, 0) & EVENT_IDX))
		return;
	for (u16 event = 0; event < RING; event++) {
		start_with(d, NO_VECTOR, EVENT_IDX);
		ring.avail[2 + RING] = event;
		wrong += told_of(d) != 1u << event;
	}
	reset(d);
	census_number_manual("virtio.told.event", wrong, 0);
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

/* ---- One that speaks: a console ---- */

#define CONSOLE 3u
#define TRANSMIT 1u
#define LINES 6u

/* A buffer of two pieces; true: the device has used it. */
static bool say(const struct device *d, const char *text, unsigned len, unsigned first)
{
	u16 n = ring.avail[1];
	u32 off = get(d, QUEUE_NOTIFY_OFF, 2);

	ring.d[0].address = (u64)(uintptr_t)text;
	ring.d[0].len = first;
	ring.d[0].flags = 1;
	ring.d[0].next = 1;
	ring.d[1].address = (u64)(uintptr_t)text + first;
	ring.d[1].len = len - first;
	ring.d[1].flags = 0;
	ring.avail[2 + n % RING] = 0;
	ring.avail[1] = (u16)(n + 1);
	__asm__ volatile("mfence" ::: "memory");
	*(volatile u16 *)(d->notify + off * d->multiplier) = (u16)TRANSMIT;
	for (unsigned i = 0; i < 20000 && ring.used[0] >> 16 != n + 1u; i++)
		(void)get(d, STATUS, 1);
	return ring.used[0] >> 16 == n + 1u;
}

/*
 * Cases that are told by the console itself, each line in two buffers of two pieces: a byte too
 * few, twice, or in another place, and there is no such case.  "Device Operation" (5.3.6)
 */
static void speak(const struct device *d)
{
	char nonce[40] = "", line[96];

	rt_word("nonce", nonce, sizeof(nonce));
	start_queue(d, TRANSMIT, NO_VECTOR, 0);
	for (unsigned n = 0; n < LINES; n++) {
		unsigned len, half;

		fmt_string(line, sizeof(line), "@%s case virtio.console.%u got=0x1 manual=0x1\n",
			   nonce, n);
		len = (unsigned)strlen(line);
		half = 5 + 9 * n;
		if (!say(d, line, half, 1 + n) || !say(d, line + half, len - half, 7))
			break;
	}
	reset(d);
}

#define EMERGENCY 8 /* emerg_wr */
#define EMERG_WRITE 4u

/*
 * A record by emergency writes, a character each: of 32 bits, 8 are said.
 * "Device configuration layout" (5.3.4)
 */
static void cry(const struct device *d)
{
	unsigned cap;
	u64 config = structure(d->devfn, CAP_DEVICE, &cap);
	char nonce[40] = "", line[96];

	rt_word("nonce", nonce, sizeof(nonce));
	fmt_string(line, sizeof(line), "@%s case virtio.console.emergency got=0x1 manual=0x1\n",
		   nonce);
	if (!config || !(offered(d, 0) & EMERG_WRITE)) {
		census_number_manual("virtio.console.emergency", 1, 1);
		return;
	}
	for (const char *c = line; *c; c++)
		*(volatile u32 *)(config + EMERGENCY) = 0x58585800 | (u8)*c;
}

static void consoles(void)
{
	struct device d;

	for (unsigned devfn = 0; devfn < FUNCTIONS && census_virtual(); devfn++) {
		if (!open_device(&d, devfn) || board_pci_read(devfn, 0) >> 16 != MODERN + CONSOLE)
			continue;
		speak(&d);
		cry(&d);
		return;
	}
	census_number_manual("virtio.console.emergency", 1, 1);
	for (unsigned n = 0; n < LINES; n++) { /* where there is none, it is as it should be */
		char name[24];

		fmt_string(name, sizeof(name), "virtio.console.%u", n);
		census_number_manual(name, 1, 1);
	}
}

static bool find_device(struct device *d, unsigned type)
{
	for (unsigned devfn = 0; devfn < FUNCTIONS; devfn++)
		if (open_device(d, devfn) && board_pci_read(devfn, 0) >> 16 == MODERN + type)
			return true;
	return false;
}

static unsigned lines_up(void)
{
	return (unsigned)(line(5) + line(7) + line(10) + line(11));
}

/* Two pins, and a line for each: neither takes the other's. */
static void two_pins(void)
{
	u32 routes = board_pci_read(PIIX3, ISA);
	struct device random, console;
	unsigned both, one;

	if (board_pci_read(PIIX3, 0) != 0x70008086 || !find_device(&random, ENTROPY) ||
	    !find_device(&console, CONSOLE))
		return;
	board_pci_write(PIIX3, ISA, 0x0b0a0705);
	x86_outb(0x4d0, 0xa0);
	x86_outb(0x4d1, 0x0c);
	start(&random, NO_VECTOR);
	request(&random);
	start_queue(&console, TRANSMIT, NO_VECTOR, 0);
	say(&console, "\r\n", 2, 1);
	both = lines_up();
	(void)*(volatile u8 *)random.isr;
	one = lines_up();
	reset(&random);
	reset(&console);
	board_pci_write(PIIX3, ISA, routes);
	x86_outb(0x4d0, 0);
	x86_outb(0x4d1, 0);
	census_number_manual("pci.pins.both", both, 2);
	census_number_manual("pci.pins.one", one, 1);
}

static void entropy(void)
{
	struct device d;

	for (unsigned devfn = 0; devfn < FUNCTIONS; devfn++) {
		if (!open_device(&d, devfn) || board_pci_read(devfn, 0) >> 16 != MODERN + ENTROPY)
			continue;
		decoding(&d);
		rings(&d);
		long_request(&d);
		pins(&d);
		notifications(&d);
		messages(&d);
		return;
	}
}

void census_virtio(void)
{
	consoles();
	if (!census_virtual())
		return;
	board_pci_functions();
	devices();
	entropy();
	two_pins();
}
