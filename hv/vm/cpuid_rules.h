/*
 * cpuid_rules.h - the policy for CPUID, as data
 *
 * Owns: the form of a rule.  The rules themselves (cpuid_rules.c) are documentation and
 * code at once: cpuid.c applies them, docs/machine.md prints them, a test compares the two.
 * Must not know: how a table is built from them.
 */
#ifndef ESPEJO_VM_CPUID_RULES_H
#define ESPEJO_VM_CPUID_RULES_H

#include "x86.h"

enum cpuid_reg { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX, CPUID_ALL };

#define CPUID_HYPERVISOR 0x40000000u

#define CPUID_XSAVE_LEGACY 576 /* bytes of FXSAVE's area and the header */
#define CPUID_XSAVE_COMPONENTS 63

static inline u32 *cpuid_reg(struct cpuid_regs *regs, unsigned reg)
{
	switch (reg) {
	case CPUID_EAX:
		return &regs->eax;
	case CPUID_EBX:
		return &regs->ebx;
	case CPUID_ECX:
		return &regs->ecx;
	default:
		return &regs->edx;
	}
}

enum cpuid_policy {
	CPUID_PASSED,	/* as the machine says: it works in a guest without our help */
	CPUID_EMULATED, /* ours; `bare` shows it where the machine has it, `v1` by the flag */
	CPUID_COMPUTED, /* made for this VM, or for this moment */
	CPUID_HIDDEN,	/* reads 0 */
	CPUID_POLICY_COUNT,
};

#define CPUID_ANY_SUBLEAF 0xff

/* Bits high..low of one register (CPUID_ALL: of each); what no rule names is hidden. */
struct cpuid_rule {
	u32 leaf;
	u8 subleaf; /* or CPUID_ANY_SUBLEAF */
	u8 reg;	    /* enum cpuid_reg */
	u8 high, low;
	u8 policy;	    /* enum cpuid_policy */
	bool v1;	    /* part of model v1; if PASSED, the machine must have it */
	const char *name;   /* as the manuals spell it */
	const char *reason; /* NULL: none is needed */
};

/* Sorted by leaf and subleaf; no bit has two rules. */
extern const struct cpuid_rule cpuid_rules[];
extern const unsigned cpuid_rule_count;

const char *cpuid_policy_name(unsigned policy);

#endif
