/* test_pci.c - configuration space, BARs, interrupt pins, MSI-X: dev/pci.c, dev/pci_msix.c */
#include "machine.h"

#include "dev/pci.h"
#include "dev/section.h"

void test_pci_register(void);

#define CARD_SLOT 3
#define CARD PCI_DEVFN(CARD_SLOT, 0)
#define OTHER PCI_DEVFN(5, 0)
#define ENABLE 0x80000000u
#define MSIX_BAR 1
#define WIDE_BAR 4
#define IO_BAR 0
#define TABLE 0xe0000000ull
#define VECTORS 3

static struct machine m;
static struct pci pci;
static struct pci_function card, other;
static struct line pirq[PCI_INTX_LINES];
static unsigned bar_reads, bar_writes, before_calls, written_calls, replaced_calls, messages;
static u64 bar_offset_seen, bar_value_seen, msi_address;
static u32 msi_data;

static const struct pci_identity identity = {
	.vendor = 0x1af4,
	.device = 0x1042,
	.subsystem_vendor = 0x1af4,
	.subsystem = 0x1100,
	.class = 0x010000,
	.revision = 1,
	.intx_pin = 1,
};

static u64 bar_read(void *dev, u64 offset, unsigned size UNUSED)
{
	CU_ASSERT(dev == &card || dev == &other);
	bar_reads++;
	bar_offset_seen = offset;
	return 0x1122334455667788;
}

static void bar_write(void *dev UNUSED, u64 offset, unsigned size UNUSED, u64 value)
{
	bar_writes++;
	bar_offset_seen = offset;
	bar_value_seen = value;
}

static void before(struct pci_function *f UNUSED, unsigned offset UNUSED, unsigned size UNUSED)
{
	before_calls++;
}

static void written(struct pci_function *f UNUSED, unsigned offset UNUSED, unsigned size UNUSED)
{
	written_calls++;
}

static void replaced(struct pci_function *f UNUSED)
{
	replaced_calls++;
}

static void msi(struct bus *bus UNUSED, u64 address, u32 data)
{
	messages++;
	msi_address = address;
	msi_data = data;
}

static void add_card(void)
{
	const struct pci_bar io = { .size = 32, .io = true, .read = bar_read, .write = bar_write };
	const struct pci_bar table = { .size = 4096 };
	const struct pci_bar wide = {
		.size = 0x4000, .wide = true, .read = bar_read, .write = bar_write
	};

	pci_add(&pci, &card, CARD, &identity);
	card.before = before;
	card.written = written;
	card.replaced = replaced;
	pci_add_bar(&card, IO_BAR, &io);
	pci_add_bar(&card, MSIX_BAR, &table);
	pci_add_bar(&card, WIDE_BAR, &wide);
	pci_add_msix(&card, MSIX_BAR, VECTORS);
}

static void start(void)
{
	struct wire wires[PCI_INTX_LINES];

	machine_init(&m);
	m.bus.msi = msi;
	memset(pirq, 0, sizeof(pirq));
	for (unsigned i = 0; i < PCI_INTX_LINES; i++)
		wires[i] = line_wire(&pirq[i]);
	pci_init(&pci, &m.bus, wires);
	add_card();
	pci_add(&pci, &other, OTHER, &identity);
	bar_reads = bar_writes = before_calls = written_calls = replaced_calls = messages = 0;
}

static u32 get(u8 devfn, unsigned offset, unsigned size)
{
	bus_out(&m.bus, 0xcf8, 4, ENABLE | (u32)devfn << 8 | (offset & 0xfc));
	return bus_in(&m.bus, (u16)(0xcfc + offset % 4), size);
}

static void set(u8 devfn, unsigned offset, unsigned size, u32 value)
{
	bus_out(&m.bus, 0xcf8, 4, ENABLE | (u32)devfn << 8 | (offset & 0xfc));
	bus_out(&m.bus, (u16)(0xcfc + offset % 4), size, value);
}

static void set_bar(u8 devfn, unsigned n, u32 value)
{
	set(devfn, PCI_BAR0 + 4 * n, 4, value);
}

static u64 mmio_read(u64 a, unsigned size)
{
	const struct mmio_range *range = bus_mmio_find(&m.bus, gpa(a));

	CU_ASSERT_PTR_NOT_NULL_FATAL(range);
	return range->read(range->dev, a - range->base.v, size);
}

