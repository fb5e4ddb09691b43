/*
 * hw.h - what the two hardware back ends do alike
 *
 * Owns: completing an exit in the general registers, and the swap of FPU and debug
 * registers when a vCPU is loaded.
 * Must not know: VMCB, VMCS.
 */
#ifndef ESPEJO_HW_H
#define ESPEJO_HW_H

#include "vm/vcpu.h"

/*
 * Deliver the answer of v->exit into the general registers and step RIP over the
 * instruction.  True if an instruction was completed: the back end then ends the
 * interrupt shadow.  Faults are raised by common code, not here.
 */
static inline bool hw_complete(struct vcpu *v)
{
	struct vm_exit *exit = &v->exit;

	if (exit->outcome != OUTCOME_DONE)
		return false;
	exit->outcome = OUTCOME_NONE;
	if (exit->reason == EXIT_IO && exit->io.in && !exit->io.string) {
		u64 mask = exit->io.size == 4 ? ~0ull : BITS(exit->io.size * 8 - 1, 0);

		/* A 32-bit result clears the upper half, smaller ones leave the rest alone. */
		v->regs.r[REG_RAX] = (v->regs.r[REG_RAX] & ~mask) |
				     (exit->io.value & (mask & 0xffffffff));
	} else if (exit->reason == EXIT_MSR && !exit->msr.write) {
		v->regs.r[REG_RAX] = (u32)exit->msr.value;
		v->regs.r[REG_RDX] = exit->msr.value >> 32;
	}
	v->regs.rip = fetch_rip_behind(v, v->regs.rip, exit->insn_len);
	v->regs.rflags &= ~RFLAGS_RF;
	return true;
}

/*
 * Let this CPU use its FPU and XSAVE as hw_fpu_load wants it: CR0 and CR4 of the host.  Called by
 * cpu_on of a back end, on each CPU, before anything else of this file.
 */
void hw_cpu_on(void);

/* Bytes of an XSAVE area for all that this machine's XCR0 allows; FXSAVE's 512 without XSAVE. */
size_t hw_fpu_size(void);
/*
 * The CPU's whole FPU, vector and XCR0 state becomes v's, and v's is saved.  The hypervisor
 * itself uses general registers only, so nothing of its own needs keeping.
 */
void hw_fpu_load(struct vcpu *v);
void hw_fpu_save(struct vcpu *v);

/* DR0-DR3 (and, if the control block has no field, DR6) of v into the CPU; and back. */
void hw_debug_load(const struct vcpu *v, bool dr6);
void hw_debug_save(struct vcpu *v, bool dr6);

#endif
