/*
 * neighbour.c - an honest guest that others may harm
 *
 * mode=watch  fills memory and registers, then counts, looking at both again and again, until "q"
 *             is typed
 * mode=share  measures what it gets of its CPU: see measure()
 *             after=spin: and stays, so that nothing changes for those who still measure
 * mode=reuse  is all memory zero?  Then fills it, and ends
 * mode=afresh tells the state of the machine, spoils it, resets the machine, tells it again
 * mode=clock  counts by all clocks of a machine, until "q" is typed: see clock_run()
 * mode=idle   halts for good, interrupts on: costs nothing
 * mode=spin   an innocent loop that wants all it can get
 */
#include "afresh.h"
#include "registers.h"
#include "rt/rt.h"
#include "secret.h"
#include "x86_ops.h"

#define PATTERN_MAX MiB(8)
#define LOOK_EVERY 20000
#define WORDS_PER_LOOK 8192

static u64 seed, pattern_at, pattern_words;

static u64 pattern(u64 i)
{
	return SECRET_TAG << SECRET_SHIFT | (u32)((i + seed) * 2654435761u);
}

static volatile u64 *word(u64 i)
{
	return (volatile u64 *)(pattern_at + i * 8);
}

static void fill(u64 limit)
{
	pattern_at = rt_image_limit();
	pattern_words = (MIN(rt_memory_end(), limit) - pattern_at) / 8;
	for (u64 i = 0; i < pattern_words; i++)
		*word(i) = pattern(i);
}

/* ---- watch ---------------------------------------------------------------------- */

struct watch {
	u64 count, looks, bad_words, bad_registers, backwards;
	const char *which;
};

static u64 look_at_memory(u64 from)
{
	u64 bad = 0;

	for (u64 i = from; i < MIN(from + WORDS_PER_LOOK, pattern_words); i++)
		bad += *word(i) != pattern(i);
	return bad;
}

static void look(struct watch *w)
{
	static u64 next, last_tsc;
	u64 tsc = x86_rdtsc();
	const char *which = NULL;

	w->bad_words += look_at_memory(next);
	next = next + WORDS_PER_LOOK < pattern_words ? next + WORDS_PER_LOOK : 0;
	w->bad_registers += registers_check(seed, &which);
	if (which)
		w->which = which;
	w->backwards += tsc < last_tsc;
	last_tsc = tsc;
	w->looks++;
}

static u64 hash_memory(void)
{
	u64 hash = 0xcbf29ce484222325ull;

	for (u64 i = 0; i < pattern_words; i++)
		hash = (hash ^ *word(i)) * 0x100000001b3ull;
	return hash;
}

static unsigned watch(void)
{
	struct watch w = { .which = "none" };
	u64 before;

	fill(PATTERN_MAX);
	before = hash_memory();
	registers_set(seed);
	rt_record("watching words=%lu hash=0x%lx", pattern_words, before);
	do {
		for (u64 i = 0; i < LOOK_EVERY; i++)
			w.count++;
		look(&w);
	} while (rt_typed() != 'q');
	for (u64 i = 0; i < pattern_words; i += WORDS_PER_LOOK)
		w.bad_words += look_at_memory(i);
	rt_record("watched count=%lu looks=%lu bad-words=%lu bad-registers=%lu which=%s hash=0x%lx "
		  "same=%u backwards=%lu",
		  w.count, w.looks, w.bad_words, w.bad_registers, w.which, hash_memory(),
		  hash_memory() == before, w.backwards);
	return 0;
}

/* ---- share ---------------------------------------------------------------------- */

/*
 * A loop reads the TSC.  A step much longer than others is time that somebody else had: "away".
 * From the end of one absence to the end of a later one lie whole rounds of the scheduler, so
 * that neither the length of a slice nor the moment of the start matters.
 *	count/own      what a tick of our own time is worth: others can only lower it by what they
 *	               make the hypervisor do in our time
 *	own/elapsed    our share
 */
struct share {
	u64 count, away, gaps, longest, elapsed;
	u64 breaks; /* steps that are longer than a step and an interrupt ought to be */
};

/* What a step takes, with much to spare; whoever takes a turn of the CPU takes longer. */
#define BREAK 400

static void measure(struct share *s, u64 gap, u64 gaps, u64 limit)
{
	u64 start = x86_rdtsc(), last = start;

	*s = (struct share){ 0 };
	while (s->gaps < gaps && last - start < limit) {
		u64 t = x86_rdtsc(), step = t - last;

		last = t;
		s->count++;
		if (step < BREAK)
			continue;
		s->breaks++;
		if (step < gap)
			continue;
		s->gaps++;
		s->away += step;
		if (step > s->longest)
			s->longest = step;
	}
	s->elapsed = last - start;
}

static unsigned share(void)
{
	u64 slice = rt_number("slice", 10000000), gap = slice / 20;
	struct share s;

	rt_record("sharing slice=%lu", slice);
	measure(&s, gap, 4, slice * 12); /* until all have settled, to the end of an absence */
	measure(&s, gap, rt_number("rounds", 10), slice * 40);
	/* Others still measure: what is printed takes their time, or ours. */
	for (u64 end = x86_rdtsc() + rt_number("rest", 0) * slice; x86_rdtsc() < end;)
		;
	rt_record("share count=%lu own=%lu elapsed=%lu gaps=%lu longest=%lu breaks=%lu", s.count,
		  s.elapsed - s.away, s.elapsed, s.gaps, s.longest, s.breaks);
	rt_record("shared"); /* now all of that line is out */
	while (rt_has("after", "spin"))
		;
	return 0;
}