static void mmio_write(u64 a, unsigned size, u64 value)
{
	const struct mmio_range *range = bus_mmio_find(&m.bus, gpa(a));

	CU_ASSERT_PTR_NOT_NULL_FATAL(range);
	range->write(range->dev, a - range->base.v, size, value);
}

/* ---- What must not be ------------------------------------------------------- */

static void add_again(void *devfn)
{
	static struct pci_function twin;

	pci_add(&pci, &twin, *(u8 *)devfn, &identity);
}

static void bad_bar(void *bar)
{
	pci_add_bar(&other, 5, bar);
}

static void bad_msix(void *vectors)
{
	const struct pci_bar table = { .size = 4096 };

	pci_add_bar(&other, 0, &table);
	pci_add_msix(&other, 0, *(unsigned *)vectors);
}

static void many_capabilities(void *size)
{
	for (unsigned i = 0; i < 64; i++)
		pci_add_capability(&other, PCI_CAP_VENDOR, *(u8 *)size);
}

static void test_our_own_mistakes(void)
{
	struct pci_bar bars[] = {
		{ .size = 0 },
		{ .size = 4097 },
		{ .size = 2048 },
		{ .size = 8, .io = true },
		{ .size = 512, .io = true },
		{ .size = 4096, .wide = true }, /* the sixth has none behind it */
	};
	unsigned none = 0, many = PCI_MSIX_VECTORS_MAX + 1;
	u8 devfn = CARD, size = 16;

	start();
	CU_ASSERT(panics(add_again, &devfn));
	for (unsigned i = 0; i < ARRAY_SIZE(bars); i++)
		CU_ASSERT(panics(bad_bar, &bars[i]));
	CU_ASSERT(panics(bad_msix, &none));
	CU_ASSERT(panics(bad_msix, &many));
	CU_ASSERT(panics(many_capabilities, &size));
}

static void test_absent(void)
{
	start();
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcfc, 4), 0xffffffff); /* not enabled */
	CU_ASSERT_EQUAL(get(PCI_DEVFN(4, 0), 0, 4), 0xffffffff);
	CU_ASSERT_EQUAL(get(PCI_DEVFN(4, 0), 2, 2), 0xffff);
	CU_ASSERT_EQUAL(get(PCI_DEVFN(CARD_SLOT, 1), 0x0b, 1), 0xff);
	set(PCI_DEVFN(4, 0), PCI_COMMAND, 2, 7);
	bus_out(&m.bus, 0xcf8, 4, ENABLE | 1 << 16 | CARD << 8); /* another bus */
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcfc, 4), 0xffffffff);
	bus_out(&m.bus, 0xcf8, 4, CARD << 8);
	bus_out(&m.bus, 0xcfc, 4, 0);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcfc, 2), 0xffff);
	CU_ASSERT_EQUAL(written_calls, 0);
	CU_ASSERT_EQUAL(pci_config_read(&pci, CARD, 254, 4), 0xffffffff);
	pci_config_write(&pci, CARD, 255, 2, 0);
}

static void test_address_register(void)
{
	start();
	bus_out(&m.bus, 0xcf8, 4, 0xffffffff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcf8, 4), 0x80fffffc);
	bus_out(&m.bus, 0xcf8, 4, 0x80001234);
	bus_out(&m.bus, 0xcf8, 2, 0); /* no dword: for others, of which there are none */
	bus_out(&m.bus, 0xcfb, 1, 0);
	bus_out(&m.bus, 0xcf9, 4, 0);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcf8, 4), 0x80001234);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcf8, 1), 0xff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcf8, 2), 0xffff);
}

static u8 inner;

static u32 inner_in(void *dev UNUSED, u16 port, unsigned size)
{
	CU_ASSERT(port == 0xcf9 && size == 1);
	return inner;
}

static void inner_out(void *dev UNUSED, u16 port, unsigned size, u32 value)
{
	CU_ASSERT(port == 0xcf9 && size == 1);
	inner = (u8)value;
}

static void test_inner_port(void)
{
	start();
	pci_set_inner_port(&pci, (struct port_range){ 0xcf9, 0xcf9, inner_in, inner_out, NULL });
	bus_out(&m.bus, 0xcf8, 4, 0x80001234);
	CU_ASSERT_EQUAL(inner, 0);
	bus_out(&m.bus, 0xcf9, 1, 6);
	CU_ASSERT_EQUAL(inner, 6);
	bus_out(&m.bus, 0xcf8, 2, 0x0400); /* two bytes, the second is ours */
	CU_ASSERT_EQUAL(inner, 4);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcf9, 1), 4);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcf8, 2), 0x04ff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcf8, 4), 0x80001234);
}

