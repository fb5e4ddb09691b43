/*
 * cpuid.h - what a virtual CPU says that it is
 *
 * Owns: the policy for every CPUID leaf and feature bit: passed, emulated, hidden,
 * with the reason (the table in cpuid.c is the documentation).
 * Must not know: back ends.
 *
 * A VM's CPUID is a named model intersected with the machine: `bare` (what this machine
 * has, for the checker), `v1` (a baseline that every supported machine has).
 */
#ifndef ESPEJO_VM_CPUID_H
#define ESPEJO_VM_CPUID_H

#include "x86.h"

struct vm;
struct vcpu;

#define CPUID_LEAVES 64
/* Feature bits that other parts ask for: registers as in cpuid_has. */
#define CPUID_1_ECX_MONITOR 3
#define CPUID_1_ECX_X2APIC 21
#define CPUID_1_ECX_TSC_DEADLINE 24

#define CPUID_EXTENDED 0x80000000u /* where the extended leaves begin */
#define CPUID_INDEXED 32 /* leaves that basic[] and extended[] cover */
#define CPUID_EXACT 1 /* subleaf counts */
#define CPUID_DYNAMIC 2 /* cpuid_get fills in what depends on the vCPU */

enum cpuid_vendor { CPUID_VENDOR_OTHER, CPUID_VENDOR_INTEL, CPUID_VENDOR_AMD };

struct cpuid_leaf {
	u32 leaf, subleaf;
	struct cpuid_regs regs;
	u8 flags;
};

struct cpuid_table {
	struct cpuid_leaf leaf[CPUID_LEAVES]; /* sorted by leaf, subleaf */
	unsigned count;
	/* First entry + 1 of leaf n, of 0x80000000 + n: no search. */
	u8 basic[CPUID_INDEXED], extended[CPUID_INDEXED];
	u32 max_basic, max_extended;
	u32 max_hypervisor; /* last leaf of 0x40000000.., 0: none */
	u8 vendor; /* enum cpuid_vendor, as the guest sees it */
	bool intel; /* leaves beyond the last answer as the last basic one */
	bool hypervisor; /* the guest is told that there is one: hypercalls work */
};

/* Reads the machine: x86_cpuid on bare metal; tests give their own. */
typedef struct cpuid_regs (*cpuid_reader)(u32 leaf, u32 subleaf);

/*
 * Build the table of a model.  0, or -HOST_EINVAL: no such model (names are "bare", "v1").
 * The machine may lack what a model wants: then *missing names it (else it is ""), and
 * -HOST_ENOTSUP is returned.
 */
int cpuid_build(struct cpuid_table *table, const char *model, cpuid_reader read, unsigned vcpus,
		const char **missing);

/* XSAVES and XRSTORS, with an XSS in which nothing may be set. */
bool cpuid_has_xsaves(const struct cpuid_table *table);

/*
 * What v sees: the table, with what depends on v's state (OSXSAVE, APIC id, APIC enabled,
 * XSAVE size for the current XCR0).
 */
struct cpuid_regs cpuid_get(struct vcpu *v, u32 leaf, u32 subleaf);

/* Bits that the guest may set, from its CPUID; for the checks of MOV CR and WRMSR. */
u64 cpuid_cr4_allowed(const struct cpuid_table *table);
u64 cpuid_efer_allowed(const struct cpuid_table *table);
u64 cpuid_xcr0_allowed(const struct cpuid_table *table);
unsigned cpuid_maxphyaddr(const struct cpuid_table *table);
/* The entry of a leaf that depends on nothing but the number in EAX, else NULL: cpuid_get knows. */
static inline const struct cpuid_leaf *cpuid_fixed(const struct cpuid_table *t, u32 leaf)
{
	unsigned at = 0;

	if (leaf < CPUID_INDEXED)
		at = t->basic[leaf];
	else if (leaf - CPUID_EXTENDED < CPUID_INDEXED)
		at = t->extended[leaf - CPUID_EXTENDED];

	return at && !t->leaf[at - 1].flags ? &t->leaf[at - 1] : NULL;
}

/* One feature: register 0..3 = eax..edx of a leaf (subleaf 0). */
bool cpuid_has(const struct cpuid_table *table, u32 leaf, unsigned reg, unsigned bit);

#endif
