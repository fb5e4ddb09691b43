/*
 * svm_audit.c - what must hold in a VMCB at VMRUN, looked at by somebody else
 *
 * Owns: the audit's rules for AMD-V.
 * Must not know: how svm.c and svm_event.c come to what they write; it sees the VMCB as the CPU
 * does, and remembers what it saw before.
 *
 * Sources: [APM] vol. 2 "VMCB Clean Bits" (15.15), "TLB Control" (15.16), "Event Injection"
 * (15.20), "Interrupt and Local APIC Support" (15.21), "Nested Paging" (15.25), and docs/machine.md
 * for what a guest of ours may do without an exit.
 */
#include "amd/svm_audit.h"

/* ---- Clean bits. "VMCB Clean Bits" (15.15), table of the fields of each ------------------ */

#define FIELD(member) offsetof(struct vmcb, member), sizeof(((struct vmcb *)0)->member)

static const struct clean_field {
	u32 bit;
	u16 offset;
	size_t size;
	const char *name;
} clean_fields[] = {
	{ VMCB_CLEAN_I, FIELD(control.intercept_cr), "clean I: intercept_cr" },
	{ VMCB_CLEAN_I, FIELD(control.intercept_dr), "clean I: intercept_dr" },
	{ VMCB_CLEAN_I, FIELD(control.intercept_exceptions), "clean I: intercept_exceptions" },
	{ VMCB_CLEAN_I, FIELD(control.intercept_misc1), "clean I: intercept_misc1" },
	{ VMCB_CLEAN_I, FIELD(control.intercept_misc2), "clean I: intercept_misc2" },
	{ VMCB_CLEAN_I, FIELD(control.intercept_misc3), "clean I: intercept_misc3" },
	{ VMCB_CLEAN_I, FIELD(control.pause_filter_threshold), "clean I: pause filter threshold" },
	{ VMCB_CLEAN_I, FIELD(control.pause_filter_count), "clean I: pause filter count" },
	{ VMCB_CLEAN_I, FIELD(control.tsc_offset), "clean I: TSC offset" },
	{ VMCB_CLEAN_IOPM, FIELD(control.iopm_base_pa), "clean IOPM: iopm_base_pa" },
	{ VMCB_CLEAN_IOPM, FIELD(control.msrpm_base_pa), "clean IOPM: msrpm_base_pa" },
	{ VMCB_CLEAN_ASID, FIELD(control.guest_asid), "clean ASID: guest_asid" },
	{ VMCB_CLEAN_TPR, FIELD(control.int_control), "clean TPR: int_control" },
	{ VMCB_CLEAN_NP, FIELD(control.nested_control), "clean NP: nested_control" },
	{ VMCB_CLEAN_NP, FIELD(control.n_cr3), "clean NP: N_CR3" },
	{ VMCB_CLEAN_NP, FIELD(save.g_pat), "clean NP: G_PAT" },
	{ VMCB_CLEAN_CRX, FIELD(save.cr0), "clean CRx: CR0" },
	{ VMCB_CLEAN_CRX, FIELD(save.cr3), "clean CRx: CR3" },
	{ VMCB_CLEAN_CRX, FIELD(save.cr4), "clean CRx: CR4" },
	{ VMCB_CLEAN_CRX, FIELD(save.efer), "clean CRx: EFER" },
	{ VMCB_CLEAN_DRX, FIELD(save.dr6), "clean DRx: DR6" },
	{ VMCB_CLEAN_DRX, FIELD(save.dr7), "clean DRx: DR7" },
	{ VMCB_CLEAN_DT, FIELD(save.gdtr.limit), "clean DT: GDTR.limit" },
	{ VMCB_CLEAN_DT, FIELD(save.gdtr.base), "clean DT: GDTR.base" },
	{ VMCB_CLEAN_DT, FIELD(save.idtr.limit), "clean DT: IDTR.limit" },
	{ VMCB_CLEAN_DT, FIELD(save.idtr.base), "clean DT: IDTR.base" },
	{ VMCB_CLEAN_SEG, FIELD(save.es), "clean SEG: ES" },
	{ VMCB_CLEAN_SEG, FIELD(save.cs), "clean SEG: CS" },
	{ VMCB_CLEAN_SEG, FIELD(save.ss), "clean SEG: SS" },
	{ VMCB_CLEAN_SEG, FIELD(save.ds), "clean SEG: DS" },
	{ VMCB_CLEAN_SEG, FIELD(save.cpl), "clean SEG: CPL" },
	{ VMCB_CLEAN_CR2, FIELD(save.cr2), "clean CR2: CR2" },
	{ VMCB_CLEAN_LBR, FIELD(save.dbgctl), "clean LBR: DBGCTL" },
	{ VMCB_CLEAN_LBR, FIELD(save.br_from), "clean LBR: BR_FROM" },
	{ VMCB_CLEAN_LBR, FIELD(save.br_to), "clean LBR: BR_TO" },
	{ VMCB_CLEAN_LBR, FIELD(save.lastexcpfrom), "clean LBR: LASTEXCPFROM" },
	{ VMCB_CLEAN_LBR, FIELD(save.lastexcpto), "clean LBR: LASTEXCPTO" },
};

