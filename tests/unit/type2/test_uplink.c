/*
 * test_uplink.c - hv/type2/uplink.c and netsocket.c: frames through a real socket, and what is none
 *
 * The guest's card is a link of the same switch; the other end of the cable is a socket of ours.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"
#include "type2/netsocket.h"
#include "type2/uplink.h"

void test_uplink_register(void);

#define PATIENCE_MS 10000
#define FIRST_PORT 20000
#define PORTS 20000

static struct link card;
static struct failure why;
static unsigned port; /* ours; the uplink's is the next one */

static void ready(struct link *link UNUSED)
{
}

static void sleep_ms(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* The next frame that comes to the card; 0: none does. */
static u32 next_frame(u8 *frame)
{
	u32 len = 0;

	for (unsigned ms = 0; ms < PATIENCE_MS && !len; ms++) {
		len = link_receive(&card, frame);
		if (!len)
			sleep_ms();
	}
	return len;
}

static void fill(u8 *frame, size_t len, u8 with)
{
	memset(frame, with, len);
	memset(frame, 0xff, LINK_MAC); /* to everybody */
	frame[LINK_MAC] = 2;	       /* from one machine */
}

static bool read_soon(int fd, u8 *frame, ssize_t len)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms++) {
		if (recv(fd, frame, LINK_FRAME_MAX, MSG_DONTWAIT) == len)
			return true;
		sleep_ms();
	}
	return false;
}

static int open_uplink(void)
{
	struct net_switch *net;
	int fd = -1;

	for (port = FIRST_PORT + (unsigned)getpid() % PORTS; fd < 0; port += 2)
		fd = netsocket_open(port + 1, port, &why);
	port -= 2;
	net = uplink_open(fd, "test");
	CU_ASSERT_PTR_NOT_NULL_FATAL(net);
	CU_ASSERT_EQUAL_FATAL(link_init(&card, "card", ready), 0);
	CU_ASSERT_EQUAL_FATAL(switch_plug(net, &card), 0);
	uplink_start_thread();
	return fd;
}

/* One after the other: it is one cable. */
static void test_cable(void)
{
	u8 frame[LINK_FRAME_MAX + 100], seen[LINK_FRAME_MAX];
	int peer;

	open_uplink();
	fill(frame, 100, 1);
	for (unsigned i = 0; i < 20; i++) { /* nobody is there yet */
		link_send(&card, frame, 60);
		sleep_ms();
	}
	peer = netsocket_open(port, port + 1, &why);
	CU_ASSERT_TRUE_FATAL(peer >= 0);
	link_send(&card, frame, 100);
	CU_ASSERT_TRUE(read_soon(peer, seen, 100));
	CU_ASSERT_EQUAL(memcmp(seen, frame, 100), 0);

	frame[LINK_MAC] = 4; /* another machine */
	CU_ASSERT_EQUAL(send(peer, frame, LINK_FRAME_MAX, 0), LINK_FRAME_MAX);
	CU_ASSERT_EQUAL(next_frame(seen), LINK_FRAME_MAX);
	fill(frame, sizeof(frame), 3); /* too long: none comes, nor the beginning of it */
	frame[LINK_MAC] = 4;
	CU_ASSERT_EQUAL(send(peer, frame, sizeof(frame), 0), sizeof(frame));
	CU_ASSERT_EQUAL(send(peer, frame, 0, 0), 0); /* no end */
	sleep_ms();
	CU_ASSERT_EQUAL(send(peer, frame, 200, 0), 200);
	CU_ASSERT_EQUAL(next_frame(seen), 200);
	CU_ASSERT_PTR_NULL(strstr(fake_log, "gone"));
	close(peer);
}

static void test_port_taken(void)
{
	CU_ASSERT_EQUAL(netsocket_open(port + 1, 9, &why), -1);
	CU_ASSERT_EQUAL(why.status, FAILURE_TEMPORARY);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "another process has port"));
}

static bool refused(int fd, enum failure_status status)
{
	why = (struct failure){ 0 };
	return !netsocket_check(fd, &why) && why.status == status;
}

static void test_given(void)
{
	static const int good[] = { SOCK_DGRAM, SOCK_SEQPACKET };
	int ends[2], closed;

	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, good[i], 0, ends), 0);
		CU_ASSERT_TRUE(netsocket_check(ends[0], &why));
		close(ends[0]);
		close(ends[1]);
	}
	closed = ends[1];
	CU_ASSERT_TRUE(refused(closed, FAILURE_NO_INPUT));
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CU_ASSERT_TRUE(refused(ends[0], FAILURE_DATA));
	close(ends[0]);
	close(ends[1]);
	ends[0] = open("/proc/self/exe", O_RDONLY); /* a file, as a disk image would be */
	CU_ASSERT_TRUE(refused(ends[0], FAILURE_DATA));
	close(ends[0]);
}

void test_uplink_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: a cable", NULL, NULL);

	CU_add_test(suite, "frames, and what is none", test_cable);
	CU_add_test(suite, "a port that is taken", test_port_taken);
	CU_add_test(suite, "descriptors that are given", test_given);
}
