/*
 * census_apics.c - levels, destinations and periods: what local APIC and I/O APIC do together
 *
 * As in census_chips2.c, the manual's word stands beside each case.
 *
 * Sources: [SDM] vol. 3 "Advanced Programmable Interrupt Controller (APIC)"; Intel, "82093AA".
 */
#include "census_board.h"

#include "census.h"
#include "x86_ops.h"

#define PATIENCE 200000u

#define SVR 0xf0
#define EOI 0xb0
#define LDR 0xd0
#define DFR 0xe0
#define ICR 0x300
#define ICR_HIGH 0x310
#define VECTOR 0x61
#define BIT_OF (u32) BIT(1)
#define UART_PIN 4
#define ENTRY(n) (u8)(0x10 + 2 * (n))
#define LEVEL 0x8000u
#define REMOTE_IRR 0x4000u
#define LOGICAL 0x800u
#define ASSERT 0x4000u

static u64 came, seen_irr, seen_remote;

/* Within the handler: the line falls and rises again, which must not be told before the EOI. */
static bool note_level(struct rt_frame *frame)
{
	if (frame->vector != VECTOR)
		return false;
	if (!came++) {
		board_uart_irq(false);
		board_uart_irq(true);
		*board_ioapic(ENTRY(UART_PIN)) = *board_ioapic(ENTRY(UART_PIN));
		seen_irr = *board_apic(BOARD_IRR_3);
		seen_remote = *board_ioapic(ENTRY(UART_PIN)) & REMOTE_IRR;
	} else {
		board_uart_irq(false);
	}
	*board_apic(EOI) = 0;
	return true;
}

/* A level on the I/O APIC: once until its EOI, again if it is still up. */
static void levels(void)
{
	u64 pending, trigger, remote, masked, unmasked;

	came = 0;
	board_uart_irq(false);
	*board_ioapic(ENTRY(UART_PIN) + 1) = *board_apic(0x20) & 0xff000000;
	*board_ioapic(ENTRY(UART_PIN)) = LEVEL | BOARD_MASKED | VECTOR;
	board_uart_irq(true);
	masked = *board_apic(BOARD_IRR_3);
	*board_ioapic(ENTRY(UART_PIN)) = LEVEL | VECTOR;
	unmasked = *board_apic(BOARD_IRR_3);
	pending = *board_ioapic(ENTRY(UART_PIN)) & REMOTE_IRR;
	trigger = *board_apic(BOARD_TMR_3);
	rt_hook = note_level;
	board_open();
	board_open();
	board_open();
	rt_hook = NULL;
	remote = *board_ioapic(ENTRY(UART_PIN)) & REMOTE_IRR;
	*board_ioapic(ENTRY(UART_PIN)) = BOARD_MASKED;
	board_uart_irq(false);
	census_number_manual("ioapic.level.masked", masked, 0);
	census_number_manual("ioapic.level.unmasked", unmasked, BIT_OF);
	census_number_manual("ioapic.level.remote", pending, REMOTE_IRR);
	census_number_manual("lapic.tmr", trigger, BIT_OF);
	census_number_manual("ioapic.level.waits", seen_irr, 0);
	census_number_manual("ioapic.level.in-service", seen_remote, REMOTE_IRR);
	census_number_manual("ioapic.level.twice", came, 2);
	census_number_manual("ioapic.level.ended", remote, 0);
}

static u64 ended;

static bool end_it(struct rt_frame *frame)
{
	if (frame->vector != VECTOR)
		return false;
	ended++;
	*board_apic(EOI) = 0;
	return true;
}

/* Did the message come?  It is taken then. */
static u64 arrived(void)
{
	u64 irr = *board_apic(BOARD_IRR_3) & BIT_OF;

	rt_hook = end_it;
	board_open();
	rt_hook = NULL;
	return irr;
}

static u64 send(u32 low, u32 destination)
{
	*board_apic(ICR_HIGH) = destination << 24;
	*board_apic(ICR) = low | ASSERT | VECTOR;
	return arrived();
}

static u64 edge_to(u32 low, u32 destination)
{
	board_uart_irq(false);
	*board_ioapic(ENTRY(UART_PIN) + 1) = destination << 24;
	*board_ioapic(ENTRY(UART_PIN)) = low | VECTOR;
	board_uart_irq(true);
	board_uart_irq(false);
	*board_ioapic(ENTRY(UART_PIN)) = BOARD_MASKED;
	return arrived();
}

/* [SDM] "Determining IPI Destination" (10.6.2) */
static void destinations(void)
{
	u32 id = *board_apic(0x20) >> 24;

	*board_apic(DFR) = ~0u;
	*board_apic(LDR) = 0x42000000;
	census_number_manual("lapic.to.id", send(0, id), BIT_OF);
	census_number_manual("lapic.to.other", send(0, id + 1), 0);
	census_number_manual("lapic.to.all", send(0, 0xff), BIT_OF);
	census_number_manual("lapic.to.flat", send(LOGICAL, 0x40), BIT_OF);
	census_number_manual("lapic.to.flat.other", send(LOGICAL, 0x81), 0);
	census_number_manual("lapic.to.others", send(0xc0000, 0), 0);
	census_number_manual("lapic.to.all-shorthand", send(0x80000, 0), BIT_OF);
	*board_apic(DFR) = 0x0fffffff;
	census_number_manual("lapic.to.cluster", send(LOGICAL, 0x42), BIT_OF);
	census_number_manual("lapic.to.cluster.bits", send(LOGICAL, 0x41), 0);
	census_number_manual("lapic.to.cluster.other", send(LOGICAL, 0x22), 0);
	census_number_manual("lapic.to.cluster.all", send(LOGICAL, 0xff), BIT_OF);
	*board_apic(DFR) = ~0u;
	census_number_manual("ioapic.to.id", edge_to(0, id), BIT_OF);
	census_number_manual("ioapic.to.other", edge_to(0, id + 1), 0);
	census_number_manual("ioapic.to.flat", edge_to(LOGICAL, 0x02), BIT_OF);
	census_number_manual("ioapic.to.flat.other", edge_to(LOGICAL, 0x01), 0);
	census_number_manual("ioapic.to.lowest", edge_to(LOGICAL | 0x100, 0x40), BIT_OF);
	*board_apic(LDR) = 0x01000000;
	census_number_manual("lapic.ldr", *board_apic(LDR), 0x01000000);
}

/* In periodic mode the count begins anew, and each end asks. */
static void periodic(void)
{
	u32 last = 0, count;
	bool again = false;

	*board_apic(BOARD_TIMER_DIVIDE) = 0xb;
	*board_apic(BOARD_LVT_TIMER) = 0x20000 | VECTOR;
	*board_apic(BOARD_TIMER_INITIAL) = 300000;
	for (unsigned i = 0; i < PATIENCE && !again; i++) {
		count = *board_apic(BOARD_TIMER_CURRENT);
		again = i && count > last;
		last = count;
	}
	ended = 0;
	for (unsigned i = 0; i < PATIENCE && ended < 3; i++)
		arrived();
	*board_apic(BOARD_TIMER_INITIAL) = 0;
	*board_apic(BOARD_LVT_TIMER) = BOARD_MASKED;
	census_number_manual("lapic.periodic.again", again, 1);
	/* A CPU that was away may find more than one behind the other. */
	census_number_manual("lapic.periodic.asks", MIN(ended, 3), 3);
	census_number_manual("lapic.timer.stopped", *board_apic(BOARD_TIMER_CURRENT), 0);
	arrived();
}

void census_apics(void)
{
	levels();
	destinations();
	periodic();
	rt_hook = NULL;
}
