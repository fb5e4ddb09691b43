/*
 * vmx_audit.c - what must hold in a VMCS at a VM entry, looked at by somebody else
 *
 * Owns: the audit's rules for VT-x, and its place at VMLAUNCH, VMRESUME and INVEPT.
 * Must not know: how vmx_vcpu.c and vmx_state.c come to what they write; it reads the VMCS as the
 * CPU does, and remembers what it read before.
 *
 * Sources: [SDM] "VM-Execution Control Fields" (25.6), "VM-Entry Control Fields" (25.8),
 * "Host-State Area" (25.5), "Caching Translation Information" (29.4), "EPT Translation Mechanism"
 * (29.3.2), and docs/machine.md for what a guest of ours may do without an exit.
 */
#include "audit/audit.h"
#include "audit/link.h"
#include "intel/vmx.h"
#include "x86_ops.h"

void __real_vmx_launch(struct vcpu *v);
void __wrap_vmx_launch(struct vcpu *v);
void __real_vmx_resume(struct vcpu *v);
void __wrap_vmx_resume(struct vcpu *v);
struct vcpu *__real_vmx_fast(struct vcpu *v);
struct vcpu *__wrap_vmx_fast(struct vcpu *v);
bool __real_vmx_invept(u64 type, const struct invept_descriptor *descriptor);
bool __wrap_vmx_invept(u64 type, const struct invept_descriptor *descriptor);

/* ---- Controls: what must be set, what must be clear -------------------------------------- */

/* MSRs that say which bits must be 1: "Reserved Controls and Default Settings" (A.2). */
static const struct control {
	enum vmcs_field field;
	const char *name;
	u32 capability, true_capability; /* MSRs; 0: none */
	u64 set, free;			 /* must be 1; may be either */
} controls[] = {
	{ VMCS_PIN_BASED_CONTROLS, "pin-based controls", MSR_VMX_PINBASED_CTLS,
	  MSR_VMX_TRUE_PINBASED_CTLS,
	  PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS, 0 },
	{ VMCS_PRIMARY_CONTROLS, "primary controls", MSR_VMX_PROCBASED_CTLS,
	  MSR_VMX_TRUE_PROCBASED_CTLS,
	  PRIMARY_TSC_OFFSETTING | PRIMARY_HLT_EXITING | PRIMARY_MWAIT_EXITING |
	      PRIMARY_RDPMC_EXITING | PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING |
	      PRIMARY_IO_BITMAPS | PRIMARY_MSR_BITMAPS | PRIMARY_MONITOR_EXITING |
	      PRIMARY_SECONDARY_CONTROLS,
	  PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING },
	{ VMCS_SECONDARY_CONTROLS, "secondary controls", MSR_VMX_PROCBASED_CTLS2,
	  MSR_VMX_PROCBASED_CTLS2,
	  SECONDARY_EPT | SECONDARY_UNRESTRICTED_GUEST | SECONDARY_WBINVD_EXITING,
	  SECONDARY_VPID | SECONDARY_RDTSCP | SECONDARY_INVPCID | SECONDARY_XSAVES },
	{ VMCS_EXIT_CONTROLS, "VM-exit controls", MSR_VMX_EXIT_CTLS, MSR_VMX_TRUE_EXIT_CTLS,
	  EXIT_CTL_SAVE_DEBUG | EXIT_CTL_HOST_64BIT | EXIT_CTL_SAVE_PAT | EXIT_CTL_LOAD_PAT |
	      EXIT_CTL_SAVE_EFER | EXIT_CTL_LOAD_EFER,
	  0 },
	{ VMCS_ENTRY_CONTROLS, "VM-entry controls", MSR_VMX_ENTRY_CTLS, MSR_VMX_TRUE_ENTRY_CTLS,
	  ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER, ENTRY_CTL_IA32E_GUEST },
};

