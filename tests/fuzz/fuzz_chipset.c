/*
 * fuzz_chipset.c - a guest that does anything to the board: PCI, IOAPIC, PIC, PIIX3, PIIX4, RTC,
 * fw_cfg; and a save and load in between, which must change nothing
 *
 * Input: steps of eight bytes; what they mean stands in struct step.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dev/acpiloader.h"
#include "dev/i440fx.h"
#include "dev/ioapic.h"
#include "dev/pic.h"
#include "dev/piix3.h"
#include "dev/piix4.h"
#include "dev/rtc.h"
#include "dev/section.h"
#include "host.h"

#define CARDS 3
#define PORTS 64
#define MEMORY 0x4000u
#define STATE_MAX 8192

static struct fuzz_machine m;
static u64 time_ns;
static struct pic pic;
static struct ioapic ioapic;
static struct i440fx bridge;
static struct piix3 piix3;
static struct piix4 piix4;
static struct rtc rtc;
static struct fwcfg fwcfg;
static struct acpiloader loader;
static struct pci_function card[CARDS];

static u64 now(const struct bus *bus UNUSED)
{
	return time_ns;
}

static void set_irq(void *ctx UNUSED, unsigned irq, bool level)
{
	pic_set_irq(&pic, irq, level);
	ioapic_set_irq(&ioapic, irq ? irq : 2, level);
}

static void set_intr(void *ctx UNUSED, unsigned pin UNUSED, bool level)
{
	ioapic_set_irq(&ioapic, 0, level);
}

static void note(void *ctx UNUSED)
{
}

static void pam_changed(void *ctx UNUSED, gpa_t base, u64 size, bool reads UNUSED,
			bool writes UNUSED)
{
	check(base.v >= 0xc0000 && base.v + size <= 0x100000);
}

static void send(void *ctx UNUSED, const struct ipi *message)
{
	check(message->mode != LAPIC_RESERVED && message->mode != LAPIC_SIPI);
	check(!message->level || message->mode == LAPIC_FIXED || message->mode == LAPIC_LOWEST);
}

/* What devices rely on: an access lies inside its BAR. */
static u64 bar_read(void *dev, u64 offset, unsigned size)
{
	check(dev && offset + size <= MEMORY);
	return offset;
}

static void bar_write(void *dev, u64 offset, unsigned size, u64 value UNUSED)
{
	check(dev && offset + size <= MEMORY);
}

static void add_card(unsigned n)
{
	const struct pci_identity identity = { .vendor = 0x1af4, .device = 1, .intx_pin = 2 };
	const struct pci_bar ports = {
		.size = PORTS, .io = true, .read = bar_read, .write = bar_write
	};
	const struct pci_bar table = { .size = 4096 };
	const struct pci_bar memory = {
		.size = MEMORY, .wide = true, .read = bar_read, .write = bar_write
	};

	pci_add(&m.pci, &card[n], PCI_DEVFN(2 + n, n == 2), &identity);
	pci_add_bar(&card[n], 0, &ports);
	pci_add_bar(&card[n], 1, &table);
	pci_add_bar(&card[n], 4, &memory);
	pci_add_msix(&card[n], 1, 1 + 7 * n);
	pci_add_capability(&card[n], PCI_CAP_VENDOR, 20);
}

static void start(void)
{
	const struct i440fx_lines bridge_lines = { .pam_changed = pam_changed };
	const struct piix3_lines isa = { .irq = set_irq, .reset = note };
	const struct piix4_lines power = { .power_off = note };
	const struct acpitables_config config = { .cpus = 4 };
	struct bus *bus = &m.bus;

	fuzz_machine_init(&m, NULL);
	time_ns = 0;
	bus->now = now;
	for (unsigned i = 0; i < PCI_INTX_LINES; i++)
		m.pci.pirq[i] = piix3_pirq_wire(&piix3, i);
	pic_init(&pic, bus, (struct wire){ set_intr, NULL, 0 });
	ioapic_init(&ioapic, bus, 0, send, NULL);
	i440fx_init(&bridge, &m.pci, &bridge_lines);
	piix3_init(&piix3, &m.pci, &isa);
	piix4_init(&piix4, &m.pci, piix3_irq_wire(&piix3, PIIX4_SCI_IRQ), &power);
	rtc_init(&rtc, bus, piix3_irq_wire(&piix3, RTC_IRQ), 1767225600, MiB(64), 0);
	fwcfg_init(&fwcfg, bus);
	acpiloader_init(&loader, &fwcfg, &config);
	for (unsigned n = 0; n < CARDS; n++)
		add_card(n);
	pci_reset(&m.pci);
	piix3_reset(&piix3);
	piix4_reset(&piix4);
}

/* ---- Saving and loading ----------------------------------------------------- */

static size_t save(u8 data[STATE_MAX])
{
	struct state_buf buf = { .data = data, .size = STATE_MAX };

	pic_save(&pic, &buf);
	ioapic_save(&ioapic, &buf);
	piix3_save(&piix3, &buf);
	pci_save(&m.pci, &buf);
	piix4_save(&piix4, &buf);
	fwcfg_save(&fwcfg, &buf);
	rtc_save(&rtc, &buf);
	check(!buf.error);
	return buf.at;
}

static int load_section(u32 id, struct state_buf *buf)
{
	switch (id) {
	case DEVICE_SECTION_PIC:
		return pic_load(&pic, buf);
	case DEVICE_SECTION_IOAPIC:
		return ioapic_load(&ioapic, buf);
	case DEVICE_SECTION_PIIX3:
		return piix3_load(&piix3, buf);
	case DEVICE_SECTION_PCI:
		return pci_load(&m.pci, buf);
	case DEVICE_SECTION_PIIX4:
		return piix4_load(&piix4, buf);
	case DEVICE_SECTION_FWCFG:
		return fwcfg_load(&fwcfg, buf);
	default:
		return rtc_load(&rtc, buf);
	}
}

