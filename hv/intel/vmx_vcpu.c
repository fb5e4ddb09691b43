/*
 * vmx_vcpu.c - a vCPU's VMCS: making it, entering the guest
 *
 * Owns: constant fields, flushes, injection, windows, checks before an entry, refused entries.
 * Must not know: guest state fields (vmx_state.c), what an exit means (vmx_exit.c), which VMCS is
 * current (vmx_load.c).
 *
 * Sources: [SDM] "Virtual Machine Control Structures" (25), "VM Entries" (27).
 */
#include "intel/vmx.h"

#include "hw/hw.h"
#include "x86_ops.h"

/* vmx_run.S counts on these. */
ASSERT_OFFSET(struct intel_vcpu, vcpu, 0);
ASSERT_OFFSET(struct gpregs, r, 0);
_Static_assert(sizeof(((struct gpregs *)0)->r) == 8 * REG_COUNT, "a register has 8 bytes");
_Static_assert(REG_RAX == 0 && REG_RCX == 1 && REG_RDX == 2 && REG_RBX == 3 && REG_RSP == 4 &&
		       REG_RBP == 5 && REG_RSI == 6 && REG_RDI == 7 && REG_R8 == 8 && REG_R15 == 15,
	       "offsets in vmx_run.S");
_Static_assert(VMX_FAIL_INVALID == 1 && VMX_FAIL_VALID == 2, "arguments in vmx_run.S");

NORETURN void vmx_field_failed(const char *insn, enum vmcs_field field)
{
	unsigned slot = 0;
	u64 error;

	while (slot < VMCS_SLOT_COUNT && vmx_slot_field(slot) != field)
		slot++;
	vmx_try_read(VMCS_INSTRUCTION_ERROR, &error);
	panic("%s of VMCS %s (%#x) failed: error %llu, %s", insn,
	      slot < VMCS_SLOT_COUNT ? vmx_slot_name(slot) : "field", field,
	      (unsigned long long)error, vmx_error_text(error));
}

/* ---- Making ------------------------------------------------------------------ */

#define VPIDS 4096 /* more vCPUs than that go without */

static struct host_lock vpid_lock;
static u64 vpid_used[VPIDS / 64] = { 1 }; /* 0 is the host's */

static u16 vpid_alloc(void)
{
	u16 vpid = 0;

	host_lock(&vpid_lock);
	for (unsigned i = 0; i < ARRAY_SIZE(vpid_used) && !vpid; i++) {
		if (vpid_used[i] == ~0ull)
			continue;
		vpid = (u16)(64 * i + (unsigned)__builtin_ctzll(~vpid_used[i]));
		vpid_used[i] |= BIT(vpid % 64);
	}
	host_unlock(&vpid_lock);
	return vpid;
}

static void vpid_free(u16 vpid)
{
	if (!vpid)
		return;
	host_lock(&vpid_lock);
	vpid_used[vpid / 64] &= ~BIT(vpid % 64);
	host_unlock(&vpid_lock);
}

int vmx_vcpu_init(struct vcpu *v)
{
	struct intel_vcpu *iv = vmx_vcpu(v);

	iv->region = host_alloc_pages(0);
	if (!iv->region)
		return -HOST_ENOMEM;
	iv->region->revision = vmx_machine.caps.basic & VMX_BASIC_REVISION;
	iv->primary = vmx_machine.primary;
	iv->secondary = vmx_machine.secondary;
	if (iv->secondary & SECONDARY_VPID)
		iv->vpid = vpid_alloc();
	iv->cpu = -1;
	iv->loaded_on = -1;
	iv->set = STATE_ALL;
	v->state_fresh = STATE_ALL;
	return 0;
}

void vmx_vcpu_free(struct vcpu *v)
{
	struct intel_vcpu *iv = vmx_vcpu(v);

	check(!iv->region || iv->loaded_on < 0);
	vpid_free(iv->vpid);
	if (iv->region)
		host_free_pages(iv->region, 0);
	iv->region = NULL;
}

