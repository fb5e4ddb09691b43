/*
 * neighbour.c - an honest guest that others may harm
 *
 * mode=watch  fills memory and registers, then counts, looking at both again and again, until "q"
 *             is typed
 * mode=share  measures what it gets of its CPU: see measure()
 * mode=reuse  is all memory zero?  Then fills it, and ends
 * mode=idle   halts for good, interrupts on: costs nothing
 * mode=spin   an innocent loop that wants all it can get
 */
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
};

static void measure(struct share *s, u64 gap, u64 gaps, u64 limit)
{
	u64 start = x86_rdtsc(), last = start;

	*s = (struct share){ 0 };
	while (s->gaps < gaps && last - start < limit) {
		u64 t = x86_rdtsc(), step = t - last;

		last = t;
		s->count++;
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
	rt_record("share count=%lu own=%lu elapsed=%lu gaps=%lu longest=%lu", s.count,
		  s.elapsed - s.away, s.elapsed, s.gaps, s.longest);
	return 0;
}

/* ---- reuse ------------------------------------------------------------------------ */

static unsigned reuse(void)
{
	u64 dirty = 0, secrets = 0, at = rt_image_limit();

	for (; at < rt_memory_end(); at += 8) {
		u64 value = *(volatile u64 *)at;

		dirty += value != 0;
		secrets += value >> SECRET_SHIFT == SECRET_TAG;
	}
	rt_record("reuse bytes=%lu dirty=%lu secrets=%lu", rt_memory_end() - rt_image_limit(),
		  dirty, secrets);
	fill(rt_memory_end());
	return 0;
}

unsigned probe_main(void)
{
	seed = rt_number("seed", 1);
	if (rt_has("mode", "share"))
		return share();
	if (rt_has("mode", "reuse"))
		return reuse();
	if (rt_has("mode", "watch"))
		return watch();
	rt_record("running");
	while (rt_has("mode", "idle"))
		__asm__ volatile("sti; hlt");
	for (volatile u64 n = 0;; n++)
		;
}
