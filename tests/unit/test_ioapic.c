/* test_ioapic.c - from wires to messages: dev/ioapic.c */
#include "machine.h"

#include "dev/ioapic.h"
#include "dev/section.h"

void test_ioapic_register(void);

#define MASKED 0x10000u
#define LEVEL 0x8000u
#define LOGICAL 0x800u
#define REMOTE_IRR 0x4000u
#define MODE(m) ((u32)(m) << 8)

static struct machine m;
static struct ioapic io;
static struct ipi last;
static unsigned messages;

static void send(void *ctx, const struct ipi *message)
{
	CU_ASSERT_PTR_EQUAL(ctx, &m);
	last = *message;
	messages++;
}

static void start(void)
{
	machine_init(&m);
	ioapic_init(&io, &m.bus, 0, send, &m);
	messages = 0;
}

static u64 mmio_read(u64 offset, unsigned size)
{
	const struct mmio_range *range = bus_mmio_find(&m.bus, gpa(IOAPIC_BASE + offset));

	return range->read(range->dev, offset, size);
}

static void mmio_write(u64 offset, unsigned size, u64 value)
{
	const struct mmio_range *range = bus_mmio_find(&m.bus, gpa(IOAPIC_BASE + offset));

	range->write(range->dev, offset, size, value);
}

static u32 get(u8 n)
{
	mmio_write(0, 4, n);
	return (u32)mmio_read(0x10, 4);
}

static void set(u8 n, u32 value)
{
	mmio_write(0, 4, n);
	mmio_write(0x10, 4, value);
}

static void entry(unsigned pin, u32 low, u8 dest)
{
	set((u8)(0x11 + 2 * pin), (u32)dest << 24);
	set((u8)(0x10 + 2 * pin), low);
}

static void bad_pin(void *pin)
{
	ioapic_set_irq(&io, *(unsigned *)pin, true);
}

static void test_window(void)
{
	unsigned pin = IOAPIC_PINS;

	start();
	CU_ASSERT(panics(bad_pin, &pin));
	mmio_write(0, 1, 1); /* the select register has a byte only */
	CU_ASSERT_EQUAL(mmio_read(0, 4), 1);
	CU_ASSERT_EQUAL(mmio_read(0x10, 4), 0x00170020);
	CU_ASSERT_EQUAL(mmio_read(0x10, 2), 0);
	CU_ASSERT_EQUAL(mmio_read(0x10, 8), 0);
	CU_ASSERT_EQUAL(mmio_read(0x20, 4), 0);
	CU_ASSERT_EQUAL(mmio_read(0xffc, 4), 0);
	mmio_write(0, 4, 0x110);
	CU_ASSERT_EQUAL(mmio_read(0, 4), 0x10);
	mmio_write(0x10, 1, 0); /* not unmasked by a byte */
	mmio_write(0x10, 8, 0);
	CU_ASSERT_EQUAL(get(0x10), MASKED);
	mmio_write(0x14, 4, 0);
	mmio_write(0x20, 4, 0);
	CU_ASSERT_EQUAL(get(0x10), MASKED);
}

static void test_registers(void)
{
	start();
	set(0, 0xffffffff);
	CU_ASSERT_EQUAL(get(0), 0x0f000000);
	CU_ASSERT_EQUAL(get(2), 0x0f000000);
	set(1, 0xffffffff);
	set(2, 0);
	set(3, 0xffffffff);
	CU_ASSERT_EQUAL(get(1), 0x00170020);
	CU_ASSERT_EQUAL(get(2), 0x0f000000);
	CU_ASSERT_EQUAL(get(3), 0);
	for (unsigned n = 0x40; n < 0x100; n++) { /* beyond the last entry */
		set((u8)n, 0xffffffff);
		CU_ASSERT_EQUAL(get((u8)n), 0);
	}
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		entry(pin, 0xffffffff, 0xff);
		CU_ASSERT_EQUAL(get((u8)(0x10 + 2 * pin)), 0x1afff);
		CU_ASSERT_EQUAL(get((u8)(0x11 + 2 * pin)), 0xff000000);
	}
	ioapic_reset(&io);
	CU_ASSERT_EQUAL(get(0), 0);
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		CU_ASSERT_EQUAL(get((u8)(0x10 + 2 * pin)), MASKED);
		CU_ASSERT_EQUAL(get((u8)(0x11 + 2 * pin)), 0);
	}
	CU_ASSERT_EQUAL(messages, 0);
}

