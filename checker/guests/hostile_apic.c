/*
 * hostile_apic.c - the local APIC, the IOAPIC, and interrupts without end
 *
 * Must not know: who else has interrupts.
 *
 * Sources: [SDM] "Advanced Programmable Interrupt Controller (APIC)" (11).
 */
#include "hostile.h"
#include "x86_ops.h"

#define LAPIC 0xfee00000ull
#define LAPIC_TPR 0x80
#define LAPIC_SVR 0xf0
#define LAPIC_ICR 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LVT_EXTINT 0x700
#define LAPIC_LVT_LAST 0x370
#define LAPIC_INITIAL 0x380
#define LAPIC_DIVIDE 0x3e0
#define SVR_ON 0x1ff
#define DIVIDE_BY_1 0xb
#define MODE_SHIFT 8
#define MODE_INIT 5
#define PERIODIC BIT(17)
#define TIMER_SHIFT 17
#define MASKED BIT(16)
#define IOAPIC 0xfec00000ull
#define IOAPIC_DATA 0x10
#define IOAPIC_TABLE 0x10
#define IOAPIC_PINS 24
#define CPUID_1_ECX_X2APIC BIT(21)
#define X2APIC_ICR 0x830
#define STORM_MAX 3000
#define PATIENCE 10000000 /* times, until a storm must have begun */
#define PIT_COMMAND 0x43
#define PIT_CHANNEL0 0x40

static volatile u32 *lapic(u32 offset)
{
	return (volatile u32 *)(LAPIC + offset);
}

static void calm(void)
{
	for (u32 offset = LAPIC_LVT_TIMER; offset <= LAPIC_LVT_LAST; offset += 0x10)
		*lapic(offset) = MASKED;
	*lapic(LAPIC_LVT_LINT0) = LVT_EXTINT; /* as firmware leaves it: the PIC is masked */
	*lapic(LAPIC_INITIAL) = 0;
	*lapic(LAPIC_TPR) = 0;
	*lapic(LAPIC_SVR) = SVR_ON;
	rt_pic(0xffff);
}

static void take_pending(void)
{
	__asm__ volatile("sti; nop; nop; cli");
}

/* ---- Registers -------------------------------------------------------------------------- */

/* Every offset in every size.  Catches: an access that is no register's, or half of one. */
static void apic_page(struct tally *t)
{
	u64 value = 0;

	for (u32 offset = 0; offset < 4096; offset += 4) {
		u32 class = offset < 0x400 ? offset / 0x20 : 32 + offset / 0x200;

		RT_TRY("movl (%1), %k0", RT_OUT("+r"(value)), "r"(lapic(offset)));
		hostile_case(t, class, 0);
		if (offset == LAPIC_ICR || offset == LAPIC_ICR + 4)
			continue;
		RT_TRY("movl %k0, (%1)", RT_OUT(), "r"(rt_random() & 0xfffff0ff),
		       "r"(lapic(offset)));
		hostile_case(t, class, 1);
		RT_TRY("movb (%1), %b0", RT_OUT("+q"(value)), "r"(lapic(offset)));
		hostile_case(t, class, 2);
		RT_TRY("movq (%1), %0", RT_OUT("+r"(value)), "r"(lapic(offset & ~7u)));
		hostile_case(t, class, 3);
	}
	calm();
}

/* All delivery modes of all local vectors.  Catches: a mode that shifts by too much, SMI, INIT. */
static void apic_lvt(struct tally *t)
{
	for (u32 offset = LAPIC_LVT_TIMER; offset <= LAPIC_LVT_LAST; offset += 0x10)
		for (u32 mode = 0; mode < 8; mode++)
			for (u32 flags = 0; flags < 4; flags++) {
				u32 value = 0x42 | mode << MODE_SHIFT | (flags & 1) << 13 |
					    (flags & 2) << 14;

				*lapic(offset) = value | (u32)(mode == MODE_INIT ? MASKED : 0);
				take_pending();
				*lapic(offset) = MASKED;
				rt_vector = RT_NONE;
				hostile_case(t, offset, mode << 2 | flags);
			}
	calm();
}

/* Catches: a timer that divides by nothing, never stops, or fires more often than it can. */
static void apic_timer(struct tally *t)
{
	static const u32 counts[] = { 0, 1, 2, 0x1000, 0x80000000, ~0u };

	rt_vector = RT_NONE;
	for (u32 divide = 0; divide < 8; divide++)
		for (u32 mode = 0; mode < 4; mode++)
			for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
				*lapic(LAPIC_DIVIDE) = (divide & 3) | (divide & 4) << 1;
				*lapic(LAPIC_LVT_TIMER) = 0x41 | mode << TIMER_SHIFT;
				*lapic(LAPIC_INITIAL) = counts[i];
				x86_cpuid(0, 0);
				*lapic(LAPIC_LVT_TIMER) = (u32)MASKED;
				hostile_case(t, divide, mode << 3 | i);
			}
	calm();
	take_pending();
}

