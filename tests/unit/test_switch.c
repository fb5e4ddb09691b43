/*
 * test_switch.c - cables and the switch: hv/net/link.c, hv/net/switch.c
 */
#include "fake_host.h"
#include "machine.h"

#include "lib/fmt.h"
#include "net/capture.h"
#include "net/switch.h"

void test_switch_register(void);

#define LINKS 4

static struct net_switch net;
static struct link card[LINKS];
static unsigned told[LINKS];

static void ready(struct link *link)
{
	told[link - card]++;
}

static void begin(unsigned links)
{
	fake_host_reset();
	switch_init(&net, "net");
	memset(told, 0, sizeof(told));
	for (unsigned i = 0; i < links; i++) {
		char name[20];

		snprintf(name, sizeof(name), "vm%u:0", i);
		CU_ASSERT_EQUAL_FATAL(link_init(&card[i], name, ready), 0);
		CU_ASSERT_EQUAL(switch_plug(&net, &card[i]), 0);
	}
}

static void end(unsigned links)
{
	for (unsigned i = 0; i < links; i++)
		link_free(&card[i]);
	CU_ASSERT_TRUE(fake_host_clean());
}

/* Address number n; 0 is everybody. */
static void address(u8 *mac, unsigned n)
{
	memset(mac, n ? 0 : 0xff, LINK_MAC);
	if (n) {
		mac[0] = 2;
		mac[4] = (u8)(n >> 8);
		mac[5] = (u8)n;
	}
}

static void send(unsigned from, unsigned to_address, unsigned from_address, u32 len)
{
	u8 frame[LINK_FRAME_MAX + 1] = { 0 };

	address(frame, to_address);
	address(frame + LINK_MAC, from_address);
	frame[12] = 8;
	frame[13] = (u8)from_address;
	link_send(&card[from], frame, len);
}

/* Frames waiting at a card, which are taken. */
static unsigned take(unsigned at)
{
	u8 frame[LINK_FRAME_MAX];
	unsigned n = 0;

	while (link_receive(&card[at], frame))
		n++;
	return n;
}

static void expect(unsigned at0, unsigned at1, unsigned at2, unsigned at3)
{
	CU_ASSERT_EQUAL(take(0), at0);
	CU_ASSERT_EQUAL(take(1), at1);
	CU_ASSERT_EQUAL(take(2), at2);
	CU_ASSERT_EQUAL(take(3), at3);
}

static void test_learning(void)
{
	begin(4);
	send(0, 2, 1, 60); /* nobody knows 2 */
	expect(0, 1, 1, 1);
	send(1, 1, 2, 60); /* 1 is at card 0 */
	expect(1, 0, 0, 0);
	send(0, 2, 1, 60);
	expect(0, 1, 0, 0);
	send(0, 0, 1, 60); /* everybody but the sender */
	expect(0, 1, 1, 1);
	send(2, 1, 2, 60); /* 2 has moved to card 2 */
	expect(1, 0, 0, 0);
	send(0, 2, 1, 60);
	expect(0, 0, 1, 0);
	send(2, 2, 3, 60); /* to where it comes from: the receiver has heard it */
	expect(0, 0, 0, 0);
	CU_ASSERT_EQUAL(net.flooded, 2);
	CU_ASSERT_EQUAL(net.forwarded, 4);
	CU_ASSERT_EQUAL(net.filtered, 1);
	end(4);
}

static void test_aging(void)
{
	begin(3);
	send(0, 0, 1, 60);
	take(1), take(2);
	fake_host.now += SWITCH_AGE_NS - 1;
	send(1, 1, 2, 60);
	CU_ASSERT_EQUAL(take(2), 0);
	fake_host.now += 1;
	send(1, 1, 2, 60); /* too long ago: flooded again */
	CU_ASSERT_EQUAL(take(2), 1);
	end(3);
}

/* Bridges' own frames are not forwarded, nor is one whose source is a group. */
static void test_not_forwarded(void)
{
	u8 frame[60] = { 0x01, 0x80, 0xc2, 0, 0, 0x0f, 2 };

	begin(2);
	link_send(&card[0], frame, sizeof(frame));
	CU_ASSERT_EQUAL(take(1), 0);
	frame[5] = 0x10;
	link_send(&card[0], frame, sizeof(frame));
	CU_ASSERT_EQUAL(take(1), 1);
	frame[6] = 3;
	link_send(&card[0], frame, sizeof(frame));
	CU_ASSERT_EQUAL(take(1), 0);
	CU_ASSERT_EQUAL(card[0].counters.refused, 1);
	CU_ASSERT_EQUAL(net.filtered, 2);
	end(2);
}

