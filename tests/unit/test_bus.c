/* test_bus.c - ports, device memory and alarms: dev/bus.c, dev/clock.h */
#include "machine.h"

#include "dev/clock.h"

void test_bus_register(void);

static struct machine m;
static u16 seen_port;
static unsigned seen_size, calls;
static u32 seen_value;

static u32 wide_in(void *dev, u16 port, unsigned size)
{
	seen_port = port;
	seen_size = size;
	calls++;
	return *(u32 *)dev;
}

static void wide_out(void *dev UNUSED, u16 port, unsigned size, u32 value)
{
	seen_port = port;
	seen_size = size;
	seen_value = value;
	calls++;
}

static u8 bytes[4];

static u32 byte_in(void *dev, u16 port, unsigned size)
{
	return size == 1 ? bytes[port & 3] : bus_split_in(dev, port, size);
}

static void byte_out(void *dev, u16 port, unsigned size, u32 value)
{
	if (size == 1)
		bytes[port & 3] = (u8)value;
	else
		bus_split_out(dev, port, size, value);
}

static void claim(void *range)
{
	bus_claim_ports(&m.bus, *(struct port_range *)range);
}

static void test_claims(void)
{
	struct port_range r = { 0x100, 0x107, NULL, NULL, NULL };

	machine_init(&m);
	bus_claim_ports(&m.bus, r);
	r = (struct port_range){ 0x107, 0x107, NULL, NULL, NULL };
	CU_ASSERT(panics(claim, &r));
	r = (struct port_range){ 0x80, 0x200, NULL, NULL, NULL };
	CU_ASSERT(panics(claim, &r));
	r = (struct port_range){ 0xff, 0x100, NULL, NULL, NULL };
	CU_ASSERT(panics(claim, &r));
	r = (struct port_range){ 0x300, 0x2ff, NULL, NULL, NULL };
	CU_ASSERT(panics(claim, &r));
	r = (struct port_range){ 0xff, 0xff, NULL, NULL, NULL };
	CU_ASSERT(!panics(claim, &r));
	for (u16 i = 1; i < BUS_PORT_RANGES; i++) /* downwards: claimed out of order */
		bus_claim_ports(&m.bus, (struct port_range){ (u16)(0xf000 - i), (u16)(0xf000 - i),
							     NULL, NULL, NULL });
	CU_ASSERT(panics(claim, &r)); /* full */
	for (unsigned i = 1; i < m.bus.port_count; i++)
		CU_ASSERT(m.bus.port[i].first > m.bus.port[i - 1].last);
}

static void bad_size(void *size)
{
	bus_in(&m.bus, 0x80, *(unsigned *)size);
}

static void test_ports(void)
{
	u32 answer = 0xfedcba98;
	unsigned three = 3, eight = 8;

	machine_init(&m);
	bus_claim_ports(&m.bus, (struct port_range){ 0xcf8, 0xcff, wide_in, wide_out, &answer });
	bus_claim_ports(&m.bus, (struct port_range){ 0x60, 0x60, NULL, NULL, NULL });
	CU_ASSERT(panics(bad_size, &three));
	CU_ASSERT(panics(bad_size, &eight));
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x80, 1), 0xff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x80, 2), 0xffff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x80, 4), 0xffffffff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xffff, 4), 0xffffffff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x60, 1), 0xff); /* claimed, but write-only */
	bus_out(&m.bus, 0x60, 4, 1);
	bus_out(&m.bus, 0xffff, 4, 1);
	CU_ASSERT_EQUAL(calls, 0);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcf8, 4), answer);
	CU_ASSERT_EQUAL(seen_size, 4);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcff, 1), 0x98); /* cut to its size */
	bus_out(&m.bus, 0xcfa, 2, 0x12345678);
	CU_ASSERT_EQUAL(seen_port, 0xcfa);
	CU_ASSERT_EQUAL(seen_value, 0x5678);
}

static void test_split(void)
{
	machine_init(&m);
	bus_claim_ports(&m.bus, (struct port_range){ 0x70, 0x71, byte_in, byte_out, &m.bus });
	bus_claim_ports(&m.bus, (struct port_range){ 0x72, 0x72, byte_in, byte_out, &m.bus });
	bus_claim_ports(&m.bus, (struct port_range){ 0xfffe, 0xffff, byte_in, byte_out, &m.bus });
	bus_out(&m.bus, 0x70, 4, 0x44332211);
	CU_ASSERT_EQUAL(bytes[0], 0x11);
	CU_ASSERT_EQUAL(bytes[1], 0x22);
	CU_ASSERT_EQUAL(bytes[2], 0x33);
	CU_ASSERT_EQUAL(bytes[3], 0x00); /* port 0x73 is nobody's */
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x70, 4), 0xff332211);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x6f, 2), 0x11ff); /* nobody, then somebody */
	bytes[2] = 5;
	bytes[3] = 6;
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xfffe, 4), 0xffff0605);
}