/* What a guest can bring about can be saved, and loading it where it is changes nothing. */
static void save_and_load(void)
{
	static u8 before[STATE_MAX], after[STATE_MAX];
	struct state_buf buf = { .data = before, .size = save(before) };
	u32 version, length, id;

	while (buf.at < buf.size) {
		id = state_next_section(&buf, &version, &length);
		check(load_section(id, &buf) == 0);
	}
	check(save(after) == buf.size && !memcmp(before, after, buf.size));
}

/* ---- Steps ------------------------------------------------------------------ */

struct step {
	u8 what;  /* low four bits: enum step_kind; the others: the size of an access */
	u8 which; /* a port, a device, a vector */
	u16 where;
	u32 value;
};

enum step_kind {
	OUT,
	IN,
	OUT_KNOWN,
	OUT_KNOWN_TOO,
	IN_KNOWN,
	CONFIG_WRITE,
	CONFIG_WRITE_KNOWN,
	CONFIG_READ,
	IOAPIC_WRITE,
	BAR_ACCESS,
	INTX,
	MSIX,
	TIME,
	RAM,
	EVENT,
	ACKNOWLEDGE,
};

static u16 known_port(const struct step *s)
{
	static const u16 ports[] = { 0xcf8, 0xcf9, 0xcfc,  0xb2,  0x510, 0x511, 0x514,
				     0x518, 0x600, 0x604,  0x60c, 0x4d0, 0x20,	0x21,
				     0xa0,  0xa1,  0xc000, 0x70,  0x71,	 0x608 };

	return (u16)(ports[s->which % ARRAY_SIZE(ports)] + s->where % 5);
}

static void access_memory(u64 a, unsigned size, bool write, u64 value)
{
	const struct mmio_range *range = bus_mmio_find(&m.bus, gpa(a));

	if (range && write)
		range->write(range->dev, a - range->base.v, size, value);
	else if (range)
		(void)range->read(range->dev, a - range->base.v, size);
}

static void access_bar(const struct step *s)
{
	u64 at;

	if (pci_bar_address(&card[s->which % CARDS], s->where % PCI_BARS, &at))
		access_memory(at + (s->value & (MEMORY | (MEMORY - 1))), 1u << (s->what >> 4) % 4,
			      s->what & 0x80, s->value * 0x100000001ull);
}

static void outside_event(const struct step *s)
{
	switch (s->which % 4) {
	case 0:
		(void)piix4_power_button(&piix4);
		break;
	case 1:
		pic_after_firmware(&pic);
		piix3_after_firmware(&piix3);
		piix4_after_firmware(&piix4);
		break;
	case 2:
		pci_reset(&m.pci);
		break;
	default:
		save_and_load();
		break;
	}
}

static void config_write(u8 devfn, const struct step *s, unsigned size)
{
	pci_config_write(&m.pci, devfn, s->where % (PCI_CONFIG_SIZE + 4), size, s->value);
}

static void run(const struct step *s)
{
	static const u8 known[] = { I440FX_DEVFN,    PIIX3_DEVFN,     PIIX4_DEVFN,
				    PCI_DEVFN(2, 0), PCI_DEVFN(3, 0), PCI_DEVFN(4, 1) };
	unsigned size = 1u << (s->what >> 4) % 3;

	switch ((enum step_kind)(s->what & 15)) {
	case OUT:
		bus_out(&m.bus, s->where, size, s->value);
		break;
	case IN:
		(void)bus_in(&m.bus, s->where, size);
		break;
	case OUT_KNOWN:
	case OUT_KNOWN_TOO:
		bus_out(&m.bus, known_port(s), size, s->value);
		break;
	case IN_KNOWN:
		(void)bus_in(&m.bus, known_port(s), size);
		break;
	case CONFIG_WRITE:
		config_write(s->which, s, size);
		break;
	case CONFIG_WRITE_KNOWN:
		config_write(known[s->which % ARRAY_SIZE(known)], s, size);
		break;
	case CONFIG_READ:
		(void)pci_config_read(&m.pci, s->which, s->where % (PCI_CONFIG_SIZE + 4), size);
		break;
	case IOAPIC_WRITE:
		access_memory(IOAPIC_BASE + s->which % 5 * 16, size, true, s->value);
		break;
	case BAR_ACCESS:
		access_bar(s);
		break;
	case INTX:
		pci_set_intx(&card[s->which % CARDS], s->where & 1);
		break;
	case MSIX:
		pci_msix_send(&card[s->which % CARDS], s->where % 40);
		break;
	case TIME:
		time_ns += (u64)s->value * s->which;
		bus_expire(&m.bus);
		break;
	case RAM:
		fuzz_ram_write(&m, FUZZ_RAM_BASE + s->where, &s->value, sizeof(s->value));
		break;
	case EVENT:
		outside_event(s);
		break;
	case ACKNOWLEDGE:
		(void)pic_ack(&pic);
		ioapic_eoi(&ioapic, s->which);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	start();
	while (in.left) {
		const struct step step = {
			.what = (u8)fuzz_take(&in, 1),
			.which = (u8)fuzz_take(&in, 1),
			.where = (u16)fuzz_take(&in, 2),
			.value = (u32)fuzz_take(&in, 4),
		};

		run(&step);
	}
	save_and_load();
	fuzz_machine_free(&m);
	return 0;
}
