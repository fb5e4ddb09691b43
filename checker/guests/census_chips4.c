/*
 * census_chips4.c - what the chips of a PC do: rules of two registers, or two lines, together
 *
 * As in census_chips2.c, the manual's word stands beside each case.  Where bare QEMU 7.2 does not
 * keep a rule, it is asked of the hypervisor alone (census_virtual).
 *
 * Sources: [SDM] vol. 3 "Advanced Programmable Interrupt Controller (APIC)"; Intel, "82093AA";
 * Intel, "8259A", "8254"; PCI-SIG, "PCI Local Bus Specification" 3.0; ACPI Specification; IBM,
 * "PS/2 Hardware Interface Technical Reference", video subsystem.
 */
#include "census_board.h"

#include "census.h"
#include "x86_ops.h"

#define TPR 0x80
#define PPR 0xa0
#define EOI 0xb0
#define SVR 0xf0
#define ICR 0x300
#define LVT_PERF 0x340
#define LVT_ERROR 0x370
#define VECTOR 0x61
#define UART_PIN 4
#define RTC_PIN 8
#define ENTRY(n) (u8)(0x10 + 2 * (n))
#define LEVEL 0x8000u
#define REMOTE_IRR 0x4000u
#define MASTER 0x20
#define READ_IRR 0x0a
#define UART_BIT 0x10
#define PATIENCE 2000000u

/* ---- Local APIC ---- */

static u64 ppr_alike, ppr_below, ppr_above;

static bool look_at_priority(struct rt_frame *frame)
{
	if (frame->vector != VECTOR)
		return false;
	*board_apic(TPR) = VECTOR | 4;
	ppr_alike = *board_apic(PPR);
	*board_apic(TPR) = VECTOR - 0x10;
	ppr_below = *board_apic(PPR);
	*board_apic(TPR) = VECTOR + 0x10;
	ppr_above = *board_apic(PPR);
	*board_apic(TPR) = 0;
	*board_apic(EOI) = 0;
	return true;
}

/* "Task and Processor Priorities" (10.8.3.1): all of TPR where its class is not the lower one. */
static void lapic_priority(void)
{
	rt_hook = look_at_priority;
	*board_apic(ICR) = 0x44000 | VECTOR;
	board_open();
	rt_hook = NULL;
	census_number_manual("lapic.ppr.alike", ppr_alike, VECTOR | 4);
	census_number_manual("lapic.ppr.below", ppr_below, VECTOR & 0xf0);
	census_number_manual("lapic.ppr.above", ppr_above, VECTOR + 0x10);
}

/* "Local APIC State After It Has Been Software Disabled" (10.4.7.2): all of the LVT is masked. */
static void lapic_switched_off(void)
{
	static const struct {
		const char *name;
		u32 offset;
	} entries[] = {
		{ "lapic.svr-off.timer", BOARD_LVT_TIMER }, { "lapic.svr-off.perf", LVT_PERF },
		{ "lapic.svr-off.lint0", BOARD_LINT0 },	    { "lapic.svr-off.lint1", 0x360 },
		{ "lapic.svr-off.error", LVT_ERROR },
	};
	u32 svr = *board_apic(SVR), before[ARRAY_SIZE(entries)], got[ARRAY_SIZE(entries)];

	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		before[i] = *board_apic(entries[i].offset);
		*board_apic(entries[i].offset) = VECTOR + i;
	}
	*board_apic(SVR) = svr & ~0x100u;
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		got[i] = *board_apic(entries[i].offset);
		*board_apic(entries[i].offset) = VECTOR + i; /* and stays so */
		got[i] &= *board_apic(entries[i].offset);
	}
	*board_apic(SVR) = svr | 0x100;
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		census_number_manual(entries[i].name, got[i], (VECTOR + i) | BOARD_MASKED);
		*board_apic(entries[i].offset) = before[i];
	}
	*board_apic(SVR) = svr;
}

/* ---- I/O APIC ---- */

static bool rtc_told(void)
{
	return *board_ioapic(ENTRY(RTC_PIN)) & REMOTE_IRR;
}

static void rtc_irq(bool up)
{
	board_set_cmos(0x0a, 0x23); /* each 122 us */
	board_set_cmos(0x0b, up ? 0x42 : 0x02);
	for (unsigned i = 0; up && i < PATIENCE && !rtc_told(); i++)
		;
	if (!up)
		board_cmos(0x0c);
}

static u64 came;

static bool end_both(struct rt_frame *frame)
{
	if (frame->vector != VECTOR)
		return false;
	came++;
	board_uart_irq(false);
	rtc_irq(false);
	*board_apic(EOI) = 0;
	return true;
}

