/*
 * vmx_poke.c - a broken field on purpose, and what becomes of the entry
 *
 * Owns: the field and value that the operator wants in a VMCS; comparing verdicts.
 * Must not know: the rules.
 */
#include "intel/vmx.h"

#include "lib/string.h"

bool vmx_poke(struct vcpu *v, const char *field, u64 value, bool force)
{
	struct intel_vcpu *iv = vmx_vcpu(v);

	check(iv->loaded_on < 0);
	for (unsigned slot = 0; slot < VMCS_SLOT_COUNT; slot++) {
		if (strcmp(vmx_slot_name((enum vmcs_slot)slot), field))
			continue;
		iv->poke = (struct vmx_poke){ .slot = (u16)slot, .force = force, .value = value };
		iv->todo |= VMX_TODO_POKE;
		return true;
	}
	return false;
}

bool vmx_poke_apply(struct intel_vcpu *iv)
{
	struct vmx_poke *poke = &iv->poke;
	struct vmcs_snapshot s;

	if (!vmx_try_write(vmx_slot_field((enum vmcs_slot)poke->slot), poke->value))
		host_log("poke: this CPU has no field %s",
			 vmx_slot_name((enum vmcs_slot)poke->slot));
	vmx_snapshot(&s);
	poke->broken = vmx_explain_snapshot(&s, VMX_GROUP_ALL, NULL);
	vmx_changed(iv, VMX_GROUP_ALL);
	iv->host.known = false;
	iv->todo &= ~VMX_TODO_POKE;
	if (poke->force)
		iv->todo &= ~VMX_TODO_CHECK;
	return poke->force;
}

void vmx_poke_verdict(const struct intel_vcpu *iv)
{
	const struct vmx_poke *poke = &iv->poke;

	host_log("poke: %s = %#llx: %u rules broken, the CPU %s",
		 vmx_slot_name((enum vmcs_slot)poke->slot), (unsigned long long)poke->value,
		 poke->broken, iv->vcpu.exit.reason == EXIT_REFUSED ? "refuses" : "enters");
}
