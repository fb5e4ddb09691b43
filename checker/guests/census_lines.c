/*
 * census_lines.c - what the serial line and the keyboard controller do
 *
 * As in census_chips2.c, the manual's word stands beside each case.
 *
 * Sources: National, "PC16550D"; IBM, "Personal System/2 and Personal Computer BIOS Interface",
 * "Keyboard/Auxiliary Device Controller".
 */
#include "census_board.h"

#include "census.h"
#include "x86_ops.h"

#define PATIENCE 200000u

/* ---- 16550 ---- */

#define UART 0x3f8u
enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define LOOP 0x10
#define OUT2 8

static u8 in(unsigned n)
{
	return x86_inb((u16)(UART + n));
}

static void out(unsigned n, u8 value)
{
	x86_outb((u16)(UART + n), value);
}

void board_uart_irq(bool up)
{
	for (unsigned i = 0; i < PATIENCE && !(in(LSR)&0x40); i++)
		;
	out(IER, 0);
	out(MCR, up ? 3 | OUT2 : 3);
	if (up)
		out(IER, 2);
	else
		(void)in(IIR);
}

static void divisor(u16 value)
{
	out(LCR, 0x83);
	out(0, (u8)value);
	out(1, (u8)(value >> 8));
	out(LCR, 3);
}

/* LSR is not read behind the last one: that would take its errors back. */
static void loop_bytes(unsigned count)
{
	for (unsigned i = 1; i <= count; i++) {
		for (unsigned k = 0; k < PATIENCE && !(in(LSR)&0x20); k++)
			;
		out(DATA, (u8)i);
	}
	for (unsigned k = 0; k < 100; k++)
		(void)in(SCR);
}

/* What is found out while the line is a loop, and told when it is none any more. */
static struct found {
	const char *name;
	u64 got, manual;
} found[40];
static unsigned founds;

static void find(const char *name, u64 got, u64 manual)
{
	if (founds < ARRAY_SIZE(found))
		found[founds++] = (struct found){ name, got, manual };
}

static void tell_found(void)
{
	for (unsigned i = 0; i < founds; i++)
		census_number_manual(found[i].name, found[i].got, found[i].manual);
	founds = 0;
}

static void uart_overruns(void)
{
	u8 lsr, first, n = 0;

	out(IIR, 7);
	loop_bytes(17);
	lsr = in(LSR);
	find("uart.overrun.fifo", lsr & 2, 2);
	find("uart.overrun.read-clears", in(LSR)&2, 0);
	first = in(DATA);
	for (n = 1; n < 20 && in(LSR)&1; n++)
		(void)in(DATA);
	find("uart.overrun.first", first, 1);
	find("uart.overrun.kept", n, 16);
	out(IIR, 0);
	loop_bytes(2);
	find("uart.overrun", in(LSR)&2, 2);
	find("uart.overrun.last", in(DATA), 2);
	find("uart.empty.again", in(LSR)&1, 0);
}

static void uart_modem(void)
{
	(void)in(MSR);
	out(MCR, LOOP | 1);
	find("uart.delta.dsr", in(MSR)&0x0f, 2);
	find("uart.delta.read-clears", in(MSR)&0x0f, 0);
	out(MCR, LOOP | 4);
	find("uart.delta.ring-begins", in(MSR)&4, 0);
	out(MCR, LOOP);
	find("uart.delta.ring-ends", in(MSR)&4, 4);
	out(MCR, LOOP | 2);
	out(IER, 8);
	find("uart.iir.modem", in(IIR)&0x0f, 0);
	(void)in(MSR);
	find("uart.iir.modem.read", in(IIR)&0x0f, 1);
	out(IER, 0);
	out(MCR, LOOP);
	(void)in(MSR);
}

