/*
 * kvm_vcpu.c - running a vCPU by KVM_RUN
 *
 * Owns: a vCPU's file and shared page; what happens just before and behind each KVM_RUN.
 * Must not know: what an exit means, threads and signals.
 *
 * Kicks.  A kick sets immediate_exit, which ends the next KVM_RUN before it enters the guest; the
 * host's signal ends one that has begun.  It is cleared behind each KVM_RUN, before the requests
 * are read again (vcpu_step), and whoever kicks has set a request before: so none is lost.
 *
 * Source: [KVM] "KVM_RUN" (4.10), "The kvm_run structure" (5).
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm/kvm.h"
#include "vm/handle.h"
#include "vm/irq.h"

#define TPR_SHIFT 4 /* CR8 is the upper half of the TPR */

/* ---- Making ---- */

/*
 * Linux makes a thread for the VM at the first KVM_RUN, which a process may be forbidden later: so
 * there is one now that does not enter the guest.
 */
static int first_run(struct kvm_vcpu *k)
{
	int result;

	k->run->immediate_exit = 1;
	result = ioctl(k->fd - 1, KVM_RUN, 0);
	k->run->immediate_exit = 0;
	return result < 0 && errno == EINTR ? 0 : -HOST_ENOMEM;
}

int kvm_vcpu_init(struct vcpu *v)
{
	struct kvm_vcpu *k = kvm_vcpu(v);
	int fd = ioctl(kvm_vm(v->vm)->fd - 1, KVM_CREATE_VCPU, v->index);

	if (fd < 0)
		return -HOST_ENOMEM;
	k->fd = fd + 1;
	k->run = mmap(NULL, kvm_features.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (k->run == MAP_FAILED) {
		k->run = NULL;
		return -HOST_ENOMEM;
	}
	k->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_EVENTS;
	k->dirty = STATE_ALL;
	return first_run(k);
}

void kvm_vcpu_free(struct vcpu *v)
{
	struct kvm_vcpu *k = kvm_vcpu(v);

	if (k->run)
		munmap(k->run, kvm_features.run_size);
	if (k->fd)
		close(k->fd - 1);
	k->run = NULL;
	k->fd = 0;
}

/* Nothing of it lives in a CPU: KVM sees to that. */
void kvm_vcpu_load(struct vcpu *v UNUSED)
{
}

/* KVM takes a CPUID only before the first entry. */
static void identify(struct kvm_vcpu *k)
{
	union {
		struct kvm_cpuid2 head; /* with its entries behind it */
		u8 bytes[sizeof(struct kvm_cpuid2) +
			 CPUID_LEAVES * sizeof(struct kvm_cpuid_entry2)];
	} cpuid = { .bytes = { 0 } };

	kvm_cpuid_fill(&k->vcpu, &cpuid.head);
	kvm_must(k->fd - 1, KVM_SET_CPUID2, &cpuid);
	k->identified = true;
}

/* ---- Before an entry ---- */

/*
 * What was changed goes over; registers are compared, as nobody says that they were.  False: KVM
 * refuses it, and the guest has ended.
 */
static bool push(struct kvm_vcpu *k)
{
	struct kvm_run *run = k->run;
	bool all = k->dirty & STATE_EXEC;
	struct kvm_regs regs;

	if (unlikely(!k->identified))
		identify(k);
	if (!kvm_state_push(k))
		return false;
	kvm_state_to_regs(&regs, &k->vcpu.regs);
	if (all || memcmp(&regs, &run->s.regs.regs, sizeof(regs))) {
		run->s.regs.regs = regs;
		run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
	}
	run->cr8 = lapic_get_tpr(&k->vcpu.lapic) >> TPR_SHIFT;
	kvm_events_before(k);
	return true;
}

/* ---- Behind it ---- */

/* MOV to CR8 does not exit, unless it lowers the TPR; an interrupt may be due now. */
static void take_tpr(struct vcpu *v, u64 cr8)
{
	if (cr8 == lapic_get_tpr(&v->lapic) >> TPR_SHIFT)
		return;
	host_lock(&v->vm->lock);
	lapic_set_tpr(&v->lapic, (u8)(cr8 << TPR_SHIFT));
	host_unlock(&v->vm->lock);
}

static void pull(struct kvm_vcpu *k)
{
	kvm_state_from_regs(&k->vcpu.regs, &k->run->s.regs.regs);
	k->vcpu.state_fresh = 0;
	k->msrs_read = false;
	take_tpr(&k->vcpu, k->run->cr8);
	kvm_events_after(k);
}

/* KVM_RUN failed.  A signal, or immediate_exit: what was amid an instruction is done now. */
static void failed(struct kvm_vcpu *k, int error)
{
	struct vcpu *v = &k->vcpu;

	v->exit = (struct vm_exit){ .reason = EXIT_HOST, .raw = KVM_EXIT_INTR };
	k->pending = k->stepped = false;
	if (error == EINTR)
		return;
	vm_end(v->vm, VM_DEAD, "KVM cannot run vCPU %u at rip %#llx: %s", v->index,
	       (unsigned long long)v->regs.rip,
	       error == EFAULT || error == ENOMEM ? "the host has no memory for it"
						  : strerror(error));
}

/*
 * Into the guest and back.  First what was changed on our side goes to KVM (push); if KVM refuses
 * that, the guest is not entered, which counts as a run that a signal interrupted.  KVM_RUN has no
 * argument.  It is 0 when the guest wants something (kvm_exit), and -1 when the run was cut short
 * or could not be: errno says which (failed).  In all cases, behind it and in this order: the kick,
 * if there was one, is over (immediate_exit, by an atomic store: __ATOMIC_SEQ_CST), and what the
 * guest changed is fetched (pull); only then is looked at why it came back.
 * Source: [KVM] "KVM_RUN" (4.10); "Kicks" above.  k->fd is a descriptor plus one (kvm.h).
 */
static void enter(struct kvm_vcpu *k)
{
	int error = EINTR;

	if (push(k))
		error = ioctl(k->fd - 1, KVM_RUN, 0) < 0 ? errno : 0;
	__atomic_store_n(&k->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	pull(k);
	if (error)
		failed(k, error);
	else
		kvm_exit(k);
}

/* ---- virt.h ---- */

void kvm_vcpu_kick(struct vcpu *v)
{
	__atomic_store_n(&kvm_vcpu(v)->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static bool step_raised(const struct vcpu *v)
{
	return v->raised.type == EVENT_EXCEPTION && v->raised.vector == VECTOR_DB &&
	       (v->raised.dr6 & DR6_BS);
}

/*
 * Finish the instruction without entering the guest.  KVM raises the single-step #DB, but not
 * behind what its decoder stores to a port or to device memory.
 */
static void finish(struct kvm_vcpu *k)
{
	static const struct event step = { .type = EVENT_EXCEPTION,
					   .vector = VECTOR_DB,
					   .dr6 = DR6_BS };
	struct vcpu *v = &k->vcpu;
	bool stepped = k->stepped;

	kvm_vcpu_kick(v);
	enter(k);
	if (stepped && v->exit.reason == EXIT_HOST && !step_raised(v))
		irq_raise(v, &step);
}

/*
 * KVM_RUN that is not to enter the guest finishes the instruction.  It may need further accesses
 * for that: they are answered here.
 */
void kvm_vcpu_complete(struct vcpu *v)
{
	struct kvm_vcpu *k = kvm_vcpu(v);

	for (;;) {
		if (!kvm_exit_answer(k)) {
			if (!k->pending)
				return;
			finish(k);
			if (v->exit.reason == EXIT_HOST)
				return;
		}
		v->exits[v->exit.reason]++;
		handle_exit(v);
	}
}

/* A step's trap comes before the next instruction: the loop has to look at it. */
static void finish_step(struct vcpu *v)
{
	__atomic_store_n(&v->in_guest, false, __ATOMIC_RELEASE);
	kvm_vcpu_complete(v);
	v->exit = (struct vm_exit){ .reason = EXIT_HOST, .raw = KVM_EXIT_INTR };
}

void kvm_vcpu_run(struct vcpu *v)
{
	struct kvm_vcpu *k = kvm_vcpu(v);

	if (unlikely(k->stepped))
		finish_step(v);
	else if (!kvm_exit_answer(k))
		enter(k);
}
