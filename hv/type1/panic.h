/*
 * panic.h - the end of the hypervisor by a bug of its own
 *
 * Owns: what is shown then: message, place, registers, likely callers.
 * Must not know: anything that could itself be broken, as far as possible.
 */
#ifndef ESPEJO_TYPE1_PANIC_H
#define ESPEJO_TYPE1_PANIC_H

#include "type1/traps.h"

#define PANIC_STATUS 70 /* of the machine's end; sysexits calls it an internal software error */

/* An exception inside the hypervisor. */
NORETURN void panic_trap(const struct traps_frame *frame);

/* Called by the NMI handler: does not return when another CPU panics. */
void panic_stop_if_asked(void);

#endif