static void uart_priorities(void)
{
	out(IIR, 7);
	out(IIR, 0);
	loop_bytes(2);
	out(IER, 0x0f);
	find("uart.iir.line-first", in(IIR)&0x0f, 6);
	(void)in(LSR);
	find("uart.iir.data-second", in(IIR)&0x0f, 4);
	(void)in(DATA);
	find("uart.iir.thre-third", in(IIR)&0x0f, 2);
	out(IER, 0);
	out(IER, 1);
	out(IIR, 0x87);
	divisor(1);
	loop_bytes(1);
	for (unsigned i = 0; i < PATIENCE && (in(IIR)&0x0f) == 1; i++)
		;
	find("uart.timeout", in(IIR)&0x0f, 0x0c);
	(void)in(DATA);
	find("uart.timeout.read", in(IIR)&0x0f, 1);
	out(IER, 0);
	out(IIR, 0);
}

/* Whatever the emulators make of a slow line, the loop of a chip is as slow: so, virtually only. */
static void uart_trigger_levels(void)
{
	static const struct {
		u8 level;
		const char *not_yet, *now;
	} levels[] = {
		{ 1, NULL, "uart.trigger.1" },
		{ 4, "uart.trigger.not-yet.4", "uart.trigger.4" },
		{ 8, "uart.trigger.not-yet.8", "uart.trigger.8" },
		{ 14, "uart.trigger.not-yet.14", "uart.trigger.14" },
	};

	divisor(0xffff);
	out(IER, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		out(IIR, (u8)(7 | i << 6));
		loop_bytes(levels[i].level - 1u);
		if (levels[i].not_yet)
			find(levels[i].not_yet, in(IIR)&0x0f, 1);
		loop_bytes(1);
		find(levels[i].now, in(IIR)&0x0f, 4);
	}
	out(IER, 0);
	out(IIR, 0);
}

static void uart_lines(void)
{
	u8 irr[3];

	out(SCR, 0xa5);
	find("uart.scratch", in(SCR), 0xa5);
	out(MCR, 0xff);
	find("uart.mcr", in(MCR), 0x1f);
	out(MCR, LOOP);
	out(LCR, 0x43); /* a break */
	out(LCR, 3);
	find("uart.break", in(LSR)&0x11, 0x11);
	find("uart.break.byte", in(DATA), 0);
	find("uart.break.told-once", in(LSR)&0x10, 0);
	out(IER, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(irr); i++) {
		out(MCR, i == 0 ? OUT2 : i == 1 ? 0 : OUT2 | LOOP);
		out(IER, 2);
		x86_outb(0x20, 0x0a);
		irr[i] = x86_inb(0x20) & 0x10;
		(void)in(IIR);
		out(IER, 0);
	}
	find("uart.out2", irr[0], 0x10);
	find("uart.out2.off", irr[1], 0);
	find("uart.out2.loop", irr[2], 0);
}

static void uart(void)
{
	u8 lcr, low, high;

	for (unsigned i = 0; i < PATIENCE && !(in(LSR)&0x40); i++)
		;
	lcr = in(LCR);
	out(LCR, 0x83);
	low = in(0);
	high = in(1);
	out(LCR, 3);
	out(IER, 0);
	out(MCR, LOOP);
	uart_overruns();
	uart_modem();
	if (census_virtual()) { /* bare, a byte takes its time on a slow line, as it should */
		uart_priorities();
		uart_trigger_levels();
	}
	out(IIR, 7);
	out(MCR, LOOP);
	uart_lines();
	out(LCR, 0x83);
	out(0, low);
	out(1, high);
	out(LCR, lcr);
	out(IIR, 7);
	out(IIR, 0);
	out(MCR, 3);
	tell_found();
}

/* ---- 8042 ---- */

#define KBD 0x60
#define KBD_STATUS 0x64
#define FULL 1
#define NOTHING 0x100

static u64 kbd_read(void)
{
	for (unsigned i = 0; i < PATIENCE; i++)
		if (x86_inb(KBD_STATUS) & FULL)
			return x86_inb(KBD);
	return NOTHING;
}