/* A field as a number; of a segment, something that differs if the segments do. */
static u64 field_value(const struct vmcb *b, const struct clean_field *f)
{
	const u8 *at = (const u8 *)b + f->offset;
	u64 value = 0;

	for (size_t i = 0; i < f->size; i++)
		value = (value << 8 | value >> 56) ^ (u64)at[f->size - 1 - i];
	return value;
}

static bool same_field(const struct vmcb *a, const struct vmcb *b, const struct clean_field *f)
{
	return !__builtin_memcmp((const u8 *)a + f->offset, (const u8 *)b + f->offset, f->size);
}

void svm_audit_clean(struct audit_vcpu *a, const struct vmcb *now, const struct vmcb *then)
{
	u32 clean = now->control.clean;

	audit_count(a, AUDIT_CLEAN);
	audit_expect(a, AUDIT_CLEAN, !(clean & ~(u32)VMCB_CLEAN_ALL), "no reserved clean bits", 0,
		     clean);
	if (!then) {
		audit_equal(a, AUDIT_CLEAN, "no clean bits in a VMCB that is new to this CPU", 0,
			    clean);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(clean_fields); i++) {
		const struct clean_field *f = &clean_fields[i];

		if ((clean & f->bit) && !same_field(now, then, f))
			audit_expect(a, AUDIT_CLEAN, false, f->name, field_value(then, f),
				     field_value(now, f));
	}
}

/* ---- Intercepts ------------------------------------------------------------------------ */

/* What is the machine's, or ours to answer: see docs/machine.md. */
#define MISC1                                                                                      \
	((u32)(VMCB_INTERCEPT_INTR | VMCB_INTERCEPT_NMI | VMCB_INTERCEPT_INIT |                    \
	       VMCB_INTERCEPT_RDPMC | VMCB_INTERCEPT_CPUID | VMCB_INTERCEPT_RSM |                  \
	       VMCB_INTERCEPT_INVD | VMCB_INTERCEPT_HLT | VMCB_INTERCEPT_INVLPGA |                 \
	       VMCB_INTERCEPT_IOIO_PROT | VMCB_INTERCEPT_MSR_PROT | VMCB_INTERCEPT_TASK_SWITCH |   \
	       VMCB_INTERCEPT_FERR_FREEZE | VMCB_INTERCEPT_SHUTDOWN))
#define MISC2                                                                                      \
	((u32)(VMCB_INTERCEPT_VMRUN | VMCB_INTERCEPT_VMMCALL | VMCB_INTERCEPT_VMLOAD |             \
	       VMCB_INTERCEPT_VMSAVE | VMCB_INTERCEPT_STGI | VMCB_INTERCEPT_CLGI |                 \
	       VMCB_INTERCEPT_SKINIT | VMCB_INTERCEPT_WBINVD | VMCB_INTERCEPT_MONITOR |            \
	       VMCB_INTERCEPT_MWAIT | VMCB_INTERCEPT_XSETBV))