static void write_fields(const struct field_value *table, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		vmwrite(table[i].field, table[i].value);
}

/* Optional instructions: #UD in the guest unless its CPUID shows them. */
static u64 optional_controls(const struct cpuid_table *cpuid)
{
	u64 controls = 0;

	/* Leaf, register 0..3 for eax..edx, bit. */
	if (cpuid_has(cpuid, 0x80000001, 3, 27))
		controls |= SECONDARY_RDTSCP;
	if (cpuid_has(cpuid, 7, 1, 10))
		controls |= SECONDARY_INVPCID;
	if (cpuid_has_xsaves(cpuid))
		controls |= SECONDARY_XSAVES;
	return controls & vmx_machine.caps.secondary >> 32;
}

/*
 * Bits of CR0 and CR4 that the guest changes without an exit: all that nobody but the CPU
 * must know.  CR4.MCE stays on in any case, else a machine check in the guest would shut
 * the machine down; CR4.VMXE must be on and CR0.NE too.  [SDM] "Guest/Host Masks and Read
 * Shadows for CR0 and CR4" (25.6.6), "Restrictions on VMX Operation" (24.8)
 */
#define CR0_GUEST_OWNED (CR0_MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM)
#define CR4_HOST_OWNED (CR4_MCE | CR4_VMXE | CR4_SMXE | CR4_LA57 | CR4_CET | CR4_PKS)

static void choose_owned(struct intel_vcpu *iv)
{
	const struct vmx_caps *caps = &vmx_machine.caps;

	iv->cr0_owned = CR0_GUEST_OWNED & ~caps->cr0_fixed0 & caps->cr0_fixed1;
	iv->cr4_owned = cpuid_cr4_allowed(&iv->vcpu.vm->cpuid) & ~CR4_HOST_OWNED &
			~caps->cr4_fixed0 & caps->cr4_fixed1;
}

/*
 * #MC is the host's.  #DB and #AC are intercepted only to be raised again: a guest can make the
 * delivery of either raise the next one for ever, and the CPU takes no interrupt meanwhile,
 * so without an exit it would take the CPU from us.
 */
#define EXCEPTIONS (BIT(VECTOR_MC) | BIT(VECTOR_DB) | BIT(VECTOR_AC))

/*
 * The fields of a new VMCS, which is current, that never change afterwards or start like this:
 * the control words of vmx_machine and of iv (primary; secondary without SECONDARY_VPID if there is
 * no VPID left, and with optional_controls), the exception bitmap, where the bitmaps and the EPT
 * are, who owns which bits of CR0 and CR4 (choose_owned; a bit of a mask set means the host),
 * VPID, no shadow VMCS (VMCS_NO_LINK), and an active guest.  A field of a fresh VMCS has no
 * defined value: counts of MSR lists, CR3 targets, the #PF error code filter, pending debug
 * exceptions and the injected event are 0 because we say so.
 * [SDM] "Initializing a VMCS" (25.11.3), "VM-Execution Control Fields" (25.6)
 */
