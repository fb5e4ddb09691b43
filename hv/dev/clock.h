/*
 * clock.h - oscillators told by the machine's clock
 *
 * Owns: the exact conversion between nanoseconds and the ticks of a frequency.
 * Must not know: who counts the ticks.
 *
 * Both directions round so that they fit together: clock_ns(n) is the first
 * nanosecond at which clock_ticks returns n.  Nothing is accumulated, so nothing
 * drifts: a tick's time depends on its number only.
 */
#ifndef ESPEJO_DEV_CLOCK_H
#define ESPEJO_DEV_CLOCK_H

#include "compiler.h"

#define NS_PER_S 1000000000ull

/* Whole ticks of an oscillator of hz (1..2^32) that have passed at ns. */
static inline u64 clock_ticks(u64 ns, u64 hz)
{
	return ns / NS_PER_S * hz + ns % NS_PER_S * hz / NS_PER_S;
}

/* The time of tick number ticks, in ns. */
static inline u64 clock_ns(u64 ticks, u64 hz)
{
	return ticks / hz * NS_PER_S + (ticks % hz * NS_PER_S + hz - 1) / hz;
}

#endif
