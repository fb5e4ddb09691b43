/*
 * vmx_rules_segment.c - rules for the guest's segments and descriptor tables
 *
 * Owns: selectors, bases, limits and access rights, in each mode.
 * Must not know: a CPU; this file runs in host tests.
 *
 * Sources: [SDM] "Checks on Guest Segment Registers" (27.3.1.2), "Checks on Guest
 * Descriptor-Table Registers" (27.3.1.3).
 */
#include "intel/vmx_rules.h"

/* ---- Guest segments ---------------------------------------------------------- */

static bool usable(u64 rights)
{
	return !(rights & ACCESS_RIGHTS_UNUSABLE);
}

static u64 type(u64 rights)
{
	return rights & SEG_ATTR_TYPE;
}

static u64 dpl(u64 rights)
{
	return (rights & SEG_ATTR_DPL) >> SEG_ATTR_DPL_SHIFT;
}

static u64 rpl(u64 selector)
{
	return selector & 3;
}

#define SELECTOR_TI BIT(2)
/* Types: data read/write accessed; code accessed, with readable and conforming. */
#define TYPE_ACCESSED BIT(0)
#define TYPE_READABLE BIT(1)
#define TYPE_CODE BIT(3)
#define TYPE_DATA_RW 3
#define TYPE_DATA_RW_DOWN 7
#define TYPE_LDT 2
#define TYPE_TSS16_BUSY 3
#define TYPE_TSS_BUSY 11
#define V8086_RIGHTS 0xf3
#define V8086_LIMIT 0xffff

/* Granularity and limit belong together: [SDM] "Checks on Guest Segment Registers", G. */
static bool granular(u64 rights, u64 limit)
{
	bool g = rights & ACCESS_RIGHTS_G;

	if ((limit & 0xfff) != 0xfff && g)
		return false;
	return !(limit >> 20) || g;
}

RULE(tr_ti)
{
	return !(V(GUEST_TR_SELECTOR) & SELECTOR_TI);
}

RULE(ldtr_ti)
{
	return !usable(V(GUEST_LDTR_ACCESS_RIGHTS)) || !(V(GUEST_LDTR_SELECTOR) & SELECTOR_TI);
}

RULE(ss_rpl)
{
	return v8086(s) || unrestricted(s) ||
	       rpl(V(GUEST_SS_SELECTOR)) == rpl(V(GUEST_CS_SELECTOR));
}

