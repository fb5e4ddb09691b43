/*
 * census_chips.c - what the chips of a PC answer: interrupt controllers, timers, clock, serial
 * line, PCI
 *
 * Everything here is polled, interrupts off; what is changed is put back or left idle.  Time counts
 * only in "at least so much", by loops that end.
 *
 * Sources: Intel 8259A, 8254 and 82093AA data sheets; MC146818A; National PC16550D; [SDM] vol. 3
 * "Advanced Programmable Interrupt Controller (APIC)"; PCI 2.2 "Configuration Mechanism" (3.2.2.3).
 */
#include "census.h"
#include "x86_ops.h"

#define PATIENCE 2000000u

/* ---- 8259A --------------------------------------------------------------------------------- */

#define PIC_COMMAND 0x20
#define PIC_DATA 0x21
#define SLAVE_DATA 0xa1
#define READ_IRR 0x0a
#define READ_ISR 0x0b
#define POLL 0x0c
#define EOI 0x20
#define ROTATE_EOI 0xa0
#define LOWEST_IS_7 0xc7

#define PIT_CONTROL 0x43
#define CHANNEL(n) (u16)(0x40 + (n))

static u8 ask(u8 command)
{
	x86_outb(PIC_COMMAND, command);
	return x86_inb(PIC_COMMAND);
}

/* Counter 0 counts once, and IRQ 0 rises and stays up.  [8254] "Mode 0" */
static void raise_irq0(void)
{
	x86_outb(PIT_CONTROL, 0x30);
	x86_outb(CHANNEL(0), 2);
	x86_outb(CHANNEL(0), 0);
	for (unsigned i = 0; i < PATIENCE && !(ask(READ_IRR) & 1); i++)
		;
}

static void lower_irq0(void)
{
	x86_outb(PIT_CONTROL, 0x30); /* its output falls, and nothing counts */
}

static void pic_registers(void)
{
	x86_outb(PIC_DATA, 0xa5);
	x86_outb(SLAVE_DATA, 0x5a);
	census_number_manual("pic.imr", x86_inb(PIC_DATA), 0xa5);
	census_number_manual("pic.imr.slave", x86_inb(SLAVE_DATA), 0x5a);
	rt_pic(0xffff);
	x86_outb(PIC_COMMAND, 0x11);
	x86_outb(PIC_DATA, RT_PIC_VECTOR);
	x86_outb(PIC_DATA, 4);
	x86_outb(PIC_DATA, 1);
	census_number_manual("pic.icw1.clears-imr", x86_inb(PIC_DATA), 0);
	x86_outb(PIC_DATA, 0xff);
	census_number_manual("pic.imr.again", x86_inb(PIC_DATA), 0xff);
	x86_outb(0x4d0, 0xff);
	x86_outb(0x4d1, 0xff);
	census_number_manual("pic.elcr", x86_inb(0x4d0), 0xf8);
	census_number_manual("pic.elcr.slave", x86_inb(0x4d1), 0xde);
	x86_outb(0x4d0, 0);
	x86_outb(0x4d1, 0);
}

static void pic_service(void)
{
	lower_irq0();
	rt_pic(0xffff);
	census_number_manual("pic.irr.none", ask(READ_IRR) & 1, 0);
	raise_irq0();
	census_number_manual("pic.irr", ask(READ_IRR) & 1, 1);
	census_number_manual("pic.mask.holds", ask(POLL) & 0x80, 0);
	x86_outb(PIC_DATA, 0xfe);
	census_number_manual("pic.poll", ask(POLL), 0x80);
	census_number_manual("pic.isr", ask(READ_ISR), 1);
	census_number_manual("pic.irr.taken", ask(READ_IRR) & 1, 0);
	lower_irq0();
	raise_irq0();
	census_number_manual("pic.isr.holds", ask(POLL) & 0x80, 0);
	x86_outb(PIC_COMMAND, EOI);
	census_number_manual("pic.eoi", ask(READ_ISR), 0);
	census_number_manual("pic.again", ask(POLL), 0x80);
	x86_outb(PIC_COMMAND, ROTATE_EOI);
	census_number_manual("pic.rotate.eoi", ask(READ_ISR), 0);
	x86_outb(PIC_COMMAND, LOWEST_IS_7);
	lower_irq0();
	rt_pic(0xffff);
}

