/*
 * hostile_devices.c - the PCI bus written all over, BARs over everything, virtio rings that lie
 *
 * Must not know: which devices there are, and what a device says of a driver that lies: only what
 * becomes of memory.  Bridges are left alone: what they do to the guest itself is its own fault.
 *
 * Sources: [PCI] "Configuration Space" (6); OASIS, "Virtual I/O Device (VIRTIO) Version 1.2",
 * "Virtio Over PCI Bus" (4.1), "Split Virtqueues" (2.7).
 */
#include "hostile.h"

#include "lib/string.h"
#include "x86_ops.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE BIT(31)
#define PCI_COMMAND 0x04
#define PCI_CLASS 0x0b
#define PCI_BAR0 0x10
#define PCI_BARS 6
#define PCI_CAPABILITIES 0x34
#define PCI_WORDS 64
#define PCI_BRIDGE 0x06
#define PCI_BUSES_ON 7 /* I/O, memory, bus master */
#define CAP_VENDOR 0x09
#define VIRTIO 0x1af4

/* ---- Configuration space ---------------------------------------------------------- */

static u32 config_read(unsigned devfn, unsigned offset)
{
	x86_outl(PCI_ADDRESS, (u32)PCI_ENABLE | devfn << 8 | (offset & 0xfc));
	return x86_inl(PCI_DATA) >> (8 * (offset & 3));
}

static void config_write(unsigned devfn, unsigned offset, u32 value)
{
	x86_outl(PCI_ADDRESS, (u32)PCI_ENABLE | devfn << 8 | (offset & 0xfc));
	x86_outl(PCI_DATA, value);
}

/* Is it there, and no bridge?  devfn of bus 0. */
static bool is_victim(unsigned devfn)
{
	return (config_read(devfn, 0) & 0xffff) != 0xffff &&
	       (config_read(devfn, PCI_CLASS) & 0xff) != PCI_BRIDGE;
}

static void keep(unsigned devfn, u32 word[PCI_WORDS])
{
	for (unsigned i = 0; i < PCI_WORDS; i++)
		word[i] = config_read(devfn, 4 * i);
}

static void restore(unsigned devfn, const u32 word[PCI_WORDS])
{
	config_write(devfn, PCI_COMMAND, 0);
	for (unsigned i = PCI_BAR0 / 4; i < PCI_WORDS; i++)
		config_write(devfn, 4 * i, word[i]);
	config_write(devfn, PCI_COMMAND, word[PCI_COMMAND / 4] & 0xffff);
}

static void scribble(struct tally *t, unsigned devfn)
{
	u32 word[PCI_WORDS];

	keep(devfn, word);
	for (unsigned i = 0; i < 500; i++) {
		config_write(devfn, (unsigned)(rt_random() % 256), (u32)rt_random());
		hostile_case(t);
	}
	for (unsigned i = 0; i < PCI_WORDS; i++)
		config_write(devfn, 4 * i, i & 1 ? ~0u : 0);
	hostile_bad(t, config_read(devfn, 0) != word[0], "another-device-now", devfn);
	restore(devfn, word);
}