/* The rules that each of the six has, in virtual-8086 mode and out of it. */
#define SEGMENT_RULES(register) \
	RULE(v8086_base_##register) \
	{ \
		return !v8086(s) || \
		       V(GUEST_##register##_BASE) == V(GUEST_##register##_SELECTOR) << 4; \
	} \
	RULE(v8086_limit_##register) \
	{ \
		return !v8086(s) || V(GUEST_##register##_LIMIT) == V8086_LIMIT; \
	} \
	RULE(v8086_rights_##register) \
	{ \
		return !v8086(s) || V(GUEST_##register##_ACCESS_RIGHTS) == V8086_RIGHTS; \
	} \
	static bool looked_at_##register(const struct vmcs_snapshot *s) \
	{ \
		return !v8086(s) && \
		       (VMCS_SLOT_GUEST_##register##_BASE == VMCS_SLOT_GUEST_CS_BASE || \
				     usable(V(GUEST_##register##_ACCESS_RIGHTS))); \
	} \
	RULE(s_##register) \
	{ \
		return !looked_at_##register(s) || \
		       V(GUEST_##register##_ACCESS_RIGHTS) & SEG_ATTR_S; \
	} \
	RULE(p_##register) \
	{ \
		return !looked_at_##register(s) || \
		       V(GUEST_##register##_ACCESS_RIGHTS) & SEG_ATTR_P; \
	} \
	RULE(reserved_##register)                                                            \
	{                                                                                    \
		return !looked_at_##register(s) ||                                           \
		       !(V(GUEST_##register##_ACCESS_RIGHTS) & ACCESS_RIGHTS_RESERVED);      \
	}                                                                                    \
	RULE(g_##register)                                                                   \
	{                                                                                    \
		return !looked_at_##register(s) ||                                           \
		       granular(V(GUEST_##register##_ACCESS_RIGHTS), V(GUEST_##register##_LIMIT)); \
	}
SEGMENT_RULES(ES)
SEGMENT_RULES(CS)
SEGMENT_RULES(SS)
SEGMENT_RULES(DS)
SEGMENT_RULES(FS)
SEGMENT_RULES(GS)
#undef SEGMENT_RULES

/* Data segments but SS: accessed, readable if code; a privilege that may be loaded. */
#define DATA_RULES(register)                                                                \
	RULE(type_##register)                                                               \
	{                                                                                   \
		u64 t = type(V(GUEST_##register##_ACCESS_RIGHTS));                          \
		return !looked_at_##register(s) ||                                          \
		       (t & TYPE_ACCESSED && (!(t & TYPE_CODE) || t & TYPE_READABLE));      \
	}                                                                                   \
	RULE(dpl_##register)                                                                \
	{                                                                                   \
		u64 rights = V(GUEST_##register##_ACCESS_RIGHTS);                           \
		return !looked_at_##register(s) || unrestricted(s) || type(rights) > 11 ||  \
		       dpl(rights) >= rpl(V(GUEST_##register##_SELECTOR));                  \
	}
DATA_RULES(ES)
DATA_RULES(DS)
DATA_RULES(FS)
DATA_RULES(GS)
#undef DATA_RULES

#define LOW_BASE(register)                                                            \
	RULE(base_##register)                                                         \
	{                                                                             \
		return !looked_at_##register(s) || !(V(GUEST_##register##_BASE) >> 32); \
	}
LOW_BASE(ES)
LOW_BASE(CS)
LOW_BASE(SS)
LOW_BASE(DS)
#undef LOW_BASE

RULE(base_FS)
{
	return canonical(s, V(GUEST_FS_BASE));
}

RULE(base_GS)
{
	return canonical(s, V(GUEST_GS_BASE));
}

RULE(base_TR)
{
	return canonical(s, V(GUEST_TR_BASE));
}

RULE(base_LDTR)
{
	return !usable(V(GUEST_LDTR_ACCESS_RIGHTS)) || canonical(s, V(GUEST_LDTR_BASE));
}

RULE(type_CS)
{
	u64 t = type(V(GUEST_CS_ACCESS_RIGHTS));

	return v8086(s) || (t & TYPE_CODE && t & TYPE_ACCESSED) ||
	       (unrestricted(s) && t == TYPE_DATA_RW);
}

RULE(type_SS)
{
	u64 t = type(V(GUEST_SS_ACCESS_RIGHTS));

	return !looked_at_SS(s) || t == TYPE_DATA_RW || t == TYPE_DATA_RW_DOWN;
}

RULE(dpl_CS)
{
	u64 rights = V(GUEST_CS_ACCESS_RIGHTS), ss = dpl(V(GUEST_SS_ACCESS_RIGHTS));

	if (v8086(s))
		return true;
	switch (type(rights)) {
	case TYPE_DATA_RW:
		return dpl(rights) == 0;
	case TYPE_CODE | TYPE_ACCESSED:
	case TYPE_CODE | TYPE_ACCESSED | TYPE_READABLE:
		return dpl(rights) == ss;
	case 13:
	case 15: /* conforming */
		return dpl(rights) <= ss;
	default: /* type_CS has said it */
		return true;
	}
}

RULE(dpl_SS)
{
	u64 rights = V(GUEST_SS_ACCESS_RIGHTS);
	bool zero = type(V(GUEST_CS_ACCESS_RIGHTS)) == TYPE_DATA_RW || !(V(GUEST_CR0) & CR0_PE);

	if (v8086(s))
		return true;
	if (!unrestricted(s) && dpl(rights) != rpl(V(GUEST_SS_SELECTOR)))
		return false;
	return !zero || dpl(rights) == 0;
}

RULE(db_CS)
{
	u64 rights = V(GUEST_CS_ACCESS_RIGHTS);

	return v8086(s) || !ia32e(s) || !(rights & ACCESS_RIGHTS_L) ||
	       !(rights & ACCESS_RIGHTS_DB);
}

RULE(type_TR)
{
	u64 t = type(V(GUEST_TR_ACCESS_RIGHTS));

	return t == TYPE_TSS_BUSY || (!ia32e(s) && t == TYPE_TSS16_BUSY);
}

RULE(rights_TR)
{
	u64 rights = V(GUEST_TR_ACCESS_RIGHTS);

	return !(rights & SEG_ATTR_S) && rights & SEG_ATTR_P &&
	       !(rights & (ACCESS_RIGHTS_RESERVED | ACCESS_RIGHTS_UNUSABLE));
}

RULE(g_TR)
{
	return granular(V(GUEST_TR_ACCESS_RIGHTS), V(GUEST_TR_LIMIT));
}

RULE(type_LDTR)
{
	u64 rights = V(GUEST_LDTR_ACCESS_RIGHTS);

	return !usable(rights) || type(rights) == TYPE_LDT;
}

RULE(rights_LDTR)
{
	u64 rights = V(GUEST_LDTR_ACCESS_RIGHTS);

	return !usable(rights) || (!(rights & SEG_ATTR_S) && rights & SEG_ATTR_P &&
				   !(rights & ACCESS_RIGHTS_RESERVED));
}

RULE(g_LDTR)
{
	u64 rights = V(GUEST_LDTR_ACCESS_RIGHTS);

	return !usable(rights) || granular(rights, V(GUEST_LDTR_LIMIT));
}

RULE(base_GDTR)
{
	return canonical(s, V(GUEST_GDTR_BASE));
}

RULE(base_IDTR)
{
	return canonical(s, V(GUEST_IDTR_BASE));
}

RULE(limit_GDTR)
{
	return !(V(GUEST_GDTR_LIMIT) >> 16);
}

RULE(limit_IDTR)
{
	return !(V(GUEST_IDTR_LIMIT) >> 16);
}

/* ---- The table --------------------------------------------------------------- */

#define SEGMENTS "\"Checks on Guest Segment Registers\" (27.3.1.2)"
#define TABLES "\"Checks on Guest Descriptor-Table Registers\" (27.3.1.3)"

static const struct vmx_rule rules[] = {
	R(SEGMENTS, GUEST_TR_SELECTOR, tr_ti, "TI is 0", SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_SELECTOR, ldtr_ti, "TI is 0", SEGMENTS),
	R(SEGMENTS, GUEST_SS_SELECTOR, ss_rpl, "RPL equals that of CS", SEGMENTS),
#define V8086(register)                                                                      \
	R(SEGMENTS, GUEST_##register##_BASE, v8086_base_##register,                          \
	  "16 times the selector in virtual-8086 mode", SEGMENTS),                           \
	R(SEGMENTS, GUEST_##register##_LIMIT, v8086_limit_##register,                        \
	  "0xffff in virtual-8086 mode", SEGMENTS),                                          \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, v8086_rights_##register,               \
	  "0xf3 in virtual-8086 mode", SEGMENTS),
	EACH_SEGMENT(V8086)
	R(SEGMENTS, GUEST_ES_BASE, base_ES, "bits 63:32 are 0", SEGMENTS),
	R(SEGMENTS, GUEST_CS_BASE, base_CS, "bits 63:32 are 0", SEGMENTS),
	R(SEGMENTS, GUEST_SS_BASE, base_SS, "bits 63:32 are 0", SEGMENTS),
	R(SEGMENTS, GUEST_DS_BASE, base_DS, "bits 63:32 are 0", SEGMENTS),
	R(SEGMENTS, GUEST_FS_BASE, base_FS, "canonical", SEGMENTS),
	R(SEGMENTS, GUEST_GS_BASE, base_GS, "canonical", SEGMENTS),
	R(SEGMENTS, GUEST_TR_BASE, base_TR, "canonical", SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_BASE, base_LDTR, "canonical", SEGMENTS),
#define TYPE(register)                                                                      \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, type_##register,                      \
	  "type: accessed, and readable if it is code", SEGMENTS),                          \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, dpl_##register,                       \
	  "DPL is not below the selector's RPL", SEGMENTS),
	TYPE(ES)
	TYPE(DS)
	TYPE(FS)
	TYPE(GS)
	R(SEGMENTS, GUEST_CS_ACCESS_RIGHTS, type_CS, "type: accessed code", SEGMENTS),
	R(SEGMENTS, GUEST_SS_ACCESS_RIGHTS, type_SS, "type: accessed read/write data", SEGMENTS),
	R(SEGMENTS, GUEST_CS_ACCESS_RIGHTS, dpl_CS, "DPL fits the type and SS's DPL", SEGMENTS),
	R(SEGMENTS, GUEST_SS_ACCESS_RIGHTS, dpl_SS,
	  "DPL equals RPL, and is 0 in real mode", SEGMENTS),
	R(SEGMENTS, GUEST_CS_ACCESS_RIGHTS, db_CS, "D is 0 for 64-bit code", SEGMENTS),
#define COMMON(register)                                                                    \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, s_##register, "S is 1", SEGMENTS),    \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, p_##register, "P is 1", SEGMENTS),    \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, reserved_##register,                  \
	  "reserved bits are 0", SEGMENTS),                                                 \
	R(SEGMENTS, GUEST_##register##_ACCESS_RIGHTS, g_##register, "G fits the limit", SEGMENTS),
	EACH_SEGMENT(COMMON)
	R(SEGMENTS, GUEST_TR_ACCESS_RIGHTS, type_TR, "type: a busy TSS of the mode's size",
	  SEGMENTS),
	R(SEGMENTS, GUEST_TR_ACCESS_RIGHTS, rights_TR, "usable, S is 0, P is 1, no reserved bit",
	  SEGMENTS),
	R(SEGMENTS, GUEST_TR_ACCESS_RIGHTS, g_TR, "G fits the limit", SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_ACCESS_RIGHTS, type_LDTR, "type: an LDT", SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_ACCESS_RIGHTS, rights_LDTR, "S is 0, P is 1, no reserved bit",
	  SEGMENTS),
	R(SEGMENTS, GUEST_LDTR_ACCESS_RIGHTS, g_LDTR, "G fits the limit", SEGMENTS),
	R(SEGMENTS, GUEST_GDTR_BASE, base_GDTR, "canonical", TABLES),
	R(SEGMENTS, GUEST_IDTR_BASE, base_IDTR, "canonical", TABLES),
	R(SEGMENTS, GUEST_GDTR_LIMIT, limit_GDTR, "bits 31:16 are 0", TABLES),
	R(SEGMENTS, GUEST_IDTR_LIMIT, limit_IDTR, "bits 31:16 are 0", TABLES),
};
const struct vmx_rules vmx_rules_segment = { rules, ARRAY_SIZE(rules) };
