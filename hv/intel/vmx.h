/*
 * vmx.h - what the files of the VT-x back end share
 *
 * Owns: the back end's part of a virtual machine and of a vCPU.
 * Must not know: anything outside intel/ that is not in virt.h's reach.
 *
 * Files: vmx.c (the machine: probing, switching on, a VM's memory and bitmaps), vmx_vcpu.c (a
 * vCPU: its VMCS, run), vmx_load.c (binding it to a CPU), vmx_run.S (the world switch), vmx_exit.c
 * (what an exit means), vmx_state.c (state in and out), vmx_explain.c and vmx_rules_*.c (why an
 * entry fails), ept.c (entries).
 *
 * Where a vCPU's state is while it is loaded: general registers, RIP, RFLAGS in vcpu->regs;
 * most of the rest in the VMCS; CR2, DR0-DR3, DR6, the FPU, and the MSRs that only
 * SYSCALL, SWAPGS and RDTSCP use, in the CPU itself, since the hypervisor uses none of them.
 * While it is not loaded, vcpu->state has everything.
 */
#ifndef ESPEJO_INTEL_VMX_H
#define ESPEJO_INTEL_VMX_H

#include "intel/ept.h"
#include "intel/vmx_explain.h"
#include "intel/vmx_ops.h"
#include "vm/vm.h"

/* What this machine's CPUs can, and the control words made of it; set by vmx_probe. */
struct vmx_machine {
	struct vmx_caps caps;
	u64 pin, primary, secondary, exit, entry; /* as a new VMCS gets them */
	bool tsc_aux, spec_ctrl, pks; /* the CPU has these MSRs */
};
extern struct vmx_machine vmx_machine;

struct intel_vm {
	struct vm vm; /* first: common code allocates and sees this */
	struct nested ept;
	u8 *io_bitmap; /* two pages: A, B */
	u8 *msr_bitmap; /* one page */
};

/* What must be done before the next entry; 0 in most. */
#define VMX_TODO_FLUSH BIT(0) /* INVEPT */
#define VMX_TODO_CHECK BIT(1) /* rules of the groups in `changed` */
#define VMX_TODO_LAUNCH BIT(2) /* the VMCS was cleared */
#define VMX_TODO_RESUME BIT(3) /* the last entry launched it */
#define VMX_TODO_END_SHADOW BIT(4) /* an instruction in a shadow was completed */
#define VMX_TODO_POKE BIT(5) /* the operator breaks a field */

/* Bits that no exit reason has: exit.raw can say that the instruction failed, or our rules. */
#define VMX_RAW_FAIL_VALID BIT(24) /* the VM-instruction error is in the low half */
#define VMX_RAW_BY_RULES BIT(25)

/* Arguments of vmx_entry_failed. */
#define VMX_FAIL_INVALID 1
#define VMX_FAIL_VALID 2

/* vmx_poke.c */
struct vmx_poke {
	u16 slot; /* enum vmcs_slot */
	bool force; /* ask the CPU, whatever our rules say */
	u64 value;
	unsigned broken; /* rules */
};

/* The host state in a VMCS: see vmx_write_host_state. */
#define VMX_HOST_FIELDS 22
struct vmx_host {
	bool known; /* else nothing is */
	u64 value[VMX_HOST_FIELDS];
};

struct intel_vcpu {
	struct vcpu vcpu; /* first */
	void (*enter)(struct vcpu *v); /* vmx_launch or vmx_resume */
	u32 todo; /* VMX_TODO_* */
	/*
	 * VMX_GROUP_* that the hypervisor changed since the last good entry, whatever CPU that was
	 * on.  Not by RIP, RFLAGS and the injected event, which change at every other entry.
	 */
	u32 changed;
	/* The VMCS's values of registers that everybody may change in vcpu.regs. */
	u64 seen_rsp, seen_rflags;

	struct vmcs_region *region;
	u16 vpid; /* 0: none */
	bool made; /* constant fields are written */
	u32 set; /* STATE_* changed while not loaded */
	int cpu; /* loaded there last, -1: never */
	int loaded_on; /* CPU that it is loaded on, -1: none */
	u64 primary, secondary; /* control words now */
	u64 cr0_owned, cr4_owned; /* bits that the guest changes without an exit */
	struct vmx_host host;
	struct vmx_poke poke;
};

static inline struct intel_vcpu *vmx_vcpu(struct vcpu *v)
{
	return container_of(v, struct intel_vcpu, vcpu);
}