static u64 mmio_read(void *dev UNUSED, u64 offset, unsigned size UNUSED)
{
	return offset;
}

static void claim_mmio(void *range)
{
	bus_claim_mmio(&m.bus, *(struct mmio_range *)range);
}

static void move_unknown(void *dev)
{
	bus_move_mmio(&m.bus, dev, gpa(0), 4);
}

static void test_mmio(void)
{
	int a, b, c;
	struct mmio_range r = { gpa(0xfec00000), 0x1000, mmio_read, NULL, &a };

	machine_init(&m);
	bus_claim_mmio(&m.bus, r);
	r = (struct mmio_range){ gpa(0xfee00000), 0x1000, mmio_read, NULL, &b };
	bus_claim_mmio(&m.bus, r);
	CU_ASSERT(panics(claim_mmio, &r));
	r = (struct mmio_range){ gpa(0xfebfffff), 2, mmio_read, NULL, &c };
	CU_ASSERT(panics(claim_mmio, &r));
	CU_ASSERT(panics(move_unknown, &c));
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0xfebfffff)));
	CU_ASSERT_PTR_EQUAL(bus_mmio_find(&m.bus, gpa(0xfec00000))->dev, &a);
	CU_ASSERT_PTR_EQUAL(bus_mmio_find(&m.bus, gpa(0xfee00fff))->dev, &b);
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0xfee01000)));
	bus_move_mmio(&m.bus, &b, gpa(0x1000), 0x1000);
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0xfee00000)));
	CU_ASSERT_PTR_EQUAL(bus_mmio_find(&m.bus, gpa(0x1000))->dev, &b);
	bus_move_mmio(&m.bus, &b, gpa(0xfec00800), 0x1000); /* a guest may make them overlap */
	CU_ASSERT_PTR_EQUAL(bus_mmio_find(&m.bus, gpa(0xfec00900))->dev, &a);
	CU_ASSERT_PTR_EQUAL(bus_mmio_find(&m.bus, gpa(0xfec01700))->dev, &b);
	bus_move_mmio(&m.bus, &b, gpa(~0xfffull), 0x1000); /* up to the last byte */
	CU_ASSERT_PTR_EQUAL(bus_mmio_find(&m.bus, gpa(~0ull))->dev, &b);
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0)));
	bus_move_mmio(&m.bus, &b, gpa(0), 0);
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0)));
}

struct timer {
	struct alarm alarm;
	char name;
	u64 again; /* set itself anew, this much later than it was */
};

static char order[16];

static void timer_fire(void *dev)
{
	struct timer *t = dev;

	order[strlen(order)] = t->name;
	if (t->again)
		bus_alarm_set(&t->alarm, t->alarm.when_ns + t->again);
}

static void test_alarms(void)
{
	struct timer a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };

	machine_init(&m);
	memset(order, 0, sizeof(order));
	bus_alarm_init(&m.bus, &a.alarm, timer_fire, &a);
	bus_alarm_init(&m.bus, &b.alarm, timer_fire, &b);
	bus_alarm_init(&m.bus, &c.alarm, timer_fire, &c);
	bus_alarm_cancel(&a.alarm);
	CU_ASSERT_EQUAL(m.rearms, 0);
	bus_expire(&m.bus);
	bus_alarm_set(&b.alarm, 200);
	bus_alarm_set(&a.alarm, 100);
	CU_ASSERT_EQUAL(m.rearms, 2);
	bus_alarm_set(&c.alarm, 200);
	CU_ASSERT_EQUAL(m.rearms, 2); /* the earliest is the same */
	bus_alarm_set(&a.alarm, 300); /* the earliest moves behind */
	CU_ASSERT_EQUAL(m.rearms, 3);
	CU_ASSERT_PTR_EQUAL(m.bus.alarms, &b.alarm);
	m.now = 199;
	bus_expire(&m.bus);
	CU_ASSERT_STRING_EQUAL(order, "");
	m.now = 300;
	bus_expire(&m.bus);
	CU_ASSERT_STRING_EQUAL(order, "bca");
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	bus_alarm_set(&a.alarm, 400);
	bus_alarm_set(&b.alarm, 500);
	bus_alarm_cancel(&a.alarm);
	CU_ASSERT_PTR_EQUAL(m.bus.alarms, &b.alarm);
	CU_ASSERT(!a.alarm.armed && b.alarm.armed);
}

