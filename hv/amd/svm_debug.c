/*
 * svm_debug.c - breakpoints on a CPU whose VMRUN loads DR7 and arms nothing
 *
 * Owns: arming and disarming them by a guest of one instruction, MOV to DR7, when a vCPU comes and
 * goes.
 * Must not know: what a breakpoint is for.
 *
 * QEMU 7.2 keeps what MOV to DR7 armed in lists of its own, one for code and one for data, and
 * takes it out of the list that DR7 names by then.  VMRUN and #VMEXIT change DR7 and not the
 * lists: the next guest on the CPU would have the last one's breakpoints, and its MOV to DR7 may
 * take a breakpoint from the list of the other kind, which ends QEMU (docs/emulators.md).  So each
 * vCPU disarms, under the DR7 that armed.
 *
 * Source: [APM] vol. 2 "VMRUN Instruction" (15.5.1): DR7 is loaded, and with it what it enables.
 */
#include "amd/svm.h"

#include "x86_ops.h"

/* Of all CPUs alike; asked when the first breakpoint comes. */
static enum { UNKNOWN, BY_VMRUN, APART } arming;

/*
 * Run the guest at rip under DR7 = before, with RAX = value; it has the host's FS, GS and TR.  The
 * host's interrupts stay out, rather than end it; an NMI ends it, is taken by the host, and it
 * begins anew.
 */
static u64 run(const u8 *rip, u64 before, u64 value)
{
	struct vmcb *b = svm_host_page();
	struct gpregs regs = { 0 };

	do {
		svm_probe_vmcb(b);
		b->control.intercept_misc1 &= ~(u32)VMCB_INTERCEPT_INTR;
		b->control.int_control = 0;
		b->save.rip = (u64)(uintptr_t)rip;
		b->save.rax = value & ~DR7_GD;
		b->save.dr7 = before & ~DR7_GD;
		svm_enter(&regs, host_hpa(b).v, host_hpa(b).v, svm_stop);
	} while (b->control.exitcode == VMCB_EXIT_NMI);
	return b->control.exitcode;
}

/* Is a breakpoint on the second instruction met, under a DR7 that VMRUN loads? */
static void find_out(void)
{
	u64 dr0, exit;

	__asm__ volatile("mov %%dr0, %0" : "=r"(dr0));
	__asm__ volatile("mov %0, %%dr0" ::"r"(svm_probe_debug_end));
	exit = run(svm_probe_debug_guest, DR7_FIXED | DR7_G0, 0);
	__asm__ volatile("mov %0, %%dr0" ::"r"(dr0));
	arming = exit == VMCB_EXIT_EXCEPTION + VECTOR_DB ? BY_VMRUN : APART;
}

static void move(u64 before, u64 after)
{
	if (likely(!((before | after) & DR7_ENABLED)))
		return;
	if (arming == UNKNOWN)
		find_out();
	if (arming == APART)
		run(svm_dr7_guest, before, after);
}

void svm_debug_arm(const struct svm_vcpu *s)
{
	move(DR7_FIXED, s->vmcb->save.dr7);
}

void svm_debug_disarm(const struct svm_vcpu *s)
{
	move(s->vmcb->save.dr7, DR7_FIXED);
}
