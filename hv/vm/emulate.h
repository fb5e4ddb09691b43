/*
 * emulate.h - doing what an instruction would have done
 *
 * Owns: the instructions that exits leave to us: accesses to device memory and to
 * addresses that are nothing, string port I/O, and the ones whose operands the CPU
 * does not report.
 * Must not know: back ends, devices behind the bus.
 */
#ifndef ESPEJO_VM_EMULATE_H
#define ESPEJO_VM_EMULATE_H

#include "vm/exit.h"

struct vcpu;
struct insn;
struct insn_operand;

/*
 * Guest-virtual memory of v through its segments and page tables, as its CPL may use it.
 * A cpl override of 0 is a system access (descriptor tables).  0; or -1 with *fault filled
 * in, and nothing was written.  Accesses to device memory go to the bus, to nothing read
 * as ones.  len at most 16 for devices; any for memory.
 */
int emulate_read(struct vcpu *v, u64 gva, void *to, unsigned len, bool system, struct event *fault);
int emulate_write(struct vcpu *v, u64 gva, const void *from, unsigned len, bool system,
		  struct event *fault);

/* Operand opnd of a decoded instruction, from memory; the same results. */
int emulate_load(struct vcpu *v, const struct insn *insn, const struct insn_operand *opnd, void *to,
		 unsigned len, struct event *fault);

/* Device registers at guest-physical addresses without RAM; nothing there: all ones, or lost. */
u64 emulate_device_read(struct vcpu *v, gpa_t at, unsigned size);
void emulate_device_write(struct vcpu *v, gpa_t at, unsigned size, u64 value);

/*
 * Carry out the instruction at RIP, which touched guest-physical memory without RAM behind it,
 * or is INS or OUTS.  Fills in v->exit's outcome (DONE, RETRY for an unfinished REP, FAULT).
 * An instruction that is not known here ends the VM with its name in the cause.
 */
void emulate_instruction(struct vcpu *v);

#endif