/* ---- 8254 ---------------------------------------------------------------------------------- */

#define SYSTEM 0x61

static u16 read_counter2(void)
{
	u16 low = x86_inb(CHANNEL(2));

	return (u16)(low | x86_inb(CHANNEL(2)) << 8);
}

static u16 latched_counter2(void)
{
	x86_outb(PIT_CONTROL, 0x80);
	return read_counter2();
}

static void pit(void)
{
	unsigned i = 0;
	u8 status;
	u16 first, second;

	x86_outb(SYSTEM, 0);
	census_number_manual("pit.port61", x86_inb(SYSTEM) & 3, 0);
	x86_outb(PIT_CONTROL, 0xb6);
	x86_outb(PIT_CONTROL, 0xe8); /* read back the status of counter 2 */
	status = x86_inb(CHANNEL(2));
	census_number_manual("pit.status", status & 0x3f, 0x36);
	census_number_manual("pit.status.null", status & 0x40, 0x40);
	x86_outb(PIT_CONTROL, 0xb0); /* mode 0; its gate is low: nothing counts */
	x86_outb(CHANNEL(2), 0x34);
	x86_outb(CHANNEL(2), 0x12);
	census_number_manual("pit.gate.holds", latched_counter2(), 0x1234);
	census_number_manual("pit.out.low", x86_inb(SYSTEM) & 0x20, 0);
	x86_outb(PIT_CONTROL, 0xb1);
	x86_outb(CHANNEL(2), 0x99);
	x86_outb(CHANNEL(2), 0x09);
	census_number_manual("pit.bcd", latched_counter2(), 0x0999);
	x86_outb(PIT_CONTROL, 0x90);
	x86_outb(CHANNEL(2), 0x55);
	census_number_manual("pit.low-byte", read_counter2(), 0x5555);
	x86_outb(PIT_CONTROL, 0xa0);
	x86_outb(CHANNEL(2), 0x12);
	census_number_manual("pit.high-byte", read_counter2(), 0x1212);
	x86_outb(SYSTEM, 1);
	x86_outb(PIT_CONTROL, 0xb4); /* mode 2: the latch keeps what it has until it is read */
	x86_outb(CHANNEL(2), 0);
	x86_outb(CHANNEL(2), 0);
	first = latched_counter2();
	for (second = first; second == first && i < PATIENCE; i++)
		second = latched_counter2();
	census_number_manual("pit.counts-down", (u16)(first - second) < 0x8000, 1);
	x86_outb(PIT_CONTROL, 0xb0);
	census_number_manual("pit.mode0.low", x86_inb(SYSTEM) & 0x20, 0);
	x86_outb(CHANNEL(2), 3);
	x86_outb(CHANNEL(2), 0);
	for (i = 0; i < PATIENCE && !(x86_inb(SYSTEM) & 0x20); i++)
		;
	census_number_manual("pit.mode0.high", x86_inb(SYSTEM) & 0x20, 0x20);
	x86_outb(SYSTEM, 0);
}

/* ---- MC146818A ------------------------------------------------------------------------------ */

static u8 cmos(u8 index)
{
	x86_outb(0x70, index);
	return x86_inb(0x71);
}

static void set_cmos(u8 index, u8 value)
{
	x86_outb(0x70, index);
	x86_outb(0x71, value);
}

