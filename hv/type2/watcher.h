/*
 * watcher.h - the process that the user sees, and waits for
 *
 * Owns: signals from outside, the end of the guest's process whatever it is, the terminal's mode.
 * Must not know: guests.
 *
 * The guest's process is a child: confined, in a namespace of process numbers, and perhaps not
 * itself any more.  What must be put back when it dies is put back here.
 */
#ifndef ESPEJO_TYPE2_WATCHER_H
#define ESPEJO_TYPE2_WATCHER_H

#include "type2/failure.h"

#define WATCHER_STOPPED (128 + 15) /* status: stopped by a second SIGTERM, as shells have it */

/*
 * Split in two.  Returns true in the child, which ends with its parent, and in which the signals
 * that the parent hears are blocked.  The parent never returns: SIGTERM (SIGINT, SIGHUP, SIGQUIT)
 * goes to the child, the second one kills it.  Its status is the child's, or failed if that ended
 * by a signal.  False: we are not split, the system gives us no process.
 */
bool watcher_split(int failed, struct failure *why) MUST_CHECK;

/* In the child: readable once for each SIGTERM; watcher_take_signal takes it. */
int watcher_signal_fd(void);
void watcher_take_signal(void);

#endif
