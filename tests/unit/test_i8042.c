/* test_i8042.c - the keyboard controller, keyboard and mouse: dev/i8042.c, dev/ps2.c */
#include "machine.h"

#include "dev/i8042.h"
#include "dev/section.h"

void test_i8042_register(void);

static struct machine m;
static struct i8042 k;
static struct line irq, aux_irq;
static unsigned resets, a20_changes;
static bool a20;

static void reset(void *ctx UNUSED)
{
	resets++;
}

static void set_a20(void *ctx UNUSED, bool enabled)
{
	a20 = enabled;
	a20_changes++;
}

static u8 in(u16 port)
{
	return (u8)bus_in(&m.bus, port, 1);
}

static void out(u16 port, u8 value)
{
	bus_out(&m.bus, port, 1, value);
}

static void start(void)
{
	const struct i8042_lines lines = { reset, set_a20, NULL };

	machine_init(&m);
	irq = aux_irq = (struct line){ 0 };
	resets = a20_changes = 0;
	a20 = true;
	i8042_init(&k, &m.bus, line_wire(&irq), line_wire(&aux_irq), &lines);
}

static void says(u8 status, u8 byte)
{
	CU_ASSERT_EQUAL(in(0x64) & 0x21, status);
	CU_ASSERT_EQUAL(in(0x60), byte);
}

static void test_keyboard(void)
{
	start();
	CU_ASSERT_EQUAL(in(0x64), 0x14); /* empty, not locked */
	CU_ASSERT_EQUAL(in(0x60), 0);
	out(0x60, 0xf2); /* who are you? */
	CU_ASSERT_EQUAL(irq.rises, 0);
	says(1, 0xfa);
	says(1, 0xab);
	says(1, 0x83);
	CU_ASSERT_EQUAL(in(0x64), 0x14);
	i8042_after_firmware(&k);
	out(0x60, 0xf2);
	says(1, 0xfa);
	says(1, 0xab);
	says(1, 0x41); /* translated */
	CU_ASSERT_EQUAL(irq.rises, 3); /* one for each */
	CU_ASSERT(!irq.level);
	out(0x60, 0xee);
	says(1, 0xee);
	out(0x60, 0xff);
	says(1, 0xfa);
	says(1, 0xaa);
	out(0x60, 0xed);
	says(1, 0xfa);
	out(0x60, 0xff); /* lights, not a reset */
	says(1, 0xfa);
	CU_ASSERT_EQUAL(in(0x64) & 1, 0);
	out(0x60, 0xf0);
	out(0x60, 0);
	in(0x60); /* of the first, which had filled the buffer */
	says(1, 0xfa);
	says(1, 2);
	out(0x60, 0xfe);
	says(1, 2);
	out(0x60, 0x12);
	says(1, 0xfe);
	out(0x64, 0xad);
	out(0x60, 0xf4); /* wakes it */
	says(1, 0xfa);
}

static void to_mouse(u8 byte)
{
	out(0x64, 0xd4);
	CU_ASSERT_EQUAL(in(0x64) & 0x08, 0x08);
	out(0x60, byte);
}

static void test_mouse(void)
{
	start();
	out(0x64, 0x60);
	out(0x60, 0x43);
	to_mouse(0xf2);
	says(0x21, 0xfa);
	says(0x21, 0);
	CU_ASSERT_EQUAL(aux_irq.rises, 2);
	to_mouse(0xff);
	says(0x21, 0xfa);
	says(0x21, 0xaa);
	says(0x21, 0);
	to_mouse(0xf3);
	says(0x21, 0xfa);
	to_mouse(40);
	says(0x21, 0xfa);
	to_mouse(0xe8);
	says(0x21, 0xfa);
	to_mouse(3);
	says(0x21, 0xfa);
	to_mouse(0xe7);
	says(0x21, 0xfa);
	to_mouse(0xf4);
	says(0x21, 0xfa);
	to_mouse(0xe9);
	says(0x21, 0xfa);
	says(0x21, 0x30);
	says(0x21, 3);
	says(0x21, 40);
	to_mouse(0xeb);
	says(0x21, 0xfa);
	says(0x21, 0x08);
	says(0x21, 0);
	says(0x21, 0);
	CU_ASSERT_EQUAL(irq.rises, 0);
}

static void test_nothing_there(void)
{
	start();
	CU_ASSERT_EQUAL(in(0x64), 0x14); /* empty, not locked */
	CU_ASSERT_EQUAL(in(0x60), 0);
	out(0x64, 0x00); /* unknown commands */
	out(0x64, 0xff);
	out(0x64, 0xb0);
	CU_ASSERT_EQUAL(in(0x64) & 0x1c, 0x1c);
	CU_ASSERT_EQUAL(resets, 0);
}

