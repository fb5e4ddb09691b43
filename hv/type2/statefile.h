/*
 * statefile.h - the state of a guest, in a file, when the guest says so
 *
 * Owns: the file; what is done when the guest pauses itself (dev/pauseport.h).
 * Must not know: what is in a state (vm/state_vm.h); who reads it: tools/state.c.
 */
#ifndef ESPEJO_TYPE2_STATEFILE_H
#define ESPEJO_TYPE2_STATEFILE_H

#include "type2/failure.h"

struct vm;

/* Make the file, before we lock ourselves in. */
bool statefile_open(const char *path, struct failure *why);
/*
 * vm has paused itself: its state goes behind what is in the file, and it goes on.  False: the
 * state cannot be had or written.
 */
bool statefile_take(struct vm *vm, struct failure *why);

#endif
