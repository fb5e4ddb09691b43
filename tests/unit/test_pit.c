/* test_pit.c - the 8254 and port 0x61: dev/pit.c */
#include "machine.h"

#include "dev/clock.h"
#include "dev/pit.h"
#include "dev/section.h"

void test_pit_register(void);

static struct machine m;
static struct pit pit;
static struct line irq;

static void out(u16 port, u8 value)
{
	bus_out(&m.bus, port, 1, value);
}

static u8 in(u16 port)
{
	return (u8)bus_in(&m.bus, port, 1);
}

static void start(void)
{
	machine_init(&m);
	irq = (struct line){ 0 };
	pit_init(&pit, &m.bus, line_wire(&irq));
}

/* To the first nanosecond of a tick, counted from the start of the machine. */
static void run_to_tick(u64 tick)
{
	machine_run(&m, clock_ns(tick, PIT_HZ) - m.now);
}

static void program(unsigned channel, u8 mode, u16 count)
{
	out(0x43, (u8)(channel << 6 | 0x30 | mode << 1));
	out((u16)(0x40 + channel), (u8)count);
	out((u16)(0x40 + channel), (u8)(count >> 8));
}

static u16 read_latched(unsigned channel)
{
	u16 low;

	out(0x43, (u8)(channel << 6));
	low = in((u16)(0x40 + channel));
	return (u16)(low | in((u16)(0x40 + channel)) << 8);
}

static u8 status_of(unsigned channel)
{
	out(0x43, (u8)(0xe0 | 2 << channel));
	return in((u16)(0x40 + channel));
}

static void test_unprogrammed(void)
{
	start();
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	machine_run(&m, 10 * S);
	CU_ASSERT_EQUAL(irq.rises, 0);
	for (u16 port = 0x40; port <= 0x43; port++)
		(void)in(port);
	CU_ASSERT_EQUAL(in(0x43), 0xff);
	out(0x43, 0x34); /* mode 2 without a count */
	machine_run(&m, 10 * S);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	CU_ASSERT_EQUAL(status_of(0), 0xf4); /* output high, null count */
	out(0x40, 1);			     /* half a count */
	machine_run(&m, 10 * S);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
}

static void test_terminal_count(void)
{
	start();
	program(0, 0, 1000);
	CU_ASSERT(!irq.level);
	CU_ASSERT_EQUAL(read_latched(0), 1000);
	run_to_tick(999);
	CU_ASSERT_EQUAL(read_latched(0), 1);
	CU_ASSERT(!irq.level);
	CU_ASSERT_EQUAL(status_of(0), 0x30);
	run_to_tick(1000);
	CU_ASSERT(irq.level);
	CU_ASSERT_EQUAL(status_of(0), 0xb0);
	run_to_tick(1001);
	CU_ASSERT_EQUAL(read_latched(0), 0xffff); /* goes on around */
	run_to_tick(1000 + 0x10000 + 5);
	CU_ASSERT_EQUAL(irq.rises, 1);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	out(0x40, 10); /* the first byte stops it, output low */
	CU_ASSERT(!irq.level);
	machine_run(&m, 1 * S);
	CU_ASSERT(!irq.level);
	out(0x40, 0);
	machine_run(&m, 1 * S);
	CU_ASSERT_EQUAL(irq.rises, 2);
	out(0x43, 0x34); /* another mode's idle level is high */
	CU_ASSERT(irq.level);
	out(0x43, 0x30);
	CU_ASSERT(!irq.level);
}

static void test_rate(void)
{
	start();
	program(0, 2, 11932); /* 100 Hz, nearly */
	irq.rises = 0;
	for (unsigned i = 1; i <= 1000; i++) {
		run_to_tick(i * 11932ull - 1);
		CU_ASSERT_EQUAL(irq.rises, i - 1);
		run_to_tick(i * 11932ull);
		CU_ASSERT_EQUAL(irq.rises, i);
	}
	CU_ASSERT_EQUAL(read_latched(0), 11932);
	run_to_tick(1000 * 11932ull + 11931);
	CU_ASSERT_EQUAL(read_latched(0), 1);
	CU_ASSERT_EQUAL(status_of(0) & 0x80, 0); /* low for one tick */
	machine_run(&m, 3600 * S);		 /* an hour: no tick lost, none too many */
	CU_ASSERT_EQUAL(irq.rises, clock_ticks(m.now, PIT_HZ) / 11932);
}

