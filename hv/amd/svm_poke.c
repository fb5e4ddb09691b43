/*
 * svm_poke.c - a broken field on purpose, and what becomes of the entry
 *
 * Owns: the field and value that the operator wants in a VMCB; comparing verdicts.
 * Must not know: the rules.
 */
#include "amd/svm.h"

bool svm_poke(struct vcpu *v, const char *field, u64 value, bool force)
{
	struct svm_vcpu *s = svm_vcpu(v);
	u16 offset, size;

	check(!s->loaded);
	if (!svm_field(field, &offset, &size))
		return false;
	s->poke = (struct svm_poke){ .field = svm_field_name(offset),
				     .force = force,
				     .offset = offset,
				     .size = (u8)size,
				     .value = value };
	s->dirty |= SVM_DIRTY_POKE;
	return true;
}

bool svm_poke_apply(struct svm_vcpu *s)
{
	struct svm_poke *poke = &s->poke;
	u8 *byte = (u8 *)s->vmcb + poke->offset;

	for (unsigned i = 0; i < poke->size; i++)
		byte[i] = (u8)(poke->value >> 8 * i);
	poke->broken = svm_check(s->vmcb, &svm_features, ~0u, NULL);
	s->vmcb->control.clean = 0;
	s->dirty = (s->dirty & ~(u32)SVM_DIRTY_POKE) | SVM_DIRTY_ALL;
	poke->forced = poke->force;
	return poke->force;
}

void svm_poke_verdict(struct svm_vcpu *s)
{
	struct svm_poke *poke = &s->poke;
	bool refused = (u32)s->vmcb->control.exitcode == VMCB_EXIT_INVALID;

	poke->forced = false;
	host_log("poke: %s = %#llx: %u rules broken, the CPU %s", poke->field,
		 (unsigned long long)poke->value, poke->broken, refused ? "refuses" : "enters");
}