#define CRS                                                                                        \
	((u32)(VMCB_INTERCEPT_WRITE(0) | VMCB_INTERCEPT_WRITE(4) | VMCB_INTERCEPT_WRITE(8) |       \
	       VMCB_INTERCEPT_READ(8)))
#define EXCEPTIONS ((u32)(BIT(VECTOR_MC) | BIT(VECTOR_DF) | BIT(VECTOR_AC)))
/* While a step over one instruction is on its way, all exceptions and these exit besides. */
#define ALL_EXCEPTIONS (~0u)
#define STEP_MISC1                                                                                 \
	((u32)(VMCB_INTERCEPT_SWINT | VMCB_INTERCEPT_PUSHF | VMCB_INTERCEPT_POPF |                 \
	       VMCB_INTERCEPT_IRET))
#define STEP_MISC2 ((u32)VMCB_INTERCEPT_ICEBP)
/* Exit while #DF or a virtual interrupt is delivered: what makes a second fault of it. */
#define DELIVERY                                                                                   \
	((u32)(BIT(VECTOR_DE) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) |                 \
	       BIT(VECTOR_GP) | BIT(VECTOR_PF) | BIT(VECTOR_CP)))

static bool steps(const struct vmcb *b)
{
	return b->control.intercept_exceptions == ALL_EXCEPTIONS;
}

static bool injects(const struct vmcb *b)
{
	return b->control.eventinj & VMCB_EVENT_V;
}

/* A virtual interrupt that is to be taken, not to exit. */
static bool offers(const struct vmcb *b)
{
	return (b->control.int_control & VMCB_V_IRQ) &&
	       !(b->control.intercept_misc1 & VMCB_INTERCEPT_VINTR);
}

static bool injects_exception(const struct vmcb *b)
{
	return injects(b) && (b->control.eventinj & VMCB_EVENT_TYPE) ==
				 VMCB_EVENT_TYPE_EXCEPTION << VMCB_EVENT_TYPE_SHIFT;
}

static bool injects_double_fault(const struct vmcb *b)
{
	return injects_exception(b) && (b->control.eventinj & VMCB_EVENT_VECTOR) == VECTOR_DF;
}

static void look_at_exceptions(struct audit_vcpu *a, const struct vmcb *b, bool debug_exits)
{
	u32 least = EXCEPTIONS | (debug_exits ? (u32)BIT(VECTOR_DB) : 0);
	u32 found = b->control.intercept_exceptions, more = found & ~least;

	audit_expect(a, AUDIT_INTERCEPTS, !(least & ~found), "intercept_exceptions", least, found);
	if (steps(b))
		audit_expect(a, AUDIT_INTERCEPTS, b->save.rflags & RFLAGS_TF,
			     "all exceptions exit in a single step only", least, found);
	else if (offers(b) || injects_double_fault(b))
		audit_expect(a, AUDIT_INTERCEPTS, more == DELIVERY, "faults of a delivery exit",
			     least | DELIVERY, found);
	else
		audit_expect(a, AUDIT_INTERCEPTS,
			     !more || (injects_exception(b) && more == DELIVERY),
			     "exceptions that exit for a delivery only", least, found);
}

static void look_at_misc1(struct audit_vcpu *a, const struct vmcb *b)
{
	u32 found = b->control.intercept_misc1, variable = steps(b) ? STEP_MISC1 : 0;
	bool iret = found & VMCB_INTERCEPT_IRET;

	if (b->control.int_control & VMCB_V_IRQ)
		variable |= (u32)VMCB_INTERCEPT_VINTR;
	if (a->nmi_blocked && !steps(b))
		audit_expect(a, AUDIT_INTERCEPTS, iret, "IRET exits while an NMI is handled",
			     VMCB_INTERCEPT_IRET, found);
	variable |= (u32)VMCB_INTERCEPT_IRET; /* that it may exit without need is slow, no more */
	audit_equal(a, AUDIT_INTERCEPTS, "intercept_misc1", MISC1, found & ~variable);
}

