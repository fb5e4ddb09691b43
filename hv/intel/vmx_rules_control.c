/*
 * vmx_rules_control.c - rules for execution, exit and entry controls, and for the host state
 *
 * Owns: what makes VMLAUNCH fail before it looks at the guest; the injected event.
 * Must not know: a CPU; this file runs in host tests.
 *
 * Sources: [SDM] "Checks on VMX Controls" (27.2.1), "Checks on Host Control Registers, MSRs, and
 * SSP" (27.2.2) to "Checks Related to Address-Space Size" (27.2.4).
 */
#include "intel/vmx_rules.h"

/* ---- Execution controls ------------------------------------------------------ */

static bool allowed(u64 value, u64 capability)
{
	return !((u32)capability & ~value) && !(value & ~(capability >> 32));
}

static bool physical(const struct vmcs_snapshot *s, u64 address)
{
	unsigned bits = s->caps.basic & VMX_BASIC_32BIT_ADDRESSES ? 32 : s->caps.maxphyaddr;

	return !(address >> bits);
}

static bool page(const struct vmcs_snapshot *s, u64 address)
{
	return IS_ALIGNED(address, PAGE_SIZE) && physical(s, address);
}

static bool msr_area(const struct vmcs_snapshot *s, u64 count, u64 address)
{
	return !count || (IS_ALIGNED(address, 16) && physical(s, address) &&
			  physical(s, address + count * 16 - 1));
}

RULE(pin_allowed)
{
	return allowed(V(PIN_BASED_CONTROLS), s->caps.pin);
}

RULE(primary_allowed)
{
	return allowed(V(PRIMARY_CONTROLS), s->caps.primary);
}

RULE(secondary_allowed)
{
	return !has_primary(s, PRIMARY_SECONDARY_CONTROLS) ||
	       allowed(V(SECONDARY_CONTROLS), s->caps.secondary);
}

RULE(cr3_targets)
{
	u64 most = (s->caps.misc & VMX_MISC_CR3_TARGETS) >> VMX_MISC_CR3_TARGETS_SHIFT;

	return V(CR3_TARGET_COUNT) <= most;
}

RULE(io_bitmap_a)
{
	return !has_primary(s, PRIMARY_IO_BITMAPS) || page(s, V(IO_BITMAP_A));
}

RULE(io_bitmap_b)
{
	return !has_primary(s, PRIMARY_IO_BITMAPS) || page(s, V(IO_BITMAP_B));
}

RULE(msr_bitmap)
{
	return !has_primary(s, PRIMARY_MSR_BITMAPS) || page(s, V(MSR_BITMAP));
}

RULE(tpr_shadow_page)
{
	return !has_primary(s, PRIMARY_TPR_SHADOW) || page(s, V(VIRTUAL_APIC_ADDRESS));
}

RULE(tpr_threshold)
{
	return !has_primary(s, PRIMARY_TPR_SHADOW) ||
	       has_secondary(s, SECONDARY_INTERRUPT_DELIVERY) || V(TPR_THRESHOLD) <= 15;
}

RULE(virtual_nmis)
{
	return V(PIN_BASED_CONTROLS) & PIN_NMI_EXITING ||
	       !(V(PIN_BASED_CONTROLS) & PIN_VIRTUAL_NMIS);
}

RULE(nmi_window)
{
	return V(PIN_BASED_CONTROLS) & PIN_VIRTUAL_NMIS ||
	       !has_primary(s, PRIMARY_NMI_WINDOW_EXITING);
}

RULE(apic_access_page)
{
	return !has_secondary(s, SECONDARY_APIC_ACCESSES) || page(s, V(APIC_ACCESS_ADDRESS));
}

RULE(apic_needs_shadow)
{
	return has_primary(s, PRIMARY_TPR_SHADOW) ||
	       !has_secondary(s, SECONDARY_X2APIC_MODE | SECONDARY_APIC_REGISTERS |
					 SECONDARY_INTERRUPT_DELIVERY);
}

RULE(x2apic_or_page)
{
	return !has_secondary(s, SECONDARY_X2APIC_MODE) ||
	       !has_secondary(s, SECONDARY_APIC_ACCESSES);
}

