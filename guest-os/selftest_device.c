/*
 * selftest_device.c - devices on the PCI bus, as far as they are there
 *
 * Owns: the last sectors of the disk while a check runs; it puts back what was there.
 */
#include "bootinfo.h"
#include "clock.h"
#include "icmp.h"
#include "lib/string.h"
#include "net.h"
#include "page.h"
#include "pci.h"
#include "pci_interrupt.h"
#include "random.h"
#include "sched.h"
#include "selftest.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_net.h"

#define AT_ONCE 8
#define PATIENCE_US 2000000
#define LOCAL_TYPE 0x88b5 /* IEEE 802: for experiments */
#define FRAME 64
#define DRAW 2048
#define PINGS 3

/* ---- PCI ---- */

static bool in_ram(u64 start, u64 end)
{
	for (unsigned i = 0; i < bootinfo_ram_count; i++)
		if (start < bootinfo_ram[i].end && bootinfo_ram[i].start < end)
			return true;
	return false;
}

static void host_bridge(struct check *c, const void *argument UNUSED)
{
	expect_equal(c, "class of the first function", pci_devices[0].class >> 8, 0x0600);
	expect_equal(c, "its ID", pci_read32(&pci_devices[0], PCI_ID),
		     (u32)pci_devices[0].device << 16 | pci_devices[0].vendor);
}

static void bars(struct check *c, const void *argument UNUSED)
{
	for (const struct pci_device *d = pci_devices; d < pci_devices + pci_count; d++) {
		unsigned count = pci_read8(d, PCI_HEADER_TYPE) & 0x7f ? 0 : PCI_BARS;

		for (unsigned n = 0; n < count; n++) {
			struct pci_bar bar = pci_bar(d, n);

			expect_equal(c, "size but for one bit", bar.size & (bar.size - 1), 0);
			if (bar.size)
				expect_equal(c, "base within size", bar.base & (bar.size - 1), 0);
			if (bar.size && bar.memory && bar.base)
				expect_true(c, "a place beside RAM",
					    !in_ram(bar.base, bar.base + bar.size));
			n += bar.wide;
		}
	}
}

static void absent_function(struct check *c, const void *argument UNUSED)
{
	const struct pci_device none = { .bus = 0xff, .slot = 31, .function = 7 };

	expect_equal(c, "ID", pci_read32(&none, PCI_ID), 0xffffffff);
}

/* ---- Entropy ---- */

static void draws_differ(struct check *c, const void *argument UNUSED)
{
	u64 a[2] = { 0 }, b[2] = { 0 };

	expect_equal(c, "a draw", (u64)random_from_device(a, sizeof(a)), 0);
	expect_equal(c, "a draw", (u64)random_from_device(b, sizeof(b)), 0);
	expect_true(c, "another one", a[0] != b[0] && a[1] != b[1]);
}

/* Half of the bits, give or take eight standard deviations. */
static void draws_balance(struct check *c, const void *argument UNUSED)
{
	u64 *draw = page_alloc();
	unsigned ones = 0;

	if (!draw) {
		expect_true(c, "a page", false);
		return;
	}
	expect_equal(c, "a draw", (u64)random_from_device(draw, DRAW), 0);
	for (unsigned i = 0; i < DRAW * 8; i++)
		ones += draw[i / 64] >> i % 64 & 1;
	expect_between(c, "ones", ones, DRAW * 4 - 512, DRAW * 4 + 512);
	page_free(draw);
}

/* ---- Console ---- */

static void console_takes_text(struct check *c, const void *argument UNUSED)
{
	static const char text[] = "# the second console\n";

	for (int i = 0; i < 3; i++)
		expect_equal(c, "write", (u64)virtio_console_write(text, sizeof(text) - 1), 0);
}

/* ---- Disk ---- */

static u64 last_sectors(void)
{
	return virtio_blk_sectors() - PAGE_SIZE / DISK_SECTOR;
}

static void fill(u8 *page, u8 seed)
{
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		page[i] = (u8)(seed + i * 13 + i / 256);
}

/* Write a pattern where something else was, read it, and put back what was there. */
static void write_and_read(struct check *c, u8 *old, u8 *new, u8 *got)
{
	u64 at = last_sectors();
	int written;

	expect_equal(c, "read", (u64)virtio_blk_read(at, old, PAGE_SIZE), 0);
	for (u8 seed = 1; seed < 4 && !c->what; seed++) {
		fill(new, seed);
		written = virtio_blk_write(at, new, PAGE_SIZE);
		expect_true(c, "a write, unless it is read-only",
			    !written == !virtio_blk_read_only());
		expect_equal(c, "flush", (u64)virtio_blk_flush(), 0);
		expect_equal(c, "read", (u64)virtio_blk_read(at, got, PAGE_SIZE), 0);
		expect_equal(c, "difference", (u64)memcmp(got, written ? old : new, PAGE_SIZE), 0);
	}
	if (!virtio_blk_read_only())
		expect_equal(c, "write back", (u64)virtio_blk_write(at, old, PAGE_SIZE), 0);
}

static void disk_holds(struct check *c, const void *argument UNUSED)
{
	u8 *page[3] = { page_alloc(), page_alloc(), page_alloc() };

	expect_true(c, "pages", page[0] && page[1] && page[2]);
	expect_between(c, "sectors", virtio_blk_sectors(), PAGE_SIZE / DISK_SECTOR, ~0ull);
	if (!c->what)
		write_and_read(c, page[0], page[1], page[2]);
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
		if (page[i])
			page_free(page[i]);
}

