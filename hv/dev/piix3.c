/* piix3.c - see piix3.h; pure, tested on the host */
#include "dev/piix3.h"

#include "dev/section.h"
#include "host.h"

#define VENDOR 0x8086
#define DEVICE 0x7000
#define CLASS_ISA_BRIDGE 0x060100
#define QEMU_VENDOR 0x1af4
#define QEMU_BOARD 0x1100
/* Always set: it decodes ports and memory, masters the bus. */
#define COMMAND (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

#define PIRQRC_IRQ 0x0fu
#define PIRQRC_WRITABLE (PIIX3_PIRQRC_OFF | PIRQRC_IRQ)
/* IRQs that a PIRQ can be steered to: 3-7, 9-12, 14, 15. */
#define STEERABLE 0xdef8u

#define RESET_HARD 0x02 /* the kind; stored, no difference here */
#define RESET_CPU 0x04	/* the trigger */

#define CASCADE 2
#define ELCR_PORT 0x4d0

#define PIIX3_VERSION 1

/* Registers of ISA timing, DMA and SMI: kept for the guest, without effect. */
static const struct {
	u8 offset, size;
	u16 power_on;
} kept[] = {
	{ 0x4c, 1, 0x4d },   /* IORT */
	{ 0x4e, 2, 0x0003 }, /* XBCS */
	{ 0x69, 1, 0x02 },   /* TOM */
	{ 0x6a, 2, 0x0000 }, /* MSTAT */
	{ 0x70, 1, 0x80 },   /* MBIRQ0 */
	{ 0x76, 2, 0x0c0c }, /* MBDMA */
	{ 0x78, 2, 0x0002 }, /* PCSC */
	{ 0x80, 1, 0x00 },   /* APICBASE: the IOAPIC stays where it is */
	{ 0x82, 1, 0x00 },   /* DLC */
	{ 0xa0, 1, 0x08 },   /* SMICNTL */
	{ 0xa2, 2, 0x0000 }, /* SMIEN */
	{ 0xa8, 1, 0x0f },   /* FTMR */
};

/* The lines that PIRQs raise. */
static u16 steered(const struct piix3 *p)
{
	u16 lines = 0;

	for (unsigned i = 0; i < PCI_INTX_LINES; i++) {
		u8 route = p->function.config[PIIX3_PIRQRC + i];
		u16 irq = (u16)BIT(route & PIRQRC_IRQ);

		if (p->pirq & BIT(i) && !(route & PIIX3_PIRQRC_OFF) && irq & STEERABLE)
			lines |= irq;
	}
	return lines;
}

static void update(struct piix3 *p)
{
	u16 level = p->isa | steered(p);
	u16 changed = level ^ p->driven;

	p->driven = level;
	for (; changed; changed &= (u16)(changed - 1)) {
		unsigned irq = (unsigned)__builtin_ctz(changed);

		p->lines.irq(p->lines.ctx, irq, level & BIT(irq));
	}
}

static void set_irq(void *dev, unsigned irq, bool level)
{
	struct piix3 *p = dev;

	check(irq < PIIX3_IRQS);
	if (irq == CASCADE)
		return;
	p->isa = (u16)((p->isa & ~BIT(irq)) | (level ? BIT(irq) : 0));
	update(p);
}

static void set_pirq(void *dev, unsigned line, bool level)
{
	struct piix3 *p = dev;

	check(line < PCI_INTX_LINES);
	p->pirq = (u8)((p->pirq & ~BIT(line)) | (level ? BIT(line) : 0));
	update(p);
}

struct wire piix3_irq_wire(struct piix3 *p, unsigned irq)
{
	return (struct wire){ set_irq, p, irq };
}

struct wire piix3_pirq_wire(struct piix3 *p, unsigned line)
{
	return (struct wire){ set_pirq, p, line };
}

static u32 reset_in(void *dev, u16 port UNUSED, unsigned size UNUSED)
{
	return ((const struct piix3 *)dev)->reset_control;
}

/* The trigger reads as 0: after a reset it is. */
static void reset_out(void *dev, u16 port UNUSED, unsigned size UNUSED, u32 value)
{
	struct piix3 *p = dev;

	p->reset_control = value & RESET_HARD;
	if (value & RESET_CPU)
		p->lines.reset(p->lines.ctx);
}

static void written(struct pci_function *f, unsigned offset UNUSED, unsigned size UNUSED)
{
	update(container_of(f, struct piix3, function));
}

static void replaced(struct pci_function *f)
{
	update(container_of(f, struct piix3, function));
}

void piix3_reset(struct piix3 *p)
{
	p->reset_control = 0;
	update(p);
}

void piix3_after_firmware(struct piix3 *p)
{
	static const u8 irq[PCI_INTX_LINES] = PIIX3_PIRQ_IRQS;
	struct pci_function *f = &p->function;
	u32 elcr = 0;

	for (unsigned i = 0; i < PCI_INTX_LINES; i++) {
		elcr |= 1u << irq[i];
		pci_config_write(f->pci, f->devfn, PIIX3_PIRQRC + i, 1, irq[i]);
	}
	bus_out(f->pci->bus, ELCR_PORT, 1, elcr & 0xff);
	bus_out(f->pci->bus, ELCR_PORT + 1, 1, elcr >> 8);
}

void piix3_init(struct piix3 *p, struct pci *pci, const struct piix3_lines *lines)
{
	static const struct pci_identity identity = {
		.vendor = VENDOR,
		.device = DEVICE,
		.subsystem_vendor = QEMU_VENDOR,
		.subsystem = QEMU_BOARD,
		.class = CLASS_ISA_BRIDGE,
	};
	struct pci_function *f = &p->function;

	*p = (struct piix3){ .lines = *lines };
	pci_add(pci, f, PIIX3_DEVFN, &identity);
	f->written = written;
	f->replaced = replaced;
	pci_define(f, PCI_COMMAND, 2, COMMAND, PCI_COMMAND_SERR);
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		pci_define(f, kept[i].offset, kept[i].size, kept[i].power_on, 0xffff);
	for (unsigned i = 0; i < PCI_INTX_LINES; i++)
		pci_define(f, PIIX3_PIRQRC + i, 1, PIIX3_PIRQRC_OFF, PIRQRC_WRITABLE);
	pci_set_inner_port(
	    pci, (struct port_range){ PIIX3_RESET_PORT, PIIX3_RESET_PORT, reset_in, reset_out, p });
}

void piix3_save(const struct piix3 *p, struct state_buf *buf)
{
	size_t begin = state_begin_section(buf, DEVICE_SECTION_PIIX3, PIIX3_VERSION);

	state_put(buf, p->isa, 2);
	state_put(buf, p->pirq, 1);
	state_put(buf, p->driven, 2);
	state_put(buf, p->reset_control, 1);
	state_end_section(buf, begin);
}

int piix3_load(struct piix3 *p, struct state_buf *buf)
{
	u16 isa = (u16)state_get(buf, 2);
	u8 pirq =
	    (u8)state_get_max(buf, 1, BIT(PCI_INTX_LINES) - 1, "PIIX3 has more PIRQs than four");
	u16 driven = (u16)state_get(buf, 2);
	u8 control = (u8)state_get(buf, 1);

	if ((isa | driven) & BIT(CASCADE))
		state_refuse(buf, "IRQ 2 is driven");
	if (control & ~RESET_HARD)
		state_refuse(buf, "the reset control register has impossible bits");
	if (buf->error)
		return -1;
	p->isa = isa;
	p->pirq = pirq;
	p->driven = driven;
	p->reset_control = control;
	return 0;
}