void svm_audit_intercepts(struct audit_vcpu *a, const struct vmcb *b,
			  const struct svm_audit_machine *m)
{
	const struct vmcb_control *c = &b->control;
	u32 misc2 = MISC2 | (m->rdpru ? (u32)VMCB_INTERCEPT_RDPRU : 0);

	audit_count(a, AUDIT_INTERCEPTS);
	audit_equal(a, AUDIT_INTERCEPTS, "intercept_cr", CRS, c->intercept_cr);
	audit_equal(a, AUDIT_INTERCEPTS, "intercept_dr", 0, c->intercept_dr);
	look_at_exceptions(a, b, m->debug_exits);
	look_at_misc1(a, b);
	audit_equal(a, AUDIT_INTERCEPTS, "intercept_misc2", misc2,
		    c->intercept_misc2 & ~(steps(b) ? STEP_MISC2 : 0));
	audit_equal(a, AUDIT_INTERCEPTS, "intercept_misc3", 0, c->intercept_misc3);
	audit_equal(a, AUDIT_INTERCEPTS, "nested_control", VMCB_NP_ENABLE, c->nested_control);
	audit_equal(a, AUDIT_INTERCEPTS, "lbr_control", m->lbr_virt ? VMCB_LBR_VIRTUALIZATION : 0,
		    c->lbr_control);
	audit_equal(a, AUDIT_INTERCEPTS, "V_INTR_MASKING, and nothing of AVIC, V_GIF, V_NMI",
		    VMCB_V_INTR_MASKING,
		    c->int_control & ~(VMCB_V_TPR | VMCB_V_IRQ | VMCB_V_INTR_PRIO | VMCB_V_IGN_TPR |
				       VMCB_V_INTR_VECTOR));
}

/* ---- Events ------------------------------------------------------------------------------ */

static u8 event_type(u64 eventinj)
{
	switch ((eventinj & VMCB_EVENT_TYPE) >> VMCB_EVENT_TYPE_SHIFT) {
	case VMCB_EVENT_TYPE_INTR:
		return EVENT_INTR;
	case VMCB_EVENT_TYPE_NMI:
		return EVENT_NMI;
	case VMCB_EVENT_TYPE_EXCEPTION:
		return EVENT_EXCEPTION;
	case VMCB_EVENT_TYPE_SOFT_INT:
		return EVENT_SOFT_INT;
	default:
		return EVENT_NONE;
	}
}

void svm_audit_events(struct audit_vcpu *a, const struct vmcb *b)
{
	const struct vmcb_control *c = &b->control;
	struct audit_event e = { .valid = injects(b),
				 .type = event_type(c->eventinj),
				 .vector = (u8)c->eventinj,
				 .has_error = c->eventinj & VMCB_EVENT_EV,
				 .reserved = c->eventinj & VMCB_EVENT_RESERVED,
				 .raw = c->eventinj };
	struct audit_moment m = { .interrupts = b->save.rflags & RFLAGS_IF,
				  .shadow = c->int_shadow & VMCB_INTERRUPT_SHADOW,
				  .nmi_blocked = a->nmi_blocked,
				  .protected_mode = b->save.cr0 & CR0_PE };

	if (offers(b)) {
		audit_expect(a, AUDIT_EVENTS, !e.valid, "one event at a time", 0, e.raw);
		e = (struct audit_event){ .valid = true,
					  .type = EVENT_INTR,
					  .raw = c->int_control };
	}
	audit_event(a, &e, &m);
	audit_shadow(a, b->save.rip, m.shadow, e.valid);
}

/* ---- Translations -------------------------------------------------------------------------- */