static void test_missed(void)
{
	start();
	program(0, 2, 1193);
	irq.rises = 0;
	machine_jump(&m, 500 * MS);
	CU_ASSERT_EQUAL(irq.rises, 1); /* one for all */
	run_to_tick((clock_ticks(m.now, PIT_HZ) / 1193 + 1) * 1193);
	CU_ASSERT_EQUAL(irq.rises, 2); /* and the next in step */
	program(0, 2, 2);
	irq.rises = 0;
	machine_run(&m, 10 * MS);
	CU_ASSERT(irq.rises <= 10 * MS / PIT_MIN_PERIOD_NS);
	CU_ASSERT(irq.rises >= 10 * MS / (2 * PIT_MIN_PERIOD_NS));
	program(0, 3, 1); /* not allowed by the manual; bounded all the same */
	irq.rises = 0;
	machine_run(&m, 10 * MS);
	CU_ASSERT(irq.rises <= 10 * MS / PIT_MIN_PERIOD_NS);
	/* What was due before a guest's write comes before it. */
	program(0, 2, 1000);
	irq.rises = 0;
	m.now += 1 * MS;
	out(0x43, 0x34);
	CU_ASSERT_EQUAL(irq.rises, 1);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
}

/* The policy that pays back: none lost, none early, no two closer than half a period. */
static void test_owed(void)
{
	u64 began, last;

	start();
	pit.ticks.policy = ticks_find("steady");
	CU_ASSERT_PTR_NULL(ticks_find("never"));
	program(0, 2, 2386);
	began = last = clock_ticks(m.now, PIT_HZ);
	irq.rises = 0;
	for (unsigned i = 0; i < 20; i++) {
		unsigned before = irq.rises;
		u64 due = (clock_ticks(m.now, PIT_HZ) - began) / 2386;

		machine_jump(&m, 5 * MS);
		CU_ASSERT_EQUAL(irq.rises, before + 1);
		for (u64 end = m.now + 10 * MS; m.now < end;) {
			u64 at = m.now;

			before = irq.rises;
			machine_run(&m, 100 * US);
			due = (clock_ticks(m.now, PIT_HZ) - began) / 2386;
			CU_ASSERT(irq.rises <= due);
			CU_ASSERT(irq.rises - before <= 1);
			if (irq.rises > before) {
				CU_ASSERT(at - last >= 800 * US || last == began);
				last = at;
			}
		}
		CU_ASSERT_EQUAL(irq.rises, due); /* within the turn */
		last = began;
	}
	machine_jump(&m, 1 * MS);
	program(0, 2, 5000); /* another rate owes nothing */
	CU_ASSERT_EQUAL(pit.ticks.owed, 0);
}

static void test_square(void)
{
	start();
	program(0, 3, 1001);
	irq.rises = 0;
	CU_ASSERT_EQUAL(read_latched(0), 1000);
	run_to_tick(100);
	CU_ASSERT_EQUAL(read_latched(0), 800);
	run_to_tick(500);
	CU_ASSERT_EQUAL(status_of(0) & 0x80, 0x80);
	run_to_tick(501);
	CU_ASSERT_EQUAL(status_of(0) & 0x80, 0);
	CU_ASSERT_EQUAL(read_latched(0), 1000);
	run_to_tick(1000);
	CU_ASSERT_EQUAL(irq.rises, 0);
	run_to_tick(1001);
	CU_ASSERT_EQUAL(irq.rises, 1);
	CU_ASSERT_EQUAL(status_of(0) & 0x80, 0x80);
	program(0, 3, 0); /* 65536 */
	CU_ASSERT_EQUAL(read_latched(0), 0);
	irq.rises = 0;
	machine_run(&m, 10 * S);
	CU_ASSERT_EQUAL(irq.rises, 182); /* 18.2 Hz */
}

/* A new count takes over at the end of the period, or of the half. */
static void test_new_count(void)
{
	start();
	program(0, 2, 10000);
	irq.rises = 0;
	run_to_tick(4000);
	out(0x40, 5000 & 0xff);
	out(0x40, 5000 >> 8);
	CU_ASSERT_EQUAL(status_of(0) & 0x40, 0x40);
	CU_ASSERT_EQUAL(read_latched(0), 6000);
	run_to_tick(9999);
	CU_ASSERT_EQUAL(irq.rises, 0);
	run_to_tick(10000);
	CU_ASSERT_EQUAL(irq.rises, 1);
	CU_ASSERT_EQUAL(status_of(0) & 0x40, 0);
	CU_ASSERT_EQUAL(read_latched(0), 5000);
	run_to_tick(15000);
	CU_ASSERT_EQUAL(irq.rises, 2);

	start();
	program(0, 3, 10000);
	irq.rises = 0;
	run_to_tick(1000);
	out(0x40, 2000 & 0xff);
	out(0x40, 2000 >> 8);
	run_to_tick(5000); /* the high half ends, then come 1000 low ticks of the new period */
	CU_ASSERT_EQUAL(status_of(0) & 0x80, 0);
	run_to_tick(5999);
	CU_ASSERT_EQUAL(irq.rises, 0);
	run_to_tick(6000);
	CU_ASSERT_EQUAL(irq.rises, 1);
	run_to_tick(7500);
	out(0x40, 4000 & 0xff); /* now in the low half */
	out(0x40, 4000 >> 8);
	run_to_tick(8000);
	CU_ASSERT_EQUAL(irq.rises, 2);
	run_to_tick(11999);
	CU_ASSERT_EQUAL(irq.rises, 2);
	run_to_tick(12000);
	CU_ASSERT_EQUAL(irq.rises, 3);
}

