/*
 * vmx_state.c - guest state between the VMCS and the normal form of vm/state.h
 *
 * Owns: what is kept where, and the conversions.
 * Must not know: when an entry happens (vmx_vcpu.c).
 *
 * Sources: [SDM] "Guest-State Area" (25.4), "Guest/Host Masks and Read Shadows for CR0 and
 * CR4" (25.6.6), "IA-32e mode guest" in "VM-Entry Controls" (25.8.1).
 */
#include "intel/vmx.h"

#include "hw/hw.h"
#include "x86_ops.h"

/* ---- Segments ---------------------------------------------------------------- */

/* A segment's four fields lie at equal distances in their groups. */
#define SEGMENT_FIELD(group, index) ((enum vmcs_field)((group) + VMCS_SEG_STEP * (index)))

static const u8 vmcs_segment[SEG_COUNT] = {
	[SEG_ES] = VMCS_SEG_ES, [SEG_CS] = VMCS_SEG_CS, [SEG_SS] = VMCS_SEG_SS,
	[SEG_DS] = VMCS_SEG_DS, [SEG_FS] = VMCS_SEG_FS, [SEG_GS] = VMCS_SEG_GS,
};

static u32 rights_of(u16 attr)
{
	if (!attr)
		return ACCESS_RIGHTS_UNUSABLE;
	return (attr & 0xff) | (u32)(attr & 0xf00) << ACCESS_RIGHTS_HIGH_SHIFT;
}

static u16 attr_of(u64 rights)
{
	if (rights & ACCESS_RIGHTS_UNUSABLE)
		return 0;
	return (rights & 0xff) | (rights >> ACCESS_RIGHTS_HIGH_SHIFT & 0xf00);
}

static void write_segment(unsigned index, const struct segment *segment, u32 rights)
{
	vmwrite(SEGMENT_FIELD(VMCS_GUEST_ES_SELECTOR, index), segment->selector);
	vmwrite(SEGMENT_FIELD(VMCS_GUEST_ES_BASE, index), segment->base);
	vmwrite(SEGMENT_FIELD(VMCS_GUEST_ES_LIMIT, index), segment->limit);
	vmwrite(SEGMENT_FIELD(VMCS_GUEST_ES_ACCESS_RIGHTS, index), rights);
}

static void read_segment(unsigned index, struct segment *segment)
{
	segment->selector = (u16)vmread(SEGMENT_FIELD(VMCS_GUEST_ES_SELECTOR, index));
	segment->base = vmread(SEGMENT_FIELD(VMCS_GUEST_ES_BASE, index));
	segment->limit = (u32)vmread(SEGMENT_FIELD(VMCS_GUEST_ES_LIMIT, index));
	segment->attr = attr_of(vmread(SEGMENT_FIELD(VMCS_GUEST_ES_ACCESS_RIGHTS, index)));
}

/* The CPL is SS's DPL, whether SS is usable or not. [SDM] "Guest Register State" (25.4.1) */
static u64 read_cpl(void)
{
	return (vmread(VMCS_GUEST_SS_ACCESS_RIGHTS) & SEG_ATTR_DPL) >> SEG_ATTR_DPL_SHIFT;
}

static void write_ss_rights(u64 rights, u64 cpl)
{
	vmwrite(VMCS_GUEST_SS_ACCESS_RIGHTS, (rights & ~SEG_ATTR_DPL) | cpl << SEG_ATTR_DPL_SHIFT);
}