static void rtc(void)
{
	u8 a = cmos(0x0a) & 0x7f, b = cmos(0x0b), seconds, hours, c = 0;

	census_number_manual("rtc.d", cmos(0x0d), 0x80);
	census_number_manual("rtc.index.7-bits", cmos(0x8d), 0x80);
	set_cmos(0x0d, 0);
	census_number_manual("rtc.d.fixed", cmos(0x0d), 0x80);
	set_cmos(0x0b, 0x82); /* SET: the clock stands; 24 hours, BCD */
	census_number_manual("rtc.set", cmos(0x0b), 0x82);
	census_number_manual("rtc.set.uip", cmos(0x0a) & 0x80, 0);
	seconds = cmos(0);
	hours = cmos(4);
	set_cmos(0, 0x59);
	set_cmos(4, 0x23);
	census_number_manual("rtc.seconds", cmos(0), 0x59);
	census_number_manual("rtc.hours", cmos(4), 0x23);
	set_cmos(1, 0x17);
	census_number_manual("rtc.alarm", cmos(1), 0x17);
	set_cmos(0, seconds);
	set_cmos(4, hours);
	set_cmos(0x0a, a & 0x70); /* no periodic flag */
	cmos(0x0c);
	census_number_manual("rtc.c.read-clears", cmos(0x0c), 0);
	set_cmos(0x0a, a | 0x80);
	census_number_manual("rtc.a.uip-fixed", cmos(0x0a), a);
	set_cmos(0x0b, 0x02 | (b & 4));
	set_cmos(0x0b, 0x92 | (b & 4));
	census_number_manual("rtc.setting-clears-uie", cmos(0x0b) & 0x10, 0);
	set_cmos(0x0b, b);
	seconds = cmos(0);
	census_number_manual("rtc.bcd", (seconds & 15) < 10 && seconds >> 4 < 6, 1);
	set_cmos(0x0a, a);
	cmos(0x0c);
	for (unsigned i = 0; i < PATIENCE / 10 && !(c & 0x40); i++)
		c = cmos(0x0c);
	census_number_manual("rtc.c.no-line", c & 0xc0, 0x40); /* told, and nobody asks */
}

/* ---- 16550 ----------------------------------------------------------------------------------- */

#define UART 0x3f8u
enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static u8 uart_in(unsigned n)
{
	return x86_inb((u16)(UART + n));
}

static void uart_out(unsigned n, u8 value)
{
	x86_outb((u16)(UART + n), value);
}

static bool uart_has(u8 bit)
{
	for (unsigned i = 0; i < PATIENCE; i++)
		if (uart_in(LSR) & bit)
			return true;
	return false;
}

/* A byte by the loop that MCR closes. */
static u8 uart_loop(u8 byte)
{
	uart_out(DATA, byte);
	return uart_has(1) ? uart_in(DATA) : 0;
}

/* Results wait until the line is open again: they leave by it. */
static void uart(void)
{
	u8 lcr, ier, loop, empty, narrow, msr[4], low, high, behind, fifo, none, thre, after, gone;

	uart_has(0x40);
	lcr = uart_in(LCR);
	uart_out(IER, 0);
	uart_out(LCR, 3);
	uart_out(MCR, 0x10);
	for (unsigned i = 0; i < 4; i++) {
		uart_out(MCR, (u8)(0x10 | 1 << i));
		msr[i] = uart_in(MSR) & 0xf0;
	}
	uart_out(MCR, 0x10);
	uart_out(IIR, 0);
	loop = uart_loop(0x5a);
	empty = uart_in(LSR) & 1;
	uart_out(LCR, 0); /* words of five bits */
	narrow = uart_loop(0xff);
	uart_out(LCR, 3);
	uart_out(IIR, 7);
	fifo = uart_in(IIR) & 0xc0;
	uart_out(DATA, 1);
	uart_has(1);
	uart_out(IIR, 3);
	gone = uart_in(LSR) & 1;
	uart_out(IIR, 0);
	none = uart_in(IIR);
	uart_out(IER, 0xff);
	ier = uart_in(IER);
	uart_out(IER, 0);
	uart_out(IER, 2);
	thre = uart_in(IIR) & 0x0f;
	after = uart_in(IIR) & 0x0f;
	uart_out(IER, 0);
	uart_out(LCR, 0x83);
	low = uart_in(0);
	high = uart_in(1);
	uart_out(0, 0x21);
	uart_out(1, 0x43);
	behind = uart_in(0) == 0x21 && uart_in(1) == 0x43;
	uart_out(0, low);
	uart_out(1, high);
	uart_out(LCR, lcr);
	uart_out(MCR, 3);
	census_number_manual("uart.loop", loop, 0x5a);
	census_number_manual("uart.empty", empty, 0);
	census_number_manual("uart.word", narrow, 0x1f);
	census_number_manual("uart.loop.dtr", msr[0], 0x20);
	census_number_manual("uart.loop.rts", msr[1], 0x10);
	census_number_manual("uart.loop.out1", msr[2], 0x40);
	census_number_manual("uart.loop.out2", msr[3], 0x80);
	census_number_manual("uart.fifo", fifo, 0xc0);
	census_number_manual("uart.fifo.cleared", gone, 0);
	census_number_manual("uart.iir.none", none, 1);
	census_number_manual("uart.ier", ier, 0x0f);
	census_number_manual("uart.iir.thre", thre, 2);
	census_number_manual("uart.iir.read-clears", after, 1);
	census_number_manual("uart.divisor", behind, 1);
}

