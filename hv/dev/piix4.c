/* piix4.c - see piix4.h; pure, tested on the host */
#include "dev/piix4.h"

#include "dev/clock.h"
#include "dev/section.h"
#include "host.h"
#include "lib/string.h"

#define VENDOR 0x8086
#define DEVICE 0x7113
#define REVISION 3
#define CLASS_OTHER_BRIDGE 0x068000
#define QEMU_VENDOR 0x1af4
#define QEMU_BOARD 0x1100

/* Configuration space */
#define PMBASE 0x40
#define PMBASE_IO 0x1u
#define PMBASE_BITS 0xffc0u
#define CNTA 0x44 /* and others, up to DEVRES: device monitors, without effect */
#define CNTA_BYTES 0x3c
#define DEVACTB 0x58
#define DEVACTB_APMC_EN BIT(25)
#define PMREGMISC 0x80
#define PMREGMISC_PMIOSE 0x01
#define SMBBASE 0x90

/* The PM block.  Each register lies in one dword. */
enum pm_register {
	PM1_EVENT = PIIX4_PM1_EVENT,
	PM1_CONTROL = PIIX4_PM1_CONTROL,
	PM_TIMER = PIIX4_PM_TIMER,
	GPE0 = PIIX4_GPE0,
	PCNTRL = 0x10,
	GLBCTL = 0x28,
	DEVCTL = 0x2c,
	GPOREG = 0x34,
};

/* PM1 status and enable */
#define PM1_TIMER 0x0001u
#define PM1_GLOBAL 0x0020u
#define PM1_POWER_BUTTON 0x0100u
#define PM1_RTC 0x0400u
#define PM1_ENABLES (PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_RTC)

/* PM1 control */
#define SCI_EN 0x0001u
#define CONTROL_WRITABLE 0x1c03u /* SCI_EN, BM_RLD, the sleep type; SLP_EN reads as 0 */
#define SLEEP_TYPE_SHIFT 10
#define SLEEP_TYPE 7u
#define SLEEP_ENABLE 0x2000u

#define GPE_ENABLES 0x0f81u /* those that PIIX4 has */

#define TIMER_BITS BITS(23, 0)
#define TIMER_OVERFLOW_SHIFT 23 /* status is set when bit 23 changes */

#define APM_PORT PIIX4_SMI_PORT
#define ELCR_SLAVE 0x4d1

#define PIIX4_VERSION 1

static const u8 kept_at[PIIX4_KEPT] = { PCNTRL, GLBCTL, DEVCTL, GPOREG };

/* ---- Timer and SCI ---------------------------------------------------------- */

static u64 timer(const struct piix4 *p)
{
	return clock_ticks(p->bus->now(p->bus), PIIX4_PM_TIMER_HZ);
}

static u64 overflows(const struct piix4 *p)
{
	return timer(p) >> TIMER_OVERFLOW_SHIFT;
}

static u16 status(const struct piix4 *p)
{
	return (u16)(p->status | (overflows(p) != p->overflows ? PM1_TIMER : 0));
}

/* An alarm is needed only while the timer's overflow would change the SCI. */
static void update(struct piix4 *p)
{
	u16 events = status(p) & p->enable;

	wire_set(&p->sci, events && p->control & SCI_EN);
	if (p->enable & PM1_TIMER && p->control & SCI_EN && !(events & PM1_TIMER))
		bus_alarm_set(&p->alarm, clock_ns((p->overflows + 1) << TIMER_OVERFLOW_SHIFT,
						  PIIX4_PM_TIMER_HZ));
	else
		bus_alarm_cancel(&p->alarm);
}

static void fire(void *dev)
{
	update(dev);
}

bool piix4_power_button(struct piix4 *p)
{
	if (!(p->control & SCI_EN) || !(p->enable & PM1_POWER_BUTTON))
		return false;
	p->status |= PM1_POWER_BUTTON;
	update(p);
	return true;
}

/* ---- The PM block ----------------------------------------------------------- */

static u32 *kept(struct piix4 *p, u64 offset)
{
	for (unsigned i = 0; i < PIIX4_KEPT; i++)
		if (kept_at[i] == offset)
			return &p->kept[i];
	return NULL;
}