static void write_segments(const struct cpu_state *state)
{
	u64 cpl = read_cpl();

	for (unsigned i = 0; i < SEG_COUNT; i++) {
		if (i != SEG_CS)
			write_segment(vmcs_segment[i], &state->seg[i],
				      rights_of(state->seg[i].attr));
	}
	write_ss_rights(rights_of(state->seg[SEG_SS].attr), cpl);
	write_segment(VMCS_SEG_LDTR, &state->ldtr, rights_of(state->ldtr.attr));
	write_segment(VMCS_SEG_TR, &state->tr, rights_of(state->tr.attr));
	vmwrite(VMCS_GUEST_GDTR_BASE, state->gdtr.base);
	vmwrite(VMCS_GUEST_GDTR_LIMIT, state->gdtr.limit);
	vmwrite(VMCS_GUEST_IDTR_BASE, state->idtr.base);
	vmwrite(VMCS_GUEST_IDTR_LIMIT, state->idtr.limit);
}

static void read_segments(struct cpu_state *state)
{
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		if (i != SEG_CS)
			read_segment(vmcs_segment[i], &state->seg[i]);
	}
	read_segment(VMCS_SEG_LDTR, &state->ldtr);
	read_segment(VMCS_SEG_TR, &state->tr);
	state->gdtr.base = vmread(VMCS_GUEST_GDTR_BASE);
	state->gdtr.limit = (u16)vmread(VMCS_GUEST_GDTR_LIMIT);
	state->idtr.base = vmread(VMCS_GUEST_IDTR_BASE);
	state->idtr.limit = (u16)vmread(VMCS_GUEST_IDTR_LIMIT);
}

/* ---- Execution mode ---------------------------------------------------------- */

/*
 * Bits that the CPU must see set, whatever the guest thinks: those of FIXED0, but not PE and
 * PG (unrestricted guest); the host's CR4.MCE.  Bits that the guest may not own are set in
 * its read shadow only.  CD and NW are never loaded by an entry.
 */
static void write_cr0(u64 value)
{
	const struct vmx_caps *caps = &vmx_machine.caps;
	u64 real = value & caps->cr0_fixed1 & ~(CR0_CD | CR0_NW);

	vmwrite(VMCS_GUEST_CR0, real | (caps->cr0_fixed0 & ~(CR0_PE | CR0_PG)));
	vmwrite(VMCS_CR0_READ_SHADOW, value);
}

static void write_cr4(u64 value)
{
	const struct vmx_caps *caps = &vmx_machine.caps;
	u64 real = (value & caps->cr4_fixed1) | caps->cr4_fixed0;

	vmwrite(VMCS_GUEST_CR4, real | (vmread(VMCS_HOST_CR4) & CR4_MCE));
	vmwrite(VMCS_CR4_READ_SHADOW, value);
}

static u64 guest_view(u64 real, u64 shadow, u64 owned)
{
	return (real & owned) | (shadow & ~owned);
}

/* EFER.LMA and the mode of the guest follow CR0.PG and EFER.LME. */
static void write_efer(struct intel_vcpu *iv, u64 efer, u64 cr0)
{
	u64 entry = vmread(VMCS_ENTRY_CONTROLS) & ~ENTRY_CTL_IA32E_GUEST;

	efer &= ~EFER_LMA;
	if ((efer & EFER_LME) && (cr0 & CR0_PG)) {
		efer |= EFER_LMA;
		entry |= ENTRY_CTL_IA32E_GUEST;
	}
	iv->vcpu.state.efer = efer;
	vmwrite(VMCS_GUEST_EFER, efer);
	vmwrite(VMCS_ENTRY_CONTROLS, entry);
}

/*
 * The mode in which the guest runs next: CR0, CR3, CR4, EFER, CS and the CPL become those of the
 * neutral state.  The CPL has no field: it is SS's DPL.  The VMCS keeps CR0 and CR4 twice, and
 * the entry controls must agree with EFER and CR0: write_cr0, write_cr4, write_efer.
 * Paging may have changed, and an entry with a VPID flushes nothing: so a flush is due.
 * [SDM] "Guest Register State" (25.4.1), "Checks on Guest Control Registers, Debug Registers, and
 * MSRs" (27.3.1.1)
 */
