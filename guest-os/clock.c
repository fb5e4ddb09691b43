/*
 * clock.c - time
 *
 * Owns: the calibrated TSC as the time, and each processor's alarm, which a timer drives.  There is
 * no periodic tick: an interrupt comes when somebody asked for it.
 * Must not know: who sleeps, who runs (sched.c).
 */
#include "clock.h"

#include "compiler.h"
#include "cpu.h"
#include "lapic.h"
#include "pic.h"
#include "pit.h"
#include "print.h"
#include "sched.h"
#include "trap.h"
#include "x86_ops.h"

#define CALIBRATION_MS 10
#define CALIBRATION_COUNT (PIT_HZ / 1000 * CALIBRATION_MS)
#define CALIBRATION_TRIES 20
#define LONGEST_COUNT 0xffff /* 55 ms */
#define SAMPLE_TRIES 8

struct timer {
	void (*arm)(u64 us);
	void (*disarm)(void);
	u64 longest_us;
};

static const struct timer lapic_timer = { lapic_arm, lapic_disarm, 1000000 };
static const struct timer pit_timer = { pit_arm, pit_disarm, PIT_ARM_MAX_US };

static const struct timer *boot_timer; /* all other processors use their LAPICs */
static struct clock_facts facts;
static u64 tsc_start;

static const struct timer *timer_of(const struct cpu *cpu)
{
	return cpu->index ? &lapic_timer : boot_timer;
}

/* What all clocks showed at one moment, which took so many TSC counts. */
struct sample {
	u64 took, tsc;
	u32 lapic;
	u16 pit;
};

/* A machine that is busy elsewhere may pause between two readings: take the closest ones. */
static struct sample sample(void)
{
	struct sample best = { .took = ~0ull };

	for (int i = 0; i < SAMPLE_TRIES; i++) {
		struct sample s = { .tsc = x86_rdtsc() };

		s.lapic = lapic_present() ? lapic_read(LAPIC_TIMER_CURRENT) : 0;
		s.pit = pit_gated_count();
		s.took = x86_rdtsc() - s.tsc;
		if (s.took < best.took)
			best = s;
	}
	return best;
}

/* Between two samples lie at least CALIBRATION_MS.  False if the PIT's count ran out. */
static bool measure(void)
{
	struct sample begin, end;
	u64 counts;

	if (lapic_present())
		lapic_write(LAPIC_TIMER_INITIAL, ~0u);
	pit_gated_start(PIT_AT_ONCE, LONGEST_COUNT, true);
	sample(); /* it takes the PIT a clock or two to begin */
	begin = sample();
	do
		end = sample();
	while (!pit_gated_output() && begin.pit - end.pit < CALIBRATION_COUNT);
	if (pit_gated_output())
		return false;
	counts = (u64)(begin.pit - end.pit);
	facts.tsc_khz = (end.tsc - begin.tsc) * PIT_HZ / counts / 1000;
	facts.lapic_khz = (u64)(begin.lapic - end.lapic) * PIT_HZ / counts / 1000;
	return true;
}

static void calibrate(void)
{
	int tries = 0;

	while (!measure())
		if (++tries == CALIBRATION_TRIES)
			panic("the PIT's channel 2 is of no use to measure time");
	lapic_set_rate(facts.lapic_khz);
}

static void pit_interrupt(struct trap_frame *frame UNUSED)
{
	facts.pit_ticks++;
	pic_eoi(PIT_IRQ);
	sched_tick();
}

static void lapic_interrupt(struct trap_frame *frame UNUSED)
{
	facts.lapic_ticks++;
	lapic_eoi();
	sched_tick();
}

static void spurious_interrupt(struct trap_frame *frame UNUSED)
{
}

void clock_init(void)
{
	if (lapic_present())
		lapic_init();
	trap_set(LAPIC_SPURIOUS_VECTOR, spurious_interrupt);
	calibrate();
	tsc_start = x86_rdtsc();
	trap_set(PIC_VECTOR + PIT_IRQ, pit_interrupt);
	trap_set(LAPIC_TIMER_VECTOR, lapic_interrupt);
	clock_use_pit(!lapic_present());
}

void clock_use_pit(bool pit)
{
	if (lapic_present())
		lapic_disarm();
	pit_disarm();
	cpu_table[0].alarm = false;
	facts.pit = pit;
	boot_timer = pit ? &pit_timer : &lapic_timer;
	if (pit)
		pic_unmask(PIT_IRQ);
	else
		pic_mask(PIT_IRQ);
}

u64 clock_us(void)
{
	u64 tsc = x86_rdtsc() - tsc_start;

	return tsc / facts.tsc_khz * 1000 + tsc % facts.tsc_khz * 1000 / facts.tsc_khz;
}

void clock_delay(u64 us)
{
	for (u64 end = clock_us() + us; clock_us() < end;)
		x86_pause();
}

void clock_alarm(u64 at_us)
{
	struct cpu *cpu = cpu_this();
	const struct timer *timer = timer_of(cpu);
	u64 now = clock_us();

	if (at_us == CLOCK_NEVER && cpu->alarm)
		timer->disarm();
	if (at_us != CLOCK_NEVER)
		timer->arm(at_us > now ? MIN(at_us - now, timer->longest_us) : 1);
	cpu->alarm = at_us != CLOCK_NEVER;
}

struct clock_facts clock_facts(void)
{
	return facts;
}
