/* tsc.c - see tsc.h */
#include "type1/tsc.h"

#include "lib/fmt.h"
#include "type1/apic.h"
#include "type1/cpu.h"
#include "x86_ops.h"

#define NS_PER_S 1000000000ull

#define PIT_HZ 1193182ull
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_CHANNEL2_MODE0 0xb0 /* low byte then high byte, interrupt on terminal count */
#define PIT_CHANNEL2_LATCH 0x80
#define PORT_61 0x61
#define PORT_61_GATE2 BIT(0)
#define PORT_61_SPEAKER BIT(1)
#define PORT_61_OUT2 BIT(5)
#define MEASURE_TICKS 23864 /* about 20 ms; all of its 16 bits are 55 ms */
#define MEASURE_PATIENCE 5000000u /* polls of several bus cycles: seconds, if the PIT stands */
#define MEASURE_TRIES 8
#define SAMPLES 16

#define APIC_MAX 0xffffffffu

#define SYNC_ROUNDS 8

static struct {
	u64 hz, apic_hz;
	u64 base; /* boot CPU's TSC at host_now() == 0 */
	u64 to_ns; /* nanoseconds per tick, in units of 2^-32 */
	u64 to_apic; /* APIC timer ticks per nanosecond, in units of 2^-32 */
	u64 epoch; /* host_epoch */
} clock;

/* ---- The functions of host.h ----------------------------------------------------------- */

u64 host_tsc(void)
{
	return x86_rdtsc() + cpu_this()->tsc_offset;
}

u64 host_tsc_hz(void)
{
	return clock.hz;
}

u64 host_tsc_to_ns(u64 tsc)
{
	return (u64)((unsigned __int128)(tsc - clock.base) * clock.to_ns >> 32);
}

u64 host_now(void)
{
	return host_tsc_to_ns(host_tsc());
}

u64 host_epoch(void)
{
	return clock.epoch;
}

u32 tsc_apic_ticks(u64 ns)
{
	unsigned __int128 ticks = ((unsigned __int128)ns * clock.to_apic >> 32) + 1;

	return ticks > APIC_MAX ? APIC_MAX : (u32)ticks;
}

void tsc_delay_us(u64 us)
{
	u64 end = host_now() + us * 1000;

	while (host_now() < end)
		x86_pause();
}

/* ---- Calibration --------------------------------------------------------------------------- */

/* A measurement is good to three digits or so: take off what it cannot know. */
static u64 round_hz(u64 hz)
{
	u64 step = 1;

	while (step * 10 <= hz / 1000)
		step *= 10;
	return (hz + step / 2) / step * step;
}

/* All three counters at one moment, as near as one can get. */
struct sample {
	u64 tsc, width; /* in the middle of reading, which took so many ticks */
	u32 apic;
	u16 pit;
};

static struct sample read_counters(void)
{
	struct sample s;
	u64 before = x86_rdtsc();
	u8 low;

	x86_outb(PIT_COMMAND, PIT_CHANNEL2_LATCH);
	s.apic = apic_timer_count();
	low = x86_inb(PIT_CHANNEL2);
	s.pit = (u16)(low | x86_inb(PIT_CHANNEL2) << 8);
	s.width = x86_rdtsc() - before;
	s.tsc = before + s.width / 2;
	return s;
}

/* The best of several: whoever runs beside us (an emulator's other threads) lengthens the rest. */
static struct sample sample(void)
{
	struct sample best = read_counters();

	for (unsigned i = 1; i < SAMPLES; i++) {
		struct sample s = read_counters();

		if (s.width < best.width)
			best = s;
	}
	return best;
}

/* Load channel 2, gate open, speaker off. */
static void start_pit(void)
{
	u8 gate = x86_inb(PORT_61);

	x86_outb(PORT_61, (u8)((gate & ~PORT_61_SPEAKER) | PORT_61_GATE2));
	x86_outb(PIT_COMMAND, PIT_CHANNEL2_MODE0);
	x86_outb(PIT_CHANNEL2, 0xff);
	x86_outb(PIT_CHANNEL2, 0xff);
	apic_timer_start(~0u);
}

/*
 * Count TSC and APIC ticks while channel 2 counts down.  False: it does not, or it ran out before
 * we looked again, so that it may have gone round.
 */
static bool measure(void)
{
	unsigned patience = MEASURE_PATIENCE;
	struct sample first, last;
	u16 ticks;

	start_pit();
	first = sample();
	do
		last = read_counters();
	while ((u16)(first.pit - last.pit) < MEASURE_TICKS && --patience);
	last = sample();
	apic_timer_start(0);
	ticks = (u16)(first.pit - last.pit);
	if (!patience || x86_inb(PORT_61) & PORT_61_OUT2)
		return false;
	clock.hz = round_hz((last.tsc - first.tsc) * PIT_HZ / ticks);
	clock.apic_hz = round_hz((first.apic - last.apic) * PIT_HZ / ticks);
	return clock.hz && clock.apic_hz;
}

