/*
 * ticks.h - when a periodic timer's ticks are given, if the guest could not have them in time
 *
 * Owns: the border between a timer, which knows when its ticks are due, and a policy, which says
 * when the guest is given them; the policy of hardware (ticks_merge).
 * Must not know: any timer's registers, or why a guest was not there.
 *
 * While all vCPUs of a machine wait for a CPU, its alarms wait (vm/vm.c): it comes back, and
 * several ticks are due at once.  On a bare machine that cannot happen, so no manual says
 * what to do.  A guest that counts ticks to know the time goes slow if they become one; a guest
 * that is given all of them at once is buried; one that is given them a bit faster than they
 * are due catches up.
 *
 * Times are in whatever unit the timer counts in.  Ticks that a guest misses because its
 * interrupts are off are not looked at: a bare machine loses them as well.
 */
#ifndef ESPEJO_DEV_TICKS_H
#define ESPEJO_DEV_TICKS_H

#include "compiler.h"

struct tick_policy;

/* A timer's account: its own, written by ticks_give and the policy only. */
struct ticks {
	const struct tick_policy *policy;
	u64 first, period; /* tick n is due at first + n * period, n = 1, 2, .. */
	u64 gave; /* when the last one was given; before that: when it was set up */
	u64 missed; /* came due since the last plan, beside the one that was given */
	u64 owed; /* due, not given, and still to be given */
};

struct tick_policy {
	const char *name;
	/*
	 * The time, after now, at which the next tick is given.  next: the first time after now at
	 * which one is due.  Called behind each tick, and again whenever the timer was touched:
	 * missed is 0 then.  It takes missed into account by changing owed.  The timer takes each
	 * tick that is given while none is due from owed.
	 */
	u64 (*plan)(struct ticks *t, u64 now, u64 next);
};

/*
 * As hardware, which knows no debts: ticks that were missed are lost, and the next one comes
 * when it is due.
 */
extern const struct tick_policy ticks_merge;
/* All of them, at most twice as fast as they are due: ticks_steady.c. */
extern const struct tick_policy ticks_steady;

/* The policy of that name, or NULL. */
const struct tick_policy *ticks_find(const char *name);

/* The timer is set up: ticks are due at first + n * period.  Harmless if they were already. */
void ticks_set(struct ticks *t, u64 now, u64 first, u64 period);
/* A tick is given now. */
void ticks_give(struct ticks *t, u64 now);
/* When the next one is to be given. */
u64 ticks_next(struct ticks *t, u64 now);

#endif
