/* cr.c - see cr.h */
#include "vm/cr.h"

#include "vm/vm.h"

#define CR0_KNOWN                                                                                  \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)
/* A change of one of these makes translations stale. */
#define CR0_FLUSHES (CR0_PE | CR0_WP | CR0_PG)
#define CR4_FLUSHES                                                                                \
	(CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE |      \
	 CR4_PKS)
#define TYPE_TSS16 1
#define TSS_BUSY BIT(1)
#define CR0_RELOADS_PDPTES (CR0_CD | CR0_NW | CR0_PG)
#define CR4_RELOADS_PDPTES (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP)

/* [SDM] "PDPTE Registers" (4.4.1): P and 51..12, and the cacheability bits; all else reserved. */
static bool load_pdptes(struct vcpu *v, u64 cr3)
{
	u64 reserved = BITS(63, cpuid_maxphyaddr(&v->vm->cpuid)) | BITS(8, 5) | BITS(2, 1);
	u64 pdpte[4];

	if (virt->pdptes_in_memory)
		return true;
	if (memory_read(v->vm, gpa(cr3 & BITS(31, 5)), pdpte, sizeof(pdpte)))
		for (unsigned i = 0; i < 4; i++)
			pdpte[i] = ~0ull; /* what floating address lines read as */
	for (unsigned i = 0; i < 4; i++)
		if ((pdpte[i] & PTE_P) && (pdpte[i] & reserved))
			return false;
	for (unsigned i = 0; i < 4; i++)
		v->state.pdpte[i] = pdpte[i];
	vcpu_state_changed(v, STATE_PDPTE);
	return true;
}

static bool pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LMA);
}

/* IA-32e mode: with PAE, from a segment without L, and never with a TSS of 16 bits. */
static bool may_activate(struct vcpu *v)
{
	const struct cpu_state *state = vcpu_state(v, STATE_EXEC | STATE_SEG);
	bool tss16 = (state->tr.attr & (SEG_ATTR_TYPE & ~TSS_BUSY)) == TYPE_TSS16;

	return (state->cr4 & CR4_PAE) && !(state->seg[SEG_CS].attr & SEG_ATTR_L) && !tss16;
}

static bool cr0_allowed(struct vcpu *v, u64 value)
{
	const struct cpu_state *state = &v->state;
	bool paging = value & CR0_PG;

	if (value >> 32)
		return false;
	if ((paging && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
		return false;
	if (paging && !(state->cr0 & CR0_PG) && (state->efer & EFER_LME) &&
	    !may_activate(v))
		return false;
	if (!paging && ((state->cr4 & CR4_PCIDE) ||
			((state->efer & EFER_LMA) && (state->seg[SEG_CS].attr & SEG_ATTR_L))))
		return false;
	return (value & CR0_WP) || !(state->cr4 & CR4_CET);
}

/*
 * MOV to CR0.  False is #GP(0), and then nothing at all has changed: for a value that
 * cr0_allowed refuses, and where load_pdptes finds PDPTEs that are wrong.
 *
 * Bits that no CPU has are not kept, and ET is always 1.  While EFER.LME is set, paging and
 * IA-32e mode come and go together: EFER.LMA changes as CR0.PG does.  A write that changes any
 * of CR0_RELOADS_PDPTES loads the PDPTEs from CR3 if the guest has PAE paging afterwards, with
 * CR0 and EFER as they will be.  One that changes any of CR0_FLUSHES makes translations stale.
 * Who changes the state says so (vcpu_state_changed).
 *
 * [SDM] "Control Registers" (2.5), "PDPTE Registers" (4.4.1); [APM] vol. 2 "CR0 Register"
 * (3.1.1), "Enabling and Activating Long Mode" (14.6)
 */
bool cr_write_cr0(struct vcpu *v, u64 value)
{
	struct cpu_state *state = vcpu_state(v, STATE_EXEC);
	u64 changed, efer = state->efer;

	if (!cr0_allowed(v, value))
		return false;
	value = (value & CR0_KNOWN) | CR0_ET;
	changed = state->cr0 ^ value;
	if ((changed & CR0_PG) && (efer & EFER_LME))
		efer ^= EFER_LMA;
	if ((changed & CR0_RELOADS_PDPTES) && pae_paging(value, state->cr4, efer) &&
	    !load_pdptes(v, state->cr3))
		return false;
	state->cr0 = value;
	state->efer = efer;
	vcpu_state_changed(v, STATE_EXEC);
	if (changed & CR0_FLUSHES)
		virt->flush(v);
	return true;
}

static bool cr4_allowed(const struct vcpu *v, const struct cpu_state *state, u64 value)
{
	u64 changed = state->cr4 ^ value;
	bool lma = state->efer & EFER_LMA;

	if (value & ~cpuid_cr4_allowed(&v->vm->cpuid))
		return false;
	if (lma && (!(value & CR4_PAE) || (changed & CR4_LA57)))
		return false;
	if ((value & changed & CR4_PCIDE) && (!lma || (state->cr3 & CR3_PCID)))
		return false;
	return !(value & CR4_CET) || (state->cr0 & CR0_WP);
}

bool cr_write_cr4(struct vcpu *v, u64 value)
{
	struct cpu_state *state = vcpu_state(v, STATE_EXEC);
	u64 changed = state->cr4 ^ value;

	if (!cr4_allowed(v, state, value))
		return false;
	if ((changed & CR4_RELOADS_PDPTES) && pae_paging(state->cr0, value, state->efer) &&
	    !load_pdptes(v, state->cr3))
		return false;
	state->cr4 = value;
	vcpu_state_changed(v, STATE_EXEC);
	if (changed & CR4_FLUSHES)
		virt->flush(v);
	return true;
}

static bool write_cr3(struct vcpu *v, u64 value)
{
	struct cpu_state *state = vcpu_state(v, STATE_EXEC);

	if (state->cr4 & CR4_PCIDE)
		value &= ~CR3_NOFLUSH;
	if ((state->efer & EFER_LMA) && (value & BITS(63, cpuid_maxphyaddr(&v->vm->cpuid))))
		return false;
	if (pae_paging(state->cr0, state->cr4, state->efer) && !load_pdptes(v, value))
		return false;
	state->cr3 = value;
	vcpu_state_changed(v, STATE_EXEC);
	virt->flush(v);
	return true;
}

static bool write_cr8(struct vcpu *v, u64 value)
{
	if (value & ~15ull)
		return false;
	host_lock(&v->vm->lock);
	lapic_set_tpr(&v->lapic, (u8)(value << 4));
	host_unlock(&v->vm->lock);
	return true;
}

bool cr_write(struct vcpu *v, unsigned number, u64 value)
{
	switch (number) {
	case 0:
		return cr_write_cr0(v, value);
	case 3:
		return write_cr3(v, value);
	case 4:
		return cr_write_cr4(v, value);
	case 8:
		return write_cr8(v, value);
	default:
		panic("no exit is asked for on CR%u", number);
	}
}

u64 cr_read(struct vcpu *v, unsigned number)
{
	switch (number) {
	case 0:
		return vcpu_state(v, STATE_EXEC)->cr0;
	case 2:
		return vcpu_state(v, STATE_CR2)->cr2;
	case 3:
		return vcpu_state(v, STATE_EXEC)->cr3;
	case 4:
		return vcpu_state(v, STATE_EXEC)->cr4;
	case 8:
		return lapic_get_tpr(&v->lapic) >> 4;
	default:
		panic("no exit is asked for on CR%u", number);
	}
}