#define EXCEPTIONS (BIT(VECTOR_MC) | BIT(VECTOR_DB) | BIT(VECTOR_AC))
/* What a guest may change in CR0 without an exit; in CR4 it is the rest that it may not. */
#define CR0_ITS (CR0_MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM)
#define CR4_OURS (CR4_MCE | CR4_VMXE | CR4_SMXE | CR4_LA57 | CR4_CET | CR4_PKS)

static u32 must_be_one(const struct control *c)
{
	bool is_true = vmx_machine.caps.basic & VMX_BASIC_TRUE_CTLS;

	return (u32)x86_rdmsr(is_true ? c->true_capability : c->capability);
}

static void look_at_masks(struct audit_vcpu *a)
{
	u64 cr0_its = ~vmread(VMCS_CR0_GUEST_HOST_MASK);
	u64 cr4_its = ~vmread(VMCS_CR4_GUEST_HOST_MASK);
	u64 mce = vmread(VMCS_HOST_CR4) & CR4_MCE;

	audit_expect(a, AUDIT_INTERCEPTS, !(cr0_its & ~CR0_ITS), "bits of CR0 that the guest owns",
		     CR0_ITS, cr0_its);
	audit_expect(a, AUDIT_INTERCEPTS,
		     !(cr4_its & (CR4_OURS | ~cpuid_cr4_allowed(&a->v->vm->cpuid))),
		     "bits of CR4 that the guest owns",
		     cpuid_cr4_allowed(&a->v->vm->cpuid) & ~CR4_OURS, cr4_its);
	audit_equal(a, AUDIT_INTERCEPTS, "CR4.MCE is the host's", mce,
		    vmread(VMCS_GUEST_CR4) & CR4_MCE);
}

static void look_at_controls(struct audit_vcpu *a)
{
	audit_count(a, AUDIT_INTERCEPTS);
	for (unsigned i = 0; i < ARRAY_SIZE(controls); i++) {
		const struct control *c = &controls[i];
		u64 found = vmread(c->field);

		audit_expect(a, AUDIT_INTERCEPTS, (found & c->set) == c->set, c->name, c->set,
			     found);
		if (audit_seldom(a))
			audit_expect(a, AUDIT_INTERCEPTS,
				     !(found & ~(c->set | c->free | must_be_one(c))), c->name,
				     c->set | must_be_one(c), found);
	}
	audit_equal(a, AUDIT_INTERCEPTS, "exception bitmap", EXCEPTIONS,
		    vmread(VMCS_EXCEPTION_BITMAP));
	audit_equal(a, AUDIT_INTERCEPTS, "CR3 targets", 0, vmread(VMCS_CR3_TARGET_COUNT));
	audit_equal(a, AUDIT_INTERCEPTS, "MSRs stored, loaded at exits and entries", 0,
		    vmread(VMCS_EXIT_MSR_STORE_COUNT) | vmread(VMCS_EXIT_MSR_LOAD_COUNT) |
			vmread(VMCS_ENTRY_MSR_LOAD_COUNT));
	look_at_masks(a);
}

/* ---- Maps. "I/O-Bitmap Addresses" (25.6.4), "MSR-Bitmap Address" (25.6.9) ---------------------
 */

#define MAP_MSRS 0x2000
#define MAP_PART (MAP_MSRS / 8) /* reads of low and high MSRs, writes of low and high ones */
#define MAP_HIGH 0xc0000000u

static void look_at_maps(struct audit_vcpu *a)
{
	const u8 *msrs = host_ptr(hpa(vmread(VMCS_MSR_BITMAP)));

	audit_count(a, AUDIT_MAPS);
	audit_map(a, "ports up to 7fff exit", host_ptr(hpa(vmread(VMCS_IO_BITMAP_A))), PAGE_SIZE);
	audit_map(a, "ports from 8000 on exit", host_ptr(hpa(vmread(VMCS_IO_BITMAP_B))), PAGE_SIZE);
	for (unsigned part = 0; part < 4; part++)
		audit_msr_map(a, &(struct audit_msr_map){ .map = msrs + part * MAP_PART,
							  .first = part % 2 ? MAP_HIGH : 0,
							  .count = MAP_MSRS,
							  .step = 1,
							  .what = part < 2
								      ? "RDMSR exits, or passes"
								      : "WRMSR exits, or passes" });
}