static inline struct intel_vm *vmx_vm(struct vm *vm)
{
	return container_of(vm, struct intel_vm, vm);
}

/* vmx.c */

/* The control word nearest to wanted that the CPU allows: [SDM] appendix A.3. */
static inline u64 vmx_adjust(u64 wanted, u64 capability)
{
	return (wanted | (u32)capability) & (capability >> 32);
}

u64 vmx_eptp(const struct intel_vm *vm);

/* vmx_run.S: enter the guest by VMLAUNCH or VMRESUME; see there. */
void vmx_launch(struct vcpu *v);
void vmx_resume(struct vcpu *v);
void vmx_exit_point(void);

/* vmx_mask.c */

/* At the start, by the boot CPU with VMX on: 0, or -HOST_ENOMEM.  Then the answer is known. */
int vmx_mask_probe(void);
bool vmx_kick_needs_nmi(void);

/* vmx_vcpu.c: parts of intel_ops */
int vmx_vcpu_init(struct vcpu *v);
void vmx_vcpu_free(struct vcpu *v);
void vmx_run(struct vcpu *v);
void vmx_complete(struct vcpu *v);
void vmx_inject(struct vcpu *v, const struct event *event);
void vmx_window(struct vcpu *v, unsigned windows);
void vmx_flush(struct vcpu *v);

/* The current VMCS is iv's, and new: write what never changes. */
void vmx_vcpu_make(struct intel_vcpu *iv);

/* The rules of these groups are to be checked before the next entry. */
static inline void vmx_changed(struct intel_vcpu *iv, u32 groups)
{
	iv->changed |= groups;
	iv->todo |= VMX_TODO_CHECK;
}

/* Called by vmx_run.S: VMLAUNCH or VMRESUME itself failed; how: VMX_FAIL_*. */
void vmx_entry_failed(struct vcpu *v, u64 how);
/* The CPU, or our rules, refused the entry; raw says which.  The guest is as it was. */
void vmx_refused(struct intel_vcpu *iv, u32 raw);

/* vmx_load.c: parts of intel_ops */
void vmx_load(struct vcpu *v);
void vmx_unload(struct vcpu *v);
unsigned vmx_explain(struct vcpu *v, struct fmt_sink *sink);
void vmx_dump(struct vcpu *v, struct fmt_sink *sink);

/*
 * Into the current VMCS: an exit goes to vmx_exit_point on this CPU, iv being its stack pointer.
 * What host knows to be there is not written again.  True if anything was.
 */
bool vmx_write_host_state(struct intel_vcpu *iv, struct vmx_host *host);

/* By the boot CPU, some VMCS being current: find out which fields there are. */
void vmx_find_fields(void);
/* What the VMCS holds now; 0 for fields that this CPU does not have. */
void vmx_snapshot(struct vmcs_snapshot *s);

/* iv's launch state is clear again: the next entry launches. */
void vmx_reload(struct intel_vcpu *iv);

/* The pending #DB of single-stepping agrees with TF and shadow, as VM entry demands. */
void vmx_fix_pending_debug(struct intel_vcpu *iv);

/* vmx_poke.c: virt.h, poke; before the entry: true, if the CPU is to be asked; behind it. */
bool vmx_poke(struct vcpu *v, const char *field, u64 value, bool force);
bool vmx_poke_apply(struct intel_vcpu *iv);
void vmx_poke_verdict(const struct intel_vcpu *iv);

/* vmx_state.c */
void vmx_get_state(struct vcpu *v, unsigned parts);
void vmx_set_state(struct vcpu *v, unsigned parts);
/* What has no field in the VMCS becomes this CPU's: CR2, DR0 to DR3, DR6, MSRs, FPU. */
void vmx_load_registers(struct vcpu *v);
bool vmx_breakpoints(const struct vcpu *v);

/* vmx_exit.c */

/*
 * Called by vmx_run.S right after an exit: v if the exit is answered and the guest goes on, else
 * NULL.  The guest's RBP and R12 to R15 are in the CPU, not in v->regs.
 */
struct vcpu *vmx_fast(struct vcpu *v);
/* Called by vmx_run.S after an exit: fill in v->regs, v->exit, v->state.interrupted. */
void vmx_exited(struct vcpu *v);
const char *vmx_raw_name(u64 raw);
/* Interruption information to an event, and back (the VALID bit included). */
struct event vmx_event(u64 info, u64 error, u64 length);
u32 vmx_event_info(const struct event *event, bool protected_mode);

#endif