static void test_edge(void)
{
	start();
	ioapic_set_irq(&io, 4, true);
	ioapic_set_irq(&io, 4, false);
	entry(4, 0x34, 1); /* what came while it was masked is lost */
	CU_ASSERT_EQUAL(messages, 0);
	ioapic_set_irq(&io, 4, true);
	CU_ASSERT_EQUAL(messages, 1);
	CU_ASSERT(last.mode == LAPIC_FIXED && last.vector == 0x34 && last.dest == 1);
	CU_ASSERT(!last.level && !last.logical && last.shorthand == LAPIC_TO_DEST && !last.sender);
	ioapic_set_irq(&io, 4, true);
	CU_ASSERT_EQUAL(messages, 1);
	ioapic_set_irq(&io, 4, false);
	ioapic_set_irq(&io, 4, true); /* without an EOI in between */
	CU_ASSERT_EQUAL(messages, 2);
	entry(4, MASKED | 0x34, 1);
	entry(4, 0x34, 1); /* still up, but no edge */
	CU_ASSERT_EQUAL(messages, 2);
	CU_ASSERT_EQUAL(get(0x18) & REMOTE_IRR, 0);
}

static void test_level(void)
{
	start();
	ioapic_set_irq(&io, 9, true);
	entry(9, LEVEL | 0x49, 0); /* a level is seen when it is unmasked */
	CU_ASSERT_EQUAL(messages, 1);
	CU_ASSERT(last.level);
	CU_ASSERT_EQUAL(get(0x22), REMOTE_IRR | LEVEL | 0x49);
	ioapic_set_irq(&io, 9, false);
	ioapic_set_irq(&io, 9, true);
	CU_ASSERT_EQUAL(messages, 1); /* not before the EOI */
	ioapic_eoi(&io, 0x48);
	CU_ASSERT_EQUAL(messages, 1);
	ioapic_eoi(&io, 0x49);
	CU_ASSERT_EQUAL(messages, 2); /* still asserted */
	ioapic_set_irq(&io, 9, false);
	ioapic_eoi(&io, 0x49);
	CU_ASSERT_EQUAL(messages, 2);
	CU_ASSERT_EQUAL(get(0x22), LEVEL | 0x49);
	ioapic_set_irq(&io, 9, true);
	CU_ASSERT_EQUAL(messages, 3);
	mmio_write(0x40, 1, 0x49); /* the EOI register is a dword */
	CU_ASSERT_EQUAL(messages, 3);
	mmio_write(0x40, 4, 0x49);
	CU_ASSERT_EQUAL(messages, 4);
}

/* Masked between request and EOI, as Linux does when it moves an interrupt. */
static void test_level_masked(void)
{
	start();
	entry(9, LEVEL | 0x49, 0);
	ioapic_set_irq(&io, 9, true);
	entry(9, MASKED | LEVEL | 0x49, 0);
	CU_ASSERT(get(0x22) & REMOTE_IRR);
	ioapic_eoi(&io, 0x49);
	CU_ASSERT_EQUAL(messages, 1);
	CU_ASSERT(!(get(0x22) & REMOTE_IRR));
	entry(9, LEVEL | 0x49, 0);
	CU_ASSERT_EQUAL(messages, 2);
	/* The EOI without an EOI register: to edge, and back. */
	entry(9, MASKED | 0x49, 0);
	CU_ASSERT(!(get(0x22) & REMOTE_IRR));
	entry(9, LEVEL | 0x49, 0);
	CU_ASSERT_EQUAL(messages, 3);
	/* A guest cannot clear or set it by writing. */
	set(0x22, LEVEL | 0x49);
	CU_ASSERT(get(0x22) & REMOTE_IRR);
	ioapic_set_irq(&io, 9, false);
	ioapic_eoi(&io, 0x49);
	set(0x22, REMOTE_IRR | LEVEL | 0x49);
	CU_ASSERT(!(get(0x22) & REMOTE_IRR));
}

static void test_shared_vector(void)
{
	start();
	entry(10, LEVEL | 0x50, 0);
	entry(11, LEVEL | 0x50, 0);
	entry(12, 0x50, 0);
	ioapic_set_irq(&io, 10, true);
	ioapic_set_irq(&io, 11, true);
	ioapic_set_irq(&io, 12, true);
	CU_ASSERT_EQUAL(messages, 3);
	ioapic_eoi(&io, 0x50); /* both levels are sent again, the edge is not */
	CU_ASSERT_EQUAL(messages, 5);
}

