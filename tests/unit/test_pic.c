/* test_pic.c - the pair of 8259As: dev/pic.c */
#include "machine.h"

#include "dev/pic.h"
#include "dev/section.h"

void test_pic_register(void);

static struct machine m;
static struct pic pic;
static struct line intr;

static void out(u16 port, u8 value)
{
	bus_out(&m.bus, port, 1, value);
}

static u8 in(u16 port)
{
	return (u8)bus_in(&m.bus, port, 1);
}

static void raise_irq(unsigned irq)
{
	pic_set_irq(&pic, irq, true);
}

static void lower_irq(unsigned irq)
{
	pic_set_irq(&pic, irq, false);
}

static void setup_chip(u16 port, u8 base, u8 cascade, u8 icw4)
{
	out(port, 0x11);
	out(port + 1, base);
	out(port + 1, cascade);
	out(port + 1, icw4);
	out(port + 1, 0);
}

static void start_raw(void)
{
	machine_init(&m);
	intr = (struct line){ 0 };
	pic_init(&pic, &m.bus, line_wire(&intr));
}

static void start_with(u8 icw4)
{
	start_raw();
	setup_chip(0x20, 0x20, 4, icw4);
	setup_chip(0xa0, 0x28, 2, 1);
}

static void start(void)
{
	start_with(1);
}

static void bad_irq(void *irq)
{
	pic_set_irq(&pic, *(unsigned *)irq, true);
}

static void test_not_initialised(void)
{
	unsigned sixteen = 16;

	start_raw();
	CU_ASSERT(panics(bad_irq, &sixteen));
	raise_irq(0);
	raise_irq(8);
	CU_ASSERT(!pic_pending(&pic));
	out(0x20, 0x11); /* half initialised */
	out(0x21, 0x20);
	lower_irq(0);
	raise_irq(0);
	CU_ASSERT(!intr.level);
	out(0x21, 4);
	out(0x21, 1);
	CU_ASSERT(intr.level);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x20);
}

static void test_spurious(void)
{
	start();
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x27); /* nothing at all */
	raise_irq(3);
	lower_irq(3); /* gone before it was acknowledged */
	CU_ASSERT(!intr.level);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x27);
	out(0x20, 0x0b);
	CU_ASSERT_EQUAL(in(0x20), 0); /* nothing in service */
	raise_irq(7);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x27);
	CU_ASSERT_EQUAL(in(0x20), 0x80); /* a real one is */
}

static void test_priorities(void)
{
	start();
	raise_irq(5);
	raise_irq(1);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x21);
	CU_ASSERT(!intr.level); /* 5 waits for 1 */
	raise_irq(0);
	CU_ASSERT(intr.level);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x20);
	out(0x20, 0x20); /* ends 0 */
	CU_ASSERT(!intr.level);
	out(0x20, 0x20); /* ends 1 */
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x25);
	out(0x20, 0x65); /* specific */
	out(0x20, 0x0b);
	CU_ASSERT_EQUAL(in(0x20), 0);
	out(0x20, 0x20); /* without anything in service */
	CU_ASSERT(!intr.level);
}

static void test_edges(void)
{
	start();
	raise_irq(4);
	CU_ASSERT_EQUAL(in(0x20), 0x10); /* IRR */
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x24);
	out(0x20, 0x20);
	CU_ASSERT(!intr.level); /* still high: no new edge */
	raise_irq(4);
	CU_ASSERT(!intr.level);
	lower_irq(4);
	raise_irq(4);
	CU_ASSERT(intr.level);
	out(0x21, 0x10);
	CU_ASSERT(!intr.level);
	out(0x21, 0); /* the request outlived the mask */
	CU_ASSERT(intr.level);
	out(0x20, 0x11); /* ICW1 clears edge latches */
	out(0x21, 0x40);
	out(0x21, 4);
	out(0x21, 1);
	CU_ASSERT(!intr.level);
}

static void test_levels(void)
{
	start();
	out(0x4d0, 0xff);
	out(0x4d1, 0xff);
	CU_ASSERT_EQUAL(in(0x4d0), 0xf8);
	CU_ASSERT_EQUAL(in(0x4d1), 0xde);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x4d0, 2), 0xdef8);
	raise_irq(5);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x25);
	out(0x20, 0x20);
	CU_ASSERT(intr.level); /* still asked for */
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x25);
	lower_irq(5);
	out(0x20, 0x20);
	CU_ASSERT(!intr.level);
}

static void test_cascade(void)
{
	start();
	raise_irq(2); /* the cascade is no line */
	CU_ASSERT(!intr.level);
	raise_irq(12);
	CU_ASSERT_EQUAL(in(0x20), 0x04);
	CU_ASSERT_EQUAL(in(0xa0), 0x10);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x2c);
	out(0x20, 0x0b);
	out(0xa0, 0x0b);
	CU_ASSERT_EQUAL(in(0x20), 0x04);
	CU_ASSERT_EQUAL(in(0xa0), 0x10);
	raise_irq(8); /* higher on the second chip, but the first one's level 2 is in service */
	CU_ASSERT(!intr.level);
	raise_irq(1);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x21);
	out(0x20, 0x20);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x28);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	raise_irq(15);
	out(0xa1, 0x80); /* masked on its chip: the cascade falls */
	CU_ASSERT(!intr.level);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x27);
}

static void test_special_nested(void)
{
	start_with(0x11);
	raise_irq(12);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x2c);
	raise_irq(13);
	CU_ASSERT(!intr.level);
	raise_irq(8);
	CU_ASSERT(intr.level);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x28);
}

