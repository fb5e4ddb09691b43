/*
 * fast.h - exits that are answered without leaving the back end
 *
 * Owns: the short way of CPUID and hypercalls, the exits that are nothing but software.
 * Must not know: control blocks; a back end hands over what it has in registers.
 *
 * A back end whose guest has just exited may try fast_answer before it does anything
 * else.  True: the guest goes on behind the instruction, everything is accounted and traced
 * as on the long way (vcpu_step, handle_exit), which gives the same answers: a test runs
 * every case on both.  False: nothing was changed, take the long way.
 */
#ifndef ESPEJO_VM_FAST_H
#define ESPEJO_VM_FAST_H

#include "vm/handle.h"
#include "vm/vm.h"

/* An exit as a back end has it in hand. */
struct fast_exit {
	u8 reason; /* EXIT_CPUID, EXIT_HYPERCALL */
	bool len_known; /* a constant; else look into the cache, which wants cr3 and cs */
	u8 insn_len;
	u32 raw;
	u64 rip, rflags;
	const u64 *cr3;
	const struct segment *cs;
};

static ALWAYS_INLINE void fast_account(struct vcpu *v, const struct fast_exit *exit,
				       struct trace_entry *e)
{
	e->rip = exit->rip;
	e->head = (u64)exit->raw << 32 | exit->reason;
	v->exits[exit->reason]++;
	v->guest_tsc += e->left - e->entered;
	if (unlikely(++e == v->trace.end))
		e = v->trace.ring;
	v->trace.now = e;
	e->entered = trace_clock();
}

static ALWAYS_INLINE bool fast_cpuid(struct vcpu *v, u64 *rax, u64 *info)
{
	const struct cpuid_leaf *e = cpuid_fixed(&v->vm->cpuid, (u32)*rax);
	u64 *r = v->regs.r;

	if (unlikely(!e))
		return false;
	*info = (u32)*rax;
	*rax = e->regs.eax;
	r[REG_RBX] = e->regs.ebx;
	r[REG_RCX] = e->regs.ecx;
	r[REG_RDX] = e->regs.edx;
	return true;
}

static ALWAYS_INLINE bool fast_hypercall(struct vcpu *v, u64 *rax, u64 *info)
{
	if (unlikely(!v->vm->cpuid.hypervisor || *rax != HYPERCALL_VERSION))
		return false;
	*info = HYPERCALL_VERSION;
	*rax = HYPERCALL_CURRENT_VERSION;
	return true;
}

/*
 * v->regs holds RBX, RCX and RDX; *rax is RAX, wherever the back end has it.  True: *len is the
 * instruction's length, over which the back end steps, ending the interrupt shadow.  False: the
 * long way, which overwrites what is in the trace by now.  Calls nothing, so it may run with the
 * guest's segments still in the CPU.
 */
static ALWAYS_INLINE bool fast_answer(struct vcpu *v, const struct fast_exit *exit, u64 *rax,
				      unsigned *len)
{
	struct trace_entry *now = v->trace.now;

	now->left = trace_clock();
	if (unlikely(READ_ONCE(v->requests) || (exit->rflags & RFLAGS_TF)))
		return false;
	*len = exit->insn_len;
	if (!exit->len_known) {
		const struct insn *insn = fetch_known(&v->fetch, v->mode_epoch, exit->rip,
						      *exit->cr3, exit->cs);

		if (unlikely(!insn))
			return false;
		*len = insn->len;
	}
	if (!(exit->reason == EXIT_CPUID ? fast_cpuid(v, rax, &now->info) :
					   fast_hypercall(v, rax, &now->info)))
		return false;
	fast_account(v, exit, now);
	return true;
}

#endif