static void make_vmcs(struct intel_vcpu *iv)
{
	const struct intel_vm *vm = vmx_vm(iv->vcpu.vm);

	choose_owned(iv);
	if (!iv->vpid)
		iv->secondary &= ~SECONDARY_VPID;
	iv->secondary |= optional_controls(&vm->vm.cpuid);
	const struct field_value fields[] = {
		{ VMCS_PIN_BASED_CONTROLS, vmx_machine.pin },
		{ VMCS_PRIMARY_CONTROLS, iv->primary },
		{ VMCS_SECONDARY_CONTROLS, iv->secondary },
		{ VMCS_EXIT_CONTROLS, vmx_machine.exit },
		{ VMCS_ENTRY_CONTROLS, vmx_machine.entry },
		{ VMCS_EXCEPTION_BITMAP, EXCEPTIONS },
		{ VMCS_PF_ERROR_CODE_MASK, 0 },
		{ VMCS_PF_ERROR_CODE_MATCH, 0 },
		{ VMCS_CR3_TARGET_COUNT, 0 },
		{ VMCS_EXIT_MSR_STORE_COUNT, 0 },
		{ VMCS_EXIT_MSR_LOAD_COUNT, 0 },
		{ VMCS_ENTRY_MSR_LOAD_COUNT, 0 },
		{ VMCS_ENTRY_INTERRUPTION_INFO, 0 },
		{ VMCS_IO_BITMAP_A, host_hpa(vm->io_bitmap).v },
		{ VMCS_IO_BITMAP_B, host_hpa(vm->io_bitmap + PAGE_SIZE).v },
		{ VMCS_MSR_BITMAP, host_hpa(vm->msr_bitmap).v },
		{ VMCS_EPT_POINTER, vmx_eptp(vm) },
		{ VMCS_CR0_GUEST_HOST_MASK, ~iv->cr0_owned },
		{ VMCS_CR4_GUEST_HOST_MASK, ~iv->cr4_owned },
		{ VMCS_LINK_POINTER, VMCS_NO_LINK },
		{ VMCS_GUEST_ACTIVITY, VMX_ACTIVITY_ACTIVE },
		{ VMCS_GUEST_PENDING_DEBUG, 0 },
	};
	write_fields(fields, ARRAY_SIZE(fields));
	if (iv->vpid)
		vmwrite(VMCS_VPID, iv->vpid);
	if (iv->secondary & SECONDARY_XSAVES)
		vmwrite(VMCS_XSS_EXITING_BITMAP, 0);
	iv->made = true;
}

void vmx_vcpu_make(struct intel_vcpu *iv)
{
	make_vmcs(iv);
	iv->host.known = false;
	vmx_changed(iv, VMX_GROUP_ALL);
}

/* ---- Entering ---------------------------------------------------------------- */