RULE(delivery_needs_exiting)
{
	return !has_secondary(s, SECONDARY_INTERRUPT_DELIVERY) ||
	       V(PIN_BASED_CONTROLS) & PIN_EXTERNAL_INTERRUPT_EXITING;
}

RULE(posted_interrupts)
{
	return !(V(PIN_BASED_CONTROLS) & PIN_POSTED_INTERRUPTS) ||
	       (has_secondary(s, SECONDARY_INTERRUPT_DELIVERY) &&
		V(EXIT_CONTROLS) & EXIT_CTL_ACK_INTERRUPT && V(POSTED_INTERRUPT_VECTOR) <= 255);
}

RULE(vpid)
{
	return !has_secondary(s, SECONDARY_VPID) || V(VPID) != 0;
}

RULE(eptp_type)
{
	u64 type = V(EPT_POINTER) & EPTP_MEMORY_TYPE;

	return !has_secondary(s, SECONDARY_EPT) ||
	       (type == MEMORY_TYPE_WB && s->caps.ept_vpid & EPT_CAP_WB) ||
	       (type == MEMORY_TYPE_UC && s->caps.ept_vpid & EPT_CAP_UC);
}

RULE(eptp_walk)
{
	u64 levels = ((V(EPT_POINTER) & EPTP_WALK) >> EPTP_WALK_SHIFT) + 1;

	return !has_secondary(s, SECONDARY_EPT) ||
	       (levels == 4 && s->caps.ept_vpid & EPT_CAP_WALK_4) ||
	       (levels == 5 && s->caps.ept_vpid & EPT_CAP_WALK_5);
}

RULE(eptp_accessed_dirty)
{
	return !has_secondary(s, SECONDARY_EPT) || !(V(EPT_POINTER) & EPTP_ACCESSED_DIRTY) ||
	       s->caps.ept_vpid & EPT_CAP_ACCESSED_DIRTY;
}

RULE(eptp_reserved)
{
	return !has_secondary(s, SECONDARY_EPT) ||
	       (!(V(EPT_POINTER) & EPTP_RESERVED) && physical(s, V(EPT_POINTER)));
}

RULE(needs_ept)
{
	return has_secondary(s, SECONDARY_EPT) ||
	       !has_secondary(s, SECONDARY_UNRESTRICTED_GUEST | SECONDARY_PML);
}

RULE(tsc_multiplier)
{
	return !has_secondary(s, SECONDARY_TSC_SCALING) || V(TSC_MULTIPLIER) != 0;
}

/* ---- Exit and entry controls ------------------------------------------------- */

RULE(exit_allowed)
{
	return allowed(V(EXIT_CONTROLS), s->caps.exit);
}

RULE(exit_timer)
{
	return V(PIN_BASED_CONTROLS) & PIN_PREEMPTION_TIMER ||
	       !(V(EXIT_CONTROLS) & EXIT_CTL_SAVE_PREEMPTION_TIMER);
}

RULE(exit_store_area)
{
	return msr_area(s, V(EXIT_MSR_STORE_COUNT), V(EXIT_MSR_STORE_ADDRESS));
}

RULE(exit_load_area)
{
	return msr_area(s, V(EXIT_MSR_LOAD_COUNT), V(EXIT_MSR_LOAD_ADDRESS));
}

RULE(entry_allowed)
{
	return allowed(V(ENTRY_CONTROLS), s->caps.entry);
}

RULE(entry_load_area)
{
	return msr_area(s, V(ENTRY_MSR_LOAD_COUNT), V(ENTRY_MSR_LOAD_ADDRESS));
}

RULE(entry_smm)
{
	return !(V(ENTRY_CONTROLS) & (ENTRY_CTL_SMM | ENTRY_CTL_DEACTIVATE_DUAL_MONITOR));
}

RULE(inject_type)
{
	/* "Other" is for a pending MTF exit, which CPUs have that have the monitor trap flag. */
	bool other = s->caps.primary >> 32 & PRIMARY_MONITOR_TRAP_FLAG;

	return !injects(s) || (injected_type(s) != INTR_TYPE_RESERVED &&
			       (injected_type(s) != INTR_TYPE_OTHER || other));
}

