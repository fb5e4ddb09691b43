/*
 * kvm.h - the back end that runs guests by Linux's KVM
 *
 * Owns: struct virt_ops over /dev/kvm, as a program sees it; and, below, what the files of this
 * folder share.
 * Must not know: how exits are handled, threads, signals, where memory comes from.
 *
 * KVM is a back end among others: the machine, all of its devices and its local APICs are ours, so
 * no interrupt controller is made in the kernel.  What differs from AMD-V and VT-x:
 *  - an exit is answered in memory shared with KVM, which completes the instruction itself at the
 *    next KVM_RUN (EXIT_LEN_BACK_END); one with several accesses gives several exits;
 *  - CPUID, XSETBV, control and debug registers, hypercalls do not exit;
 *  - there are no table entries but slots: guest memory is mapped before it is touched;
 *  - what KVM could not deliver, or raised, is taken back from it at each exit: vm/irq.c decides.
 *
 * What a guest finds otherwise than on AMD-V and VT-x, because KVM has it so:
 *  - no breakpoints on ports and device memory; INS and OUTS with TF set trap once too often or too
 *    seldom; of an instruction with several accesses to device memory (PUSHA, far CALL and RET) the
 *    last one counts; SGDT, LGDT, FXSAVE and their like there are tried for ever, without an exit;
 *  - on AMD-V an NMI stays blocked after an IRET that faults;
 *  - VMCALL and VMMCALL are KVM's: no #UD without a hypervisor, but hypercalls have a port
 *    (vm/handle.h);
 *  - CPUID beyond the last leaf answers as KVM has it for the vendor's name.
 *
 * Source: Linux, Documentation/virt/kvm/api.rst, "The Definitive KVM (Kernel-based Virtual
 * Machine) API Documentation"; below cited as [KVM].
 */
#ifndef ESPEJO_KVM_KVM_H
#define ESPEJO_KVM_KVM_H

#include <linux/kvm.h>

#include "vm/vm.h"

/* What the headers of Linux 5.15 do not know yet; the kernel is asked whether it does. */
#ifndef KVM_CAP_XSAVE2
#define KVM_CAP_XSAVE2 208
#define KVM_GET_XSAVE2 _IOR(KVMIO, 0xcf, struct kvm_xsave)
#endif
#ifndef KVM_CAP_DISABLE_QUIRKS2
#define KVM_CAP_DISABLE_QUIRKS2 213
#endif
#ifndef KVM_VCPU_TSC_CTRL
#define KVM_VCPU_TSC_CTRL 0
#define KVM_VCPU_TSC_OFFSET 0
#endif

extern const struct virt_ops kvm_ops;

/* After probe: 0, or why it failed: ENOENT, EACCES (Linux's), ENOTSUP: KVM is not as we need it. */
int kvm_probe_errno(void);

/* The requests that a VM makes of KVM after vm_create: for who lets no others pass. */
extern const u32 kvm_runtime_ioctls[];
extern const unsigned kvm_runtime_ioctl_count;

/* ---- For this folder: slots ---- */

#define KVM_SLOTS 480 /* a PC needs some ten, and one for each MiB while gate A20 is closed */

/* One memory region of KVM's; its index is the slot number.  size 0: free. */
struct kvm_slot {
	u64 at, size; /* guest-physical */
	u8 *host;
	u8 prot; /* PROT_*: without PROT_W a write exits as device memory */
	bool logged; /* KVM notes who is written */
	u64 *dirty; /* what was fetched and not yet asked for; NULL: no memory for it */
	unsigned dirty_order;
};

struct kvm_slots {
	/* Tell KVM what slot n is now; size 0 deletes it.  0, or -errno of Linux. */
	int (*set)(struct kvm_slots *slots, unsigned n);
	/* Bits of the pages of slot n that were written since the last call.  The same results. */
	int (*fetch)(struct kvm_slots *slots, unsigned n, u64 *bitmap);
	struct kvm_slot slot[KVM_SLOTS];
};

/*
 * As map, unmap, protect and dirty_fetch_and_clear of virt.h.  A region of KVM's cannot change its
 * size or its rights: it is deleted and made anew, and for that moment its addresses exit as
 * device memory.  So neighbours are never joined: RAM that stays is never touched.
 */
int kvm_slots_map(struct kvm_slots *slots, u64 at, void *host, u64 size, unsigned prot);
void kvm_slots_unmap(struct kvm_slots *slots, u64 at, u64 size);
void kvm_slots_protect(struct kvm_slots *slots, u64 at, u64 size, unsigned prot);
void kvm_slots_dirty(struct kvm_slots *slots, u64 at, u64 size, u64 *bitmap);
void kvm_slots_free(struct kvm_slots *slots);

/* ---- A VM ---- */

/* MSRs for which a filter has bits: as many as AMD's permission map. */
#define KVM_FILTER_PARTS 3
#define KVM_FILTER_MSRS 0x2000
#define KVM_MSRS 10 /* of STATE_MSR */

