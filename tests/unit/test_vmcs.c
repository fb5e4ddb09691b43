/*
 * test_vmcs.c - the VMCS: encodings against their structure and a second table; every rule of
 * intel/vmx_rules_*.c broken, alone, and named
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "intel/vmx_explain.h"
#include "x86.h"

void test_vmcs_register(void);

/* ---- Encodings --------------------------------------------------------------- */

enum kind { CONTROL, READ_ONLY, GUEST, HOST };
enum width { W16, W64, W32, NATURAL };

/* The headings of [SDM] appendix B, in which names come with their first and last index. */
static const struct range {
	enum width width;
	enum kind kind;
	const char *first;
	unsigned first_index;
	const char *last;
	unsigned last_index;
} ranges[] = {
	{ W16, CONTROL, "VPID", 0, "POSTED_INTERRUPT_VECTOR", 1 },
	{ W16, GUEST, "GUEST_ES_SELECTOR", 0, "GUEST_TR_SELECTOR", 7 },
	{ W16, HOST, "HOST_ES_SELECTOR", 0, "HOST_TR_SELECTOR", 6 },
	{ W64, CONTROL, "IO_BITMAP_A", 0, "TSC_MULTIPLIER", 25 },
	{ W64, READ_ONLY, "GUEST_PHYSICAL_ADDRESS", 0, "GUEST_PHYSICAL_ADDRESS", 0 },
	{ W64, GUEST, "LINK_POINTER", 0, "GUEST_PDPTE3", 8 },
	{ W64, HOST, "HOST_PAT", 0, "HOST_EFER", 1 },
	{ W32, CONTROL, "PIN_BASED_CONTROLS", 0, "SECONDARY_CONTROLS", 15 },
	{ W32, READ_ONLY, "INSTRUCTION_ERROR", 0, "EXIT_INSTRUCTION_INFO", 7 },
	{ W32, GUEST, "GUEST_ES_LIMIT", 0, "GUEST_SYSENTER_CS", 21 },
	{ W32, HOST, "HOST_SYSENTER_CS", 0, "HOST_SYSENTER_CS", 0 },
	{ NATURAL, CONTROL, "CR0_GUEST_HOST_MASK", 0, "CR4_READ_SHADOW", 3 },
	{ NATURAL, READ_ONLY, "EXIT_QUALIFICATION", 0, "GUEST_LINEAR_ADDRESS", 5 },
	{ NATURAL, GUEST, "GUEST_CR0", 0, "GUEST_SYSENTER_EIP", 19 },
	{ NATURAL, HOST, "HOST_CR0", 0, "HOST_RIP", 11 },
};

/* Encodings that KVM, Xen and Bochs agree on, spelled out: one or two of each kind. */
static const struct {
	enum vmcs_field field;
	u16 encoding;
} known[] = {
	{ VMCS_VPID, 0x0000 },
	{ VMCS_GUEST_CS_SELECTOR, 0x0802 },
	{ VMCS_GUEST_LDTR_SELECTOR, 0x080c },
	{ VMCS_HOST_TR_SELECTOR, 0x0c0c },
	{ VMCS_MSR_BITMAP, 0x2004 },
	{ VMCS_TSC_OFFSET, 0x2010 },
	{ VMCS_EPT_POINTER, 0x201a },
	{ VMCS_GUEST_PHYSICAL_ADDRESS, 0x2400 },
	{ VMCS_LINK_POINTER, 0x2800 },
	{ VMCS_GUEST_EFER, 0x2806 },
	{ VMCS_HOST_EFER, 0x2c02 },
	{ VMCS_PRIMARY_CONTROLS, 0x4002 },
	{ VMCS_EXCEPTION_BITMAP, 0x4004 },
	{ VMCS_EXIT_CONTROLS, 0x400c },
	{ VMCS_ENTRY_CONTROLS, 0x4012 },
	{ VMCS_ENTRY_INTERRUPTION_INFO, 0x4016 },
	{ VMCS_SECONDARY_CONTROLS, 0x401e },
	{ VMCS_INSTRUCTION_ERROR, 0x4400 },
	{ VMCS_EXIT_REASON, 0x4402 },
	{ VMCS_IDT_VECTORING_INFO, 0x4408 },
	{ VMCS_EXIT_INSTRUCTION_LENGTH, 0x440c },
	{ VMCS_GUEST_CS_ACCESS_RIGHTS, 0x4816 },
	{ VMCS_GUEST_INTERRUPTIBILITY, 0x4824 },
	{ VMCS_GUEST_ACTIVITY, 0x4826 },
	{ VMCS_EXIT_QUALIFICATION, 0x6400 },
	{ VMCS_GUEST_CR0, 0x6800 },
	{ VMCS_GUEST_TR_BASE, 0x6814 },
	{ VMCS_GUEST_DR7, 0x681a },
	{ VMCS_GUEST_RSP, 0x681c },
	{ VMCS_GUEST_RIP, 0x681e },
	{ VMCS_GUEST_RFLAGS, 0x6820 },
	{ VMCS_HOST_CR3, 0x6c02 },
	{ VMCS_HOST_RSP, 0x6c14 },
	{ VMCS_HOST_RIP, 0x6c16 },
};

