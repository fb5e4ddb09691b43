/* fuzz.c - see fuzz.h */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

u64 fuzz_take(struct fuzz_input *in, unsigned bytes)
{
	u64 value = 0;

	for (unsigned i = 0; i < bytes && in->left; i++, in->left--)
		value |= (u64)*in->data++ << (8 * i);
	return value;
}

u64 fuzz_take_number(struct fuzz_input *in)
{
	u8 form = (u8)fuzz_take(in, 1);
	u64 value;

	switch (form >> 6) {
	case 0:
		return form & 63;
	case 1:
		return (1ull << (form & 63)) - 1 + (fuzz_take(in, 1) & 3);
	case 2:
		value = fuzz_take(in, 1 + (form & 3));
		return form & 32 ? -value : value << (form & 28);
	default:
		return fuzz_take(in, 8);
	}
}

void fuzz_keep(struct fuzz_kept *kept, void *at, size_t size)
{
	*kept = (struct fuzz_kept){ at, malloc(size), size };
	memcpy(kept->copy, at, size);
}

void fuzz_restore(const struct fuzz_kept *kept, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		memcpy(kept[i].at, kept[i].copy, kept[i].size);
}

static struct fuzz_machine *of_bus(const struct bus *bus)
{
	return container_of(bus, struct fuzz_machine, bus);
}

void *fuzz_ram(const struct fuzz_machine *m, u64 a, u64 len)
{
	u64 at = a - FUZZ_RAM_BASE, half = at / FUZZ_RAM_SIZE;

	at %= FUZZ_RAM_SIZE;
	if (a < FUZZ_RAM_BASE || half > 1 || len > FUZZ_RAM_SIZE - at)
		return NULL;
	return m->half[half] + at;
}

void fuzz_ram_write(const struct fuzz_machine *m, u64 a, const void *from, u64 len)
{
	const u8 *byte = from;

	for (u64 i = 0; i < len; i++) {
		u8 *p = fuzz_ram(m, a + i, 1);

		if (p)
			*p = byte[i];
	}
}

/* Each look of a device at RAM may find it changed. */
static void *ram(const struct bus *bus, gpa_t a, u64 len)
{
	struct fuzz_machine *m = of_bus(bus);
	u64 patch;

	if (m->patches && m->patches->left >= 3) {
		patch = fuzz_take(m->patches, 3);
		m->half[0][patch % FUZZ_RAM_SIZE] ^= (u8)(patch >> 16);
	}
	return fuzz_ram(m, a.v, len);
}

static u64 now(const struct bus *bus UNUSED)
{
	return 0;
}

static void nothing(struct bus *bus UNUSED)
{
}

static void msi(struct bus *bus UNUSED, u64 address UNUSED, u32 data UNUSED)
{
}

void fuzz_machine_init(struct fuzz_machine *m, struct fuzz_input *patches)
{
	const struct wire wires[PCI_INTX_LINES] = { 0 };

	memset(m, 0, sizeof(*m));
	m->patches = patches;
	m->bus.ram = ram;
	m->bus.now = now;
	m->bus.rearm = m->bus.posted = nothing;
	m->bus.msi = msi;
	for (unsigned i = 0; i < 2; i++)
		m->half[i] = calloc(1, FUZZ_RAM_SIZE);
	pci_init(&m->pci, &m->bus, wires);
}

void fuzz_machine_free(struct fuzz_machine *m)
{
	free(m->half[0]);
	free(m->half[1]);
}
