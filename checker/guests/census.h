/*
 * census.h - what an instruction does here
 *
 * A case is a line "case NAME got=WORD [manual=WORD]".  Bare and virtual, the words must be the
 * same; where the manual leaves no doubt, its word stands beside.  Words are made of what the
 * instruction left: "none" or "#13" for exceptions, numbers for results.
 */
#ifndef CHECKER_CENSUS_H
#define CHECKER_CENSUS_H

#include "rt/rt.h"

#define CENSUS_NAME_MAX 60

/* got and manual (NULL: not given) are words. */
void census_case(const char *name, const char *got, const char *manual);
void census_number(const char *name, u64 got);
void census_number_manual(const char *name, u64 got, u64 manual);
/* The exception that RT_TRY left. */
void census_trap(const char *name, const char *manual);
void census_flags(const char *name, u64 mask);

/* We are behind a hypervisor: cases are allowed that would hang the emulator's bare machine. */
bool census_virtual(void);

/* One for each file census_*.c */
void census_cpuid(void);
void census_msr(void);
void census_control(void);
void census_io(void);
void census_length(void);
void census_interrupt(void);
void census_memory(void);
void census_chips(void);
void census_chips2(void);
void census_lines(void);
void census_apics(void);
void census_board(void);
void census_virtio(void);

/* The last: it leaves memory to user mode. */
void census_events(void);

#endif