static u16 encode(const struct range *r, unsigned index)
{
	return (u16)(r->width << VMCS_WIDTH_SHIFT | r->kind << VMCS_TYPE_SHIFT | index << 1);
}

/* Walk the list beside the headings: each field lies in its range, in rising order. */
static void test_structure(void)
{
	unsigned slot = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];
		u16 last = encode(r, r->last_index);

		CU_ASSERT_STRING_EQUAL(vmx_slot_name(slot), r->first);
		CU_ASSERT_EQUAL(vmx_slot_field(slot), encode(r, r->first_index));
		while (slot < VMCS_SLOT_COUNT && vmx_slot_field(slot) != last) {
			CU_ASSERT_TRUE(vmx_slot_field(slot) < last);
			CU_ASSERT_TRUE(slot == 0 ||
				       vmx_slot_field(slot) > vmx_slot_field(slot - 1) ||
				       vmx_slot_field(slot) == encode(r, r->first_index));
			CU_ASSERT_EQUAL(vmx_slot_field(slot) & 1, 0);
			slot++;
		}
		CU_ASSERT_STRING_EQUAL(vmx_slot_name(slot), r->last);
		slot++;
	}
	CU_ASSERT_EQUAL(slot, VMCS_SLOT_COUNT);
}

static void test_known(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		CU_ASSERT_EQUAL(known[i].field, known[i].encoding);
}

