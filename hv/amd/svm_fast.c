/*
 * svm_fast.c - the short way of an exit
 *
 * Owns: what the world switch asks after each exit: shall the guest go on at once?
 * Must not know: the answers, which vm/fast.h has.
 *
 * Called between two VMRUNs with GIF clear and part of the guest's registers still in the CPU
 * (svm_run.S): nothing of the host may be asked.  Nothing is dirty, so the VMCB needs no more than
 * the result.
 */
#include "amd/svm.h"

#include "vm/fast.h"
#include "x86_ops.h"

/* The last three are constants where this is called: each short way is without decisions. */
static ALWAYS_INLINE bool
go_on(struct gpregs *regs, enum exit_reason reason, u32 code, bool nrips)
{
	struct svm_vcpu *s = container_of(regs, struct svm_vcpu, vcpu.regs);
	struct vmcb *b = s->vmcb;
	const u64 rip = b->save.rip, rflags = b->save.rflags;
	const struct fast_exit exit = {
		.reason = (u8)reason,
		.len_known = nrips,
		.insn_len = (u8)(b->control.nrip - rip),
		.raw = code,
		.rip = rip,
		.rflags = rflags,
		.cr3 = &b->save.cr3,
		.cs = svm_segment(&b->save.cs),
	};
	unsigned len;

	if (!fast_answer(&s->vcpu, &exit, &b->save.rax, &len))
		return false;
	/* At the end of 4 GiB the CPU knows the mode, and the cache has no such entry. */
	b->save.rip = nrips ? b->control.nrip : rip + len;
	b->save.rflags = rflags & ~RFLAGS_RF;
	b->control.int_shadow = 0;
	return true;
}

static ALWAYS_INLINE bool by_code(struct gpregs *regs, bool nrips)
{
	u64 code = container_of(regs, struct svm_vcpu, vcpu.regs)->vmcb->control.exitcode;

	if (code == VMCB_EXIT_VMMCALL)
		return go_on(regs, EXIT_HYPERCALL, VMCB_EXIT_VMMCALL, nrips);
	if (code == VMCB_EXIT_CPUID)
		return go_on(regs, EXIT_CPUID, VMCB_EXIT_CPUID, nrips);
	return false;
}

bool svm_go_on(struct gpregs *regs)
{
	return by_code(regs, false);
}

bool svm_go_on_nrips(struct gpregs *regs)
{
	return by_code(regs, true);
}

/*
 * QEMU 7.2 may lose an interrupt of the host's as it enters a guest with V_IRQ: it notes that
 * without a lock, while another thread notes the interrupt.  The local APIC still asks, and a store
 * to its TPR makes the CPU look again.
 */
bool svm_stop(struct gpregs *regs UNUSED)
{
	x86_write_cr8(0);
	return false;
}

