/* test_uart.c - the 16550A: dev/uart.c */
#include "machine.h"

#include "dev/section.h"
#include "dev/uart.h"

void test_uart_register(void);

#define COM1 UART_COM1_PORT

static struct machine m;
static struct uart u;
static struct line irq;
static u8 sent[64];
static unsigned sent_count, room_calls;

static void tx(void *ctx UNUSED, u8 byte)
{
	sent[sent_count++ % sizeof(sent)] = byte;
}

static void room(void *ctx UNUSED)
{
	room_calls++;
}

static u8 in(unsigned reg)
{
	return (u8)bus_in(&m.bus, (u16)(COM1 + reg), 1);
}

static void out(unsigned reg, u8 value)
{
	bus_out(&m.bus, (u16)(COM1 + reg), 1, value);
}

static void start(void)
{
	const struct uart_line line = { tx, room, NULL };

	machine_init(&m);
	irq = (struct line){ 0 };
	sent_count = room_calls = 0;
	uart_init(&u, &m.bus, COM1, line_wire(&irq), &line);
}

/* As a driver leaves it: 8N1, 115200, FIFOs on with trigger level 8, OUT2. */
static void start_driver(u8 ier)
{
	start();
	out(3, 0x80);
	out(0, 1);
	out(1, 0);
	out(3, 0x03);
	out(2, 0x87);
	out(4, 0x0b);
	out(1, ier);
}

static void test_reset_values(void)
{
	start();
	CU_ASSERT_EQUAL(in(1), 0);
	CU_ASSERT_EQUAL(in(2), 0x01);
	CU_ASSERT_EQUAL(in(3), 0);
	CU_ASSERT_EQUAL(in(4), 0);
	CU_ASSERT_EQUAL(in(5), 0x60);
	CU_ASSERT_EQUAL(in(6), 0xb0);
	CU_ASSERT_EQUAL(in(0), 0);
	CU_ASSERT(!irq.level);
	CU_ASSERT_EQUAL(bus_in(&m.bus, COM1 + 4, 4), 0x00b06000); /* MCR LSR MSR SCR */
}

static void test_receive_full(void)
{
	start();
	CU_ASSERT_EQUAL(uart_room(&u), 1);
	CU_ASSERT(uart_receive(&u, 'a'));
	CU_ASSERT(!uart_receive(&u, 'b')); /* no FIFO: one place */
	CU_ASSERT_EQUAL(in(5) & 3, 1);	   /* data, no overrun: nothing was lost */
	out(3, 3);
	CU_ASSERT_EQUAL(in(0), 'a' & 0x1f); /* received when words had 5 bits */
	CU_ASSERT_EQUAL(room_calls, 1);
	out(2, 1);
	for (unsigned i = 0; i < 16; i++)
		CU_ASSERT(uart_receive(&u, (u8)i));
	CU_ASSERT(!uart_receive(&u, 99));
	CU_ASSERT_EQUAL(uart_room(&u), 0);
	CU_ASSERT_EQUAL(in(0), 0);
	CU_ASSERT(uart_receive(&u, 16));
	for (unsigned i = 1; i <= 16; i++)
		CU_ASSERT_EQUAL(in(0), i);
	CU_ASSERT_EQUAL(in(5), 0x60);
	CU_ASSERT_EQUAL(in(0), 16); /* empty: the last one again */
	CU_ASSERT(uart_receive(&u, 'x'));
	CU_ASSERT_EQUAL(in(0), 'x');
	out(4, 0x10);
	CU_ASSERT(!uart_receive(&u, 'y')); /* in loopback the line is cut */
	CU_ASSERT_EQUAL(uart_room(&u), 0);
	room_calls = 0;
	out(4, 0);
	CU_ASSERT_EQUAL(room_calls, 1);
}

