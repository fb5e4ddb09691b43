/*
 * vmx_explain.h - why does the CPU refuse this VMCS?
 *
 * Owns: the checks of a VM entry, as rules over a copy of the VMCS; the rules are in vmx_rules_*.c.
 * Must not know: where the copy comes from.  Pure: host tests break each rule.
 *
 * Sources: [SDM] "Checks on VMX Controls" (27.2.1), "Checks on Host Control Registers, MSRs,
 * and SSP" (27.2.2) to "Checks Related to Address-Space Size" (27.2.4), "Checks on the Guest
 * State Area" (27.3.1).
 */
#ifndef ESPEJO_INTEL_VMX_EXPLAIN_H
#define ESPEJO_INTEL_VMX_EXPLAIN_H

#include "intel/vmcs.h"
#include "lib/fmt.h"
#include "vm/state.h"

/* What the CPU says about itself: the capability MSRs, TRUE ones where there are. */
struct vmx_caps {
	u64 basic, misc, ept_vpid;
	u64 pin, primary, secondary, exit, entry; /* low half: must be 1; high half: may be 1 */
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 efer_bits; /* bits that EFER has on this CPU */
	u8 maxphyaddr, linear_bits; /* 48, or 57 with CR4.LA57 possible */
	bool sgx, rtm; /* CPUID says that the CPU has these */
};

struct vmcs_snapshot {
	u64 value[VMCS_SLOT_COUNT];
	struct vmx_caps caps;
};

/* What a rule looks at; an entry checks again only what changed. */
#define VMX_GROUP_CONTROLS BIT(0)
#define VMX_GROUP_HOST BIT(1)
#define VMX_GROUP_REGISTERS BIT(2) /* guest CRs, DRs, MSRs, RIP, RFLAGS, PDPTEs */
#define VMX_GROUP_SEGMENTS BIT(3)
#define VMX_GROUP_ACTIVITY BIT(4) /* guest non-register state, injected event */
#define VMX_GROUP_ALL (BIT(5) - 1)

struct vmx_rule {
	u8 group; /* VMX_GROUP_* */
	enum vmcs_slot slot; /* the field it is about */
	bool (*holds)(const struct vmcs_snapshot *s);
	const char *text; /* what must be */
	const char *title; /* of the manual's section */
};

/* The rules, from 0; NULL behind the last. */
const struct vmx_rule *vmx_rule(unsigned i);

/* "GUEST_CS_ACCESS_RIGHTS"; never NULL. */
const char *vmx_slot_name(enum vmcs_slot slot);
enum vmcs_field vmx_slot_field(enum vmcs_slot slot);

/* The groups whose rules look at a guest-state field of these parts (STATE_*). */
u32 vmx_explain_groups(unsigned parts);

/*
 * Put a line into sink (if there is one) for each rule of the groups that s breaks.
 * Returns their number.
 */
unsigned vmx_explain_snapshot(const struct vmcs_snapshot *s, unsigned groups,
			      struct fmt_sink *sink);

/* Formatted text into sink. */
void vmx_put(struct fmt_sink *sink, const char *format, ...) PRINTF_LIKE(2, 3);

/* The VM-instruction error's meaning. */
const char *vmx_error_text(u64 error);

#endif
