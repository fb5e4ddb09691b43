/*
 * census_board_pci.c - what holds for every PCI function, whatever it is
 *
 * A virtual machine's functions are not those of the bare machine, so nothing is compared:
 * violations of the standard are counted.
 *
 * Source: PCI-SIG, "PCI Local Bus Specification" 3.0, "Configuration Space" (6).
 */
#include "census_board_pci.h"

#include "census.h"
#include "census_board.h"
#include "x86_ops.h"

bool board_pci_there(unsigned devfn)
{
	return (board_pci_read(devfn, 0) & 0xffff) != 0xffff;
}

static bool is_bridge(unsigned devfn)
{
	return board_pci_read(devfn, 8) >> 24 == 6;
}
/* Registers that software may only read. */
static unsigned written_identity(unsigned devfn)
{
	static const u8 fixed[] = { 0, 8, SUBSYSTEM };
	unsigned bad = 0;

	for (unsigned i = 0; i < sizeof(fixed); i++) {
		u32 value = board_pci_read(devfn, fixed[i]);

		board_pci_write(devfn, fixed[i], ~value);
		bad += board_pci_read(devfn, fixed[i]) != value;
	}
	return bad;
}

/* The interrupt line is a note of the firmware's; the pin is the chip's. */
static unsigned wrong_interrupt(unsigned devfn)
{
	u32 old = board_pci_read(devfn, INTERRUPT), now;
	unsigned pin = old >> 8 & 0xff;

	if (!pin)
		return 0;
	board_pci_write(devfn, INTERRUPT, 0xff5a);
	now = board_pci_read(devfn, INTERRUPT);
	board_pci_write(devfn, INTERRUPT, old);
	return pin > 4 || (now & 0xffff) != (old & 0xff00) + 0x5a;
}

/* "Base Addresses" (6.2.5.1): of one size, a power of two, and placed at a multiple of it. */
u64 board_pci_bar_size(unsigned devfn, unsigned n)
{
	u32 old = board_pci_read(devfn, BAR(n)), mask;

	board_pci_write(devfn, BAR(n), ~0u);
	mask = board_pci_read(devfn, BAR(n));
	board_pci_write(devfn, BAR(n), old);
	if (!mask)
		return 0;
	return (u32) - (mask & (mask & 1 ? ~3u : ~15u));
}

static unsigned wrong_bars(unsigned devfn)
{
	u32 command = board_pci_read(devfn, COMMAND) & 0xffff;
	unsigned bad = 0;

	board_pci_write(devfn, COMMAND, command & ~3u);
	for (unsigned n = 0; n < BARS; n++) {
		u32 old = board_pci_read(devfn, BAR(n));
		u64 size = board_pci_bar_size(devfn, n);

		if (!size)
			continue;
		bad += (size & (size - 1)) != 0 || size < (old & 1 ? 4 : 16);
		bad += ((old & (old & 1 ? ~3u : ~15u)) & (size - 1)) != 0;
		bad += board_pci_read(devfn, BAR(n)) != old;
	}
	board_pci_write(devfn, COMMAND, command);
	return bad;
}

/* "Capabilities List" (6.7); structures of virtio lie within their BARs. */
static unsigned wrong_capabilities(unsigned devfn)
{
	bool listed = board_pci_read(devfn, COMMAND) & STATUS_CAPABILITIES;
	unsigned at = board_pci_read(devfn, CAPABILITIES) & 0xff, n = 0, bad = 0;

	bad += listed != (at != 0);
	for (; at && n < 48; n++) {
		u32 head = board_pci_read(devfn, at);

		bad += at < 0x40 || at & 3;
		if ((head & 0xff) == CAP_VENDOR && head >> 24 >= 1 && head >> 24 <= 4) {
			unsigned bar = board_pci_read(devfn, at + 4) & 0xff;
			u64 end =
			    (u64)board_pci_read(devfn, at + 8) + board_pci_read(devfn, at + 12);

			bad += bar >= BARS || end > board_pci_bar_size(devfn, bar);
		}
		if ((head & 0xff) == CAP_MSIX) {
			u32 table = board_pci_read(devfn, at + 4),
			    pba = board_pci_read(devfn, at + 8);
			u32 count = (head >> 16 & 0x7ff) + 1;

			bad += (table & 7) >= BARS || (pba & 7) >= BARS ||
			       (table & ~7u) + count * 16 > board_pci_bar_size(devfn, table & 7) ||
			       (pba & ~7u) + 8 > board_pci_bar_size(devfn, pba & 7);
		}
		at = head >> 8 & 0xff;
	}
	return bad + (n == 48);
}