void svm_audit_tlb(struct audit_vcpu *a, const struct vmcb *b, const struct svm_audit_machine *m)
{
	const struct vmcb_control *c = &b->control;
	const struct audit_mode mode = { b->save.cr0, b->save.cr3, b->save.cr4 };

	audit_expect(a, AUDIT_ASID, c->guest_asid && c->guest_asid < m->asids,
		     "an ASID that this CPU has", m->asids - 1, c->guest_asid);
	switch (c->tlb_control) {
	case VMCB_TLB_NOTHING:
		break;
	case VMCB_TLB_FLUSH_ALL:
		tlb_flush_all(a->cpu);
		break;
	case VMCB_TLB_FLUSH_ASID:
		audit_expect(a, AUDIT_FLUSH, m->flush_by_asid, "a flush that this CPU has",
			     VMCB_TLB_FLUSH_ALL, c->tlb_control);
		tlb_flush_tag(a->cpu, c->guest_asid);
		break;
	default:
		audit_expect(a, AUDIT_FLUSH, false, "a flush of all that an ASID has",
			     VMCB_TLB_FLUSH_ASID, c->tlb_control);
	}
	audit_translations(a, c->guest_asid, false, &mode);
}

/* ---- After an exit ----------------------------------------------------------------------- */

static bool is_nmi(u64 event)
{
	return (event & VMCB_EVENT_V) && event_type(event) == EVENT_NMI;
}

void svm_audit_left(struct audit_vcpu *a, const struct vmcb *b)
{
	const struct vmcb_control *c = &b->control;
	const struct vmcb *entered = a->image;
	u64 code = c->exitcode;

	if (is_nmi(entered->control.eventinj) && (u32)code != VMCB_EXIT_INVALID)
		a->nmi_blocked = !is_nmi(c->exitintinfo);
	if (code == VMCB_EXIT_IRET)
		a->nmi_blocked = false; /* it is stepped over, or tried again */
	a->mode = (struct audit_mode){ b->save.cr0, b->save.cr3, b->save.cr4 };
	a->rip = b->save.rip;
	a->shadow = c->int_shadow & VMCB_INTERRUPT_SHADOW;
	a->retries = code == VMCB_EXIT_NPF;
	a->ran = true;
	__builtin_memcpy(a->image, b, sizeof(*b));
}

/* ---- Nested tables. "Nested Paging" (15.25): a walk by user accesses --------------------------
 */

#define TABLE_BITS (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_ADDR)
#define LEAF_BITS (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_ADDR | PTE_NX)
#define LEVEL_LARGE 1 /* 2 MiB */
#define LEVEL_HUGE 2  /* 1 GiB */

static bool present(u64 entry)
{
	return entry & PTE_P;
}

static bool leaf(u64 entry, unsigned level)
{
	return !level || ((entry & PTE_PS) && level <= LEVEL_HUGE);
}

static u64 address(u64 entry, unsigned level)
{
	u64 page = leaf(entry, level) ? PAGE_SIZE << 9 * level : PAGE_SIZE;

	return ALIGN_DOWN(entry & PTE_ADDR, page);
}

static unsigned rights(u64 entry)
{
	return PROT_R | (entry & PTE_W ? PROT_W : 0) | (entry & PTE_NX ? 0 : PROT_X);
}

static const char *wrong(u64 entry, unsigned level)
{
	if (!(entry & PTE_U))
		return "U in each entry: the walk is a user's";
	if (!leaf(entry, level))
		return (entry & ~TABLE_BITS) || !(entry & PTE_W)
			   ? "a table's entry gives all rights, no other bits"
			   : NULL;
	if (level > LEVEL_LARGE)
		return "no page larger than a chunk of memory";
	if (level && !(entry & PTE_PS))
		return "PS in a large page's entry";
	if (entry & ~(LEAF_BITS | (level ? PTE_PS : 0)))
		return "a leaf is write-back, no other bits";
	return (entry & PTE_ADDR) != address(entry, level) ? "a large page is aligned" : NULL;
}

const struct tree_format svm_audit_format = {
	.present = present,
	.leaf = leaf,
	.address = address,
	.rights = rights,
	.marks = PTE_A | PTE_D,
	.wrong = wrong,
};
