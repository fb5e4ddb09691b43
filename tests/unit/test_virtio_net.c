/* test_virtio_net.c - a card and its link: dev/virtio_net.c */
#include "virtio_driver.h"

#include "dev/section.h"
#include "dev/virtio_net.h"
#include "fake_host.h"
#include "net/switch.h"

void test_virtio_net_register(void);

#define BUFFERS 0x60000ull
#define HEADER sizeof(struct virtio_net_header)
#define RX VIRTIO_NET_RX
#define TX VIRTIO_NET_TX

static const u8 mac[LINK_MAC] = { 0x52, 0x54, 0, 0, 0, 1 };
static const u8 peer_mac[LINK_MAC] = { 0x52, 0x54, 0, 0, 0, 2 };

static struct virtio_machine vm;
static struct virtio_net net;
static struct driver driver;
static struct net_switch lan;
static struct link peer; /* another card, which the test is */
static u8 frame[LINK_FRAME_MAX];

static void peer_ready(struct link *link UNUSED)
{
}

static void start(void)
{
	fake_host_reset();
	vmachine_init(&vm);
	CU_ASSERT_EQUAL(virtio_net_init(&net, &vm.m.bus, &vm.pci, 0x18, "vm:0", mac, true), 0);
	switch_init(&lan, "lan");
	CU_ASSERT_EQUAL(link_init(&peer, "peer", peer_ready), 0);
	CU_ASSERT_EQUAL(switch_plug(&lan, &net.link), 0);
	CU_ASSERT_EQUAL(switch_plug(&lan, &peer), 0);
	driver_init(&driver, &vm, &net.pci);
}

static void start_driver(u64 features)
{
	start();
	CU_ASSERT(driver_start(&driver, features, 64));
}

static void end(void)
{
	virtio_net_free(&net);
	link_free(&peer);
	vmachine_free(&vm);
	CU_ASSERT(fake_host_clean());
}

static void *buffer(unsigned n)
{
	return vmachine_at(&vm, BUFFERS + 2048 * n, 2048);
}

static bool used(unsigned ring, u32 *len)
{
	u32 id;

	return ring_take(&driver.ring[ring], &id, len);
}

/* A frame of len bytes for the peer, in frame[]. */
static void make_frame(u32 len, u8 seed)
{
	for (u32 i = 0; i < sizeof(frame); i++)
		frame[i] = (u8)(seed + i);
	memcpy(frame, peer_mac, LINK_MAC);
	memcpy(frame + LINK_MAC, mac, LINK_MAC);
	(void)len;
}

/* frame[], with that header before it, is sent; the peer's next frame is in frame[]: its length. */
static u32 send(const struct virtio_net_header *header, u32 len)
{
	const struct piece pieces[] = { { BUFFERS, HEADER, false }, { BUFFERS + 512, len, false } };
	u32 written = 77;

	memcpy(buffer(0), header, HEADER);
	memcpy(vmachine_at(&vm, BUFFERS + 512, len), frame, MIN(len, sizeof(frame)));
	ring_add(&driver.ring[TX], pieces, 2);
	driver_kick(&driver, TX);
	CU_ASSERT(used(TX, &written));
	CU_ASSERT_EQUAL(written, 0);
	memset(frame, 0, sizeof(frame));
	return link_receive(&peer, frame);
}

