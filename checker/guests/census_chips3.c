/*
 * census_chips3.c - what the chips of a PC do: sequences whose middle tells
 *
 * A second look at the same thing: what is latched, answered or forgotten between two accesses that
 * belong together.  As in census_chips2.c, the manual's word stands beside each case.
 *
 * Sources: Intel, "8259A", "8254", "82371SB (PIIX3)", "82371AB (PIIX4)"; National, "PC16550D";
 * IBM, "Keyboard/Auxiliary Device Controller", "VGA" registers; [SDM] vol. 3 "Local APIC State"
 * (12.4.7); ACPI Specification, "General-Purpose Event Register Blocks".
 */
#include "census_board.h"

#include "census.h"
#include "x86_ops.h"

#define PATIENCE 200000u

/* ---- 8259A ---- */

#define MASTER 0x20
#define SLAVE 0xa0
#define POLL 0x0c
#define READ_IRR 0x0a
#define EOI 0x20
#define ROTATE_AUTO_ON 0x80
#define ROTATE_AUTO_OFF 0x00
#define ICW4_AUTO_EOI 3 /* and 8086 mode */
#define ONLY_CASCADE_AND_0 0xfa

static u8 ask(u16 chip, u8 command)
{
	x86_outb(chip, command);
	return x86_inb(chip);
}

static void start_master(u8 icw4)
{
	x86_outb(MASTER, 0x11);
	x86_outb(MASTER + 1, RT_PIC_VECTOR);
	x86_outb(MASTER + 1, 4);
	x86_outb(MASTER + 1, icw4);
	x86_outb(MASTER + 1, ONLY_CASCADE_AND_0);
}

static void irq0(bool up)
{
	board_pit_once(up);
	for (unsigned i = 0; up && i < PATIENCE && !(ask(MASTER, READ_IRR) & 1); i++)
		;
}

/* The clock's line, by its periodic interrupt: through the second chip to input 2 of the first. */
static void irq8(bool up)
{
	if (!up) {
		board_set_cmos(0x0b, 0x02);
		board_cmos(0x0c);
		return;
	}
	board_set_cmos(0x0a, 0x26);
	board_set_cmos(0x0b, 0x42);
	for (unsigned i = 0; i < PATIENCE && !(ask(SLAVE, READ_IRR) & 1); i++)
		;
}

/* Input 0 is taken; then 0 and 2 ask: who is first? */
static u8 second_poll(u8 command)
{
	u8 poll;

	start_master(ICW4_AUTO_EOI);
	x86_outb(MASTER, command);
	irq0(false);
	irq0(true);
	(void)ask(MASTER, POLL);
	irq0(false);
	irq8(true);
	irq0(true);
	poll = ask(MASTER, POLL);
	x86_outb(MASTER, ROTATE_AUTO_OFF);
	irq8(false);
	irq0(false);
	return poll;
}

/* "Poll Command": the next read of either register is answered, and is an acknowledgement. */
static void pic_polls(void)
{
	u8 b = board_cmos(0x0b), a = board_cmos(0x0a) & 0x7f;

	x86_outb(SLAVE + 1, 0xfe);
	census_number_manual("pic.auto-eoi.fixed", second_poll(ROTATE_AUTO_OFF), 0x80);
	census_number_manual("pic.auto-eoi.rotates", second_poll(ROTATE_AUTO_ON), 0x82);
	start_master(1);
	irq0(true);
	x86_outb(MASTER, POLL);
	census_number_manual("pic.poll.data", x86_inb(MASTER + 1), 0x80);
	census_number_manual("pic.poll.once", x86_inb(MASTER + 1), ONLY_CASCADE_AND_0);
	x86_outb(MASTER, EOI);
	irq0(false);
	board_set_cmos(0x0a, a);
	board_set_cmos(0x0b, b);
	rt_pic(0xffff);
}

/* ---- 8254 ---- */

#define PIT_CONTROL 0x43
#define COUNTER_2 0x42
#define SYSTEM 0x61

