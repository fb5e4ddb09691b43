/*
 * smp.h - all CPUs of the machine
 *
 * Owns: starting them, and each one's way from the trampoline to the loop.
 * Must not know: what they run there (loop.c).
 *
 * Source: [SDM] "Typical AP Initialization Sequence" (8.4.4.2).
 */
#ifndef ESPEJO_TYPE1_SMP_H
#define ESPEJO_TYPE1_SMP_H

#include "type1/acpi.h"
#include "type1/cpu.h"

/* The first thing that runs: make GS point to the boot CPU's struct cpu. */
void smp_init_boot_cpu(void);

/* The page below each of its stacks faults from now on. */
void smp_guard_stacks(const struct cpu *cpu);

/*
 * Start the others, at most limit CPUs in all, with the help of a page below 1 MiB (0: none).
 * Each one calls enter() when it is ready, and enter never returns.  One that does not
 * answer is logged and left out.
 */
void smp_start(const struct acpi_machine *machine, unsigned limit, u64 low_page,
	       void (*enter)(void));

#endif
