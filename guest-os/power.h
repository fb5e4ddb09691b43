/* power.h - ends of the machine; see power.c */
#ifndef GUEST_OS_POWER_H
#define GUEST_OS_POWER_H

#include "compiler.h"
#include "lib/lab.h"

/* What the exit port gets. QEMU's own status is then (value << 1) | 1. */
enum power_status { POWER_SUCCESS = 0, POWER_FAILURE = 1, POWER_PANIC = 2, POWER_LAB = LAB_STATUS };

/* Leave by the exit port; where there is none, reset; where that fails too, halt for good. */
NORETURN void power_off(enum power_status status);

/* Start the machine again through the keyboard controller; halt for good if it will not. */
NORETURN void power_reset(void);

/* Leave by the exit port or halt; never reset, so that the console can be read. */
NORETURN void power_stop(enum power_status status);

#endif