static void write_exec(struct intel_vcpu *iv)
{
	struct cpu_state *state = &iv->vcpu.state;

	write_cr0(state->cr0);
	vmwrite(VMCS_GUEST_CR3, state->cr3);
	write_cr4(state->cr4);
	write_efer(iv, state->efer, state->cr0);
	write_segment(VMCS_SEG_CS, &state->seg[SEG_CS], rights_of(state->seg[SEG_CS].attr));
	write_ss_rights(vmread(VMCS_GUEST_SS_ACCESS_RIGHTS), state->cpl);
	iv->todo |= VMX_TODO_FLUSH;
}

static void read_exec(struct intel_vcpu *iv)
{
	struct cpu_state *state = &iv->vcpu.state;

	state->cr0 = guest_view(vmread(VMCS_GUEST_CR0), vmread(VMCS_CR0_READ_SHADOW),
				iv->cr0_owned);
	state->cr3 = vmread(VMCS_GUEST_CR3);
	state->cr4 = guest_view(vmread(VMCS_GUEST_CR4), vmread(VMCS_CR4_READ_SHADOW),
				iv->cr4_owned);
	state->efer = vmread(VMCS_GUEST_EFER);
	state->cpl = (u8)read_cpl();
	read_segment(VMCS_SEG_CS, &state->seg[SEG_CS]);
}

/* ---- MSRs -------------------------------------------------------------------- */

static void load_msrs(const struct cpu_state *state)
{
	x86_wrmsr(MSR_STAR, state->star);
	x86_wrmsr(MSR_LSTAR, state->lstar);
	x86_wrmsr(MSR_CSTAR, state->cstar);
	x86_wrmsr(MSR_SFMASK, state->sfmask);
	x86_wrmsr(MSR_KERNEL_GS_BASE, state->kernel_gs_base);
	if (vmx_machine.tsc_aux)
		x86_wrmsr(MSR_TSC_AUX, state->tsc_aux);
	if (vmx_machine.pks)
		x86_wrmsr(MSR_PKRS, state->pkrs);
	if (vmx_machine.spec_ctrl)
		x86_wrmsr(MSR_SPEC_CTRL, state->spec_ctrl);
}

static void write_msrs(const struct cpu_state *state)
{
	vmwrite(VMCS_GUEST_SYSENTER_CS, state->sysenter_cs);
	vmwrite(VMCS_GUEST_SYSENTER_ESP, state->sysenter_esp);
	vmwrite(VMCS_GUEST_SYSENTER_EIP, state->sysenter_eip);
	vmwrite(VMCS_GUEST_PAT, state->pat);
	vmwrite(VMCS_GUEST_DEBUGCTL, state->debugctl);
}

static void read_msrs(struct cpu_state *state)
{
	state->star = x86_rdmsr(MSR_STAR);
	state->lstar = x86_rdmsr(MSR_LSTAR);
	state->cstar = x86_rdmsr(MSR_CSTAR);
	state->sfmask = x86_rdmsr(MSR_SFMASK);
	state->kernel_gs_base = x86_rdmsr(MSR_KERNEL_GS_BASE);
	if (vmx_machine.tsc_aux)
		state->tsc_aux = x86_rdmsr(MSR_TSC_AUX);
	if (vmx_machine.pks)
		state->pkrs = x86_rdmsr(MSR_PKRS);
	if (vmx_machine.spec_ctrl)
		state->spec_ctrl = x86_rdmsr(MSR_SPEC_CTRL);
	state->sysenter_cs = vmread(VMCS_GUEST_SYSENTER_CS);
	state->sysenter_esp = vmread(VMCS_GUEST_SYSENTER_ESP);
	state->sysenter_eip = vmread(VMCS_GUEST_SYSENTER_EIP);
	state->pat = vmread(VMCS_GUEST_PAT);
	state->debugctl = vmread(VMCS_GUEST_DEBUGCTL);
}

/* ---- Interruptibility -------------------------------------------------------- */

