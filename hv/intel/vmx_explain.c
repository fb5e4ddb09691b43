/*
 * vmx_explain.c - see vmx_explain.h
 *
 * Owns: going through the rules; names.  Must not know: what the rules are about (vmx_rules_*.c).
 */
#include "intel/vmx_rules.h"

static const struct vmx_rules *const tables[] = {
	&vmx_rules_control,
	&vmx_rules_register,
	&vmx_rules_segment,
};

const struct vmx_rule *vmx_rule(unsigned i)
{
	for (unsigned t = 0; t < ARRAY_SIZE(tables); t++) {
		if (i < tables[t]->count)
			return &tables[t]->rule[i];
		i -= tables[t]->count;
	}
	return NULL;
}

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

u32 vmx_explain_groups(unsigned parts)
{
	u32 groups = 0;

	/* The mode is in the entry controls, too, and most rules ask for it. */
	if (parts & STATE_EXEC)
		groups |= VMX_GROUP_ALL & ~VMX_GROUP_HOST;
	if (parts & STATE_SEG)
		groups |= VMX_GROUP_SEGMENTS | VMX_GROUP_ACTIVITY; /* SS: HLT needs CPL 0 */
	if (parts & STATE_MSR)
		groups |= VMX_GROUP_REGISTERS | VMX_GROUP_ACTIVITY; /* DEBUGCTL: stepping */
	if (parts & (STATE_DR | STATE_PDPTE))
		groups |= VMX_GROUP_REGISTERS;
	if (parts & STATE_INT)
		groups |= VMX_GROUP_ACTIVITY;
	return groups;
}

static void put_line(struct fmt_sink *sink, const struct vmx_rule *rule, u64 value)
{
	vmx_put(sink, "VMCS %s = %#llx: must be: %s: [SDM] %s\n", vmx_slot_name(rule->slot),
		(unsigned long long)value, rule->text, rule->title);
}

static unsigned explain_table(const struct vmx_rules *table, const struct vmcs_snapshot *s,
			      unsigned groups, struct fmt_sink *sink)
{
	unsigned broken = 0;

	for (unsigned i = 0; i < table->count; i++) {
		const struct vmx_rule *rule = &table->rule[i];

		if (!(rule->group & groups) || rule->holds(s))
			continue;
		broken++;
		if (sink)
			put_line(sink, rule, s->value[rule->slot]);
	}
	return broken;
}

unsigned vmx_explain_snapshot(const struct vmcs_snapshot *s, unsigned groups,
			      struct fmt_sink *sink)
{
	unsigned broken = 0;

	for (unsigned t = 0; t < ARRAY_SIZE(tables); t++)
		broken += explain_table(tables[t], s, groups, sink);
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
