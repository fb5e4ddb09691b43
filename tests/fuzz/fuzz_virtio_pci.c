/*
 * fuzz_virtio_pci.c - a driver that does anything to virtio devices, and so do store and network
 *
 * Input: a list of steps, each a byte that says what and a few more that say how.
 */
#include "fuzz.h"

#include <string.h>

#include "dev/virtio_blk.h"
#include "dev/virtio_console.h"
#include "dev/virtio_net.h"
#include "dev/virtio_rng.h"
#include "fake_host.h"
#include "net/switch.h"
#include "vm/state.h"

#define DEVICES 4
#define SECTORS 32
#define STEPS 400
#define DEVFN(n) ((u8)(0x10 + 8 * (n)))
#define RINGS(n) (FUZZ_RAM_BASE + 0x1000 * (n))
#define QUEUE_SIZE 16u
#define AVAILABLE 0x200
#define USED 0x300
#define STATE_SIZE 2048
#define HEADER(ring) (FUZZ_RAM_BASE + 0x8000 + 0x40 * (ring)) /* of requests */
#define PACKET (FUZZ_RAM_BASE + 0x9000) /* TCP over IPv4, TCP over IPv6 */

static struct fuzz_machine m;
static struct virtio_blk blk;
static struct virtio_net net;
static struct virtio_console console;
static struct virtio_rng rng;
static struct virtio_pci *const device[DEVICES] = { &blk.pci, &net.pci, &console.pci, &rng.pci };
static struct net_switch lan;
static struct link peer;

/* ---- Outside ------------------------------------------------------------------ */

static struct {
	struct store store;
	u8 data[SECTORS * STORE_SECTOR];
	bool slow, bad;
	struct store_request *waiting[VIRTIO_BLK_SLOTS + 1];
	unsigned count;
} disk;

static void perform(struct store_request *request)
{
	u8 *at = disk.data + request->sector * STORE_SECTOR;

	request->result = disk.bad ? STORE_ERROR : STORE_OK;
	for (unsigned i = 0; i < request->segments && !disk.bad; i++) {
		struct store_segment *s = &request->segment[i];

		if (request->operation == STORE_READ)
			memcpy(s->data, at, s->len);
		else
			memcpy(at, s->data, s->len);
		at += s->len;
	}
}

static bool submit(struct store *store UNUSED, struct store_request *request)
{
	if (disk.slow) {
		check(disk.count < ARRAY_SIZE(disk.waiting));
		disk.waiting[disk.count++] = request;
	} else {
		perform(request);
	}
	return !disk.slow;
}

static const struct store_ops store_ops = { .submit = submit };

static void finish(unsigned n)
{
	struct store_request *request;

	if (!disk.count)
		return;
	request = disk.waiting[n % disk.count];
	disk.waiting[n % disk.count] = disk.waiting[disk.count - 1];
	disk.count--;
	perform(request);
	request->done(request);
}

static void peer_ready(struct link *link UNUSED)
{
}

static void show(void *context UNUSED, const char *text, size_t len)
{
	volatile char last = text[len - 1];

	check(len && len <= VIRTIO_CONSOLE_CHUNK);
	(void)last;
}

static void fill(void *context UNUSED, void *to, size_t len)
{
	memset(to, 0x5a, len);
}

static void run_works(void)
{
	for (unsigned i = 0; i < 64 && m.bus.works_posted; i++)
		bus_run_works(&m.bus);
}

/* ---- Steps -------------------------------------------------------------------- */

static void write_common(struct virtio_pci *p, unsigned field, unsigned size, u64 value)
{
	virtio_pci_write(&p->function, field, size, value);
}

