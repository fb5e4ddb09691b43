/*
 * machine.c - the interrupt controllers and timers of a PC, as the cases need them
 *
 * Owns: PIC pair, PIT, local APIC, UART.
 * Must not know: cases.
 *
 * Sources: Intel, "8259A Programmable Interrupt Controller" (231468); "8254 Programmable Interval
 * Timer" (231164); [SDM] "Advanced Programmable Interrupt Controller (APIC)" (11); National
 * Semiconductor, "PC16550D".
 */
#include "run.h"

#include "x86_ops.h"

#define PIC1 0x20
#define PIC2 0xa0
#define LINES_MASKED 0xffee /* all but IRQ 0 and 4 */
#define CASCADE_IRQ 2
#define OCW2_EOI 0x60 /* specific: | level */
#define OCW3_READ_IRR 0x0a

#define PIT_COUNTER0 0x40
#define PIT_CONTROL 0x43
#define PIT_MODE0 0x30 /* counter 0, low then high byte: interrupt on terminal count */

#define COM1 0x3f8
#define UART_IER 1
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define IER_THRE 2
#define LCR_8N1 3
#define MCR_OUT2 8 /* lets the interrupt through to the PIC */

#define SVR_ENABLE 0x100
#define LVT_MASKED BIT(16)
#define LVT_EXTINT 0x700
#define DIVIDE_1 0xb
#define ICR_PENDING BIT(12)

#define PATIENCE 10000000u

/* ---- Local APIC ------------------------------------------------------------------------ */

u32 lapic_read(u32 reg)
{
	return *(volatile u32 *)(APIC_DEFAULT_BASE + reg);
}

void lapic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(APIC_DEFAULT_BASE + reg) = value;
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

void lapic_send_self(u8 vector)
{
	lapic_write(LAPIC_ICR_LOW, ICR_SELF | vector);
	while (lapic_read(LAPIC_ICR_LOW) & ICR_PENDING)
		x86_pause();
}

void lapic_send_nmi(void)
{
	lapic_write(LAPIC_ICR_LOW, ICR_NMI);
}

static void lapic_reset(void)
{
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_SVR, SVR_ENABLE | SPURIOUS_VECTOR);
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_1);
	lapic_write(LAPIC_LVT_LINT0, LVT_EXTINT);
	lapic_write(LAPIC_ICR_HIGH, lapic_read(LAPIC_ID));
}

/* ---- PIC pair ----------------------------------------------------------------------------- */

void pic_mask(u16 mask)
{
	x86_outb(PIC1 + 1, (u8)mask);
	x86_outb(PIC2 + 1, (u8)(mask >> 8));
}

void pic_eoi(unsigned irq)
{
	if (irq >= 8)
		x86_outb(PIC2, (u8)(OCW2_EOI | (irq & 7)));
	x86_outb(PIC1, (u8)(OCW2_EOI | (irq >= 8 ? CASCADE_IRQ : irq)));
}

static void pic_reset(void)
{
	rt_pic(LINES_MASKED);
}

static void wait_irr(unsigned irq)
{
	for (unsigned i = 0; i < PATIENCE; i++) {
		x86_outb(PIC1, OCW3_READ_IRR);
		if (x86_inb(PIC1) & BIT(irq))
			return;
	}
	rt_print("Bail out! IRQ %u never arrives at the PIC\n", irq);
	rt_end(3);
}

/* ---- Timers and the UART --------------------------------------------------------------------- */

void pit_one_shot(unsigned ticks)
{
	x86_outb(PIT_CONTROL, PIT_MODE0);
	x86_outb(PIT_COUNTER0, (u8)ticks);
	x86_outb(PIT_COUNTER0, (u8)(ticks >> 8));
}

void pend_irq0(void)
{
	pit_one_shot(40);
	wait_irr(0);
}

void pend_irq4(void)
{
	x86_outb(COM1 + UART_MCR, MCR_OUT2);
	x86_outb(COM1 + UART_IER, IER_THRE);
	wait_irr(4);
}

void drop_irq4(void)
{
	x86_outb(COM1 + UART_IER, 0);
}

static void uart_reset(void)
{
	x86_outb(COM1 + UART_IER, 0);
	x86_outb(COM1 + UART_LCR, LCR_8N1);
	x86_outb(COM1 + UART_FCR, 1);
	x86_outb(COM1 + UART_MCR, 0);
}

/* ---- All of it --------------------------------------------------------------------------- */

void machine_reset(void)
{
	uart_reset();
	x86_outb(PIT_CONTROL, PIT_MODE0); /* output low, waits for a count */
	pic_reset();
	lapic_reset();
}

/* Let what is pending in, with nobody looking. */
void machine_drain(void)
{
	uart_reset();
	x86_outb(PIT_CONTROL, PIT_MODE0);
	pic_reset();
	lapic_reset();
	for (unsigned i = 0; i < 16; i++)
		lapic_eoi();
	for (unsigned i = 0; i < 10; i++)
		__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}