/* ---- Local APIC and I/O APIC ---------------------------------------------------------------- */

static volatile u32 *apic(u32 offset)
{
	return (volatile u32 *)(u64)(APIC_DEFAULT_BASE + offset);
}

#define TPR 0x80
#define PPR 0xa0
#define APIC_EOI 0xb0
#define DFR 0xe0
#define SVR 0xf0
#define ISR_3 0x130 /* vectors 0x60 to 0x7f */
#define IRR_3 0x230
#define ESR 0x280
#define ICR 0x300
#define ICR_HIGH 0x310
#define LVT_TIMER 0x320
#define TIMER_INITIAL 0x380
#define TIMER_CURRENT 0x390
#define TIMER_DIVIDE 0x3e0
#define CHIP_VECTOR 0x61
#define CHIP_BIT BIT(1)
#define MASKED BIT(16)
#define SELF_IPI (u32)(BIT(18) | CHIP_VECTOR)

static void open_for_a_moment(void)
{
	__asm__ volatile("sti; nop; nop; nop; cli" ::: "memory");
}

static void lapic_registers(void)
{
	*apic(SVR) = 0xff;
	*apic(LVT_TIMER) = 0x40;
	census_number_manual("lapic.off.masks", *apic(LVT_TIMER), MASKED | 0x40);
	*apic(SVR) = 0x1ff;
	*apic(LVT_TIMER) = (u32)MASKED | 0x40;
	*apic(DFR) = 0;
	census_number_manual("lapic.dfr", *apic(DFR), 0x0fffffff);
	*apic(DFR) = ~0u;
	*apic(ICR_HIGH) = ~0u;
	census_number_manual("lapic.icr.high", *apic(ICR_HIGH), 0xff000000);
	*apic(ICR_HIGH) = 0;
	*apic(TIMER_DIVIDE) = ~0u;
	census_number_manual("lapic.divide", *apic(TIMER_DIVIDE), 0xb);
	*apic(TPR) = 0x35;
	census_number_manual("lapic.tpr", *apic(TPR), 0x35);
	census_number_manual("lapic.ppr", *apic(PPR) & 0xf0, 0x30);
	*apic(TPR) = 0;
	if (census_virtual()) { /* bare QEMU 7.2 delivers a vector below 16 */
		*apic(ESR) = 0;
		*apic(ICR) = (u32)BIT(18) | 5;
		*apic(ESR) = 0;
		census_number_manual("lapic.esr.vector", *apic(ESR) & 0x20, 0x20);
	}
	*apic(ESR) = 0;
	census_number_manual("lapic.esr.write-clears", *apic(ESR), 0);
}

static u64 in_service, in_priority;

static bool look_at_service(struct rt_frame *frame)
{
	if (frame->vector != CHIP_VECTOR)
		return false;
	in_service = *apic(ISR_3);
	in_priority = *apic(PPR) & 0xf0;
	*apic(APIC_EOI) = 0;
	return true;
}

static void lapic_service(void)
{
	rt_hook = look_at_service;
	*apic(ICR) = SELF_IPI;
	census_number_manual("lapic.irr", *apic(IRR_3), CHIP_BIT);
	open_for_a_moment();
	census_number_manual("lapic.isr", in_service, CHIP_BIT);
	census_number_manual("lapic.isr.ppr", in_priority, 0x60);
	census_number_manual("lapic.eoi", *apic(ISR_3) | *apic(IRR_3), 0);
}

/* It counts to 0; the request follows at once, or nearly so. */
static bool timer_ends(u32 lvt, u32 count)
{
	*apic(LVT_TIMER) = lvt;
	*apic(TIMER_INITIAL) = count;
	for (unsigned i = 0; i < PATIENCE && *apic(TIMER_CURRENT); i++)
		;
	return !*apic(TIMER_CURRENT);
}