static void test_names(void)
{
	for (unsigned i = 0; i < VMCS_SLOT_COUNT; i++) {
		const char *name = vmx_slot_name(i);
		unsigned kind = vmx_slot_field(i) >> VMCS_TYPE_SHIFT & 3;

		if (!strncmp(name, "HOST_", 5))
			CU_ASSERT_EQUAL(kind, HOST);
		if (kind == HOST)
			CU_ASSERT_NSTRING_EQUAL(name, "HOST_", 5);
		for (unsigned j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(name, vmx_slot_name(j));
	}
	CU_ASSERT_STRING_EQUAL(vmx_slot_name(VMCS_SLOT_COUNT), "?");
}

/* ---- Rules ------------------------------------------------------------------- */

/* A guest in 64-bit mode, on a CPU that allows every control. */
static struct vmcs_snapshot s;

#define SET(name, v) (s.value[VMCS_SLOT_##name] = (v))

static void caps(void)
{
	const u64 all = 0xffffffffull << 32;

	s.caps = (struct vmx_caps){
		.misc = 4 << VMX_MISC_CR3_TARGETS_SHIFT | 7 << VMX_MISC_ACTIVITY_SHIFT,
		.ept_vpid = EPT_CAP_WALK_4 | EPT_CAP_WB,
		.pin = all | 0x16,
		.primary = (all | 0x4006172) & ~((u64)PRIMARY_MONITOR_TRAP_FLAG << 32),
		.secondary = all,
		.exit = all | 0x36dfb,
		.entry = all | 0x11fb,
		.cr0_fixed0 = 0x80000021,
		.cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = CR4_VMXE,
		.cr4_fixed1 = 0x7fffff | CR4_CET,
		.efer_bits = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE,
		.maxphyaddr = 40,
		.linear_bits = 48,
	};
}

static void controls(void)
{
	SET(PIN_BASED_CONTROLS, 0x16 | PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING |
					PIN_VIRTUAL_NMIS);
	SET(PRIMARY_CONTROLS, 0x4006172 | PRIMARY_IO_BITMAPS | PRIMARY_MSR_BITMAPS |
				      PRIMARY_SECONDARY_CONTROLS);
	SET(SECONDARY_CONTROLS, SECONDARY_EPT | SECONDARY_VPID | SECONDARY_UNRESTRICTED_GUEST);
	SET(EXIT_CONTROLS, 0x36dfb | EXIT_CTL_HOST_64BIT | EXIT_CTL_LOAD_PAT | EXIT_CTL_LOAD_EFER);
	SET(ENTRY_CONTROLS, 0x11fb | ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT |
				    ENTRY_CTL_LOAD_EFER | ENTRY_CTL_IA32E_GUEST);
	SET(VPID, 1);
	SET(EPT_POINTER, 0x100000 | 3 << EPTP_WALK_SHIFT | MEMORY_TYPE_WB);
	SET(LINK_POINTER, VMCS_NO_LINK);
}

static void host(void)
{
	SET(HOST_CR0, 0x80000021);
	SET(HOST_CR4, CR4_PAE | CR4_VMXE);
	SET(HOST_CS_SELECTOR, 8);
	SET(HOST_TR_SELECTOR, 0x18);
	SET(HOST_PAT, PAT_RESET);
	SET(HOST_EFER, EFER_LME | EFER_LMA);
	SET(HOST_RIP, 0xffffffff80000000);
}

static void guest(void)
{
	SET(GUEST_CR0, 0x80000021);
	SET(GUEST_CR4, CR4_PAE | CR4_VMXE);
	SET(GUEST_EFER, EFER_LME | EFER_LMA);
	SET(GUEST_PAT, PAT_RESET);
	SET(GUEST_DR7, DR7_FIXED);
	SET(GUEST_RFLAGS, RFLAGS_ONE);
	for (unsigned i = 0; i < 6; i++) {
		s.value[VMCS_SLOT_GUEST_ES_ACCESS_RIGHTS + i] = 0xc093;
		s.value[VMCS_SLOT_GUEST_ES_LIMIT + i] = 0xffffffff;
	}
	SET(GUEST_CS_ACCESS_RIGHTS, 0xa09b);
	SET(GUEST_TR_ACCESS_RIGHTS, 0x8b);
	SET(GUEST_TR_LIMIT, 0x67);
	SET(GUEST_LDTR_ACCESS_RIGHTS, ACCESS_RIGHTS_UNUSABLE);
}

static void good(void)
{
	memset(&s, 0, sizeof(s));
	caps();
	controls();
	host();
	guest();
}

/* Other guests that all rules must accept, from which some can be broken only. */
static void real_mode(void)
{
	good();
	SET(ENTRY_CONTROLS, s.value[VMCS_SLOT_ENTRY_CONTROLS] & ~ENTRY_CTL_IA32E_GUEST);
	SET(GUEST_CR0, CR0_NE);
	SET(GUEST_CR4, CR4_VMXE);
	SET(GUEST_EFER, 0);
	for (unsigned i = 0; i < 6; i++) {
		s.value[VMCS_SLOT_GUEST_ES_ACCESS_RIGHTS + i] = 0x93;
		s.value[VMCS_SLOT_GUEST_ES_LIMIT + i] = 0xffff;
	}
}

static void v8086(void)
{
	real_mode();
	SET(GUEST_CR0, CR0_NE | CR0_PE);
	SET(GUEST_RFLAGS, RFLAGS_ONE | RFLAGS_VM);
	for (unsigned i = 0; i < 6; i++)
		s.value[VMCS_SLOT_GUEST_ES_ACCESS_RIGHTS + i] = 0xf3;
}

static void pae(void)
{
	real_mode();
	SET(GUEST_CR0, CR0_NE | CR0_PE | CR0_PG);
	SET(GUEST_CR4, CR4_VMXE | CR4_PAE);
	SET(GUEST_CS_ACCESS_RIGHTS, 0x9b);
	for (unsigned i = 0; i < 4; i++)
		s.value[VMCS_SLOT_GUEST_PDPTE0 + i] = PTE_P;
}

static void restricted(void)
{
	good();
	SET(SECONDARY_CONTROLS, SECONDARY_EPT);
	for (unsigned i = 0; i < 6; i++) {
		if (i == 1 || i == 2) /* CS, SS */
			continue;
		s.value[VMCS_SLOT_GUEST_ES_SELECTOR + i] = 3;
		s.value[VMCS_SLOT_GUEST_ES_ACCESS_RIGHTS + i] = 0xc0f3;
	}
}

static void with_ldt(void)
{
	good();
	SET(GUEST_LDTR_ACCESS_RIGHTS, 0x82);
	SET(GUEST_LDTR_LIMIT, 0x67);
}

static void with_areas(void)
{
	good();
	SET(EXIT_MSR_STORE_COUNT, 1);
	SET(EXIT_MSR_LOAD_COUNT, 1);
	SET(ENTRY_MSR_LOAD_COUNT, 1);
}

static void with_features(void)
{
	good();
	SET(PRIMARY_CONTROLS, s.value[VMCS_SLOT_PRIMARY_CONTROLS] | PRIMARY_TPR_SHADOW);
	SET(SECONDARY_CONTROLS, s.value[VMCS_SLOT_SECONDARY_CONTROLS] |
					SECONDARY_APIC_ACCESSES | SECONDARY_TSC_SCALING);
	SET(TSC_MULTIPLIER, 1);
}

static void without_virtual_nmis(void)
{
	with_features();
	SET(PIN_BASED_CONTROLS, 0x16);
}

static void with_gp(void)
{
	good();
	SET(ENTRY_INTERRUPTION_INFO, 0x80000b0d);
}

static void with_int3(void)
{
	good();
	SET(ENTRY_INTERRUPTION_INFO, 0x80000603);
	SET(ENTRY_INSTRUCTION_LENGTH, 1);
}

static void with_interrupt(void)
{
	good();
	SET(ENTRY_INTERRUPTION_INFO, 0x80000020);
	SET(GUEST_RFLAGS, RFLAGS_ONE | RFLAGS_IF);
}

static void with_nmi(void)
{
	good();
	SET(ENTRY_INTERRUPTION_INFO, 0x80000202);
}

static void in_shadow(void)
{
	good();
	SET(GUEST_RFLAGS, RFLAGS_ONE | RFLAGS_IF);
	SET(GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_STI);
}

static void halted(void)
{
	good();
	SET(GUEST_ACTIVITY, VMX_ACTIVITY_HLT);
}

static void (*const bases[])(void) = {
	good,
	real_mode,
	v8086,
	pae,
	restricted,
	with_ldt,
	with_areas,
	with_features,
	with_gp,
	with_int3,
	with_interrupt,
	with_nmi,
	in_shadow,
	halted,
	without_virtual_nmis,
};

struct collected {
	struct fmt_sink sink;
	char text[4096];
	size_t len;
};

static void collect(struct fmt_sink *sink, const char *text, size_t len)
{
	struct collected *c = container_of(sink, struct collected, sink);

	if (c->len + len < sizeof(c->text)) {
		memcpy(c->text + c->len, text, len);
		c->len += len;
		c->text[c->len] = '\0';
	}
}

static unsigned explain(struct collected *c)
{
	*c = (struct collected){ .sink = { collect } };
	return vmx_explain_snapshot(&s, VMX_GROUP_ALL, &c->sink);
}

static void test_good(void)
{
	struct collected c;

	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
		bases[i]();
		CU_ASSERT_EQUAL(explain(&c), 0);
		if (c.len)
			printf("base %u: %s", i, c.text);
	}
}