static void test_lengths(void)
{
	u8 frame[LINK_FRAME_MAX];

	begin(2);
	send(0, 0, 1, LINK_FRAME_MIN - 1);
	send(0, 0, 1, LINK_FRAME_MAX + 1);
	send(0, 0, 1, 0);
	CU_ASSERT_EQUAL(card[0].counters.refused, 3);
	CU_ASSERT_FALSE(link_waiting(&card[1]));
	send(0, 0, 1, LINK_FRAME_MIN);
	send(0, 0, 1, LINK_FRAME_MAX);
	CU_ASSERT_EQUAL(link_receive(&card[1], frame), LINK_FRAME_MIN);
	CU_ASSERT_EQUAL(frame[13], 1);
	CU_ASSERT_TRUE(link_waiting(&card[1]));
	CU_ASSERT_EQUAL(link_receive(&card[1], frame), LINK_FRAME_MAX);
	CU_ASSERT_EQUAL(link_receive(&card[1], frame), 0);
	CU_ASSERT_EQUAL(card[0].counters.sent, 2);
	CU_ASSERT_EQUAL(card[0].counters.sent_bytes, LINK_FRAME_MIN + LINK_FRAME_MAX);
	CU_ASSERT_EQUAL(card[1].counters.received_bytes, LINK_FRAME_MIN + LINK_FRAME_MAX);
	end(2);
}

/* A receiver that sleeps loses the newest frames, is told once, and gets the others in order. */
static void test_queue(void)
{
	u8 frame[LINK_FRAME_MAX];
	bool ordered = true;

	begin(2);
	card[1].head = card[1].tail = ~0u - 10; /* it runs over in between */
	for (unsigned i = 0; i < LINK_QUEUE + 7; i++)
		send(0, 0, 1 + i % 200, 60);
	CU_ASSERT_EQUAL(told[1], 1);
	CU_ASSERT_EQUAL(card[1].counters.dropped, 7);
	for (unsigned i = 0; i < LINK_QUEUE; i++)
		ordered &= link_receive(&card[1], frame) == 60 && frame[13] == 1 + i % 200;
	CU_ASSERT_TRUE(ordered);
	CU_ASSERT_FALSE(link_waiting(&card[1]));
	send(0, 0, 1, 60);
	CU_ASSERT_EQUAL(told[1], 2);
	link_drain(&card[1]);
	CU_ASSERT_EQUAL(take(1), 0);
	CU_ASSERT_EQUAL(card[1].counters.received, LINK_QUEUE);
	end(2);
}

/* An address that the host gave belongs to its card alone. */
static void test_given_address(void)
{
	begin(4);
	link_free(&card[3]);
	switch_unplug(&card[0]);
	address(card[0].mac, 9);
	CU_ASSERT_EQUAL(switch_plug(&net, &card[0]), 0);
	send(1, 9, 1, 60); /* known without having said a word */
	expect(1, 0, 0, 0);
	send(1, 0, 9, 60); /* a liar */
	expect(0, 0, 0, 0);
	CU_ASSERT_EQUAL(card[1].counters.refused, 1);
	send(2, 9, 2, 60);
	expect(1, 0, 0, 0);
	send(0, 0, 9, 60);
	expect(0, 1, 1, 0);
	/* A second card with it is not let in. */
	CU_ASSERT_EQUAL(link_init(&card[3], "late", ready), 0);
	address(card[3].mac, 9);
	CU_ASSERT_EQUAL(switch_plug(&net, &card[3]), -HOST_EINVAL);
	CU_ASSERT_PTR_NULL(card[3].net);
	end(4);
}

/* A card that makes up addresses does not make the switch forget those of others. */
static void test_flood_of_addresses(void)
{
	begin(3);
	send(0, 0, 1, 60);
	send(1, 0, 2, 60);
	for (unsigned i = 0; i < 5000; i++) {
		fake_host.now += 1000;
		send(2, 1, 1000 + i, 60);
		link_drain(&card[0]);
		link_drain(&card[1]);
	}
	link_drain(&card[2]);
	send(0, 2, 1, 60);
	send(1, 1, 2, 60);
	CU_ASSERT_EQUAL(take(2), 0);
	CU_ASSERT_EQUAL(take(0), 1);
	CU_ASSERT_EQUAL(take(1), 1);
	end(3);
}

