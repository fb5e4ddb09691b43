/*
 * state.h - what the files of this guest have in common
 *
 * Owns: values that nothing has by itself, so that who loses one is seen; the parts of the machine.
 * Must not know: who compares what.
 */
#ifndef TESTS_STATE_H
#define TESTS_STATE_H

#include "layout.h"

/* The guest's own descriptor table: the runtime's eight, then these. */
#define STATE_LDT 0x40 /* two slots */
#define STATE_DATA16 0x53 /* 16-bit, expand-down, DPL 3 */
#define STATE_SMALL 0x58 /* a limit in bytes, a base, AVL */
#define STATE_CONFORMING 0x60 /* 32-bit code */
#define STATE_GDT_SLOTS 13
#define STATE_IN_LDT 0x0c /* the second entry of the LDT */

#define STATE_SIPI_PAGE 8
#define STATE_PDPTES 0xa000 /* of CPU 1: a page of their own, into which QEMU writes */
#define STATE_PAUSE_PORT 0xeb

#define STATE_DR0 0x123458
#define STATE_DR7 0x00080700 /* breakpoint 0: of data, 8 bytes; LE and GE; nothing enabled */

#ifndef __ASSEMBLER__
#include "rt.h"

/* Device registers (devices.c), in the order in which they are set: some have effects. */
void devices_set_up(void);
void devices_wait(void); /* 50 ms of the PIT's time */

/* The CPU's (cpu.c). */
extern u64 state_gdt[STATE_GDT_SLOTS];
void cpu_set_up(void);

/* cpu.S: fill all registers, say "here" between two instructions, and put them back. */
void state_here(void);
#endif

#endif
