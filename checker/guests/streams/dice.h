/*
 * dice.h - random numbers that are the same in the probe and on the host
 *
 * Owns: the generator of numbers.  Must not know: what they are for.
 */
#ifndef CHECKER_STREAMS_DICE_H
#define CHECKER_STREAMS_DICE_H

#include "types.h"

struct dice {
	u64 state;
};

/* Of two numbers, so that each case of each seed has a sequence of its own. */
static inline struct dice dice_of(u64 seed, u64 index)
{
	return (struct dice){ (seed + 1) * 0xd1342543de82ef95ull ^
			      (index + 1) * 0xaf251af3b0f025b5ull };
}

static inline u64 dice_number(struct dice *d)
{
	u64 z = d->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* 0..n-1 */
static inline u64 dice_below(struct dice *d, u64 n)
{
	return (dice_number(d) >> 32) * n >> 32;
}

/* True once in n times. */
static inline bool dice_one_in(struct dice *d, u64 n)
{
	return !dice_below(d, n);
}

#endif
