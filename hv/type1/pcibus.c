/* pcibus.c - see pcibus.h */
#include "type1/pcibus.h"

#include "host.h"
#include "x86_ops.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE BIT(31)
#define BUS_SHIFT 16
#define DEVICE_SHIFT 11
#define FUNCTION_SHIFT 8

#define BUSES 256
#define DEVICES 32
#define FUNCTIONS 8

#define REG_ID 0x00
#define REG_COMMAND 0x04
#define COMMAND_IO BIT(0)
#define COMMAND_MEMORY BIT(1)
#define COMMAND_MASTER BIT(2)
#define COMMAND_INTX_OFF BIT(10)
#define REG_CLASS 0x08
#define REG_HEADER 0x0c
#define HEADER_TYPE_SHIFT 16
#define HEADER_TYPE 0x7f
#define HEADER_MULTIFUNCTION BIT(23)
#define HEADER_NORMAL 0
#define HEADER_BRIDGE 1
#define REG_BAR0 0x10
#define BAR_IO BIT(0)
#define BAR_TYPE BITS(2, 1)
#define BAR_64BIT (2 << 1)
#define BAR_IO_BITS 0xfffffffcu
#define BAR_MEMORY_BITS 0xfffffff0u
#define REG_BRIDGE_BUSES 0x18
#define SECONDARY_SHIFT 8
#define REG_INTERRUPT 0x3c

static struct {
	struct pcibus_function function[PCIBUS_FUNCTIONS];
	unsigned count;
	bool seen[BUSES]; /* a bridge that leads in circles ends nobody's start */
} pci;

/* ---- Configuration space -------------------------------------------------------------------- */

static void select(const struct pcibus_function *f, unsigned reg)
{
	x86_outl(CONFIG_ADDRESS, (u32)(CONFIG_ENABLE | (u32)f->bus << BUS_SHIFT |
				       (u32)f->device << DEVICE_SHIFT |
				       (u32)f->function << FUNCTION_SHIFT | reg));
}

static u32 read(const struct pcibus_function *f, unsigned reg)
{
	select(f, reg);
	return x86_inl(CONFIG_DATA);
}

static void write(const struct pcibus_function *f, unsigned reg, u32 value)
{
	select(f, reg);
	x86_outl(CONFIG_DATA, value);
}

/* Half of REG_COMMAND is the status, whose bits a 1 clears. */
static void set_command(const struct pcibus_function *f, u32 set, u32 clear)
{
	write(f, REG_COMMAND, ((read(f, REG_COMMAND) & ~clear) | set) & 0xffff);
}

/* What a register of writable high bits decodes; 0: it has none. */
static u64 size_of(u64 writable)
{
	return writable & -writable;
}

/* BAR number i, which is switched off; the number of registers that it takes. */
static unsigned read_bar(struct pcibus_function *f, unsigned i)
{
	unsigned reg = REG_BAR0 + 4 * i;
	u32 low = read(f, reg), high = 0, writable, writable_high = 0;
	bool io = low & BAR_IO, wide = !io && (low & BAR_TYPE) == BAR_64BIT && i + 1 < PCIBUS_BARS;
	u32 bits = io ? BAR_IO_BITS : BAR_MEMORY_BITS;

	write(f, reg, ~0u);
	writable = read(f, reg) & bits;
	write(f, reg, low);
	if (wide) {
		high = read(f, reg + 4);
		write(f, reg + 4, ~0u);
		writable_high = read(f, reg + 4);
		write(f, reg + 4, high);
	}
	f->bar[i] = (struct pcibus_bar){
		.address = (u64)high << 32 | (low & bits),
		.size = size_of((u64)writable_high << 32 | writable),
		.io = io,
	};
	return wide ? 2 : 1;
}

static void read_bars(struct pcibus_function *f)
{
	u32 command = read(f, REG_COMMAND) & (COMMAND_IO | COMMAND_MEMORY);

	set_command(f, 0, COMMAND_IO | COMMAND_MEMORY);
	for (unsigned i = 0; i < PCIBUS_BARS;)
		i += read_bar(f, i);
	set_command(f, command, 0);
}

/* ---- What is there -------------------------------------------------------------------------- */

static void scan_bus(u8 bus);

static void add(const struct pcibus_function *there, u32 header)
{
	struct pcibus_function *f;
	u32 class = read(there, REG_CLASS), type = header >> HEADER_TYPE_SHIFT & HEADER_TYPE;

	if (type == HEADER_BRIDGE)
		scan_bus((u8)(read(there, REG_BRIDGE_BUSES) >> SECONDARY_SHIFT));
	if (type != HEADER_NORMAL || pci.count == PCIBUS_FUNCTIONS)
		return;
	f = &pci.function[pci.count++];
	*f = *there;
	f->class = (u16)(class >> 16);
	f->interface = (u8)(class >> 8);
	f->irq = (u8)read(f, REG_INTERRUPT);
	f->pin = (u8)(read(f, REG_INTERRUPT) >> 8);
	read_bars(f);
}

/* False: there is no such function. */
static bool scan_function(u8 bus, u8 device, u8 function, u32 *header)
{
	struct pcibus_function f = { .bus = bus, .device = device, .function = function };
	u32 id = read(&f, REG_ID);

	f.vendor = (u16)id;
	f.id = (u16)(id >> 16);
	if (f.vendor == 0xffff || !f.vendor)
		return false;
	*header = read(&f, REG_HEADER);
	add(&f, *header);
	return true;
}

static void scan_bus(u8 bus)
{
	u32 header, other;

	if (pci.seen[bus])
		return;
	pci.seen[bus] = true;
	for (u8 device = 0; device < DEVICES; device++) {
		if (!scan_function(bus, device, 0, &header) || !(header & HEADER_MULTIFUNCTION))
			continue;
		for (u8 function = 1; function < FUNCTIONS; function++)
			scan_function(bus, device, function, &other);
	}
}

void pcibus_init(void)
{
	x86_outl(CONFIG_ADDRESS, CONFIG_ENABLE);
	if (x86_inl(CONFIG_ADDRESS) == CONFIG_ENABLE)
		scan_bus(0);
}

const struct pcibus_function *pcibus_at(unsigned n)
{
	return n < pci.count ? &pci.function[n] : NULL;
}

const struct pcibus_function *pcibus_find(u16 vendor, u16 id)
{
	for (unsigned i = 0; i < pci.count; i++)
		if (pci.function[i].vendor == vendor && pci.function[i].id == id)
			return &pci.function[i];
	return NULL;
}

const struct pcibus_function *pcibus_find_class(u16 class)
{
	for (unsigned i = 0; i < pci.count; i++)
		if (pci.function[i].class == class)
			return &pci.function[i];
	return NULL;
}

u32 pcibus_read(const struct pcibus_function *f, unsigned reg)
{
	return read(f, reg);
}

void pcibus_enable(const struct pcibus_function *f)
{
	set_command(f, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER, COMMAND_INTX_OFF);
}
