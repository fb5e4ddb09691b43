/*
 * svm_state.c - between the neutral state of a vCPU and where AMD-V keeps it
 *
 * Owns: which VMCB field, register or MSR holds each part, and AMD's forms of them.
 * Must not know: why somebody reads or changes state.
 *
 * Most parts are in the VMCB, loaded or not: VMSAVE follows each #VMEXIT.  DR0-3, the FPU, and
 * the MSRs that VMSAVE leaves out live in the CPU while the vCPU is loaded, else in vcpu->state.
 *
 * Source: [APM] vol. 2 "Layout of VMCB", state save area (appendix B, table B-2).
 */
#include "amd/svm.h"

#include "hw/hw.h"
#include "x86_ops.h"

#define TYPE_BUSY 2 /* of a TSS */

/* ---- Segments: a segment without P is unusable, whatever else its attributes say. */

static void get_segment(struct segment *to, const struct vmcb_segment *from)
{
	to->selector = from->selector;
	to->attr = from->attrib & SEG_ATTR_P ? from->attrib : 0;
	to->limit = from->limit;
	to->base = from->base;
}

static void set_segment(struct vmcb_segment *to, const struct segment *from)
{
	to->selector = from->selector;
	to->attrib = from->attr;
	to->limit = from->limit;
	to->base = from->base;
}

static void get_table(struct table_register *to, const struct vmcb_segment *from)
{
	to->base = from->base;
	to->limit = (u16)from->limit;
}

static void set_table(struct vmcb_segment *to, const struct table_register *from)
{
	to->base = from->base;
	to->limit = from->limit;
}

/* ---- STATE_EXEC */

static void get_exec(struct svm_vcpu *s)
{
	const struct vmcb_save *save = &s->vmcb->save;
	struct cpu_state *state = &s->vcpu.state;

	svm_mend_cs(s);
	state->cr0 = save->cr0;
	state->cr3 = save->cr3;
	state->cr4 = save->cr4;
	/* SVME is ours.  LMA follows from LME and PG; Bochs 2.7 stores LME there at #VMEXIT. */
	state->efer = save->efer & ~(EFER_SVME | EFER_LMA);
	if (s->lme_apart)
		state->efer |= EFER_LME;
	if ((state->efer & EFER_LME) && (state->cr0 & CR0_PG))
		state->efer |= EFER_LMA;
	state->cpl = save->cpl;
	get_segment(&state->seg[SEG_CS], &save->cs);
}

/*
 * LME without paging and PAE has no effect until one of them is set, which exits.  #VMEXIT of
 * such a guest leaves QEMU 7.2 with its CR0 (docs/emulators.md), so LME is kept apart.
 */
static void set_lme_apart(struct svm_vcpu *s)
{
	const struct cpu_state *state = &s->vcpu.state;

	s->lme_apart = (state->efer & EFER_LME) && !(state->cr0 & CR0_PG) &&
		       !(state->cr4 & CR4_PAE);
	if (s->lme_apart)
		s->vmcb->save.efer &= ~(u64)EFER_LME;
}

/*
 * The mode in which the guest runs next: CR0, CR3, CR4, EFER, CPL and CS become those of the
 * neutral state.  VMRUN refuses a guest without EFER.SVME, which the guest does not know of
 * (get_exec hides it again).  What was written is dirty: the groups CRX and SEG.
 * [APM] vol. 2 "Canonicalization and Consistency Checks" (15.5.1), "VMCB Clean Bits" (15.15)
 */
static void set_exec(struct svm_vcpu *s)
{
	struct vmcb_save *save = &s->vmcb->save;
	const struct cpu_state *state = &s->vcpu.state;

	save->cr0 = state->cr0;
	save->cr3 = state->cr3;
	save->cr4 = state->cr4;
	save->efer = state->efer | EFER_SVME;
	set_lme_apart(s);
	save->cpl = state->cpl;
	set_segment(&save->cs, &state->seg[SEG_CS]);
	svm_changed(s, VMCB_CLEAN_CRX | VMCB_CLEAN_SEG);
}

/* ---- STATE_SEG */