void vmx_fix_pending_debug(struct intel_vcpu *iv)
{
	u64 pending = vmread(VMCS_GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_BS;
	bool shadow = vmread(VMCS_GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_SHADOW;
	bool branches_only = vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF;

	if (shadow && (iv->vcpu.regs.rflags & RFLAGS_TF) && !branches_only)
		pending |= PENDING_DEBUG_BS;
	vmwrite(VMCS_GUEST_PENDING_DEBUG, pending);
}

/* Something happened instead of, or after, the shadow's one instruction: it is over. */
static void end_shadow(struct intel_vcpu *iv)
{
	u64 interruptibility = vmread(VMCS_GUEST_INTERRUPTIBILITY);
	u64 pending = vmread(VMCS_GUEST_PENDING_DEBUG);

	vmwrite(VMCS_GUEST_INTERRUPTIBILITY, interruptibility & ~INTERRUPTIBILITY_SHADOW);
	/* A single-step trap that waited for it is common code's now. */
	if (pending & PENDING_DEBUG_BS)
		vmwrite(VMCS_GUEST_PENDING_DEBUG, pending & ~PENDING_DEBUG_BS);
	iv->todo &= ~VMX_TODO_END_SHADOW;
	iv->vcpu.state_fresh &= ~STATE_INT;
}

/*
 * Complete v->exit in the registers.  An interrupt shadow is over then; that is rare enough to
 * be left to do, so that vmx_run calls nothing on its way.
 */
static inline void finish(struct intel_vcpu *iv)
{
	if (hw_complete(&iv->vcpu) &&
	    unlikely(vmread_value_hot(VMCS_GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_SHADOW))
		iv->todo |= VMX_TODO_END_SHADOW;
}

void vmx_complete(struct vcpu *v)
{
	struct intel_vcpu *iv = vmx_vcpu(v);

	if (iv->loaded_on < 0)
		return;
	finish(iv);
	if (iv->todo & VMX_TODO_END_SHADOW)
		end_shadow(iv);
}

void vmx_flush(struct vcpu *v)
{
	vmx_vcpu(v)->todo |= VMX_TODO_FLUSH;
}

/*
 * One kind of flush for all needs: whatever was made of this VM's EPT goes, with all its VPIDs
 * and PCIDs.  [SDM] "Operations that Invalidate Cached Mappings" (29.4.3.1)
 */
static void flush_now(struct intel_vcpu *iv)
{
	const struct invept_descriptor d = { .eptp = vmx_eptp(vmx_vm(iv->vcpu.vm)) };
	bool single = vmx_machine.caps.ept_vpid & EPT_CAP_INVEPT_SINGLE;

	if (!vmx_invept(single ? INVEPT_SINGLE : INVEPT_ALL, &d))
		panic("INVEPT failed");
}

/* False: the rules say that the CPU would refuse the entry. */
static bool check_changed(struct intel_vcpu *iv)
{
	struct vmcs_snapshot s;

	vmx_snapshot(&s);
	if (vmx_explain_snapshot(&s, iv->changed, NULL))
		return false;
	iv->changed = 0;
	return true;
}

/* An entry launches a VMCS that was cleared, so the one after it resumes. */
static void choose_instruction(struct intel_vcpu *iv)
{
	if (iv->todo & VMX_TODO_LAUNCH) {
		iv->enter = vmx_launch;
		iv->todo = VMX_TODO_RESUME;
	} else {
		iv->enter = vmx_resume;
		iv->todo = 0;
	}
}

void vmx_refused(struct intel_vcpu *iv, u32 raw)
{
	struct gpregs *regs = &iv->vcpu.regs;

	regs->r[REG_RSP] = vmread(VMCS_GUEST_RSP);
	iv->vcpu.exit = (struct vm_exit){ .reason = EXIT_REFUSED, .raw = raw };
	/* Whether a failed VMLAUNCH counts as one is then no longer of interest. */
	vmx_reload(iv);
	vmx_changed(iv, VMX_GROUP_ALL);
}

static void write_rflags(struct intel_vcpu *iv)
{
	u64 rflags = iv->vcpu.regs.rflags;

	vmwrite(VMCS_GUEST_RFLAGS, rflags);
	if ((rflags ^ iv->seen_rflags) & RFLAGS_TF)
		vmx_fix_pending_debug(iv);
}

#ifdef CHECKING
/* All rules before every entry; the CPU must come to the same verdict. */
static void enter(struct intel_vcpu *iv)
{
	struct vmcs_snapshot s;
	unsigned broken;
	bool refused;

	vmx_snapshot(&s);
	broken = vmx_explain_snapshot(&s, VMX_GROUP_ALL, NULL);
	iv->enter(&iv->vcpu);
	refused = iv->vcpu.exit.reason == EXIT_REFUSED;
	if (refused != (broken > 0))
		panic("VM entry: %u rules were broken, but the CPU %s", broken,
		      refused ? "refused" : "entered");
}
#else
static inline void enter(struct intel_vcpu *iv)
{
	iv->enter(&iv->vcpu);
}
#endif

/* An entry with anything to do that most do not need. */
static __attribute__((noinline)) void run_with_care(struct intel_vcpu *iv)
{
	struct gpregs *regs = &iv->vcpu.regs;
	bool poked;

	if (iv->todo & VMX_TODO_END_SHADOW)
		end_shadow(iv);
	if (regs->r[REG_RSP] != iv->seen_rsp)
		vmwrite(VMCS_GUEST_RSP, regs->r[REG_RSP]);
	if (regs->rflags != iv->seen_rflags)
		write_rflags(iv);
	if (iv->todo & VMX_TODO_FLUSH)
		flush_now(iv);
	poked = (iv->todo & VMX_TODO_POKE) && vmx_poke_apply(iv);
	if (iv->todo & VMX_TODO_CHECK && !check_changed(iv)) {
		vmx_refused(iv, VMX_RAW_BY_RULES);
		return;
	}
	choose_instruction(iv);
	enter(iv);
	if (unlikely(poked))
		vmx_poke_verdict(iv);
}

/* [SDM] "Conventions" (31.2) */
void vmx_entry_failed(struct vcpu *v, u64 how)
{
	if (how == VMX_FAIL_INVALID)
		panic("VM entry without a current VMCS");
	vmx_refused(vmx_vcpu(v), VMX_RAW_FAIL_VALID | (u32)vmread(VMCS_INSTRUCTION_ERROR));
}

/*
 * Into the guest, and back with the reason in v->exit: see virt.h, run.  What the last exit asked
 * for is completed first (finish).  RIP goes into the VMCS in any case, since nearly every exit
 * moves it on.  All the rest is rare and run_with_care's: something is to be done before this
 * entry (iv->todo), or RSP or RFLAGS are no longer what the last exit saw (iv->seen_*).  Else the
 * fast path, enter: no calls but this last one, which vmx_run.S returns from.
 * [SDM] "VM Entries" (27), "VMLAUNCH/VMRESUME" (31.3)
 */
void vmx_run(struct vcpu *v)
{
	struct intel_vcpu *iv = vmx_vcpu(v);

	finish(iv);
	vmwrite_hot(VMCS_GUEST_RIP, &v->regs.rip);
	if (unlikely(iv->todo || v->regs.r[REG_RSP] != iv->seen_rsp ||
		     v->regs.rflags != iv->seen_rflags))
		run_with_care(iv);
	else
		enter(iv);
}

/* ---- Events ------------------------------------------------------------------ */

/*
 * The next VM entry delivers event: three fields of the current VMCS say which it is,
 * its error code, and the length of its instruction.  vmx_event_info makes the first one.
 * In real mode, which CR0.PE of the guest tells, it leaves the error code out; whether there
 * is one to be written, its INTR_ERROR_CODE says.
 *
 * Soft events, EVENT_SOFT_INT and all behind it, push the address of the next instruction,
 * for which the CPU adds the length to RIP; the others have none.  A delivery ends an interrupt
 * shadow (end_shadow), within which the entry would be refused for some of them.
 *
 * [SDM] "VM-Entry Controls for Event Injection" (25.8.3), "Event Injection" (27.6)
 */
void vmx_inject(struct vcpu *v, const struct event *event)
{
	bool protected_mode = vmread(VMCS_GUEST_CR0) & CR0_PE;
	u32 info = vmx_event_info(event, protected_mode);

	/* A delivery ends the shadow, and VM entry refuses some events within one. */
	if (vmread(VMCS_GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_SHADOW)
		end_shadow(vmx_vcpu(v));
	vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, info);
	if (info & INTR_ERROR_CODE)
		vmwrite(VMCS_ENTRY_EXCEPTION_ERROR_CODE, event->error);
	if (event->type >= EVENT_SOFT_INT)
		vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, event->insn_len);
}

/*
 * See virt.h, window: windows is the whole set.  VT-x has an exit for either: a bit each of the
 * primary controls.  [SDM] "Primary Processor-Based VM-Execution Controls" (25.6.2, table 25-6)
 *
 * What these controls are is also kept in iv->primary, since a VMREAD costs.  A VMCS can be
 * written while it is loaded on this CPU (iv->loaded_on, a CPU's number, is not negative); one
 * that is not gets them from iv->primary when it is.  What is as it was is not written.
 */
void vmx_window(struct vcpu *v, unsigned windows)
{
	struct intel_vcpu *iv = vmx_vcpu(v);
	u64 wanted = iv->primary & ~(PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING);

	if (windows & WINDOW_INTR)
		wanted |= PRIMARY_INTERRUPT_WINDOW_EXITING;
	if (windows & WINDOW_NMI)
		wanted |= PRIMARY_NMI_WINDOW_EXITING;
	if (wanted == iv->primary)
		return;
	iv->primary = wanted;
	if (iv->loaded_on >= 0)
		vmwrite(VMCS_PRIMARY_CONTROLS, wanted);
}
