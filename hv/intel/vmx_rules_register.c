/*
 * vmx_rules_register.c - rules for the guest's registers and for its state that is no register
 *
 * Owns: control and debug registers, MSRs, RIP, RFLAGS, PDPTEs; activity, blocking, pending debug
 * exceptions, the link pointer.
 * Must not know: segments (vmx_rules_segment.c), a CPU; this file runs in host tests.
 *
 * Sources: [SDM] "Checks on Guest Control Registers, Debug Registers, and MSRs" (27.3.1.1), "Checks
 * on Guest RIP, RFLAGS, and SSP" (27.3.1.4) to "Checks on Guest Page-Directory-Pointer-Table
 * Entries" (27.3.1.6).
 */
#include "intel/vmx_rules.h"

/* ---- Guest registers --------------------------------------------------------- */

RULE(guest_cr0)
{
	u64 free = unrestricted(s) ? CR0_PE | CR0_PG : 0;

	/* CD and NW are not looked at. */
	return fixed(V(GUEST_CR0) & ~(CR0_CD | CR0_NW),
		     s->caps.cr0_fixed0 & ~free & ~(CR0_CD | CR0_NW),
		     s->caps.cr0_fixed1);
}

RULE(guest_paging)
{
	return !(V(GUEST_CR0) & CR0_PG) || V(GUEST_CR0) & CR0_PE;
}

RULE(guest_cr4)
{
	return fixed(V(GUEST_CR4), s->caps.cr4_fixed0, s->caps.cr4_fixed1);
}

RULE(guest_cet)
{
	return !(V(GUEST_CR4) & CR4_CET) || V(GUEST_CR0) & CR0_WP;
}