/* "Read Operations": both bytes of a latch are of one moment, whatever is written between them. */
static void pit_between(void)
{
	u8 low, high, system = x86_inb(SYSTEM) & 0x0f;

	x86_outb(SYSTEM, 0);
	x86_outb(PIT_CONTROL, 0xb0);
	x86_outb(COUNTER_2, 0x34);
	x86_outb(COUNTER_2, 0x12);
	x86_outb(PIT_CONTROL, 0x80);
	low = x86_inb(COUNTER_2);
	x86_outb(COUNTER_2, 0x78);
	x86_outb(COUNTER_2, 0x56);
	high = x86_inb(COUNTER_2);
	census_number_manual("pit.latch.both", high << 8 | low, 0x1234);
	low = x86_inb(COUNTER_2);
	census_number_manual("pit.latch.over", x86_inb(COUNTER_2) << 8 | low, 0x5678);
	/* "NMI Status and Control": the four low bits are written, and read back. */
	x86_outb(SYSTEM, 0x0c);
	census_number_manual("pit.port61.enables", x86_inb(SYSTEM) & 0x0f, 0x0c);
	x86_outb(SYSTEM, system);
}

/* ---- 16550 ---- */

#define UART 0x3f8u
enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define LOOP 0x10
#define BREAK 0x10
#define FIFO_ERROR 0x80

static u8 in(unsigned n)
{
	return x86_inb((u16)(UART + n));
}

static void out(unsigned n, u8 value)
{
	x86_outb((u16)(UART + n), value);
}

/* LSR 4 is of the oldest byte, LSR 7 of any in the FIFO; both end as the byte is read. */
static void uart_errors(void)
{
	u8 lcr, behind, oldest, told, gone;

	for (unsigned i = 0; i < PATIENCE && !(in(LSR) & 0x40); i++)
		;
	lcr = in(LCR);
	out(LCR, 3);
	out(IER, 0);
	out(IIR, 7);
	out(MCR, LOOP);
	out(DATA, 0x41);
	for (unsigned i = 0; i < PATIENCE && !(in(LSR) & 1); i++)
		;
	out(LCR, 0x43);
	out(LCR, 3);
	behind = in(LSR);
	(void)in(DATA);
	oldest = in(LSR);
	told = in(LSR);
	(void)in(DATA);
	gone = in(LSR);
	out(IIR, 0);
	out(LCR, lcr);
	out(MCR, 3);
	census_number_manual("uart.error.behind", behind & (FIFO_ERROR | BREAK), FIFO_ERROR);
	census_number_manual("uart.error.oldest", oldest & (FIFO_ERROR | BREAK),
			     FIFO_ERROR | BREAK);
	census_number_manual("uart.error.told", told & BREAK, 0);
	census_number_manual("uart.error.gone", gone & (FIFO_ERROR | BREAK), 0);
}

/* ---- Keyboard and mouse ---- */

#define KBD 0x60
#define KBD_STATUS 0x64
#define TO_MOUSE 0xd4
#define NOTHING 0x100

static void kbd_ready(void)
{
	for (unsigned i = 0; i < 2000 && x86_inb(KBD_STATUS) & 2; i++)
		;
}

static u64 kbd_read(void)
{
	for (unsigned i = 0; i < 2000; i++)
		if (x86_inb(KBD_STATUS) & 1)
			return x86_inb(KBD);
	return NOTHING;
}

static void kbd_drain(void)
{
	for (unsigned i = 0; i < 32 && x86_inb(KBD_STATUS) & 1; i++)
		(void)x86_inb(KBD);
}

/* What a byte makes one of them say, in the order in which it is said. */
static u64 said(bool mouse, u8 byte, unsigned bytes)
{
	u64 all = 0;

	kbd_drain();
	kbd_ready();
	if (mouse) {
		x86_outb(KBD_STATUS, TO_MOUSE);
		kbd_ready();
	}
	x86_outb(KBD, byte);
	while (bytes--)
		all = all << 8 | kbd_read();
	return all;
}

