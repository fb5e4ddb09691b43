/*
 * vmx_rules.h - words for the rules about a VMCS
 *
 * Owns: what a rule looks like, and the questions that several files of rules ask.
 * Must not know: any rule.  Only vmx_rules_*.c and vmx_explain.c include this.
 *
 * Rules about features that our control words never enable are there where a stray bit could
 * enable them with nothing else missing.
 */
#ifndef ESPEJO_INTEL_VMX_RULES_H
#define ESPEJO_INTEL_VMX_RULES_H

#include "intel/vmx_explain.h"
#include "x86.h"

/* The rules of a file. */
struct vmx_rules {
	const struct vmx_rule *rule;
	unsigned count;
};
extern const struct vmx_rules vmx_rules_control, vmx_rules_register, vmx_rules_segment;

/* A field's value; a rule that holds or not; the same rule in a table. */
#define V(name) (s->value[VMCS_SLOT_##name])
#define RULE(name) static bool name(const struct vmcs_snapshot *s)
#define R(group, name, rule, text, title) \
	{ VMX_GROUP_##group, VMCS_SLOT_##name, rule, text, title }
#define EACH_SEGMENT(X) X(ES) X(CS) X(SS) X(DS) X(FS) X(GS)

/* Bits as a pair of capability MSRs has them: fixed0 must be 1, what is not in fixed1 0. */
static inline bool fixed(u64 value, u64 fixed0, u64 fixed1)
{
	return !(fixed0 & ~value) && !(value & ~fixed1);
}

static inline bool canonical(const struct vmcs_snapshot *s, u64 address)
{
	u64 upper = (u64)((s64)address >> (s->caps.linear_bits - 1));

	return upper == 0 || upper == ~0ull;
}

/* Eight memory types. */
static inline bool pat(u64 value)
{
	for (; value; value >>= 8) {
		u8 type = value & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

static inline bool has_primary(const struct vmcs_snapshot *s, u64 bit)
{
	return V(PRIMARY_CONTROLS) & bit;
}

static inline bool has_secondary(const struct vmcs_snapshot *s, u64 bit)
{
	return has_primary(s, PRIMARY_SECONDARY_CONTROLS) && V(SECONDARY_CONTROLS) & bit;
}

static inline bool unrestricted(const struct vmcs_snapshot *s)
{
	return has_secondary(s, SECONDARY_UNRESTRICTED_GUEST);
}

static inline bool ia32e(const struct vmcs_snapshot *s)
{
	return V(ENTRY_CONTROLS) & ENTRY_CTL_IA32E_GUEST;
}

static inline bool v8086(const struct vmcs_snapshot *s)
{
	return V(GUEST_RFLAGS) & RFLAGS_VM;
}

static inline bool injects(const struct vmcs_snapshot *s)
{
	return V(ENTRY_INTERRUPTION_INFO) & INTR_VALID;
}

static inline unsigned injected_type(const struct vmcs_snapshot *s)
{
	return (V(ENTRY_INTERRUPTION_INFO) & INTR_TYPE) >> INTR_TYPE_SHIFT;
}

static inline unsigned injected_vector(const struct vmcs_snapshot *s)
{
	return V(ENTRY_INTERRUPTION_INFO) & INTR_VECTOR;
}

static inline bool injects_type(const struct vmcs_snapshot *s, unsigned type)
{
	return injects(s) && injected_type(s) == type;
}

#endif
