/* test_rtc.c - the clock and its CMOS memory: dev/rtc.c */
#include "machine.h"

#include <time.h>

#include "dev/rtc.h"
#include "dev/section.h"

void test_rtc_register(void);

#define EPOCH_2026 1767225600ull /* 2026-01-01 00:00:00, a Thursday */

static struct machine m;
static struct rtc rtc;
static struct line irq;

static u8 get(u8 index)
{
	bus_out(&m.bus, 0x70, 1, index);
	return (u8)bus_in(&m.bus, 0x71, 1);
}

static void set(u8 index, u8 value)
{
	bus_out(&m.bus, 0x70, 1, index);
	bus_out(&m.bus, 0x71, 1, value);
}

static void start_at(u64 epoch)
{
	machine_init(&m);
	irq = (struct line){ 0 };
	rtc_init(&rtc, &m.bus, line_wire(&irq), epoch, MiB(64), 0);
}

static void start(void)
{
	start_at(EPOCH_2026);
}

/* YYYYMMDDhhmmss as digits, from BCD bytes */
static u64 stamp(void)
{
	static const u8 index[] = { 0x32, 9, 8, 7, 4, 2, 0 };
	u64 v = 0;

	for (unsigned i = 0; i < sizeof(index); i++) {
		u8 byte = get(index[i]);

		v = v * 100 + (byte >> 4) * 10u + (byte & 15);
	}
	return v;
}

static void test_bad_dates(void)
{
	start();
	set(0x0b, 0x82); /* SET */
	set(0x32, 0xff);
	for (u8 i = 0; i < 10; i++)
		set(i, 0xff);
	CU_ASSERT_EQUAL(get(0), 0xff); /* stands as written */
	machine_run(&m, 5 * S);
	set(0x0b, 0x02);
	CU_ASSERT_EQUAL(stamp(), 99991231235959); /* the nearest date there is */
	machine_run(&m, 5 * S);
	CU_ASSERT_EQUAL(stamp(), 99991231235959); /* and no further */
	set(0x0b, 0x86);			  /* binary */
	for (u8 i = 0; i < 10; i++)
		set(i, 0);
	set(0x32, 0);
	set(0x0b, 0x06);
	set(0x0b, 0x02);
	CU_ASSERT_EQUAL(stamp(), 19700101000000);
	set(8, 0x13); /* a 13th month, without SET */
	CU_ASSERT_EQUAL(get(8), 0x12);
	set(8, 0x02);
	set(7, 0x31); /* a 31st of February */
	CU_ASSERT_EQUAL(get(7), 0x28);
	start_at(~0ull);
	CU_ASSERT_EQUAL(stamp(), 99991231235959);
}

static void test_calendar(void)
{
	unsigned bad = 0;

	for (u64 t = 0; t < 8000000000ull; t += 86400 * 13 + 3607) {
		time_t when = (time_t)t;
		struct tm tm;

		gmtime_r(&when, &tm);
		start_at(t);
		bad += stamp() != (u64)(tm.tm_year + 1900) * 10000000000ull +
				      (u64)(tm.tm_mon + 1) * 100000000 + (u64)tm.tm_mday * 1000000 +
				      (u64)tm.tm_hour * 10000 + (u64)tm.tm_min * 100 +
				      (u64)tm.tm_sec;
		bad += get(6) != tm.tm_wday + 1;
		set(0x0b, 0x82); /* there and back */
		set(0x0b, 0x02);
		bad += get(6) != tm.tm_wday + 1 || get(7) >> 4 != tm.tm_mday / 10;
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void test_time_passes(void)
{
	start();
	CU_ASSERT_EQUAL(get(0x0a), 0x26);
	CU_ASSERT_EQUAL(get(0x0b), 0x02);
	CU_ASSERT_EQUAL(get(0x0d), 0x80);
	machine_run(&m, S - 1);
	CU_ASSERT_EQUAL(stamp(), 20260101000000);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(stamp(), 20260101000001);
	CU_ASSERT_EQUAL(get(6), 5);
	machine_run(&m, 366ull * 86400 * S);
	CU_ASSERT_EQUAL(stamp(), 20270102000001);
	CU_ASSERT_PTR_NULL(m.bus.alarms); /* a clock that nobody listens to costs nothing */
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x70, 1), 0xff);
	bus_out(&m.bus, 0x70, 2, 0x5532); /* one word: index, data */
	CU_ASSERT_EQUAL(get(0xb2), 0x55); /* bit 7 of the index is not part of it */
}