/* ---- Configuration space ---------------------------------------------------- */

static void test_header(void)
{
	start();
	CU_ASSERT_EQUAL(get(CARD, PCI_VENDOR_ID, 4), 0x10421af4);
	CU_ASSERT_EQUAL(get(CARD, PCI_DEVICE_ID, 2), 0x1042);
	CU_ASSERT_EQUAL(get(CARD, 3, 1), 0x10);
	CU_ASSERT_EQUAL(get(CARD, PCI_REVISION_ID, 4), 0x01000001);
	CU_ASSERT_EQUAL(get(CARD, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x11001af4);
	CU_ASSERT_EQUAL(get(CARD, PCI_INTERRUPT_PIN, 1), 1);
	CU_ASSERT_EQUAL(get(CARD, PCI_HEADER_TYPE, 1), 0);
	CU_ASSERT(before_calls > 0);
	set(CARD, PCI_VENDOR_ID, 4, 0);
	set(CARD, PCI_STATUS, 2, 0xffff);
	set(CARD, PCI_ROM, 4, 0xffffffff); /* there is none */
	CU_ASSERT_EQUAL(get(CARD, PCI_VENDOR_ID, 4), 0x10421af4);
	CU_ASSERT_EQUAL(get(CARD, PCI_STATUS, 2), 0x0010);
	CU_ASSERT_EQUAL(get(CARD, PCI_ROM, 4), 0);
	set(CARD, PCI_COMMAND, 2, 0xffff);
	CU_ASSERT_EQUAL(get(CARD, PCI_COMMAND, 2), 0x0547);
	set(OTHER, PCI_COMMAND, 2, 0xffff); /* without BARs: nothing to decode */
	CU_ASSERT_EQUAL(get(OTHER, PCI_COMMAND, 2), 0x0544);
	set(CARD, PCI_CACHE_LINE, 4, 0xffffff10);
	CU_ASSERT_EQUAL(get(CARD, PCI_CACHE_LINE, 4), 0x10);
	set(CARD, PCI_INTERRUPT_LINE, 1, 11);
	CU_ASSERT_EQUAL(get(CARD, PCI_INTERRUPT_LINE, 2), 0x010b);
	bus_out(&m.bus, 0xcf8, 4, ENABLE | CARD << 8);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xcfe, 4), 0xffff1042); /* beyond the dword: floats */
	CU_ASSERT_EQUAL(written_calls, 6);
}

static void test_functions(void)
{
	static struct pci_function second, alone;

	start();
	pci_add(&pci, &second, PCI_DEVFN(5, 2), &identity);
	CU_ASSERT_EQUAL(get(OTHER, PCI_HEADER_TYPE, 1), 0x80);
	CU_ASSERT_EQUAL(get(PCI_DEVFN(5, 2), PCI_HEADER_TYPE, 1), 0);
	CU_ASSERT_EQUAL(get(CARD, PCI_HEADER_TYPE, 1), 0);
	pci_add(&pci, &alone, PCI_DEVFN(7, 3), &identity); /* function 0 comes later */
	add_again(&(u8){ PCI_DEVFN(7, 0) });
	CU_ASSERT_EQUAL(get(PCI_DEVFN(7, 0), PCI_HEADER_TYPE, 1), 0x80);
	pci_reset(&pci);
	CU_ASSERT_EQUAL(get(PCI_DEVFN(7, 0), PCI_HEADER_TYPE, 1), 0x80);
}

static void test_capabilities(void)
{
	u8 first, second;

	start();
	first = pci_add_capability(&other, PCI_CAP_VENDOR, 17);
	second = pci_add_capability(&other, PCI_CAP_VENDOR, 20);
	CU_ASSERT_EQUAL(first, 0x40);
	CU_ASSERT_EQUAL(second, 0x54);
	CU_ASSERT_EQUAL(get(OTHER, PCI_STATUS, 2), PCI_STATUS_CAPABILITIES);
	CU_ASSERT_EQUAL(get(OTHER, PCI_CAPABILITIES, 1), second);
	CU_ASSERT_EQUAL(get(OTHER, second, 2), (u32)first << 8 | PCI_CAP_VENDOR);
	CU_ASSERT_EQUAL(get(OTHER, first, 2), PCI_CAP_VENDOR);
	set(OTHER, first, 4, 0xffffffff);
	CU_ASSERT_EQUAL(get(OTHER, first, 4), PCI_CAP_VENDOR);
	CU_ASSERT_EQUAL(get(CARD, card.msix.cap, 4), (VECTORS - 1) << 16 | PCI_CAP_MSIX);
	CU_ASSERT_EQUAL(get(CARD, card.msix.cap + 4u, 4), MSIX_BAR);
	CU_ASSERT_EQUAL(get(CARD, card.msix.cap + 8u, 4), 0x800 | MSIX_BAR);
}