/* ---- Events ------------------------------------------------------------------------------- */

static u8 event_type(u64 info)
{
	static const u8 type[] = {
		[INTR_TYPE_EXTERNAL] = EVENT_INTR,
		[INTR_TYPE_RESERVED] = EVENT_NONE,
		[INTR_TYPE_NMI] = EVENT_NMI,
		[INTR_TYPE_HARD_EXCEPTION] = EVENT_EXCEPTION,
		[INTR_TYPE_SOFT_INT] = EVENT_SOFT_INT,
		[INTR_TYPE_PRIVILEGED_SOFT] = EVENT_ICEBP,
		[INTR_TYPE_SOFT_EXCEPTION] = EVENT_SOFT_EXCEPTION,
		[INTR_TYPE_OTHER] = EVENT_NONE,
	};

	return type[(info & INTR_TYPE) >> INTR_TYPE_SHIFT];
}

static void look_at_events(struct audit_vcpu *a)
{
	u64 info = vmread(VMCS_ENTRY_INTERRUPTION_INFO);
	u64 blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);
	u64 rflags = vmread(VMCS_GUEST_RFLAGS), rip = vmread(VMCS_GUEST_RIP);
	const struct audit_event e = { .valid = info & INTR_VALID,
				       .type = event_type(info),
				       .vector = (u8)info,
				       .has_error = info & INTR_ERROR_CODE,
				       .reserved = info & INTR_ENTRY_RESERVED,
				       .raw = info };
	const struct audit_moment m = { .interrupts = rflags & RFLAGS_IF,
					.shadow = blocking & INTERRUPTIBILITY_SHADOW,
					.nmi_blocked = blocking & INTERRUPTIBILITY_NMI,
					.protected_mode = vmread(VMCS_GUEST_CR0) & CR0_PE };

	audit_event(a, &e, &m);
	audit_expect(a, AUDIT_SHADOWS, !(blocking & INTERRUPTIBILITY_RESERVED), "interruptibility",
		     0, blocking);
	audit_expect(a, AUDIT_SHADOWS,
		     (blocking & INTERRUPTIBILITY_SHADOW) != INTERRUPTIBILITY_SHADOW,
		     "one shadow at a time", INTERRUPTIBILITY_STI, blocking);
	audit_shadow(a, rip, m.shadow, e.valid);
}

/* ---- Translations --------------------------------------------------------------------------- */

#define EPTP_TABLE BITS(51, 12)

static struct audit_mode mode_now(void)
{
	return (struct audit_mode){ vmread(VMCS_GUEST_CR0), vmread(VMCS_GUEST_CR3),
				    vmread(VMCS_GUEST_CR4) };
}

bool __wrap_vmx_invept(u64 type, const struct invept_descriptor *descriptor)
{
	bool done = __real_vmx_invept(type, descriptor);

	if (done && type == INVEPT_ALL)
		tlb_flush_all(host_cpu());
	else if (done && type == INVEPT_SINGLE)
		tlb_flush_root(host_cpu(), descriptor->eptp & EPTP_TABLE);
	return done;
}

/* Whose VPID it is: no two vCPUs that are there have the same one. */
static void look_at_translations(struct audit_vcpu *a)
{
	u64 vpid = 0;
	const struct audit_mode mode = mode_now();

	if (vmread(VMCS_SECONDARY_CONTROLS) & SECONDARY_VPID)
		vpid = vmread(VMCS_VPID);
	audit_tag_owner(a, vpid);
	audit_translations(a, vpid, true, &mode);
}

/* ---- Tables
 * -------------------------------------------------------------------------------------- */