/* Made when the host has long been up; then the machine is reset, and its clock with it. */
static void test_machine_restarts(void)
{
	machine_init(&m);
	m.now = 5 * S + 300 * MS;
	irq = (struct line){ 0 };
	rtc_init(&rtc, &m.bus, line_wire(&irq), EPOCH_2026, MiB(64), 0);
	CU_ASSERT_EQUAL(stamp(), 20260101000000);
	for (unsigned i = 1; i <= 3; i++) {
		machine_run(&m, 90 * S + 500 * MS);
		rtc_clock_restarts(&rtc, m.now);
		m.now = 0;
		rtc_reset(&rtc);
		CU_ASSERT_EQUAL(stamp(), 20260101000000 + i * 90 / 60 * 100 + i * 90 % 60 + i / 2);
	}
}

static void test_formats(void)
{
	start_at(EPOCH_2026 + 13 * 3600 + 45 * 60 + 59);
	set(0x0b, 0x06); /* binary, 24 h */
	CU_ASSERT_EQUAL(get(4), 13);
	CU_ASSERT_EQUAL(get(2), 45);
	CU_ASSERT_EQUAL(get(9), 26);
	set(0x0b, 0x00); /* BCD, 12 h */
	CU_ASSERT_EQUAL(get(4), 0x81);
	set(0x0b, 0x04);
	CU_ASSERT_EQUAL(get(4), 0x81);
	set(4, 0x0c); /* 12 am is midnight */
	set(0x0b, 0x02);
	CU_ASSERT_EQUAL(get(4), 0x00);
	set(0x0b, 0x00);
	CU_ASSERT_EQUAL(get(4), 0x12);
	set(4, 0x92); /* 12 pm is noon */
	set(0x0b, 0x02);
	CU_ASSERT_EQUAL(get(4), 0x12);
}

static void test_set_and_divider(void)
{
	start();
	machine_run(&m, 300 * MS);
	set(0x0b, 0x82);
	machine_run(&m, 10 * S);
	CU_ASSERT_EQUAL(stamp(), 20260101000000);
	set(4, 0x23);
	set(2, 0x59);
	set(0, 0x59);
	set(0x0b, 0x02);
	CU_ASSERT_EQUAL(stamp(), 20260101235959);
	machine_run(&m, 700 * MS - 1); /* the divider went on meanwhile */
	CU_ASSERT_EQUAL(stamp(), 20260101235959);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(stamp(), 20260102000000);
	set(0x0a, 0x76); /* divider held in reset */
	machine_run(&m, 10 * S);
	CU_ASSERT_EQUAL(stamp(), 20260102000000);
	CU_ASSERT_EQUAL(get(0x0a), 0x76);
	set(0x0a, 0x26);
	machine_run(&m, 500 * MS - 1);
	CU_ASSERT_EQUAL(stamp(), 20260102000000);
	machine_run(&m, 1);
	CU_ASSERT_EQUAL(stamp(), 20260102000001);
}

static void test_uip(void)
{
	start();
	machine_run(&m, S - 250 * US);
	CU_ASSERT_EQUAL(get(0x0a) & 0x80, 0);
	machine_run(&m, 10 * US);
	CU_ASSERT_EQUAL(get(0x0a) & 0x80, 0x80);
	set(0x0a, 0xa6);
	machine_run(&m, 240 * US);
	CU_ASSERT_EQUAL(get(0x0a), 0x26);
}

static void test_flags_without_interrupts(void)
{
	start();
	(void)get(0x0c);
	machine_run(&m, 10 * MS);
	CU_ASSERT_EQUAL(get(0x0c), 0x40); /* PF at 1024 Hz */
	CU_ASSERT_EQUAL(get(0x0c), 0);
	machine_run(&m, S);
	CU_ASSERT_EQUAL(get(0x0c), 0x50);
	set(0x01, 0xff);
	set(0x03, 0xff);
	set(0x05, 0xff);
	machine_run(&m, S);
	CU_ASSERT_EQUAL(get(0x0c), 0x70);
	set(0x0c, 0xff);
	set(0x0d, 0);
	CU_ASSERT_EQUAL(get(0x0c), 0);
	CU_ASSERT_EQUAL(get(0x0d), 0x80);
	CU_ASSERT_EQUAL(irq.rises, 0);
}