/*
 * Break each rule: some value of its own field, in one of the guests above, must make it fail.
 * It must then be in what explain says, with field, value, text and title.
 */
static bool break_rule(const struct vmx_rule *rule)
{
	static const u64 extra[] = { 0, 1, ~0ull, 0x93, 0x83, 0x80000100, 0x80000703,
				     0x80000303, 0x80000b03, 0x80000201, 0x80000320 };

	for (unsigned b = 0; b < ARRAY_SIZE(bases); b++) {
		bases[b]();
		const u64 old = s.value[rule->slot];

		for (unsigned i = 0; i < 64 + ARRAY_SIZE(extra); i++) {
			s.value[rule->slot] = i < 64 ? old ^ BIT(i) : extra[i - 64];
			if (!rule->holds(&s))
				return true;
		}
	}
	return false;
}

static void test_each_rule(void)
{
	const struct vmx_rule *rule;
	struct collected c;
	char value[64];

	unsigned rules = 0;

	while ((rule = vmx_rule(rules))) {
		rules++;
		if (!break_rule(rule)) {
			printf("never broken: %s: %s\n", vmx_slot_name(rule->slot), rule->text);
			CU_FAIL("a rule that cannot be broken");
			continue;
		}
		CU_ASSERT_TRUE(explain(&c) >= 1);
		snprintf(value, sizeof(value), "VMCS %s = 0x%llx: ", vmx_slot_name(rule->slot),
			 (unsigned long long)s.value[rule->slot]);
		if (!s.value[rule->slot])
			snprintf(value, sizeof(value), "VMCS %s = 0", vmx_slot_name(rule->slot));
		CU_ASSERT_PTR_NOT_NULL(strstr(c.text, value));
		CU_ASSERT_PTR_NOT_NULL(strstr(c.text, rule->text));
		CU_ASSERT_PTR_NOT_NULL(strstr(c.text, rule->title));
		CU_ASSERT_EQUAL(rule->group & ~VMX_GROUP_ALL, 0);
		/* Only what changed is looked at. */
		CU_ASSERT_TRUE(vmx_explain_snapshot(&s, rule->group, NULL) >= 1);
		CU_ASSERT_EQUAL(vmx_explain_snapshot(&s, 0, NULL), 0);
	}
	CU_ASSERT_TRUE(rules >= 40);
}