static void write_part(unsigned devfn, unsigned offset, unsigned size, u32 value)
{
	x86_outl(0xcf8, 0x80000000u | devfn << 8 | (offset & 0xfc));
	if (size == 1)
		x86_outb((u16)(0xcfc + (offset & 3)), (u8)value);
	else
		x86_outw((u16)(0xcfc + (offset & 3)), (u16)value);
}

/* A write of one or two bytes of a BAR leaves the others alone. */
static unsigned wrong_parts(unsigned devfn)
{
	u32 command = board_pci_read(devfn, COMMAND) & 0xffff;
	unsigned bad = 0;

	board_pci_write(devfn, COMMAND, command & ~3u);
	for (unsigned n = 0; n < BARS; n++) {
		u32 old = board_pci_read(devfn, BAR(n)), all, mask;

		if (!board_pci_bar_size(devfn, n))
			continue;
		for (unsigned size = 1; size <= 2; size++)
			for (unsigned at = 0; at < 4; at += size) {
				mask = (size == 1 ? 0xffu : 0xffffu) << 8 * at;
				board_pci_write(devfn, BAR(n), ~0u);
				all = board_pci_read(devfn, BAR(n));
				write_part(devfn, BAR(n) + at, size, 0);
				bad += ((board_pci_read(devfn, BAR(n)) ^ all) & ~mask) != 0;
				board_pci_write(devfn, BAR(n), 0);
				all = board_pci_read(devfn, BAR(n));
				write_part(devfn, BAR(n) + at, size, ~0u);
				bad += ((board_pci_read(devfn, BAR(n)) ^ all) & ~mask) != 0;
			}
		board_pci_write(devfn, BAR(n), old);
	}
	board_pci_write(devfn, COMMAND, command);
	return bad;
}

/* "Header Type" (6.2.1): bit 7 of function 0 tells whether its device has others. */
static unsigned wrong_multifunction(unsigned devfn)
{
	bool told = board_pci_read(devfn, 0x0c) & BIT(23), others = false;

	for (unsigned n = 1; n < 8; n++)
		others |= board_pci_there(devfn + n);
	return !(devfn & 7) && told != others;
}

static u32 behind(u32 base, u64 size, bool io)
{
	return io ? x86_inb((u16)(base + size)) : *(volatile u32 *)(base + size);
}

/* What lies just behind a BAR is not its: there, switching it off changes nothing. */
static unsigned wrong_borders(unsigned devfn)
{
	u32 command = board_pci_read(devfn, COMMAND) & 0xffff, on;
	unsigned bad = 0;

	for (unsigned n = 0; n < BARS; n++) {
		u32 bar = board_pci_read(devfn, BAR(n));
		bool io = bar & 1, another = false;
		u32 base = bar & (io ? ~3u : ~15u);
		u64 size = board_pci_bar_size(devfn, n);

		for (unsigned k = 0; k < BARS; k++)
			another |= (board_pci_read(devfn, BAR(k)) & ~15u) == base + size;
		if (!size || !base || another || (io && base + size > 0xffff))
			continue;
		on = behind(base, size, io);
		board_pci_write(devfn, COMMAND, command & ~3u);
		bad += behind(base, size, io) != on;
		board_pci_write(devfn, COMMAND, command);
	}
	return bad;
}

void board_pci_functions(void)
{
	unsigned count = 0, identity = 0, interrupt = 0, bars = 0, parts = 0, capabilities = 0;
	unsigned multifunction = 0, borders = 0;

	for (unsigned devfn = 0; devfn < FUNCTIONS; devfn++) {
		if (!board_pci_there(devfn))
			continue;
		count++;
		identity += written_identity(devfn);
		multifunction += wrong_multifunction(devfn);
		if (is_bridge(devfn))
			continue;
		interrupt += wrong_interrupt(devfn);
		bars += wrong_bars(devfn);
		parts += wrong_parts(devfn);
		borders += wrong_borders(devfn);
		capabilities += wrong_capabilities(devfn);
	}
	census_number_manual("pci.functions", count != 0, 1);
	census_number_manual("pci.identity.fixed", identity, 0);
	census_number_manual("pci.interrupt.line", interrupt, 0);
	census_number_manual("pci.bars", bars, 0);
	census_number_manual("pci.parts", parts, 0);
	census_number_manual("pci.multifunction", multifunction, 0);
	census_number_manual("pci.bars.borders", borders, 0);
	census_number_manual("pci.capabilities", capabilities, 0);
}
