/*
 * lapic_timer.c - the local APIC's timer
 *
 * Owns: count, divisor, TSC deadline, and the alarm behind them.
 * Must not know: how the timer's interrupt is delivered (lapic_fire_lvt).
 *
 * Source: [SDM] vol. 3 "APIC Timer" (12.5.4), "TSC-Deadline Mode" (12.5.4.1).
 *
 * Nothing counts: the current count is worked out from the time at which the initial
 * count was loaded.  An alarm is set only while an interrupt could come of it.
 *
 * Missed ticks: expiries while the entry is masked are lost, as on hardware; several
 * that pass before the alarm is served, or closer than LAPIC_MIN_PERIOD_NS, are one.
 * Switching between one-shot and periodic leaves the count running; to or from
 * TSC-deadline mode disarms.
 */
#include "dev/lapic_regs.h"

#define NEVER (~0ull)
#define DIVIDE_MAX_SHIFT 7

static u64 now_ns(const struct lapic *l)
{
	return l->bus->now(l->bus);
}

enum timer_mode lapic_timer_mode(const struct lapic *l)
{
	return (enum timer_mode)(l->lvt[LAPIC_LVT_TIMER] >> LVT_TIMER_MODE_SHIFT & 3);
}

/* Bits 0, 1, 3 of the divide register: 0 divides by 2, 1 by 4, ..., 6 by 128, 7 by 1. */
static unsigned divide_shift(const struct lapic *l)
{
	unsigned code = (l->timer_divide & 3) | (l->timer_divide >> 1 & 4);

	return (code + 1) & 7;
}

static bool counting(const struct lapic *l)
{
	enum timer_mode mode = lapic_timer_mode(l);

	return l->timer_running && (mode == TIMER_ONE_SHOT || mode == TIMER_PERIODIC);
}

/* Of one count. */
static u64 count_ns(const struct lapic *l)
{
	return (u64)l->config.tick_ns << divide_shift(l);
}

static u64 period_ns(const struct lapic *l)
{
	return l->timer_initial * count_ns(l);
}

u32 lapic_timer_count(const struct lapic *l)
{
	u64 ticks = (now_ns(l) - l->timer_start) / count_ns(l);

	if (!counting(l))
		return 0;
	if (lapic_timer_mode(l) == TIMER_PERIODIC)
		return l->timer_initial - (u32)(ticks % l->timer_initial);
	return ticks < l->timer_initial ? l->timer_initial - (u32)ticks : 0;
}

/* The time of the TSC deadline: 0 if it is past, NEVER if there is none. */
static u64 deadline_ns(const struct lapic *l)
{
	if (!l->tsc_deadline)
		return NEVER;
	if (l->ops->tsc(l->ctx) >= l->tsc_deadline)
		return 0;
	return l->ops->tsc_to_ns(l->ctx, l->tsc_deadline);
}

/*
 * The time in ns of the first expiry after l->timer_told that interrupts, or NEVER.
 *
 * In TSC-deadline mode, that of the deadline (deadline_ns), whatever else is set.  Else there is
 * none if the timer does not count (counting), or if its LVT entry is masked.  In one-shot mode it
 * is period_ns after timer_start, and past if timer_told is not before that.  In periodic
 * mode expiries are timer_start + n * period_ns, n = 1, 2, .. : they depend on the start alone,
 * so that a late one delays none behind it.  Where the period is shorter than
 * LAPIC_MIN_PERIOD_NS, those that lie less than that after timer_told are left out.
 *
 * timer_start may have wrapped around (see lapic_timer_possible): differences are right, order
 * is not.  [SDM] "APIC Timer" (12.5.4)
 */
static u64 next_expiry(const struct lapic *l)
{
	u64 period = period_ns(l), told = l->timer_told - l->timer_start, wait;

	if (lapic_timer_mode(l) == TIMER_TSC_DEADLINE)
		return deadline_ns(l);
	if (!counting(l) || l->lvt[LAPIC_LVT_TIMER] & LVT_MASKED)
		return NEVER;
	if (lapic_timer_mode(l) == TIMER_ONE_SHOT)
		return told < period ? l->timer_start + period : NEVER;
	wait = period < LAPIC_MIN_PERIOD_NS ? LAPIC_MIN_PERIOD_NS - 1 : 0;
	return l->timer_start + ((told + wait) / period + 1) * period;
}