static u16 sum16(const u8 *p, u32 len)
{
	u32 sum = 0;

	for (u32 i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (u32)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

/* ---- Out ----------------------------------------------------------------- */

static void test_bad_frames(void)
{
	const struct virtio_net_header plain = { 0 };
	const struct virtio_net_header tso = { .gso_type = 1, .gso_size = 1000 };
	const struct virtio_net_header ufo = { .gso_type = 3, .gso_size = 1000 };
	const struct virtio_net_header unknown = { .gso_type = 77 };
	const struct piece short_header = { BUFFERS, HEADER - 1, false };
	const struct piece only_header = { BUFFERS, HEADER, false };
	const struct piece writable = { BUFFERS, 100, true };
	u32 len;

	start_driver(0);
	CU_ASSERT_EQUAL(send(&plain, 13), 0);
	CU_ASSERT_EQUAL(send(&plain, LINK_FRAME_MAX + 1), 0);
	CU_ASSERT_EQUAL(send(&plain, 60000), 0);
	CU_ASSERT_EQUAL(send(&tso, 1000), 0);
	CU_ASSERT_EQUAL(send(&ufo, 1000), 0);
	CU_ASSERT_EQUAL(send(&unknown, 1000), 0);
	ring_add(&driver.ring[TX], &short_header, 1);
	ring_add(&driver.ring[TX], &only_header, 1);
	ring_add(&driver.ring[TX], &writable, 1);
	driver_kick(&driver, TX);
	CU_ASSERT(used(TX, &len) && used(TX, &len) && used(TX, &len));
	CU_ASSERT_EQUAL(net.refused, 9);
	CU_ASSERT(!(net.virtio.status & VIRTIO_NEEDS_RESET));
	end();
}

static void test_bad_checksum_places(void)
{
	static const u16 bad[][2] = {
		{ 100, 0 }, { 99, 0 }, { 34, 65 }, { 65535, 65535 }, { 0, 99 }
	};

	start_driver(VIRTIO_NET_F_CSUM);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct virtio_net_header header = { .flags = VIRTIO_NET_NEEDS_CSUM,
							  .csum_start = bad[i][0],
							  .csum_offset = bad[i][1] };

		make_frame(100, 1);
		CU_ASSERT_EQUAL(send(&header, 100), 0);
	}
	end();
}

static void test_send(void)
{
	const struct virtio_net_header plain = { 0 };
	u8 sent[LINK_FRAME_MAX];

	start_driver(0);
	for (u32 len = LINK_FRAME_MIN; len <= LINK_FRAME_MAX; len += 47) {
		make_frame(len, (u8)len);
		memcpy(sent, frame, sizeof(sent));
		CU_ASSERT_EQUAL(send(&plain, len), len);
		CU_ASSERT_EQUAL(memcmp(frame, sent, len), 0);
	}
	end();
}

static void test_send_checksum(void)
{
	const struct virtio_net_header header = { .flags = VIRTIO_NET_NEEDS_CSUM,
						  .csum_start = 34,
						  .csum_offset = 6 };

	start_driver(VIRTIO_NET_F_CSUM);
	make_frame(101, 9);
	CU_ASSERT_EQUAL(send(&header, 101), 101);
	/* With the pseudo header, whose sum was in the field, all add up to ones. */
	CU_ASSERT_EQUAL(sum16(frame + 34, 101 - 34), (u16) ~((49 << 8) + 50));
	/* Not negotiated: the frame is as it is. */
	CU_ASSERT(driver_start(&driver, 0, 64));
	make_frame(101, 9);
	CU_ASSERT_EQUAL(send(&header, 101), 101);
	CU_ASSERT_EQUAL(frame[40], 49);
	end();
}

static void test_send_large(void)
{
	const struct virtio_net_header header = { .flags = VIRTIO_NET_NEEDS_CSUM,
						  .gso_type = VIRTIO_NET_GSO_TCPV4,
						  .gso_size = 1400,
						  .csum_start = 34,
						  .csum_offset = 16 };
	const struct piece pieces[] = { { BUFFERS, HEADER, false },
					{ BUFFERS + 512, 54, false },
					{ BUFFERS + 4096, 60000, false } };
	u32 len, payload = 0, frames = 0;
	u8 *p;

	start_driver(VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4);
	p = vmachine_at(&vm, BUFFERS, 4096);
	memcpy(p, &header, HEADER);
	make_frame(54, 0);
	memcpy(frame + 12, "\x08\0\x45\0\xea\x88\0\1\0\0\x40\6\0\0\xa\0\0\1\xa\0\0\2", 22);
	memset(frame + 34, 0, 20);
	frame[46] = 0x50;
	memcpy(p + 512, frame, 54);
	ring_add(&driver.ring[TX], pieces, 3);
	driver_kick(&driver, TX);
	CU_ASSERT(used(TX, &len));
	while ((len = link_receive(&peer, frame)) != 0) {
		CU_ASSERT(len <= 1454);
		CU_ASSERT_EQUAL(sum16(frame + 14, 20), 0xffff);
		payload += len - 54;
		frames++;
	}
	CU_ASSERT_EQUAL(payload, 60000);
	CU_ASSERT_EQUAL(frames, 43);
	CU_ASSERT_EQUAL(driver.ring[TX].kicks, 1);
	end();
}

/* ---- In ------------------------------------------------------------------ */

static void give_buffers(unsigned count, u32 len)
{
	for (unsigned i = 0; i < count; i++) {
		const struct piece piece = { BUFFERS + 2048 * (driver.ring[RX].added % 32), len,
					     true };

		ring_add(&driver.ring[RX], &piece, 1);
	}
	driver_kick(&driver, RX);
}

static void peer_sends(u32 len, u8 seed)
{
	make_frame(len, seed);
	memcpy(frame, mac, LINK_MAC);
	memcpy(frame + LINK_MAC, peer_mac, LINK_MAC);
	link_send(&peer, frame, len);
}

static void test_receive(void)
{
	u32 len;

	start_driver(0);
	give_buffers(4, 1530);
	peer_sends(1000, 3);
	CU_ASSERT(vm.posts > 0); /* from outside nothing is touched, only told */
	CU_ASSERT(!used(RX, &len));
	vmachine_work(&vm);
	CU_ASSERT(used(RX, &len));
	CU_ASSERT_EQUAL(len, HEADER + 1000);
	CU_ASSERT_EQUAL(((struct virtio_net_header *)buffer(0))->num_buffers, 1);
	CU_ASSERT_EQUAL(((struct virtio_net_header *)buffer(0))->flags, 0);
	CU_ASSERT_EQUAL(memcmp((u8 *)buffer(0) + HEADER, frame, 1000), 0);
	end();
}

static void test_frames_wait(void)
{
	u32 len;

	start_driver(VIRTIO_F_EVENT_IDX);
	for (unsigned i = 0; i < 10; i++)
		peer_sends(100 + i, (u8)i);
	vmachine_work(&vm);
	CU_ASSERT(!used(RX, &len));
	give_buffers(4, 1530);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT(used(RX, &len));
		CU_ASSERT_EQUAL(len, HEADER + 100 + i); /* in order */
	}
	CU_ASSERT(!used(RX, &len));
	give_buffers(16, 1530);
	for (unsigned i = 4; i < 10; i++)
		CU_ASSERT(used(RX, &len) && len == HEADER + 100 + i);
	CU_ASSERT_EQUAL(net.link.counters.dropped, 0);
	end();
}

