/*
 * loop.h - what each CPU does for ever
 *
 * Owns: the order of timers, scheduling, guests, interrupts and idling; kicks.
 * Must not know: scheduling policy (sched/), guests' insides (vm/).
 */
#ifndef ESPEJO_TYPE1_LOOP_H
#define ESPEJO_TYPE1_LOOP_H

#include "host.h"

/* Before any kick. */
void loop_init(void);

/* Every CPU ends here; the others wait until the boot CPU is here too. */
NORETURN void loop_run(void);

/*
 * The boot CPU calls work() in its loop, with no vCPU loaded, at start and soon after each
 * loop_wake_boot_cpu, by any CPU, with any lock held, also in an interrupt.
 */
void loop_set_work(void (*work)(void));
void loop_wake_boot_cpu(void);

/*
 * The same for drivers of the machine's own devices: poll() may be called with a vCPU loaded, so
 * that a guest that waits for its disk does not pay for being put aside.
 */
void loop_set_drivers(void (*poll)(void));
void loop_wake_drivers(void);

/*
 * For who suspects that v's CPU overlooks an interrupt: sends it another one, which is no kick and
 * is taken behind a kick that waits.  The CPU, or NULL: none runs v.  *kicks becomes the number of
 * kicks that it has taken until now.
 */
const struct cpu *loop_rouse(struct vcpu *v, u64 *kicks);

#endif