/* ---- BARs ------------------------------------------------------------------- */

static void test_sizing(void)
{
	start();
	set(CARD, PCI_COMMAND, 2, 3);
	for (unsigned n = 0; n < PCI_BARS; n++)
		set_bar(CARD, n, 0xffffffff);
	CU_ASSERT_EQUAL(get(CARD, PCI_BAR0, 4), 0xffffffe1);
	CU_ASSERT_EQUAL(get(CARD, PCI_BAR0 + 4, 4), 0xfffff000);
	CU_ASSERT_EQUAL(get(CARD, PCI_BAR0 + 8, 4), 0);
	CU_ASSERT_EQUAL(get(CARD, PCI_BAR0 + 16, 4), 0xffffc004);
	CU_ASSERT_EQUAL(get(CARD, PCI_BAR0 + 20, 4), 0xffffffff);
	for (unsigned n = 0; n < PCI_BARS; n++) /* nothing is decoded meanwhile */
		CU_ASSERT(!pci_bar_address(&card, n, &(u64){ 0 }));
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0xfffff000)));
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0xffffc000)));
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(~0ull)));
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xffe0, 1), 0xff);
	set_bar(CARD, 5, 0);
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0xffffc000)));
}

static void test_port_bar(void)
{
	u64 at = 0;

	start();
	set_bar(CARD, IO_BAR, 0xc000);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xc000, 4), 0xffffffff); /* not decoded yet */
	set(CARD, PCI_COMMAND, 1, PCI_COMMAND_IO);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xc004, 4), 0x55667788);
	CU_ASSERT_EQUAL(bar_offset_seen, 4);
	bus_out(&m.bus, 0xc01f, 1, 0x42);
	CU_ASSERT_EQUAL(bar_offset_seen, 31);
	CU_ASSERT_EQUAL(bar_value_seen, 0x42);
	bar_writes = 0;
	bus_out(&m.bus, 0xc01e, 4, 0x11223344); /* over the end: byte by byte, two of them */
	CU_ASSERT_EQUAL(bar_writes, 2);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xc01f, 2), 0xff88);
	CU_ASSERT(pci_bar_address(&card, IO_BAR, &at) && at == 0xc000);
	set_bar(CARD, IO_BAR, 0xd000);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xc000, 1), 0xff);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xd000, 1), 0x88);
	set_bar(CARD, IO_BAR, 0x1d000); /* no such ports */
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xd000, 1), 0xff);
	set_bar(CARD, IO_BAR, 0xffe0);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xffff, 1), 0x88);
	set(CARD, PCI_COMMAND, 1, 0);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xffff, 1), 0xff);
}

static void test_ports_of_others(void)
{
	const struct pci_bar io = { .size = 16, .io = true, .read = bar_read };

	start();
	pci_add_bar(&other, 0, &io);
	set(CARD, PCI_COMMAND, 1, PCI_COMMAND_IO);
	set(OTHER, PCI_COMMAND, 1, PCI_COMMAND_IO);
	set_bar(CARD, IO_BAR, 0xce0); /* the configuration ports are in there */
	CU_ASSERT(!pci_bar_address(&card, IO_BAR, &(u64){ 0 }));
	CU_ASSERT_EQUAL(get(CARD, 0, 2), 0x1af4);
	set_bar(CARD, IO_BAR, 0xc000);
	set_bar(OTHER, 0, 0xc010); /* the card has them */
	CU_ASSERT(!pci_bar_address(&other, 0, &(u64){ 0 }));
	set_bar(CARD, IO_BAR, 0xc020); /* now they are free */
	CU_ASSERT(pci_bar_address(&other, 0, &(u64){ 0 }));
	CU_ASSERT(pci_bar_address(&card, IO_BAR, &(u64){ 0 }));
}