static void test_rotation(void)
{
	start();
	out(0x20, 0xc3); /* 3 is lowest: 4 first */
	raise_irq(0);
	raise_irq(4);
	raise_irq(3);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x24);
	out(0x20, 0xa0); /* rotate on non-specific EOI: 4 is lowest */
	lower_irq(4);
	raise_irq(4);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x20);
	out(0x20, 0xe0); /* rotate on specific EOI of 0 */
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x23);
	out(0x20, 0x20);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x24);
	out(0x20, 0x40); /* no operation */
	out(0x20, 0x0b);
	CU_ASSERT_EQUAL(in(0x20), 0x10);
}

static void test_auto_eoi(void)
{
	start_with(3);
	out(0x20, 0x80); /* rotate in automatic EOI */
	raise_irq(0);
	raise_irq(1);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x20);
	CU_ASSERT(intr.level);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x21);
	lower_irq(0);
	lower_irq(1);
	raise_irq(0);
	raise_irq(1);
	raise_irq(4);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x24); /* 1 was last: 2 is first */
	out(0x20, 0x00);		      /* 4 stays the lowest */
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x20);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x21);
	out(0x20, 0x0b);
	CU_ASSERT_EQUAL(in(0x20), 0);
}

static void test_special_mask(void)
{
	start();
	raise_irq(1);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x21);
	raise_irq(6);
	CU_ASSERT(!intr.level);
	out(0x21, 0x02); /* mask what is in service: no effect yet */
	CU_ASSERT(!intr.level);
	out(0x20, 0x68); /* special mask mode */
	CU_ASSERT(intr.level);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x26);
	out(0x20, 0x20); /* ends 6, not the masked 1 */
	out(0x20, 0x0b);
	CU_ASSERT_EQUAL(in(0x20), 0x02);
	out(0x20, 0x48); /* off again */
	out(0x20, 0x20);
	CU_ASSERT_EQUAL(in(0x20), 0);
}

static void test_poll(void)
{
	start();
	out(0x20, 0x0c);
	CU_ASSERT_EQUAL(in(0x20) & 0x80, 0);
	raise_irq(6);
	out(0x20, 0x0c);
	CU_ASSERT_EQUAL(in(0x20), 0x86);
	CU_ASSERT(!intr.level);
	out(0x20, 0x0b);
	CU_ASSERT_EQUAL(in(0x20), 0x40);
	raise_irq(9); /* the cascade, then the second chip, are polled one by one */
	out(0x20, 0x0c);
	CU_ASSERT_EQUAL(in(0x21), 0x82);
	out(0xa0, 0x0c);
	CU_ASSERT_EQUAL(in(0xa0), 0x81);
}

static void test_single(void)
{
	start_raw();
	out(0x20, 0x12); /* single, no ICW4 */
	out(0x21, 0x47);
	out(0x21, 0xfb); /* already the mask */
	CU_ASSERT_EQUAL(in(0x21), 0xfb);
	setup_chip(0xa0, 0x28, 2, 1);
	raise_irq(8);
	CU_ASSERT(!intr.level);
	out(0x21, 0);
	raise_irq(1);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x41);
}

static void test_after_firmware(void)
{
	start_raw();
	pic_after_firmware(&pic);
	raise_irq(3);
	raise_irq(9);
	CU_ASSERT(!intr.level);
	raise_irq(0);
	raise_irq(8);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x08);
	out(0x20, 0x20);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x70);
}

static void save(const void *dev, struct state_buf *buf)
{
	pic_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return pic_load(dev, buf);
}

static void poke(void)
{
	for (unsigned i = 0; i < 64; i++) {
		pic_set_irq(&pic, i % 16, i & 1);
		(void)pic_ack(&pic);
	}
	poke_ports(&m, 0x20, 0x21);
	poke_ports(&m, 0xa0, 0xa1);
	poke_ports(&m, 0x4d0, 0x4d1);
}

static void test_state(void)
{
	const struct saved_device d = { &pic, sizeof(pic), DEVICE_SECTION_PIC, save, load, poke };

	start();
	raise_irq(1);
	raise_irq(9);
	(void)pic_ack(&pic);
	check_truncated(&d);
	CU_ASSERT(!intr.level);
	out(0x20, 0x20);
	CU_ASSERT_EQUAL(pic_ack(&pic), 0x29);
	check_corrupt(&d);
}

void test_pic_register(void)
{
	CU_pSuite suite = CU_add_suite("pic", NULL, NULL);

	CU_add_test(suite, "not initialised", test_not_initialised);
	CU_add_test(suite, "spurious interrupts", test_spurious);
	CU_add_test(suite, "priorities and EOI", test_priorities);
	CU_add_test(suite, "edges", test_edges);
	CU_add_test(suite, "levels", test_levels);
	CU_add_test(suite, "cascade", test_cascade);
	CU_add_test(suite, "special fully nested mode", test_special_nested);
	CU_add_test(suite, "rotation", test_rotation);
	CU_add_test(suite, "automatic EOI", test_auto_eoi);
	CU_add_test(suite, "special mask mode", test_special_mask);
	CU_add_test(suite, "poll", test_poll);
	CU_add_test(suite, "a single chip", test_single);
	CU_add_test(suite, "as firmware leaves it", test_after_firmware);
	CU_add_test(suite, "saved state, broken ones", test_state);
}
