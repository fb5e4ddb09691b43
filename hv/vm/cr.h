/*
 * cr.h - writing control registers on the guest's behalf
 *
 * Owns: which values the architecture allows, and what changes with them.
 * Must not know: back ends, which are told by vcpu_state_changed.
 */
#ifndef ESPEJO_VM_CR_H
#define ESPEJO_VM_CR_H

#include "compiler.h"

struct vcpu;

/*
 * MOV to CR0 and CR4 (and LMSW, CLTS by their result).  False: #GP(0), nothing changed.
 * [SDM] "Control Registers" (2.5), MOV-Move to/from Control Registers (vol. 2);
 * [APM] vol. 2 "System-Control Registers" (3.1)
 */
bool cr_write_cr0(struct vcpu *v, u64 value);
bool cr_write_cr4(struct vcpu *v, u64 value);

/* Any of CR0, CR3, CR4, CR8 by number; reading them too.  Other numbers are #UD for the caller. */
bool cr_write(struct vcpu *v, unsigned number, u64 value);
u64 cr_read(struct vcpu *v, unsigned number);

#endif