/* One that sets itself for the past must not hold the machine up. */
static void test_alarm_in_past(void)
{
	struct timer a = { .name = 'a', .again = 1 }, b = { .name = 'b' };

	machine_init(&m);
	memset(order, 0, sizeof(order));
	bus_alarm_init(&m.bus, &a.alarm, timer_fire, &a);
	bus_alarm_init(&m.bus, &b.alarm, timer_fire, &b);
	m.now = 1000;
	bus_alarm_set(&a.alarm, 1);
	bus_expire(&m.bus);
	CU_ASSERT_STRING_EQUAL(order, "a");
	CU_ASSERT(a.alarm.armed);
	bus_expire(&m.bus);
	CU_ASSERT_STRING_EQUAL(order, "aa");
	CU_ASSERT(m.rearms >= 2); /* the owner is told that something is due */
}

static void test_clock(void)
{
	static const u64 hz[] = { 1, 32768, 1193182, 1000000000, 3579545 };
	unsigned bad = 0;

	for (unsigned h = 0; h < ARRAY_SIZE(hz); h++) {
		for (u64 tick = 1; tick < hz[h] * 1000000000; tick = tick * 3 + 1) {
			u64 ns = clock_ns(tick, hz[h]);

			bad += clock_ticks(ns, hz[h]) != tick;
			bad += clock_ticks(ns - 1, hz[h]) != tick - 1;
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(clock_ns(1193182ull * 86400 * 365, 1193182),
			86400 * 365 * S); /* no drift */
}

/* ---- What guests place, RAM, work ------------------------------------------- */

static bool place(void *dev, unsigned first, unsigned last)
{
	const struct port_range r = { (u16)first, (u16)last, wide_in, wide_out, dev };

	return bus_place_ports(&m.bus, r);
}

static void test_placed_ports(void)
{
	u32 a = 1, b = 2, c = 3;

	machine_init(&m);
	bus_claim_ports(&m.bus, (struct port_range){ 0x60, 0x60, wide_in, wide_out, &c });
	CU_ASSERT(!place(&a, 1, 0)); /* nothing to give up, nothing to take */
	CU_ASSERT(place(&a, 0xc000, 0xc01f));
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xc01f, 4), 1);
	CU_ASSERT(!place(&b, 0xc010, 0xc02f));
	CU_ASSERT(!place(&b, 0x40, 0x7f));
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x60, 1), 3);
	CU_ASSERT(place(&a, 0x40, 0x5f)); /* it moves below port 0x400 */
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xc000, 4), 0xffffffff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x5f, 1), 1);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x60, 1), 3);
	CU_ASSERT(place(&b, 0xffe0, 0xffff));
	CU_ASSERT(place(&a, 0xc010, 0xc02f));
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x5f, 1), 0xff);
	CU_ASSERT(!place(&a, 0x60, 0x60)); /* refused: then it has none */
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xc010, 4), 0xffffffff);
	CU_ASSERT(!place(&b, 1, 0));
	CU_ASSERT_EQUAL(m.bus.port_count, 1);
	for (unsigned i = 1; i < BUS_PORT_RANGES; i++)
		bus_claim_ports(&m.bus, (struct port_range){ (u16)(0x1000 + i), (u16)(0x1000 + i),
							     NULL, NULL, NULL });
	CU_ASSERT(!place(&a, 0xc000, 0xc01f)); /* no room in the list: not a panic */
}

#define RAM_SIZE (3 * MiB(2))
static u8 *ram;
static bool hole; /* the second piece is missing */

static void *get_ram(const struct bus *bus UNUSED, gpa_t a, u64 len)
{
	CU_ASSERT(len <= MiB(2) - a.v % MiB(2));
	if (a.v >= RAM_SIZE || len > RAM_SIZE - a.v || (hole && a.v / MiB(2) == 1))
		return NULL;
	return ram + a.v;
}

