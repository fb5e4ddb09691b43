/*
 * svm_explain.c - what must hold in a VMCB, as a table of rules
 *
 * Owns: the consistency checks of VMRUN, and what must hold besides for the guest to run as
 * we mean it; the text that names field, value, rule and source.
 * Must not know: how a VMCB came to be as it is.  Pure: the host test breaks each rule.
 *
 * Why our own: a CPU says no more than VMEXIT_INVALID, and emulators check little of it.
 *
 * Source: [APM] vol. 2 "Canonicalization and Consistency Checks" (15.5.1) and where each rule says.
 */
#include "amd/svm.h"

#include "lib/fmt.h"

/* ---- What the rules ask --------------------------------------------------------------- */

#define EFER_TCE BIT(15)
#define EFER_MCOMMIT BIT(17)
#define EFER_INTWB BIT(18)
#define EFER_UAIE BIT(20)
#define EFER_AIBRSE BIT(21)
#define EFER_DEFINED                                                                             \
	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME | EFER_LMSLE | EFER_FFXSR |         \
	 EFER_TCE | EFER_MCOMMIT | EFER_INTWB | EFER_UAIE | EFER_AIBRSE)
/* VMXE and SMXE are Intel's; PKS too, but an emulator may have it. */
#define CR4_DEFINED (BITS(12, 0) | BITS(18, 16) | BITS(23, 20))
#define INT_CONTROL_DEFINED                                                                      \
	(VMCB_V_TPR | VMCB_V_IRQ | VMCB_V_GIF | VMCB_V_NMI | VMCB_V_NMI_MASK | VMCB_V_INTR_PRIO |  \
	 VMCB_V_IGN_TPR | VMCB_V_INTR_MASKING | VMCB_V_GIF_ENABLE | VMCB_V_NMI_ENABLE |            \
	 VMCB_X2AVIC_ENABLE | VMCB_AVIC_ENABLE | VMCB_V_INTR_VECTOR)
#define V_TPR_RESERVED BITS(7, 4)
#define SEG_ATTR_RESERVED BITS(15, 12)
#define TABLE_LIMIT_MAX 0xffff
#define TYPE_LDT 2
#define TYPE_TSS 1 /* of 16 bits, available; 2: busy, 8: of 32 or 64 bits */
#define TYPE_TSS_VARIANTS 0xa
#define CPL_KERNEL 0
#define CPL_USER 3
#define ERROR_CODE_VECTORS                                                                       \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) |     \
	 BIT(VECTOR_PF) | BIT(VECTOR_AC) | BIT(VECTOR_CP) | BIT(29) | BIT(30))

static bool implies(bool a, bool b)
{
	return !a || b;
}

static bool canonical(u64 address, unsigned bits)
{
	return address + BIT(bits - 1) < BIT(bits);
}

static bool paging(const struct vmcb *b)
{
	return b->save.cr0 & CR0_PG;
}

static bool protected_mode(const struct vmcb *b)
{
	return b->save.cr0 & CR0_PE;
}

static bool virtual_8086(const struct vmcb *b)
{
	return protected_mode(b) && (b->save.rflags & RFLAGS_VM);
}

/* LME and PG: what VMRUN takes for long mode. */
static bool long_mode(const struct vmcb *b)
{
	return (b->save.efer & EFER_LME) && paging(b);
}

static bool code_64bit(const struct vmcb *b)
{
	return long_mode(b) && (b->save.cs.attrib & SEG_ATTR_L);
}

/* All of [base, base + size) has a physical address. */
static bool within(u64 base, u64 size, const struct svm_features *f)
{
	u64 limit = BIT(f->phys_bits);

	return base < limit && size <= limit - base;
}

static u64 event_type(const struct vmcb *b)
{
	return (b->control.eventinj & VMCB_EVENT_TYPE) >> VMCB_EVENT_TYPE_SHIFT;
}

static u8 event_vector(const struct vmcb *b)
{
	return b->control.eventinj & VMCB_EVENT_VECTOR;
}

static bool injects(const struct vmcb *b)
{
	return b->control.eventinj & VMCB_EVENT_V;
}

