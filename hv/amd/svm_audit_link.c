/*
 * svm_audit_link.c - the audit's place at VMRUN
 *
 * Owns: what is called in place of the world switch and of its short way; what of this CPU must
 * stay as it is.
 * Must not know: rules of a VMCB (svm_audit.c).
 *
 * Neither emulator heeds clean bits, and both have more ASIDs than a test uses up.  So this build
 * pretends: clean bits are set as if the CPU heeded them, and ASIDs are few.
 */
#include "amd/svm.h"
#include "amd/svm_audit.h"
#include "audit/link.h"
#include "x86_ops.h"

#define ASIDS 5 /* 1 to 4 */

typedef bool again_fn(struct gpregs *regs);

void __real_svm_enter(struct gpregs *regs, u64 vmcb_pa, u64 host_pa, again_fn *again);
void __wrap_svm_enter(struct gpregs *regs, u64 vmcb_pa, u64 host_pa, again_fn *again);
again_fn __real_svm_go_on, __wrap_svm_go_on, __real_svm_go_on_nrips, __wrap_svm_go_on_nrips;

static struct svm_audit_machine machine;

void svm_audit_begin(void)
{
	struct cpuid_regs svm = x86_cpuid(CPUID_SVM, 0);

	svm_features.clean = VMCB_CLEAN_ALL;
	svm_features.asids = MIN(svm.ebx, ASIDS);
	machine = (struct svm_audit_machine){
		.asids = svm_features.asids, /* what it pretends to have */
		.rdpru = x86_cpuid(CPUID_SIZES, 0).ebx & CPUID_SIZES_EBX_RDPRU,
		.debug_exits = svm_features.debug_exits, /* found out by trying */
		.lbr_virt = svm.edx & CPUID_SVM_EDX_LBR_VIRT,
		.flush_by_asid = svm.edx & CPUID_SVM_EDX_FLUSH_BY_ASID,
	};
}

/* ---- The host ------------------------------------------------------------------------ */

struct PACKED table_pointer {
	u16 limit;
	u64 base;
};

/* What a CPU had at its first entry, and must have at all others. */
static struct host {
	bool known;
	u64 hsave, area, efer, cr3, cr4, gdt, idt;
} hosts[HOST_MAX_CPUS];

static struct host host_now_is(u64 area)
{
	struct table_pointer gdt, idt;

	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("sidt %0" : "=m"(idt));
	return (struct host){ .known = true,
			      .hsave = x86_rdmsr(MSR_VM_HSAVE_PA),
			      .area = area,
			      .efer = x86_rdmsr(MSR_EFER),
			      .cr3 = x86_read_cr3(),
			      .cr4 = x86_read_cr4(),
			      .gdt = gdt.base,
			      .idt = idt.base };
}

/* Pages that only one CPU may use, and nobody else. */
static void look_at_sharing(struct audit_vcpu *a, const struct host *now)
{
	for (unsigned cpu = 0; cpu < host_cpu_count(); cpu++) {
		if (cpu == a->cpu || !hosts[cpu].known)
			continue;
		audit_expect(a, AUDIT_HOST, hosts[cpu].hsave != now->hsave,
			     "a host save area for each CPU", 0, now->hsave);
		audit_expect(a, AUDIT_HOST, hosts[cpu].area != now->area,
			     "a VMSAVE area for each CPU", 0, now->area);
	}
}

static void look_at_host(struct audit_vcpu *a, u64 vmcb_pa, u64 area)
{
	const struct vmcb *b = svm_vcpu(a->v)->vmcb;
	struct host now = host_now_is(area), *was = &hosts[a->cpu];

	audit_count(a, AUDIT_HOST);
	audit_equal(a, AUDIT_HOST, "the VMCB of this vCPU", host_hpa(b).v, vmcb_pa);
	audit_expect(a, AUDIT_HOST, now.hsave && IS_ALIGNED(now.hsave, PAGE_SIZE),
		     "VM_HSAVE_PA is a page", 0, now.hsave);
	audit_expect(a, AUDIT_HOST, now.hsave != vmcb_pa && now.hsave != area && area != vmcb_pa,
		     "the host's areas and the VMCB are different pages", now.hsave, area);
	audit_expect(a, AUDIT_HOST, now.efer & EFER_SVME, "EFER.SVME", EFER_SVME, now.efer);
	audit_expect(a, AUDIT_HOST, !(x86_rflags() & RFLAGS_IF), "interrupts are off", 0,
		     x86_rflags());
	if (!was->known) {
		look_at_sharing(a, &now);
		*was = now;
		return;
	}
	audit_equal(a, AUDIT_HOST, "VM_HSAVE_PA", was->hsave, now.hsave);
	audit_equal(a, AUDIT_HOST, "the host's VMSAVE area", was->area, now.area);
	audit_equal(a, AUDIT_HOST, "the host's EFER", was->efer, now.efer);
	audit_equal(a, AUDIT_HOST, "the host's CR3", was->cr3, now.cr3);
	audit_equal(a, AUDIT_HOST, "the host's CR4", was->cr4, now.cr4);
	audit_equal(a, AUDIT_HOST, "the host's GDT", was->gdt, now.gdt);
	audit_equal(a, AUDIT_HOST, "the host's IDT", was->idt, now.idt);
}

