/*
 * pic.c - the interrupt controllers of the PC
 *
 * Owns: the two cascaded 8259s.
 * Must not know: who uses which input.
 *
 * Source: Intel 8259A data sheet, "Programming the 8259A".
 */
#include "pic.h"

#include "compiler.h"
#include "trap.h"
#include "x86_ops.h"

#define MASTER 0x20
#define SLAVE 0xa0
#define DATA 1 /* second port of each */

#define ICW1_INIT_ICW4 0x11
#define ICW3_MASTER BIT(2) /* the slave is at input 2 */
#define ICW3_SLAVE 2
#define ICW4_8086 1
#define OCW2_EOI 0x20
#define OCW3_READ_IRR 0x0a
#define OCW3_READ_ISR 0x0b
#define CASCADE 2

static u16 port_of(unsigned irq)
{
	return irq < 8 ? MASTER : SLAVE;
}

static u8 bit_of(unsigned irq)
{
	return (u8)(1u << (irq & 7));
}

static void init_one(u16 port, u8 vector, u8 icw3)
{
	x86_outb(port, ICW1_INIT_ICW4);
	x86_outb(port + DATA, vector);
	x86_outb(port + DATA, icw3);
	x86_outb(port + DATA, ICW4_8086);
	x86_outb(port + DATA, 0xff);
}

/*
 * A request that vanishes before the CPU asks for it arrives as input 7 of its PIC, which is then
 * not in service.  Only the master must be told, and only if the slave is to blame.
 */
static void spurious(struct trap_frame *frame)
{
	unsigned irq = (unsigned)frame->vector - PIC_VECTOR;

	if (pic_in_service(irq))
		pic_eoi(irq);
	else if (irq >= 8)
		x86_outb(MASTER, OCW2_EOI);
}

void pic_init(void)
{
	init_one(MASTER, PIC_VECTOR, ICW3_MASTER);
	init_one(SLAVE, PIC_VECTOR + 8, ICW3_SLAVE);
	pic_unmask(CASCADE);
	trap_set(PIC_VECTOR + 7, spurious);
	trap_set(PIC_VECTOR + 15, spurious);
}

void pic_mask(unsigned irq)
{
	u16 port = port_of(irq) + DATA;

	x86_outb(port, x86_inb(port) | bit_of(irq));
}

void pic_unmask(unsigned irq)
{
	u16 port = port_of(irq) + DATA;

	x86_outb(port, x86_inb(port) & (u8)~bit_of(irq));
}

bool pic_masked(unsigned irq)
{
	return x86_inb(port_of(irq) + DATA) & bit_of(irq);
}

void pic_eoi(unsigned irq)
{
	if (irq >= 8)
		x86_outb(SLAVE, OCW2_EOI);
	x86_outb(MASTER, OCW2_EOI);
}

static bool read_register(unsigned irq, u8 ocw3)
{
	x86_outb(port_of(irq), ocw3);
	return x86_inb(port_of(irq)) & bit_of(irq);
}

bool pic_requested(unsigned irq)
{
	return read_register(irq, OCW3_READ_IRR);
}

bool pic_in_service(unsigned irq)
{
	return read_register(irq, OCW3_READ_ISR);
}