static void kbd_ready(void)
{
	for (unsigned i = 0; i < 2000 && x86_inb(KBD_STATUS) & 2; i++)
		;
}

static u64 kbd_command(u8 command)
{
	kbd_ready();
	x86_outb(KBD_STATUS, command);
	return kbd_read();
}

static void kbd_write(u8 command, u8 byte)
{
	kbd_ready();
	x86_outb(KBD_STATUS, command);
	kbd_ready();
	x86_outb(KBD, byte);
}

static void keyboard_controller(void)
{
	static const u8 bytes[] = { 0x30, 0x47, 0x34, 0x03, 0x70 };
	unsigned same = 0;
	u8 old;

	for (unsigned i = 0; i < 32 && x86_inb(KBD_STATUS) & FULL; i++)
		(void)x86_inb(KBD);
	old = (u8)kbd_command(0x20);
	kbd_ready();
	x86_outb(KBD_STATUS, 0xad);
	kbd_ready();
	census_number_manual("kbd.status.command", x86_inb(KBD_STATUS) & 8, 8);
	census_number_manual("kbd.disabled", kbd_command(0x20) & 0x10, 0x10);
	kbd_ready();
	x86_outb(KBD_STATUS, 0xa7);
	census_number_manual("kbd.aux.disabled", kbd_command(0x20) & 0x20, 0x20);
	for (unsigned i = 0; i < ARRAY_SIZE(bytes); i++) { /* each bit both ways */
		kbd_write(0x60, bytes[i]);
		same += kbd_command(0x20) == bytes[i];
	}
	census_number_manual("kbd.command-byte.bits", same, ARRAY_SIZE(bytes));
	kbd_write(0x60, 0x74);
	census_number_manual("kbd.status.data", x86_inb(KBD_STATUS) & 8, 0);
	census_number_manual("kbd.command-byte", kbd_command(0x20), 0x74);
	census_number_manual("kbd.self-test", kbd_command(0xaa), 0x55);
	census_number_manual("kbd.status.system", x86_inb(KBD_STATUS) & 4, 4);
	census_number_manual("kbd.test", kbd_command(0xab), 0);
	census_number_manual("kbd.output-port", kbd_command(0xd0) & 3, 3);
	kbd_write(0xd2, 0x5a);
	census_number_manual("kbd.status.full", x86_inb(KBD_STATUS) & 0x21, 1);
	census_number_manual("kbd.loop", kbd_read(), 0x5a);
	kbd_write(0xd3, 0xa5);
	census_number_manual("kbd.aux.status", x86_inb(KBD_STATUS) & 0x21, 0x21);
	census_number_manual("kbd.aux.loop", kbd_read(), 0xa5);
	census_number_manual("kbd.empty", x86_inb(KBD_STATUS) & FULL, 0);
	kbd_write(0x60, 0x20); /* the keyboard on, untranslated, no interrupts */
	x86_outb(KBD, 0xee);
	census_number_manual("kbd.echo", kbd_read(), 0xee);
	x86_outb(KBD, 0xf2);
	census_number_manual("kbd.id.ack", kbd_read(), 0xfa);
	census_number_manual("kbd.id", kbd_read() << 8 | kbd_read(), 0xab83);
	kbd_write(0x60, 0x21); /* with its interrupt */
	kbd_write(0xd2, 0x33);
	x86_outb(0x20, 0x0a);
	for (unsigned i = 0; i < PATIENCE && !(x86_inb(0x20) & 2); i++)
		;
	census_number_manual("kbd.irq", x86_inb(0x20) & 2, 2);
	(void)kbd_read();
	x86_outb(0x20, 0x0a);
	census_number_manual("kbd.irq.read", x86_inb(0x20) & 2, 0);
	kbd_write(0x60, old);
	kbd_ready();
	census_number_manual("kbd.port92", x86_inb(0x92) & 2, 2);
}

void census_lines(void)
{
	uart();
	keyboard_controller();
}