static void test_send(void)
{
	start();
	out(0, 0xff);
	out(3, 0x02);
	out(0, 0xff);
	out(3, 0x03);
	out(0, 0xff);
	out(3, 0x83);
	out(0, 0x34);
	out(1, 0x12);
	CU_ASSERT_EQUAL(in(0), 0x34);
	CU_ASSERT_EQUAL(in(1), 0x12);
	out(3, 0x03);
	CU_ASSERT_EQUAL(in(1), 0);
	CU_ASSERT_EQUAL(sent_count, 3);
	CU_ASSERT_EQUAL(sent[0], 0x1f);
	CU_ASSERT_EQUAL(sent[1], 0x7f);
	CU_ASSERT_EQUAL(sent[2], 0xff);
	uart_reset(&u);
	uart_after_firmware(&u);
	out(0, 'A');
	CU_ASSERT_EQUAL(sent[3], 'A');
	bus_out(&m.bus, COM1, 2, 0xff00 | 'B'); /* THR, then IER keeps four bits */
	CU_ASSERT_EQUAL(sent[4], 'B');
	CU_ASSERT_EQUAL(in(1), 0x0f);
}

static void test_fifo_detection(void)
{
	start();
	out(2, 0xc8); /* other bits need the enable bit */
	CU_ASSERT_EQUAL(in(2), 0x01);
	out(2, 0xc1);
	CU_ASSERT_EQUAL(in(2) & 0xc0, 0xc0);
	uart_receive(&u, 1);
	out(2, 0xc3);
	CU_ASSERT_EQUAL(in(5) & 1, 0); /* cleared */
	uart_receive(&u, 1);
	out(2, 0);
	CU_ASSERT_EQUAL(in(5) & 1, 0); /* switching clears */
	CU_ASSERT_EQUAL(in(2), 0x01);
	out(3, 0xbf); /* no 16650: register 2 is no EFR */
	out(2, 0x10);
	CU_ASSERT_EQUAL(in(2), 0x01);
	out(3, 0);
	out(7, 0xa5);
	CU_ASSERT_EQUAL(in(7), 0xa5);
}

