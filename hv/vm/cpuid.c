/*
 * cpuid.c - what a virtual CPU says that it is
 *
 * Owns: answering CPUID from a VM's table, with what depends on the vCPU's state; and
 * what else follows from the table.
 * Must not know: back ends; how the table came about (cpuid_build.c).
 *
 * Sources: [SDM] vol. 2 "CPUID - CPU Identification"; vol. 1 "Enumeration of CPU Support
 * for XSAVE Instructions and XSAVE-Supported Features" (13.2).
 */
#include "vm/cpuid.h"

#include "vm/cpuid_rules.h"
#include "vm/vm.h"

#define LEAF1_ECX_OSXSAVE BIT(27)
#define LEAF1_EDX_APIC BIT(9)
#define LEAF7_ECX_OSPKE BIT(4)
#define LEAFD_EAX_XSAVEC BIT(1)
#define LEAFD_EAX_XSAVES BIT(3)
#define LEAFD_ECX_ALIGN BIT(1)
#define EXT1_EDX_SYSCALL BIT(11)

/* Kept out of the short path, which then needs no stack. */
#define NOINLINE __attribute__((noinline))

/* NULL: all zero, or beyond the last leaf. */
static inline const struct cpuid_leaf *find(const struct cpuid_table *t, u32 leaf, u32 subleaf)
{
	const struct cpuid_leaf *e, *end = &t->leaf[t->count];
	unsigned at = 0;

	if (leaf < CPUID_INDEXED)
		at = t->basic[leaf];
	else if (leaf - CPUID_EXTENDED < CPUID_INDEXED)
		at = t->extended[leaf - CPUID_EXTENDED];
	if (!at)
		return NULL;
	e = &t->leaf[at - 1];
	if (!(e->flags & CPUID_EXACT))
		return e;
	for (; e < end && e->leaf == leaf; e++)
		if (e->subleaf == subleaf)
			return e;
	return NULL;
}

/* Bytes of the XSAVE area for these components. */
static u32 xsave_size(const struct cpuid_table *t, u64 components, bool compacted)
{
	u32 size = CPUID_XSAVE_LEGACY;

	for (unsigned i = 2; i < CPUID_XSAVE_COMPONENTS; i++) {
		const struct cpuid_leaf *e = components & BIT(i) ? find(t, 0xd, i) : NULL;

		if (!e)
			continue;
		if (!compacted)
			size = MAX(size, e->regs.eax + e->regs.ebx);
		else if (e->regs.ecx & LEAFD_ECX_ALIGN)
			size = ALIGN_UP(size, 64u) + e->regs.eax;
		else
			size += e->regs.eax;
	}
	return size;
}

/*
 * What v reads in the leaf of e: e->regs, and in it what depends on v as it is now.  The bits and
 * fields named here are 0 in e->regs; APIC and SYSCALL are there as the CPU model has them.
 *
 *	leaf		register	what
 *	0x1		EBX[31:24]	the initial APIC ID, which is that of v's LAPIC
 *			ECX OSXSAVE	as CR4.OSXSAVE
 *			EDX APIC	gone while the LAPIC is switched off
 *	0x7		ECX OSPKE	as CR4.PKE
 *	0xb, 0x1f	EDX		the APIC ID, in every subleaf
 *	0xd, 0		EBX		bytes of XSAVE's area with XCR0 as it is
 *	0xd, 1		EBX		the same in compacted form, where there is XSAVEC or XSAVES
 *	0x80000001	EDX APIC	as in leaf 0x1
 *			EDX SYSCALL	on Intel's CPUs gone outside 64-bit mode
 *	0x8000001e	EAX, EBX	the APIC ID; the core's number: v's own in its VM
 *
 * 64-bit mode is EFER.LMA with a code segment that has L.  e belongs to all vCPUs.
 * [SDM] vol. 2 "CPUID - CPU Identification" (table 3-8); [APM] vol. 3 appendix E
 */
static NOINLINE struct cpuid_regs patched(struct vcpu *v, const struct cpuid_leaf *e)
{
	struct cpuid_regs regs = e->regs, *r = &regs;
	const struct cpuid_table *t = &v->vm->cpuid;
	u32 id = v->lapic.config.id;
	const struct cpu_state *s;

	switch (e->leaf) {
	case 0x1:
		r->ebx |= id << 24;
		if (vcpu_state(v, STATE_EXEC)->cr4 & CR4_OSXSAVE)
			r->ecx |= LEAF1_ECX_OSXSAVE;
		if (!lapic_enabled(&v->lapic))
			r->edx &= ~LEAF1_EDX_APIC;
		break;
	case 0x7:
		if (vcpu_state(v, STATE_EXEC)->cr4 & CR4_PKE)
			r->ecx |= LEAF7_ECX_OSPKE;
		break;
	case 0xb:
	case 0x1f:
		r->edx = id;
		break;
	case 0xd:
		s = vcpu_state(v, STATE_XSAVE);
		if (e->subleaf == 0)
			r->ebx = xsave_size(t, s->xcr0, false);
		else if (r->eax & (LEAFD_EAX_XSAVEC | LEAFD_EAX_XSAVES))
			r->ebx = xsave_size(t, s->xcr0, true);
		break;
	case 0x80000001:
		if (!lapic_enabled(&v->lapic))
			r->edx &= ~LEAF1_EDX_APIC;
		s = vcpu_state(v, STATE_EXEC);
		/* Intel has SYSCALL in 64-bit mode only, and says so. */
		if (t->vendor == CPUID_VENDOR_INTEL &&
		    !((s->efer & EFER_LMA) && (s->seg[SEG_CS].attr & SEG_ATTR_L)))
			r->edx &= ~EXT1_EDX_SYSCALL;
		break;
	case 0x8000001e:
		r->eax = id;
		r->ebx = v->index;
		break;
	}
	return regs;
}