/* To where RAM is, to holes, to the sky; off and on; x2APIC in all orders. */
static void apic_base(struct tally *t)
{
	const u64 places[] = { 0,	   0x100000, rt_memory_end(), 0xa0000,
			       0xfffff000, GiB(4),   1ull << 39,      1ull << 51 };
	const u64 modes[] = { APIC_BASE_ENABLE,		 APIC_BASE_ENABLE | APIC_BASE_X2APIC,
			      APIC_BASE_X2APIC,		 0,
			      APIC_BASE_ENABLE | BIT(9), APIC_BASE_ENABLE | 1 };
	u64 old = x86_rdmsr(MSR_APIC_BASE), value = 0;

	for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
		for (unsigned m = 0; m < ARRAY_SIZE(modes); m++) {
			rt_wrmsr(MSR_APIC_BASE, places[p] | modes[m] | (old & APIC_BASE_BSP));
			hostile_case(t, p, m);
			RT_TRY("movl (%1), %k0", RT_OUT("+r"(value)),
			       "r"(rt_window(places[p] + 0x20)));
			hostile_case(t, p, m);
			rt_rdmsr(MSR_X2APIC_FIRST + 3, &value);
			hostile_case(t, p, m);
			rt_wrmsr(MSR_APIC_BASE, 0);
			rt_wrmsr(MSR_APIC_BASE, old);
		}
	hostile_bad(t, x86_rdmsr(MSR_APIC_BASE) != old, "APIC_BASE-does-not-come-back",
		    x86_rdmsr(MSR_APIC_BASE));
}

/*
 * Its MSRs, whether x2APIC exists here or not.  Catches: a register outside the array, or access
 * to the APIC of the machine itself.
 */
static void x2apic(struct tally *t)
{
	u64 old = x86_rdmsr(MSR_APIC_BASE), value;
	bool on;

	for (u32 msr = MSR_X2APIC_FIRST; msr <= MSR_X2APIC_LAST; msr += 0x10) {
		bool ok = rt_rdmsr(msr + 3, &value);

		hostile_case(t, msr / 0x10, 2);
		hostile_bad(t, ok && value, "x2APIC-while-off", msr + 3);
	}
	on = x86_cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC &&
	     rt_wrmsr(MSR_APIC_BASE, old | APIC_BASE_X2APIC);

	for (u32 msr = MSR_X2APIC_FIRST; msr <= MSR_X2APIC_LAST; msr++) {
		u32 class = msr < MSR_X2APIC_FIRST + 0x40 ? msr : msr / 0x10;
		bool ok = rt_rdmsr(msr, &value);

		hostile_case(t, class, 0);
		hostile_bad(t, ok && !on && value, "x2APIC-while-off", msr);
		for (unsigned i = 0; i < 3 && msr != X2APIC_ICR; i++) {
			rt_wrmsr(msr, i == 0 ? 0 : i == 1 ? rt_random() & 0xf0ff : ~0ull);
			hostile_case(t, class, 1);
		}
	}
	if (on) {
		rt_wrmsr(MSR_APIC_BASE, old & ~(APIC_BASE_X2APIC | APIC_BASE_ENABLE));
		rt_wrmsr(MSR_APIC_BASE, old);
	}
	calm();
	take_pending();
}

/*
 * Interrupts for everybody, in all delivery modes but INIT and SIPI, which would end us.  Catches:
 * an interrupt that reaches another machine, or none at all.
 */
static void icr(struct tally *t)
{
	static const u8 modes[] = { 0, 1, 2, 3, 4, 7 };
	u64 before = rt_interrupts;

	*lapic(LAPIC_SVR) = SVR_ON;
	rt_vector = RT_NONE;
	for (u32 shorthand = 0; shorthand < 4; shorthand++)
		for (u32 destination = 0; destination < 256; destination += 15)
			for (unsigned m = 0; m < ARRAY_SIZE(modes); m++)
				for (u32 flags = 0; flags < 16; flags += 3) {
					*lapic(LAPIC_ICR_HIGH) = destination << 24;
					*lapic(LAPIC_ICR) = 0x40 | (u32)modes[m] << 8 |
							    flags << 12 | shorthand << 18;
					hostile_case(t, shorthand << 4 | m, flags);
				}
	take_pending();
	hostile_bad(t, rt_interrupts == before, "no-interrupt-to-oneself", rt_interrupts);
}

/* ---- The IOAPIC --------------------------------------------------------------------------- */

static void ioapic_write(u32 index, u32 value)
{
	*(volatile u32 *)IOAPIC = index;
	*(volatile u32 *)(IOAPIC + IOAPIC_DATA) = value;
}

