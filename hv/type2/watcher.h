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

#include "compiler.h"

#define WATCHER_STOPPED (128 + 15) /* status: stopped by a second SIGTERM, as shells have it */

/*
 * Split in two.  Returns in the child, with the signals of watcher_signals() blocked; it ends with
 * its parent.  The parent never returns: SIGTERM (SIGINT, SIGHUP) goes to the child, the
 * second one kills it.  Its status is the child's, or failed if that ended by a signal.
 */
void watcher_split(int failed);

/* In the child: readable once for each SIGTERM; watcher_take_signal takes it. */
int watcher_signal_fd(void);
void watcher_take_signal(void);

#endif