static bool beyond_last(const struct cpuid_table *t, u32 leaf)
{
	if (leaf < CPUID_HYPERVISOR)
		return leaf > t->max_basic;
	if (leaf < CPUID_EXTENDED)
		return leaf > t->max_hypervisor;
	return leaf > t->max_extended;
}

/* Leaves without an entry. */
static NOINLINE struct cpuid_regs no_entry(struct vcpu *v, u32 leaf, u32 subleaf)
{
	const struct cpuid_table *t = &v->vm->cpuid;
	struct cpuid_regs r = { 0 };

	if (beyond_last(t, leaf))
		return t->intel ? cpuid_get(v, t->max_basic, subleaf) : r;
	if ((leaf == 0xb || leaf == 0x1f) && t->basic[leaf]) {
		r.ecx = subleaf & 0xff;
		r.edx = v->lapic.config.id;
	}
	for (unsigned i = 0; leaf == CPUID_HYPERVISOR && i < t->count; i++)
		if (t->leaf[i].leaf == CPUID_HYPERVISOR)
			r = t->leaf[i].regs;
	return r;
}

struct cpuid_regs cpuid_get(struct vcpu *v, u32 leaf, u32 subleaf)
{
	const struct cpuid_leaf *e = find(&v->vm->cpuid, leaf, subleaf);

	if (unlikely(!e))
		return no_entry(v, leaf, subleaf);
	if (unlikely(e->flags & CPUID_DYNAMIC))
		return patched(v, e);
	return e->regs;
}

/* ---- What follows from it ------------------------------------------------------- */

bool cpuid_has(const struct cpuid_table *table, u32 leaf, unsigned reg, unsigned bit)
{
	const struct cpuid_leaf *e = find(table, leaf, 0);
	struct cpuid_regs r;

	if (!e)
		return false;
	r = e->regs;
	return *cpuid_reg(&r, reg) & BIT(bit);
}

/* Bits of a control register that come with a feature. */
struct control {
	u32 leaf;
	u8 reg, bit;
	u64 control;
};

static u64 allowed(const struct cpuid_table *table, const struct control *c, unsigned count)
{
	u64 bits = 0;

	for (unsigned i = 0; i < count; i++)
		if (cpuid_has(table, c[i].leaf, c[i].reg, c[i].bit))
			bits |= c[i].control;
	return bits;
}

/* [SDM] "Control Registers" (2.5) */
u64 cpuid_cr4_allowed(const struct cpuid_table *table)
{
	static const struct control cr4[] = {
		{ 1, CPUID_EDX, 1, CR4_VME | CR4_PVI },
		{ 1, CPUID_EDX, 2, CR4_DE },
		{ 1, CPUID_EDX, 3, CR4_PSE },
		{ 1, CPUID_EDX, 4, CR4_TSD },
		{ 1, CPUID_EDX, 6, CR4_PAE },
		{ 1, CPUID_EDX, 7, CR4_MCE },
		{ 1, CPUID_EDX, 13, CR4_PGE },
		/* PCE came with RDPMC, which no bit announces; MMX came with it or later. */
		{ 1, CPUID_EDX, 23, CR4_PCE },
		{ 1, CPUID_EDX, 24, CR4_OSFXSR },
		{ 1, CPUID_EDX, 25, CR4_OSXMMEXCPT },
		{ 1, CPUID_ECX, 17, CR4_PCIDE },
		{ 1, CPUID_ECX, 26, CR4_OSXSAVE },
		{ 7, CPUID_EBX, 0, CR4_FSGSBASE },
		{ 7, CPUID_EBX, 7, CR4_SMEP },
		{ 7, CPUID_EBX, 20, CR4_SMAP },
		{ 7, CPUID_ECX, 2, CR4_UMIP },
		{ 7, CPUID_ECX, 3, CR4_PKE },
		{ 7, CPUID_ECX, 16, CR4_LA57 },
		{ 7, CPUID_ECX, 31, CR4_PKS },
	};

	return allowed(table, cr4, ARRAY_SIZE(cr4));
}

/* [APM] vol. 2 "Extended Feature Enable Register (EFER)" (3.1.7); LMA is not for setting. */
u64 cpuid_efer_allowed(const struct cpuid_table *table)
{
	static const struct control efer[] = {
		{ CPUID_EXTENDED + 1, CPUID_EDX, 11, EFER_SCE },
		{ CPUID_EXTENDED + 1, CPUID_EDX, 20, EFER_NXE },
		{ CPUID_EXTENDED + 1, CPUID_EDX, 25, EFER_FFXSR },
		{ CPUID_EXTENDED + 1, CPUID_EDX, 29, EFER_LME },
	};

	return allowed(table, efer, ARRAY_SIZE(efer));
}

bool cpuid_has_xsaves(const struct cpuid_table *table)
{
	const struct cpuid_leaf *e = find(table, 0xd, 1);

	return e && (e->regs.eax & LEAFD_EAX_XSAVES);
}

u64 cpuid_xcr0_allowed(const struct cpuid_table *table)
{
	const struct cpuid_leaf *e = find(table, 0xd, 0);

	return e ? (u64)e->regs.edx << 32 | e->regs.eax : 0;
}

/* Without leaf 0x80000008 it is 36, with PAE.  [SDM] "Physical Address Space" (vol. 3, 4.1.4) */
unsigned cpuid_maxphyaddr(const struct cpuid_table *table)
{
	const struct cpuid_leaf *e = find(table, CPUID_EXTENDED + 8, 0);

	return e && (e->regs.eax & 0xff) ? e->regs.eax & 0xff : 36;
}