/* What every driver does, so that the rest is reached. */
static void set_up(struct virtio_pci *p, unsigned n, u64 features)
{
	unsigned queues = p->virtio->ops->queues;

	pci_config_write(&m.pci, DEVFN(n), PCI_COMMAND, 2,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_IO);
	write_common(p, VIRTIO_PCI_STATUS, 1, 0);
	write_common(p, VIRTIO_PCI_STATUS, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	features = (features & p->virtio->offered) | VIRTIO_F_VERSION_1;
	for (unsigned word = 0; word < 2; word++) {
		write_common(p, VIRTIO_PCI_DRIVER_FEATURE_SELECT, 4, word);
		write_common(p, VIRTIO_PCI_DRIVER_FEATURE, 4, (u32)(features >> (32 * word)));
	}
	write_common(p, VIRTIO_PCI_STATUS, 1, VIRTIO_FEATURES_OK);
	for (unsigned q = 0; q < queues; q++) {
		u64 base = RINGS(2 * n + q);

		write_common(p, VIRTIO_PCI_QUEUE_SELECT, 2, q);
		write_common(p, VIRTIO_PCI_QUEUE_SIZE, 2, QUEUE_SIZE);
		write_common(p, VIRTIO_PCI_QUEUE_DESC, 8, base);
		write_common(p, VIRTIO_PCI_QUEUE_DRIVER, 8, base + AVAILABLE);
		write_common(p, VIRTIO_PCI_QUEUE_DEVICE, 8, base + USED);
		write_common(p, VIRTIO_PCI_QUEUE_ENABLE, 2, 1);
	}
	write_common(p, VIRTIO_PCI_STATUS, 1, VIRTIO_DRIVER_OK);
}

static void describe(unsigned ring, struct fuzz_input *in)
{
	struct virtqueue_descriptor d = {
		.address = FUZZ_RAM_BASE + fuzz_take(in, 2),
		.len = (u32)fuzz_take(in, 2),
		.flags = (u16)fuzz_take(in, 1) & 7,
		.next = (u16)fuzz_take(in, 1) % (QUEUE_SIZE + 1),
	};
	unsigned n = (unsigned)fuzz_take(in, 1) % QUEUE_SIZE;

	fuzz_ram_write(&m, RINGS(ring) + 16 * n, &d, sizeof(d));
}

static void offer_head(unsigned ring, u8 head)
{
	u64 available = RINGS(ring) + AVAILABLE;
	u16 *idx = fuzz_ram(&m, available + 2, 2);
	u16 *place = fuzz_ram(&m, available + 4 + 2 * (*idx % QUEUE_SIZE), 2);

	*place = head;
	(*idx)++;
}

/* A request with a header, data and a place for a status, more or less as a driver makes them. */
static void request(unsigned ring, struct fuzz_input *in)
{
	u8 type = (u8)fuzz_take(in, 1), place = (u8)fuzz_take(in, 1);
	u64 a[2] = { type & 7, place % (SECTORS + 2) }; /* a disk's; a card's below */
	u32 len = (u32)fuzz_take(in, 2), write = (type & 7) != 1;
	u64 data = PACKET + (place & 1) * 0x100 + (place & 0x40 ? place : 0);
	struct virtqueue_descriptor d[] = {
		{ HEADER(ring), ring < 2 ? 16 : 12, VIRTQUEUE_NEXT, 1 },
		{ data, type & 8 ? len : len % 20 * STORE_SECTOR, VIRTQUEUE_NEXT, 2 },
		{ HEADER(ring) + 32, 1 + (type & 8 ? -len % STORE_SECTOR : 0), VIRTQUEUE_WRITE, 0 },
	};
	struct virtio_net_header header = { .flags = type & 1,
					    .gso_type = type >> 4 & 5,
					    .gso_size = (u16)(1400 - place),
					    .csum_start = 34,
					    .csum_offset = place };

	if (ring < 2)
		d[1].flags |= write ? VIRTQUEUE_WRITE : 0;
	else
		memcpy(a, &header, sizeof(header));
	fuzz_ram_write(&m, HEADER(ring), a, sizeof(a));
	fuzz_ram_write(&m, RINGS(ring), d, sizeof(d));
	offer_head(ring, 0);
}

static void save_and_load(unsigned n)
{
	u8 data[STATE_SIZE];
	struct state_buf buf = { .data = data, .size = sizeof(data) };
	u32 version, length;
	int failed = 0;

	if (device[n]->virtio->resetting || virtio_busy(device[n]->virtio) || console.writing)
		return;
	if (n == 0)
		virtio_blk_save(&blk, &buf);
	else if (n == 1)
		virtio_net_save(&net, &buf);
	else if (n == 2)
		virtio_console_save(&console, &buf);
	else
		virtio_rng_save(&rng, &buf);
	check(!buf.error);
	buf.size = buf.at;
	buf.at = 0;
	(void)state_next_section(&buf, &version, &length);
	failed = n == 0	  ? virtio_blk_load(&blk, &buf)
		 : n == 1 ? virtio_net_load(&net, &buf)
		 : n == 2 ? virtio_console_load(&console, &buf)
			  : virtio_rng_load(&rng, &buf);
	check(!failed);
}

static void outside(struct fuzz_input *in)
{
	u8 frame[LINK_FRAME_MAX] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 7 };
	u8 what = (u8)fuzz_take(in, 1);

	switch (what % 7) {
	case 0:
		finish(what / 7);
		break;
	case 1:
		disk.slow = what & 0x80;
		disk.bad = what & 0x40;
		break;
	case 2:
		link_send(&peer, frame, 14 + what * 6);
		(void)link_receive(&peer, frame);
		break;
	case 3:
		(void)virtio_console_input(&console, what);
		break;
	case 4:
		run_works();
		break;
	case 5:
		virtio_reset(device[what / 7 % DEVICES]->virtio);
		break;
	case 6:
		pci_reset(&m.pci);
		break;
	}
}