static void test_self_tests(void)
{
	start();
	out(0x64, 0xaa);
	CU_ASSERT_EQUAL(in(0x64) & 1, 1);
	CU_ASSERT_EQUAL(in(0x60), 0x55);
	out(0x64, 0xab);
	CU_ASSERT_EQUAL(in(0x60), 0);
	out(0x64, 0xa9);
	CU_ASSERT_EQUAL(in(0x60), 0);
	out(0x64, 0xc0);
	CU_ASSERT_EQUAL(in(0x60) & 0x80, 0x80);
	CU_ASSERT_EQUAL(in(0x64) & 1, 0);
}

static void test_command_byte(void)
{
	start();
	out(0x64, 0x60);
	out(0x60, 0x47);
	out(0x64, 0x20);
	CU_ASSERT(irq.level); /* the answer interrupts, now that it is enabled */
	CU_ASSERT_EQUAL(in(0x60), 0x47);
	CU_ASSERT(!irq.level);
	out(0x64, 0xa7);
	out(0x64, 0xad);
	out(0x64, 0x20);
	CU_ASSERT_EQUAL(in(0x60), 0x77);
	out(0x64, 0xa8);
	out(0x64, 0xae);
	out(0x64, 0x20);
	CU_ASSERT_EQUAL(in(0x60), 0x47);
	out(0x64, 0x7f);
	out(0x60, 0xab);
	out(0x64, 0x3f);
	CU_ASSERT_EQUAL(in(0x60), 0xab);
	out(0x64, 0xd2);
	out(0x60, 0x1e);
	CU_ASSERT_EQUAL(in(0x64) & 0x21, 0x01);
	CU_ASSERT_EQUAL(in(0x60), 0x1e);
	out(0x64, 0xd3);
	out(0x60, 0x1f);
	CU_ASSERT_EQUAL(in(0x64) & 0x21, 0x21);
	CU_ASSERT(aux_irq.level);
	CU_ASSERT_EQUAL(in(0x60), 0x1f);
	CU_ASSERT(!aux_irq.level);
	out(0x64, 0x60);
	out(0x64, 0xaa); /* a command instead of the byte it waits for */
	out(0x60, 0);
	out(0x64, 0x20);
	CU_ASSERT_EQUAL(in(0x60), 0x47);
}

static void test_reset(void)
{
	start();
	out(0x64, 0xfe);
	CU_ASSERT_EQUAL(resets, 1);
	out(0x64, 0xf1);
	CU_ASSERT_EQUAL(resets, 1);
	out(0x64, 0xd1);
	out(0x60, 0xfe);
	CU_ASSERT_EQUAL(resets, 2);
	out(0x92, 1);
	CU_ASSERT_EQUAL(resets, 3);
	out(0x92, 1); /* no new edge */
	CU_ASSERT_EQUAL(resets, 3);
	out(0x92, 0);
	out(0x92, 3);
	CU_ASSERT_EQUAL(resets, 4);
}

static void test_a20(void)
{
	start();
	CU_ASSERT_EQUAL(in(0x92), 2);
	out(0x92, 0);
	CU_ASSERT(!a20); /* who spoke last counts */
	out(0x64, 0xd1);
	out(0x60, 0xdd);
	CU_ASSERT(!a20);
	CU_ASSERT_EQUAL(in(0x92), 0);
	out(0x64, 0xd0);
	CU_ASSERT_EQUAL(in(0x60) & 3, 1);
	out(0x92, 2);
	CU_ASSERT(a20);
	out(0x92, 0);
	out(0x64, 0xdf);
	CU_ASSERT(a20);
	out(0x64, 0xdd);
	CU_ASSERT(!a20);
	CU_ASSERT_EQUAL(a20_changes, 5);
	i8042_reset(&k);
	CU_ASSERT(a20);
}

static void save(const void *dev, struct state_buf *buf)
{
	i8042_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return i8042_load(dev, buf);
}

static void poke(void)
{
	poke_ports(&m, 0x60, 0x60);
	poke_ports(&m, 0x64, 0x64);
	poke_ports(&m, 0x92, 0x92);
	for (unsigned command = 0; command < 256; command++) {
		out(0x64, (u8)command);
		out(0x60, (u8)(command * 7));
		(void)in(0x60);
	}
}

static void test_state(void)
{
	const struct saved_device d = { &k, sizeof(k), DEVICE_SECTION_I8042, save, load, poke };

	start();
	out(0x64, 0x65); /* waits for a byte */
	check_truncated(&d);
	out(0x60, 0x99);
	out(0x64, 0x25);
	CU_ASSERT_EQUAL(in(0x60), 0x99);
	check_corrupt(&d);
}

void test_i8042_register(void)
{
	CU_pSuite suite = CU_add_suite("i8042", NULL, NULL);

	CU_add_test(suite, "unknown commands", test_nothing_there);
	CU_add_test(suite, "keyboard", test_keyboard);
	CU_add_test(suite, "mouse", test_mouse);
	CU_add_test(suite, "self tests", test_self_tests);
	CU_add_test(suite, "command byte, memory, echoes", test_command_byte);
	CU_add_test(suite, "reset", test_reset);
	CU_add_test(suite, "A20", test_a20);
	CU_add_test(suite, "saved state, broken ones", test_state);
}
