/*
 * test_capture.c - frames as a pcap file: hv/net/capture.c
 *
 * What comes out is read back as the format's description has it, byte by byte.
 */
#include "fake_host.h"
#include "machine.h"

#include "net/capture.h"

void test_capture_register(void);

#define RING 1024

static struct capture capture;
static u8 ring[RING];
static u8 file[1 << 20];
static size_t size;

static void begin(void)
{
	fake_host_reset();
	size = 0;
	capture_init(&capture, ring, RING);
}

/* All that there is, in pieces of at most most bytes, behind what was taken before. */
static void take(u32 most)
{
	u32 len;

	while ((len = capture_take(&capture, file + size, most))) {
		CU_ASSERT_TRUE(len <= most);
		size += len;
	}
}

static u32 number(size_t at)
{
	return file[at] | (u32)file[at + 1] << 8 | (u32)file[at + 2] << 16 |
	       (u32)file[at + 3] << 24;
}

static void frame(u32 len, u8 first)
{
	u8 data[RING];

	for (u32 i = 0; i < len; i++)
		data[i] = (u8)(first + i);
	capture_frame(&capture, data, len);
}

static void test_header(void)
{
	static const u8 expected[24] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
					 0,    0,    0,	   0,	 0xff, 0xff, 0, 0, 1, 0, 0, 0 };

	begin();
	CU_ASSERT_TRUE(capture_waiting(&capture));
	take(5);
	CU_ASSERT_EQUAL(size, sizeof(expected));
	CU_ASSERT_FALSE(memcmp(file, expected, sizeof(expected)));
	CU_ASSERT_FALSE(capture_waiting(&capture));
}

static void test_record(void)
{
	begin();
	fake_host.now = 5123456789;
	frame(60, 7);
	take(RING);
	CU_ASSERT_EQUAL(size, 24 + 16 + 60);
	CU_ASSERT_EQUAL(number(24), host_epoch() + 5);
	CU_ASSERT_EQUAL(number(28), 123456);
	CU_ASSERT_EQUAL(number(32), 60);
	CU_ASSERT_EQUAL(number(36), 60);
	CU_ASSERT_EQUAL(file[40], 7);
	CU_ASSERT_EQUAL(file[99], 66);
}

/* A reader that is slow: what does not fit is left out as a whole; all the rest is in order. */
static void test_overrun(void)
{
	size_t at = 24;
	unsigned records = 0;

	begin();
	for (unsigned i = 0; i < 3000; i++) {
		frame(14 + i * 7 % 300, (u8)i);
		if (i % 3 == 0)
			size += capture_take(&capture, file + size, 1 + i % 700);
	}
	take(RING);
	CU_ASSERT_TRUE(capture.dropped > 100);
	CU_ASSERT_EQUAL(capture.frames + capture.dropped, 3000);
	for (; at < size; records++) {
		u32 len = number(at + 8);

		CU_ASSERT_EQUAL_FATAL(number(at + 12), len);
		CU_ASSERT_TRUE_FATAL(at + 16 + len <= size);
		CU_ASSERT_EQUAL(file[at + 16 + len - 1], (u8)(file[at + 16] + len - 1));
		at += 16 + len;
	}
	CU_ASSERT_EQUAL(at, size);
	CU_ASSERT_EQUAL(records, capture.frames);
}

static unsigned readies;

static void count_ready(struct capture *c UNUSED)
{
	readies++;
}

/* The ring may be filled to its last byte. */
static void test_full(void)
{
	begin();
	take(RING);
	capture.ready = count_ready;
	frame(RING - 16, 1);
	CU_ASSERT_EQUAL(capture.frames, 1);
	frame(0, 1);
	CU_ASSERT_EQUAL(capture.dropped, 1);
	CU_ASSERT_EQUAL(readies, 1); /* told once, until it is empty again */
	take(RING);
	CU_ASSERT_EQUAL(size, 24 + RING);
	frame(RING - 15, 1);
	CU_ASSERT_EQUAL(capture.dropped, 2);
}

void test_capture_register(void)
{
	CU_pSuite suite = CU_add_suite("capture", NULL, NULL);

	CU_ADD_TEST(suite, test_header);
	CU_ADD_TEST(suite, test_record);
	CU_ADD_TEST(suite, test_overrun);
	CU_ADD_TEST(suite, test_full);
}