static void test_memory_bar(void)
{
	u64 at = 0;

	start();
	set_bar(CARD, WIDE_BAR, 0xe0004000);
	set_bar(CARD, WIDE_BAR + 1, 0x12);
	set(CARD, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	CU_ASSERT(pci_bar_address(&card, WIDE_BAR, &at));
	CU_ASSERT_EQUAL(at, 0x12e0004000);
	CU_ASSERT_EQUAL(mmio_read(0x12e0004ff8, 8), 0x1122334455667788);
	CU_ASSERT_EQUAL(bar_offset_seen, 0xff8);
	mmio_write(0x12e0007fff, 1, 7);
	CU_ASSERT_EQUAL(bar_value_seen, 7);
	bar_reads = bar_writes = 0;
	CU_ASSERT_EQUAL(mmio_read(0x12e0007ffc, 8), ~0ull); /* reaches over the end */
	mmio_write(0x12e0007ffc, 8, 7);
	CU_ASSERT_EQUAL(bar_reads + bar_writes, 0);
	set_bar(CARD, WIDE_BAR + 1, 0);
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0x12e0004000)));
	CU_ASSERT_PTR_NOT_NULL(bus_mmio_find(&m.bus, gpa(0xe0004000)));
	set_bar(CARD, WIDE_BAR, 0);
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(0)));
}

static void test_firmware(void)
{
	static const u8 irq[PCI_INTX_LINES] = { 10, 10, 11, 9 };
	u64 io = 0, table = 0, wide = 0;

	start();
	pci_after_firmware(&pci, TABLE, irq);
	CU_ASSERT(pci_bar_address(&card, IO_BAR, &io) && io == 0xc000);
	CU_ASSERT(pci_bar_address(&card, MSIX_BAR, &table) && table == TABLE);
	CU_ASSERT(pci_bar_address(&card, WIDE_BAR, &wide) && wide == TABLE + 0x4000);
	CU_ASSERT_EQUAL(get(CARD, PCI_INTERRUPT_LINE, 1), 11);	/* INTA of device 3: PIRQC */
	CU_ASSERT_EQUAL(get(OTHER, PCI_INTERRUPT_LINE, 1), 10); /* of device 5: PIRQA */
	CU_ASSERT_EQUAL(get(CARD, PCI_COMMAND, 2), PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	CU_ASSERT(!pci_master(&card));
	pci_reset(&pci);
	CU_ASSERT(!pci_bar_address(&card, IO_BAR, &io));
	CU_ASSERT_PTR_NULL(bus_mmio_find(&m.bus, gpa(TABLE)));
	CU_ASSERT_EQUAL(get(CARD, PCI_BAR0, 4), 1);
	CU_ASSERT_EQUAL(replaced_calls, 1);
}

/* ---- Interrupts ------------------------------------------------------------- */

static void test_intx(void)
{
	start();
	pci_set_intx(&card, true); /* device 3, INTA: PIRQC */
	CU_ASSERT(pirq[2].level && !pirq[0].level && !pirq[1].level && !pirq[3].level);
	CU_ASSERT_EQUAL(get(CARD, PCI_STATUS, 2), 0x0018);
	set(CARD, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
	CU_ASSERT(!pirq[2].level);
	CU_ASSERT_EQUAL(get(CARD, PCI_STATUS, 2), 0x0018); /* it still asks */
	set(CARD, PCI_COMMAND, 2, 0);
	CU_ASSERT(pirq[2].level);
	set(CARD, card.msix.cap + 2u, 2, 0x8000);
	CU_ASSERT(!pirq[2].level);
	set(CARD, card.msix.cap + 2u, 2, 0);
	CU_ASSERT(pirq[2].level);
	pci_set_intx(&card, false);
	CU_ASSERT(!pirq[2].level);
	CU_ASSERT_EQUAL(get(CARD, PCI_STATUS, 2), 0x0010);
}

static void test_shared_line(void)
{
	static struct pci_function neighbour;

	start();
	pci_add(&pci, &neighbour, PCI_DEVFN(CARD_SLOT + 4, 0), &identity);
	pci_set_intx(&card, true);
	pci_set_intx(&neighbour, true);
	pci_set_intx(&card, false);
	CU_ASSERT(pirq[2].level);
	pci_set_intx(&neighbour, false);
	CU_ASSERT(!pirq[2].level);
	pci_set_intx(&card, true);
	pci_reset(&pci);
	CU_ASSERT(!pirq[2].level);
}

static void start_msix(void)
{
	start();
	set_bar(CARD, MSIX_BAR, (u32)TABLE);
	set(CARD, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	mmio_write(TABLE + 16, 4, 0xfee01000);
	mmio_write(TABLE + 20, 4, 0);
	mmio_write(TABLE + 24, 8, 0x4041); /* data; unmasked */
}

static void test_msix_table(void)
{
	start_msix();
	CU_ASSERT_EQUAL(mmio_read(TABLE + 12, 4), 1); /* masked from the start */
	CU_ASSERT_EQUAL(mmio_read(TABLE + 16, 8), 0xfee01000);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 24, 8), 0x4041);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 18, 2), 0xfee0);
	mmio_write(TABLE + 17, 1, 0xff); /* no whole dwords: lost */
	mmio_write(TABLE + 18, 4, 0xff);
	mmio_write(TABLE + 20, 8, 0xff);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 16, 8), 0xfee01000);
	mmio_write(TABLE + 16 * VECTORS, 8, ~0ull); /* beyond the table */
	mmio_write(TABLE + 0x800, 8, ~0ull);	    /* pending bits are read-only */
	mmio_write(TABLE + 0xff8, 8, ~0ull);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 16 * VECTORS, 8), 0);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 0x800, 8), 0);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 0xff8, 8), 0);
	mmio_write(TABLE, 8, ~0ull);
	mmio_write(TABLE + 8, 8, ~0ull);
	CU_ASSERT_EQUAL(mmio_read(TABLE, 8), 0xfffffffffffffffc);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 8, 8), 0x1ffffffff);
}

