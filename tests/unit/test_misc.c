/* test_misc.c - debug port, exit port, and all devices on one bus */
#include "machine.h"

#include "dev/debugport.h"
#include "dev/exitport.h"
#include "dev/i8042.h"
#include "dev/pic.h"
#include "dev/pit.h"
#include "dev/rtc.h"
#include "dev/uart.h"

void test_misc_register(void);

static struct machine m;
static char text[16];
static unsigned exits, exit_size;
static u32 exit_value;

static void tx(void *ctx, u8 byte)
{
	size_t n = strlen(text);

	CU_ASSERT_PTR_EQUAL(ctx, text);
	if (n + 1 < sizeof(text))
		text[n] = (char)byte;
}

static void on_exit_port(void *ctx UNUSED, u32 value, unsigned size)
{
	exits++;
	exit_value = value;
	exit_size = size;
}

static void test_debugport(void)
{
	struct debugport d;

	machine_init(&m);
	debugport_init(&d, &m.bus, NULL, NULL);
	bus_out(&m.bus, 0xe9, 1, 'x'); /* nobody listens */
	machine_init(&m);
	memset(text, 0, sizeof(text));
	debugport_init(&d, &m.bus, tx, text);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xe9, 1), 0xe9);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xe9, 4), 0xffffffe9);
	bus_out(&m.bus, 0xe9, 1, 'h');
	bus_out(&m.bus, 0xe9, 4, 0x41424300 | 'i'); /* one byte of it is ours */
	CU_ASSERT_STRING_EQUAL(text, "hi");
}

/* Firmware's port beside it, to somebody else. */
static void test_debugport_of_firmware(void)
{
	struct debugport d, firmware;

	machine_init(&m);
	memset(text, 0, sizeof(text));
	debugport_init(&d, &m.bus, NULL, NULL);
	debugport_init_at(&firmware, &m.bus, DEBUGPORT_FIRMWARE_PORT, tx, text);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0x402, 1), 0xe9);
	bus_out(&m.bus, 0xe9, 1, 'x');
	bus_out(&m.bus, 0x402, 1, 'f');
	CU_ASSERT_STRING_EQUAL(text, "f");
}

static void test_exitport(void)
{
	struct exitport e;

	machine_init(&m);
	exitport_init(&e, &m.bus, on_exit_port, NULL);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xf4, 4), 0);
	CU_ASSERT_EQUAL(exits, 0);
	bus_out(&m.bus, 0xf4, 1, 0x133);
	CU_ASSERT_EQUAL(exit_value, 0x33);
	CU_ASSERT_EQUAL(exit_size, 1);
	bus_out(&m.bus, 0xf4, 2, 0x12345);
	CU_ASSERT_EQUAL(exit_value, 0x2345);
	bus_out(&m.bus, 0xf4, 4, 0x12345678);
	CU_ASSERT_EQUAL(exit_value, 0x12345678);
	CU_ASSERT_EQUAL(exit_size, 4);
	bus_out(&m.bus, 0xf8, 4, 1); /* the next port */
	CU_ASSERT_EQUAL(exits, 3);
}

/* Every port, every width, odd values: nothing but the sanitizers judge. */
static void test_all_ports(void)
{
	static struct pic pic;
	static struct pit pit;
	static struct uart uart;
	static struct rtc rtc;
	static struct i8042 i8042;
	static struct debugport debugport;
	static struct exitport exitport;
	static struct line intr;
	const struct uart_line line = { 0 };
	const struct i8042_lines lines = { 0 };

	machine_init(&m);
	pic_init(&pic, &m.bus, line_wire(&intr));
	pit_init(&pit, &m.bus, pic_wire(&pic, 0));
	uart_init(&uart, &m.bus, UART_COM1_PORT, pic_wire(&pic, UART_COM1_IRQ), &line);
	rtc_init(&rtc, &m.bus, pic_wire(&pic, RTC_IRQ), 0, MiB(64), 0);
	i8042_init(&i8042, &m.bus, pic_wire(&pic, I8042_IRQ), pic_wire(&pic, I8042_AUX_IRQ),
		   &lines);
	debugport_init(&debugport, &m.bus, NULL, NULL);
	exitport_init(&exitport, &m.bus, on_exit_port, NULL);
	for (unsigned round = 0; round < 3; round++)
		poke_ports(&m, 0, 0x5ff);
	srand(1);
	for (unsigned i = 0; i < 2000000; i++) {
		const struct port_range *r = &m.bus.port[(unsigned)rand() % m.bus.port_count];
		u16 port = (u16)(r->first + (unsigned)rand() % (r->last - r->first + 1u));
		unsigned size = 1u << (rand() % 8 ? 0 : rand() % 3);

		if (rand() & 1)
			(void)bus_in(&m.bus, port, size);
		else
			bus_out(&m.bus, port, size, (u32)rand());
		if (pic_pending(&pic) && rand() % 4 == 0)
			(void)pic_ack(&pic);
		m.now += (u64)rand() % 100000 * (rand() % 1000 ? 1 : 1000000);
		bus_expire(&m.bus);
		if (m.bus.alarms)
			CU_ASSERT_FATAL(m.bus.alarms->when_ns > m.now); /* nobody spins */
	}
}

void test_misc_register(void)
{
	CU_pSuite suite = CU_add_suite("misc", NULL, NULL);

	CU_add_test(suite, "debug port", test_debugport);
	CU_add_test(suite, "debug port of firmware", test_debugport_of_firmware);
	CU_add_test(suite, "exit port", test_exitport);
	CU_add_test(suite, "all devices at random", test_all_ports);
}