struct kvm_filter {
	u8 read[KVM_FILTER_PARTS][KVM_FILTER_MSRS / 8]; /* bit set: KVM's own register */
	u8 write[KVM_FILTER_PARTS][KVM_FILTER_MSRS / 8];
};

struct kvm_vm {
	struct vm vm; /* first */
	int fd; /* + 1; 0: none */
	struct kvm_filter *filter;
	struct kvm_slots slots;
};

/* ---- A vCPU ---- */

struct kvm_vcpu {
	struct vcpu vcpu; /* first */
	int fd; /* + 1; 0: none */
	struct kvm_run *run; /* shared with KVM */
	u32 dirty; /* STATE_* parts of vcpu.state that KVM does not know yet */
	u8 windows;
	bool identified; /* it has its CPUID */
	bool refused; /* KVM did not take its state */
	bool pending; /* KVM waits for the answer to an exit, amid an instruction */
	bool stepped; /* which is a store, with TF set */
	bool events; /* run->s.regs.events was changed by us */
	u32 element; /* of a string of ports, or byte of device memory: the one in vcpu.exit */
	u64 apic_base; /* as KVM knows it */
	bool msrs_read; /* since the last entry; this is what KVM said */
	u64 msr_read[KVM_MSRS];
};

static inline struct kvm_vm *kvm_vm(struct vm *vm)
{
	return container_of(vm, struct kvm_vm, vm);
}

static inline struct kvm_vcpu *kvm_vcpu(struct vcpu *v)
{
	return container_of(v, struct kvm_vcpu, vcpu);
}

/* ---- kvm.c */
/* What this KVM offers beyond what we need; known after probe. */
struct kvm_features {
	int fd; /* of /dev/kvm */
	unsigned run_size; /* of struct kvm_run and what lies behind it */
	unsigned xsave_size;
	bool xsave2, tsc_offset, exit_on_emulation, tss_address, tsc_aux;
	bool svm; /* KVM uses AMD-V */
	u64 quirks;
};
extern struct kvm_features kvm_features;

/* An ioctl that cannot fail but by a bug of ours: panics with its name and the error. */
#define kvm_must(fd, request, argument) kvm_must_named(fd, request, #request, argument)
int kvm_must_named(int fd, unsigned long request, const char *name, void *argument);

/* ---- kvm_cpuid.c */
/* Ask KVM what it supports; false: it does not say. */
bool kvm_cpuid_read(int fd);
struct cpuid_regs kvm_cpuid(u32 leaf, u32 subleaf);
/* v's identity for KVM_SET_CPUID2, out of its VM's table; room for CPUID_LEAVES entries. */
void kvm_cpuid_fill(const struct vcpu *v, struct kvm_cpuid2 *to);

/* ---- kvm_state.c */
void kvm_get_state(struct vcpu *v, unsigned parts);
void kvm_set_state(struct vcpu *v, unsigned parts);
/* What is dirty becomes KVM's.  False: it refuses something, which is the end of the VM. */
bool kvm_state_push(struct kvm_vcpu *k);
bool kvm_breakpoints(const struct vcpu *v);
/* Pure: between KVM's form and ours, of the parts that are asked for (EXEC, SEG, CR2, PDPTE). */
void kvm_state_from_sregs(struct cpu_state *to, const struct kvm_sregs2 *from, unsigned parts);
void kvm_state_to_sregs(struct kvm_sregs2 *to, const struct cpu_state *from, unsigned parts);
void kvm_state_from_regs(struct gpregs *to, const struct kvm_regs *from);
void kvm_state_to_regs(struct kvm_regs *to, const struct gpregs *from);

/* ---- kvm_vcpu.c */
int kvm_vcpu_init(struct vcpu *v);
void kvm_vcpu_free(struct vcpu *v);
void kvm_vcpu_load(struct vcpu *v); /* and unload, flush: there is nothing to do */
void kvm_vcpu_run(struct vcpu *v);
void kvm_vcpu_complete(struct vcpu *v);
void kvm_vcpu_kick(struct vcpu *v);

/* ---- kvm_event.c */
void kvm_inject(struct vcpu *v, const struct event *event);
void kvm_window(struct vcpu *v, unsigned windows);
/* Nothing is to be delivered: the state was set anew. */
void kvm_events_drop(struct kvm_vcpu *k);
/* Before an entry: what is waited for; behind it: take back what was not delivered. */
void kvm_events_before(struct kvm_vcpu *k);
void kvm_events_after(struct kvm_vcpu *k);

/* ---- kvm_exit.c */
/* KVM's exit becomes v->exit. */
void kvm_exit(struct kvm_vcpu *k);
/* The answer in v->exit goes to KVM.  True: the same exit asks for another access. */
bool kvm_exit_answer(struct kvm_vcpu *k);

/* ---- kvm_explain.c */
const char *kvm_raw_name(u64 raw);
unsigned kvm_explain(struct vcpu *v, struct fmt_sink *sink);
void kvm_dump(struct vcpu *v, struct fmt_sink *sink);

#endif