static void test_strobe(void)
{
	start();
	program(0, 4, 100);
	irq.rises = 0;
	run_to_tick(99);
	CU_ASSERT_EQUAL(status_of(0) & 0x80, 0x80);
	run_to_tick(100);
	CU_ASSERT_EQUAL(status_of(0) & 0x80, 0);
	run_to_tick(101);
	CU_ASSERT_EQUAL(irq.rises, 1);
	CU_ASSERT_EQUAL(status_of(0) & 0x80, 0x80);
	machine_run(&m, 10 * S);
	CU_ASSERT_EQUAL(irq.rises, 1);
}

static void test_bytes(void)
{
	start();
	out(0x43, 0x14); /* low byte only, mode 2 */
	out(0x40, 200);
	CU_ASSERT_EQUAL(in(0x40), 200);
	out(0x43, 0x24); /* high byte only */
	out(0x40, 2);
	CU_ASSERT_EQUAL(in(0x40), 2);
	m.now += 1 * US;
	CU_ASSERT_EQUAL(in(0x40), 1); /* 511 */
	start();
	program(0, 2, 0x1234);
	CU_ASSERT_EQUAL(in(0x40), 0x34);
	CU_ASSERT_EQUAL(in(0x40), 0x12);
	out(0x43, 0x00); /* latched: both bytes of one moment */
	run_to_tick(0x35);
	out(0x43, 0x00); /* a second latch does nothing */
	CU_ASSERT_EQUAL(in(0x40), 0x34);
	CU_ASSERT_EQUAL(in(0x40), 0x12);
	CU_ASSERT_EQUAL(in(0x40), 0xff);
	CU_ASSERT_EQUAL(in(0x40), 0x11);
	out(0x43, 0xc2); /* status and count */
	CU_ASSERT_EQUAL(in(0x40), 0xb4);
	CU_ASSERT_EQUAL(in(0x40), 0xff);
	CU_ASSERT_EQUAL(in(0x40), 0x11);
	out(0x43, 0xde); /* count of all three */
	out(0x43, 0x30); /* programming drops what was latched */
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x42, 2) >> 8, 0xff);
	out(0x43, 0x3e); /* mode 7 is mode 3, but status shows what was written */
	out(0x43, 0xe2);
	CU_ASSERT_EQUAL(in(0x40), 0xfe);
}

static void test_bcd(void)
{
	start();
	out(0x43, 0x31);
	out(0x40, 0x00);
	out(0x40, 0x10);
	CU_ASSERT_EQUAL(read_latched(0), 0x1000);
	run_to_tick(1);
	CU_ASSERT_EQUAL(read_latched(0), 0x0999);
	run_to_tick(1000);
	CU_ASSERT(irq.level);
	run_to_tick(1001);
	CU_ASSERT_EQUAL(read_latched(0), 0x9999);
	out(0x43, 0x35);
	out(0x40, 0); /* 10,000 */
	out(0x40, 0);
	CU_ASSERT_EQUAL(read_latched(0), 0);
	run_to_tick(1002);
	CU_ASSERT_EQUAL(read_latched(0), 0x9999);
	out(0x43, 0x31); /* no digits: bounded */
	out(0x40, 0xff);
	out(0x40, 0xff);
	(void)read_latched(0);
	machine_run(&m, 1 * S);
	CU_ASSERT(irq.level);
}

static void test_port61(void)
{
	unsigned toggles = 0;
	u8 last;

	start();
	CU_ASSERT_EQUAL(in(0x61) & ~0x10, 0x00); /* mode 0: output low */
	out(0x61, 0xff);
	CU_ASSERT_EQUAL(in(0x61) & 0x0f, 0x0f);
	CU_ASSERT_EQUAL(in(0x61) & 0xc0, 0);
	last = in(0x61);
	for (unsigned i = 0; i < 10000; i++) {
		m.now += 1 * US;
		toggles += (in(0x61) ^ last) >> 4 & 1;
		last = in(0x61);
	}
	CU_ASSERT(toggles >= 660 && toggles <= 665); /* every 15.086 us */

	/* Linux measures its TSC so: mode 0, gate on, wait for the output. */
	start();
	out(0x61, 1);
	program(2, 0, 11932);
	run_to_tick(11931);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0);
	run_to_tick(11932);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20);
	CU_ASSERT_PTR_NULL(m.bus.alarms); /* counter 2 needs none */
}