static void get_segments(struct svm_vcpu *s)
{
	const struct vmcb_save *save = &s->vmcb->save;
	struct cpu_state *state = &s->vcpu.state;

	get_segment(&state->seg[SEG_ES], &save->es);
	get_segment(&state->seg[SEG_SS], &save->ss);
	get_segment(&state->seg[SEG_DS], &save->ds);
	get_segment(&state->seg[SEG_FS], &save->fs);
	get_segment(&state->seg[SEG_GS], &save->gs);
	get_segment(&state->ldtr, &save->ldtr);
	get_segment(&state->tr, &save->tr);
	if (state->tr.attr)
		state->tr.attr |= TYPE_BUSY; /* QEMU 7.2: LTR caches the type that it found */
	get_table(&state->gdtr, &save->gdtr);
	get_table(&state->idtr, &save->idtr);
}

/*
 * QEMU 7.2, known by its missing NRIP save, ends at a trap from user mode if TR is busy; Bochs 2.7
 * ends if it is not.  AMD's CPUs do not look.
 */
static void set_tr(struct vmcb_segment *to, const struct segment *tr)
{
	set_segment(to, tr);
	if (!svm_features.nrips)
		to->attrib &= (u16)~TYPE_BUSY;
}

static void set_segments(struct svm_vcpu *s)
{
	struct vmcb_save *save = &s->vmcb->save;
	const struct cpu_state *state = &s->vcpu.state;

	set_segment(&save->es, &state->seg[SEG_ES]);
	set_segment(&save->ss, &state->seg[SEG_SS]);
	set_segment(&save->ds, &state->seg[SEG_DS]);
	set_segment(&save->fs, &state->seg[SEG_FS]);
	set_segment(&save->gs, &state->seg[SEG_GS]);
	set_segment(&save->ldtr, &state->ldtr);
	set_tr(&save->tr, &state->tr);
	set_table(&save->gdtr, &state->gdtr);
	set_table(&save->idtr, &state->idtr);
	svm_changed(s, VMCB_CLEAN_SEG | VMCB_CLEAN_DT | SVM_DIRTY_LOADED);
}

/* ---- STATE_DR */

static void get_debug(struct svm_vcpu *s)
{
	struct cpu_state *state = &s->vcpu.state;

	if (s->loaded)
		hw_debug_save(&s->vcpu, false);
	state->dr[6] = s->vmcb->save.dr6;
	state->dr[7] = s->vmcb->save.dr7;
}

static void set_debug(struct svm_vcpu *s)
{
	const struct cpu_state *state = &s->vcpu.state;

	if (s->loaded) {
		svm_debug_disarm(s);
		hw_debug_load(&s->vcpu, false);
	}
	s->vmcb->save.dr6 = state->dr[6];
	s->vmcb->save.dr7 = state->dr[7];
	if (s->loaded)
		svm_debug_arm(s);
	svm_changed(s, VMCB_CLEAN_DRX);
}

/* ---- STATE_MSR */

static void get_msrs(struct svm_vcpu *s)
{
	const struct vmcb_save *save = &s->vmcb->save;
	struct cpu_state *state = &s->vcpu.state;

	state->star = save->star;
	state->lstar = save->lstar;
	state->cstar = save->cstar;
	state->sfmask = save->sfmask;
	state->kernel_gs_base = save->kernel_gs_base;
	state->sysenter_cs = save->sysenter_cs;
	state->sysenter_esp = save->sysenter_esp;
	state->sysenter_eip = save->sysenter_eip;
	state->pat = save->g_pat;
	if (svm_features.lbr_virt)
		state->debugctl = save->dbgctl;
	if (s->loaded && svm_features.rdtscp)
		state->tsc_aux = x86_rdmsr(MSR_TSC_AUX);
	if (s->loaded && svm_features.pks)
		state->pkrs = x86_rdmsr(MSR_PKRS);
	if (s->loaded && svm_features.spec_ctrl)
		state->spec_ctrl = x86_rdmsr(MSR_SPEC_CTRL);
}

static void set_msrs(struct svm_vcpu *s)
{
	struct vmcb_save *save = &s->vmcb->save;
	const struct cpu_state *state = &s->vcpu.state;

	save->star = state->star;
	save->lstar = state->lstar;
	save->cstar = state->cstar;
	save->sfmask = state->sfmask;
	save->kernel_gs_base = state->kernel_gs_base;
	save->sysenter_cs = state->sysenter_cs;
	save->sysenter_esp = state->sysenter_esp;
	save->sysenter_eip = state->sysenter_eip;
	save->g_pat = state->pat;
	save->dbgctl = svm_features.lbr_virt ? state->debugctl : 0;
	if (s->loaded && svm_features.rdtscp)
		x86_wrmsr(MSR_TSC_AUX, state->tsc_aux);
	if (s->loaded && svm_features.pks)
		x86_wrmsr(MSR_PKRS, state->pkrs);
	if (s->loaded && svm_features.spec_ctrl)
		x86_wrmsr(MSR_SPEC_CTRL, state->spec_ctrl);
	svm_changed(s, VMCB_CLEAN_NP | VMCB_CLEAN_LBR | SVM_DIRTY_LOADED);
}