static void pci_space(struct tally *t)
{
	for (unsigned devfn = 0; devfn < 256; devfn++)
		if (is_victim(devfn))
			scribble(t, devfn);
	/* What is not there, and buses that are not there. */
	for (unsigned i = 0; i < 2000; i++) {
		x86_outl(PCI_ADDRESS, (u32)rt_random() | 0x80ff0000);
		x86_outl(PCI_DATA, (u32)rt_random());
		hostile_case(t);
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
static void over_ram(struct tally *t, unsigned devfn, unsigned bar)
{
	for (unsigned i = 0; i < ARRAY_SIZE(under); i++)
		under[i] = mark(i);
	config_write(devfn, PCI_BAR0 + 4 * bar, (u32)(uintptr_t)under);
	for (unsigned i = 0; i < ARRAY_SIZE(under); i += 61) {
		volatile u64 *word = &under[i];

		hostile_bad(t, *word != mark(i), "RAM-lost-under-a-BAR", (u64)(uintptr_t)word);
		*word = ~mark(i);
		hostile_bad(t, *word != ~mark(i), "store-lost-under-a-BAR", (u64)(uintptr_t)word);
		hostile_case(t);
	}
}

static void elsewhere(struct tally *t, unsigned devfn, unsigned bar)
{
	static const u32 places[] = { 0xfee00000, 0xfec00000, 0xfffff000, 0xffff0000, 0xfffffff0,
				      0xa0000,	  0xf0000,    0xd0000000, 0,	      1 };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		config_write(devfn, PCI_BAR0 + 4 * bar, places[i]);
		(void)*(volatile u32 *)(uintptr_t)0xfee00030;
		(void)*(volatile u32 *)(uintptr_t)0xd0000000;
		hostile_case(t);
	}
}

static void pci_bars(struct tally *t)
{
	u32 word[PCI_WORDS];

	for (unsigned devfn = 0; devfn < 256; devfn++) {
		if (!is_victim(devfn))
			continue;
		keep(devfn, word);
		for (unsigned bar = 0; bar < PCI_BARS; bar++) {
			config_write(devfn, PCI_COMMAND, PCI_BUSES_ON);
			over_ram(t, devfn, bar);
			elsewhere(t, devfn, bar);
			restore(devfn, word);
		}
	}
}

/* ---- virtio ------------------------------------------------------------------------------- */

enum { CAP_COMMON = 1, CAP_NOTIFY };
enum {
	STATUS = 0x14,
	SELECT = 0x16,
	SIZE = 0x18,
	ENABLE = 0x1c,
	DESC = 0x20,
	AVAIL = 0x28,
	USED = 0x30
};
enum { FEATURE_SELECT = 0x08, FEATURE = 0x0c };
#define RING 16u
#define INDIRECT BIT(28)
#define NEXT 1
#define WRITE 2
#define TABLE 4

struct descriptor {
	u64 address;
	u32 len;
	u16 flags, next;
};
ASSERT_SIZE(struct descriptor, 16);

static struct {
	u8 before[4096];
	struct descriptor d[RING];
	volatile u16 avail[3 + RING];
	volatile u16 used[2 + 4 * RING + 1] ALIGNED(4);
	u8 data[4096] ALIGNED(4096);
	u8 behind[4096];
} ring ALIGNED(4096);

/* Where its registers are; 0: not in memory that we reach. */
static u64 structure(unsigned devfn, unsigned type, u32 *multiplier)
{
	unsigned at = config_read(devfn, PCI_CAPABILITIES) & 0xfc;

	for (unsigned n = 0; at && n < 48; n++, at = config_read(devfn, at + 1) & 0xfc) {
		unsigned bar = config_read(devfn, at + 4) & 0xff;
		u32 base;

		if ((config_read(devfn, at) & 0xff) != CAP_VENDOR ||
		    (config_read(devfn, at + 3) & 0xff) != type || bar >= PCI_BARS)
			continue;
		base = config_read(devfn, PCI_BAR0 + 4 * bar);
		if (base & 1 || (base & 4 && config_read(devfn, PCI_BAR0 + 4 * bar + 4)))
			continue;
		*multiplier = config_read(devfn, at + 16);
		return (base & ~0xfu) + config_read(devfn, at + 8);
	}
	return 0;
}

static void set8(u64 at, u8 value)
{
	*(volatile u8 *)(uintptr_t)at = value;
}

static void set16(u64 at, u16 value)
{
	*(volatile u16 *)(uintptr_t)at = value;
}

static void set64(u64 at, u64 value)
{
	((volatile u32 *)(uintptr_t)at)[0] = (u32)value;
	((volatile u32 *)(uintptr_t)at)[1] = (u32)(value >> 32);
}

static void bring_up(u64 common, unsigned queue, u64 used)
{
	set8(common + STATUS, 0);
	for (unsigned i = 0; i < 10000 && *(volatile u8 *)(uintptr_t)(common + STATUS); i++)
		x86_pause();
	set8(common + STATUS, 3);
	for (unsigned i = 0; i < 2; i++) {
		*(volatile u32 *)(uintptr_t)(common + FEATURE_SELECT) = i;
		*(volatile u32 *)(uintptr_t)(common + FEATURE) = i ? 1 : (u32)INDIRECT;
	}
	set8(common + STATUS, 11);
	set16(common + SELECT, (u16)queue);
	set16(common + SIZE, RING);
	set64(common + DESC, (u64)(uintptr_t)ring.d);
	set64(common + AVAIL, (u64)(uintptr_t)ring.avail);
	set64(common + USED, used);
	set16(common + ENABLE, 1);
	set8(common + STATUS, 15);
}

/* One descriptor that lies; the rest of the table is what it leads to. */
static const struct descriptor lies[] = {
	{ 0xd0000000, 4096, WRITE, 0 },
	{ 0xfee00000, 4096, WRITE, 0 },
	{ 0xfffff000, 4096, WRITE, 0 },
	{ BIT(32), 4096, WRITE, 0 },
	{ BIT(40), 4096, WRITE, 0 },
	{ BIT(51), 4096, WRITE, 0 },
	{ BIT(63), 4096, WRITE, 0 },
	{ ~0ull - 99, 4096, WRITE, 0 },
	{ -4096ull, 4096, WRITE, 0 },
	{ 0, 0, WRITE, 0 },
	{ 0, 16, WRITE | NEXT, 0 },
	{ 0, 16, WRITE | NEXT, RING },
	{ 0, 16, WRITE | NEXT, 0xffff },
	{ 0, 16, TABLE, 0 },
	{ 0, 17, TABLE, 0 },
	{ 0, ~0u, TABLE, 0 },
	{ 0xd0000000, 64, TABLE, 0 },
	{ ~0ull - 15, 64, TABLE, 0 },
	{ 0, 16, TABLE | NEXT, 1 },
};

static void look(struct tally *t, u64 where)
{
	for (unsigned i = 0; i < sizeof(ring.before); i++) {
		hostile_bad(t, ring.before[i] != 0x5a, "written-before-a-ring", where);
		hostile_bad(t, ring.behind[i] != 0xa5, "written-behind-a-buffer", where);
	}
	hostile_case(t);
}

static void lie(struct tally *t, u64 common, u64 notify, unsigned queue, unsigned i, u64 used)
{
	for (unsigned k = 0; k < RING; k++)
		ring.d[k] = (struct descriptor){ (u64)(uintptr_t)ring.data, 16, WRITE, 0 };
	ring.d[0] = lies[i];
	if (!ring.d[0].address)
		ring.d[0].address = (u64)(uintptr_t)ring.data;
	/* As a table, the data leads back to itself. */
	memcpy(ring.data, &lies[10], sizeof(lies[10]));
	memset((void *)(uintptr_t)ring.avail, 0, sizeof(ring.avail));
	bring_up(common, queue, used);
	ring.avail[1] = i % 3 == 2 ? 0x7fff : 1;
	__asm__ volatile("mfence" ::: "memory");
	set16(notify, (u16)queue);
	for (unsigned k = 0; k < 50; k++)
		(void)*(volatile u8 *)(uintptr_t)(common + STATUS);
	look(t, i);
}

static void lie_to(struct tally *t, unsigned devfn, unsigned queue)
{
	const u64 places[] = {
		(u64)(uintptr_t)ring.used, 0xd0000000, 0xfee00000, 0xfffff000, BIT(63), -8ull
	};
	u32 multiplier = 0, ignored;
	u64 common = structure(devfn, CAP_COMMON, &ignored);
	u64 notify = structure(devfn, CAP_NOTIFY, &multiplier);

	if (!common || !notify)
		return;
	set16(common + SELECT, (u16)queue);
	notify += (u64) * (volatile u16 *)(uintptr_t)(common + 0x1e) * multiplier;
	for (unsigned i = 0; i < ARRAY_SIZE(lies); i++)
		lie(t, common, notify, queue, i, places[0]);
	for (unsigned i = 1; i < ARRAY_SIZE(places); i++)
		lie(t, common, notify, queue, 13, places[i]);
	set8(common + STATUS, 0);
}

static void virtio_rings(struct tally *t)
{
	memset(ring.before, 0x5a, sizeof(ring.before));
	memset(ring.behind, 0xa5, sizeof(ring.behind));
	for (unsigned devfn = 0; devfn < 256; devfn++) {
		if (!is_victim(devfn) || (config_read(devfn, 0) & 0xffff) != VIRTIO)
			continue;
		config_write(devfn, PCI_COMMAND, PCI_BUSES_ON);
		lie_to(t, devfn, 0);
		lie_to(t, devfn, 1);
	}
	/* A machine without such devices has nothing to be lied to. */
	look(t, 0);
}

static const struct attack attacks[] = {
	{ "pci-space", pci_space, true },
	{ "pci-bars", pci_bars, true },
	{ "virtio-rings", virtio_rings, true },
};

const struct attack_list hostile_devices = { attacks, ARRAY_SIZE(attacks) };
