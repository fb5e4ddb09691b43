/*
 * bars.c - see evil.h: what a guest can do to its PCI bus
 *
 * What a BAR over RAM, over the local APIC or over another BAR shows is the machine's to say; RAM
 * itself stays RAM, and all is well again when the BARs are back.
 */
#include "evil.h"

#define LAPIC 0xfee00000u
#define IOAPIC 0xfec00000u
#define APIC_VERSION 0x30
#define LAPIC_SVR 0xf0
#define MSIX_CAP 0x11
#define MSIX_ENABLE BIT(15)
#define MSIX_MASK_ALL BIT(14)

/* ---- Configuration space -------------------------------------------------------------- */

static void storm(void)
{
	u32 before[4];

	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
		before[i] = devices[i].devfn < 0 ? 0 : pci_read((u8)devices[i].devfn, 0, 4);
	for (unsigned i = 0; i < 6000; i++) {
		u8 devfn = (u8)rt_random();
		unsigned size = 1u << rt_random() % 3;
		unsigned offset = (unsigned)(rt_random() % PCI_CONFIG_SIZE) & ~(size - 1);

		/* Half of them to what is there. */
		if (i & 1)
			devfn = (u8)devices[i / 2 % 4].devfn;
		pci_write(devfn, offset, size, (u32)rt_random());
		(void)pci_read(devfn, offset, size);
	}
	/* The two ports of mechanism 1 in all widths, aligned or not, for all buses. */
	for (unsigned i = 0; i < 2000; i++) {
		u16 port = (u16)(0xcf8 + rt_random() % 8);

		if (port == 0xcf9)
			continue; /* PIIX3's reset */
		if (rt_random() & 1)
			x86_outb(port, (u8)rt_random());
		else if (port != 0xcf8)
			x86_outw(port, (u16)rt_random());
		else
			x86_outl(port, (u32)rt_random());
		(void)x86_inl(port);
	}
	pci_restore();
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].devfn >= 0)
			verdict(pci_read((u8)devices[i].devfn, 0, 4) == before[i],
				"%s: is what it was after a storm on configuration space",
				devices[i].name);
}

/* ---- BARs ------------------------------------------------------------------------------------ */

static void move(const struct device *d, u32 to)
{
	pci_write((u8)d->devfn, PCI_BAR0, 4, to);
}

/* RAM that was used, and RAM that nobody has touched, stay RAM under a BAR. */
static void over_ram(const struct device *d, u64 at, const char *what)
{
	volatile u64 *ram = (volatile u64 *)(uintptr_t)at;
	bool same = true;

	if (!at)
		return;
	move(d, (u32)at & ~0x3fffu);
	for (unsigned i = 0; i < 8; i++)
		ram[i] = 0x1122334455667788ull * (i + 1);
	for (unsigned i = 0; i < 8; i++)
		same &= ram[i] == 0x1122334455667788ull * (i + 1);
	pci_restore();
	for (unsigned i = 0; i < 8; i++)
		same &= ram[i] == 0x1122334455667788ull * (i + 1);
	verdict(same, "%s: %s stays RAM under a BAR", d->name, what);
}

static void over_devices(const struct device *d)
{
	static const u32 places[] = { LAPIC - 0x1000, LAPIC,	  LAPIC & ~0x3fffu, IOAPIC,
				      0xa0000,	      0xb8000,	  0xc0000,	    0xf0000,
				      0xfffc0000,     0xffff8000, 0xffffc000,	    0x4000,
				      0xfff00000,     0x80000000, 0xd0000000 };
	volatile u32 *version = (volatile u32 *)(uintptr_t)(LAPIC + APIC_VERSION);
	u32 before = *version;

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		move(d, places[i]);
		for (unsigned k = 0; k < 0x4000 && places[i] >= 0xa0000; k += 0x404)
			(void)reg_read(places[i] & ~0x3fffu, k & ~7u, 8);
		if (places[i] >= 0x80000000 && places[i] < LAPIC - 0x4000)
			for (unsigned k = 0; k < 0x4000; k += 0x404)
				reg_write(places[i], k & ~7u, 8, ~0ull);
	}
	pci_restore();
	verdict(*version == before, "%s: the local APIC is there after BARs over everything",
		d->name);
}

static void over_each_other(void)
{
	u32 first = 0;

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
			if (devices[i].devfn < 0)
				continue;
			first = first ? first : (u32)devices[i].common & ~0x3fffu;
			move(&devices[i], first + 0x1000 * (round % 5) * i);
			/* The MSI-X table too, and the ports. */
			pci_write((u8)devices[i].devfn, PCI_BAR0 + 4, 4, first + 0x1000 * i);
			pci_write((u8)devices[i].devfn, PCI_BAR0 + 8, 4,
				  (u32)(rt_random() & 0xfff0) | 1);
		}
		for (unsigned k = 0; k < 0x8000; k += 0x238)
			reg_write(first, k & ~7u, 8, rt_random() | 0x8000000080000000);
	}
	pci_restore();
}