/* A command that wants an argument has one, and the next byte is a command again. */
static void keyboards(void)
{
	static const struct {
		const char *name;
		bool mouse;
		u8 byte, bytes;
		u64 answer;
	} cases[] = {
		{ "kbd.lights", false, 0xed, 1, 0xfa },
		{ "kbd.lights.argument", false, 0x00, 1, 0xfa },
		{ "kbd.lights.then", false, 0xee, 1, 0xee },
		{ "kbd.rate", false, 0xf3, 1, 0xfa },
		{ "kbd.rate.argument", false, 0x20, 1, 0xfa },
		{ "kbd.rate.then", false, 0xf2, 3, 0xfaab83 },
		{ "kbd.set", false, 0xf0, 1, 0xfa },
		{ "kbd.set.asked", false, 0x00, 2, 0xfa02 },
		{ "kbd.set.then", false, 0xee, 1, 0xee },
		{ "kbd.off", false, 0xf5, 1, 0xfa },
		{ "kbd.on", false, 0xf4, 1, 0xfa },
		{ "kbd.reset", false, 0xff, 2, 0xfaaa },
		{ "mouse.defaults", true, 0xf6, 1, 0xfa },
		{ "mouse.id", true, 0xf2, 2, 0xfa00 },
		{ "mouse.resolution", true, 0xe8, 1, 0xfa },
		{ "mouse.resolution.argument", true, 3, 1, 0xfa },
		{ "mouse.rate", true, 0xf3, 1, 0xfa },
		{ "mouse.rate.argument", true, 40, 1, 0xfa },
		{ "mouse.scaling", true, 0xe7, 1, 0xfa },
		{ "mouse.status", true, 0xe9, 4, 0xfa100328 },
		{ "mouse.defaults.again", true, 0xf6, 1, 0xfa },
		{ "mouse.status.defaults", true, 0xe9, 4, 0xfa000264 },
		{ "mouse.reset", true, 0xff, 3, 0xfaaa00 },
	};

	kbd_drain();
	kbd_ready();
	x86_outb(KBD_STATUS, 0x60);
	kbd_ready();
	x86_outb(KBD, 0x04); /* both on, untranslated, no interrupts */
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		census_number_manual(cases[i].name,
				     said(cases[i].mouse, cases[i].byte, cases[i].bytes),
				     cases[i].answer);
	kbd_ready();
	x86_outb(KBD_STATUS, 0x60);
	kbd_ready();
	x86_outb(KBD, 0x65); /* as firmware leaves it */
	kbd_drain();
}

/* ---- Local APIC ---- */

#define SVR 0xf0
#define TPR 0x80
#define LDR 0xd0
#define DFR 0xe0
#define VECTOR 0x61
#define PERIODIC 0x20000

/* A count that has come to its end stays there, whatever the mode is afterwards. */
static void lapic_expired(void)
{
	u32 left = 1;

	*board_apic(BOARD_TIMER_DIVIDE) = 0xb;
	*board_apic(BOARD_LVT_TIMER) = BOARD_MASKED | VECTOR;
	*board_apic(BOARD_TIMER_INITIAL) = 100000;
	for (unsigned i = 0; i < PATIENCE && *board_apic(BOARD_TIMER_CURRENT); i++)
		;
	*board_apic(BOARD_LVT_TIMER) = BOARD_MASKED | PERIODIC | VECTOR;
	for (unsigned i = 0; i < 8; i++)
		left &= !*board_apic(BOARD_TIMER_CURRENT);
	*board_apic(BOARD_TIMER_INITIAL) = 0;
	*board_apic(BOARD_LVT_TIMER) = BOARD_MASKED;
	census_number_manual("lapic.timer.expired", left, 1);
}

#define APIC_ON BIT(11)
#define CPUID_APIC (u32) BIT(9) /* EDX of leaf 1, and on AMD of 80000001h */