/* Catches: an index that is taken as it is. */
static void ioapic_registers(struct tally *t)
{
	u64 value = 0;

	for (u32 index = 0; index < 256; index++) {
		*(volatile u32 *)IOAPIC = index;
		RT_TRY("movl (%1), %k0", RT_OUT("+r"(value)), "r"(IOAPIC + IOAPIC_DATA));
		hostile_case(t, index / 4, 0);
		RT_TRY("movl %k0, (%1)", RT_OUT(), "r"(rt_random() | MASKED),
		       "r"(IOAPIC + IOAPIC_DATA));
		hostile_case(t, index / 4, 1);
		*(volatile u32 *)IOAPIC = (u32)rt_random(); /* the upper bits of an index */
		RT_TRY("movw (%1), %w0", RT_OUT("+r"(value)), "r"(IOAPIC + IOAPIC_DATA + 2));
		hostile_case(t, index / 4, 2);
	}
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic_write(IOAPIC_TABLE + 2 * pin, (u32)MASKED);
}

/* Lines of which the PIT's is live, in all modes.  Catches: an interrupt that loops. */
static void ioapic_lines(struct tally *t)
{
	rt_vector = RT_NONE;
	*lapic(LAPIC_SVR) = SVR_ON;
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++)
		for (u32 mode = 0; mode < 8; mode++) {
			if (mode == MODE_INIT)
				continue;
			ioapic_write(IOAPIC_TABLE + 2 * pin + 1, (u32)rt_random() & 0xff000000);
			ioapic_write(IOAPIC_TABLE + 2 * pin,
				     0x43 | mode << MODE_SHIFT | (pin & 1) << 15);
			take_pending();
			ioapic_write(IOAPIC_TABLE + 2 * pin, (u32)MASKED);
			hostile_case(t, pin, mode);
		}
}

/* ---- Interrupts without end ---------------------------------------------------------------- */

static u64 storm_began, storm_max;
static bool storm_echo; /* each interrupt sends the next one */

/* Interrupts may come faster than we can take them: then this handler is all that ever runs. */
static bool weather(struct rt_frame *frame)
{
	if (frame->vector < 32)
		return false;
	if (rt_interrupts - storm_began > storm_max) {
		storm_echo = false;
		calm();
	}
	if (storm_echo)
		*lapic(LAPIC_ICR) = 0x44 | BIT(18); /* to itself */
	return false;
}

#define FROM_LAPIC 1
#define FROM_PIT 2
#define FROM_ITSELF 4

static void start_storm(unsigned from, u64 period)
{
	storm_began = rt_interrupts;
	storm_max = hostile_some(STORM_MAX) + 100;
	storm_echo = from & FROM_ITSELF;
	*lapic(LAPIC_SVR) = SVR_ON;
	if (from & FROM_LAPIC) {
		*lapic(LAPIC_DIVIDE) = DIVIDE_BY_1;
		*lapic(LAPIC_LVT_TIMER) = 0x41 | PERIODIC;
		*lapic(LAPIC_INITIAL) = (u32)(25 * period);
	}
	if (from & FROM_PIT) {
		rt_pic(0xfffe);
		x86_outb(PIT_COMMAND, 0x34);
		x86_outb(PIT_CHANNEL0, (u8)period);
		x86_outb(PIT_CHANNEL0, (u8)(period >> 8));
	}
	if (from & FROM_ITSELF)
		*lapic(LAPIC_ICR) = 0x44 | BIT(18);
}

/*
 * period=N counts of the PIT: the shortest is 2, 1.7 us, which on a slow machine is less than an
 * exit.  Catches: timers that are served at another guest's expense.
 */
static void interrupt_storm(struct tally *t)
{
	u64 period = rt_number("period", 2);

	rt_hook = weather;
	for (unsigned from = 1; from < 8; from++) {
		u64 before = rt_interrupts;

		start_storm(from, period);
		rt_vector = RT_NONE;
		for (u64 i = hostile_some(from == 3 ? 2000 : 300); i; i--) {
			__asm__ volatile("sti; nop; cli");
			hostile_case(t, from, 0);
		}
		for (unsigned i = 0; i < PATIENCE && rt_interrupts == before; i++)
			__asm__ volatile("sti; nop; cli");
		storm_echo = false;
		calm();
		take_pending();
		hostile_bad(t, rt_interrupts == before, "no-interrupt", from);
	}
	rt_hook = NULL;
}

static const struct attack attacks[] = {
	{ "apic-page", apic_page, true },
	{ "apic-lvt", apic_lvt, true },
	{ "apic-timer", apic_timer, true },
	{ "apic-base", apic_base, true },
	{ "x2apic", x2apic, true },
	{ "icr", icr, true },
	{ "ioapic-registers", ioapic_registers, true },
	{ "ioapic-lines", ioapic_lines, true },
};

const struct attack_list hostile_apic = ATTACKS(attacks);

static const struct attack last[] = { { "interrupt-storm", interrupt_storm, true } };

const struct attack_list hostile_last = ATTACKS(last);