/* ---- Port BARs over other devices' ports ------------------------------------------------------
 */

static void over_ports(const struct device *d)
{
	static const u16 places[] = { 0x20,  0x40,  0x60,  0x70,  0xa0, 0x3f0,	0x3f8, 0x3c0,
				      0xcf0, 0xcf8, 0x510, 0x600, 0xf0, 0xfff0, 0 };
	u8 lcr;

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		pci_write((u8)d->devfn, PCI_BAR0 + 8, 4, places[i] | 1u);
		(void)x86_inb(places[i]);
	}
	x86_outb(0x3fb, 3);
	lcr = x86_inb(0x3fb);
	verdict(lcr == 3, "%s: ports of the board stay the board's (LCR %x)", d->name, lcr);
	pci_restore();
}

/* ---- MSI-X
 * ---------------------------------------------------------------------------------------- */

static unsigned find_cap(u8 devfn, u8 id)
{
	unsigned at = pci_read(devfn, PCI_CAPABILITIES, 1);

	for (unsigned n = 0; at && n < 16; n++, at = pci_read(devfn, at + 1, 1))
		if (pci_read(devfn, at, 1) == id)
			return at;
	return 0;
}

/* Interrupts are off in this guest: what is fixed stays pending in its local APIC. */
static void garbage_messages(const struct device *d)
{
	u8 devfn = (u8)d->devfn;
	unsigned cap = find_cap(devfn, MSIX_CAP);
	volatile u32 *svr = (volatile u32 *)(uintptr_t)(LAPIC + LAPIC_SVR);
	u64 fresh = memory_fresh();
	const u64 addresses[] = { 0,
				  fresh,
				  (u64)(uintptr_t)memory_buffer(4) - 64,
				  0xfeefffff,
				  LAPIC,
				  LAPIC | 0xff000,
				  LAPIC | 0xff00c,
				  LAPIC | 0x80008,
				  BIT(32) | LAPIC,
				  ~0ull,
				  BIT(63),
				  0xfec00000 };
	/* Fixed with each kind of vector, lowest priority, reserved, NMI, SIPI, ExtINT; not INIT.
	 */
	static const u32 data[] = { 0,	    0x0f,   0x10,  0xff,  0x131, 0x331,
				    0x4031, 0xc0ff, 0x400, 0x699, 0x731, 0xffffc0fe };

	*svr = 0x1ff;
	for (unsigned i = 0; i < ARRAY_SIZE(addresses) * ARRAY_SIZE(data); i++) {
		u64 to = addresses[i % ARRAY_SIZE(addresses)];

		virtio_reset(d);
		pci_write(devfn, cap + 2, 2, MSIX_ENABLE | MSIX_MASK_ALL);
		for (unsigned n = 0; n < 8; n++) {
			reg_write(d->msix, 16 * n, 8, to);
			reg_write(d->msix, 16 * n + 8, 8, data[i / ARRAY_SIZE(addresses)]);
		}
		pci_write(devfn, cap + 2, 2, MSIX_ENABLE);
		virtio_begin(d, 0);
		for (unsigned n = 0; n < 3; n++) {
			reg_write(d->common, QUEUE_SELECT, 2, n);
			reg_write(d->common, QUEUE_VECTOR, 2, rt_random() % 20);
			reg_write(d->common, CONFIG_VECTOR, 2, rt_random() & 3);
		}
		reg_write(d->common, QUEUE_SELECT, 2, d->queue);
		reg_write(d->common, QUEUE_VECTOR, 2, 1);
		virtio_queue(d, d->queue, RING_SIZE, (u64)(uintptr_t)ring.d,
			     (u64)(uintptr_t)&ring.avail_flags, (u64)(uintptr_t)&ring.used_flags);
		ring.avail_idx = ring.used_idx = 0;
		virtio_chain(d);
		virtio_go(d);
		(void)virtio_run(d, 1);
	}
	pci_write(devfn, cap + 2, 2, 0);
	*svr = 0;
	*svr = 0xff;
}

static void messy_table(const struct device *d)
{
	for (unsigned i = 0; i < 500; i++) {
		unsigned size = 1u << rt_random() % 4;

		reg_write(d->msix, (unsigned)(rt_random() % (0x1000 - 8)), size, rt_random());
		(void)reg_read(d->msix, (unsigned)(rt_random() % (0x1000 - 8)), size);
	}
	verdict(virtio_works(d), "%s: works after writes all over its MSI-X table", d->name);
}

void bars_main(void)
{
	pci_keep();
	storm();
	for (unsigned k = 0; k < ARRAY_SIZE(devices); k++) {
		const struct device *d = &devices[k];

		if (d->devfn < 0)
			continue;
		over_ram(d, (u64)(uintptr_t)memory_buffer(5), "used RAM");
		over_ram(d, memory_fresh(), "fresh RAM");
		over_devices(d);
		over_ports(d);
		messy_table(d);
		garbage_messages(d);
		verdict(virtio_works(d), "%s: works after its BARs and messages", d->name);
	}
	over_each_other();
}