/*
 * [SDM] "Enabling or Disabling the Local APIC" (12.4.3): who was switched off and on again is as
 * after power-up.  Not each CPU can be switched on again.
 */
static void lapic_off(void)
{
	static const struct {
		const char *name;
		u32 offset, value;
	} cases[] = {
		{ "lapic.off.tpr", TPR, 0 },
		{ "lapic.off.ldr", LDR, 0 },
		{ "lapic.off.dfr", DFR, ~0u },
		{ "lapic.off.svr", SVR, 0xff },
		{ "lapic.off.lvt-timer", BOARD_LVT_TIMER, BOARD_MASKED },
		{ "lapic.off.lint0", BOARD_LINT0, BOARD_MASKED },
		{ "lapic.off.initial", BOARD_TIMER_INITIAL, 0 },
		{ "lapic.off.divide", BOARD_TIMER_DIVIDE, 0 },
		{ "lapic.off.irr", BOARD_IRR_3, 0 },
		{ "lapic.off.icr", 0x300, 0 },
	};
	u32 svr = *board_apic(SVR), lint0 = *board_apic(BOARD_LINT0);
	u32 lint1 = *board_apic(0x360), ldr = *board_apic(LDR), got[ARRAY_SIZE(cases)];
	u64 base, again;
	u32 promised;

	if (!rt_rdmsr(MSR_APIC_BASE, &base))
		return;
	*board_apic(SVR) = svr | 0x100;
	*board_apic(TPR) = 0x35;
	*board_apic(LDR) = 0x42000000;
	*board_apic(DFR) = 0x0fffffff;
	*board_apic(BOARD_LVT_TIMER) = BOARD_MASKED | PERIODIC | VECTOR;
	*board_apic(BOARD_TIMER_DIVIDE) = 3;
	*board_apic(BOARD_TIMER_INITIAL) = ~0u;
	*board_apic(0x300) = 0x40000 | VECTOR; /* to itself, and not taken */
	if (!rt_wrmsr(MSR_APIC_BASE, base & ~APIC_ON))
		return;
	promised = (x86_cpuid(1, 0).edx | x86_cpuid(0x80000001, 0).edx) & CPUID_APIC;
	if (!rt_wrmsr(MSR_APIC_BASE, base) ||
	    !rt_rdmsr(MSR_APIC_BASE, &again) || !(again & APIC_ON))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		got[i] = *board_apic(cases[i].offset);
	census_number_manual("lapic.off.cpuid", promised, 0);
	*board_apic(SVR) = svr;
	*board_apic(BOARD_LINT0) = lint0;
	*board_apic(0x360) = lint1;
	*board_apic(LDR) = ldr;
	*board_apic(BOARD_TIMER_DIVIDE) = 0xb;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		census_number_manual(cases[i].name, got[i], cases[i].value);
}

/* ---- PIIX ---- */

#define RESET_CONTROL 0xcf9
#define GPE_ENABLE 0x0e
#define GPE_RESERVED 0xf07e /* of PIIX4: those that are no enables */
#define PM1_CONTROL 4
#define CONTROL_RESERVED 0xc3f8u /* "PM1 Control Registers": reserved, and of no machine */

