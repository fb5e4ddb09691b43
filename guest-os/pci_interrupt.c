/*
 * pci_interrupt.c - how PCI devices interrupt
 *
 * Owns: the vectors for messages, the chains of handlers that share a line.
 * Must not know: what a device wants when it interrupts.
 *
 * A line is shared and level triggered: every handler of its chain is called, and each makes its
 * own device let go of it before the PIC hears of the end.
 *
 * Sources: PCI Local Bus Specification 3.0 "MSI-X Capability and Table Structures" (6.8.2),
 * "Interrupt Line" (6.2.4); [SDM] "Message Signalled Interrupts" (10.11); Intel 82371SB (PIIX3)
 * data sheet "ELCR1, ELCR2: Edge/Level Control Registers" (4.2.7).
 */
#include "pci_interrupt.h"

#include "compiler.h"
#include "lapic.h"
#include "page.h"
#include "pic.h"
#include "space.h"
#include "trap.h"
#include "x86_ops.h"

#define ELCR 0x4d0 /* a bit for each IRQ: level triggered */
#define PIC_IRQS 16

#define MSIX_CONTROL 2
#define MSIX_CONTROL_ENABLE BIT(15)
#define MSIX_CONTROL_MASK BIT(14)
#define MSIX_TABLE 4
#define MSIX_TABLE_BAR BITS(2, 0)

struct msix_entry {
	u32 address, address_high, data, control; /* control bit 0: masked */
};
ASSERT_SIZE(struct msix_entry, 16);

static struct registration {
	pci_handler *handler;
	void *context;
	int irq; /* PCI_LINE; -1: a message */
} registrations[PCI_INTERRUPTS_MAX];

static unsigned count;
static bool prefer_lines;
static u64 interrupts;

void pci_prefer_lines(bool lines)
{
	prefer_lines = lines;
}

u64 pci_interrupt_count(void)
{
	return interrupts;
}

static void message_interrupt(struct trap_frame *frame)
{
	struct registration *r = &registrations[frame->vector - PCI_VECTOR];

	interrupts++;
	lapic_eoi();
	r->handler(r->context);
}

static void line_interrupt(struct trap_frame *frame)
{
	int irq = (int)frame->vector - PIC_VECTOR;

	interrupts++;
	for (unsigned i = 0; i < count; i++)
		if (registrations[i].irq == irq)
			registrations[i].handler(registrations[i].context);
	pic_eoi((unsigned)irq);
}

/* The table, as it is mapped; NULL if it can not be. */
static volatile struct msix_entry *msix_table(const struct pci_device *d, unsigned cap)
{
	u32 where = pci_read32(d, cap + MSIX_TABLE);
	struct pci_bar bar = pci_bar(d, where & MSIX_TABLE_BAR);
	u64 offset = where & ~MSIX_TABLE_BAR;

	if (!bar.memory || !bar.base || offset + sizeof(struct msix_entry) > bar.size)
		return NULL;
	if (space_show(bar.base + offset, sizeof(struct msix_entry), SPACE_DEVICE))
		return NULL;
	return page_at(bar.base + offset);
}

/* Only the table's first entry is used, so one is enough for a device. */
static bool use_message(const struct pci_device *d, unsigned vector)
{
	unsigned cap = pci_capability(d, PCI_CAP_MSIX, 0);
	volatile struct msix_entry *entry = cap ? msix_table(d, cap) : NULL;
	u16 control;

	if (!entry || !lapic_present())
		return false;
	control = pci_read16(d, cap + MSIX_CONTROL) & (u16)~MSIX_CONTROL_MASK;
	pci_write16(d, cap + MSIX_CONTROL, control | MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK);
	entry->address = (u32)APIC_DEFAULT_BASE | lapic_id() << 12;
	entry->address_high = 0;
	entry->data = vector;
	entry->control = 0;
	trap_set(vector, message_interrupt);
	pci_write16(d, cap + MSIX_CONTROL, control | MSIX_CONTROL_ENABLE);
	return true;
}

/* Which input of the PIC the line leads to is known to the firmware, which has written it down. */
static bool use_line(const struct pci_device *d, unsigned *irq)
{
	u16 port = ELCR;

	*irq = pci_read8(d, PCI_INTERRUPT_LINE);
	if (!pci_read8(d, PCI_INTERRUPT_PIN) || *irq < 3 || *irq >= PIC_IRQS)
		return false;
	port += *irq / 8;
	x86_outb(port, x86_inb(port) | (u8)BIT(*irq % 8));
	trap_set(PIC_VECTOR + *irq, line_interrupt);
	return true;
}

enum pci_way pci_interrupt(const struct pci_device *d, pci_handler *handler, void *context)
{
	struct registration *r = &registrations[count];
	unsigned irq;

	if (count == PCI_INTERRUPTS_MAX)
		return PCI_NO_WAY;
	*r = (struct registration){ handler, context, -1 };
	if (!prefer_lines && use_message(d, PCI_VECTOR + count)) {
		count++;
		return PCI_MSIX;
	}
	if (!use_line(d, &irq))
		return PCI_NO_WAY;
	r->irq = (int)irq;
	count++;
	pic_unmask(irq);
	return PCI_LINE;
}