/* One vector for two lines: one EOI ends both. */
static void ioapic_shared(void)
{
	u64 both, uart, rtc;

	board_uart_irq(false);
	rtc_irq(false);
	*board_ioapic(ENTRY(UART_PIN) + 1) = *board_apic(0x20) & 0xff000000;
	*board_ioapic(ENTRY(RTC_PIN) + 1) = *board_apic(0x20) & 0xff000000;
	*board_ioapic(ENTRY(UART_PIN)) = LEVEL | VECTOR;
	*board_ioapic(ENTRY(RTC_PIN)) = LEVEL | VECTOR;
	board_uart_irq(true);
	rtc_irq(true);
	both = *board_ioapic(ENTRY(UART_PIN)) & *board_ioapic(ENTRY(RTC_PIN)) & REMOTE_IRR;
	came = 0;
	rt_hook = end_both;
	board_open();
	board_open();
	rt_hook = NULL;
	uart = *board_ioapic(ENTRY(UART_PIN)) & REMOTE_IRR;
	rtc = *board_ioapic(ENTRY(RTC_PIN)) & REMOTE_IRR;
	*board_ioapic(ENTRY(UART_PIN)) = BOARD_MASKED;
	*board_ioapic(ENTRY(RTC_PIN)) = BOARD_MASKED;
	census_number_manual("ioapic.shared.both", both, REMOTE_IRR);
	census_number_manual("ioapic.shared.once", came, 1);
	census_number_manual("ioapic.shared.ended", uart | rtc, 0);
}

static bool end_one(struct rt_frame *frame)
{
	if (frame->vector != VECTOR)
		return false;
	came++;
	*board_apic(EOI) = 0;
	return true;
}

/* A level that waits for its EOI becomes an edge, and a level again: it is sent again. */
static void ioapic_edge(void)
{
	u64 level, edge, again;

	board_uart_irq(false);
	*board_ioapic(ENTRY(UART_PIN)) = LEVEL | VECTOR;
	board_uart_irq(true);
	level = *board_ioapic(ENTRY(UART_PIN)) & REMOTE_IRR;
	*board_ioapic(ENTRY(UART_PIN)) = BOARD_MASKED | VECTOR;
	edge = *board_ioapic(ENTRY(UART_PIN)) & REMOTE_IRR;
	board_uart_irq(false);
	rt_hook = end_one;
	board_open();
	*board_ioapic(ENTRY(UART_PIN)) = LEVEL | VECTOR;
	came = 0;
	board_uart_irq(true);
	again = *board_apic(BOARD_IRR_3) & BIT(VECTOR & 31);
	board_uart_irq(false);
	board_open();
	rt_hook = NULL;
	*board_ioapic(ENTRY(UART_PIN)) = BOARD_MASKED;
	census_number_manual("ioapic.edge.level", level, REMOTE_IRR);
	census_number_manual("ioapic.edge.remote", edge, 0);
	census_number_manual("ioapic.edge.again", again, BIT(VECTOR & 31));
}

/* ---- 8254 ---- */

static u16 counter2(void)
{
	u16 low;

	x86_outb(0x43, 0x80);
	low = x86_inb(0x42);
	return (u16)(low | x86_inb(0x42) << 8);
}

/* "Mode 0": the gate holds the count, and lets it go on from there. */
static void pit_gate(void)
{
	u8 system = x86_inb(0x61) & 0xc;
	u16 held, on;

	x86_outb(0x61, system | 1);
	x86_outb(0x43, 0xb0);
	x86_outb(0x42, 0xff);
	x86_outb(0x42, 0xff);
	for (unsigned i = 0; i < PATIENCE && counter2() > 0xe000; i++)
		;
	x86_outb(0x61, system);
	held = counter2();
	x86_outb(0x61, system | 1);
	on = counter2();
	x86_outb(0x61, system);
	census_number_manual("pit.gate.goes-on", on <= held, 1);
}

/* ---- PIC ---- */

/* "Edge and Level Triggered Modes": an input must stay up until it is acknowledged. */
static void pic_fell(void)
{
	u64 up, down;

	board_uart_irq(false);
	board_uart_irq(true);
	x86_outb(MASTER, READ_IRR);
	up = x86_inb(MASTER) & UART_BIT;
	board_uart_irq(false);
	down = x86_inb(MASTER) & UART_BIT;
	census_number_manual("pic.edge.up", up, UART_BIT);
	census_number_manual("pic.edge.fell", down, 0);
}

/* ---- PCI and power management ---- */

/* "Bus number" of a bus that is not there: nobody answers.  [PCI] "Master-Abort" (3.3.3.1) */
static void other_bus(void)
{
	u32 all = ~0u;

	for (u32 bus = 1; bus < 256; bus += bus) {
		x86_outl(0xcf8, 0x80000000 | bus << 16);
		all &= x86_inl(0xcfc);
	}
	census_number_manual("pci.bus.other", all, ~0u);
}