static void test_periodic(void)
{
	static const unsigned hz[16] = { 0,   256, 128, 8192, 4096, 2048, 1024, 512,
					 256, 128, 64,	32,   16,   8,	  4,	2 };

	for (u8 rate = 0; rate < 16; rate++) {
		start();
		set(0x0a, 0x20 | rate);
		set(0x0b, 0x42);
		while (m.now < 2 * S) {
			if (!m.bus.alarms)
				break;
			machine_run(&m, m.bus.alarms->when_ns - m.now);
			if (m.now <= 2 * S)
				CU_ASSERT_EQUAL(get(0x0c) & 0xc0, 0xc0);
		}
		CU_ASSERT_EQUAL(irq.rises, 2 * hz[rate]);
	}
	/* Register C not read: the line stays up, and nothing more is set up. */
	start();
	set(0x0b, 0x42);
	machine_run(&m, 10 * S);
	CU_ASSERT_EQUAL(irq.rises, 1);
	CU_ASSERT(irq.level);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	(void)get(0x0c);
	CU_ASSERT(!irq.level);
	set(0x0b, 0x02);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
}

static void test_update_interrupt(void)
{
	start();
	set(0x0b, 0x12);
	machine_run(&m, S - 1);
	CU_ASSERT(!irq.level);
	machine_run(&m, 1);
	CU_ASSERT(irq.level);
	CU_ASSERT_EQUAL(get(0x0c) & 0x90, 0x90);
	set(0x0b, 0x92);
	CU_ASSERT_EQUAL(get(0x0b), 0x82); /* SET clears UIE */
	machine_run(&m, 3 * S);
	CU_ASSERT(!irq.level);
}

static void test_alarm(void)
{
	start();
	set(0x01, 0x30);
	set(0x03, 0x15);
	set(0x05, 0x06);
	set(0x0b, 0x22);
	machine_run(&m, (6 * 3600 + 15 * 60 + 30) * S - 1);
	CU_ASSERT(!irq.level);
	machine_run(&m, 1);
	CU_ASSERT(irq.level);
	CU_ASSERT_EQUAL(get(0x0c) & 0xa0, 0xa0);
	machine_run(&m, 86399 * S);
	CU_ASSERT(!irq.level);
	machine_run(&m, 1 * S); /* tomorrow again */
	CU_ASSERT(irq.level);
	(void)get(0x0c);
	set(0x05, 0xc0); /* any hour */
	set(0x03, 0xff); /* any minute */
	machine_run(&m, 60 * S);
	CU_ASSERT(irq.level);
	(void)get(0x0c);
	set(0x01, 0x61); /* never */
	machine_run(&m, 2 * 86400 * S);
	CU_ASSERT(!irq.level);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	set(0x0b, 0x20); /* 12 h: 1 pm */
	set(0x01, 0x00);
	set(0x03, 0x00);
	set(0x05, 0x81);
	machine_run(&m, 86400 * S);
	CU_ASSERT(irq.level);
	start();
	set(0x01, 0); /* an alarm at midnight that passed while nobody looked */
	(void)get(0x0c);
	m.now += 40 * 86400 * S;
	CU_ASSERT_EQUAL(get(0x0c) & 0x20, 0x20);
}

static u64 number(u8 index, unsigned bytes)
{
	u64 v = 0;

	while (bytes--)
		v = v << 8 | get((u8)(index + bytes));
	return v;
}

/* What SeaBIOS looks up there: no floppy, disk before CD. */
static void test_settings(void)
{
	start();
	CU_ASSERT_EQUAL(get(0x10), 0);
	CU_ASSERT_EQUAL(get(0x14), 0x02);
	set(0x38, 0xff);
	set(0x3d, 0xff);
	CU_ASSERT_EQUAL(get(0x3d), 0xff);
	rtc_reset(&rtc);
	rtc_after_firmware(&rtc);
	CU_ASSERT_EQUAL(get(0x38), 0xff); /* the set-up screen's, in memory that has a battery */
	start();
	CU_ASSERT_EQUAL(get(0x38), 0x01);
	CU_ASSERT_EQUAL(get(0x3d), 0x32);
}

static void test_memory_sizes(void)
{
	start();
	CU_ASSERT_EQUAL(number(0x15, 2), 640);
	CU_ASSERT_EQUAL(number(0x17, 2), 63 * 1024);
	CU_ASSERT_EQUAL(number(0x30, 2), 63 * 1024);
	CU_ASSERT_EQUAL(number(0x34, 2), 48 * 16);
	CU_ASSERT_EQUAL(number(0x5b, 3), 0);
	CU_ASSERT_EQUAL(get(0x5f), 0);
	CU_ASSERT_EQUAL(get(0x0f), 0);
	machine_init(&m);
	rtc_init(&rtc, &m.bus, line_wire(&irq), 0, GiB(3), GiB(5));
	rtc_set_cpus(&rtc, 4);
	CU_ASSERT_EQUAL(number(0x17, 2), 0xffff);
	CU_ASSERT_EQUAL(number(0x34, 2), (3072 - 16) * 16);
	CU_ASSERT_EQUAL(number(0x5b, 3), 5 * 1024 * 16);
	CU_ASSERT_EQUAL(get(0x5f), 3);
	set(0x0f, 0x0a);
	set(0x34, 0);
	CU_ASSERT_EQUAL(get(0x0f), 0x0a);
	machine_run(&m, 5 * S);
	rtc_reset(&rtc);
	CU_ASSERT_EQUAL(get(0x0f), 0x0a);
	CU_ASSERT_EQUAL(get(0x34), 0);
	rtc_after_firmware(&rtc);
	CU_ASSERT_EQUAL(get(0x0f), 0);
	CU_ASSERT_EQUAL(number(0x34, 2), (3072 - 16) * 16);
	CU_ASSERT_EQUAL(get(0x5f), 3);
	CU_ASSERT_EQUAL(stamp(), 19700101000005);
	machine_init(&m);
	rtc_init(&rtc, &m.bus, line_wire(&irq), 0, KiB(512), 0);
	CU_ASSERT_EQUAL(number(0x15, 2), 512);
	CU_ASSERT_EQUAL(number(0x17, 2), 0);
}