RULE(guest_debugctl)
{
	return !(V(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_DEBUG) ||
	       !(V(GUEST_DEBUGCTL) & ~DEBUGCTL_DEFINED);
}

RULE(guest_ia32e_paging)
{
	return !ia32e(s) || V(GUEST_CR0) & CR0_PG;
}

RULE(guest_ia32e_pae)
{
	return !ia32e(s) || V(GUEST_CR4) & CR4_PAE;
}

RULE(guest_pcide)
{
	return ia32e(s) || !(V(GUEST_CR4) & CR4_PCIDE);
}

RULE(guest_cr3)
{
	return !(V(GUEST_CR3) >> s->caps.maxphyaddr);
}

RULE(guest_dr7)
{
	return !(V(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_DEBUG) || !(V(GUEST_DR7) >> 32);
}

RULE(guest_sysenter_esp)
{
	return canonical(s, V(GUEST_SYSENTER_ESP));
}

RULE(guest_sysenter_eip)
{
	return canonical(s, V(GUEST_SYSENTER_EIP));
}

RULE(guest_pat)
{
	return !(V(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_PAT) || pat(V(GUEST_PAT));
}

RULE(guest_efer)
{
	return !(V(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_EFER) ||
	       !(V(GUEST_EFER) & ~s->caps.efer_bits);
}

RULE(guest_lma)
{
	return !(V(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_EFER) ||
	       !(V(GUEST_EFER) & EFER_LMA) == !ia32e(s);
}

RULE(guest_lme)
{
	return !(V(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_EFER) || !(V(GUEST_CR0) & CR0_PG) ||
	       !(V(GUEST_EFER) & EFER_LMA) == !(V(GUEST_EFER) & EFER_LME);
}

/* ---- Guest RIP, RFLAGS, non-register state ----------------------------------- */

static bool code_64bit(const struct vmcs_snapshot *s)
{
	return ia32e(s) && V(GUEST_CS_ACCESS_RIGHTS) & ACCESS_RIGHTS_L;
}

RULE(guest_rip)
{
	/* In 64-bit mode the bits above the linear address are all equal, to each other only. */
	if (code_64bit(s)) {
		u64 upper = V(GUEST_RIP) >> s->caps.linear_bits;

		return upper == 0 || upper == ~0ull >> s->caps.linear_bits;
	}
	return !(V(GUEST_RIP) >> 32);
}


RULE(rflags_reserved)
{
	return !(V(GUEST_RFLAGS) & RFLAGS_RESERVED) && V(GUEST_RFLAGS) & RFLAGS_ONE;
}

RULE(rflags_vm)
{
	return !v8086(s) || (!ia32e(s) && V(GUEST_CR0) & CR0_PE);
}

RULE(rflags_if)
{
	return !injects_type(s, INTR_TYPE_EXTERNAL) || V(GUEST_RFLAGS) & RFLAGS_IF;
}

static bool blocked_by(const struct vmcs_snapshot *s, u64 what)
{
	return V(GUEST_INTERRUPTIBILITY) & what;
}

RULE(activity_known)
{
	u64 activity = V(GUEST_ACTIVITY);

	return activity == VMX_ACTIVITY_ACTIVE ||
	       (activity <= VMX_ACTIVITY_WAIT_SIPI &&
		s->caps.misc & BIT(VMX_MISC_ACTIVITY_SHIFT + activity - 1));
}

RULE(activity_hlt)
{
	return V(GUEST_ACTIVITY) != VMX_ACTIVITY_HLT || !(V(GUEST_SS_ACCESS_RIGHTS) & SEG_ATTR_DPL);
}

RULE(activity_shadow)
{
	return V(GUEST_ACTIVITY) == VMX_ACTIVITY_ACTIVE || !blocked_by(s, INTERRUPTIBILITY_SHADOW);
}

RULE(activity_event)
{
	u64 activity = V(GUEST_ACTIVITY);
	unsigned vector = injected_vector(s);

	if (!injects(s) || activity == VMX_ACTIVITY_ACTIVE)
		return true;
	if (activity == VMX_ACTIVITY_HLT) {
		switch (injected_type(s)) {
		case INTR_TYPE_EXTERNAL:
		case INTR_TYPE_NMI:
		case INTR_TYPE_OTHER:
			return true;
		case INTR_TYPE_HARD_EXCEPTION:
			return vector == VECTOR_DB || vector == VECTOR_MC;
		default:
			return false;
		}
	}
	return activity == VMX_ACTIVITY_SHUTDOWN &&
	       ((injected_type(s) == INTR_TYPE_NMI && vector == VECTOR_NMI) ||
		(injected_type(s) == INTR_TYPE_HARD_EXCEPTION && vector == VECTOR_MC));
}

RULE(blocking_reserved)
{
	return !(V(GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_RESERVED);
}

RULE(blocking_enclave)
{
	return !blocked_by(s, INTERRUPTIBILITY_ENCLAVE) ||
	       (s->caps.sgx && !blocked_by(s, INTERRUPTIBILITY_MOV_SS));
}

RULE(blocking_one)
{
	return !blocked_by(s, INTERRUPTIBILITY_STI) || !blocked_by(s, INTERRUPTIBILITY_MOV_SS);
}

RULE(blocking_sti_if)
{
	return !blocked_by(s, INTERRUPTIBILITY_STI) || V(GUEST_RFLAGS) & RFLAGS_IF;
}

RULE(blocking_intr)
{
	return !injects_type(s, INTR_TYPE_EXTERNAL) || !blocked_by(s, INTERRUPTIBILITY_SHADOW);
}

/* STI too: "a processor may require" that, and no guest can take an NMI sooner for it. */
RULE(blocking_nmi_shadow)
{
	return !injects_type(s, INTR_TYPE_NMI) || !blocked_by(s, INTERRUPTIBILITY_SHADOW);
}

RULE(blocking_smi)
{
	return !blocked_by(s, INTERRUPTIBILITY_SMI);
}

RULE(blocking_nmi)
{
	return !(V(PIN_BASED_CONTROLS) & PIN_VIRTUAL_NMIS) || !injects_type(s, INTR_TYPE_NMI) ||
	       !blocked_by(s, INTERRUPTIBILITY_NMI);
}

#define PENDING_DEBUG_DEFINED \
	(PENDING_DEBUG_B | PENDING_DEBUG_ENABLED | PENDING_DEBUG_BS | PENDING_DEBUG_RTM)

RULE(pending_reserved)
{
	return !(V(GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_DEFINED);
}

/* A transaction's debug exception: alone, and only where there are transactions. */
RULE(pending_rtm)
{
	u64 pending = V(GUEST_PENDING_DEBUG);

	return !(pending & PENDING_DEBUG_RTM) ||
	       (s->caps.rtm && pending == (PENDING_DEBUG_RTM | PENDING_DEBUG_ENABLED) &&
		!blocked_by(s, INTERRUPTIBILITY_SHADOW));
}

RULE(pending_step)
{
	bool steps = V(GUEST_RFLAGS) & RFLAGS_TF && !(V(GUEST_DEBUGCTL) & DEBUGCTL_BTF);
	bool halted = V(GUEST_ACTIVITY) == VMX_ACTIVITY_HLT;

	if (!blocked_by(s, INTERRUPTIBILITY_SHADOW) && !halted)
		return true;
	return !(V(GUEST_PENDING_DEBUG) & PENDING_DEBUG_BS) == !steps;
}

RULE(link_pointer)
{
	/* We never use a shadow VMCS, so nothing valid could be behind another one. */
	return V(LINK_POINTER) == VMCS_NO_LINK;
}

/* [SDM] "PDPTE Registers" (4.4.1) */
static bool pdpte(const struct vmcs_snapshot *s, u64 entry)
{
	bool pae = V(GUEST_CR0) & CR0_PG && V(GUEST_CR4) & CR4_PAE && !ia32e(s);
	u64 reserved = BITS(63, s->caps.maxphyaddr) | BITS(8, 5) | BITS(2, 1);

	return !pae || !has_secondary(s, SECONDARY_EPT) || !(entry & PTE_P) || !(entry & reserved);
}

#define PDPTE(n)                                  \
	RULE(pdpte##n)                            \
	{                                         \
		return pdpte(s, V(GUEST_PDPTE##n)); \
	}
PDPTE(0)
PDPTE(1)
PDPTE(2)
PDPTE(3)
#undef PDPTE

/* ---- The table --------------------------------------------------------------- */

#define REGISTERS "\"Checks on Guest Control Registers, Debug Registers, and MSRs\" (27.3.1.1)"
#define RIP_RFLAGS "\"Checks on Guest RIP, RFLAGS, and SSP\" (27.3.1.4)"
#define NON_REGISTER "\"Checks on Guest Non-Register State\" (27.3.1.5)"
#define PDPTES "\"Checks on Guest Page-Directory-Pointer-Table Entries\" (27.3.1.6)"

static const struct vmx_rule rules[] = {
	R(REGISTERS, GUEST_CR0, guest_cr0, "fixed bits as VMX wants them", REGISTERS),
	R(REGISTERS, GUEST_CR0, guest_paging, "PG needs PE", REGISTERS),
	R(REGISTERS, GUEST_CR4, guest_cr4, "fixed bits as VMX wants them", REGISTERS),
	R(REGISTERS, GUEST_CR4, guest_cet, "CET needs CR0.WP", REGISTERS),
	R(REGISTERS, GUEST_DEBUGCTL, guest_debugctl, "reserved bits are 0", REGISTERS),
	R(REGISTERS, GUEST_CR0, guest_ia32e_paging, "IA-32e mode needs PG", REGISTERS),
	R(REGISTERS, GUEST_CR4, guest_ia32e_pae, "IA-32e mode needs PAE", REGISTERS),
	R(REGISTERS, GUEST_CR4, guest_pcide, "PCIDE needs IA-32e mode", REGISTERS),
	R(REGISTERS, GUEST_CR3, guest_cr3, "bits beyond the physical address are 0", REGISTERS),
	R(REGISTERS, GUEST_DR7, guest_dr7, "bits 63:32 are 0", REGISTERS),
	R(REGISTERS, GUEST_SYSENTER_ESP, guest_sysenter_esp, "canonical", REGISTERS),
	R(REGISTERS, GUEST_SYSENTER_EIP, guest_sysenter_eip, "canonical", REGISTERS),
	R(REGISTERS, GUEST_PAT, guest_pat, "each byte a memory type", REGISTERS),
	R(REGISTERS, GUEST_EFER, guest_efer, "reserved bits are 0", REGISTERS),
	R(REGISTERS, GUEST_EFER, guest_lma, "LMA equals \"IA-32e mode guest\"", REGISTERS),
	R(REGISTERS, GUEST_EFER, guest_lme, "with paging, LME equals LMA", REGISTERS),

	R(REGISTERS, GUEST_RIP, guest_rip, "an address of the mode", RIP_RFLAGS),
	R(REGISTERS, GUEST_RFLAGS, rflags_reserved, "reserved bits are 0, bit 1 is 1", RIP_RFLAGS),
	R(REGISTERS, GUEST_RFLAGS, rflags_vm, "VM needs protected mode, and no IA-32e mode",
	  RIP_RFLAGS),
	R(ACTIVITY, GUEST_RFLAGS, rflags_if, "IF is 1 if an external interrupt is injected",
	  RIP_RFLAGS),

	R(ACTIVITY, GUEST_ACTIVITY, activity_known, "a state that the CPU has", NON_REGISTER),
	R(ACTIVITY, GUEST_ACTIVITY, activity_hlt, "HLT needs CPL 0", NON_REGISTER),
	R(ACTIVITY, GUEST_ACTIVITY, activity_shadow, "active if STI or MOV SS blocks",
	  NON_REGISTER),
	R(ACTIVITY, GUEST_ACTIVITY, activity_event, "a state that the injected event can end",
	  NON_REGISTER),
	R(ACTIVITY, GUEST_INTERRUPTIBILITY, blocking_reserved, "reserved bits are 0",
	  NON_REGISTER),
	R(ACTIVITY, GUEST_INTERRUPTIBILITY, blocking_enclave,
	  "an enclave is interrupted only on a CPU with SGX, not by MOV SS", NON_REGISTER),
	R(ACTIVITY, GUEST_INTERRUPTIBILITY, blocking_one, "STI and MOV SS do not both block",
	  NON_REGISTER),
	R(ACTIVITY, GUEST_INTERRUPTIBILITY, blocking_sti_if, "blocking by STI needs IF",
	  NON_REGISTER),
	R(ACTIVITY, GUEST_INTERRUPTIBILITY, blocking_intr,
	  "no blocking if an external interrupt is injected", NON_REGISTER),
	R(ACTIVITY, GUEST_INTERRUPTIBILITY, blocking_nmi_shadow,
	  "no blocking by STI or MOV SS if an NMI is injected", NON_REGISTER),
	R(ACTIVITY, GUEST_INTERRUPTIBILITY, blocking_smi, "no blocking by SMI outside SMM",
	  NON_REGISTER),
	R(ACTIVITY, GUEST_INTERRUPTIBILITY, blocking_nmi,
	  "no virtual-NMI blocking if an NMI is injected", NON_REGISTER),
	R(ACTIVITY, GUEST_PENDING_DEBUG, pending_reserved, "reserved bits are 0", NON_REGISTER),
	R(ACTIVITY, GUEST_PENDING_DEBUG, pending_rtm,
	  "RTM alone with its enable bit, on a CPU with RTM, outside shadows", NON_REGISTER),
	R(ACTIVITY, GUEST_PENDING_DEBUG, pending_step,
	  "in a shadow, BS is set exactly if TF steps instructions", NON_REGISTER),
	R(CONTROLS, LINK_POINTER, link_pointer, "all ones", NON_REGISTER),

	R(REGISTERS, GUEST_PDPTE0, pdpte0, "reserved bits are 0 if present", PDPTES),
	R(REGISTERS, GUEST_PDPTE1, pdpte1, "reserved bits are 0 if present", PDPTES),
	R(REGISTERS, GUEST_PDPTE2, pdpte2, "reserved bits are 0 if present", PDPTES),
	R(REGISTERS, GUEST_PDPTE3, pdpte3, "reserved bits are 0 if present", PDPTES),
};
const struct vmx_rules vmx_rules_register = { rules, ARRAY_SIZE(rules) };