static void test_small_buffers(void)
{
	u32 len;

	start_driver(0);
	give_buffers(2, 200);
	peer_sends(500, 1);
	peer_sends(100, 2);
	vmachine_work(&vm);
	CU_ASSERT(used(RX, &len) && len == 0);
	CU_ASSERT(used(RX, &len) && len == HEADER + 100);
	CU_ASSERT_EQUAL(net.too_long, 1);
	end();
}

static void test_readable_buffer(void)
{
	const struct piece piece = { BUFFERS, 1600, false };
	u32 len;

	start_driver(0);
	ring_add(&driver.ring[RX], &piece, 1);
	driver_kick(&driver, RX);
	peer_sends(100, 2);
	vmachine_work(&vm);
	CU_ASSERT(used(RX, &len) && len == 0);
	CU_ASSERT_EQUAL(*(u8 *)buffer(0), 0);
	end();
}

/* Nobody listens: what came before is not given to the next driver. */
static void test_no_driver(void)
{
	u32 len;

	start();
	for (unsigned i = 0; i < 300; i++) {
		peer_sends(100, 2);
		vmachine_work(&vm);
	}
	CU_ASSERT(!link_waiting(&net.link));
	CU_ASSERT(driver_start(&driver, 0, 64));
	give_buffers(1, 1530);
	CU_ASSERT(!used(RX, &len));
	end();
}

/* A stream in, a stream out: notifications and interrupts per frame. */
static void test_exits(void)
{
	const struct virtio_net_header plain = { 0 };
	u32 len;
	unsigned got = 0, sent = 0;

	start_driver(VIRTIO_F_EVENT_IDX);
	driver_msix(&driver);
	give_buffers(32, 1530);
	driver.ring[RX].kicks = vm.msis = 0;
	for (unsigned i = 0; i < 40; i++) {
		for (unsigned k = 0; k < 16; k++)
			peer_sends(1000, (u8)k);
		vmachine_work(&vm);
		for (unsigned k = 0; k < 16; k++)
			got += used(RX, &len);
		give_buffers(16, 1530);
	}
	CU_ASSERT_EQUAL(got, 640);
	CU_ASSERT_EQUAL(vm.msis, 40);
	CU_ASSERT_EQUAL(driver.ring[RX].kicks, 0);
	memcpy(buffer(0), &plain, HEADER);
	for (unsigned i = 0; i < 40; i++) {
		const struct piece piece = { BUFFERS, HEADER + 1000, false };

		for (unsigned k = 0; k < 16; k++)
			ring_add(&driver.ring[TX], &piece, 1);
		driver_kick(&driver, TX);
		while (used(TX, &len))
			sent++;
	}
	CU_ASSERT_EQUAL(sent, 640);
	CU_ASSERT(driver.ring[TX].kicks <= 40);
	end();
}