static void test_ram(void)
{
	u8 *data = malloc(MiB(4)), *back = malloc(MiB(4));

	machine_init(&m);
	CU_ASSERT_PTR_NULL(bus_ram(&m.bus, gpa(0), 1)); /* a machine without any */
	CU_ASSERT(!bus_read_ram(&m.bus, gpa(0), back, 1));
	m.bus.ram = get_ram;
	ram = calloc(1, RAM_SIZE);
	hole = false;
	for (unsigned i = 0; i < MiB(4); i++)
		data[i] = (u8)(i * 7 + i / 251);
	CU_ASSERT(bus_write_ram(&m.bus, gpa(MiB(2) - 3), data, MiB(2) + 6)); /* three pieces */
	CU_ASSERT(bus_read_ram(&m.bus, gpa(MiB(2) - 3), back, MiB(2) + 6));
	CU_ASSERT_EQUAL(memcmp(data, back, MiB(2) + 6), 0);
	CU_ASSERT(ram[MiB(2) - 4] == 0 && ram[MiB(4) + 3] == 0);
	CU_ASSERT(bus_write_ram(&m.bus, gpa(RAM_SIZE - 1), data, 1));
	CU_ASSERT(bus_write_ram(&m.bus, gpa(~0ull), data, 0)); /* nothing is always there */
	/* Not all of it is RAM: nothing is copied. */
	memset(ram, 0x55, RAM_SIZE);
	CU_ASSERT(!bus_write_ram(&m.bus, gpa(RAM_SIZE - 1), data, 2));
	CU_ASSERT(!bus_write_ram(&m.bus, gpa(~0ull - 1), data, 4)); /* around the end */
	hole = true;
	CU_ASSERT(!bus_write_ram(&m.bus, gpa(MiB(2) - 3), data, MiB(2) + 6));
	CU_ASSERT(!bus_read_ram(&m.bus, gpa(MiB(2) - 3), back, 4));
	CU_ASSERT(ram[MiB(2) - 1] == 0x55 && ram[RAM_SIZE - 1] == 0x55);
	CU_ASSERT_EQUAL(memcmp(data, back, MiB(2) + 6), 0);
	free(ram);
	free(data);
	free(back);
}

static unsigned posted, ran[2], post_again;

static void note_posted(struct bus *bus UNUSED)
{
	posted++;
}

static void run_work(void *dev)
{
	ran[*(unsigned *)dev]++;
	if (post_again)
		bus_post(&m.bus, --post_again);
}

static void post_unknown(void *work)
{
	bus_post(&m.bus, *(unsigned *)work);
}

static void add_works(void *count)
{
	for (unsigned i = 0; i < *(unsigned *)count; i++)
		bus_add_work(&m.bus, run_work, count);
}

static void test_work(void)
{
	unsigned zero = 0, one = 1, works = BUS_WORKS - 2, too_many = BUS_WORKS - 1;

	machine_init(&m);
	m.bus.posted = note_posted;
	posted = ran[0] = ran[1] = 0;
	CU_ASSERT_EQUAL(bus_add_work(&m.bus, run_work, &zero), 0);
	CU_ASSERT_EQUAL(bus_add_work(&m.bus, run_work, &one), 1);
	CU_ASSERT(panics(post_unknown, &works));
	CU_ASSERT(panics(add_works, &too_many));
	CU_ASSERT(!panics(add_works, &works));
	bus_run_works(&m.bus);
	CU_ASSERT_EQUAL(ran[0] + ran[1], 0);
	bus_post(&m.bus, 1);
	bus_post(&m.bus, 1);
	CU_ASSERT_EQUAL(posted, 1); /* told once */
	bus_run_works(&m.bus);
	CU_ASSERT(ran[0] == 0 && ran[1] == 1);
	bus_run_works(&m.bus);
	CU_ASSERT_EQUAL(ran[1], 1);
	post_again = 1; /* one that posts itself waits for the next call */
	bus_post(&m.bus, 0);
	bus_run_works(&m.bus);
	CU_ASSERT(ran[0] == 1 && posted == 3);
	bus_run_works(&m.bus);
	CU_ASSERT_EQUAL(ran[0], 2);
}

void test_bus_register(void)
{
	CU_pSuite suite = CU_add_suite("bus", NULL, NULL);

	CU_add_test(suite, "claims that must not be", test_claims);
	CU_add_test(suite, "ports, absent ones too", test_ports);
	CU_add_test(suite, "accesses taken apart", test_split);
	CU_add_test(suite, "device memory", test_mmio);
	CU_add_test(suite, "ports that guests place", test_placed_ports);
	CU_add_test(suite, "RAM as devices see it", test_ram);
	CU_add_test(suite, "posted work", test_work);
	CU_add_test(suite, "alarms in order", test_alarms);
	CU_add_test(suite, "an alarm for the past", test_alarm_in_past);
	CU_add_test(suite, "ticks and nanoseconds", test_clock);
}
