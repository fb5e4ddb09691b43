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

/* exit=guest: whatever else ends the run has failed, and the emulator's status says so. */
void power_as_guest(void);

enum power_end {
	POWER_END_VALUE, /* value was written to the exit port */
	POWER_END_OFF,
	POWER_END_RESET, /* also by a triple fault */
};
#define POWER_FAILED 62 /* to QEMU's exit port: its status is 125 then */

/*
 * exit=guest: end the machine as the guest ended its own, so that the emulator's status is what it
 * would be without us.  As Bochs has no such status, "espejo: emulator status N" says which.
 */
NORETURN void power_end(enum power_end end, u32 value);

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