/* A guest that fills the ring holds its CPU for a bounded time. */
static void test_bounded(void)
{
	const struct piece piece = { BUFFERS, HEADER + 100, false };

	start();
	CU_ASSERT(driver_start(&driver, 0, 256));
	for (unsigned i = 0; i < 256; i++)
		ring_add(&driver.ring[TX], &piece, 1);
	driver_write(&driver, VIRTIO_PCI_NOTIFY + 4, 2, 1);
	CU_ASSERT_EQUAL(vmachine_get16(&vm, driver.ring[TX].used + 2), 64);
	bus_run_works(&vm.m.bus);
	CU_ASSERT_EQUAL(vmachine_get16(&vm, driver.ring[TX].used + 2), 128);
	vmachine_work(&vm);
	CU_ASSERT_EQUAL(vmachine_get16(&vm, driver.ring[TX].used + 2), 256);
	end();
}

/* ---- Configuration, saved states ----------------------------------------- */

static void test_configuration(void)
{
	start_driver(VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS);
	for (unsigned i = 0; i < LINK_MAC; i++)
		CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + i, 1), mac[i]);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 6, 2), VIRTIO_NET_LINK_UP);
	switch_unplug(&net.link);
	virtio_net_link_changed(&net);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_ISR, 1), VIRTIO_PCI_ISR_CONFIG);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 6, 2), 0);
	end();
}

static void test_no_memory(void)
{
	struct virtio_net other;

	start();
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(virtio_net_init(&other, &vm.m.bus, &vm.pci, 0x28, "vm:1", mac, true),
			-HOST_ENOMEM);
	end();
}

static void save(const void *device, struct state_buf *buf)
{
	virtio_net_save(device, buf);
}

static int load(void *device, struct state_buf *buf)
{
	return virtio_net_load(device, buf);
}

static void poke(void)
{
	virtio_notify_all(&net.virtio);
	vmachine_work(&vm);
}

static void test_saved(void)
{
	const struct saved_device d = { &net, sizeof(net), DEVICE_SECTION_VIRTIO_NET,
					save, load,	   poke };
	u8 data[256];
	const char *error;
	size_t size;
	u32 len;

	start_driver(VIRTIO_NET_F_CSUM);
	give_buffers(4, 1530);
	size = saved_write(&d, data, sizeof(data));
	driver_status(&driver, 0);
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), 0);
	peer_sends(200, 1);
	vmachine_work(&vm);
	CU_ASSERT(used(RX, &len) && len == HEADER + 200);
	check_truncated(&d);
	check_corrupt(&d);
	end();
}

void test_virtio_net_register(void)
{
	CU_pSuite s = CU_add_suite("virtio_net", NULL, NULL);

	CU_add_test(s, "frames that are none", test_bad_frames);
	CU_add_test(s, "checksums outside the frame", test_bad_checksum_places);
	CU_add_test(s, "small buffers", test_small_buffers);
	CU_add_test(s, "buffers that cannot be written", test_readable_buffer);
	CU_add_test(s, "no driver", test_no_driver);
	CU_add_test(s, "no memory", test_no_memory);
	CU_add_test(s, "send", test_send);
	CU_add_test(s, "send, the checksum left to the card", test_send_checksum);
	CU_add_test(s, "send a large packet", test_send_large);
	CU_add_test(s, "receive", test_receive);
	CU_add_test(s, "frames wait for buffers", test_frames_wait);
	CU_add_test(s, "notifications and interrupts per frame", test_exits);
	CU_add_test(s, "bounded work", test_bounded);
	CU_add_test(s, "configuration", test_configuration);
	CU_add_test(s, "saved states", test_saved);
}
