/*
 * vmx_explain.c - see vmx_explain.h
 *
 * Owns: the rules.  Must not know: a CPU; this file runs in host tests.
 *
 * Rules about features that our control words never enable are there where a stray bit could
 * enable them with nothing else missing.
 */
#include "intel/vmx_explain.h"

#include "x86.h"

#define V(name) (s->value[VMCS_SLOT_##name])
#define RULE(name) static bool name(const struct vmcs_snapshot *s)

/* ---- Words for rules --------------------------------------------------------- */

static bool allowed(u64 value, u64 capability)
{
	return !((u32)capability & ~value) && !(value & ~(capability >> 32));
}

static bool fixed(u64 value, u64 fixed0, u64 fixed1)
{
	return !(fixed0 & ~value) && !(value & ~fixed1);
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

static bool canonical(const struct vmcs_snapshot *s, u64 address)
{
	u64 upper = (u64)((s64)address >> (s->caps.linear_bits - 1));

	return upper == 0 || upper == ~0ull;
}

static bool pat(u64 value)
{
	for (; value; value >>= 8) {
		u8 type = value & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

static bool msr_area(const struct vmcs_snapshot *s, u64 count, u64 address)
{
	return !count || (IS_ALIGNED(address, 16) && physical(s, address) &&
			  physical(s, address + count * 16 - 1));
}

static bool has_primary(const struct vmcs_snapshot *s, u64 bit)
{
	return V(PRIMARY_CONTROLS) & bit;
}

static bool has_secondary(const struct vmcs_snapshot *s, u64 bit)
{
	return has_primary(s, PRIMARY_SECONDARY_CONTROLS) && V(SECONDARY_CONTROLS) & bit;
}

static bool unrestricted(const struct vmcs_snapshot *s)
{
	return has_secondary(s, SECONDARY_UNRESTRICTED_GUEST);
}

static bool ia32e(const struct vmcs_snapshot *s)
{
	return V(ENTRY_CONTROLS) & ENTRY_CTL_IA32E_GUEST;
}

static bool v8086(const struct vmcs_snapshot *s)
{
	return V(GUEST_RFLAGS) & RFLAGS_VM;
}

/* ---- Execution controls ------------------------------------------------------ */

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

static bool injects(const struct vmcs_snapshot *s)
{
	return V(ENTRY_INTERRUPTION_INFO) & INTR_VALID;
}

static unsigned injected_type(const struct vmcs_snapshot *s)
{
	return (V(ENTRY_INTERRUPTION_INFO) & INTR_TYPE) >> INTR_TYPE_SHIFT;
}

static unsigned injected_vector(const struct vmcs_snapshot *s)
{
	return V(ENTRY_INTERRUPTION_INFO) & INTR_VECTOR;
}

static bool injects_type(const struct vmcs_snapshot *s, unsigned type)
{
	return injects(s) && injected_type(s) == type;
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

/* ---- Guest segments ---------------------------------------------------------- */

static bool usable(u64 rights)
{
	return !(rights & ACCESS_RIGHTS_UNUSABLE);
}

static u64 type(u64 rights)
{
	return rights & SEG_ATTR_TYPE;
}

static u64 dpl(u64 rights)
{
	return (rights & SEG_ATTR_DPL) >> SEG_ATTR_DPL_SHIFT;
}

static u64 rpl(u64 selector)
{
	return selector & 3;
}

#define SELECTOR_TI BIT(2)
/* Types: data read/write accessed; code accessed, with readable and conforming. */
#define TYPE_ACCESSED BIT(0)
#define TYPE_READABLE BIT(1)
#define TYPE_CODE BIT(3)
#define TYPE_DATA_RW 3
#define TYPE_DATA_RW_DOWN 7
#define TYPE_LDT 2
#define TYPE_TSS16_BUSY 3
#define TYPE_TSS_BUSY 11
#define V8086_RIGHTS 0xf3
#define V8086_LIMIT 0xffff

/* Granularity and limit belong together: [SDM] "Checks on Guest Segment Registers", G. */
static bool granular(u64 rights, u64 limit)
{
	bool g = rights & ACCESS_RIGHTS_G;

	if ((limit & 0xfff) != 0xfff && g)
		return false;
	return !(limit >> 20) || g;
}

RULE(tr_ti)
{
	return !(V(GUEST_TR_SELECTOR) & SELECTOR_TI);
}

RULE(ldtr_ti)
{
	return !usable(V(GUEST_LDTR_ACCESS_RIGHTS)) || !(V(GUEST_LDTR_SELECTOR) & SELECTOR_TI);
}

RULE(ss_rpl)
{
	return v8086(s) || unrestricted(s) ||
	       rpl(V(GUEST_SS_SELECTOR)) == rpl(V(GUEST_CS_SELECTOR));
}

/* The rules that each of the six has, in virtual-8086 mode and out of it. */
#define SEGMENT_RULES(register) \
	RULE(v8086_base_##register) \
	{ \
		return !v8086(s) || \
		       V(GUEST_##register##_BASE) == V(GUEST_##register##_SELECTOR) << 4; \
	} \
	RULE(v8086_limit_##register) \
	{ \
		return !v8086(s) || V(GUEST_##register##_LIMIT) == V8086_LIMIT; \
	} \
	RULE(v8086_rights_##register) \
	{ \
		return !v8086(s) || V(GUEST_##register##_ACCESS_RIGHTS) == V8086_RIGHTS; \
	} \
	static bool looked_at_##register(const struct vmcs_snapshot *s) \
	{ \
		return !v8086(s) && \
		       (VMCS_SLOT_GUEST_##register##_BASE == VMCS_SLOT_GUEST_CS_BASE || \
				     usable(V(GUEST_##register##_ACCESS_RIGHTS))); \
	} \
	RULE(s_##register) \
	{ \
		return !looked_at_##register(s) || \
		       V(GUEST_##register##_ACCESS_RIGHTS) & SEG_ATTR_S; \
	} \
	RULE(p_##register) \
	{ \
		return !looked_at_##register(s) || \
		       V(GUEST_##register##_ACCESS_RIGHTS) & SEG_ATTR_P; \
	} \
	RULE(reserved_##register)                                                            \
	{                                                                                    \
		return !looked_at_##register(s) ||                                           \
		       !(V(GUEST_##register##_ACCESS_RIGHTS) & ACCESS_RIGHTS_RESERVED);      \
	}                                                                                    \
	RULE(g_##register)                                                                   \
	{                                                                                    \
		return !looked_at_##register(s) ||                                           \
		       granular(V(GUEST_##register##_ACCESS_RIGHTS), V(GUEST_##register##_LIMIT)); \
	}
SEGMENT_RULES(ES)
SEGMENT_RULES(CS)
SEGMENT_RULES(SS)
SEGMENT_RULES(DS)
SEGMENT_RULES(FS)
SEGMENT_RULES(GS)
#undef SEGMENT_RULES

/* Data segments but SS: accessed, readable if code; a privilege that may be loaded. */
#define DATA_RULES(register)                                                                \
	RULE(type_##register)                                                               \
	{                                                                                   \
		u64 t = type(V(GUEST_##register##_ACCESS_RIGHTS));                          \
		return !looked_at_##register(s) ||                                          \
		       (t & TYPE_ACCESSED && (!(t & TYPE_CODE) || t & TYPE_READABLE));      \
	}                                                                                   \
	RULE(dpl_##register)                                                                \
	{                                                                                   \
		u64 rights = V(GUEST_##register##_ACCESS_RIGHTS);                           \
		return !looked_at_##register(s) || unrestricted(s) || type(rights) > 11 ||  \
		       dpl(rights) >= rpl(V(GUEST_##register##_SELECTOR));                  \
	}
DATA_RULES(ES)
DATA_RULES(DS)
DATA_RULES(FS)
DATA_RULES(GS)
#undef DATA_RULES

#define LOW_BASE(register)                                                            \
	RULE(base_##register)                                                         \
	{                                                                             \
		return !looked_at_##register(s) || !(V(GUEST_##register##_BASE) >> 32); \
	}
LOW_BASE(ES)
LOW_BASE(CS)
LOW_BASE(SS)
LOW_BASE(DS)
#undef LOW_BASE

RULE(base_FS)
{
	return canonical(s, V(GUEST_FS_BASE));
}

RULE(base_GS)
{
	return canonical(s, V(GUEST_GS_BASE));
}

RULE(base_TR)
{
	return canonical(s, V(GUEST_TR_BASE));
}

RULE(base_LDTR)
{
	return !usable(V(GUEST_LDTR_ACCESS_RIGHTS)) || canonical(s, V(GUEST_LDTR_BASE));
}

RULE(type_CS)
{
	u64 t = type(V(GUEST_CS_ACCESS_RIGHTS));

	return v8086(s) || (t & TYPE_CODE && t & TYPE_ACCESSED) ||
	       (unrestricted(s) && t == TYPE_DATA_RW);
}

RULE(type_SS)
{
	u64 t = type(V(GUEST_SS_ACCESS_RIGHTS));

	return !looked_at_SS(s) || t == TYPE_DATA_RW || t == TYPE_DATA_RW_DOWN;
}

RULE(dpl_CS)
{
	u64 rights = V(GUEST_CS_ACCESS_RIGHTS), ss = dpl(V(GUEST_SS_ACCESS_RIGHTS));

	if (v8086(s))
		return true;
	switch (type(rights)) {
	case TYPE_DATA_RW:
		return dpl(rights) == 0;
	case TYPE_CODE | TYPE_ACCESSED:
	case TYPE_CODE | TYPE_ACCESSED | TYPE_READABLE:
		return dpl(rights) == ss;
	case 13:
	case 15: /* conforming */
		return dpl(rights) <= ss;
	default: /* type_CS has said it */
		return true;
	}
}

RULE(dpl_SS)
{
	u64 rights = V(GUEST_SS_ACCESS_RIGHTS);
	bool zero = type(V(GUEST_CS_ACCESS_RIGHTS)) == TYPE_DATA_RW || !(V(GUEST_CR0) & CR0_PE);

	if (v8086(s))
		return true;
	if (!unrestricted(s) && dpl(rights) != rpl(V(GUEST_SS_SELECTOR)))
		return false;
	return !zero || dpl(rights) == 0;
}

RULE(db_CS)
{
	u64 rights = V(GUEST_CS_ACCESS_RIGHTS);

	return v8086(s) || !ia32e(s) || !(rights & ACCESS_RIGHTS_L) ||
	       !(rights & ACCESS_RIGHTS_DB);
}

RULE(type_TR)
{
	u64 t = type(V(GUEST_TR_ACCESS_RIGHTS));

	return t == TYPE_TSS_BUSY || (!ia32e(s) && t == TYPE_TSS16_BUSY);
}

RULE(rights_TR)
{
	u64 rights = V(GUEST_TR_ACCESS_RIGHTS);

	return !(rights & SEG_ATTR_S) && rights & SEG_ATTR_P &&
	       !(rights & (ACCESS_RIGHTS_RESERVED | ACCESS_RIGHTS_UNUSABLE));
}

RULE(g_TR)
{
	return granular(V(GUEST_TR_ACCESS_RIGHTS), V(GUEST_TR_LIMIT));
}

RULE(type_LDTR)
{
	u64 rights = V(GUEST_LDTR_ACCESS_RIGHTS);

	return !usable(rights) || type(rights) == TYPE_LDT;
}

RULE(rights_LDTR)
{
	u64 rights = V(GUEST_LDTR_ACCESS_RIGHTS);

	return !usable(rights) || (!(rights & SEG_ATTR_S) && rights & SEG_ATTR_P &&
				   !(rights & ACCESS_RIGHTS_RESERVED));
}

RULE(g_LDTR)
{
	u64 rights = V(GUEST_LDTR_ACCESS_RIGHTS);

	return !usable(rights) || granular(rights, V(GUEST_LDTR_LIMIT));
}

RULE(base_GDTR)
{
	return canonical(s, V(GUEST_GDTR_BASE));
}

RULE(base_IDTR)
{
	return canonical(s, V(GUEST_IDTR_BASE));
}

RULE(limit_GDTR)
{
	return !(V(GUEST_GDTR_LIMIT) >> 16);
}

RULE(limit_IDTR)
{
	return !(V(GUEST_IDTR_LIMIT) >> 16);
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

#define RFLAGS_RESERVED (BITS(63, 22) | BIT(15) | BIT(5) | BIT(3))

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
	return V(GUEST_ACTIVITY) != VMX_ACTIVITY_HLT || dpl(V(GUEST_SS_ACCESS_RIGHTS)) == 0;
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

#define EXECUTION "\"VM-Execution Control Fields\" (27.2.1.1)"
#define EXITING "\"VM-Exit Control Fields\" (27.2.1.2)"
#define ENTRY "\"VM-Entry Control Fields\" (27.2.1.3)"
#define HOST_REGISTERS "\"Checks on Host Control Registers, MSRs, and SSP\" (27.2.2)"
#define HOST_SEGMENTS "\"Checks on Host Segment and Descriptor-Table Registers\" (27.2.3)"
#define ADDRESS_SPACE "\"Checks Related to Address-Space Size\" (27.2.4)"
#define REGISTERS "\"Checks on Guest Control Registers, Debug Registers, and MSRs\" (27.3.1.1)"
#define SEGMENTS "\"Checks on Guest Segment Registers\" (27.3.1.2)"
#define TABLES "\"Checks on Guest Descriptor-Table Registers\" (27.3.1.3)"
#define RIP_RFLAGS "\"Checks on Guest RIP, RFLAGS, and SSP\" (27.3.1.4)"
#define NON_REGISTER "\"Checks on Guest Non-Register State\" (27.3.1.5)"
#define PDPTES "\"Checks on Guest Page-Directory-Pointer-Table Entries\" (27.3.1.6)"

#define R(group, name, rule, text, title) \
	{ VMX_GROUP_##group, VMCS_SLOT_##name, rule, text, title }

#define EACH_SEGMENT(X) X(ES) X(CS) X(SS) X(DS) X(FS) X(GS)

const struct vmx_rule vmx_rules[] = {
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

	R(SEGMENTS, GUEST_TR_SELECTOR, tr_ti, "TI is 0", SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_SELECTOR, ldtr_ti, "TI is 0", SEGMENTS),
	R(SEGMENTS, GUEST_SS_SELECTOR, ss_rpl, "RPL equals that of CS", SEGMENTS),
#define V8086(register)                                                                      \
	R(SEGMENTS, GUEST_##register##_BASE, v8086_base_##register,                          \
	  "16 times the selector in virtual-8086 mode", SEGMENTS),                           \
	R(SEGMENTS, GUEST_##register##_LIMIT, v8086_limit_##register,                        \
	  "0xffff in virtual-8086 mode", SEGMENTS),                                          \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, v8086_rights_##register,               \
	  "0xf3 in virtual-8086 mode", SEGMENTS),
	EACH_SEGMENT(V8086)
	R(SEGMENTS, GUEST_ES_BASE, base_ES, "bits 63:32 are 0", SEGMENTS),
	R(SEGMENTS, GUEST_CS_BASE, base_CS, "bits 63:32 are 0", SEGMENTS),
	R(SEGMENTS, GUEST_SS_BASE, base_SS, "bits 63:32 are 0", SEGMENTS),
	R(SEGMENTS, GUEST_DS_BASE, base_DS, "bits 63:32 are 0", SEGMENTS),
	R(SEGMENTS, GUEST_FS_BASE, base_FS, "canonical", SEGMENTS),
	R(SEGMENTS, GUEST_GS_BASE, base_GS, "canonical", SEGMENTS),
	R(SEGMENTS, GUEST_TR_BASE, base_TR, "canonical", SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_BASE, base_LDTR, "canonical", SEGMENTS),
#define TYPE(register)                                                                      \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, type_##register,                      \
	  "type: accessed, and readable if it is code", SEGMENTS),                          \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, dpl_##register,                       \
	  "DPL is not below the selector's RPL", SEGMENTS),
	TYPE(ES)
	TYPE(DS)
	TYPE(FS)
	TYPE(GS)
	R(SEGMENTS, GUEST_CS_ACCESS_RIGHTS, type_CS, "type: accessed code", SEGMENTS),
	R(SEGMENTS, GUEST_SS_ACCESS_RIGHTS, type_SS, "type: accessed read/write data", SEGMENTS),
	R(SEGMENTS, GUEST_CS_ACCESS_RIGHTS, dpl_CS, "DPL fits the type and SS's DPL", SEGMENTS),
	R(SEGMENTS, GUEST_SS_ACCESS_RIGHTS, dpl_SS,
	  "DPL equals RPL, and is 0 in real mode", SEGMENTS),
	R(SEGMENTS, GUEST_CS_ACCESS_RIGHTS, db_CS, "D is 0 for 64-bit code", SEGMENTS),
#define COMMON(register)                                                                    \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, s_##register, "S is 1", SEGMENTS),    \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, p_##register, "P is 1", SEGMENTS),    \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, reserved_##register,                  \
	  "reserved bits are 0", SEGMENTS),                                                 \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, g_##register, "G fits the limit", SEGMENTS),
	EACH_SEGMENT(COMMON)
	R(SEGMENTS, GUEST_TR_ACCESS_RIGHTS, type_TR, "type: a busy TSS of the mode's size",
	  SEGMENTS),
	R(SEGMENTS, GUEST_TR_ACCESS_RIGHTS, rights_TR, "usable, S is 0, P is 1, no reserved bit",
	  SEGMENTS),
	R(SEGMENTS, GUEST_TR_ACCESS_RIGHTS, g_TR, "G fits the limit", SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_ACCESS_RIGHTS, type_LDTR, "type: an LDT", SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_ACCESS_RIGHTS, rights_LDTR, "S is 0, P is 1, no reserved bit",
	  SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_ACCESS_RIGHTS, g_LDTR, "G fits the limit", SEGMENTS),
	R(SEGMENTS, GUEST_GDTR_BASE, base_GDTR, "canonical", TABLES),
	R(SEGMENTS, GUEST_IDTR_BASE, base_IDTR, "canonical", TABLES),
	R(SEGMENTS, GUEST_GDTR_LIMIT, limit_GDTR, "bits 31:16 are 0", TABLES),
	R(SEGMENTS, GUEST_IDTR_LIMIT, limit_IDTR, "bits 31:16 are 0", TABLES),

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
const unsigned vmx_rule_count = ARRAY_SIZE(vmx_rules);

/* ---- Asking ------------------------------------------------------------------ */

const char *vmx_slot_name(enum vmcs_slot slot)
{
	static const char *const names[] = {
#define X(name, encoding) #name,
		VMCS_FIELDS(X)
#undef X
	};

	return slot < VMCS_SLOT_COUNT ? names[slot] : "?";
}

enum vmcs_field vmx_slot_field(enum vmcs_slot slot)
{
	static const u16 fields[] = {
#define X(name, encoding) encoding,
		VMCS_FIELDS(X)
#undef X
	};

	return (enum vmcs_field)fields[slot];
}

void vmx_put(struct fmt_sink *sink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(sink, format, args);
	va_end(args);
}

unsigned vmx_explain_snapshot(const struct vmcs_snapshot *s, unsigned groups,
			      struct fmt_sink *sink)
{
	unsigned broken = 0;

	for (unsigned i = 0; i < vmx_rule_count; i++) {
		const struct vmx_rule *rule = &vmx_rules[i];

		if (!(rule->group & groups) || rule->holds(s))
			continue;
		broken++;
		if (sink)
			vmx_put(sink, "VMCS %s = %#llx: must be: %s: [SDM] %s\n",
				vmx_slot_name(rule->slot),
				(unsigned long long)s->value[rule->slot], rule->text, rule->title);
	}
	return broken;
}

/* [SDM] "VM Instruction Error Numbers" (31.4), those that we can meet */
const char *vmx_error_text(u64 error)
{
	switch (error) {
	case 0:
		return "no error recorded";
	case VMX_ERROR_LAUNCH_NOT_CLEAR:
		return "VMLAUNCH with a VMCS that is not clear";
	case VMX_ERROR_RESUME_NOT_LAUNCHED:
		return "VMRESUME with a VMCS that was not launched";
	case VMX_ERROR_ENTRY_CONTROLS:
		return "VM entry with invalid control fields";
	case VMX_ERROR_ENTRY_HOST_STATE:
		return "VM entry with invalid host-state fields";
	case VMX_ERROR_FIELD:
		return "VMREAD or VMWRITE of a field that this CPU does not have";
	case VMX_ERROR_READ_ONLY:
		return "VMWRITE to a read-only field";
	case VMX_ERROR_ENTRY_MOV_SS:
		return "VM entry with events blocked by MOV SS";
	case VMX_ERROR_OPERAND:
		return "invalid operand of INVEPT or INVVPID";
	default:
		return "VM-instruction error";
	}
}