static void disk_ends(struct check *c, const void *argument UNUSED)
{
	void *page = page_alloc();

	if (!page) {
		expect_true(c, "a page", false);
		return;
	}
	expect_true(c, "no sector behind the last",
		    virtio_blk_read(virtio_blk_sectors(), page, DISK_SECTOR) != 0);
	expect_true(c, "not half a transfer",
		    virtio_blk_read(virtio_blk_sectors() - 1, page, 2 * DISK_SECTOR) != 0);
	expect_equal(c, "the last sector",
		     (u64)virtio_blk_read(virtio_blk_sectors() - 1, page, DISK_SECTOR), 0);
	page_free(page);
}

/* Requests for the same sectors, all on their way before the first is waited for. */
static void disk_many(struct check *c, const void *argument UNUSED)
{
	struct virtio_blk_request *request[AT_ONCE];
	u8 *data[AT_ONCE];
	u64 interrupts = pci_interrupt_count();

	for (unsigned i = 0; i < AT_ONCE; i++) {
		request[i] = page_alloc();
		data[i] = page_alloc();
		if (!request[i] || !data[i]) {
			expect_true(c, "pages", false);
			return; /* a check that fails may leave something behind */
		}
		request[i]->type = VIRTIO_BLK_IN;
		request[i]->sector = last_sectors();
		expect_equal(c, "submit", (u64)virtio_blk_submit(request[i], data[i], PAGE_SIZE),
			     0);
	}
	for (unsigned i = 0; i < AT_ONCE && !c->what; i++) {
		expect_equal(c, "status", (u64)virtio_blk_wait(request[i]), 0);
		expect_equal(c, "difference", (u64)memcmp(data[i], data[0], PAGE_SIZE), 0);
	}
	expect_between(c, "interrupts", pci_interrupt_count() - interrupts, 1, ~0ull);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		page_free(request[i]);
		page_free(data[i]);
	}
}

/* ---- Network ---- */

static void card_address(struct check *c, const void *argument UNUSED)
{
	const u8 *mac = virtio_net_mac();
	u8 any = 0;

	for (unsigned i = 0; i < NET_MAC_SIZE; i++)
		any |= mac[i];
	expect_true(c, "an address", any);
	expect_equal(c, "the bit of groups", mac[0] & 1, 0);
}

/* To ourselves: no other card is to take it. */
static void card_sends(struct check *c, const void *argument UNUSED)
{
	u8 frame[FRAME] = { 0 };
	struct net_header *h = (void *)frame;
	u64 before = virtio_net_sent(), limit = clock_us() + PATIENCE_US;

	memcpy(h->to, virtio_net_mac(), NET_MAC_SIZE);
	memcpy(h->from, virtio_net_mac(), NET_MAC_SIZE);
	h->type = wire16(LOCAL_TYPE);
	expect_equal(c, "send", (u64)virtio_net_send(frame, sizeof(frame)), 0);
	while (virtio_net_sent() == before && clock_us() < limit)
		sched_wait(SCHED_NET, limit);
	expect_equal(c, "frames that left", virtio_net_sent() - before, 1);
}

static void gateway_answers(struct check *c, const void *argument UNUSED)
{
	u64 us;

	for (u16 i = 1; i <= PINGS; i++)
		expect_equal(c, "ping", (u64)icmp_ping(net_config.gateway, i, PATIENCE_US, &us), 0);
}

static const struct selftest pci_tests[] = {
	{ "PCI: the first function is the host bridge", host_bridge, NULL },
	{ "PCI: base addresses fit their sizes, and lie beside RAM", bars, NULL },
	{ "PCI: an absent function reads as ones", absent_function, NULL },
};

static const struct selftest random_tests[] = {
	{ "virtio-rng: two draws differ", draws_differ, NULL },
	{ "virtio-rng: ones and zeros balance", draws_balance, NULL },
};

static const struct selftest console_tests[] = {
	{ "virtio-console: it takes text", console_takes_text, NULL },
};

static const struct selftest disk_tests[] = {
	{ "virtio-blk: what is written can be read", disk_holds, NULL },
	{ "virtio-blk: it ends where it says", disk_ends, NULL },
	{ "virtio-blk: many requests at once", disk_many, NULL },
};

static const struct selftest card_tests[] = {
	{ "virtio-net: it has an address", card_address, NULL },
	{ "virtio-net: a frame leaves", card_sends, NULL },
};

static const struct selftest gateway_tests[] = {
	{ "virtio-net: the gateway answers pings", gateway_answers, NULL },
};

const struct selftest_group selftest_pci = { pci_tests, ARRAY_SIZE(pci_tests) };
const struct selftest_group selftest_random = { random_tests, ARRAY_SIZE(random_tests) };
const struct selftest_group selftest_console = { console_tests, ARRAY_SIZE(console_tests) };
const struct selftest_group selftest_disk = { disk_tests, ARRAY_SIZE(disk_tests) };
const struct selftest_group selftest_card = { card_tests, ARRAY_SIZE(card_tests) };
const struct selftest_group selftest_gateway = { gateway_tests, ARRAY_SIZE(gateway_tests) };
