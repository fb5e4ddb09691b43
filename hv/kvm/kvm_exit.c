/*
 * kvm_exit.c - KVM's exits as requests, and the answers to them
 *
 * Owns: which exit of KVM's is which of ours, and where in the shared page an answer goes.
 * Must not know: what is done about an exit.
 *
 * Ports, device memory and MSRs: KVM stands amid the instruction and finishes it with the answer at
 * the next KVM_RUN.  A string of ports comes as one exit with many elements: to common code, each
 * of them is an exit of its own.
 *
 * Source: [KVM] "The kvm_run structure" (5), "KVM_CAP_X86_USER_SPACE_MSR" (7.21).
 */
#include <string.h>

#include "kvm/kvm.h"

static u8 *element(const struct kvm_vcpu *k)
{
	const struct kvm_run *run = k->run;

	return (u8 *)k->run + run->io.data_offset + (size_t)k->element * run->io.size;
}

static void fill_io(struct kvm_vcpu *k)
{
	const struct kvm_run *run = k->run;
	struct vm_exit *exit = &k->vcpu.exit;

	exit->reason = EXIT_IO;
	exit->io.port = run->io.port;
	exit->io.size = run->io.size;
	exit->io.in = run->io.direction == KVM_EXIT_IO_IN;
	exit->io.string = false;
	exit->io.value = 0;
	if (!exit->io.in)
		memcpy(&exit->io.value, element(k), run->io.size);
	k->stepped = !exit->io.in && (k->vcpu.regs.rflags & RFLAGS_TF);
}

/* Devices know 1, 2, 4 and 8 bytes; SGDT, for one, stores six. */
static void fill_mmio(struct kvm_vcpu *k)
{
	const struct kvm_run *run = k->run;
	struct vm_exit *exit = &k->vcpu.exit;
	u32 left = run->mmio.len - k->element;

	check(left && left <= sizeof(exit->mmio.value));
	exit->reason = EXIT_MMIO;
	exit->mmio.gpa = gpa(run->mmio.phys_addr + k->element);
	exit->mmio.size = (u8)BIT(31 - __builtin_clz(left));
	exit->mmio.write = run->mmio.is_write;
	exit->mmio.value = 0;
	if (exit->mmio.write)
		memcpy(&exit->mmio.value, run->mmio.data + k->element, exit->mmio.size);
	k->stepped = exit->mmio.write && (k->vcpu.regs.rflags & RFLAGS_TF);
}

static void fill_msr(struct kvm_vcpu *k)
{
	const struct kvm_run *run = k->run;
	struct vm_exit *exit = &k->vcpu.exit;

	exit->reason = EXIT_MSR;
	exit->msr.index = run->msr.index;
	exit->msr.write = run->exit_reason == KVM_EXIT_X86_WRMSR;
	exit->msr.value = exit->msr.write ? run->msr.data : 0;
}

static void undeliverable(struct vcpu *v)
{
	vm_end(v->vm, VM_DEAD, "an event cannot be delivered at rip %#llx: no RAM there",
	       (unsigned long long)v->regs.rip);
}

#define INFO_BEHIND_FLAGS 1
#define INSTRUCTION_WORDS 2 /* its length and bytes, if a flag says so */
#define INFO_EVENT 3	    /* behind the exit's code and its two words */
#define EVENT_VALID BIT(31)

/*
 * Was it no instruction, but the delivery of an event that met the address?  On AMD's CPUs KVM
 * does not say so, forgets the event and tries what RIP points to; but it leaves the words of the
 * exit for whoever looks for a cause, EXITINTINFO among them.  They are not promised: where they
 * are not, such a guest is not ended but tried for ever.  On Intel's, there is
 * KVM_INTERNAL_ERROR_DELIVERY_EV.  [APM] vol. 2 "EXITINTINFO Pseudo-Code" (15.7.2)
 */
static bool was_delivery(const struct kvm_run *run)
{
	u32 at = INFO_BEHIND_FLAGS + INFO_EVENT;

	if (!kvm_features.svm || !run->internal.ndata)
		return false;
	if (run->internal.data[0] & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)
		at += INSTRUCTION_WORDS;
	return run->internal.ndata > at && at < ARRAY_SIZE(run->internal.data) &&
	       (run->internal.data[at] & EVENT_VALID);
}

/*
 * KVM's decoder gave up: ours tries.  Not when an event could not be delivered, to an IDT or a
 * stack that is not in RAM, nor when KVM itself is at a loss: then the guest is at its end.
 */
