/*
 * timer.h - clocks and timers of a Linux process
 *
 * Owns: host_now, host_tsc and their like; the thread on which timers fire.
 * Must not know: what fires.
 */
#ifndef ESPEJO_TYPE2_TIMER_H
#define ESPEJO_TYPE2_TIMER_H

#include "host.h"

/* The clocks begin; the first reading of the TSC's calibration. */
void timer_init(void);
/*
 * The TSC's frequency, from the readings then and now, at least 20 ms later: it waits for the rest.
 * Before the first machine is made.
 */
void timer_calibrate(void);
/* From here on timers fire.  False: the system has none for us, errno says why. */
bool timer_start_thread(void);

#endif