static void test_unplug(void)
{
	begin(3);
	send(0, 0, 1, 60);
	send(1, 1, 2, 60);
	switch_unplug(&card[0]);
	switch_unplug(&card[0]); /* harmless */
	CU_ASSERT_EQUAL(take(0), 1); /* what it had */
	link_drain(&card[1]);
	link_drain(&card[2]);
	send(1, 1, 2, 60); /* 1 is forgotten */
	CU_ASSERT_EQUAL(take(0), 0);
	CU_ASSERT_EQUAL(take(2), 1);
	send(0, 2, 1, 60); /* into nothing */
	CU_ASSERT_EQUAL(take(1), 0);
	CU_ASSERT_EQUAL(card[0].counters.sent, 2);
	CU_ASSERT_EQUAL(switch_plug(&net, &card[0]), 0);
	send(0, 2, 1, 60);
	CU_ASSERT_EQUAL(take(1), 1);
	end(3);
}

/* As if another CPU pulled the plug while a frame is on its way into the switch. */
static void test_unplug_in_flight(void)
{
	u8 frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2 };

	begin(2);
	switch_unplug(&card[0]);
	card[0].net = &net; /* as the other CPU has read it */
	switch_input(&card[0], frame, sizeof(frame));
	CU_ASSERT_EQUAL(take(1), 0);
	card[0].net = NULL;
	end(2);
}

static void test_ports(void)
{
	static struct link many[SWITCH_PORTS + 1];
	struct link *first = &many[0];

	begin(0);
	for (unsigned i = 0; i < SWITCH_PORTS; i++) {
		CU_ASSERT_EQUAL_FATAL(link_init(&many[i], "x", ready), 0);
		CU_ASSERT_EQUAL(switch_plug(&net, &many[i]), 0);
	}
	CU_ASSERT_EQUAL(link_init(&many[SWITCH_PORTS], "y", ready), 0);
	CU_ASSERT_EQUAL(switch_plug(&net, &many[SWITCH_PORTS]), -HOST_EBUSY);
	switch_unplug(first);
	CU_ASSERT_EQUAL(switch_plug(&net, &many[SWITCH_PORTS]), 0);
	CU_ASSERT_PTR_EQUAL(switch_find(&net, "y"), &many[SWITCH_PORTS]);
	CU_ASSERT_PTR_NULL(switch_find(&net, "z"));
	for (unsigned i = 0; i <= SWITCH_PORTS; i++)
		link_free(&many[i]);
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(link_init(&many[0], "x", ready), -HOST_ENOMEM);
	link_free(&many[0]);
	fake_host.allocations_left = ~0ull;
	CU_ASSERT_TRUE(fake_host_clean());
}

static char shown[2048];

static void put(struct fmt_sink *sink UNUSED, const char *text, size_t len)
{
	strncat(shown, text, len);
}

static void test_show(void)
{
	struct fmt_sink sink = { put };
	static u8 ring[4096];
	struct capture capture;
	u8 file[4096];

	begin(2);
	capture_init(&capture, ring, sizeof(ring));
	switch_capture(&card[1], &capture);
	send(0, 0, 0x102, 60);
	send(1, 0, 0x103, 70);
	CU_ASSERT_EQUAL(capture.frames, 2); /* one that it gets, one that it sends */
	CU_ASSERT_EQUAL(capture_take(&capture, file, sizeof(file)), 24 + 16 + 60 + 16 + 70);
	switch_capture(&card[1], NULL);
	send(0, 0, 0x102, 60);
	CU_ASSERT_FALSE(capture_waiting(&capture));
	shown[0] = '\0';
	switch_show(&net, &sink);
	CU_ASSERT_PTR_NOT_NULL(strstr(shown, "net: frames forwarded 0, flooded 3, filtered 0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(shown, "vm0:0            sent 2 (120 bytes)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(shown, "addresses: 02:00:00:00:01:03"));
	end(2);
}

void test_switch_register(void)
{
	CU_pSuite suite = CU_add_suite("switch", NULL, NULL);

	CU_ADD_TEST(suite, test_learning);
	CU_ADD_TEST(suite, test_aging);
	CU_ADD_TEST(suite, test_not_forwarded);
	CU_ADD_TEST(suite, test_lengths);
	CU_ADD_TEST(suite, test_queue);
	CU_ADD_TEST(suite, test_given_address);
	CU_ADD_TEST(suite, test_flood_of_addresses);
	CU_ADD_TEST(suite, test_unplug);
	CU_ADD_TEST(suite, test_unplug_in_flight);
	CU_ADD_TEST(suite, test_ports);
	CU_ADD_TEST(suite, test_show);
}
