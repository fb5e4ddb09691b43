/* ticks.c - see ticks.h */
#include "dev/ticks.h"

#include "lib/string.h"

static u64 merge_plan(struct ticks *t UNUSED, u64 now UNUSED, u64 next)
{
	return next;
}

const struct tick_policy ticks_merge = { "merge", merge_plan };

const struct tick_policy *ticks_find(const char *name)
{
	static const struct tick_policy *const all[] = { &ticks_merge, &ticks_steady };

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}

void ticks_set(struct ticks *t, u64 now, u64 first, u64 period)
{
	if (t->first == first && t->period == period)
		return;
	*t = (struct ticks){ .policy = t->policy, .first = first, .period = period, .gave = now };
}

/* How many have been due until now. */
static u64 due(const struct ticks *t, u64 now)
{
	return (now - t->first) / t->period;
}

void ticks_give(struct ticks *t, u64 now)
{
	u64 came = due(t, now) - due(t, t->gave);

	if (came)
		t->missed += came - 1;
	else if (t->owed)
		t->owed--;
	t->gave = now;
}

u64 ticks_next(struct ticks *t, u64 now)
{
	u64 when = t->policy->plan(t, now, t->first + (due(t, now) + 1) * t->period);

	t->missed = 0;
	return when;
}
