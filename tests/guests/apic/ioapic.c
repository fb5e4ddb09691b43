/*
 * ioapic.c - the I/O APIC, fed by the PIT, the UART and the RTC; the 8259s beside it
 *
 * Sources: Intel, "82093AA I/O Advanced Programmable Interrupt Controller" (290566); "8254
 * Programmable Interval Timer" (231164); National Semiconductor, "PC16550D".
 */
#include "apic.h"

#define SELECT (*(volatile u32 *)0xfec00000)
#define WINDOW (*(volatile u32 *)0xfec00010)
#define ENTRY 0x10
#define PIT_PIN 2
#define UART_PIN 4
#define LEVEL 0x8000u
#define LOW 0x2000u
#define REMOTE_IRR 0x4000u
#define MASKED 0x10000u
#define VECTOR 0x91
#define COM1 0x3f8
#define IER_THRE 2
#define MCR_OUT2 8
#define PIT 0x40
#define PIT_CONTROL 0x43

static u32 io_read(u32 reg)
{
	SELECT = reg;
	return WINDOW;
}

static void io_write(u32 reg, u32 v)
{
	SELECT = reg;
	WINDOW = v;
}

static void route(unsigned pin, u32 low, u32 dest)
{
	io_write(ENTRY + 2 * pin, MASKED);
	io_write(ENTRY + 2 * pin + 1, dest << 24);
	io_write(ENTRY + 2 * pin, low);
}

/* The line of COM1: up while the transmitter is empty and IER asks. */
static void line(bool up)
{
	x86_outb(COM1 + 4, MCR_OUT2);
	x86_outb(COM1 + 1, up ? IER_THRE : 0);
}

static void pit_one_shot(unsigned ticks)
{
	x86_outb(PIT_CONTROL, 0x30);
	x86_outb(PIT, (u8)ticks);
	x86_outb(PIT, (u8)(ticks >> 8));
}

static void wait_ms(unsigned ms)
{
	for (; ms; ms--) {
		x86_outb(0x61, (u8)((x86_inb(0x61) & ~3u) | 1));
		x86_outb(PIT_CONTROL, 0xb0);
		x86_outb(PIT + 2, 1193 & 0xff);
		x86_outb(PIT + 2, 1193 >> 8);
		for (unsigned i = 0; i < 10 * PATIENCE && !(x86_inb(0x61) & 0x20); i++)
			x86_pause();
	}
}

static void show(void)
{
	value("IOAPIC ID 0x%x VERSION 0x%x ARBITRATION 0x%x", io_read(0), io_read(1), io_read(2));
	for (unsigned pin = 0; pin < 24; pin++)
		io_write(ENTRY + 2 * pin, MASKED);
	io_write(ENTRY + 2 * 9, ~0u);
	io_write(ENTRY + 2 * 9 + 1, ~0u);
	value("IOAPIC ones 0x%x 0x%x", io_read(ENTRY + 2 * 9), io_read(ENTRY + 2 * 9 + 1));
	io_write(ENTRY + 2 * 9 + 1, 0);
	io_write(ENTRY + 2 * 9, MASKED);
	value("IOAPIC zero 0x%x 0x%x", io_read(ENTRY + 2 * 9), io_read(ENTRY + 2 * 9 + 1));
	io_write(0, 0x0f000000);
	value("IOAPIC ID written 0x%x", io_read(0));
	io_write(0, 0);
}

static void check_edge(u32 self)
{
	log_clear();
	line(false);
	route(UART_PIN, VECTOR, self);
	line(true);
	log_open();
	good(log_is(VECTOR), "an edge arrives");
	log_open();
	good(log_count == 1, "once");
	line(false);
	log_open();
	good(log_count == 1, "not when the line falls");
	line(true);
	line(false);
	log_open();
	good(log_count == 2, "a pulse is remembered by the LAPIC");
	route(UART_PIN, VECTOR | MASKED, self);
	line(true);
	log_open();
	good(log_count == 2, "masked, it does not arrive");
	io_write(ENTRY + 2 * UART_PIN, VECTOR);
	log_open();
	value("an edge that came while masked arrives later: %u", log_count - 2);
	line(false);
	log_open();
}

static volatile u32 entry_inside;
static volatile bool tmr_inside;
static volatile unsigned until_drop;

/* A level handler as drivers write it: the cause goes away, then EOI. */
static void serve_level(unsigned vector)
{
	entry_inside = io_read(ENTRY + 2 * UART_PIN);
	tmr_inside = apic_bit(APIC_TMR, vector);
	if (!--until_drop)
		line(false);
	apic_eoi();
}

static void check_level(u32 self)
{
	u32 irr;

	log_clear();
	line(false);
	route(UART_PIN, VECTOR | LEVEL, self);
	log_hook = serve_level;
	until_drop = 3;
	line(true);
	irr = io_read(ENTRY + 2 * UART_PIN) & REMOTE_IRR;
	for (unsigned i = 0; i < 10; i++)
		log_open();
	good(irr, "a level sets remote IRR");
	good(log_count == 3, "while the line is up each EOI brings another (%u)", log_count);
	good(tmr_inside, "TMR says level");
	good(entry_inside & REMOTE_IRR, "remote IRR is set inside the handler");
	good(!(io_read(ENTRY + 2 * UART_PIN) & REMOTE_IRR), "and clear at the end");
	log_clear();
	io_write(ENTRY + 2 * UART_PIN, VECTOR | LEVEL | MASKED);
	line(true);
	log_open();
	good(!log_count, "a masked level waits");
	line(true); /* speaking lets it fall */
	until_drop = 1;
	io_write(ENTRY + 2 * UART_PIN, VECTOR | LEVEL);
	log_open();
	good(log_count == 1, "and arrives when it is unmasked");
	log_clear();
	io_write(ENTRY + 2 * UART_PIN, VECTOR | LEVEL | MASKED);
	line(true);
	line(false);
	io_write(ENTRY + 2 * UART_PIN, VECTOR | LEVEL);
	log_open();
	good(!log_count, "a level that went away is forgotten");
	log_hook = NULL;
	route(UART_PIN, MASKED, self);
}

