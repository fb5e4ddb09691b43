/*
 * crash.h - bugs of the hypervisor on purpose, to see how each of them is reported
 *
 * Owns: the shell's `crash`.  Must not know: how a panic looks (panic.c).
 */
#ifndef ESPEJO_TYPE1_CRASH_H
#define ESPEJO_TYPE1_CRASH_H

#include "compiler.h"

/* Does not return for a kind that there is, by the boot CPU; else -HOST_ENOENT. */
int crash(const char *kind);

/* The names of the nth kind, 0..; NULL behind the last one. */
const char *crash_kind(unsigned n);

#endif
