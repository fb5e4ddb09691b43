/*
 * probe_wake.c - how late does a timer wake its guest?
 *
 * Owns: a one-shot of the local APIC's timer, armed again and again for random times, once while
 * the CPU halts and once while it computes, and how long behind its due time the handler began.
 * Must not know: what is right.
 *
 * The timer's clock is compared with the TSC first, over a span in which an exit's cost is nothing.
 * A due time counts from before the timer is armed, so that what arming costs is in it, and nobody
 * can be early.  Source: [SDM] vol. 3 "APIC Timer" (10.5.4).
 */
#include "probe.h"

#include "rt/rt.h"
#include "x86_ops.h"

#define LAPIC 0xfee00000ull
#define LAPIC_SVR 0xf0
#define LAPIC_EOI 0xb0
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_INITIAL 0x380
#define LAPIC_CURRENT 0x390
#define LAPIC_DIVIDE 0x3e0
#define DIVIDE_BY_1 0xb
#define SVR_ON 0x1ff /* software enable, and the spurious vector */
#define LVT_MASKED BIT(16)
#define VECTOR 0x60
#define COUNT_MAX 0xffffffffu
#define CALIBRATION_TICKS 4000000u
#define WAKES_DEFAULT 16
/* Between 1/16 of what is asked for, and all of it, in ticks of the TSC. */
#define SPAN_DEFAULT 1600000u
#define SPAN_PARTS 16
#define PATIENCE (1ull << 30) /* ticks; a timer that is later than that is none */
#define LOST ((s64)(1ull << 63))

static volatile u64 woken_at; /* TSC at the handler's begin; 0: not yet */

static volatile u32 *lapic(u32 offset)
{
	return (volatile u32 *)(LAPIC + offset);
}

static bool note(struct rt_frame *frame)
{
	u64 now = x86_rdtsc();

	if (frame->vector != VECTOR)
		return false;
	if (!woken_at)
		woken_at = now;
	*lapic(LAPIC_EOI) = 0;
	return true;
}

/* Readings of the TSC and of the timer, or what went by between two. */
struct clock {
	u64 ticks, counts;
};

/* Both as they are at one moment: of some tries the shortest, since we may lose the CPU in one. */
static struct clock read_both(void)
{
	struct clock c = { 0 };
	u64 least = ~0ull;

	for (unsigned i = 0; i < 4; i++) {
		u64 before = x86_rdtsc(), count = *lapic(LAPIC_CURRENT);
		u64 took = x86_rdtsc() - before;

		if (took >= least)
			continue;
		least = took;
		c = (struct clock){ before, count };
	}
	return c;
}

static struct clock compare_clocks(void)
{
	struct clock first, last;

	*lapic(LAPIC_INITIAL) = COUNT_MAX;
	first = read_both();
	while (x86_rdtsc() - first.ticks < CALIBRATION_TICKS)
		;
	last = read_both();
	*lapic(LAPIC_INITIAL) = 0;
	return (struct clock){ last.ticks - first.ticks, first.counts - last.counts };
}

struct wakes {
	u64 n, early, least, most, total;
};

/* One; how late, or earlier than due by that much if negative. */
static s64 wake(u64 span, const struct clock *c, bool halted)
{
	u64 counts = span * c->counts / c->ticks, armed;

	woken_at = 0;
	armed = x86_rdtsc();
	*lapic(LAPIC_INITIAL) = (u32)counts;
	while (!woken_at) {
		if (!halted && x86_rdtsc() - armed > PATIENCE)
			return LOST;
		if (halted)
			__asm__ volatile("sti\n\thlt\n\tcli" ::: "memory");
		else
			__asm__ volatile("sti\n\tnop\n\tnop\n\tcli" ::: "memory");
	}
	return (s64)(woken_at - armed - counts * c->ticks / c->counts);
}

/* Result: ticks that it took; 0: the timer never fired. */
static u64 measure(const char *how, const struct clock *c, bool halted)
{
	struct wakes w = { .least = ~0ull };
	u64 wanted = rt_number("wakes", WAKES_DEFAULT), span = rt_number("span", SPAN_DEFAULT);
	u64 began = x86_rdtsc();

	for (; w.n < wanted; w.n++) {
		u64 least = span / SPAN_PARTS, late;
		s64 by = wake(least + rt_random() % (span - least), c, halted);

		if (by == LOST)
			break;
		w.early += by < 0;
		late = by < 0 ? 0 : (u64)by;
		w.least = MIN(w.least, late);
		w.most = MAX(w.most, late);
		w.total += late;
	}
	began = x86_rdtsc() - began;
	rt_record("wake how=%s n=%lu early=%lu least=%lu most=%lu total=%lu", how, w.n, w.early,
		  w.least, w.most, w.total);
	return w.n == wanted ? began : 0;
}

u64 probe_wake(void)
{
	struct clock c;
	u64 halted = 0;

	rt_hook = note;
	*lapic(LAPIC_SVR) = SVR_ON;
	*lapic(LAPIC_DIVIDE) = DIVIDE_BY_1;
	*lapic(LAPIC_LVT_TIMER) = LVT_MASKED | VECTOR;
	c = compare_clocks();
	if (!c.counts) {
		rt_record("wake absent=1");
		return 0;
	}
	*lapic(LAPIC_LVT_TIMER) = VECTOR;
	/* First while it computes: who halts for a timer that never fires does so for ever. */
	if (measure("computing", &c, false))
		halted = measure("halted", &c, true);
	*lapic(LAPIC_LVT_TIMER) = LVT_MASKED | VECTOR;
	rt_hook = NULL;
	return halted;
}
