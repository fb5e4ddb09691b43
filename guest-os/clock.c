/*
 * clock.c - time
 *
 * Owns: the calibrated TSC as the time, and the alarm, which one of two timers drives.  There is
 * no periodic tick: an interrupt comes when somebody asked for it.
 * Must not know: who sleeps, who runs (sched.c).
 */
#include "clock.h"

#include "compiler.h"
#include "lapic.h"
#include "pic.h"
#include "pit.h"
#include "sched.h"
#include "trap.h"
#include "x86_ops.h"

#define CALIBRATION_MS 10
#define CALIBRATION_TRIES 3

struct timer {
	void (*arm)(u64 us);
	void (*disarm)(void);
	u64 longest_us;
};

static const struct timer lapic_timer = { lapic_arm, lapic_disarm, 1000000 };
static const struct timer pit_timer = { pit_arm, pit_disarm, PIT_ARM_MAX_US };

static const struct timer *timer;
static struct clock_facts facts;
static u64 tsc_start;
static bool armed;

/* How far the TSC and the LAPIC timer get in CALIBRATION_MS of the PIT. */
static void measure(u64 *tsc, u64 *lapic)
{
	u64 before;

	if (lapic_present())
		lapic_write(LAPIC_TIMER_INITIAL, ~0u);
	before = x86_rdtsc();
	pit_gated_start(PIT_AT_ONCE, PIT_HZ * CALIBRATION_MS / 1000, true);
	while (!pit_gated_output())
		x86_pause();
	*tsc = x86_rdtsc() - before;
	*lapic = lapic_present() ? ~0u - lapic_read(LAPIC_TIMER_CURRENT) : 0;
}

/* Whatever disturbs a measurement makes it longer: the shortest is the best. */
static void calibrate(void)
{
	u64 best_tsc = ~0ull, best_lapic = ~0ull, tsc, lapic;

	for (int i = 0; i < CALIBRATION_TRIES; i++) {
		measure(&tsc, &lapic);
		best_tsc = MIN(best_tsc, tsc);
		best_lapic = MIN(best_lapic, lapic);
	}
	facts.tsc_khz = MAX(best_tsc / CALIBRATION_MS, 1ull);
	facts.lapic_khz = best_lapic / CALIBRATION_MS;
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
	armed = false;
	facts.pit = pit;
	timer = pit ? &pit_timer : &lapic_timer;
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
	u64 now = clock_us();

	if (at_us == CLOCK_NEVER && armed)
		timer->disarm();
	if (at_us != CLOCK_NEVER)
		timer->arm(at_us > now ? MIN(at_us - now, timer->longest_us) : 1);
	armed = at_us != CLOCK_NEVER;
}

struct clock_facts clock_facts(void)
{
	return facts;
}