/* Where vmx_state.c writes each part of a guest's state to; mask: bits that it may change. */
#define FIELDS(first, last, part) { VMCS_SLOT_##first, VMCS_SLOT_##last, part, ~0ull }
#define SEGMENT(name, part)                                              \
	FIELDS(GUEST_##name##_SELECTOR, GUEST_##name##_SELECTOR, part),  \
	FIELDS(GUEST_##name##_LIMIT, GUEST_##name##_LIMIT, part),        \
	FIELDS(GUEST_##name##_BASE, GUEST_##name##_BASE, part),          \
	FIELDS(GUEST_##name##_ACCESS_RIGHTS, GUEST_##name##_ACCESS_RIGHTS, part)

static const struct written {
	enum vmcs_slot first, last;
	unsigned part;
	u64 mask;
} written[] = {
	FIELDS(GUEST_CR0, GUEST_CR4, STATE_EXEC),
	FIELDS(GUEST_EFER, GUEST_EFER, STATE_EXEC),
	{ VMCS_SLOT_ENTRY_CONTROLS, VMCS_SLOT_ENTRY_CONTROLS, STATE_EXEC, ENTRY_CTL_IA32E_GUEST },
	SEGMENT(CS, STATE_EXEC),
	FIELDS(GUEST_SS_ACCESS_RIGHTS, GUEST_SS_ACCESS_RIGHTS, STATE_EXEC),
	SEGMENT(ES, STATE_SEG),
	SEGMENT(SS, STATE_SEG),
	SEGMENT(DS, STATE_SEG),
	SEGMENT(FS, STATE_SEG),
	SEGMENT(GS, STATE_SEG),
	SEGMENT(LDTR, STATE_SEG),
	SEGMENT(TR, STATE_SEG),
	FIELDS(GUEST_GDTR_LIMIT, GUEST_IDTR_LIMIT, STATE_SEG),
	FIELDS(GUEST_GDTR_BASE, GUEST_IDTR_BASE, STATE_SEG),
	FIELDS(GUEST_DR7, GUEST_DR7, STATE_DR),
	FIELDS(GUEST_DEBUGCTL, GUEST_PAT, STATE_MSR),
	FIELDS(GUEST_SYSENTER_CS, GUEST_SYSENTER_CS, STATE_MSR),
	FIELDS(GUEST_SYSENTER_ESP, GUEST_SYSENTER_EIP, STATE_MSR),
	FIELDS(GUEST_INTERRUPTIBILITY, GUEST_INTERRUPTIBILITY, STATE_INT),
	FIELDS(GUEST_PENDING_DEBUG, GUEST_PENDING_DEBUG, STATE_INT),
	FIELDS(GUEST_PDPTE0, GUEST_PDPTE3, STATE_PDPTE),
};

/* Is each rule that s breaks in a group that is looked at when this part has changed? */
static bool all_looked_at(unsigned part, unsigned slot)
{
	const struct vmx_rule *rule;

	for (unsigned i = 0; (rule = vmx_rule(i)); i++) {
		if (rule->holds(&s) || rule->group & vmx_explain_groups(part))
			continue;
		printf("%s changed, and nobody looks at %s: %s\n", vmx_slot_name(slot),
		       vmx_slot_name(rule->slot), rule->text);
		return false;
	}
	return true;
}

static bool changes_are_seen(const struct written *w, unsigned slot)
{
	const u64 old = s.value[slot];
	bool good = true;

	for (unsigned bit = 0; bit < 64 && good; bit++) {
		s.value[slot] = old ^ (BIT(bit) & w->mask);
		good = all_looked_at(w->part, slot);
	}
	s.value[slot] = old;
	return good;
}

/* No rule can be broken by a change of a part for which its group is not looked at. */
static void test_groups(void)
{
	for (unsigned b = 0; b < ARRAY_SIZE(bases); b++) {
		bases[b]();
		for (unsigned i = 0; i < ARRAY_SIZE(written); i++)
			for (unsigned slot = written[i].first; slot <= written[i].last; slot++)
				CU_ASSERT_TRUE(changes_are_seen(&written[i], slot));
	}
	CU_ASSERT_EQUAL(vmx_explain_groups(STATE_CR2 | STATE_XSAVE | STATE_TSC), 0);
}

static void test_line(void)
{
	struct collected c;

	good();
	SET(GUEST_CS_ACCESS_RIGHTS, 0xe09b);
	CU_ASSERT_EQUAL(explain(&c), 1);
	CU_ASSERT_STRING_EQUAL(c.text, "VMCS GUEST_CS_ACCESS_RIGHTS = 0xe09b: must be: D is 0 for "
				       "64-bit code: [SDM] \"Checks on Guest Segment Registers\" "
				       "(27.3.1.2)\n");
}

/* What must not be taken for broken: values at the edge. */
static void test_edges(void)
{
	struct collected c;

	good();
	SET(GUEST_RIP, 0xffff800000000000);
	CU_ASSERT_EQUAL(explain(&c), 0);
	SET(GUEST_RIP, 0x800000000000);
	CU_ASSERT_EQUAL(explain(&c), 0); /* not canonical, but bits 63:48 are equal */
	SET(GUEST_RIP, 0x1000000000000);
	CU_ASSERT_EQUAL(explain(&c), 1);
	good();
	SET(GUEST_FS_BASE, 0x7fffffffffff);
	CU_ASSERT_EQUAL(explain(&c), 0);
	SET(GUEST_FS_BASE, 0x800000000000);
	CU_ASSERT_EQUAL(explain(&c), 1);
	good();
	SET(GUEST_CR3, 0xfffffff000);
	CU_ASSERT_EQUAL(explain(&c), 0);
	SET(GUEST_CR3, 0x10000000000);
	CU_ASSERT_EQUAL(explain(&c), 1);
	real_mode();
	SET(GUEST_CR0, CR0_NE | CR0_NW); /* CD and NW are not checked */
	CU_ASSERT_EQUAL(explain(&c), 0);
}

static void test_error_texts(void)
{
	CU_ASSERT_STRING_NOT_EQUAL(vmx_error_text(7), vmx_error_text(8));
	CU_ASSERT_PTR_NOT_NULL(vmx_error_text(99));
}

void test_vmcs_register(void)
{
	CU_pSuite suite = CU_add_suite("VMCS", NULL, NULL);

	CU_add_test(suite, "encodings have the manual's structure", test_structure);
	CU_add_test(suite, "well-known encodings", test_known);
	CU_add_test(suite, "names", test_names);
	CU_add_test(suite, "good guests break no rule", test_good);
	CU_add_test(suite, "each rule can be broken and is named", test_each_rule);
	CU_add_test(suite, "each change of state is looked at", test_groups);
	CU_add_test(suite, "the line in full", test_line);
	CU_add_test(suite, "values at the edge", test_edges);
	CU_add_test(suite, "VM-instruction errors", test_error_texts);
}
