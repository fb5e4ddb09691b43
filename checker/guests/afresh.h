/*
 * afresh.h - what a reset of the machine must leave as it was at its first start
 *
 * Owns: a list of what registers, the local APIC and the chips show; spoiling all of it; the reset.
 * Must not know: who compares the lists (judge_isolation.c).
 *
 * The first time it tells the state, spoils it and resets the machine by its reset control; the
 * second time it tells the state again, and ends.  Each value is a record
 *
 *	afresh boot=1|2 NAME=0xVALUE
 *
 * The first or second time: a byte of the clock's memory tells, which no reset touches.
 *
 * Sources: [SDM] vol. 3 "Processor State After Reset" (9.1.1), "Local APIC State After Power-Up or
 * Reset" (10.4.7.1); [PIIX] "Reset Control Register" (2.5.5) and each chip's defaults.
 */
#ifndef CHECKER_AFRESH_H
#define CHECKER_AFRESH_H

#include "types.h"

/* Returns the second time only, with the status of the guest. */
unsigned afresh(u64 seed);

#endif