/* ---- STATE_INT: the VMCB does not tell STI's shadow from that of MOV SS, which blocks more. */

static void get_interruptibility(struct svm_vcpu *s)
{
	struct cpu_state *state = &s->vcpu.state;

	state->shadow = s->vmcb->control.int_shadow & VMCB_INTERRUPT_SHADOW ? SHADOW_MOV_SS : 0;
	state->nmi_blocked = s->nmi_blocked;
}

static void set_interruptibility(struct svm_vcpu *s)
{
	s->vmcb->control.int_shadow = s->vcpu.state.shadow ? VMCB_INTERRUPT_SHADOW : 0;
	svm_set_nmi_blocked(s, s->vcpu.state.nmi_blocked);
	/* What was to be injected belonged to the state before: a reset, an INIT. */
	s->vmcb->control.eventinj = 0;
	s->soft_len = 0;
}

/*
 * STATE_PDPTE: under nested paging the CPU keeps them to itself; they are what is in memory.
 * [APM] vol. 2 "Legacy PAE Mode" in "Nested Paging and VMRUN/#VMEXIT" (15.25.10)
 */
static void get_pdptes(struct svm_vcpu *s)
{
	const struct vmcb_save *save = &s->vmcb->save;
	struct cpu_state *state = &s->vcpu.state;
	bool pae = (save->cr0 & CR0_PG) && (save->cr4 & CR4_PAE) && !(save->efer & EFER_LMA);

	if (!pae || memory_read(s->vcpu.vm, gpa(save->cr3 & BITS(31, 5)), state->pdpte,
				sizeof(state->pdpte)))
		for (unsigned i = 0; i < ARRAY_SIZE(state->pdpte); i++)
			state->pdpte[i] = 0;
}

bool svm_breakpoints(const struct vcpu *v)
{
	return container_of(v, const struct svm_vcpu, vcpu)->vmcb->save.dr7 & DR7_ENABLED;
}

void svm_get_state(struct vcpu *v, unsigned parts)
{
	struct svm_vcpu *s = svm_vcpu(v);

	if (parts & STATE_EXEC)
		get_exec(s);
	if (likely(!(parts & ~STATE_EXEC)))
		return;
	if (parts & STATE_SEG)
		get_segments(s);
	if (parts & STATE_CR2)
		v->state.cr2 = s->vmcb->save.cr2;
	if (parts & STATE_DR)
		get_debug(s);
	if (parts & STATE_MSR)
		get_msrs(s);
	if ((parts & STATE_XSAVE) && s->loaded)
		hw_fpu_save(v);
	if (parts & STATE_INT)
		get_interruptibility(s);
	if (parts & STATE_PDPTE)
		get_pdptes(s);
	if (parts & STATE_TSC)
		v->state.tsc_offset = s->vmcb->control.tsc_offset;
}

void svm_set_cr2(struct svm_vcpu *s, u64 value)
{
	s->vmcb->save.cr2 = value;
	if (s->loaded)
		x86_write_cr2(value); /* Bochs 2.7: VMRUN leaves it alone */
}

void svm_set_state(struct vcpu *v, unsigned parts)
{
	struct svm_vcpu *s = svm_vcpu(v);

	if (parts & STATE_EXEC)
		set_exec(s);
	if (parts & STATE_SEG)
		set_segments(s);
	if (parts & STATE_CR2) {
		svm_set_cr2(s, v->state.cr2);
		svm_changed(s, VMCB_CLEAN_CR2);
	}
	if (parts & STATE_DR)
		set_debug(s);
	if (parts & STATE_MSR)
		set_msrs(s);
	if ((parts & STATE_XSAVE) && s->loaded)
		hw_fpu_load(v);
	if (parts & STATE_INT)
		set_interruptibility(s);
	if (parts & STATE_TSC) {
		s->vmcb->control.tsc_offset = v->state.tsc_offset;
		svm_changed(s, VMCB_CLEAN_I);
	}
}
