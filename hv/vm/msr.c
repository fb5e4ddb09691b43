/*
 * msr.c - the model-specific registers of a virtual CPU
 *
 * Owns: finding the rule of a register (msr_rules.c) and doing as it says.
 * Must not know: back ends.
 *
 * A register without a rule gives #GP, as a CPU does that lacks it.
 */
#include "vm/msr.h"

#include "vm/cpuid_rules.h"
#include "vm/vm.h"

static const struct {
	const char *name;
	u32 leaf;
	u8 reg, bit;
} conditions[MSR_CONDITION_COUNT] = {
	[MSR_ALWAYS] = { "", 0, 0, 0 },
	[MSR_IF_INTEL] = { "Intel", 0, 0, 0 },
	[MSR_IF_AMD] = { "AMD", 0, 0, 0 },
	[MSR_IF_NOT_INTEL] = { "not Intel", 0, 0, 0 },
	[MSR_IF_MCA] = { "MCA", 1, CPUID_EDX, 14 },
	[MSR_IF_MTRR] = { "MTRR", 1, CPUID_EDX, 12 },
	[MSR_IF_PAT] = { "PAT", 1, CPUID_EDX, 16 },
	[MSR_IF_SEP] = { "SEP", 1, CPUID_EDX, 11 },
	[MSR_IF_APIC] = { "APIC", 1, CPUID_EDX, 9 },
	[MSR_IF_X2APIC] = { "x2APIC", 1, CPUID_ECX, 21 },
	[MSR_IF_DEADLINE] = { "TSC-Deadline", 1, CPUID_ECX, 24 },
	[MSR_IF_TSC_ADJUST] = { "TSC_ADJUST", 7, CPUID_EBX, 1 },
	[MSR_IF_RDTSCP] = { "RDTSCP", 0x80000001, CPUID_EDX, 27 },
	[MSR_IF_LM] = { "LM", 0x80000001, CPUID_EDX, 29 },
	[MSR_IF_SYSCALL] = { "SYSCALL", 0x80000001, CPUID_EDX, 11 },
	[MSR_IF_PKS] = { "PKS", 7, CPUID_ECX, 31 },
	[MSR_IF_XSAVES] = { "XSAVES", 0, 0, 0 },
	[MSR_IF_MISC_ENABLE] = { "Intel, or ignored", 0, 0, 0 },
};

struct msr_machine msr_machine;

void msr_set_machine(const struct msr_machine *machine)
{
	msr_machine = *machine;
}

/* Does this VM ignore what it lacks, as its machine does?  A model of its own does not. */
bool msr_ignored(const struct cpuid_table *t)
{
	return msr_machine.ignores && !t->hypervisor;
}

bool msr_rdpmc_undefined(const struct cpuid_table *t)
{
	return msr_machine.rdpmc_undefined && !t->hypervisor;
}

static bool holds(const struct cpuid_table *t, unsigned only)
{
	switch (only) {
	case MSR_ALWAYS:
		return true;
	case MSR_IF_INTEL:
		return t->vendor == CPUID_VENDOR_INTEL;
	case MSR_IF_AMD:
		return t->vendor == CPUID_VENDOR_AMD;
	case MSR_IF_NOT_INTEL:
		return t->vendor != CPUID_VENDOR_INTEL;
	case MSR_IF_XSAVES:
		return cpuid_has_xsaves(t);
	case MSR_IF_MISC_ENABLE:
		return t->vendor == CPUID_VENDOR_INTEL || msr_ignored(t);
	default:
		return cpuid_has(t, conditions[only].leaf, conditions[only].reg,
				 conditions[only].bit);
	}
}

const char *msr_kind_name(unsigned kind)
{
	static const char *const names[MSR_KIND_COUNT] = {
		[MSR_PASSED] = "passed",       [MSR_KEPT] = "kept",
		[MSR_EMULATED] = "emulated",   [MSR_CONSTANT] = "constant",
		[MSR_IGNORED] = "writes lost", [MSR_ABSENT] = "absent",
	};

	return kind < MSR_KIND_COUNT ? names[kind] : "?";
}

const char *msr_condition_name(unsigned only)
{
	return only < MSR_CONDITION_COUNT ? conditions[only].name : "?";
}

static const struct msr_rule *search(const struct vcpu *v, u32 msr)
{
	unsigned low = 0, high = msr_rule_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct msr_rule *rule = &msr_rules[middle];

		if (msr < rule->first)
			high = middle;
		else if (msr > rule->last)
			low = middle + 1;
		else
			return holds(&v->vm->cpuid, rule->only) ? rule : NULL;
	}
	return NULL;
}

/* The rule of a register that this VM has, or NULL.  What was found is found again at once. */
static const struct msr_rule *find(struct vcpu *v, u32 msr)
{
	struct msr_found *found = &v->msr_found[msr % ARRAY_SIZE(v->msr_found)];

	if (unlikely(!found->rule || found->msr != msr))
		*found = (struct msr_found){ .rule = search(v, msr), .msr = msr };
	return found->rule;
}

static u64 *field_of(struct vcpu *v, const struct msr_rule *rule)
{
	return (u64 *)(void *)((char *)vcpu_state(v, rule->parts) + rule->offset);
}

static bool read_absent(const struct vcpu *v, u64 *value)
{
	*value = 0;
	return msr_ignored(&v->vm->cpuid);
}

/*
 * RDMSR: *value, or false for #GP(0).  How the register reads is for its rule to say (enum
 * msr_kind, struct msr_rule in msr.h): as a field of cpu_state, as a value of the rule's own,
 * as the rule's function has it.  Where there is nothing to read (no rule, a register that
 * is absent, an emulated one without such a function) the machine beneath decides whether
 * that is a fault: read_absent.
 */
bool msr_read(struct vcpu *v, u32 msr, u64 *value)
{
	const struct msr_rule *rule = find(v, msr);

	if (!rule)
		return read_absent(v, value);
	switch (rule->kind) {
	case MSR_PASSED:
	case MSR_KEPT:
		*value = *field_of(v, rule);
		return true;
	case MSR_CONSTANT:
	case MSR_IGNORED:
		*value = rule->value;
		return true;
	case MSR_EMULATED:
		return rule->read ? rule->read(v, msr, value) : read_absent(v, value);
	default:
		return read_absent(v, value);
	}
}

bool msr_write(struct vcpu *v, u32 msr, u64 value)
{
	const struct msr_rule *rule = find(v, msr);

	if (!rule)
		return msr_ignored(&v->vm->cpuid);
	switch (rule->kind) {
	case MSR_PASSED:
	case MSR_KEPT:
		if (rule->valid && !rule->valid(v, &value))
			return false;
		*field_of(v, rule) = value;
		vcpu_state_changed(v, rule->parts);
		return true;
	case MSR_IGNORED:
		return true;
	case MSR_EMULATED:
		return rule->write ? rule->write(v, msr, value) : msr_ignored(&v->vm->cpuid);
	case MSR_ABSENT:
		return msr_ignored(&v->vm->cpuid);
	default:
		return false;
	}
}

void msr_init(struct vm *vm)
{
	for (unsigned i = 0; i < msr_rule_count; i++) {
		const struct msr_rule *rule = &msr_rules[i];
		struct trap trap = {
			.kind = TRAP_MSR_READ, .on = false, .first = rule->first, .last = rule->last
		};

		if (rule->kind != MSR_PASSED || !holds(&vm->cpuid, rule->only))
			continue;
		virt->trap(vm, &trap);
		trap.kind = TRAP_MSR_WRITE;
		virt->trap(vm, &trap);
	}
}
