/* ioapic.c - see irqroute.h */
#include "type1/irqroute.h"

#include "type1/paging.h"
#include "type1/traps.h"
#include "x86_ops.h"

#define SELECT 0x00
#define WINDOW 0x10
#define VERSION 1
#define REDIRECTION 0x10 /* two registers for each input */
#define MASKED BIT(16)
#define LEVEL BIT(15)
#define ACTIVE_LOW BIT(13)
#define DELIVER_NMI (4 << 8)
#define ID_SHIFT 24

#define PIC1 0x20
#define PIC2 0xa0
#define ICW1 0x11 /* edge, cascade, ICW4 follows */
#define ICW4 0x01 /* 8086 mode */
#define PIC_CASCADE 2
#define PIC_INPUTS 8

static const struct acpi_machine *machine;

static struct ioapic {
	volatile u32 *registers;
	u32 gsi_base, inputs;
} ioapics[ACPI_IOAPICS];

static u32 read(const struct ioapic *io, u32 index)
{
	io->registers[SELECT / 4] = index;
	return io->registers[WINDOW / 4];
}

static void write(const struct ioapic *io, u32 index, u32 value)
{
	io->registers[SELECT / 4] = index;
	io->registers[WINDOW / 4] = value;
}

/* All inputs masked, and vectors that are no exceptions: a masked PIC can be spurious still. */
static void silence_pics(void)
{
	static const u16 pic[] = { PIC1, PIC2 };

	for (unsigned i = 0; i < ARRAY_SIZE(pic); i++) {
		x86_outb(pic[i], ICW1);
		x86_outb(pic[i] + 1, (u8)(TRAPS_VECTOR_PIC + i * PIC_INPUTS));
		x86_outb(pic[i] + 1, i ? PIC_CASCADE : BIT(PIC_CASCADE));
		x86_outb(pic[i] + 1, ICW4);
		x86_outb(pic[i] + 1, 0xff);
	}
}

void irqroute_init(const struct acpi_machine *m)
{
	machine = m;
	silence_pics();
	for (unsigned i = 0; i < m->ioapic_count; i++) {
		struct ioapic *io = &ioapics[i];

		io->registers = paging_map_device(m->ioapic[i].address, PAGE_SIZE);
		if (!io->registers)
			continue;
		io->gsi_base = m->ioapic[i].gsi_base;
		io->inputs = (read(io, VERSION) >> 16 & 0xff) + 1;
		for (u32 input = 0; input < io->inputs; input++)
			write(io, REDIRECTION + 2 * input, MASKED);
	}
}

/* The I/O APIC that has an ISA interrupt's input, and which one it is; NULL: none. */
static const struct ioapic *find(unsigned irq, u32 *input)
{
	for (unsigned i = 0; i < machine->ioapic_count; i++) {
		const struct ioapic *io = &ioapics[i];

		*input = machine->isa[irq].gsi - io->gsi_base;
		if (io->registers && *input < io->inputs)
			return io;
	}
	return NULL;
}

static bool route(unsigned irq, u32 low, u32 apic_id)
{
	const struct acpi_irq *wire = &machine->isa[irq];
	u32 input;
	const struct ioapic *io = find(irq, &input);

	if (!io)
		return false;
	low |= (wire->active_low ? ACTIVE_LOW : 0) | (wire->level ? LEVEL : 0);
	write(io, REDIRECTION + 2 * input + 1, apic_id << ID_SHIFT);
	write(io, REDIRECTION + 2 * input, low);
	return true;
}

void irqroute_mask_isa(unsigned irq)
{
	u32 input;
	const struct ioapic *io = find(irq, &input);

	if (io)
		write(io, REDIRECTION + 2 * input, MASKED);
}

bool irqroute_isa(unsigned irq, u8 vector, u32 apic_id)
{
	return apic_id <= 0xff && route(irq, vector, apic_id);
}

bool irqroute_isa_nmi(unsigned irq, u32 apic_id)
{
	return apic_id <= 0xff && route(irq, DELIVER_NMI, apic_id);
}