void lapic_timer_rearm(struct lapic *l)
{
	u64 when = next_expiry(l);

	if (when == NEVER)
		bus_alarm_cancel(&l->alarm);
	else
		bus_alarm_set(&l->alarm, when);
}

void lapic_timer_update(struct lapic *l)
{
	u64 now = now_ns(l);
	bool due = next_expiry(l) <= now;

	if (due && lapic_timer_mode(l) == TIMER_TSC_DEADLINE)
		l->tsc_deadline = 0;
	l->timer_told = now;
	lapic_timer_rearm(l);
	if (due)
		lapic_fire_lvt(l, LAPIC_LVT_TIMER);
}

u32 lapic_timer_read(struct lapic *l)
{
	if (next_expiry(l) <= now_ns(l))
		lapic_timer_update(l);
	return lapic_timer_count(l);
}

static void fire(void *dev)
{
	lapic_timer_update(dev);
}

void lapic_timer_load(struct lapic *l, u32 initial)
{
	lapic_timer_update(l);
	if (lapic_timer_mode(l) == TIMER_TSC_DEADLINE)
		return;
	l->timer_initial = initial;
	l->timer_running = initial != 0;
	l->timer_start = l->timer_told;
	lapic_timer_rearm(l);
}

/* The count goes on from where it is, at the new speed. */
void lapic_timer_set_divide(struct lapic *l, u32 divide)
{
	u32 gone;

	lapic_timer_update(l);
	gone = l->timer_initial - lapic_timer_count(l);
	l->timer_divide = divide & DIVIDE_BITS;
	l->timer_start = l->timer_told - gone * count_ns(l);
	lapic_timer_rearm(l);
}

void lapic_timer_set_lvt(struct lapic *l, u32 lvt)
{
	enum timer_mode old = lapic_timer_mode(l), new;

	lapic_timer_update(l);
	if (!lapic_timer_count(l)) /* what has expired does not start again by becoming periodic */
		l->timer_running = false;
	l->lvt[LAPIC_LVT_TIMER] = lvt;
	new = lapic_timer_mode(l);
	if (old != new && (old == TIMER_TSC_DEADLINE || new == TIMER_TSC_DEADLINE)) {
		l->tsc_deadline = 0;
		l->timer_running = false;
		l->timer_initial = 0;
	}
	lapic_timer_rearm(l);
}

/* MSR TSC_DEADLINE: reads 0 after it has fired, and in the other modes. */
u64 lapic_timer_deadline(struct lapic *l)
{
	lapic_timer_update(l);
	return l->tsc_deadline;
}

void lapic_timer_set_deadline(struct lapic *l, u64 tsc)
{
	lapic_timer_update(l);
	if (lapic_timer_mode(l) != TIMER_TSC_DEADLINE)
		return;
	l->tsc_deadline = tsc;
	lapic_timer_update(l); /* it may be past */
}

void lapic_tsc_changed(struct lapic *l)
{
	lapic_timer_update(l);
}

void lapic_timer_reset(struct lapic *l)
{
	l->timer_initial = l->timer_divide = 0;
	l->timer_running = false;
	l->timer_start = l->timer_told = now_ns(l);
	l->tsc_deadline = 0;
	bus_alarm_cancel(&l->alarm);
}

void lapic_timer_init(struct lapic *l)
{
	bus_alarm_init(l->bus, &l->alarm, fire, l);
}

/* After a change of the divisor, start may lie before the machine's own, and has wrapped. */
bool lapic_timer_possible(const struct lapic *l, u64 now)
{
	return l->timer_told <= now &&
	       l->timer_told - l->timer_start <=
		   l->timer_told + l->config.tick_ns * BIT(32 + DIVIDE_MAX_SHIFT) &&
	       (!l->timer_running || l->timer_initial);
}