#define TABLE_BITS (EPT_RIGHTS | EPT_ACCESSED | EPT_ADDR)
#define LEAF_BITS                                                                                  \
	(EPT_RIGHTS | BITS(5, 3) | EPT_IGNORE_PAT | EPT_LARGE | EPT_ACCESSED | EPT_DIRTY | EPT_ADDR)
#define WALK_4 (3ull << EPTP_WALK_SHIFT)

static bool present(u64 entry)
{
	return entry & EPT_RIGHTS;
}

static bool leaf(u64 entry, unsigned level)
{
	return !level || ((entry & EPT_LARGE) && level < TREE_LEVELS - 1);
}

static u64 address(u64 entry, unsigned level)
{
	u64 page = leaf(entry, level) ? PAGE_SIZE << 9 * level : PAGE_SIZE;

	return ALIGN_DOWN(entry & EPT_ADDR, page);
}

static unsigned rights(u64 entry)
{
	return (entry & EPT_READ ? PROT_R : 0) | (entry & EPT_WRITE ? PROT_W : 0) |
	       (entry & EPT_EXECUTE ? PROT_X : 0);
}

static const char *wrong(u64 entry, unsigned level)
{
	if (!leaf(entry, level))
		return (entry & ~TABLE_BITS) || (entry & EPT_RIGHTS) != EPT_RIGHTS
			   ? "a table's entry gives all rights, no other bits"
			   : NULL;
	if (!(entry & EPT_READ))
		return "what can be written or executed can be read";
	if ((entry & BITS(5, 3)) >> EPT_MEMORY_TYPE_SHIFT != MEMORY_TYPE_WB)
		return "a leaf is write-back";
	if (!(entry & EPT_IGNORE_PAT) || (entry & ~LEAF_BITS) ||
	    !!(entry & EPT_LARGE) != (level > 0))
		return "a leaf ignores PAT, no other bits";
	return (entry & EPT_ADDR) != address(entry, level) ? "a large page is aligned" : NULL;
}

const struct tree_format vmx_audit_format = {
	.present = present,
	.leaf = leaf,
	.address = address,
	.rights = rights,
	.marks = EPT_ACCESSED | EPT_DIRTY,
	.wrong = wrong,
};

static void look_at_tables(struct audit_vcpu *a)
{
	u64 eptp = vmread(VMCS_EPT_POINTER);

	audit_tables(a, eptp & EPTP_TABLE, audit_whole(a));
	audit_equal(a, AUDIT_TABLES, "the tables of this VM",
		    host_hpa(vmx_vm(a->v->vm)->ept.root).v, eptp & EPTP_TABLE);
	audit_equal(a, AUDIT_TABLES, "EPTP: write-back, four levels", MEMORY_TYPE_WB | WALK_4,
		    eptp & ~(EPTP_TABLE | EPTP_ACCESSED_DIRTY));
}

/* ---- The host: what an exit loads, against what this CPU has now --------------------------------
 */

struct PACKED table_pointer {
	u16 limit;
	u64 base;
};

static u64 current_region(void)
{
	u64 pa;

	__asm__ volatile("vmptrst %0" : "=m"(pa)::"cc");
	return pa;
}

