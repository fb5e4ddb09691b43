/*
 * power.h - the end of the machine's run
 *
 * Owns: the ways to tell an emulator a status, to reset, to stop.
 * Must not know: why it ends.
 */
#ifndef ESPEJO_TYPE1_POWER_H
#define ESPEJO_TYPE1_POWER_H

#include "type1/acpi.h"

/* For power_reset: where ACPI says that a reset is done. */
void power_init(const struct acpi_machine *machine);

/*
 * Say "espejo: exit status N" on the console and end the emulator with it: QEMU's
 * isa-debug-exit, Bochs's shutdown port.  A machine that goes on is halted.
 */
NORETURN void host_exit(unsigned status);

/* The same without a word, when the console cannot be trusted any more. */
NORETURN void power_off(unsigned status);

/* Reset the machine: ACPI's register, the keyboard controller, a triple fault. */
NORETURN void power_reset(void);

#endif