static void step(struct fuzz_input *in)
{
	u8 what = (u8)fuzz_take(in, 1);
	unsigned n = what >> 3 & 3, ring = what >> 3 & 7, size = 1u << (what >> 6);
	struct virtio_pci *p = device[n];
	u8 bytes[16];

	switch (what & 7) {
	case 0:
		set_up(p, n, fuzz_take(in, 6));
		break;
	case 1:
		virtio_pci_write(&p->function, fuzz_take(in, 2) % VIRTIO_PCI_BAR_SIZE, size,
				 fuzz_take(in, size));
		break;
	case 2:
		(void)virtio_pci_read(&p->function, fuzz_take(in, 2) % VIRTIO_PCI_BAR_SIZE, size);
		break;
	case 3:
		describe(ring, in);
		break;
	case 4:
		if (what & 0x40)
			request(ring, in);
		else
			offer_head(ring, (u8)fuzz_take(in, 1) % (QUEUE_SIZE + 1));
		virtio_notify(device[ring / 2]->virtio, ring % 2);
		break;
	case 5:
		size = MIN(size, 4u);
		pci_config_write(&m.pci, DEVFN(n), (unsigned)fuzz_take(in, 1) & ~(size - 1), size,
				 (u32)fuzz_take(in, size));
		(void)pci_config_read(&m.pci, DEVFN(n), (unsigned)fuzz_take(in, 1) & ~3u, 4);
		break;
	case 6:
		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = (u8)fuzz_take(in, 1);
		fuzz_ram_write(&m, FUZZ_RAM_BASE + fuzz_take(in, 2), bytes, sizeof(bytes));
		break;
	default:
		if (what & 0x80)
			save_and_load(n);
		else
			outside(in);
		break;
	}
}

/* ---- A run -------------------------------------------------------------------- */

static struct fuzz_kept kept[8];

static void keep(void *at, size_t size)
{
	static unsigned count;

	fuzz_keep(&kept[count++], at, size);
}

/* Once: queues of links and the like take long to make. */
static void make(void)
{
	static const u8 mac[LINK_MAC] = { 2, 0, 0, 0, 0, 1 };

	fake_host_reset();
	fuzz_machine_init(&m, NULL);
	disk.store = (struct store){ .ops = &store_ops,
				     .name = "a store with a long name",
				     .sectors = SECTORS,
				     .volatile_cache = true };
	disk.store.name[sizeof(disk.store.name) - 1] = '\0';
	check(!virtio_blk_init(&blk, &m.bus, &m.pci, DEVFN(0), &disk.store, true));
	check(!virtio_net_init(&net, &m.bus, &m.pci, DEVFN(1), "vm:0", mac, false));
	virtio_console_init(&console, &m.bus, &m.pci, DEVFN(2), show, NULL, true);
	virtio_rng_init(&rng, &m.bus, &m.pci, DEVFN(3), fill, NULL, false);
	switch_init(&lan, "lan");
	check(!link_init(&peer, "peer", peer_ready));
	check(!switch_plug(&lan, &net.link) && !switch_plug(&lan, &peer));
	keep(&m, sizeof(m));
	keep(&disk, sizeof(disk));
	keep(&blk, sizeof(blk));
	keep(&net, sizeof(net));
	keep(&console, sizeof(console));
	keep(&rng, sizeof(rng));
	keep(&lan, sizeof(lan));
	keep(&peer, sizeof(peer));
}

static void begin(void)
{
	static const u8 packets[2][40] = {
		"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0\x45\0\0\0\0\0\0\0\x40\6\0\0\xa\0\0\1\xa",
		"\2\0\0\0\0\2\2\0\0\0\0\1\x86\xdd\x60\0\0\0\0\0\6\x40",
	};
	const u8 tcp_size = 0x50;
	struct virtio_blk_slot *slot[VIRTIO_BLK_SLOTS];

	if (!kept[0].at)
		make();
	memcpy(slot, blk.slot, sizeof(slot)); /* made when they are needed, and free again */
	fuzz_restore(kept, ARRAY_SIZE(kept));
	memcpy(blk.slot, slot, sizeof(slot));
	fake_host.now = 1000;
	for (unsigned i = 0; i < 2; i++)
		memset(m.half[i], 0, FUZZ_RAM_SIZE);
	for (unsigned i = 0; i < 2; i++) {
		fuzz_ram_write(&m, PACKET + 0x100 * i, packets[i], sizeof(packets[i]));
		fuzz_ram_write(&m, PACKET + 0x100 * i + (i ? 66 : 46), &tcp_size, 1);
	}
}

static void end(void)
{
	while (disk.count || m.bus.works_posted) {
		finish(0);
		run_works();
		if (!disk.count && !virtio_busy(&blk.virtio))
			break;
	}
	check(!virtio_busy(&blk.virtio) && !fake_host.timers);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	begin();
	for (unsigned i = 0; i < STEPS && in.left; i++)
		step(&in);
	end();
	return 0;
}