/* The dword at offset, a multiple of 4. */
static u32 read_word(struct piix4 *p, u64 offset)
{
	const u32 *word;

	switch (offset) {
	case PM1_EVENT:
		return status(p) | (u32)p->enable << 16;
	case PM1_CONTROL:
		return p->control;
	case PM_TIMER:
		return (u32)(timer(p) & TIMER_BITS);
	case GPE0:
		return (u32)p->gpe_enable << 16;
	default:
		word = kept(p, offset);
		return word ? *word : 0;
	}
}

/* Status bits are cleared by writing ones. */
static void write_event(struct piix4 *p, u32 value, u32 mask)
{
	u16 cleared = (u16)(value & mask), enable = (u16)(mask >> 16);

	p->status &= (u16)~cleared;
	if (cleared & PM1_TIMER)
		p->overflows = overflows(p);
	p->enable = (u16)((p->enable & ~enable) | (value >> 16 & enable & PM1_ENABLES));
}

static void write_control(struct piix4 *p, u32 value, u32 mask)
{
	p->control = (u16)((p->control & ~mask) | (value & mask & CONTROL_WRITABLE));
	if (value & mask & SLEEP_ENABLE &&
	    (p->control >> SLEEP_TYPE_SHIFT & SLEEP_TYPE) == PIIX4_SLEEP_TYPE_OFF)
		p->lines.power_off(p->lines.ctx);
}

/* Those bits of the dword at offset that mask has. */
static void write_word(struct piix4 *p, u64 offset, u32 value, u32 mask)
{
	u32 *word;

	switch (offset) {
	case PM1_EVENT:
		write_event(p, value, mask);
		break;
	case PM1_CONTROL:
		write_control(p, value, mask);
		break;
	case GPE0:
		p->gpe_enable = (u16)((p->gpe_enable & ~(mask >> 16)) |
				      (value >> 16 & mask >> 16 & GPE_ENABLES));
		break;
	default:
		word = kept(p, offset);
		if (word)
			*word = (*word & ~mask) | (value & mask);
		break;
	}
	update(p);
}

static u64 base_of(const struct piix4 *p)
{
	return pci_get(&p->function, PMBASE, 4) & PMBASE_BITS;
}

static u32 pm_in(void *dev, u16 port, unsigned size)
{
	struct piix4 *p = dev;
	u64 offset = port - base_of(p);

	if (offset % 4 + size > 4)
		return bus_split_in(p->bus, port, size);
	return read_word(p, offset & ~3ull) >> (8 * (offset & 3));
}

static void pm_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct piix4 *p = dev;
	u64 offset = port - base_of(p);
	unsigned shift = 8 * (offset & 3);

	if (offset % 4 + size > 4)
		bus_split_out(p->bus, port, size, value);
	else
		write_word(p, offset & ~3ull, value << shift, (~0u >> (32 - 8 * size)) << shift);
}

/* At port 0, or where others are, it is not decoded. */
static void place(struct piix4 *p)
{
	u64 base = base_of(p);
	struct port_range range = { 1, 0, pm_in, pm_out, p };

	if (base && p->function.config[PMREGMISC] & PMREGMISC_PMIOSE) {
		range.first = (u16)base;
		range.last = (u16)(base + PIIX4_PM_SIZE - 1);
	}
	(void)bus_place_ports(p->bus, range);
}

static void written(struct pci_function *f, unsigned offset, unsigned size)
{
	if (offset < PMBASE + 4 && offset + size > PMBASE)
		place(container_of(f, struct piix4, function));
	if (offset <= PMREGMISC && offset + size > PMREGMISC)
		place(container_of(f, struct piix4, function));
}

static void replaced(struct pci_function *f)
{
	place(container_of(f, struct piix4, function));
}

/* ---- Ports 0xb2 and 0xb3 ---------------------------------------------------- */

static u32 apm_in(void *dev, u16 port, unsigned size)
{
	struct piix4 *p = container_of(dev, struct piix4, apm);

	return size == 1 ? p->apm[port - APM_PORT] : bus_split_in(p->bus, port, size);
}

static void apm_out(void *dev, u16 port, unsigned size, u32 value)
{
	struct piix4 *p = container_of(dev, struct piix4, apm);

	if (size != 1) {
		bus_split_out(p->bus, port, size, value);
		return;
	}
	p->apm[port - APM_PORT] = (u8)value;
	if (port != APM_PORT)
		return;
	if (value == PIIX4_ACPI_ENABLE)
		p->control |= SCI_EN;
	else if (value == PIIX4_ACPI_DISABLE)
		p->control &= (u16)~SCI_EN;
	update(p);
}