static void test_loopback(void)
{
	start();
	out(3, 3);
	(void)in(6);
	out(4, 0x1a); /* Linux's probe */
	CU_ASSERT_EQUAL(in(6) & 0xf0, 0x90);
	out(4, 0x1f);
	CU_ASSERT_EQUAL(in(6) & 0xf0, 0xf0);
	CU_ASSERT_EQUAL(in(6) & 0x0f, 0); /* deltas were read */
	out(4, 0x1b);
	CU_ASSERT_EQUAL(in(6), 0xb4); /* RI fell: TERI */
	out(4, 0x1f);
	CU_ASSERT_EQUAL(in(6), 0xf0); /* RI rose: nothing */
	out(0, 0x5a);
	CU_ASSERT_EQUAL(sent_count, 0);
	CU_ASSERT_EQUAL(in(5), 0x61);
	out(0, 0x5b); /* overrun: without FIFO the new one stays */
	CU_ASSERT_EQUAL(in(5), 0x63);
	CU_ASSERT_EQUAL(in(5), 0x61);
	CU_ASSERT_EQUAL(in(0), 0x5b);
	out(2, 1);
	for (unsigned i = 0; i < 17; i++)
		out(0, (u8)i);
	CU_ASSERT_EQUAL(in(5), 0x63);
	for (unsigned i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(in(0), i);
	out(3, 0x43); /* break */
	CU_ASSERT_EQUAL(in(5), 0xf1);
	CU_ASSERT_EQUAL(in(5), 0x61);
	CU_ASSERT_EQUAL(in(0), 0);
}

static void test_thre_interrupt(void)
{
	start();
	out(1, 2);
	CU_ASSERT_EQUAL(in(2), 0x02); /* asked for, though OUT2 holds the line */
	CU_ASSERT_EQUAL(irq.rises, 0);
	CU_ASSERT_EQUAL(in(2), 0x01); /* the reading cleared it */
	out(4, 8);
	CU_ASSERT(!irq.level);
	out(1, 0);
	out(1, 2);
	CU_ASSERT(irq.level); /* enabling with an empty THR asks again */
	(void)in(2);
	out(1, 2); /* already enabled: does not ask again */
	CU_ASSERT(!irq.level);
	out(1, 0);
	out(1, 2);
	out(0, 'a');
	CU_ASSERT_EQUAL(irq.falls, 2); /* an edge for each byte */
	CU_ASSERT_EQUAL(irq.rises, 3);
	CU_ASSERT_EQUAL(in(2), 0x02);
	CU_ASSERT(!irq.level);
	out(0, 'b');
	CU_ASSERT(irq.level);
	out(4, 0); /* OUT2 */
	CU_ASSERT(!irq.level);
	out(4, 8);
	CU_ASSERT(irq.level);
	out(4, 0x18); /* loopback takes OUT2 off its pin */
	CU_ASSERT(!irq.level);
	out(4, 8);
	out(1, 0);
	CU_ASSERT(!irq.level);
	CU_ASSERT_EQUAL(in(2), 0x01);
}

static void test_receive_interrupt(void)
{
	start_driver(1);
	for (unsigned i = 0; i < 7; i++)
		uart_receive(&u, (u8)i);
	CU_ASSERT(!irq.level);
	uart_receive(&u, 7);
	CU_ASSERT(irq.level);
	CU_ASSERT_EQUAL(in(2), 0xc4);
	CU_ASSERT_EQUAL(in(2), 0xc4); /* not cleared by IIR */
	(void)in(0);
	CU_ASSERT(!irq.level); /* below the trigger level */
	/* Four characters of 10 bits at 115200 are 347,222 ns. */
	machine_run(&m, 347 * US);
	CU_ASSERT(!irq.level);
	machine_run(&m, 1 * US);
	CU_ASSERT(irq.level);
	CU_ASSERT_EQUAL(in(2), 0xcc);
	for (unsigned i = 1; i < 8; i++)
		CU_ASSERT_EQUAL(in(0), i);
	CU_ASSERT(!irq.level);
	machine_run(&m, 1 * S);
	CU_ASSERT_EQUAL(irq.rises, 2);
	CU_ASSERT_PTR_NULL(m.bus.alarms); /* an idle line costs nothing */
}

static void test_priorities(void)
{
	start_driver(0x0f);
	out(2, 0x01); /* trigger level 1 */
	out(4, 0x1b);
	(void)in(6);
	out(4, 0x19); /* modem change */
	for (unsigned i = 0; i < 17; i++)
		out(0, 1);
	CU_ASSERT_EQUAL(in(2), 0xc6); /* overrun */
	(void)in(5);
	CU_ASSERT_EQUAL(in(2), 0xc4); /* data */
	while (in(5) & 1)
		(void)in(0);
	CU_ASSERT_EQUAL(in(2), 0xc2); /* THRE */
	CU_ASSERT_EQUAL(in(2), 0xc0); /* modem */
	(void)in(6);
	CU_ASSERT_EQUAL(in(2), 0xc1);
}

static void save(const void *dev, struct state_buf *buf)
{
	uart_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return uart_load(dev, buf);
}

static void poke(void)
{
	poke_ports(&m, COM1, COM1 + 7);
	for (unsigned i = 0; i < 40; i++)
		uart_receive(&u, (u8)i);
	poke_ports(&m, COM1, COM1 + 7);
}

static void test_state(void)
{
	const struct saved_device d = { &u, sizeof(u), DEVICE_SECTION_UART, save, load, poke };

	start_driver(1);
	for (unsigned i = 0; i < 20; i++)
		uart_receive(&u, (u8)i);
	for (unsigned i = 0; i < 11; i++)
		(void)in(0);
	check_truncated(&d);
	machine_run(&m, 1 * MS); /* the time-out's alarm was loaded, too */
	CU_ASSERT_EQUAL(in(2), 0xcc);
	CU_ASSERT_EQUAL(in(0), 11);
	check_corrupt(&d);
	out(2, 0x01);
	u.fifo_count = 17;
	CU_ASSERT(refuses_itself(&d));
	u.fifo_count = 2;
	CU_ASSERT(!refuses_itself(&d));
	u.fcr = 0; /* two bytes without a FIFO */
	CU_ASSERT(refuses_itself(&d));
}

void test_uart_register(void)
{
	CU_pSuite suite = CU_add_suite("uart", NULL, NULL);

	CU_add_test(suite, "reset values", test_reset_values);
	CU_add_test(suite, "more input than room", test_receive_full);
	CU_add_test(suite, "sending, word lengths, divisor", test_send);
	CU_add_test(suite, "detection of the FIFOs", test_fifo_detection);
	CU_add_test(suite, "loopback", test_loopback);
	CU_add_test(suite, "THRE interrupt and OUT2", test_thre_interrupt);
	CU_add_test(suite, "receive interrupt and time-out", test_receive_interrupt);
	CU_add_test(suite, "priorities of interrupts", test_priorities);
	CU_add_test(suite, "saved state, broken ones", test_state);
}
