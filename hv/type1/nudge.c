/* nudge.c - see nudge.h */
#include "type1/nudge.h"

#include "host.h"
#include "type1/ioapic.h"
#include "x86_ops.h"

#define PIT_IRQ 0
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define PIT_CHANNEL0_MODE2 0x34 /* low byte then high byte, rate generator */
#define PIT_DIVISOR 2386 /* 500 Hz */
#define ALL_CPUS 0xff /* physical destination: every APIC */

static bool needed;
static struct host_lock lock;
static u64 wanted; /* a bit for each CPU */

_Static_assert(HOST_MAX_CPUS <= 64, "wanted has a bit for each CPU");

bool nudge_init(void)
{
	x86_outb(PIT_COMMAND, PIT_CHANNEL0_MODE2);
	x86_outb(PIT_CHANNEL0, PIT_DIVISOR & 0xff);
	x86_outb(PIT_CHANNEL0, PIT_DIVISOR >> 8);
	needed = ioapic_route_isa_nmi(PIT_IRQ, ALL_CPUS);
	ioapic_mask_isa(PIT_IRQ);
	return needed;
}

bool nudge_needed(void)
{
	return needed;
}

void nudge_want(unsigned cpu)
{
	if (!needed || READ_ONCE(wanted) & BIT(cpu))
		return;
	host_lock(&lock);
	if (!wanted)
		ioapic_route_isa_nmi(PIT_IRQ, ALL_CPUS);
	wanted |= BIT(cpu);
	host_unlock(&lock);
}

void nudge_done(unsigned cpu)
{
	if (!needed || !(READ_ONCE(wanted) & BIT(cpu)))
		return;
	host_lock(&lock);
	wanted &= ~BIT(cpu);
	if (!wanted)
		ioapic_mask_isa(PIT_IRQ);
	host_unlock(&lock);
}
