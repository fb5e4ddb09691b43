/*
 * pci.c - the PCI bus: what is on it, and its configuration space
 *
 * Owns: ports 0xcf8 and 0xcfc, the list of functions found.
 * Must not know: what any device does, how it interrupts (pci_interrupt.c).
 *
 * Source: PCI Local Bus Specification 3.0 "Configuration Mechanism #1" (3.2.2.3.2), "Configuration
 * Space Organization" (6.1), "Base Addresses" (6.2.5), "Capabilities List" (6.7).
 */
#include "pci.h"

#include "compiler.h"
#include "x86_ops.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE BIT(31)

#define NO_DEVICE 0xffff
#define SLOTS 32
#define FUNCTIONS 8
#define HEADER_MULTIFUNCTION BIT(7)
#define HEADER_BRIDGE 1
#define HEADER_LAYOUT BITS(6, 0)
#define STATUS_CAPABILITIES BIT(4)
#define FIRST_CAPABILITY 0x40
#define CAPABILITIES_MAX 48 /* as many fit into the space */

#define BAR_IO BIT(0)
#define BAR_TYPE BITS(2, 1)
#define BAR_TYPE_64 4
#define BAR_MEMORY_FLAGS BITS(3, 0)
#define BAR_IO_FLAGS BITS(1, 0)

struct pci_device pci_devices[PCI_DEVICES_MAX];
unsigned pci_count;

static void select(const struct pci_device *d, unsigned offset)
{
	x86_outl(CONFIG_ADDRESS, (u32)CONFIG_ENABLE | (u32)d->bus << 16 | (u32)d->slot << 11 |
				     (u32)d->function << 8 | (offset & 0xfc));
}

u8 pci_read8(const struct pci_device *d, unsigned offset)
{
	select(d, offset);
	return x86_inb((u16)(CONFIG_DATA + (offset & 3)));
}

u16 pci_read16(const struct pci_device *d, unsigned offset)
{
	select(d, offset);
	return x86_inw((u16)(CONFIG_DATA + (offset & 2)));
}

u32 pci_read32(const struct pci_device *d, unsigned offset)
{
	select(d, offset);
	return x86_inl(CONFIG_DATA);
}

void pci_write16(const struct pci_device *d, unsigned offset, u16 value)
{
	select(d, offset);
	x86_outw((u16)(CONFIG_DATA + (offset & 2)), value);
}

void pci_write32(const struct pci_device *d, unsigned offset, u32 value)
{
	select(d, offset);
	x86_outl(CONFIG_DATA, value);
}

static void scan_bus(u8 bus);

/* Note this function, and what lies behind it if it is a bridge.  False if it is not there. */
static bool scan_function(struct pci_device d)
{
	u32 id = pci_read32(&d, PCI_ID);

	if ((id & 0xffff) == NO_DEVICE)
		return false;
	d.vendor = (u16)id;
	d.device = (u16)(id >> 16);
	d.class = pci_read32(&d, PCI_CLASS) >> 8;
	d.subsystem = pci_read16(&d, PCI_SUBSYSTEM);
	if (pci_count < PCI_DEVICES_MAX)
		pci_devices[pci_count++] = d;
	if ((pci_read8(&d, PCI_HEADER_TYPE) & HEADER_LAYOUT) == HEADER_BRIDGE &&
	    pci_read8(&d, PCI_SECONDARY_BUS) > d.bus)
		scan_bus(pci_read8(&d, PCI_SECONDARY_BUS));
	return true;
}

/* Functions behind function 0 exist only where it says so. */
static void scan_bus(u8 bus)
{
	for (u8 slot = 0; slot < SLOTS; slot++) {
		struct pci_device d = { .bus = bus, .slot = slot };

		if (!scan_function(d) || !(pci_read8(&d, PCI_HEADER_TYPE) & HEADER_MULTIFUNCTION))
			continue;
		for (d.function = 1; d.function < FUNCTIONS; d.function++)
			scan_function(d);
	}
}

void pci_init(void)
{
	scan_bus(0);
}

/* What a register keeps of a value of ones: the bits that the device does not decode. */
static u32 probe(const struct pci_device *d, unsigned offset)
{
	u32 before = pci_read32(d, offset), kept;

	pci_write32(d, offset, ~0u);
	kept = pci_read32(d, offset);
	pci_write32(d, offset, before);
	return kept;
}

static u64 bar_size(u64 kept)
{
	return kept & (0 - kept); /* its lowest bit */
}

struct pci_bar pci_bar(const struct pci_device *d, unsigned n)
{
	unsigned at = PCI_BAR0 + 4 * n;
	u16 command = pci_read16(d, PCI_COMMAND);
	u32 low = pci_read32(d, at), kept;
	struct pci_bar bar = { .memory = !(low & BAR_IO) };

	bar.wide = bar.memory && (low & BAR_TYPE) == BAR_TYPE_64 && n + 1 < PCI_BARS;
	bar.base = low & ~(bar.memory ? BAR_MEMORY_FLAGS : BAR_IO_FLAGS);
	/* While it is probed it must not answer where nobody expects it. */
	pci_write16(d, PCI_COMMAND, command & (u16) ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	kept = probe(d, at);
	if (!bar.memory)
		bar.size = bar_size(kept & BITS(15, 2));
	else if (!bar.wide)
		bar.size = bar_size(kept & ~BAR_MEMORY_FLAGS);
	else
		bar.size = bar_size((u64)probe(d, at + 4) << 32 | (kept & ~BAR_MEMORY_FLAGS));
	if (bar.wide)
		bar.base |= (u64)pci_read32(d, at + 4) << 32;
	pci_write16(d, PCI_COMMAND, command);
	return bar;
}

unsigned pci_capability(const struct pci_device *d, u8 id, unsigned after)
{
	unsigned at = after ? after + 1 : PCI_CAPABILITIES;

	if (!(pci_read16(d, PCI_STATUS) & STATUS_CAPABILITIES))
		return 0;
	for (int i = 0; i < CAPABILITIES_MAX; i++) {
		at = pci_read8(d, at) & ~3u;
		if (at < FIRST_CAPABILITY)
			return 0;
		if (pci_read8(d, at) == id)
			return at;
		at++;
	}
	return 0;
}

void pci_enable(const struct pci_device *d)
{
	pci_write16(d, PCI_COMMAND,
		    pci_read16(d, PCI_COMMAND) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}