/* The chip's reset line: memory and clock have a battery. */
static void test_reset(void)
{
	start();
	set(0x5a, 0xa6);
	set(0x0a, 0x2f);
	set(0x0b, 0xfb); /* SET, all interrupts, square wave, 24 h, daylight saving */
	rtc_reset(&rtc);
	CU_ASSERT_EQUAL(get(0x5a), 0xa6);
	CU_ASSERT_EQUAL(get(0x0a), 0x2f);
	CU_ASSERT_EQUAL(get(0x0b), 0x83);
	CU_ASSERT_EQUAL(get(0x0c), 0);
	CU_ASSERT_EQUAL(irq.level, 0);
	set(0x0b, 0x42); /* periodic */
	machine_run(&m, S);
	CU_ASSERT_EQUAL(irq.level, 1);
	rtc_reset(&rtc);
	CU_ASSERT_EQUAL(irq.level, 0);
	CU_ASSERT_EQUAL(get(0x0b), 0x02);
	rtc_after_firmware(&rtc);
	CU_ASSERT_EQUAL(get(0x0a), 0x26);
}

static void save(const void *dev, struct state_buf *buf)
{
	rtc_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return rtc_load(dev, buf);
}

static void poke(void)
{
	for (unsigned i = 0; i < 128; i++) {
		u8 v = get((u8)i);

		(void)v;
	}
	poke_ports(&m, 0x70, 0x71);
	for (unsigned i = 0; i < 128; i++)
		set((u8)i, (u8)(i * 37));
	m.now += 3 * S;
	bus_expire(&m.bus);
}

static void test_state(void)
{
	const struct saved_device d = { &rtc, sizeof(rtc), DEVICE_SECTION_RTC, save, load, poke };

	start();
	machine_run(&m, 100 * S);
	set(0x0b, 0x12);
	machine_run(&m, 300 * MS);
	(void)get(0x0c);
	check_truncated(&d);
	irq.rises = 0;
	machine_run(&m, 700 * MS);
	CU_ASSERT_EQUAL(irq.rises, 1);
	CU_ASSERT_EQUAL(stamp(), 20260101000141);
	check_corrupt(&d);
	start();
	rtc.seen_ns = m.now + 1;
	CU_ASSERT(refuses_itself(&d));
	start();
	rtc.epoch_ns = m.now + S;
	CU_ASSERT(refuses_itself(&d));
	start();
	CU_ASSERT(!refuses_itself(&d));
}

void test_rtc_register(void)
{
	CU_pSuite suite = CU_add_suite("rtc", NULL, NULL);

	CU_add_test(suite, "dates that do not exist", test_bad_dates);
	CU_add_test(suite, "the calendar against the C library's", test_calendar);
	CU_add_test(suite, "time passes", test_time_passes);
	CU_add_test(suite, "time goes on when the machine restarts", test_machine_restarts);
	CU_add_test(suite, "BCD and binary, 12 and 24 hours", test_formats);
	CU_add_test(suite, "SET, divider", test_set_and_divider);
	CU_add_test(suite, "update in progress", test_uip);
	CU_add_test(suite, "flags nobody asked for", test_flags_without_interrupts);
	CU_add_test(suite, "periodic interrupt, all rates", test_periodic);
	CU_add_test(suite, "update-ended interrupt", test_update_interrupt);
	CU_add_test(suite, "alarm", test_alarm);
	CU_add_test(suite, "memory sizes, reset", test_memory_sizes);
	CU_add_test(suite, "settings for firmware", test_settings);
	CU_add_test(suite, "reset", test_reset);
	CU_add_test(suite, "saved state, broken ones", test_state);
}