static void lapic_timer(void)
{
	*apic(TIMER_DIVIDE) = 0xb;
	census_number_manual("lapic.timer.ends", timer_ends((u32)MASKED | CHIP_VECTOR, 1000), 1);
	census_number_manual("lapic.timer.masked", *apic(IRR_3), 0);
	timer_ends(CHIP_VECTOR, 1000);
	for (unsigned i = 0; i < PATIENCE && !*apic(IRR_3); i++)
		;
	census_number_manual("lapic.timer.irr", *apic(IRR_3), CHIP_BIT);
	open_for_a_moment();
	*apic(TIMER_INITIAL) = 0;
	*apic(LVT_TIMER) = (u32)MASKED;
}

#define IOAPIC 0xfec00000ull

static volatile u32 *ioapic(u8 n)
{
	*(volatile u32 *)IOAPIC = n;
	return (volatile u32 *)(IOAPIC + 0x10);
}

static void io_apic(void)
{
	u32 id = *ioapic(0);

	*ioapic(0) = ~0u;
	census_number_manual("ioapic.id", *ioapic(0), 0x0f000000);
	*ioapic(0) = id;
	census_number_manual("ioapic.select", *(volatile u32 *)IOAPIC, 0);
	census_number_manual("ioapic.pins", *ioapic(1) >> 16 & 0xff, 23);
	*ioapic(1) = 0;
	census_number_manual("ioapic.version.fixed", *ioapic(1) >> 16 & 0xff, 23);
	*ioapic(0x10 + 2 * 20 + 1) = ~0u;
	census_number_manual("ioapic.entry.high", *ioapic(0x10 + 2 * 20 + 1), 0xff000000);
	*ioapic(0x10 + 2 * 20) = ~0u;
	census_number_manual("ioapic.entry.low", *ioapic(0x10 + 2 * 20), 0x1afff);
	*ioapic(0x10 + 2 * 20) = (u32)MASKED;
	/* IRQ 0 is on pin 2, an edge, to CPU 0. */
	lower_irq0();
	*ioapic(0x10 + 2 * 2 + 1) = 0;
	*ioapic(0x10 + 2 * 2) = (u32)MASKED | CHIP_VECTOR;
	raise_irq0();
	census_number_manual("ioapic.masked", *apic(IRR_3), 0);
	lower_irq0();
	*ioapic(0x10 + 2 * 2) = CHIP_VECTOR;
	raise_irq0();
	census_number_manual("ioapic.edge", *apic(IRR_3), CHIP_BIT);
	*ioapic(0x10 + 2 * 2) = (u32)MASKED;
	open_for_a_moment();
	census_number_manual("ioapic.edge.once", *apic(IRR_3), 0);
	lower_irq0();
}

/* ---- PCI ------------------------------------------------------------------------------------ */

#define ADDRESS 0xcf8
#define CONFIG 0xcfc
#define HOST_BRIDGE 0x80000000u

static void pci(void)
{
	u32 id;
	u16 command;

	x86_outl(ADDRESS, HOST_BRIDGE | 0x7f000003);
	census_number_manual("pci.address.reserved", x86_inl(ADDRESS), HOST_BRIDGE);
	x86_outl(ADDRESS, HOST_BRIDGE);
	id = x86_inl(CONFIG);
	census_number("pci.id", id);
	census_number_manual("pci.id.16", x86_inw(CONFIG + 2), id >> 16);
	census_number_manual("pci.id.8", x86_inb(CONFIG + 1), id >> 8 & 0xff);
	x86_outl(CONFIG, 0);
	census_number_manual("pci.id.fixed", x86_inl(CONFIG), id);
	x86_outl(ADDRESS, 0);
	census_number_manual("pci.disabled", x86_inl(CONFIG), 0xffffffff);
	x86_outl(ADDRESS, HOST_BRIDGE | 31 << 11);
	census_number_manual("pci.absent", x86_inl(CONFIG), 0xffffffff);

	x86_outl(ADDRESS, HOST_BRIDGE | 4);
	command = x86_inw(CONFIG);
	x86_outl(CONFIG, command);
	census_number_manual("pci.status.fixed", x86_inl(CONFIG) >> 20 & 1, 0);
}

void census_chips(void)
{
	pic_registers();
	pic_service();
	pit();
	rtc();
	uart();
	lapic_registers();
	lapic_service();
	lapic_timer();
	io_apic();
	pci();
	rt_hook = NULL;
}