static void test_msix_send(void)
{
	start_msix();
	CU_ASSERT(!pci_msix_enabled(&card));
	pci_msix_send(&card, 1); /* off: lost */
	set(CARD, card.msix.cap + 2u, 2, 0x8000);
	CU_ASSERT(pci_msix_enabled(&card));
	CU_ASSERT_EQUAL(messages, 0);
	pci_msix_send(&card, 1);
	CU_ASSERT_EQUAL(messages, 1);
	CU_ASSERT_EQUAL(msi_address, 0xfee01000);
	CU_ASSERT_EQUAL(msi_data, 0x4041);
	pci_msix_send(&card, VECTORS); /* no such vector */
	pci_msix_send(&card, 0xffff);
	pci_msix_send(&other, 0); /* no MSI-X at all */
	CU_ASSERT_EQUAL(messages, 1);
}

static void test_msix_masks(void)
{
	start_msix();
	set(CARD, card.msix.cap + 2u, 2, 0xc000); /* on, all masked */
	pci_msix_send(&card, 1);
	pci_msix_send(&card, 1);
	pci_msix_send(&card, 0);
	CU_ASSERT_EQUAL(messages, 0);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 0x800, 4), 3);
	set(CARD, card.msix.cap + 2u, 2, 0x8000);
	CU_ASSERT_EQUAL(messages, 1); /* vector 0 is still masked by itself */
	CU_ASSERT_EQUAL(mmio_read(TABLE + 0x800, 4), 1);
	mmio_write(TABLE, 8, 0xfee00000);
	mmio_write(TABLE + 8, 8, 0x30);
	CU_ASSERT_EQUAL(messages, 2);
	CU_ASSERT_EQUAL(msi_data, 0x30);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 0x800, 4), 0);
	set(CARD, PCI_COMMAND, 2, PCI_COMMAND_MEMORY); /* may not write to memory */
	pci_msix_send(&card, 1);
	CU_ASSERT_EQUAL(messages, 2);
	set(CARD, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	CU_ASSERT_EQUAL(messages, 3);
	set(CARD, card.msix.cap + 2u, 2, 0xc000);
	pci_msix_send(&card, 1);
	pci_reset(&pci);
	CU_ASSERT(!pci_msix_enabled(&card));
	CU_ASSERT_EQUAL(card.msix.pending, 0);
}

/* ---- Saved state ------------------------------------------------------------ */

static void save(const void *dev, struct state_buf *buf)
{
	pci_save(dev, buf);
}

static int load(void *dev, struct state_buf *buf)
{
	return pci_load(dev, buf);
}