/* An entry that waits for an EOI, moved to another vector and destination. */
static void check_moved(u32 self)
{
	log_clear();
	until_drop = 1;
	route(UART_PIN, VECTOR | LEVEL, self);
	line(true);
	line(false);
	io_write(ENTRY + 2 * UART_PIN, (VECTOR + 1) | LEVEL);
	value("remote IRR after another vector %u",
	      !!(io_read(ENTRY + 2 * UART_PIN) & REMOTE_IRR));
	log_open();
	value("arrived %u 0x%x", log_count, log_vector[0]);
	io_write(ENTRY + 2 * UART_PIN, (VECTOR + 1) | MASKED);
	io_write(ENTRY + 2 * UART_PIN, (VECTOR + 1) | LEVEL | MASKED);
	value("remote IRR after mask, edge, level %u",
	      !!(io_read(ENTRY + 2 * UART_PIN) & REMOTE_IRR));
	io_write(ENTRY + 2 * UART_PIN, (VECTOR + 1) | LEVEL);
	log_clear();
	line(true);
	line(false);
	log_open();
	value("then arrives %u", log_count);
	route(UART_PIN, MASKED, self);
}

static void check_pit(u32 self)
{
	log_clear();
	route(PIT_PIN, 0x93, self);
	pit_one_shot(100);
	good(log_wait(1) && log_is(0x93), "the PIT at pin 2");
	route(PIT_PIN, 0x93 | MODE_LOWEST, self);
	log_clear();
	pit_one_shot(100);
	good(log_wait(1) && log_is(0x93), "the same by lowest priority");
	log_clear();
	route(PIT_PIN, MODE_NMI | 0x13, self);
	pit_one_shot(100);
	wait_ms(3);
	good(log_nmis == 1, "as an NMI (%u)", log_nmis);
	log_clear();
	pit_one_shot(1000);
	__asm__ volatile("hlt" ::: "memory");
	good(log_nmis == 1, "an NMI wakes HLT with interrupts off");
	route(PIT_PIN, MASKED, self);
}

static void check_pic(u32 self)
{
	rt_pic(0xfffe);
	log_clear();
	apic_write(APIC_LVT_LINT0, MODE_EXTINT);
	pit_one_shot(100);
	good(log_wait(1) && log_is(0x20), "the 8259 through LINT0");
	apic_write(APIC_LVT_LINT0, MODE_EXTINT | LVT_MASK);
	log_clear();
	pit_one_shot(100);
	wait_ms(3);
	log_open();
	good(!log_count, "LINT0 masked: nothing");
	apic_write(APIC_LVT_LINT0, MODE_EXTINT);
	log_open();
	good(log_is(0x20), "unmasked: there it is");
	apic_write(APIC_LVT_LINT0, LVT_MASK | MODE_EXTINT);
	log_clear();
	pit_one_shot(100);
	wait_ms(3);
	x86_outb(0x21, 0xff);
	apic_write(APIC_LVT_LINT0, MODE_EXTINT);
	log_open();
	good(!log_count, "masked in the 8259 meanwhile: nothing");
	x86_outb(0x21, 0xfe);
	log_open();
	value("8259 unmasked again: %u", log_count);
	log_clear();
	write_cr8(15);
	pit_one_shot(100);
	good(log_wait(1) && log_is(0x20), "TPR does not hold back ExtINT");
	write_cr8(0);
	apic_write(APIC_LVT_LINT0, LVT_MASK);
	log_clear();
	route(0, MODE_EXTINT, self);
	pit_one_shot(100);
	wait_ms(3);
	log_open();
	value("ExtINT by the IOAPIC: %u 0x%x", log_count, log_vector[0]);
	route(0, MASKED, self);
	rt_pic(0xffff);
	apic_write(APIC_LVT_LINT0, MODE_NMI);
	rt_pic(0xfffe);
	log_clear();
	pit_one_shot(100);
	wait_ms(3);
	value("LINT0 as NMI: %u", log_nmis);
	apic_write(APIC_LVT_LINT0, 0x95);
	rt_pic(0xffff);
	rt_pic(0xfffe);
	log_clear();
	pit_one_shot(100);
	wait_ms(3);
	log_open();
	value("LINT0 fixed: %u 0x%x", log_count, log_vector[0]);
	rt_pic(0xffff);
	apic_write(APIC_LVT_LINT0, LVT_MASK);
}

void check_ioapic(void)
{
	u32 self = apic_read(APIC_ID) >> 24;

	apic_quiet(false);
	rt_pic(0xffff);
	show();
	check_edge(self);
	check_level(self);
	check_moved(self);
	apic_quiet(false);
	check_pit(self);
	apic_quiet(false);
	check_pic(self);
	apic_quiet(false);
}