/* CPUID leaf 15H: the crystal's frequency, and TSC = crystal * ebx / eax.  False: not told. */
static bool ask_cpuid(void)
{
	struct cpuid_regs r;

	if (x86_cpuid(0, 0).eax < 0x15)
		return false;
	r = x86_cpuid(0x15, 0);
	if (!r.eax || !r.ebx || !r.ecx)
		return false;
	clock.hz = (u64)r.ecx * r.ebx / r.eax;
	clock.apic_hz = r.ecx;
	return true;
}

static bool calibrate(void)
{
	for (unsigned i = 0; i < MEASURE_TRIES; i++)
		if (measure())
			return true;
	return ask_cpuid();
}

/* ---- The wall clock ------------------------------------------------------------------------- */

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_STATUS_A 0x0a
#define CMOS_STATUS_B 0x0b
#define CMOS_UPDATING BIT(7)
#define CMOS_BINARY BIT(2)
#define CMOS_24_HOURS BIT(1)
#define CMOS_PM BIT(7)
#define CMOS_PATIENCE 100000

static u8 cmos(u8 index)
{
	x86_outb(CMOS_INDEX, index);
	return x86_inb(CMOS_DATA);
}

static unsigned number(u8 value, bool binary)
{
	return binary ? value : (value >> 4) * 10u + (value & 15u);
}

static u64 days_before(unsigned year, unsigned month, unsigned day)
{
	static const u16 before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	unsigned leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) && month > 2;
	unsigned past = year - 1;

	return (u64)(year - 1970) * 365 + (past / 4 - past / 100 + past / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400) + before[(month - 1) % 12] + leap + day - 1;
}

/* Seconds since 1970; the chip's years are this century's. */
static u64 read_clock(void)
{
	bool binary, hours24;
	unsigned patience = CMOS_PATIENCE, hour;
	u64 epoch;
	u8 raw_hour, second;

	do {
		while (cmos(CMOS_STATUS_A) & CMOS_UPDATING && --patience)
			x86_pause();
		binary = cmos(CMOS_STATUS_B) & CMOS_BINARY;
		hours24 = cmos(CMOS_STATUS_B) & CMOS_24_HOURS;
		second = cmos(0);
		raw_hour = cmos(4);
		hour = number(raw_hour & ~(hours24 ? 0 : CMOS_PM), binary);
		if (!hours24)
			hour = hour % 12 + (raw_hour & CMOS_PM ? 12 : 0);
		epoch = days_before(2000 + number(cmos(9), binary), number(cmos(8), binary),
				    number(cmos(7), binary)) * 86400 +
			hour * 3600ull + number(cmos(2), binary) * 60ull + number(second, binary);
	} while (cmos(0) != second && --patience);
	return epoch;
}

int tsc_init(char *error, size_t size)
{
	if (!calibrate()) {
		fmt_string(error, size,
			   "no clock: the PIT does not count, and CPUID tells no frequency");
		return -HOST_ENOTSUP;
	}
	clock.to_ns = (NS_PER_S << 32) / clock.hz;
	clock.to_apic = (clock.apic_hz << 32) / NS_PER_S;
	clock.base = x86_rdtsc();
	clock.epoch = read_clock();
	return 0;
}

/* ---- Several CPUs --------------------------------------------------------------------------- */

/* The boot CPU writes a round's number to ask; the other one its counter, then the number. */
static struct {
	u64 counter;
	u32 asked, answered;
} sync;

void tsc_sync_answer(void)
{
	for (u32 round = 1; round <= SYNC_ROUNDS; round++) {
		while (__atomic_load_n(&sync.asked, __ATOMIC_ACQUIRE) != round)
			x86_pause();
		sync.counter = x86_rdtsc();
		__atomic_store_n(&sync.answered, round, __ATOMIC_RELEASE);
	}
}

s64 tsc_sync_ask(void)
{
	u64 shortest = ~0ull;
	s64 offset = 0;

	__atomic_store_n(&sync.answered, 0, __ATOMIC_RELEASE);
	for (u32 round = 1; round <= SYNC_ROUNDS; round++) {
		u64 before = x86_rdtsc(), after;

		__atomic_store_n(&sync.asked, round, __ATOMIC_RELEASE);
		while (__atomic_load_n(&sync.answered, __ATOMIC_ACQUIRE) != round)
			x86_pause();
		after = x86_rdtsc();
		/* An answer from between the two readings cannot be told from a perfect one. */
		if (sync.counter >= before && sync.counter <= after) {
			offset = 0;
			shortest = 0;
		} else if (after - before < shortest) {
			offset = (s64)(before + (after - before) / 2 - sync.counter);
			shortest = after - before;
		}
	}
	__atomic_store_n(&sync.asked, 0, __ATOMIC_RELEASE);
	return offset;
}
