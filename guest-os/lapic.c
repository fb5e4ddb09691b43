/*
 * lapic.c - the CPU's own interrupt controller
 *
 * Owns: the local APIC in xAPIC mode (memory-mapped), and its timer.
 * Must not know: what time it is.
 *
 * Source: [SDM] "Advanced Programmable Interrupt Controller (APIC)" (10).
 */
#include "lapic.h"

#include "compiler.h"
#include "page.h"
#include "x86_ops.h"

#define CPUID_1_EDX_APIC BIT(9)
#define SVR_ENABLE BIT(8)
#define LVT_EXTINT (7u << 8)
#define LVT_NMI (4u << 8)
#define DIVIDE_BY_16 3
#define ID_SHIFT 24

static u64 rate; /* counts of the timer in a millisecond */

static volatile u32 *address_of(u32 reg)
{
	return page_at(APIC_DEFAULT_BASE + reg);
}

u32 lapic_read(enum lapic_register reg)
{
	return *address_of(reg);
}

void lapic_write(enum lapic_register reg, u32 value)
{
	*address_of(reg) = value;
}

u32 lapic_id(void)
{
	return lapic_read(LAPIC_ID) >> ID_SHIFT;
}

bool lapic_present(void)
{
	return x86_cpuid(1, 0).edx & CPUID_1_EDX_APIC;
}

void lapic_init(void)
{
	x86_wrmsr(MSR_APIC_BASE, (x86_rdmsr(MSR_APIC_BASE) & BITS(11, 0)) | APIC_DEFAULT_BASE |
					 APIC_BASE_ENABLE);
	lapic_write(LAPIC_SVR, SVR_ENABLE | LAPIC_SPURIOUS_VECTOR);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_LINT0,
		    x86_rdmsr(MSR_APIC_BASE) & APIC_BASE_BSP ? LVT_EXTINT : LAPIC_LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	lapic_write(LAPIC_LVT_TIMER, LAPIC_TIMER_VECTOR);
	lapic_disarm();
}

void lapic_set_rate(u64 counts_per_ms)
{
	rate = counts_per_ms;
}

void lapic_arm(u64 us)
{
	u64 counts = MIN(us, 1000000ull) * rate / 1000 + 1;

	lapic_write(LAPIC_TIMER_INITIAL, (u32)MIN(counts, 0xffffffffull));
}

void lapic_disarm(void)
{
	lapic_write(LAPIC_TIMER_INITIAL, 0);
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

void lapic_send(u32 id, u32 command)
{
	while (lapic_read(LAPIC_ICR_LOW) & LAPIC_ICR_PENDING)
		x86_pause();
	lapic_write(LAPIC_ICR_HIGH, id << ID_SHIFT);
	lapic_write(LAPIC_ICR_LOW, command);
}

/* 256 bits in eight registers, 16 bytes apart. */
static bool bit_in(u32 first, unsigned vector)
{
	return *address_of(first + vector / 32 * 16) >> vector % 32 & 1;
}

bool lapic_requested(unsigned vector)
{
	return bit_in(LAPIC_IRR, vector);
}

bool lapic_in_service(unsigned vector)
{
	return bit_in(LAPIC_ISR, vector);
}