static void piix(void)
{
	u16 port = board_pm_port() ? board_pm_port() - 8 : 0, enable, control;
	u8 reset = x86_inb(RESET_CONTROL);

	if (board_pci_read(1 << 3, 0) == 0x70008086) { /* bit 2 would reset it */
		x86_outb(RESET_CONTROL, 0x02);
		census_number_manual("pci.reset.kind", x86_inb(RESET_CONTROL), 0x02);
		x86_outb(RESET_CONTROL, 0);
		census_number_manual("pci.reset.kind.soft", x86_inb(RESET_CONTROL), 0);
		x86_outb(RESET_CONTROL, reset & 0x02);
	}
	if (!port)
		return;
	enable = x86_inw(port + GPE_ENABLE);
	x86_outw(port + GPE_ENABLE, 0xffff);
	census_number_manual("pm.gpe.reserved", x86_inw(port + GPE_ENABLE) & GPE_RESERVED, 0);
	x86_outw(port + GPE_ENABLE, 0);
	census_number_manual("pm.gpe.none", x86_inw(port + GPE_ENABLE), 0);
	x86_outw(port + GPE_ENABLE, enable);
	control = x86_inw(port + PM1_CONTROL);
	x86_outw(port + PM1_CONTROL, (u16)(control | CONTROL_RESERVED));
	census_number_manual("pm.control.reserved",
			     (x86_inw(port + PM1_CONTROL) ^ control) & CONTROL_RESERVED, 0);
	x86_outw(port + PM1_CONTROL, control);
}

/* ---- VGA ---- */

static u8 indexed(u16 port, u8 index)
{
	x86_outb(port, index);
	return x86_inb(port + 1);
}

static void set_indexed(u16 port, u8 index, u8 value)
{
	x86_outb(port, index);
	x86_outb(port + 1, value);
}

#define CRTC 0x3d4
#define RETRACE_END 0x11
#define OVERFLOW 7
#define LINE_COMPARE 0x10 /* of overflow: is never protected */

/* "Vertical Retrace End": its bit 7 protects registers 0 to 7, but for one bit. */
static void vga_protection(void)
{
	u8 end = indexed(CRTC, RETRACE_END), old, expected;
	unsigned kept = 0, open = 0;

	for (u8 i = 0; i <= OVERFLOW; i++) {
		old = indexed(CRTC, i);
		set_indexed(CRTC, RETRACE_END, end | 0x80);
		set_indexed(CRTC, i, (u8)~old);
		expected = i == OVERFLOW ? old ^ LINE_COMPARE : old;
		kept += indexed(CRTC, i) == expected;
		set_indexed(CRTC, RETRACE_END, end & 0x7f);
		set_indexed(CRTC, i, (u8)~old);
		open += indexed(CRTC, i) != old;
		set_indexed(CRTC, i, old);
	}
	set_indexed(CRTC, RETRACE_END, end);
	census_number_manual("vga.crtc.protected.all", kept, OVERFLOW + 1);
	census_number_manual("vga.crtc.open.all", open, OVERFLOW + 1);
}

/* Each three accesses are one colour; then it is the next one's turn, for both ways. */
static void vga_palette(void)
{
	u8 byte[12];
	unsigned same = 0;

	for (unsigned i = 0; i < sizeof(byte); i++)
		byte[i] = (u8)(i * 5 + 1);
	x86_outb(0x3c8, 100);
	for (unsigned i = 0; i < sizeof(byte); i++)
		x86_outb(0x3c9, byte[i]);
	census_number_manual("vga.dac.next", x86_inb(0x3c8), 104);
	x86_outb(0x3c7, 100);
	for (unsigned i = 0; i < sizeof(byte); i++)
		same += x86_inb(0x3c9) == byte[i];
	census_number_manual("vga.dac.order", same, sizeof(byte));
	x86_outb(0x3c8, 100);
	x86_outb(0x3c9, 0x15); /* not to its end: a new index begins anew */
	x86_outb(0x3c7, 101);
	census_number_manual("vga.dac.begins", x86_inb(0x3c9), byte[3]);
}

static void vga(void)
{
	u8 misc = x86_inb(0x3cc);

	if (misc == 0xff)
		return; /* there is none */
	x86_outb(0x3c2, misc | 1);
	vga_protection();
	vga_palette();
	x86_outb(0x3c2, misc);
}

void census_chips3(void)
{
	pic_polls();
	pit_between();
	if (census_virtual()) { /* bare, a byte takes its time, and not all emulators know LSR 7 */
		uart_errors();
		keyboards();
		lapic_off();
	}
	lapic_expired();
	piix();
	vga();
	census_chips4();
}
