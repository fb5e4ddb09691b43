/*
 * breakpoint.h - the guest's breakpoints on what we do in its CPU's place
 *
 * Owns: DR0-DR3 and DR7 compared with ports and data that emulated instructions touch.
 * Must not know: instructions.  Breakpoints on code the CPU finds by itself.
 *
 * A CPU checks its debug registers as it accesses data or ports; an instruction that exits and is
 * carried out by us has made no access.  So we look, and raise the #DB that is a trap behind
 * the instruction.  [SDM] "Data Memory and I/O Breakpoint Exception Conditions" (18.3.1.2),
 * "Debug Control Register (DR7)" (18.2.4)
 */
#ifndef ESPEJO_VM_BREAKPOINT_H
#define ESPEJO_VM_BREAKPOINT_H

#include "virt.h"

struct vcpu;

/* The usual case, without a call: there are none. */
static inline bool breakpoint_none(const struct vcpu *v)
{
	return likely(virt->breakpoints && !virt->breakpoints(v));
}

/* v accessed size bytes at port, or at linear address gva: raise #DB if that is asked for. */
void breakpoint_port(struct vcpu *v, u16 port, unsigned size);
void breakpoint_data(struct vcpu *v, u64 gva, unsigned size, bool write);

#endif
