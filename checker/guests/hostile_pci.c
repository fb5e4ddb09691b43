/*
 * hostile_pci.c - the PCI bus written all over, BARs over everything, memory below 1 MiB moved
 *
 * Must not know: which devices there are: only what becomes of memory.
 *
 * Sources: [PCI] "Configuration Space" (6), "Message Signaled Interrupts" (6.8); Intel, "82441FX
 * (PMC)", "PAM" (3.2.18), "82371SB (PIIX3)", "PIRQRC" (2.2.6).
 */
#include "hostile_pci.h"

#include "hostile.h"
#include "lib/string.h"
#include "x86_ops.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE BIT(31)
#define PCI_CLASS 0x0b
#define PCI_BRIDGE 0x06

u32 pci_read(unsigned devfn, unsigned offset)
{
	x86_outl(PCI_ADDRESS, (u32)PCI_ENABLE | devfn << 8 | (offset & 0xfc));
	return x86_inl(PCI_DATA) >> (8 * (offset & 3));
}

void pci_write(unsigned devfn, unsigned offset, u32 value)
{
	x86_outl(PCI_ADDRESS, (u32)PCI_ENABLE | devfn << 8 | (offset & 0xfc));
	x86_outl(PCI_DATA, value);
}

bool pci_is_victim(unsigned devfn)
{
	return (pci_read(devfn, 0) & 0xffff) != 0xffff &&
	       (pci_read(devfn, PCI_CLASS) & 0xff) != PCI_BRIDGE;
}

void pci_keep(unsigned devfn, u32 word[PCI_WORDS])
{
	for (unsigned i = 0; i < PCI_WORDS; i++)
		word[i] = pci_read(devfn, 4 * i);
}

void pci_restore(unsigned devfn, const u32 word[PCI_WORDS])
{
	pci_write(devfn, PCI_COMMAND, 0);
	for (unsigned i = PCI_BAR0 / 4; i < PCI_WORDS; i++)
		pci_write(devfn, 4 * i, word[i]);
	pci_write(devfn, PCI_COMMAND, word[PCI_COMMAND / 4] & 0xffff);
}

u32 pci_memory_bar(unsigned devfn, unsigned bar)
{
	u32 base = bar < PCI_BARS ? pci_read(devfn, PCI_BAR0 + 4 * bar) : 1;

	if (base & 1 || (base & 4 && pci_read(devfn, PCI_BAR0 + 4 * bar + 4)))
		return 0;
	return base & ~0xfu;
}

/* There was no fault, and there is none to count. */
static void done(struct tally *t, u64 target, u64 action)
{
	rt_vector = RT_NONE;
	hostile_case(t, target, action);
}

/* ---- Configuration space ---------------------------------------------------------- */

static void scribble(struct tally *t, unsigned devfn, unsigned nth)
{
	u32 word[PCI_WORDS];

	pci_keep(devfn, word);
	for (u64 i = hostile_some(500); i; i--) {
		unsigned offset = (unsigned)(rt_random() % 256);

		pci_write(devfn, offset, (u32)rt_random());
		done(t, nth, offset / 16);
	}
	for (unsigned i = 0; i < PCI_WORDS; i++) {
		pci_write(devfn, 4 * i, i & 1 ? ~0u : 0);
		done(t, nth, 16 + i / 4);
	}
	hostile_bad(t, pci_read(devfn, 0) != word[0], "another-device-now", devfn);
	pci_restore(devfn, word);
}

/* Catches: a device that becomes another one, a capability list that leads to itself. */
static void pci_space(struct tally *t)
{
	unsigned nth = 0;

	for (unsigned devfn = 0; devfn < PCI_FUNCTIONS; devfn++)
		if (pci_is_victim(devfn))
			scribble(t, devfn, nth++ % 8);
}

/* What is not there, and buses that are not there.  Catches: the machine's own bus. */
static void pci_absent(struct tally *t)
{
	for (u64 i = hostile_some(3000); i; i--) {
		u32 at = (u32)rt_random() | 0x80ff0000;

		if (i & 1)
			at = (at & ~0xff0000u) | (i % 255 + 1) << 16;
		x86_outl(PCI_ADDRESS, at);
		x86_outl(PCI_DATA, (u32)rt_random());
		done(t, at >> 20 & 0xf, (at >> 12 & 8) | (at >> 5 & 7));
		hostile_bad(t, x86_inl(PCI_DATA) != ~0u, "a-device-of-another-bus", at);
	}
	x86_outl(PCI_ADDRESS, 0);
}

