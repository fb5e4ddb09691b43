/*
 * pci_bar.c - see pci.h: where a guest places the ports and memory of its devices; pure
 *
 * Source: [PCI] "Base Addresses" (6.2.5.1).
 */
#include "dev/pci.h"

#include "host.h"

#define BAR_IO 0x1u
#define BAR_64BIT 0x4u
#define BAR_IO_FLAGS 0x3u
#define BAR_MEMORY_FLAGS 0xfu
#define BAR_IO_SIZE_MIN 16
#define BAR_IO_SIZE_MAX 256

static u64 bar_value(const struct pci_function *f, unsigned n)
{
	u64 value = pci_get(f, pci_bar_offset(n), 4);

	if (f->bar[n].io)
		return value & ~(u64)BAR_IO_FLAGS;
	if (f->bar[n].wide)
		value |= (u64)pci_get(f, pci_bar_offset(n + 1), 4) << 32;
	return value & ~(u64)BAR_MEMORY_FLAGS;
}

/*
 * Where the command register and the BAR want it.  Not at 0, where an unset BAR points, and not at
 * the end of 4 GiB or of everything, where one points while its size is being found out.
 */
static bool bar_wanted(const struct pci_function *f, unsigned n, u64 *at)
{
	const struct pci_bar *bar = &f->bar[n];
	u64 last;

	*at = bar_value(f, n);
	last = *at + (bar->size - 1);
	if (!bar->size || !*at ||
	    !(f->config[PCI_COMMAND] & (bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
		return false;
	return bar->io ? last <= 0xffff : last != 0xffffffff && last != ~0ull;
}

static u32 bar_in(void *dev, u16 port, unsigned size)
{
	struct pci_bar *bar = dev;
	u64 offset = port - bar->at;

	if (offset + size > bar->size)
		return bus_split_in(bar->function->pci->bus, port, size);
	return bar->read ? (u32)bar->read(bar->function, offset, size) : 0;
}

static void bar_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct pci_bar *bar = dev;
	u64 offset = port - bar->at;

	if (offset + size > bar->size)
		bus_split_out(bar->function->pci->bus, port, size, value);
	else if (bar->write)
		bar->write(bar->function, offset, size, value);
}

static u64 bar_mmio_read(void *dev, u64 offset, unsigned size)
{
	struct pci_bar *bar = dev;

	if (offset + size > bar->size)
		return ~0ull;
	return bar->read ? bar->read(bar->function, offset, size) : 0;
}

static void bar_mmio_write(void *dev, u64 offset, unsigned size, u64 value)
{
	struct pci_bar *bar = dev;

	if (offset + size <= bar->size && bar->write)
		bar->write(bar->function, offset, size, value);
}

/* False: others have these ports already; tried again when anything moves. */
static bool place(struct pci_bar *bar, bool wanted)
{
	struct bus *bus = bar->function->pci->bus;
	struct port_range range = { 1, 0, bar_in, bar_out, bar };

	if (!bar->io) {
		bus_move_mmio(bus, bar, gpa(wanted ? bar->at : 0), wanted ? bar->size : 0);
		return wanted;
	}
	if (wanted) {
		range.first = (u16)bar->at;
		range.last = (u16)(bar->at + bar->size - 1);
	}
	return bus_place_ports(bus, range);
}

/* What moves leaves its place first, so that another BAR may take it at once. */
static void withdraw_bars(struct pci_function *f)
{
	u64 at;

	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct pci_bar *bar = &f->bar[n];

		if (!bar->decoded || (bar_wanted(f, n, &at) && at == bar->at))
			continue;
		bar->decoded = false;
		(void)place(bar, false);
	}
}

static void place_bars(struct pci_function *f)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct pci_bar *bar = &f->bar[n];

		if (!bar->decoded && bar_wanted(f, n, &bar->at))
			bar->decoded = place(bar, true);
	}
}

void pci_bar_update(struct pci *pci)
{
	for (unsigned i = 0; i < pci->count; i++)
		withdraw_bars(pci->function[i]);
	for (unsigned i = 0; i < pci->count; i++)
		place_bars(pci->function[i]);
}

bool pci_bar_address(const struct pci_function *f, unsigned n, u64 *address)
{
	check(n < PCI_BARS);
	if (f->bar[n].decoded)
		*address = f->bar[n].at;
	return f->bar[n].decoded;
}

/* ---- Describing them -------------------------------------------------------- */

static bool bar_is_possible(const struct pci_function *f, unsigned n, const struct pci_bar *bar)
{
	if (n >= PCI_BARS || f->bar[n].size || !bar->size || bar->size & (bar->size - 1))
		return false;
	if (bar->io)
		return !bar->wide && bar->size >= BAR_IO_SIZE_MIN && bar->size <= BAR_IO_SIZE_MAX;
	return bar->size >= PAGE_SIZE && (!bar->wide || n + 1 < PCI_BARS);
}

void pci_add_bar(struct pci_function *f, unsigned n, const struct pci_bar *bar)
{
	check(bar_is_possible(f, n, bar));
	f->bar[n] = *bar;
	f->bar[n].function = f;
	f->bar[n].decoded = false;
	pci_define(f, pci_bar_offset(n), 4,
		   bar->io     ? BAR_IO
		   : bar->wide ? BAR_64BIT
			       : 0,
		   ~(bar->size - 1));
	if (bar->wide)
		pci_define(f, pci_bar_offset(n + 1), 4, 0, ~0u);
	f->writable[PCI_COMMAND] |= bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	if (!bar->io)
		bus_claim_mmio(f->pci->bus, (struct mmio_range){ gpa(0), 0, bar_mmio_read,
								 bar_mmio_write, &f->bar[n] });
}