/* ---- reuse ------------------------------------------------------------------------ */

/* All of it, and every register but for those that a reset leaves alone. */
static unsigned reuse(void)
{
	u64 dirty = 0, secrets = 0, at = rt_image_limit();
	unsigned registers = registers_kept(seed);

	for (; at < rt_memory_end(); at += 8) {
		u64 value = *(volatile u64 *)at;

		dirty += value != 0;
		secrets += value >> SECRET_SHIFT == SECRET_TAG;
	}
	rt_record("reuse bytes=%lu dirty=%lu secrets=%lu registers=%u",
		  rt_memory_end() - rt_image_limit(), dirty, secrets, registers);
	fill(rt_memory_end());
	registers_set(seed);
	return 0;
}

/* ---- clock ------------------------------------------------------------------------ */

/*
 * Whatever becomes of a machine - it waits for its CPU, it is paused and goes on -, its clocks must
 * agree: all of them stand, or none.  The rates are measured at the start; the judge compares what
 * each counted until the end.
 */
#define PIT_CONTROL 0x43
#define PIT_2 0x42
#define SYSTEM 0x61
#define PIT_RATE_2 0xb4	 /* counter 2, both bytes, mode 2 */
#define PIT_LATCH_2 0x80
#define PM_TIMER 8	 /* in the PM block */
#define PMBASE 0x80000b40u /* of 00:01.3, a PIIX4 */
#define PMBASE_BITS 0xffc0u
#define LAPIC_DIVIDE 0x3e0
#define LAPIC_BY_16 3
#define LAPIC_LVT 0x320
#define LAPIC_MASKED 0x10000
#define LAPIC_INITIAL 0x380
#define LAPIC_COUNT 0x390
#define RATE_PIT 24000 /* ticks to measure the rates: 20 ms */
#define TRIES 16

struct clocks {
	u64 tsc, pit, lapic, pm; /* ticks since the start */
	u16 pit_at;
	u32 lapic_at, pm_at;
	u64 quickest; /* TSC ticks that a look at all of them took at least */
	u64 loops;
	u16 pm_port;
};

static volatile u32 *lapic(u32 offset)
{
	return (volatile u32 *)(u64)(APIC_DEFAULT_BASE + offset);
}

static u16 read_pit(void)
{
	u16 low;

	x86_outb(PIT_CONTROL, PIT_LATCH_2);
	low = x86_inb(PIT_2);
	return (u16)(low | x86_inb(PIT_2) << 8);
}

/* One look, undisturbed: who was away between two of the clocks looks again. */
static void look_at_clocks(struct clocks *c)
{
	static u64 first;
	u64 begin, took;
	u16 pit;
	u32 count, pm;

	do {
		begin = x86_rdtsc();
		pit = read_pit();
		count = *lapic(LAPIC_COUNT);
		pm = c->pm_port ? x86_inl(c->pm_port) : 0;
		took = x86_rdtsc() - begin;
		if (!c->quickest || took < c->quickest)
			c->quickest = took;
	} while (took > 3 * c->quickest);
	if (!first)
		first = begin;
	c->tsc = begin - first;
	c->pit += (u16)(c->pit_at - pit);
	c->lapic += c->lapic_at - count;
	c->pm += (pm - c->pm_at) & BITS(23, 0);
	c->pit_at = pit;
	c->lapic_at = count;
	c->pm_at = pm;
	c->loops++;
}

static void start_clocks(struct clocks *c)
{
	x86_outl(0xcf8, PMBASE);
	c->pm_port = (u16)(x86_inl(0xcfc) & PMBASE_BITS);
	if (c->pm_port && c->pm_port != PMBASE_BITS)
		c->pm_port += PM_TIMER;
	else
		c->pm_port = 0;
	x86_outb(SYSTEM, 1);
	x86_outb(PIT_CONTROL, PIT_RATE_2);
	x86_outb(PIT_2, 0);
	x86_outb(PIT_2, 0);
	*lapic(LAPIC_DIVIDE) = LAPIC_BY_16;
	*lapic(LAPIC_LVT) = LAPIC_MASKED;
	*lapic(LAPIC_INITIAL) = ~0u;
	for (unsigned i = 0; i < TRIES; i++)
		look_at_clocks(c);
	c->pit = c->lapic = c->pm = c->loops = 0;
}

static unsigned clock_run(void)
{
	u64 began = x86_rdtsc();
	struct clocks c = { 0 }, rate, start;

	start_clocks(&c);
	start = c;
	while (c.pit < RATE_PIT)
		look_at_clocks(&c);
	rate = c;
	rt_record("counting began=%lu tsc=%lu pit=%lu lapic=%lu pm=%lu", began, c.tsc - start.tsc,
		  c.pit, c.lapic, c.pm);
	do
		look_at_clocks(&c);
	while (rt_typed() != 'q');
	rt_record("counted tsc=%lu pit=%lu lapic=%lu pm=%lu loops=%lu", c.tsc - rate.tsc,
		  c.pit - rate.pit, c.lapic - rate.lapic, c.pm - rate.pm, c.loops);
	return 0;
}

unsigned probe_main(void)
{
	seed = rt_number("seed", 1);
	if (rt_has("mode", "share"))
		return share();
	if (rt_has("mode", "reuse"))
		return reuse();
	if (rt_has("mode", "afresh"))
		return afresh(seed);
	if (rt_has("mode", "clock"))
		return clock_run();
	if (rt_has("mode", "watch"))
		return watch();
	rt_record("running");
	while (rt_has("mode", "idle"))
		__asm__ volatile("sti; hlt");
	for (volatile u64 n = 0;; n++)
		;
}