/* ---- Maps: as the CPU finds them ---------------------------------------------------------- */

static void look_at_maps(struct audit_vcpu *a, const struct vmcb *b)
{
	static const u32 first[] = { 0, 0xc0000000, 0xc0010000 };
	const u8 *msrpm = host_ptr(hpa(b->control.msrpm_base_pa));

	audit_count(a, AUDIT_MAPS);
	audit_map(a, "all ports exit", host_ptr(hpa(b->control.iopm_base_pa)), VMCB_IOPM_SIZE);
	for (unsigned part = 0; part < ARRAY_SIZE(first); part++)
		for (unsigned write = 0; write < 2; write++)
			audit_msr_map(
			    a, &(struct audit_msr_map){ .map = msrpm + part * VMCB_MSRPM_PART,
							.first = first[part],
							.count = VMCB_MSRPM_PART_MSRS,
							.step = 2,
							.offset = write,
							.what = write ? "WRMSR exits, or passes"
								      : "RDMSR exits, or passes" });
}

/* ---- Entries ------------------------------------------------------------------------------- */

/* One VMRUN: what can be looked at in memory alone. */
static void look(struct audit_vcpu *a, const struct vmcb *b, bool new)
{
	svm_audit_tlb(a, b, &machine);
	svm_audit_clean(a, b, new ? NULL : a->image);
	svm_audit_intercepts(a, b, &machine);
	svm_audit_events(a, b);
}

static void entering(struct audit_vcpu *a, u64 vmcb_pa, u64 area)
{
	const struct vmcb *b = svm_vcpu(a->v)->vmcb;
	u64 stay = a->stay;

	audit_enter(a, host_cpu());
	audit_tables(a, b->control.n_cr3, audit_whole(a));
	audit_equal(a, AUDIT_TABLES, "N_CR3", host_hpa(svm_vm(a->v->vm)->npt.root).v,
		    b->control.n_cr3);
	look(a, b, a->stay != stay);
	look_at_host(a, vmcb_pa, area);
	if (audit_seldom(a))
		look_at_maps(a, b);
	audit_say(a);
	__builtin_memcpy(a->image, b, sizeof(*b));
}

void __wrap_svm_enter(struct gpregs *regs, u64 vmcb_pa, u64 host_pa, again_fn *again)
{
	struct audit_vcpu *a = audit_find(container_of(regs, struct vcpu, regs));

	if (a)
		entering(a, vmcb_pa, host_pa);
	__real_svm_enter(regs, vmcb_pa, host_pa, again); /* a probe's, without a record */
	if (!a)
		return;
	svm_audit_left(a, svm_vcpu(a->v)->vmcb);
	audit_say(a);
}

/*
 * The short way: the guest's GS is in the CPU, so nothing may be said, and nobody asked which CPU
 * this is.
 */
static bool goes_on(struct gpregs *regs, again_fn *go_on)
{
	struct audit_vcpu *a = audit_find(container_of(regs, struct vcpu, regs));
	const struct vmcb *b = svm_vcpu(a->v)->vmcb;

	svm_audit_left(a, b);
	if (!go_on(regs))
		return false;
	audit_short(a);
	look(a, b, false);
	__builtin_memcpy(a->image, b, sizeof(*b));
	return true;
}

bool __wrap_svm_go_on(struct gpregs *regs)
{
	return goes_on(regs, __real_svm_go_on);
}

bool __wrap_svm_go_on_nrips(struct gpregs *regs)
{
	return goes_on(regs, __real_svm_go_on_nrips);
}