/* The two ports in other widths and at other places.  Catches: an offset beyond the register. */
static void pci_ports(struct tally *t)
{
	for (unsigned value = 0; value < 8; value++)
		for (unsigned at = 0; at < 8; at++) {
			u16 port = (u16)(PCI_ADDRESS + at);

			if (port == 0xcf9)
				continue; /* PIIX3's reset */
			x86_outl(PCI_ADDRESS,
				 (u32)(value & 1 ? PCI_ENABLE : 0) | 0xff00 | value << 4);
			x86_inb(port);
			done(t, value / 2, at << 3);
			x86_inw(port);
			done(t, value / 2, at << 3 | 1);
			x86_inl(port);
			done(t, value / 2, at << 3 | 2);
			x86_outb(port, (u8)rt_random());
			done(t, value / 2, at << 3 | 3);
			if (port >= 0xcfa || port == PCI_ADDRESS) {
				x86_outl(PCI_ADDRESS, (u32)PCI_ENABLE | 0xff00);
				if (port >= PCI_DATA)
					x86_outw(port, (u16)rt_random());
				done(t, value / 2, at << 3 | 4);
			}
		}
	x86_outl(PCI_ADDRESS, 0);
}

/* ---- BARs ----------------------------------------------------------------------------- */

static u64 under[0x4000] ALIGNED(0x4000);

static u64 mark(unsigned i)
{
	return 0x6a09e667f3bcc908ull * (i + 1);
}

/* RAM is RAM, whatever a BAR says that lies over it. */
static void over_ram(struct tally *t, unsigned devfn, unsigned bar, unsigned nth)
{
	for (unsigned i = 0; i < ARRAY_SIZE(under); i++)
		under[i] = mark(i);
	pci_write(devfn, PCI_BAR0 + 4 * bar, (u32)(uintptr_t)under);
	for (unsigned i = 0; i < ARRAY_SIZE(under); i += 61) {
		volatile u64 *word = &under[i];

		hostile_bad(t, *word != mark(i), "RAM-lost-under-a-BAR", (u64)(uintptr_t)word);
		*word = ~mark(i);
		hostile_bad(t, *word != ~mark(i), "store-lost-under-a-BAR", (u64)(uintptr_t)word);
		done(t, nth, bar);
	}
}

static void elsewhere(struct tally *t, unsigned devfn, unsigned bar, unsigned nth)
{
	static const u32 places[] = { 0xfee00000, 0xfec00000, 0xfffff000, 0xffff0000, 0xfffffff0,
				      0xa0000,	  0xf0000,    0xd0000000, 0,	      1,
				      0xcf9,	  0x3f1,      0x61,	  0xfff1,     ~0u };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		pci_write(devfn, PCI_BAR0 + 4 * bar, places[i]);
		(void)*(volatile u32 *)(uintptr_t)0xfee00030;
		(void)*(volatile u32 *)(uintptr_t)0xd0000000;
		done(t, nth << 3 | bar, i);
	}
}

static void each_bar(struct tally *t,
		     void (*attack)(struct tally *t, unsigned devfn, unsigned bar, unsigned nth))
{
	u32 word[PCI_WORDS];
	unsigned nth = 0;

	for (unsigned devfn = 0; devfn < PCI_FUNCTIONS; devfn++) {
		if (!pci_is_victim(devfn))
			continue;
		pci_keep(devfn, word);
		for (unsigned bar = 0; bar < PCI_BARS; bar++) {
			pci_write(devfn, PCI_COMMAND, PCI_BUSES_ON);
			attack(t, devfn, bar, nth);
			pci_restore(devfn, word);
		}
		nth++;
	}
}

/* Catches: a device that takes RAM's place. */
static void bars_over_ram(struct tally *t)
{
	each_bar(t, over_ram);
}

/* Catches: two devices at one place, and a bus that breaks of it. */
static void bars_elsewhere(struct tally *t)
{
	each_bar(t, elsewhere);
}

/* ---- MSI-X ------------------------------------------------------------------------------ */

#define MSIX_ENTRY 16

/* The capability's place in configuration space; 0: none. */
static unsigned msix_of(unsigned devfn)
{
	unsigned at = pci_read(devfn, PCI_CAPABILITIES) & 0xfc;

	for (unsigned n = 0; at && n < 48; n++, at = pci_read(devfn, at + 1) & 0xfc)
		if ((pci_read(devfn, at) & 0xff) == PCI_CAP_MSIX)
			return at;
	return 0;
}

