/*
 * ticks_steady.c - the policy that loses no tick: see ticks.h
 *
 * Owns: how fast a guest that was away catches up.
 * Must not know: which timer it is.
 */
#include "dev/ticks.h"

/* More than that a guest never gets back: a second and more of its usual clocks. */
#define OWED_MAX 1000

/*
 * The plan of ticks_steady: see struct tick_policy.  Whatever comes, these hold:
 *   - no tick is given before it is due: at each moment those given are at most those due;
 *   - none is lost, unless more than OWED_MAX are owed: then the rest is forgotten;
 *   - two ticks are never closer than half a period (rounded up), whether due or owed: so t->gave
 *     counts, and the due time of a tick may have to wait for a moment;
 *   - while any is owed, ticks come as fast as that allows; while none is, each comes when it is
 *     due.
 * A tick whose time passes while an owed one is waited for is no problem: it will be counted
 * as missed, and so becomes an owed one itself.
 */
static u64 steady_plan(struct ticks *t, u64 now, u64 next)
{
	u64 soonest = MAX(t->gave + (t->period + 1) / 2, now + 1);

	t->owed = MIN(t->owed + t->missed, (u64)OWED_MAX);
	if (t->owed)
		return soonest;
	return MAX(next, soonest);
}

const struct tick_policy ticks_steady = { "steady", steady_plan };