static bool injects_exception(const struct vmcb *b)
{
	return injects(b) && event_type(b) == VMCB_EVENT_TYPE_EXCEPTION;
}

/* With the intercept V_IRQ exits; without, the guest must be able to take it at once. */
static bool v_irq_sane(const struct vmcb *b)
{
	const struct vmcb_control *c = &b->control;

	return (c->intercept_misc1 & VMCB_INTERCEPT_VINTR) ||
	       ((c->int_control & VMCB_V_IGN_TPR) && !injects(b) &&
		(b->save.rflags & RFLAGS_IF) && !(c->int_shadow & VMCB_INTERRUPT_SHADOW));
}

static bool event_type_known(const struct vmcb *b)
{
	u64 type = event_type(b);

	return type == VMCB_EVENT_TYPE_INTR || type == VMCB_EVENT_TYPE_NMI ||
	       type == VMCB_EVENT_TYPE_EXCEPTION || type == VMCB_EVENT_TYPE_SOFT_INT;
}

static bool vector_has_error(u8 vector)
{
	return vector < 32 && (ERROR_CODE_VECTORS & BIT(vector));
}

/* [APM] vol. 2 "Page-Attribute Table" (7.8): 2 and 3 are reserved, and all above 7 */
static bool pat_valid(u64 pat)
{
	for (unsigned i = 0; i < 64; i += 8) {
		u8 type = (u8)(pat >> i);

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

static bool tss_type(u16 attrib)
{
	return !(attrib & SEG_ATTR_S) && (attrib & SEG_ATTR_TYPE & ~TYPE_TSS_VARIANTS) == TYPE_TSS;
}

static const struct {
	u16 first, end;
} reserved_fields[] = {
	{ 0x018, 0x03c }, { 0x05d, 0x060 }, { 0x0c4, 0x0c8 }, { 0x0e8, 0x0f0 }, { 0x100, 0x108 },
	{ 0x128, 0x138 }, { 0x140, 0x3e0 }, { 0x4a0, 0x4cb }, { 0x4cc, 0x4d0 }, { 0x4d8, 0x4e0 },
};

/* Offset + 1 of the first byte that is not zero in a reserved field; 0: none. */
static u64 reserved_set(const struct vmcb *b)
{
	const u8 *byte = (const void *)b;

	for (unsigned i = 0; i < ARRAY_SIZE(reserved_fields); i++)
		for (unsigned at = reserved_fields[i].first; at < reserved_fields[i].end; at++)
			if (byte[at])
				return at + 1;
	return 0;
}

static bool tlb_control_known(const struct vmcb *b, const struct svm_features *f)
{
	switch (b->control.tlb_control) {
	case VMCB_TLB_NOTHING:
	case VMCB_TLB_FLUSH_ALL:
		return true;
	case VMCB_TLB_FLUSH_ASID:
	case VMCB_TLB_FLUSH_ASID_NON_GLOBAL:
		return f->flush_by_asid;
	}
	return false;
}

/* ---- The rules ------------------------------------------------------------------------- */

#define CHECKS "[APM] vol. 2 \"Canonicalization and Consistency Checks\" (15.5.1)"
#define INJECTION "[APM] vol. 2 \"Event Injection\" (15.20)"
#define NESTED "[APM] vol. 2 \"Nested Paging\" (15.25)"
#define LAYOUT "[APM] vol. 2 \"Layout of VMCB\" (appendix B)"
#define REGISTERS "[APM] vol. 2 \"System Resources\" (3)"
#define SEGMENTS "[APM] vol. 2 \"Segmented Virtual Memory\" (4)"
#define MASKING "[APM] vol. 2 \"Interrupt and Local APIC Support\" (15.21)"
#define TLB "[APM] vol. 2 \"TLB Control\" (15.16)"

#define CRX (VMCB_CLEAN_CRX)
#define EVT (SVM_DIRTY_EVENT)
#define EVT_CRX (SVM_DIRTY_EVENT | VMCB_CLEAN_CRX)
#define LOADED (SVM_DIRTY_LOADED)
#define SEGS (VMCB_CLEAN_SEG)

/*
 * X(id, field, groups, by the CPU, value, condition, text, source): b is the VMCB, f the machine.
 * A rule that is not checked by the CPU is left out of the checks before each entry in
 * checking builds, as a guest may bring such a state about on its own.
 */
/* clang-format off */
#define RULES(X) \
	X(efer_svme, "EFER", CRX, true, b->save.efer, b->save.efer & EFER_SVME, \
	  "SVME must be set", CHECKS) \
	X(efer_reserved, "EFER", CRX, true, b->save.efer, !(b->save.efer & ~EFER_DEFINED), \
	  "reserved bits must be zero", CHECKS) \
	X(efer_lma, "EFER", CRX, false, b->save.efer, \
	  !!(b->save.efer & EFER_LMA) == long_mode(b), \
	  "LMA must be set if and only if LME and CR0.PG are", REGISTERS) \
	X(cr0_high, "CR0", CRX, true, b->save.cr0, !(b->save.cr0 & BITS(63, 32)), \
	  "bits 63:32 must be zero", CHECKS) \
	X(cr0_nw, "CR0", CRX, true, b->save.cr0, \
	  implies(b->save.cr0 & CR0_NW, b->save.cr0 & CR0_CD), \
	  "NW must not be set while CD is clear", CHECKS) \
	X(cr0_pg, "CR0", CRX, false, b->save.cr0, implies(paging(b), protected_mode(b)), \
	  "PG needs PE", REGISTERS) \
	X(lme_pae, "CR4", CRX, true, b->save.cr4, implies(long_mode(b), b->save.cr4 & CR4_PAE), \
	  "PAE must be set when EFER.LME and CR0.PG are", CHECKS) \
	X(lme_pe, "CR0", CRX, true, b->save.cr0, implies(long_mode(b), protected_mode(b)), \
	  "PE must be set when EFER.LME and CR0.PG are", CHECKS) \
	X(cs_l_d, "CS.attrib", CRX | SEGS, true, b->save.cs.attrib, \
	  implies(long_mode(b) && (b->save.cr4 & CR4_PAE) && (b->save.cs.attrib & SEG_ATTR_L), \
		  !(b->save.cs.attrib & SEG_ATTR_DB)), \
	  "L and D must not both be set in long mode", CHECKS) \
	X(cr3_high, "CR3", CRX, true, b->save.cr3, \
	  implies(long_mode(b), !(b->save.cr3 & BITS(63, 52))), \
	  "bits 63:52 must be zero in long mode", CHECKS) \
	X(cr3_width, "CR3", CRX, true, b->save.cr3, \
	  implies(long_mode(b), (b->save.cr3 & BITS(51, 0)) < BIT(f->phys_bits)), \
	  "must not have bits beyond the physical address width", CHECKS) \
	X(cr4_reserved, "CR4", CRX, true, b->save.cr4, \
	  !(b->save.cr4 & ~(CR4_DEFINED | (f->pks ? CR4_PKS : 0))), \
	  "reserved bits must be zero", CHECKS) \
	X(cr4_pcide, "CR4", CRX, false, b->save.cr4, \
	  implies(b->save.cr4 & CR4_PCIDE, long_mode(b)), "PCIDE needs long mode", REGISTERS) \
	X(cr4_cet, "CR4", CRX, false, b->save.cr4, \
	  implies(b->save.cr4 & CR4_CET, b->save.cr0 & CR0_WP), "CET needs CR0.WP", CHECKS) \
	X(dr6_high, "DR6", VMCB_CLEAN_DRX, true, b->save.dr6, !(b->save.dr6 & BITS(63, 32)), \
	  "bits 63:32 must be zero", CHECKS) \
	X(dr7_high, "DR7", VMCB_CLEAN_DRX, true, b->save.dr7, !(b->save.dr7 & BITS(63, 32)), \
	  "bits 63:32 must be zero", CHECKS) \
	X(vmrun, "intercept_misc2", VMCB_CLEAN_I, true, b->control.intercept_misc2, \
	  b->control.intercept_misc2 & VMCB_INTERCEPT_VMRUN, \
	  "the VMRUN intercept must be set", CHECKS) \
	X(intr, "intercept_misc1", VMCB_CLEAN_I, false, b->control.intercept_misc1, \
	  b->control.intercept_misc1 & VMCB_INTERCEPT_INTR, \
	  "INTR must be intercepted, it is the host's", MASKING) \
	X(nmi, "intercept_misc1", VMCB_CLEAN_I, false, b->control.intercept_misc1, \
	  b->control.intercept_misc1 & VMCB_INTERCEPT_NMI, \
	  "NMI must be intercepted, it is the host's", MASKING) \
	X(shutdown, "intercept_misc1", VMCB_CLEAN_I, false, b->control.intercept_misc1, \
	  b->control.intercept_misc1 & VMCB_INTERCEPT_SHUTDOWN, \
	  "SHUTDOWN must be intercepted, or it stops the machine", \
	  "[APM] vol. 2 \"Shutdown Intercept\" (15.14.3)") \
	X(exceptions, "intercept_exceptions", VMCB_CLEAN_I, false, \
	  b->control.intercept_exceptions, \
	  (b->control.intercept_exceptions & SVM_EXCEPTIONS) == SVM_EXCEPTIONS, \
	  "#DF and #MC must be intercepted", "[APM] vol. 2 \"Exception Intercepts\" (15.12)") \
	X(protection, "intercept_misc1", VMCB_CLEAN_I, false, b->control.intercept_misc1, \
	  (b->control.intercept_misc1 & VMCB_INTERCEPT_IOIO_PROT) && \
	  (b->control.intercept_misc1 & VMCB_INTERCEPT_MSR_PROT), \
	  "IOPM and MSRPM must be in force", "[APM] vol. 2 \"IOIO Intercepts\" (15.10)") \
	X(vm_insns, "intercept_misc2", VMCB_CLEAN_I, false, b->control.intercept_misc2, \
	  (b->control.intercept_misc2 & VMCB_VM_INSNS) == VMCB_VM_INSNS, \
	  "VMLOAD, VMSAVE, STGI, CLGI and SKINIT must be intercepted", \
	  "[APM] vol. 2 \"Miscellaneous Intercepts\" (15.14)") \
	X(asid_zero, "guest_asid", VMCB_CLEAN_ASID, true, b->control.guest_asid, \
	  b->control.guest_asid != 0, "ASID 0 is the host's", CHECKS) \
	X(asid_range, "guest_asid", VMCB_CLEAN_ASID, false, b->control.guest_asid, \
	  b->control.guest_asid < f->asids, "must be below the number of ASIDs of this CPU", TLB) \
	X(iopm_range, "iopm_base_pa", VMCB_CLEAN_IOPM, true, b->control.iopm_base_pa, \
	  within(ALIGN_DOWN(b->control.iopm_base_pa, PAGE_SIZE), VMCB_IOPM_SIZE, f), \
	  "the map must end below the highest physical address", CHECKS) \
	X(iopm_align, "iopm_base_pa", VMCB_CLEAN_IOPM, false, b->control.iopm_base_pa, \
	  IS_ALIGNED(b->control.iopm_base_pa, PAGE_SIZE), "must be aligned to 4 KiB", \
	  "[APM] vol. 2 \"I/O Permissions Map\" (15.10.1)") \
	X(msrpm_range, "msrpm_base_pa", VMCB_CLEAN_IOPM, true, b->control.msrpm_base_pa, \
	  within(ALIGN_DOWN(b->control.msrpm_base_pa, PAGE_SIZE), VMCB_MSRPM_SIZE, f), \
	  "the map must end below the highest physical address", CHECKS) \
	X(msrpm_align, "msrpm_base_pa", VMCB_CLEAN_IOPM, false, b->control.msrpm_base_pa, \
	  IS_ALIGNED(b->control.msrpm_base_pa, PAGE_SIZE), "must be aligned to 4 KiB", \
	  "[APM] vol. 2 \"MSR Intercepts\" (15.11)") \
	X(event_type, "EVENTINJ", EVT, true, b->control.eventinj, \
	  implies(injects(b), event_type_known(b)), "the type is reserved", INJECTION) \
	X(event_vector, "EVENTINJ", EVT, true, b->control.eventinj, \
	  implies(injects_exception(b), event_vector(b) < 32 && event_vector(b) != VECTOR_NMI), \
	  "an exception has a vector below 32, other than 2", INJECTION) \
	X(event_mode, "EVENTINJ", EVT_CRX | SEGS, true, b->control.eventinj, \
	  implies(injects_exception(b) && code_64bit(b), \
		  event_vector(b) != VECTOR_OF && event_vector(b) != VECTOR_BR), \
	  "#OF and #BR cannot be raised in 64-bit mode", INJECTION) \
	X(event_reserved, "EVENTINJ", EVT, false, b->control.eventinj, \
	  implies(injects(b), !(b->control.eventinj & VMCB_EVENT_RESERVED)), \
	  "bits 30:12 must be zero", INJECTION) \
	X(event_error, "EVENTINJ", EVT, false, b->control.eventinj, \
	  implies(injects(b) && (b->control.eventinj & VMCB_EVENT_EV), \
		  injects_exception(b) && vector_has_error(event_vector(b))), \
	  "this event has no error code", INJECTION) \
	X(event_no_error, "EVENTINJ", EVT_CRX, false, b->control.eventinj, \
	  implies(injects_exception(b) && vector_has_error(event_vector(b)) && protected_mode(b), \
		  b->control.eventinj & VMCB_EVENT_EV), \
	  "this exception pushes an error code", INJECTION) \
	X(event_nmi, "EVENTINJ", EVT, false, b->control.eventinj, \
	  implies(injects(b) && event_type(b) == VMCB_EVENT_TYPE_NMI, \
		  event_vector(b) == VECTOR_NMI), "an NMI has vector 2", INJECTION) \
	X(event_shadow, "int_shadow", EVT, false, b->control.int_shadow, \
	  implies(injects(b), !(b->control.int_shadow & VMCB_INTERRUPT_SHADOW)), \
	  "an event that is delivered ends the interrupt shadow", \
	  "[APM] vol. 2 \"Interrupt Shadows\" (15.21.5)") \
	X(tlb_control, "tlb_control", SVM_DIRTY_FLUSH | VMCB_CLEAN_ASID, true, \
	  b->control.tlb_control, tlb_control_known(b, f), \
	  "this command is reserved on this CPU", TLB) \
	X(np_enable, "nested_control", VMCB_CLEAN_NP, false, b->control.nested_control, \
	  b->control.nested_control & VMCB_NP_ENABLE, \
	  "NP_ENABLE must be set, or the guest has the machine's memory", NESTED) \
	X(np_reserved, "nested_control", VMCB_CLEAN_NP, false, b->control.nested_control, \
	  !(b->control.nested_control & ~VMCB_NESTED_CONTROL_DEFINED), \
	  "reserved bits must be zero", LAYOUT) \
	X(ncr3_align, "N_CR3", VMCB_CLEAN_NP, true, b->control.n_cr3, \
	  IS_ALIGNED(b->control.n_cr3, PAGE_SIZE), "must be aligned to 4 KiB", NESTED) \
	X(ncr3_range, "N_CR3", VMCB_CLEAN_NP, true, b->control.n_cr3, \
	  within(ALIGN_DOWN(b->control.n_cr3, PAGE_SIZE), PAGE_SIZE, f), \
	  "must not have bits beyond the physical address width", NESTED) \
	X(g_pat, "G_PAT", VMCB_CLEAN_NP, true, b->save.g_pat, pat_valid(b->save.g_pat), \
	  "each byte must be one of the memory types 0, 1, 4, 5, 6, 7", NESTED) \
	X(intr_masking, "int_control", VMCB_CLEAN_TPR, false, b->control.int_control, \
	  b->control.int_control & VMCB_V_INTR_MASKING, \
	  "V_INTR_MASKING must be set, or the guest's IF masks the host's interrupts", MASKING) \
	X(int_reserved, "int_control", VMCB_CLEAN_TPR, false, b->control.int_control, \
	  !(b->control.int_control & ~INT_CONTROL_DEFINED), "reserved bits must be zero", LAYOUT) \
	X(v_tpr, "int_control", VMCB_CLEAN_TPR, false, b->control.int_control, \
	  !(b->control.int_control & V_TPR_RESERVED), "V_TPR has four bits", MASKING) \
	X(v_irq, "int_control", VMCB_CLEAN_TPR | VMCB_CLEAN_I, false, b->control.int_control, \
	  implies(b->control.int_control & VMCB_V_IRQ, v_irq_sane(b)), \
	  "V_IRQ is our window, with the VINTR intercept, or is taken at once", MASKING) \
	X(shadow_reserved, "int_shadow", LOADED, false, b->control.int_shadow, \
	  !(b->control.int_shadow & ~(VMCB_INTERRUPT_SHADOW | VMCB_GUEST_INTERRUPT_MASK)), \
	  "reserved bits must be zero", LAYOUT) \
	X(lbr_reserved, "lbr_control", VMCB_CLEAN_LBR, false, b->control.lbr_control, \
	  !(b->control.lbr_control & ~VMCB_LBR_CONTROL_DEFINED), "reserved bits must be zero", \
	  LAYOUT) \
	X(reserved, "offset+1 of a byte", LOADED, false, reserved_set(b), !reserved_set(b), \
	  "reserved fields must be zero", LAYOUT) \
	X(rflags_one, "RFLAGS", LOADED, false, b->save.rflags, b->save.rflags & RFLAGS_ONE, \
	  "bit 1 must be set", REGISTERS) \
	X(rflags_reserved, "RFLAGS", LOADED, false, b->save.rflags, \
	  !(b->save.rflags & RFLAGS_RESERVED), "reserved bits must be zero", REGISTERS) \
	X(rflags_vm, "RFLAGS", LOADED | CRX, false, b->save.rflags, \
	  implies(long_mode(b), !(b->save.rflags & RFLAGS_VM)), \
	  "VM must be clear in long mode", REGISTERS) \
	X(rip_canonical, "RIP", LOADED | CRX, false, b->save.rip, \
	  implies(code_64bit(b), canonical(b->save.rip, b->save.cr4 & CR4_LA57 ? 57 : 48)), \
	  "must be canonical", REGISTERS) \
	X(rip_high, "RIP", LOADED | CRX, false, b->save.rip, \
	  code_64bit(b) || !(b->save.rip & BITS(63, 32)), \
	  "bits 63:32 must be zero outside 64-bit mode", REGISTERS) \
	X(cpl_range, "CPL", SEGS, false, b->save.cpl, b->save.cpl <= CPL_USER, \
	  "must be 0 to 3", SEGMENTS) \
	X(cpl_real, "CPL", SEGS | CRX, false, b->save.cpl, \
	  protected_mode(b) || b->save.cpl == CPL_KERNEL, "must be 0 in real mode", SEGMENTS) \
	X(cpl_v86, "CPL", SEGS | CRX, false, b->save.cpl, \
	  implies(virtual_8086(b), b->save.cpl == CPL_USER), \
	  "must be 3 in virtual-8086 mode", SEGMENTS) \
	SEGMENT_RULES(X, es, "ES") SEGMENT_RULES(X, cs, "CS") SEGMENT_RULES(X, ss, "SS") \
	SEGMENT_RULES(X, ds, "DS") SEGMENT_RULES(X, fs, "FS") SEGMENT_RULES(X, gs, "GS") \
	SEGMENT_RULES(X, ldtr, "LDTR") SEGMENT_RULES(X, tr, "TR") \
	X(ldtr_type, "LDTR.attrib", LOADED, false, b->save.ldtr.attrib, \
	  implies(b->save.ldtr.attrib & SEG_ATTR_P, \
		  (b->save.ldtr.attrib & (SEG_ATTR_S | SEG_ATTR_TYPE)) == TYPE_LDT), \
	  "must be absent or of type LDT", SEGMENTS) \
	X(tr_type, "TR.attrib", LOADED, false, b->save.tr.attrib, \
	  implies(b->save.tr.attrib & SEG_ATTR_P, tss_type(b->save.tr.attrib)), \
	  "must be absent or of type TSS", SEGMENTS) \
	X(gdtr_limit, "GDTR.limit", VMCB_CLEAN_DT, false, b->save.gdtr.limit, \
	  b->save.gdtr.limit <= TABLE_LIMIT_MAX, "has 16 bits", SEGMENTS) \
	X(idtr_limit, "IDTR.limit", VMCB_CLEAN_DT, false, b->save.idtr.limit, \
	  b->save.idtr.limit <= TABLE_LIMIT_MAX, "has 16 bits", SEGMENTS) \
	BASE_RULE(X, gdtr, "GDTR.base", VMCB_CLEAN_DT, gdtr.base) \
	BASE_RULE(X, idtr, "IDTR.base", VMCB_CLEAN_DT, idtr.base) \
	BASE_RULE(X, ldtr, "LDTR.base", LOADED, ldtr.base) \
	BASE_RULE(X, tr, "TR.base", LOADED, tr.base) \
	BASE_RULE(X, fs, "FS.base", LOADED, fs.base) \
	BASE_RULE(X, gs, "GS.base", LOADED, gs.base) \
	BASE_RULE(X, kernel_gs, "KernelGsBase", LOADED, kernel_gs_base) \
	BASE_RULE(X, lstar, "LSTAR", LOADED, lstar) \
	BASE_RULE(X, cstar, "CSTAR", LOADED, cstar) \
	BASE_RULE(X, sysenter_esp, "SYSENTER_ESP", LOADED, sysenter_esp) \
	BASE_RULE(X, sysenter_eip, "SYSENTER_EIP", LOADED, sysenter_eip)

#define SEGMENT_RULES(X, id, name) \
	X(id##_attrib, name ".attrib", SEGS | LOADED, false, b->save.id.attrib, \
	  !(b->save.id.attrib & SEG_ATTR_RESERVED), "bits 15:12 must be zero", LAYOUT)
#define BASE_RULE(X, id, name, groups, member) \
	X(id##_base, name, groups, false, b->save.member, \
	  canonical(b->save.member, f->linear_bits), \
	  "must be canonical", CHECKS)
#define VMCB_VM_INSNS \
	(VMCB_INTERCEPT_VMLOAD | VMCB_INTERCEPT_VMSAVE | VMCB_INTERCEPT_STGI | \
	 VMCB_INTERCEPT_CLGI | VMCB_INTERCEPT_SKINIT)
/* clang-format on */

#define X(id, field, groups, by_cpu, expression, condition, text, source)                   \
	static u64 value_##id(const struct vmcb *b)                                            \
	{                                                                                      \
		return expression;                                                             \
	}                                                                                      \
	static bool holds_##id(const struct vmcb *b, const struct svm_features *f)             \
	{                                                                                      \
		(void)f;                                                                       \
		return condition;                                                              \
	}
RULES(X)
#undef X

const struct svm_rule svm_rules[] = {
#define X(id, field, groups, by_cpu, expression, condition, text, source) \
	{ #id, field, groups, by_cpu, value_##id, holds_##id, text, source },
	RULES(X)
#undef X
};
const unsigned svm_rule_count = ARRAY_SIZE(svm_rules);

/* ---- Checking --------------------------------------------------------------------------- */

static void put(struct fmt_sink *sink, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(struct fmt_sink *sink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(sink, format, args);
	va_end(args);
}

unsigned svm_check(const struct vmcb *b, const struct svm_features *f, u32 groups,
		   struct fmt_sink *sink)
{
	unsigned broken = 0;

	for (const struct svm_rule *r = svm_rules; r < svm_rules + svm_rule_count; r++) {
		if (!(r->groups & groups) && !(r->by_cpu && (groups & SVM_CHECK_CPU)))
			continue;
		if (r->holds(b, f))
			continue;
		broken++;
		if (sink)
			put(sink, "VMCB %s = %#llx: %s: %s\n", r->field,
			    (unsigned long long)r->value(b), r->text, r->source);
	}
	return broken;
}