RULE(inject_vector)
{
	return !injects(s) ||
	       ((injected_type(s) != INTR_TYPE_NMI || injected_vector(s) == VECTOR_NMI) &&
		(injected_type(s) != INTR_TYPE_HARD_EXCEPTION || injected_vector(s) <= 31) &&
		(injected_type(s) != INTR_TYPE_OTHER || injected_vector(s) == 0));
}

/* Exceptions that push an error code. */
#define ERROR_CODE_VECTORS                                                      \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) |    \
	 BIT(VECTOR_GP) | BIT(VECTOR_PF) | BIT(VECTOR_AC))

RULE(inject_error_valid)
{
	bool error = V(ENTRY_INTERRUPTION_INFO) & INTR_ERROR_CODE;
	bool hard = injected_type(s) == INTR_TYPE_HARD_EXCEPTION;
	bool protected_mode = V(GUEST_CR0) & CR0_PE || !unrestricted(s);
	bool pushes = hard && injected_vector(s) <= 31 &&
		      BIT(injected_vector(s)) & ERROR_CODE_VECTORS;

	if (!injects(s))
		return true;
	if (hard && protected_mode && s->caps.basic & VMX_BASIC_ANY_ERROR_CODE)
		return true;
	return error == (protected_mode && pushes);
}

RULE(inject_reserved)
{
	return !injects(s) || !(V(ENTRY_INTERRUPTION_INFO) & INTR_ENTRY_RESERVED);
}

RULE(inject_error_code)
{
	return !injects(s) || !(V(ENTRY_INTERRUPTION_INFO) & INTR_ERROR_CODE) ||
	       !(V(ENTRY_EXCEPTION_ERROR_CODE) >> 16);
}

RULE(inject_length)
{
	u64 length = V(ENTRY_INSTRUCTION_LENGTH);

	if (!injects(s) || injected_type(s) < INTR_TYPE_SOFT_INT ||
	    injected_type(s) == INTR_TYPE_OTHER)
		return true;
	return length <= 15 && (length || s->caps.misc & VMX_MISC_ZERO_LENGTH);
}

/* ---- Host state -------------------------------------------------------------- */

RULE(host_cr0)
{
	return fixed(V(HOST_CR0), s->caps.cr0_fixed0, s->caps.cr0_fixed1);
}

RULE(host_cr4)
{
	return fixed(V(HOST_CR4), s->caps.cr4_fixed0, s->caps.cr4_fixed1);
}

RULE(host_cr3)
{
	return !(V(HOST_CR3) >> s->caps.maxphyaddr);
}

RULE(host_sysenter_esp)
{
	return canonical(s, V(HOST_SYSENTER_ESP));
}

RULE(host_sysenter_eip)
{
	return canonical(s, V(HOST_SYSENTER_EIP));
}

RULE(host_pat)
{
	return !(V(EXIT_CONTROLS) & EXIT_CTL_LOAD_PAT) || pat(V(HOST_PAT));
}

RULE(host_efer)
{
	return !(V(EXIT_CONTROLS) & EXIT_CTL_LOAD_EFER) || !(V(HOST_EFER) & ~s->caps.efer_bits);
}

RULE(host_efer_mode)
{
	u64 mode = V(EXIT_CONTROLS) & EXIT_CTL_HOST_64BIT ? EFER_LMA | EFER_LME : 0;

	return !(V(EXIT_CONTROLS) & EXIT_CTL_LOAD_EFER) ||
	       (V(HOST_EFER) & (EFER_LMA | EFER_LME)) == mode;
}

static bool plain_selector(u64 selector)
{
	return !(selector & 7);
}