static void test_gate(void)
{
	start();
	program(2, 0, 1000); /* gate is low: waits */
	run_to_tick(5000);
	CU_ASSERT_EQUAL(read_latched(2), 1000);
	out(0x61, 1);
	run_to_tick(5400);
	out(0x61, 0);
	run_to_tick(9000);
	CU_ASSERT_EQUAL(read_latched(2), 600);
	out(0x61, 1);
	run_to_tick(9600);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20);
	out(0x61, 0);
	run_to_tick(90000);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20); /* stays up */

	program(2, 1, 100); /* one-shot: a rising gate starts it */
	run_to_tick(91000);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20);
	CU_ASSERT_EQUAL(status_of(2) & 0x40, 0x40);
	out(0x61, 1);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0);
	CU_ASSERT_EQUAL(status_of(2) & 0x40, 0);
	run_to_tick(91050);
	out(0x61, 0); /* the level does not matter, a new edge does */
	out(0x61, 1);
	run_to_tick(91149);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0);
	run_to_tick(91150);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20);

	out(0x61, 0);
	program(2, 3, 100); /* gate low: output high */
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20);
	out(0x61, 1);
	run_to_tick(91201);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0);
	out(0x61, 0);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20);
	program(2, 5, 10);
	out(0x61, 1);
	run_to_tick(91211);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0);
	run_to_tick(91212);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20);
	out(0x43, 0xb2);
	out(0x61, 0); /* gate edges without a count */
	out(0x61, 1);
	CU_ASSERT_EQUAL(in(0x61) & 0x20, 0x20);
}

static void test_after_firmware(void)
{
	start();
	pit_after_firmware(&pit);
	irq.rises = 0;
	machine_run(&m, 10 * S);
	CU_ASSERT_EQUAL(irq.rises, 182);
	pit_reset(&pit);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
}

static void save(const void *dev, struct state_buf *buf)
{
	pit_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return pit_load(dev, buf);
}

static void poke(void)
{
	poke_ports(&m, 0x40, 0x43);
	poke_ports(&m, 0x61, 0x61);
	for (unsigned i = 0; i < 4; i++) {
		m.now += 60 * MS;
		bus_expire(&m.bus);
		poke_ports(&m, 0x40, 0x42);
	}
}

static void test_state(void)
{
	const struct saved_device d = { &pit, sizeof(pit), DEVICE_SECTION_PIT, save, load, poke };

	start();
	m.now = 5 * S;
	out(0x61, 1);
	program(0, 2, 11932);
	program(1, 2, 18);
	program(2, 3, 1000);
	machine_run(&m, 5 * MS);
	check_truncated(&d);
	irq.rises = 0;
	machine_run(&m, 6 * MS);
	CU_ASSERT_EQUAL(irq.rises, 1); /* the alarm was loaded */
	check_corrupt(&d);
	program(0, 2, 1000);
	pit.channel[0].start = clock_ticks(m.now, PIT_HZ) + 1; /* begins tomorrow */
	CU_ASSERT(refuses_itself(&d));
	program(0, 2, 1000);
	CU_ASSERT(!refuses_itself(&d));
	pit.channel[0].switch_tick = ~0ull;
	CU_ASSERT(refuses_itself(&d));
}

void test_pit_register(void)
{
	CU_pSuite suite = CU_add_suite("pit", NULL, NULL);

	CU_add_test(suite, "not or half programmed", test_unprogrammed);
	CU_add_test(suite, "mode 0", test_terminal_count);
	CU_add_test(suite, "mode 2, without drift", test_rate);
	CU_add_test(suite, "missed and too many ticks", test_missed);
	CU_add_test(suite, "ticks that are owed", test_owed);
	CU_add_test(suite, "mode 3", test_square);
	CU_add_test(suite, "a new count in modes 2 and 3", test_new_count);
	CU_add_test(suite, "mode 4", test_strobe);
	CU_add_test(suite, "bytes, latches, read-back", test_bytes);
	CU_add_test(suite, "BCD", test_bcd);
	CU_add_test(suite, "port 0x61", test_port61);
	CU_add_test(suite, "gate: modes 0, 1, 3, 5", test_gate);
	CU_add_test(suite, "as firmware leaves it", test_after_firmware);
	CU_add_test(suite, "saved state, broken ones", test_state);
}