/* ---- Power-on, firmware, saving --------------------------------------------- */

void piix4_reset(struct piix4 *p)
{
	p->status = p->enable = p->control = p->gpe_enable = 0;
	p->overflows = overflows(p);
	memset(p->kept, 0, sizeof(p->kept));
	memset(p->apm, 0, sizeof(p->apm));
	update(p);
}

void piix4_after_firmware(struct piix4 *p)
{
	struct pci_function *f = &p->function;
	u32 elcr = bus_in(p->bus, ELCR_SLAVE, 1);

	pci_config_write(f->pci, f->devfn, PMBASE, 4, PIIX4_PM_BASE);
	pci_config_write(f->pci, f->devfn, PMREGMISC, 1, PMREGMISC_PMIOSE);
	pci_config_write(f->pci, f->devfn, PCI_INTERRUPT_LINE, 1, PIIX4_SCI_IRQ);
	bus_out(p->bus, ELCR_SLAVE, 1, elcr | 1u << (PIIX4_SCI_IRQ - 8));
}

void piix4_init(struct piix4 *p, struct pci *pci, struct wire sci, const struct piix4_lines *lines)
{
	static const struct pci_identity identity = {
		.vendor = VENDOR,
		.device = DEVICE,
		.subsystem_vendor = QEMU_VENDOR,
		.subsystem = QEMU_BOARD,
		.class = CLASS_OTHER_BRIDGE,
		.revision = REVISION,
		.intx_pin = 1, /* as the chip says, though its interrupt is the SCI */
	};
	struct pci_function *f = &p->function;

	*p = (struct piix4){ .bus = pci->bus, .sci = sci, .lines = *lines };
	bus_alarm_init(p->bus, &p->alarm, fire, p);
	pci_add(pci, f, PIIX4_DEVFN, &identity);
	f->written = written;
	f->replaced = replaced;
	f->writable[PCI_COMMAND] |=
	    PCI_COMMAND_IO; /* of the SMBus only: PMREGMISC rules the rest */
	for (unsigned i = 0; i < CNTA_BYTES; i += 4)
		pci_define(f, CNTA + i, 4, 0, ~0u);
	pci_define(f, DEVACTB, 4, DEVACTB_APMC_EN, ~0u);
	pci_define(f, PMBASE, 4, PMBASE_IO, PMBASE_BITS);
	pci_define(f, PMREGMISC, 1, 0, PMREGMISC_PMIOSE);
	pci_define(f, SMBBASE, 4, PMBASE_IO, 0xfff0);
	bus_claim_ports(p->bus, (struct port_range){ APM_PORT, APM_PORT + sizeof(p->apm) - 1,
						     apm_in, apm_out, p->apm });
	piix4_reset(p);
}

void piix4_save(const struct piix4 *p, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_PIIX4, PIIX4_VERSION);

	state_put(buf, p->status, 2);
	state_put(buf, p->enable, 2);
	state_put(buf, p->control, 2);
	state_put(buf, p->overflows, 8);
	state_put(buf, p->gpe_enable, 2);
	for (unsigned i = 0; i < PIIX4_KEPT; i++)
		state_put(buf, p->kept[i], 4);
	state_put_bytes(buf, p->apm, sizeof(p->apm));
	state_end_section(buf, begin);
}

int piix4_load(struct piix4 *p, struct state_buf *buf)
{
	struct piix4 n = *p;

	n.status = (u16)state_get(buf, 2);
	n.enable = (u16)state_get(buf, 2);
	n.control = (u16)state_get(buf, 2);
	n.overflows = state_get_max(buf, 8, overflows(p), "the PM timer is ahead of its machine");
	n.gpe_enable = (u16)state_get(buf, 2);
	for (unsigned i = 0; i < PIIX4_KEPT; i++)
		n.kept[i] = (u32)state_get(buf, 4);
	state_get_bytes(buf, n.apm, sizeof(n.apm));
	if ((n.status & ~PM1_POWER_BUTTON) || (n.enable & ~PM1_ENABLES) ||
	    (n.control & ~CONTROL_WRITABLE) || (n.gpe_enable & ~GPE_ENABLES))
		state_refuse(buf, "power management registers have impossible bits");
	if (buf->error)
		return -1;
	bus_alarm_cancel(&p->alarm);
	n.alarm = p->alarm;
	*p = n;
	update(p);
	return 0;
}
