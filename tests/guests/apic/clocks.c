/*
 * clocks.c - the clocks of a PC against each other; the RTC's interrupts; retrace
 *
 * Sources: Intel, "8254" (231164); Motorola, "MC146818"; [ACPI] "Power Management Timer" (4.8.3.3).
 */
#include "apic.h"

#define PIT_HZ 1193182ull
#define PM_HZ 3579545ull
#define RTC_INDEX 0x70
#define RTC_DATA 0x71

static u16 pm_port;

static u8 cmos(u8 reg)
{
	x86_outb(RTC_INDEX, reg);
	return x86_inb(RTC_DATA);
}

static void cmos_set(u8 reg, u8 v)
{
	x86_outb(RTC_INDEX, reg);
	x86_outb(RTC_DATA, v);
}

static void pit2_start(unsigned count)
{
	x86_outb(0x61, (u8)(x86_inb(0x61) & ~3u));
	x86_outb(0x43, 0xb0);
	x86_outb(0x42, (u8)count);
	x86_outb(0x42, (u8)(count >> 8));
	x86_outb(0x61, (u8)((x86_inb(0x61) & ~3u) | 1));
}

static bool pit2_done(void)
{
	return x86_inb(0x61) & 0x20;
}

static void find_pm(void)
{
	u32 v;

	/* PIIX4 power management: function 3 of device 1, PMBASE. */
	for (u32 fn = 0; fn < 8; fn++) {
		x86_outl(0xcf8, 0x80000800u | fn << 8);
		v = x86_inl(0xcfc);
		if (v != 0x71138086)
			continue;
		x86_outl(0xcf8, 0x80000800u | fn << 8 | 0x40);
		pm_port = (u16)((x86_inl(0xcfc) & 0xffc0) + 8);
	}
}

static bool near(u64 a, u64 b, u64 permille)
{
	u64 d = a > b ? a - b : b - a;

	return d * 1000 <= b * permille;
}

static void check_rates(void)
{
	u64 tsc, ns = 40000ull * 1000000000 / PIT_HZ;
	u32 apic, pm = 0;

	find_pm();
	apic_write(APIC_LVT_TIMER, LVT_MASK | 0x81);
	pit2_start(40000);
	apic_write(APIC_INITIAL, ~0u);
	tsc = x86_rdtsc();
	if (pm_port)
		pm = x86_inl(pm_port);
	for (u64 i = 0; i < 100ull * PATIENCE && !pit2_done(); i++)
		x86_pause();
	tsc = x86_rdtsc() - tsc;
	apic = ~0u - apic_read(APIC_CURRENT);
	if (pm_port)
		pm = (x86_inl(pm_port) - pm) & 0xffffff;
	apic_write(APIC_INITIAL, 0);
	rt_print("# TSC %lu APIC %u PM %u in %lu ns\n", tsc, apic, pm, ns);
	good(!pm_port || near(pm, PM_HZ * 40000 / PIT_HZ, 50),
	     "PM timer agrees with the PIT (%u)", pm);
	good(apic <= tsc + tsc / 50,
	     "the APIC timer is not faster than the TSC (%u, %lu)", apic, tsc);
}

static u64 pit_polls(void)
{
	u8 last = x86_inb(0x61) & 0x10;
	u64 toggles = 0;

	for (unsigned i = 0; i < 1000; i++) {
		u8 now = x86_inb(0x61) & 0x10;

		toggles += now != last;
		last = now;
	}
	return toggles;
}

static volatile unsigned rtc_flags;

static void on_rtc(unsigned vector UNUSED)
{
	rtc_flags |= cmos(0xc);
	apic_eoi();
}

/* By pin 8 of the IOAPIC, edge. */
static void check_rtc(void)
{
	volatile u32 *select = (volatile u32 *)0xfec00000, *window = (volatile u32 *)0xfec00010;
	u64 toggles = pit_polls();
	u8 a = cmos(0xa), b = cmos(0xb);
	unsigned uip = 0;

	good(toggles > 10, "the refresh bit toggles (%lu)", toggles);
	value("RTC A 0x%x B 0x%x D 0x%x", a & 0x7f, b, cmos(0xd));
	*select = 0x10 + 2 * 8 + 1;
	*window = apic_read(APIC_ID);
	*select = 0x10 + 2 * 8;
	*window = 0x99;
	cmos(0xc);
	log_clear();
	log_hook = on_rtc;
	rtc_flags = 0;
	cmos_set(0xa, 0x26); /* 1024 Hz */
	cmos_set(0xb, (u8)(b | 0x40));
	log_halt(20);
	good(log_count == 20, "periodic interrupts of the RTC (%u)", log_count);
	good(rtc_flags == 0xc0 || rtc_flags == 0xd0, "flags IRQF and PF (0x%x)", rtc_flags);
	cmos_set(0xb, b);
	cmos(0xc);
	log_open();
	log_clear();
	rtc_flags = 0;
	cmos_set(0xb, (u8)(b | 0x10));
	log_halt(1);
	good(log_count && rtc_flags & 0x10, "an update interrupt (0x%x)", rtc_flags);
	/* Nearly a second later, the next update is not far. */
	log_clear();
	cmos_set(0xa, 0x2a); /* 64 Hz */
	cmos_set(0xb, (u8)(b | 0x40));
	log_halt(61);
	cmos_set(0xb, b);
	cmos_set(0xa, 0x26);
	for (u64 i = 0; i < 20ull * PATIENCE && !uip; i++)
		uip = cmos(0xa) & 0x80;
	good(uip, "an update is announced");
	cmos(0xc);
	log_hook = NULL;
	*window = 0x10000;
}

static void check_retrace(void)
{
	unsigned on = 0, off = 0;

	for (unsigned i = 0; i < PATIENCE && !(on && off); i++) {
		if (x86_inb(0x3da) & 8)
			on++;
		else
			off++;
	}
	value("retrace comes and goes %u", on && off);
}

void check_clocks(void)
{
	apic_quiet(false);
	check_rates();
	check_rtc();
	check_retrace();
	apic_quiet(false);
}
