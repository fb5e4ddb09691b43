/* loads.h - eight workloads, to be measured from outside; see loads.c */
#ifndef GUEST_OS_LOADS_H
#define GUEST_OS_LOADS_H

#include "types.h"

/* The shell's command: all of them, or those of these names.  False: one did not do its work. */
bool shell_loads(unsigned count, char **words);

#endif