_Static_assert(SHADOW_STI == INTERRUPTIBILITY_STI && SHADOW_MOV_SS == INTERRUPTIBILITY_MOV_SS,
	       "the normal form is the VMCS's");

static void write_interruptibility(struct intel_vcpu *iv)
{
	const struct cpu_state *state = &iv->vcpu.state;
	u64 value = state->shadow & INTERRUPTIBILITY_SHADOW;

	if (state->nmi_blocked)
		value |= INTERRUPTIBILITY_NMI;
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY, value);
	vmx_fix_pending_debug(iv);
	/* What was to be injected belonged to the state before: a reset, an INIT. */
	vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, 0);
}

static void read_interruptibility(struct cpu_state *state)
{
	u64 value = vmread(VMCS_GUEST_INTERRUPTIBILITY);

	state->shadow = value & INTERRUPTIBILITY_SHADOW;
	state->nmi_blocked = value & INTERRUPTIBILITY_NMI;
}

/* ---- Parts ------------------------------------------------------------------- */

void vmx_get_state(struct vcpu *v, unsigned parts)
{
	struct intel_vcpu *iv = vmx_vcpu(v);
	struct cpu_state *state = &v->state;

	/* vmx_unload fetched all of it, and v->state has been the truth since. */
	if (iv->loaded_on < 0)
		return;
	if (parts & STATE_EXEC)
		read_exec(iv);
	if (parts & STATE_SEG)
		read_segments(state);
	if (parts & STATE_CR2)
		state->cr2 = x86_read_cr2();
	if (parts & STATE_DR) {
		hw_debug_save(v, true);
		state->dr[7] = vmread(VMCS_GUEST_DR7);
	}
	if (parts & STATE_MSR)
		read_msrs(state);
	if (parts & STATE_XSAVE)
		hw_fpu_save(v);
	if (parts & STATE_INT)
		read_interruptibility(state);
	if (parts & STATE_PDPTE) {
		for (unsigned i = 0; i < ARRAY_SIZE(state->pdpte); i++)
			state->pdpte[i] = vmread((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i));
	}
	if (parts & STATE_TSC)
		state->tsc_offset = vmread(VMCS_TSC_OFFSET);
}

/* Of the vCPU that runs on this CPU. */
bool vmx_breakpoints(const struct vcpu *v UNUSED)
{
	return vmread(VMCS_GUEST_DR7) & DR7_ENABLED;
}

void vmx_set_state(struct vcpu *v, unsigned parts)
{
	struct intel_vcpu *iv = vmx_vcpu(v);
	struct cpu_state *state = &v->state;

	if (iv->loaded_on < 0) {
		iv->set |= parts;
		return;
	}
	/* Segments before execution mode, which holds the CPL that SS must show. */
	if (parts & STATE_SEG)
		write_segments(state);
	if (parts & STATE_EXEC)
		write_exec(iv);
	if (parts & STATE_CR2)
		x86_write_cr2(state->cr2);
	if (parts & STATE_DR) {
		hw_debug_load(v, true);
		vmwrite(VMCS_GUEST_DR7, state->dr[7]);
	}
	if (parts & STATE_MSR) {
		load_msrs(state);
		write_msrs(state);
	}
	if (parts & STATE_XSAVE)
		hw_fpu_load(v);
	if (parts & STATE_INT)
		write_interruptibility(iv);
	if (parts & STATE_PDPTE) {
		for (unsigned i = 0; i < ARRAY_SIZE(state->pdpte); i++)
			vmwrite((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), state->pdpte[i]);
	}
	if (parts & STATE_TSC)
		vmwrite(VMCS_TSC_OFFSET, state->tsc_offset);
	if (vmx_explain_groups(parts))
		vmx_changed(iv, vmx_explain_groups(parts));
}

void vmx_load_registers(struct vcpu *v)
{
	x86_write_cr2(v->state.cr2);
	hw_debug_load(v, true);
	load_msrs(&v->state);
	hw_fpu_load(v);
}