static void spoil_vectors(struct tally *t, unsigned devfn, unsigned at, unsigned nth)
{
	const u64 addresses[] = { 0xfee00000,	   0xfeeff00c, 0xfec00000, 0x100000,
				  rt_memory_end(), ~0ull,      1ull << 40 };
	const u32 data[] = { 0x46, 0, 0x4500, 0xffffffff };
	u32 where = pci_read(devfn, at + 4), base = pci_memory_bar(devfn, where & 7);

	if (!base)
		return;
	pci_write(devfn, at, 0x80000000); /* enabled, not masked */
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++)
		for (unsigned k = 0; k < ARRAY_SIZE(data); k++) {
			volatile u32 *entry = (volatile u32 *)(uintptr_t)(base + (where & ~7u));

			for (unsigned n = 0; n < 3; n++, entry += MSIX_ENTRY / 4) {
				entry[0] = (u32)addresses[i];
				entry[1] = (u32)(addresses[i] >> 32);
				entry[2] = data[k];
				entry[3] = 0; /* not masked */
				done(t, nth << 3 | i, k << 2 | n);
			}
		}
	for (unsigned n = 0; n < 3; n++)
		((volatile u32 *)(uintptr_t)(base + (where & ~7u)))[4 * n + 3] = 1;
}

/* Catches: a message that is stored to memory, or an interrupt for somebody else. */
static void msix_tables(struct tally *t)
{
	u32 word[PCI_WORDS];
	unsigned nth = 0;

	done(t, 0xff, 0); /* a machine without such devices */
	for (unsigned devfn = 0; devfn < PCI_FUNCTIONS; devfn++) {
		unsigned at = pci_is_victim(devfn) ? msix_of(devfn) : 0;

		if (!at)
			continue;
		pci_keep(devfn, word);
		pci_write(devfn, PCI_COMMAND, PCI_BUSES_ON);
		spoil_vectors(t, devfn, at, nth++ % 6);
		pci_restore(devfn, word);
	}
}

/* ---- The bridges ---------------------------------------------------------------------------- */

#define PAM_FIRST 0x58 /* the word that holds 59h */
#define PAM_WORDS 2
#define SHADOW_BEGIN 0xc0000ull
#define SHADOW_END 0x100000ull

/* Catches: ROM space that is opened to what lies beneath in the host, RAM that is lost. */
static void pam_registers(struct tally *t)
{
	u32 saved[PAM_WORDS];
	u64 value = 0;

	for (unsigned i = 0; i < PAM_WORDS; i++)
		saved[i] = pci_read(0, PAM_FIRST + 4 * i);
	for (unsigned reg = 1; reg < 8; reg++)
		for (unsigned bits = 0; bits < 16; bits++) {
			unsigned at = PAM_FIRST + reg, shift = 8 * (at & 3);
			u32 word = pci_read(0, at & ~3u) & ~(0xffu << shift);

			pci_write(0, at & ~3u, word | (bits * 0x11u & 0xffu) << shift);
			for (u64 p = SHADOW_BEGIN; p < SHADOW_END; p += 0x4000) {
				RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(p + 0xff8));
				hostile_bad(t, hostile_secret(value), "a-secret", p);
				RT_TRY("movq %0, (%1)", RT_OUT(), "r"(value), "r"(p + 0xff8));
			}
			done(t, reg, bits);
		}
	for (unsigned i = 0; i < PAM_WORDS; i++)
		pci_write(0, PAM_FIRST + 4 * i, saved[i]);
}

#define ISA_BRIDGE 0x08
#define PIRQ_ROUTES 0x60

/* Catches: an interrupt line beyond the controllers' inputs. */
static void pirq_routes(struct tally *t)
{
	u32 saved = pci_read(ISA_BRIDGE, PIRQ_ROUTES);

	for (unsigned pin = 0; pin < 4; pin++)
		for (unsigned route = 0; route < 256; route += 3) {
			pci_write(ISA_BRIDGE, PIRQ_ROUTES,
				  (saved & ~(0xffu << 8 * pin)) | route << 8 * pin);
			done(t, pin, route / 16);
		}
	pci_write(ISA_BRIDGE, PIRQ_ROUTES, saved);
}

static const struct attack attacks[] = {
	{ "pci-space", pci_space, true },	    { "pci-absent", pci_absent, true },
	{ "pci-ports", pci_ports, true },	    { "bars-over-ram", bars_over_ram, true },
	{ "bars-elsewhere", bars_elsewhere, true }, { "msix-tables", msix_tables, true },
	{ "pam-registers", pam_registers, true },   { "pirq-routes", pirq_routes, true },
};

const struct attack_list hostile_pci = ATTACKS(attacks);
