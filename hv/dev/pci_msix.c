/*
 * pci_msix.c - see pci.h: the MSI-X capability, its table and pending bits; pure
 *
 * Source: [PCI] "MSI-X Capability and Table Structures" (6.8.2), "MSI-X Operation" (6.8.3).
 */
#include "dev/pci.h"

#include "host.h"
#include "lib/string.h"
#include "vm/state.h"

/* The capability: header, message control, where the table is, where the pending bits are. */
#define CAP_SIZE 12
#define CAP_CONTROL 2
#define CAP_TABLE 4
#define CAP_PENDING 8
#define CONTROL_MASK_ALL BIT(14)
#define CONTROL_ENABLE BIT(15)

/* Both in one BAR. */
#define TABLE_OFFSET 0x000u
#define PENDING_OFFSET 0x800u
#define BAR_SIZE_MIN 0x1000u

enum entry_word { ADDRESS_LOW, ADDRESS_HIGH, DATA, VECTOR_CONTROL, ENTRY_WORDS };
#define ADDRESS_LOW_BITS 0xfffffffcu
#define VECTOR_MASKED 1u

_Static_assert(PCI_MSIX_VECTORS_MAX <= 32, "pending bits are in one u32");
_Static_assert(PCI_MSIX_VECTORS_MAX *ENTRY_WORDS * 4 <= PENDING_OFFSET, "the table fits");

static u32 control(const struct pci_function *f)
{
	return pci_get(f, f->msix.cap + CAP_CONTROL, 2);
}

bool pci_msix_enabled(const struct pci_function *f)
{
	return f->msix.cap && control(f) & CONTROL_ENABLE;
}

static bool held_back(const struct pci_function *f, unsigned n)
{
	return control(f) & CONTROL_MASK_ALL || f->msix.table[n][VECTOR_CONTROL] & VECTOR_MASKED ||
	       !pci_master(f);
}

static void send(struct pci_function *f, unsigned n)
{
	const u32 *entry = f->msix.table[n];
	struct bus *bus = f->pci->bus;

	if (bus->msi)
		bus->msi(bus, (u64)entry[ADDRESS_HIGH] << 32 | entry[ADDRESS_LOW], entry[DATA]);
}

void pci_msix_send(struct pci_function *f, unsigned n)
{
	if (!pci_msix_enabled(f) || n >= f->msix.vectors)
		return;
	if (held_back(f, n))
		f->msix.pending |= 1u << n;
	else
		send(f, n);
}

void pci_msix_flush(struct pci_function *f)
{
	if (!pci_msix_enabled(f))
		return;
	for (unsigned n = 0; f->msix.pending && n < f->msix.vectors; n++) {
		if (!(f->msix.pending & 1u << n) || held_back(f, n))
			continue;
		f->msix.pending &= ~(1u << n);
		send(f, n);
	}
}

void pci_msix_reset(struct pci_function *f)
{
	memset(f->msix.table, 0, sizeof(f->msix.table));
	f->msix.pending = 0;
	for (unsigned n = 0; n < f->msix.vectors; n++)
		f->msix.table[n][VECTOR_CONTROL] = VECTOR_MASKED;
}

/* The aligned dword at offset; what is neither table nor pending bits reads as 0. */
static u32 read_word(const struct pci_function *f, u64 offset)
{
	u64 n = offset / (ENTRY_WORDS * 4);

	if (offset == PENDING_OFFSET)
		return f->msix.pending;
	return n < f->msix.vectors ? f->msix.table[n][offset / 4 % ENTRY_WORDS] : 0;
}

static u64 bar_read(void *dev, u64 offset, unsigned size)
{
	unsigned shift = 8 * (offset & 3);
	u64 value = read_word(dev, offset & ~3ull);

	if (shift / 8 + size > 4)
		value |= (u64)read_word(dev, (offset & ~3ull) + 4) << 32;
	return value >> shift;
}

static void write_word(struct pci_function *f, u64 offset, u32 value)
{
	static const u32 writable[ENTRY_WORDS] = { ADDRESS_LOW_BITS, ~0u, ~0u, VECTOR_MASKED };
	u64 n = offset / (ENTRY_WORDS * 4), word = offset / 4 % ENTRY_WORDS;

	if (n < f->msix.vectors)
		f->msix.table[n][word] = value & writable[word];
}

/* Software must write whole aligned dwords or qwords; other writes are lost here. */
static void bar_write(void *dev, u64 offset, unsigned size, u64 value)
{
	if (size < 4 || offset % size)
		return;
	write_word(dev, offset, (u32)value);
	if (size == 8)
		write_word(dev, offset + 4, (u32)(value >> 32));
	pci_msix_flush(dev);
}

void pci_add_msix(struct pci_function *f, unsigned n, unsigned vectors)
{
	struct pci_bar *bar = &f->bar[n];

	check(n < PCI_BARS && !bar->io && bar->size >= BAR_SIZE_MIN && !bar->read && !bar->write);
	check(vectors && vectors <= PCI_MSIX_VECTORS_MAX && !f->msix.cap);
	bar->read = bar_read;
	bar->write = bar_write;
	f->msix.vectors = vectors;
	f->msix.cap = pci_add_capability(f, PCI_CAP_MSIX, CAP_SIZE);
	pci_define(f, f->msix.cap + CAP_CONTROL, 2, vectors - 1, CONTROL_ENABLE | CONTROL_MASK_ALL);
	pci_define(f, f->msix.cap + CAP_TABLE, 4, TABLE_OFFSET | n, 0);
	pci_define(f, f->msix.cap + CAP_PENDING, 4, PENDING_OFFSET | n, 0);
	pci_msix_reset(f);
}

void pci_msix_save(const struct pci_function *f, struct state_buf *buf)
{
	for (unsigned n = 0; n < f->msix.vectors; n++)
		for (unsigned word = 0; word < ENTRY_WORDS; word++)
			state_put(buf, f->msix.table[n][word], 4);
	state_put(buf, f->msix.pending, 4);
}

void pci_msix_load(struct pci_function *f, struct state_buf *buf)
{
	for (unsigned n = 0; n < f->msix.vectors; n++) {
		u32 *entry = f->msix.table[n];

		for (unsigned word = 0; word < ENTRY_WORDS; word++)
			entry[word] = (u32)state_get(buf, 4);
		if (entry[ADDRESS_LOW] & ~ADDRESS_LOW_BITS ||
		    entry[VECTOR_CONTROL] & ~VECTOR_MASKED)
			state_refuse(buf, "an MSI-X table has impossible bits");
	}
	f->msix.pending = (u32)state_get_max(buf, 4, BIT(f->msix.vectors) - 1,
					     "an MSI-X vector beyond the table is pending");
}