static void poke(void)
{
	for (unsigned offset = 0; offset < PCI_CONFIG_SIZE; offset += 3)
		pci_config_write(&pci, CARD, offset, 1 + offset % 2, 0x5a5a5a5a * offset);
	pci_set_intx(&card, !card.intx);
	pci_msix_send(&card, 2);
	poke_ports(&m, 0xcf8, 0xcff);
	(void)bus_in(&m.bus, 0xc000, 4);
}

static void test_state(void)
{
	/* The functions stand outside struct pci, so a refused load is judged by them below. */
	const struct saved_device d = { &pci, sizeof(pci), DEVICE_SECTION_PCI, save, load, poke };
	u8 data[1024];
	size_t size;
	const char *error;

	start_msix();
	check_truncated(&d);
	start_msix();
	set_bar(CARD, IO_BAR, 0xc000);
	set(CARD, PCI_COMMAND, 2, 7);
	set(CARD, card.msix.cap + 2u, 2, 0xc000);
	pci_msix_send(&card, 1);
	pci_set_intx(&card, true);
	size = saved_write(&d, data, sizeof(data));
	start();
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), 0);
	CU_ASSERT_EQUAL(replaced_calls, 1);
	CU_ASSERT_EQUAL(bus_in(&m.bus, 0xc000, 1), 0x88);
	CU_ASSERT_EQUAL(mmio_read(TABLE + 0x800, 4), 2);
	CU_ASSERT_EQUAL(get(CARD, PCI_STATUS, 2), 0x0018);
	set(CARD, card.msix.cap + 2u, 2, 0);
	CU_ASSERT(pirq[2].level);
}

static void test_bad_state(void)
{
	const struct saved_device d = { &pci, sizeof(pci), DEVICE_SECTION_PCI, save, load, poke };
	static struct pci_function third;
	struct pci_function was;
	u8 data[1024];
	size_t size;
	const char *error;

	start_msix();
	check_corrupt(&d);
	start_msix();
	size = saved_write(&d, data, sizeof(data));
	data[size - 1] = 2; /* the pin of the last function */
	set_bar(CARD, MSIX_BAR, 0xe1000000);
	was = card;
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), -1);
	CU_ASSERT_EQUAL(memcmp(&was, &card, sizeof(card)), 0); /* the first one is as it was */
	data[size - 1] = 0;
	pci_add(&pci, &third, PCI_DEVFN(9, 0), &identity);
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), -1);
	start();
	card.msix.pending = 1u << VECTORS;
	CU_ASSERT(refuses_itself(&d));
	start();
	card.config[PCI_DEVICE_ID]++;
	size = saved_write(&d, data, sizeof(data));
	card.config[PCI_DEVICE_ID]--;
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), -1);
}

static void test_poked(void)
{
	start();
	for (u32 devfn = 0; devfn < 256; devfn++) {
		bus_out(&m.bus, 0xcf8, 4, ENABLE | devfn << 8 | (devfn * 4 & 0xfc));
		poke_ports(&m, 0xcfc, 0xd02);
	}
	poke();
	CU_ASSERT_EQUAL(get(CARD, 0, 4), 0x10421af4);
}

void test_pci_register(void)
{
	CU_pSuite suite = CU_add_suite("pci", NULL, NULL);

	CU_add_test(suite, "our own mistakes", test_our_own_mistakes);
	CU_add_test(suite, "what is not there", test_absent);
	CU_add_test(suite, "the address register", test_address_register);
	CU_add_test(suite, "a port in the middle", test_inner_port);
	CU_add_test(suite, "header", test_header);
	CU_add_test(suite, "several functions", test_functions);
	CU_add_test(suite, "capabilities", test_capabilities);
	CU_add_test(suite, "sizing of BARs", test_sizing);
	CU_add_test(suite, "ports", test_port_bar);
	CU_add_test(suite, "ports that others have", test_ports_of_others);
	CU_add_test(suite, "memory", test_memory_bar);
	CU_add_test(suite, "as firmware leaves it", test_firmware);
	CU_add_test(suite, "INTx", test_intx);
	CU_add_test(suite, "INTx shared", test_shared_line);
	CU_add_test(suite, "MSI-X table", test_msix_table);
	CU_add_test(suite, "MSI-X messages", test_msix_send);
	CU_add_test(suite, "MSI-X masks", test_msix_masks);
	CU_add_test(suite, "saved state", test_state);
	CU_add_test(suite, "bad saved state", test_bad_state);
	CU_add_test(suite, "any access", test_poked);
}