static void look_at_host(struct audit_vcpu *a)
{
	struct table_pointer gdt, idt;
	u16 tr, cs, ss;

	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("sidt %0" : "=m"(idt));
	__asm__ volatile("str %0" : "=r"(tr));
	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	__asm__ volatile("mov %%ss, %0" : "=r"(ss));
	const struct {
		enum vmcs_field field;
		u64 value;
		const char *name;
	} fields[] = {
		{ VMCS_HOST_CR0, x86_read_cr0(), "HOST_CR0" },
		{ VMCS_HOST_CR3, x86_read_cr3(), "HOST_CR3" },
		{ VMCS_HOST_CR4, x86_read_cr4(), "HOST_CR4" },
		{ VMCS_HOST_CS_SELECTOR, cs, "HOST_CS_SELECTOR" },
		{ VMCS_HOST_SS_SELECTOR, ss, "HOST_SS_SELECTOR" },
		{ VMCS_HOST_TR_SELECTOR, tr, "HOST_TR_SELECTOR" },
		{ VMCS_HOST_FS_BASE, x86_rdmsr(MSR_FS_BASE), "HOST_FS_BASE" },
		{ VMCS_HOST_GS_BASE, x86_rdmsr(MSR_GS_BASE), "HOST_GS_BASE" },
		{ VMCS_HOST_GDTR_BASE, gdt.base, "HOST_GDTR_BASE" },
		{ VMCS_HOST_IDTR_BASE, idt.base, "HOST_IDTR_BASE" },
		{ VMCS_HOST_EFER, x86_rdmsr(MSR_EFER), "HOST_EFER" },
		{ VMCS_HOST_PAT, x86_rdmsr(MSR_PAT), "HOST_PAT" },
		{ VMCS_HOST_SYSENTER_CS, x86_rdmsr(MSR_SYSENTER_CS), "HOST_SYSENTER_CS" },
		{ VMCS_HOST_SYSENTER_ESP, x86_rdmsr(MSR_SYSENTER_ESP), "HOST_SYSENTER_ESP" },
		{ VMCS_HOST_SYSENTER_EIP, x86_rdmsr(MSR_SYSENTER_EIP), "HOST_SYSENTER_EIP" },
		{ VMCS_HOST_RSP, (u64)&a->v->regs, "HOST_RSP" },
		{ VMCS_HOST_RIP, (u64)vmx_exit_point, "HOST_RIP" },
	};

	audit_count(a, AUDIT_HOST);
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		audit_equal(a, AUDIT_HOST, fields[i].name, fields[i].value,
			    vmread(fields[i].field));
	audit_equal(a, AUDIT_HOST, "the current VMCS", host_hpa(vmx_vcpu(a->v)->region).v,
		    current_region());
	audit_equal(a, AUDIT_HOST, "VMCS link pointer", VMCS_NO_LINK, vmread(VMCS_LINK_POINTER));
	audit_expect(a, AUDIT_HOST, !(x86_rflags() & RFLAGS_IF), "interrupts are off", 0,
		     x86_rflags());
}

/* ---- Entries ----------------------------------------------------------------------------------
 */

static void left(struct audit_vcpu *a)
{
	a->mode = mode_now();
	a->rip = vmread(VMCS_GUEST_RIP);
	a->shadow = vmread(VMCS_GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_SHADOW;
	a->retries = vmread(VMCS_EXIT_REASON) == VMX_EXIT_EPT_VIOLATION;
	a->ran = true;
}

static void entering(struct audit_vcpu *a)
{
	audit_enter(a, host_cpu());
	look_at_tables(a);
	look_at_translations(a);
	look_at_controls(a);
	look_at_events(a);
	look_at_host(a);
	if (audit_seldom(a))
		look_at_maps(a);
	audit_say(a);
}

static void enter(struct vcpu *v, void (*real)(struct vcpu *v))
{
	struct audit_vcpu *a = audit_find(v);

	if (!a)
		panic("audit: a vCPU that nobody created");
	entering(a);
	real(v);
	left(a);
	audit_say(a);
}

void __wrap_vmx_launch(struct vcpu *v)
{
	enter(v, __real_vmx_launch);
}

void __wrap_vmx_resume(struct vcpu *v)
{
	enter(v, __real_vmx_resume);
}

/* The short way: an exit loads the host's state, so all can be looked at. */
struct vcpu *__wrap_vmx_fast(struct vcpu *v)
{
	struct audit_vcpu *a = audit_find(v);

	left(a);
	if (!__real_vmx_fast(v))
		return NULL;
	audit_short(a);
	look_at_translations(a);
	look_at_controls(a);
	look_at_events(a);
	return v;
}