static void fill_internal(struct kvm_vcpu *k)
{
	const struct kvm_run *run = k->run;
	struct vcpu *v = &k->vcpu;
	unsigned long long rip = v->regs.rip;

	v->exit.reason = EXIT_HOST;
	switch (run->internal.suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		if (was_delivery(run)) {
			undeliverable(v);
			break;
		}
		v->exit.reason = EXIT_EMULATE;
		v->exit.insn_len = 0;
		/* KVM may have raised #UD as well. */
		if (v->raised.type == EVENT_EXCEPTION && v->raised.vector == VECTOR_UD)
			v->raised.type = EVENT_NONE;
		break;
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		undeliverable(v);
		break;
	default:
		vm_end(v->vm, VM_DEAD, "KVM's internal error %u at rip %#llx",
		       run->internal.suberror, rip);
	}
}

/*
 * Why KVM came back, by run->exit_reason, becomes a request: k->vcpu.exit, all zero but for the
 * reason and what belongs to it, insn_len, which is EXIT_LEN_BACK_END, and raw, KVM's own number.
 *
 *   IO, MMIO, X86_RDMSR, X86_WRMSR   the four for which KVM stands amid an instruction and waits
 *                                    for an answer (pending); the fill_ functions do the rest
 *   HLT                it is done already: KVM has stepped over it
 *   IRQ_WINDOW_OPEN    the guest can take an interrupt, as was asked for by kvm_window
 *   INTR, SET_TPR      nothing to be done but one more turn, as if an interrupt of the host's came
 *   SHUTDOWN           the CPU met a fault in the delivery of a double fault
 *   FAIL_ENTRY         the CPU did not take the guest's state
 *   INTERNAL_ERROR     KVM did not get on with an instruction or an event: fill_internal
 *
 * Any other is one that we do not know.  Of what the exit before left in k nothing is true any
 * more: which element of a string is under way, whether an answer is pending, whether it was a
 * store with TF set (stepped; fill_io and fill_mmio find out).
 * Source: [KVM] "The kvm_run structure" (5); vm/exit.h.
 */
void kvm_exit(struct kvm_vcpu *k)
{
	struct vm_exit *exit = &k->vcpu.exit;
	u32 raw = k->run->exit_reason;

	*exit = (struct vm_exit){ .insn_len = EXIT_LEN_BACK_END, .raw = raw };
	k->element = 0;
	k->pending = k->stepped = false;
	switch (raw) {
	case KVM_EXIT_IO:
		k->pending = true;
		fill_io(k);
		break;
	case KVM_EXIT_MMIO:
		k->pending = true;
		fill_mmio(k);
		break;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		k->pending = true;
		fill_msr(k);
		break;
	case KVM_EXIT_HLT:
		exit->reason = EXIT_HLT;
		break;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		exit->reason = EXIT_WINDOW_INTR;
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_SET_TPR: /* which has been seen by now */
		exit->reason = EXIT_HOST;
		break;
	case KVM_EXIT_SHUTDOWN:
		exit->reason = EXIT_SHUTDOWN;
		break;
	case KVM_EXIT_FAIL_ENTRY:
		exit->reason = EXIT_REFUSED;
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		fill_internal(k);
		break;
	default:
		exit->reason = EXIT_UNKNOWN;
	}
}

/* An instruction that we carried out ourselves. */
static void step_over(struct kvm_vcpu *k)
{
	struct vcpu *v = &k->vcpu;

	v->regs.rip = fetch_rip_behind(v, v->regs.rip, v->exit.insn_len);
	v->regs.rflags &= ~RFLAGS_RF;
	k->run->s.regs.events.interrupt.shadow = 0;
	k->events = true;
}

static bool next_bytes(struct kvm_vcpu *k)
{
	const struct vm_exit *exit = &k->vcpu.exit;

	if (!exit->mmio.write)
		memcpy(k->run->mmio.data + k->element, &exit->mmio.value, exit->mmio.size);
	k->element += exit->mmio.size;
	if (k->element >= k->run->mmio.len)
		return false;
	fill_mmio(k);
	return true;
}

static bool next_element(struct kvm_vcpu *k)
{
	if (k->vcpu.exit.io.in)
		memcpy(element(k), &k->vcpu.exit.io.value, k->run->io.size);
	if (++k->element >= k->run->io.count)
		return false;
	fill_io(k);
	return true;
}

bool kvm_exit_answer(struct kvm_vcpu *k)
{
	struct vm_exit *exit = &k->vcpu.exit;
	u8 outcome = exit->outcome;

	exit->outcome = OUTCOME_NONE;
	if (outcome == OUTCOME_DONE && exit->insn_len != EXIT_LEN_BACK_END) {
		step_over(k);
		return false;
	}
	if (outcome == OUTCOME_NONE || !k->pending)
		return false;
	switch (exit->reason) {
	case EXIT_IO:
		return next_element(k);
	case EXIT_MMIO:
		return next_bytes(k);
	case EXIT_MSR: /* the only fault of an instruction without memory is #GP(0) */
		k->run->msr.error = outcome == OUTCOME_FAULT;
		k->run->msr.data = exit->msr.value;
		break;
	}
	return false;
}