#define HOST_SELECTOR(register)                                  \
	RULE(host_##register)                                    \
	{                                                        \
		return plain_selector(V(HOST_##register##_SELECTOR)); \
	}
HOST_SELECTOR(ES)
HOST_SELECTOR(CS)
HOST_SELECTOR(SS)
HOST_SELECTOR(DS)
HOST_SELECTOR(FS)
HOST_SELECTOR(GS)
HOST_SELECTOR(TR)
#undef HOST_SELECTOR

RULE(host_cs_null)
{
	return V(HOST_CS_SELECTOR) != 0;
}

RULE(host_tr_null)
{
	return V(HOST_TR_SELECTOR) != 0;
}

#define HOST_BASE(register)                                   \
	RULE(host_base_##register)                            \
	{                                                     \
		return canonical(s, V(HOST_##register##_BASE)); \
	}
HOST_BASE(FS)
HOST_BASE(GS)
HOST_BASE(TR)
HOST_BASE(GDTR)
HOST_BASE(IDTR)
#undef HOST_BASE

RULE(host_64bit)
{
	return V(EXIT_CONTROLS) & EXIT_CTL_HOST_64BIT;
}

RULE(host_pae)
{
	return V(HOST_CR4) & CR4_PAE;
}

RULE(host_rip)
{
	return canonical(s, V(HOST_RIP));
}

/* ---- The table --------------------------------------------------------------- */

#define EXECUTION "\"VM-Execution Control Fields\" (27.2.1.1)"
#define EXITING "\"VM-Exit Control Fields\" (27.2.1.2)"
#define ENTRY "\"VM-Entry Control Fields\" (27.2.1.3)"
#define HOST_REGISTERS "\"Checks on Host Control Registers, MSRs, and SSP\" (27.2.2)"
#define HOST_SEGMENTS "\"Checks on Host Segment and Descriptor-Table Registers\" (27.2.3)"
#define ADDRESS_SPACE "\"Checks Related to Address-Space Size\" (27.2.4)"

static const struct vmx_rule rules[] = {
	R(CONTROLS, PIN_BASED_CONTROLS, pin_allowed, "bits as the CPU allows", EXECUTION),
	R(CONTROLS, PRIMARY_CONTROLS, primary_allowed, "bits as the CPU allows", EXECUTION),
	R(CONTROLS, SECONDARY_CONTROLS, secondary_allowed, "bits as the CPU allows", EXECUTION),
	R(CONTROLS, CR3_TARGET_COUNT, cr3_targets, "not more than the CPU has", EXECUTION),
	R(CONTROLS, IO_BITMAP_A, io_bitmap_a, "a physical page", EXECUTION),
	R(CONTROLS, IO_BITMAP_B, io_bitmap_b, "a physical page", EXECUTION),
	R(CONTROLS, MSR_BITMAP, msr_bitmap, "a physical page", EXECUTION),
	R(CONTROLS, VIRTUAL_APIC_ADDRESS, tpr_shadow_page, "a physical page", EXECUTION),
	R(CONTROLS, TPR_THRESHOLD, tpr_threshold, "bits 31:4 are 0", EXECUTION),
	R(CONTROLS, PIN_BASED_CONTROLS, virtual_nmis, "virtual NMIs need NMI exiting", EXECUTION),
	R(CONTROLS, PRIMARY_CONTROLS, nmi_window, "NMI-window exiting needs virtual NMIs",
	  EXECUTION),
	R(CONTROLS, APIC_ACCESS_ADDRESS, apic_access_page, "a physical page", EXECUTION),
	R(CONTROLS, SECONDARY_CONTROLS, apic_needs_shadow,
	  "APIC virtualization needs the TPR shadow", EXECUTION),
	R(CONTROLS, SECONDARY_CONTROLS, x2apic_or_page,
	  "x2APIC mode and virtualized APIC accesses exclude each other", EXECUTION),
	R(CONTROLS, SECONDARY_CONTROLS, delivery_needs_exiting,
	  "virtual-interrupt delivery needs external-interrupt exiting", EXECUTION),
	R(CONTROLS, PIN_BASED_CONTROLS, posted_interrupts,
	  "posted interrupts need virtual-interrupt delivery, acknowledging exits and a vector",
	  EXECUTION),
	R(CONTROLS, VPID, vpid, "not 0, which is the host's", EXECUTION),
	R(CONTROLS, EPT_POINTER, eptp_type, "a memory type that the CPU has for EPT", EXECUTION),
	R(CONTROLS, EPT_POINTER, eptp_walk, "a walk length that the CPU has", EXECUTION),
	R(CONTROLS, EPT_POINTER, eptp_accessed_dirty, "A/D flags only if the CPU has them",
	  EXECUTION),
	R(CONTROLS, EPT_POINTER, eptp_reserved, "reserved and non-physical bits are 0", EXECUTION),
	R(CONTROLS, SECONDARY_CONTROLS, needs_ept, "unrestricted guest and PML need EPT",
	  EXECUTION),
	R(CONTROLS, TSC_MULTIPLIER, tsc_multiplier, "not 0 if TSCs are scaled", EXECUTION),

	R(CONTROLS, EXIT_CONTROLS, exit_allowed, "bits as the CPU allows", EXITING),
	R(CONTROLS, EXIT_CONTROLS, exit_timer, "the preemption timer is saved only if it runs",
	  EXITING),
	R(CONTROLS, EXIT_MSR_STORE_ADDRESS, exit_store_area, "aligned to 16, physical", EXITING),
	R(CONTROLS, EXIT_MSR_LOAD_ADDRESS, exit_load_area, "aligned to 16, physical", EXITING),

	R(CONTROLS, ENTRY_CONTROLS, entry_allowed, "bits as the CPU allows", ENTRY),
	R(CONTROLS, ENTRY_CONTROLS, entry_smm, "SMM controls are 0 outside SMM", ENTRY),
	R(CONTROLS, ENTRY_MSR_LOAD_ADDRESS, entry_load_area, "aligned to 16, physical", ENTRY),
	R(ACTIVITY, ENTRY_INTERRUPTION_INFO, inject_type, "a type of event that is not reserved",
	  ENTRY),
	R(ACTIVITY, ENTRY_INTERRUPTION_INFO, inject_vector, "a vector that fits the type", ENTRY),
	R(ACTIVITY, ENTRY_INTERRUPTION_INFO, inject_error_valid,
	  "an error code exactly where the exception has one", ENTRY),
	R(ACTIVITY, ENTRY_INTERRUPTION_INFO, inject_reserved, "bits 30:12 are 0", ENTRY),
	R(ACTIVITY, ENTRY_EXCEPTION_ERROR_CODE, inject_error_code, "bits 31:16 are 0", ENTRY),
	R(ACTIVITY, ENTRY_INSTRUCTION_LENGTH, inject_length, "1 to 15 bytes", ENTRY),

	R(HOST, HOST_CR0, host_cr0, "fixed bits as VMX wants them", HOST_REGISTERS),
	R(HOST, HOST_CR4, host_cr4, "fixed bits as VMX wants them", HOST_REGISTERS),
	R(HOST, HOST_CR3, host_cr3, "a physical address", HOST_REGISTERS),
	R(HOST, HOST_SYSENTER_ESP, host_sysenter_esp, "canonical", HOST_REGISTERS),
	R(HOST, HOST_SYSENTER_EIP, host_sysenter_eip, "canonical", HOST_REGISTERS),
	R(HOST, HOST_PAT, host_pat, "each byte a memory type", HOST_REGISTERS),
	R(HOST, HOST_EFER, host_efer, "reserved bits are 0", HOST_REGISTERS),
	R(HOST, HOST_EFER, host_efer_mode, "LMA and LME equal the host address-space size",
	  HOST_REGISTERS),
#define HOST_SELECTOR(register)                                                \
	R(HOST, HOST_##register##_SELECTOR, host_##register, "RPL and TI are 0", \
	  HOST_SEGMENTS),
	EACH_SEGMENT(HOST_SELECTOR)
	HOST_SELECTOR(TR)
	R(HOST, HOST_CS_SELECTOR, host_cs_null, "not 0", HOST_SEGMENTS),
	R(HOST, HOST_TR_SELECTOR, host_tr_null, "not 0", HOST_SEGMENTS),
	R(HOST, HOST_FS_BASE, host_base_FS, "canonical", HOST_SEGMENTS),
	R(HOST, HOST_GS_BASE, host_base_GS, "canonical", HOST_SEGMENTS),
	R(HOST, HOST_TR_BASE, host_base_TR, "canonical", HOST_SEGMENTS),
	R(HOST, HOST_GDTR_BASE, host_base_GDTR, "canonical", HOST_SEGMENTS),
	R(HOST, HOST_IDTR_BASE, host_base_IDTR, "canonical", HOST_SEGMENTS),
	R(HOST, EXIT_CONTROLS, host_64bit, "a host in 64-bit mode comes back to it", ADDRESS_SPACE),
	R(HOST, HOST_CR4, host_pae, "PAE is set for a 64-bit host", ADDRESS_SPACE),
	R(HOST, HOST_RIP, host_rip, "canonical", ADDRESS_SPACE),
};
const struct vmx_rules vmx_rules_control = { rules, ARRAY_SIZE(rules) };