/* [ACPI] "PM1 Status Registers" (4.8.3.1.1): 1s clear, and the enables stand apart. */
static void pm_status(void)
{
	u16 base = board_pm_port(), enable, word, byte;

	if (!base)
		return;
	base = (u16)(base - 8);
	enable = x86_inw((u16)(base + 2));
	x86_outw((u16)(base + 2), 0x100);
	x86_outw(base, 0xffff);
	word = x86_inw((u16)(base + 2));
	x86_outb((u16)(base + 1), 0xff);
	byte = x86_inw((u16)(base + 2));
	x86_outw((u16)(base + 2), enable);
	census_number_manual("pm.status.word", word, 0x100);
	census_number_manual("pm.status.byte", byte, 0x100);
}

/* ---- VGA ---- */

#define PLANES 0xa0000ull
#define SEQUENCER 0x3c4
#define GRAPHICS 0x3ce

static u8 indexed(u16 port, u8 index, u8 value)
{
	u8 before;

	x86_outb(port, index);
	before = x86_inb((u16)(port + 1));
	x86_outb((u16)(port + 1), value);
	return before;
}

/* IBM, "VGA" "Write Mode 3": the rotated byte and the bit mask together say which bits change. */
static void vga_write_mode3(void)
{
	static const struct {
		u16 port;
		u8 index, value;
	} set[] = {
		{ SEQUENCER, 2, 0x0f }, { SEQUENCER, 4, 0x06 }, { GRAPHICS, 0, 0x0f },
		{ GRAPHICS, 1, 0 },	{ GRAPHICS, 3, 0 },	{ GRAPHICS, 4, 2 },
		{ GRAPHICS, 5, 0 },	{ GRAPHICS, 6, 0x05 },	{ GRAPHICS, 8, 0xff },
	};
	volatile u8 *byte = (volatile u8 *)(PLANES + 0xfff0);
	u8 before[ARRAY_SIZE(set)], kept[4], got;

	if (x86_inb(0x3cc) == 0xff)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(set); i++)
		before[i] = indexed(set[i].port, set[i].index, set[i].value);
	for (u8 plane = 0; plane < 4; plane++) {
		indexed(GRAPHICS, 4, plane);
		kept[plane] = *byte;
	}
	*byte = 0;
	(void)*byte;
	indexed(GRAPHICS, 5, 3);
	indexed(GRAPHICS, 8, 0x0f);
	*byte = 0x3c;
	indexed(GRAPHICS, 5, 0);
	indexed(GRAPHICS, 8, 0xff);
	got = *byte;
	for (u8 plane = 0; plane < 4; plane++) {
		indexed(SEQUENCER, 2, (u8)(1 << plane));
		*byte = kept[plane];
	}
	for (unsigned i = ARRAY_SIZE(set); i-- > 0;)
		indexed(set[i].port, set[i].index, before[i]);
	census_number_manual("vga.write-mode-3", got, 0x0c);
}

/* ---- ACPI ---- */

#define RSDP_BEGIN 0xe0000ull
#define RSDP_END 0x100000ull
#define RSDP_SIGNATURE 0x2052545020445352ull
#define FADT_SIGNATURE 0x50434146u
#define FADT_WITH_GAS 244u

static u64 find_fadt(void)
{
	u32 rsdt, len;

	for (u64 at = RSDP_BEGIN; at < RSDP_END; at += 16) {
		if (*(u64 *)at != RSDP_SIGNATURE)
			continue;
		rsdt = *(u32 *)(at + 16);
		len = *(u32 *)((u64)rsdt + 4);
		for (u32 i = 36; rsdt && i + 4 <= len; i += 4)
			if (*(u32 *)(u64) * (u32 *)((u64)rsdt + i) == FADT_SIGNATURE)
				return *(u32 *)((u64)rsdt + i);
	}
	return 0;
}

/* [ACPI] "Fixed ACPI Description Table" (5.2.9): each block twice, then in bits. */
static void acpi_blocks(void)
{
	static const struct {
		u8 old, len, gas;
	} blocks[] = { { 56, 88, 148 }, { 64, 89, 172 }, { 76, 91, 208 }, { 80, 92, 220 } };
	u64 fadt = find_fadt();
	u64 wrong = 0;

	if (!fadt || *(u32 *)(fadt + 4) < FADT_WITH_GAS)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
		u64 gas = fadt + blocks[i].gas;

		if (!*(u64 *)(gas + 4))
			continue;
		wrong += *(u8 *)(gas + 1) != 8 * *(u8 *)(fadt + blocks[i].len);
		wrong += *(u64 *)(gas + 4) != *(u32 *)(fadt + blocks[i].old);
	}
	census_number_manual("acpi.fadt.blocks", wrong, 0);
}

void census_chips4(void)
{
	lapic_priority();
	ioapic_shared();
	ioapic_edge();
	pit_gate();
	other_bus();
	pm_status();
	vga_write_mode3();
	if (census_virtual()) {
		lapic_switched_off();
		pic_fell();
		acpi_blocks();
	}
}