static void test_destinations(void)
{
	start();
	entry(3, 0x33, 0xff);
	ioapic_set_irq(&io, 3, true);
	CU_ASSERT(!last.logical && last.dest == LAPIC_BROADCAST);
	ioapic_set_irq(&io, 3, false);
	entry(3, LOGICAL | MODE(LAPIC_LOWEST) | 0x33, 0xff);
	ioapic_set_irq(&io, 3, true);
	CU_ASSERT(last.logical && last.dest == 0xff && last.mode == LAPIC_LOWEST);
	ioapic_set_irq(&io, 3, false);
	entry(3, LOGICAL | 0x33, 0x42);
	ioapic_set_irq(&io, 3, true);
	CU_ASSERT_EQUAL(last.dest, 0x42);
}

static void test_modes(void)
{
	static const u8 edges[] = { LAPIC_SMI, LAPIC_NMI, LAPIC_INIT, LAPIC_EXTINT };

	start();
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
		messages = 0;
		entry(2, LEVEL | MODE(edges[i]) | 0x77, 0);
		ioapic_set_irq(&io, 2, true);
		CU_ASSERT_EQUAL(messages, 1);
		CU_ASSERT(last.mode == edges[i] && !last.level);
		CU_ASSERT(!(get(0x14) & REMOTE_IRR)); /* nobody would end it */
		ioapic_set_irq(&io, 2, false);
	}
	messages = 0;
	entry(2, MODE(LAPIC_RESERVED) | 0x77, 0);
	ioapic_set_irq(&io, 2, true);
	ioapic_set_irq(&io, 2, false);
	entry(2, MODE(LAPIC_SIPI) | 0x77, 0);
	ioapic_set_irq(&io, 2, true);
	CU_ASSERT_EQUAL(messages, 0);
}

static void test_wire(void)
{
	struct wire wire;

	start();
	wire = ioapic_wire(&io, 23);
	entry(23, 0x99, 0);
	wire_set(&wire, true);
	CU_ASSERT_EQUAL(last.vector, 0x99);
	ioapic_reset(&io); /* the line stays up */
	messages = 0;
	wire_set(&wire, true);
	entry(23, LEVEL | 0x99, 0);
	CU_ASSERT_EQUAL(messages, 1);
}

static void save(const void *dev, struct state_buf *buf)
{
	ioapic_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return ioapic_load(dev, buf);
}

static void poke(void)
{
	for (unsigned n = 0; n < 256; n++) {
		mmio_write(0, 4, n);
		mmio_write(n % 0x50 * 4, 1u << n % 4, n * 0x01020304);
		(void)mmio_read(n % 0x50 * 4, 1u << n % 4);
		ioapic_set_irq(&io, n % IOAPIC_PINS, n & 32);
		ioapic_eoi(&io, (u8)n);
	}
}

static void test_state(void)
{
	const struct saved_device d = { &io, sizeof(io), DEVICE_SECTION_IOAPIC, save, load, poke };

	start();
	entry(9, LEVEL | 0x49, 3);
	ioapic_set_irq(&io, 9, true);
	check_truncated(&d);
	CU_ASSERT_EQUAL(messages, 1); /* loading sends nothing */
	check_corrupt(&d);
	start();
	io.entry[0] = REMOTE_IRR; /* of an edge */
	CU_ASSERT(refuses_itself(&d));
	start();
	io.entry[23] = 0x1000; /* the delivery status is never seen set */
	CU_ASSERT(refuses_itself(&d));
	start();
	io.lines = 1u << IOAPIC_PINS;
	CU_ASSERT(refuses_itself(&d));
}

void test_ioapic_register(void)
{
	CU_pSuite suite = CU_add_suite("ioapic", NULL, NULL);

	CU_add_test(suite, "the window", test_window);
	CU_add_test(suite, "registers", test_registers);
	CU_add_test(suite, "edges", test_edge);
	CU_add_test(suite, "levels", test_level);
	CU_add_test(suite, "levels masked", test_level_masked);
	CU_add_test(suite, "one vector for several", test_shared_vector);
	CU_add_test(suite, "destinations", test_destinations);
	CU_add_test(suite, "delivery modes", test_modes);
	CU_add_test(suite, "wires", test_wire);
	CU_add_test(suite, "saved state", test_state);
}
