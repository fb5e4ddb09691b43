/*
 * svm.c - AMD-V behind virt.h
 *
 * Owns: probing, switching SVM on and off, making VMs and vCPUs, binding them to a CPU, and
 * the short way into the guest.
 * Must not know: what an exit means, which event is due.
 *
 * Source: [APM] vol. 2 "Secure Virtual Machine" (15).
 */
#include "amd/svm.h"

#include "amd/svm_offsets.h"
#include "hw/hw.h"
#include "lib/string.h"
#include "vm/msr.h"
#include "x86_ops.h"

ASSERT_OFFSET(struct gpregs, r[REG_RCX], REGS_RCX);
ASSERT_OFFSET(struct gpregs, r[REG_RDX], REGS_RDX);
ASSERT_OFFSET(struct gpregs, r[REG_RBX], REGS_RBX);
ASSERT_OFFSET(struct gpregs, r[REG_RBP], REGS_RBP);
ASSERT_OFFSET(struct gpregs, r[REG_RSI], REGS_RSI);
ASSERT_OFFSET(struct gpregs, r[REG_RDI], REGS_RDI);
ASSERT_OFFSET(struct gpregs, r[REG_R8], REGS_R8);
ASSERT_OFFSET(struct gpregs, r[REG_R9], REGS_R9);
ASSERT_OFFSET(struct gpregs, r[REG_R10], REGS_R10);
ASSERT_OFFSET(struct gpregs, r[REG_R11], REGS_R11);
ASSERT_OFFSET(struct gpregs, r[REG_R12], REGS_R12);
ASSERT_OFFSET(struct gpregs, r[REG_R13], REGS_R13);
ASSERT_OFFSET(struct gpregs, r[REG_R14], REGS_R14);
ASSERT_OFFSET(struct gpregs, r[REG_R15], REGS_R15);

#define IOPM_ORDER 2 /* 12 KiB in the smallest block that holds them */
#define MSRPM_ORDER 1
#define TRAP_EVERYTHING 0xff
#define PROBE_ASID 1
#define PROBE_VECTOR 0x20
#define CS_64BIT (0xb | SEG_ATTR_S | SEG_ATTR_P | SEG_ATTR_L | SEG_ATTR_G)
#define SS_FLAT (0x3 | SEG_ATTR_S | SEG_ATTR_P | SEG_ATTR_DB | SEG_ATTR_G)
#define CPUID_7_EDX_SPEC_CTRL BIT(26)
#define CPUID_7_ECX_PKS BIT(31)

struct svm_features svm_features;

/* Of each CPU on which SVM is on. */
static struct svm_cpu {
	void *hsave; /* where VMRUN keeps the host's state */
	struct vmcb *host; /* where we VMSAVE the rest of it */
	u64 efer; /* before */
	u32 next_asid;
	u32 generation; /* of ASIDs; those of an older one are worth nothing */
	bool flush_all;
} cpus[HOST_MAX_CPUS];

/* 2.7 of Bochs lets a guest with IF=0 keep our interrupts out; found out by trying. */
static bool interrupts_masked_by_guest;

static inline void vmsave(u64 pa)
{
	__asm__ volatile("vmsave %%rax" ::"a"(pa) : "memory");
}

/* ---- The machine ---------------------------------------------------------------- */

static bool max_leaf_at_least(u32 leaf)
{
	return x86_cpuid(leaf & 0x80000000u, 0).eax >= leaf;
}

/*
 * Can this machine run guests by AMD-V?  NULL, or a sentence that begins with "AMD-V: " and says
 * what is missing and where to enable it.  Three questions, each of which makes sense only if
 * the one before was answered by yes: does CPUID offer SVM, in a leaf that not every CPU has; has
 * the firmware left it on (VM_CR.SVMDIS; CPUID_SVM_EDX_SVML says whether the switch is locked
 * too); is there nested paging?  Changes nothing.
 * [APM] vol. 2 "Enabling SVM" (15.4)
 */
static const char *probe(void)
{
	if (!max_leaf_at_least(CPUID_EXT_FEATURES) ||
	    !(x86_cpuid(CPUID_EXT_FEATURES, 0).ecx & CPUID_EXT_ECX_SVM))
		return "AMD-V: this CPU does not offer SVM; it takes an AMD CPU with \"SVM Mode\" "
		       "enabled in the firmware setup, or QEMU with -cpu max.";
	if (x86_rdmsr(MSR_VM_CR) & VM_CR_SVMDIS) {
		if (x86_cpuid(CPUID_SVM, 0).edx & CPUID_SVM_EDX_SVML)
			return "AMD-V: the firmware has disabled and locked SVM; enable "
			       "\"SVM Mode\" (AMD virtualization) in the firmware setup and "
			       "restart.";
		return "AMD-V: the firmware has disabled SVM (VM_CR.SVMDIS); enable \"SVM Mode\" "
		       "(AMD virtualization) in the firmware setup and restart.";
	}
	if (!(x86_cpuid(CPUID_SVM, 0).edx & CPUID_SVM_EDX_NP))
		return "AMD-V: SVM is there, but nested paging (NPT) is not; enable it in the "
		       "firmware setup, or run QEMU with -cpu max and without -npt.";
	return NULL;
}

static void read_features(struct svm_features *f)
{
	struct cpuid_regs svm = x86_cpuid(CPUID_SVM, 0), ext = x86_cpuid(CPUID_EXT_FEATURES, 0);
	struct cpuid_regs sizes = { .eax = 48 << 8 | 36 }; /* what the oldest have */

	if (max_leaf_at_least(CPUID_SIZES))
		sizes = x86_cpuid(CPUID_SIZES, 0);
	f->asids = svm.ebx;
	f->clean = svm.edx & CPUID_SVM_EDX_VMCB_CLEAN ? VMCB_CLEAN_ALL : 0;
	f->phys_bits = (u8)sizes.eax;
	f->linear_bits = (u8)(sizes.eax >> 8);
	f->nrips = svm.edx & CPUID_SVM_EDX_NRIPS;
	f->flush_by_asid = svm.edx & CPUID_SVM_EDX_FLUSH_BY_ASID;
	f->decode_assists = svm.edx & CPUID_SVM_EDX_DECODE_ASSISTS;
	f->lbr_virt = svm.edx & CPUID_SVM_EDX_LBR_VIRT;
	f->rdpru = sizes.ebx & CPUID_SIZES_EBX_RDPRU;
	f->rdtscp = ext.edx & CPUID_EXT_EDX_RDTSCP;
	f->spec_ctrl = max_leaf_at_least(7) && (x86_cpuid(7, 0).edx & CPUID_7_EDX_SPEC_CTRL);
	f->pks = max_leaf_at_least(7) && (x86_cpuid(7, 0).ecx & CPUID_7_ECX_PKS);
}

/*
 * A guest that shares the host's address space and executes VMMCALL with interrupts off,
 * while one of the host's is pending.  It must not get that far.
 */
void svm_probe_vmcb(struct vmcb *b)
{
	const struct vmcb_segment flat = { .attrib = SS_FLAT, .limit = ~0u };

	b->control.intercept_exceptions = ~0u;
	b->control.intercept_misc1 = VMCB_INTERCEPT_INTR | VMCB_INTERCEPT_NMI |
				     (u32)VMCB_INTERCEPT_SHUTDOWN;
	b->control.intercept_misc2 = VMCB_INTERCEPT_VMRUN | VMCB_INTERCEPT_VMMCALL;
	b->control.guest_asid = PROBE_ASID;
	b->control.tlb_control = VMCB_TLB_FLUSH_ALL;
	b->control.int_control = VMCB_V_INTR_MASKING;
	b->save.es = b->save.ss = b->save.ds = flat;
	b->save.cs = (struct vmcb_segment){ .attrib = CS_64BIT, .limit = ~0u };
	b->save.cr0 = x86_read_cr0();
	b->save.cr3 = x86_read_cr3();
	b->save.cr4 = x86_read_cr4();
	b->save.efer = x86_rdmsr(MSR_EFER);
	b->save.dr6 = DR6_FIXED;
	b->save.dr7 = DR7_FIXED;
	b->save.g_pat = PAT_RESET;
	b->save.rflags = RFLAGS_ONE;
	b->save.rip = (u64)(uintptr_t)svm_probe_guest;
}

static int probe_interrupt_mask(const struct svm_cpu *cpu)
{
	struct vmcb *b = host_alloc_pages(0);
	struct gpregs regs = { 0 };

	if (!b)
		return -HOST_ENOMEM;
	svm_probe_vmcb(b);
	if (host_pend_interrupt()) {
		svm_enter(&regs, host_hpa(b).v, host_hpa(cpu->host).v, svm_stop);
		interrupts_masked_by_guest = (u32)b->control.exitcode == VMCB_EXIT_VMMCALL;
		host_take_interrupts();
	}
	host_free_pages(b, 0);
	return 0;
}

/*
 * Is V_IRQ taken before the first instruction of a guest that is entered with IF set?  It meets an
 * IDT without gates then.  Bochs 2.7 executes VMMCALL first.
 */
static int probe_virtual_interrupts(const struct svm_cpu *cpu)
{
	struct vmcb *b = host_alloc_pages(0);
	struct gpregs regs = { 0 };

	if (!b)
		return -HOST_ENOMEM;
	do {
		host_take_interrupts(); /* they go first */
		svm_probe_vmcb(b);
		b->control.int_control |= VMCB_V_IRQ | VMCB_V_INTR_PRIO | VMCB_V_IGN_TPR |
					  (u64)PROBE_VECTOR << VMCB_V_INTR_VECTOR_SHIFT;
		b->save.rflags |= RFLAGS_IF;
		svm_enter(&regs, host_hpa(b).v, host_hpa(cpu->host).v, svm_stop);
	} while (b->control.exitcode == VMCB_EXIT_INTR);
	svm_features.virtual_interrupts =
		b->control.exitcode == VMCB_EXIT_EXCEPTION + VECTOR_GP;
	host_free_pages(b, 0);
	return 0;
}

/*
 * Does an intercepted #DB leave in DR6 what a handler of the guest's would find there?  Bochs 2.7
 * does not.  QEMU 7.2, known by its missing NRIP save, does, but steps otherwise behind it, and an
 * endless #DB ends QEMU all the same.
 */
static int probe_debug(const struct svm_cpu *cpu)
{
	struct vmcb *b = host_alloc_pages(0);
	struct gpregs regs = { 0 };

	if (!b)
		return -HOST_ENOMEM;
	svm_probe_vmcb(b);
	b->save.rip = (u64)(uintptr_t)svm_probe_debug_guest;
	b->save.rflags |= RFLAGS_TF;
	svm_enter(&regs, host_hpa(b).v, host_hpa(cpu->host).v, svm_stop);
	svm_features.debug_exits = svm_features.nrips && (b->save.dr6 & DR6_BS) &&
				   b->control.exitcode == VMCB_EXIT_EXCEPTION + VECTOR_DB;
	host_free_pages(b, 0);
	return 0;
}

/*
 * Does RDMSR of a register that nobody has raise #GP, as it should?  Is there an RDPMC?  A guest
 * tries, since a fault of ours would be the end.
 */
static int probe_msrs(const struct svm_cpu *cpu)
{
	struct vmcb *b = host_alloc_pages(0);
	struct gpregs regs = { 0 };
	struct msr_machine machine = { 0 };

	if (!b)
		return -HOST_ENOMEM;
	svm_probe_vmcb(b);
	b->save.rip = (u64)(uintptr_t)svm_probe_msr_guest;
	regs.r[REG_RCX] = MSR_NOBODYS;
	svm_enter(&regs, host_hpa(b).v, host_hpa(cpu->host).v, svm_stop);
	machine.ignores = (u32)b->control.exitcode == VMCB_EXIT_VMMCALL;
	if (machine.ignores) {
		machine.misc_enable = x86_rdmsr(MSR_MISC_ENABLE);
		machine.perf_status = x86_rdmsr(MSR_PERF_STATUS);
		machine.mcg_cap = x86_rdmsr(MSR_MCG_CAP);
	}
	svm_probe_vmcb(b);
	b->save.rip = (u64)(uintptr_t)svm_probe_rdpmc_guest;
	svm_enter(&regs, host_hpa(b).v, host_hpa(cpu->host).v, svm_stop);
	machine.rdpmc_undefined = (u32)b->control.exitcode == VMCB_EXIT_EXCEPTION + VECTOR_UD;
	msr_set_machine(&machine);
	host_free_pages(b, 0);
	return 0;
}

struct vmcb *svm_host_page(void)
{
	return cpus[host_cpu()].host;
}

static bool kick_needs_nmi(void)
{
	return interrupts_masked_by_guest;
}

static void cpu_off(void)
{
	struct svm_cpu *cpu = &cpus[host_cpu()];

	x86_wrmsr(MSR_VM_HSAVE_PA, 0);
	x86_wrmsr(MSR_EFER, cpu->efer);
	host_free_pages(cpu->hsave, 0);
	host_free_pages(cpu->host, 0);
	cpu->hsave = cpu->host = NULL;
}

/*
 * Switch SVM on, on this CPU; 0, or -HOST_ENOMEM with nothing changed.
 *
 * Each CPU needs two pages of its own: hsave, where VMRUN puts the host's state (its physical
 * address goes to VM_HSAVE_PA), and host, for the state that only VMSAVE saves, which is filled
 * here for the first time.  EFER gets SVME; NXE too where CPUID offers NX, because nested tables
 * use it under the host's EFER; what it was before is kept for cpu_off.  All ASIDs are free and
 * the TLB knows nothing: a new generation, from PROBE_ASID on, with flush_all.  read_features comes
 * first, hw_cpu_on before EFER is touched; at the end the boot CPU finds out how its interrupts
 * reach a guest (probe_interrupt_mask).
 * [APM] vol. 2 "Enabling SVM" (15.4), "VM_HSAVE_PA MSR" (15.30.4)
 */
static int cpu_on(void)
{
	struct svm_cpu *cpu = &cpus[host_cpu()];
	u64 wanted = EFER_SVME;
	int error;

	read_features(&svm_features);
	if (x86_cpuid(CPUID_EXT_FEATURES, 0).edx & CPUID_EXT_EDX_NX)
		wanted |= EFER_NXE;
	cpu->hsave = host_alloc_pages(0);
	cpu->host = host_alloc_pages(0);
	if (!cpu->hsave || !cpu->host) {
		if (cpu->hsave)
			host_free_pages(cpu->hsave, 0);
		return -HOST_ENOMEM;
	}
	cpu->generation++;
	cpu->next_asid = PROBE_ASID;
	cpu->flush_all = true;
	hw_cpu_on();
	cpu->efer = x86_rdmsr(MSR_EFER);
	x86_wrmsr(MSR_EFER, cpu->efer | wanted);
	x86_wrmsr(MSR_VM_HSAVE_PA, host_hpa(cpu->hsave).v);
	vmsave(host_hpa(cpu->host).v);
	if (host_cpu())
		return 0;
	error = probe_msrs(cpu);
	if (!error)
		error = probe_virtual_interrupts(cpu);
	if (!error)
		error = probe_debug(cpu);
	return error ? error : probe_interrupt_mask(cpu);
}

/* ---- VMs --------------------------------------------------------------------------- */

static void vm_free_tables(struct vm *vm)
{
	struct svm_vm *s = svm_vm(vm);

	nested_free(&s->npt);
	if (s->iopm)
		host_free_pages(s->iopm, IOPM_ORDER);
	if (s->msrpm)
		host_free_pages(s->msrpm, MSRPM_ORDER);
	s->iopm = s->msrpm = NULL;
}

static int vm_init(struct vm *vm)
{
	struct svm_vm *s = svm_vm(vm);

	s->iopm = host_alloc_pages(IOPM_ORDER);
	s->msrpm = host_alloc_pages(MSRPM_ORDER);
	if (!s->iopm || !s->msrpm || nested_init(&s->npt, &npt_format)) {
		vm_free_tables(vm);
		return -HOST_ENOMEM;
	}
	memset(s->iopm, TRAP_EVERYTHING, VMCB_IOPM_SIZE);
	memset(s->msrpm, TRAP_EVERYTHING, VMCB_MSRPM_SIZE);
	return 0;
}

static void set_bit(u8 *map, u64 bit, bool on)
{
	if (on)
		map[bit / 8] |= (u8)BIT(bit % 8);
	else
		map[bit / 8] &= (u8)~BIT(bit % 8);
}

/*
 * The first of an MSR's two bits in the MSRPM: read, then write.  -1: it is in no part of the
 * map and always exits.  [APM] vol. 2 "MSR Intercepts" (15.11), table 15-8
 */
static s64 msrpm_bit(u32 msr)
{
	static const u32 first[] = { 0, 0xc0000000, 0xc0010000 };

	for (unsigned part = 0; part < ARRAY_SIZE(first); part++)
		if (msr - first[part] < VMCB_MSRPM_PART_MSRS)
			return (s64)(part * VMCB_MSRPM_PART * 8 + (msr - first[part]) * 2ull);
	return -1;
}

static void trap_msrs(struct svm_vm *s, const struct trap *trap)
{
	for (u64 msr = trap->first; msr <= trap->last; msr++) {
		s64 bit = msrpm_bit((u32)msr);

		if (bit >= 0)
			set_bit(s->msrpm, (u64)bit + (trap->kind == TRAP_MSR_WRITE), trap->on);
	}
}

static void trap_set(struct vm *vm, const struct trap *trap)
{
	struct svm_vm *s = svm_vm(vm);

	if (trap->kind != TRAP_IO) {
		trap_msrs(s, trap);
		return;
	}
	check(trap->last <= 0xffff);
	for (u64 port = trap->first; port <= trap->last; port++)
		set_bit(s->iopm, port, trap->on);
}

static int map(struct vm *vm, gpa_t at, void *host, u64 size, unsigned prot)
{
	return nested_map(&svm_vm(vm)->npt, at, host_hpa(host), size, prot);
}

/* Without memory to split a large page all of it goes: what was RAM faults, and is mapped again. */
static void unmap(struct vm *vm, gpa_t at, u64 size)
{
	u64 begin = ALIGN_DOWN(at.v, LARGE_PAGE_SIZE);

	if (nested_unmap(&svm_vm(vm)->npt, at, size))
		check(!nested_unmap(&svm_vm(vm)->npt, gpa(begin),
				    ALIGN_UP(at.v + size, LARGE_PAGE_SIZE) - begin));
}

/* Likewise: the whole large page gets the new rights. */
static void protect(struct vm *vm, gpa_t at, u64 size, unsigned prot)
{
	u64 begin = ALIGN_DOWN(at.v, LARGE_PAGE_SIZE);

	if (nested_protect(&svm_vm(vm)->npt, at, size, prot))
		check(!nested_protect(&svm_vm(vm)->npt, gpa(begin),
				      ALIGN_UP(at.v + size, LARGE_PAGE_SIZE) - begin, prot));
}

static void dirty_fetch_and_clear(struct vm *vm, gpa_t at, u64 size, u64 *bitmap)
{
	nested_dirty_fetch_and_clear(&svm_vm(vm)->npt, at, size, bitmap);
}

static unsigned walk(struct vm *vm, gpa_t a, u64 entries[5], hpa_t *page)
{
	return nested_walk(&svm_vm(vm)->npt, a, entries, page);
}

/* ---- vCPUs ------------------------------------------------------------------------- */

/*
 * What always exits; the VMCB is zero before.
 *
 * What belongs to the machine: INTR, NMI, INIT, #MC, RSM, SHUTDOWN (it would stop the machine,
 * not the guest; #DF for the same reason, see svm_event.c), INVD and WBINVD, FERR_FREEZE.
 * What we answer in the CPU's place: CPUID, HLT,
 * ports and MSRs (by IOPM and MSRPM), RDPMC, XSETBV, MONITOR and MWAIT, task switches, writes of
 * CR0 and CR4, and CR8 both ways, as it is the local APIC's.  What only a hypervisor may execute:
 * VMRUN (without it VMRUN itself refuses), VMMCALL, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, INVLPGA;
 * and RDPRU where CPUID offers it.
 *
 * A guest's own affairs do not exit: other exceptions, system calls, CR3, INVLPG, PAUSE, RDTSC.
 * [APM] vol. 2 "Intercept Operation" (15.7), "Layout of VMCB" (appendix B)
 */
static void set_intercepts(struct vmcb_control *c)
{
	c->intercept_cr = VMCB_INTERCEPT_WRITE(0) | VMCB_INTERCEPT_WRITE(4) |
			  VMCB_INTERCEPT_WRITE(8) | VMCB_INTERCEPT_READ(8);
	c->intercept_exceptions = SVM_EXCEPTIONS_NOW;
	c->intercept_misc1 = (u32)(VMCB_INTERCEPT_INTR | VMCB_INTERCEPT_NMI | VMCB_INTERCEPT_INIT |
				   VMCB_INTERCEPT_RDPMC | VMCB_INTERCEPT_CPUID |
				   VMCB_INTERCEPT_RSM | VMCB_INTERCEPT_INVD | VMCB_INTERCEPT_HLT |
				   VMCB_INTERCEPT_INVLPGA | VMCB_INTERCEPT_IOIO_PROT |
				   VMCB_INTERCEPT_MSR_PROT | VMCB_INTERCEPT_TASK_SWITCH |
				   VMCB_INTERCEPT_FERR_FREEZE | VMCB_INTERCEPT_SHUTDOWN);
	c->intercept_misc2 = VMCB_INTERCEPT_VMRUN | VMCB_INTERCEPT_VMMCALL | VMCB_INTERCEPT_VMLOAD |
			     VMCB_INTERCEPT_VMSAVE | VMCB_INTERCEPT_STGI | VMCB_INTERCEPT_CLGI |
			     VMCB_INTERCEPT_SKINIT | VMCB_INTERCEPT_WBINVD |
			     VMCB_INTERCEPT_MONITOR | VMCB_INTERCEPT_MWAIT | VMCB_INTERCEPT_XSETBV;
	if (svm_features.rdpru)
		c->intercept_misc2 |= VMCB_INTERCEPT_RDPRU;
}

/*
 * The rest of a new vCPU's control area, beside the intercepts: where the VM's permission maps
 * and the root of its nested tables are, as physical addresses; that nested paging is on; that
 * the guest's IF masks its own interrupts only, never the host's; and that DEBUGCTL and the last
 * branches are switched with the guest, where the CPU can (lbr_virt).  The ASID and what depends on
 * the moment of an entry come later.
 * [APM] vol. 2 "Layout of VMCB" (appendix B), "Nested Paging" (15.25), "Interrupt and Local APIC
 * Support" (15.21)
 */
static void make_control(struct vmcb_control *c, const struct svm_vm *vm)
{
	c->iopm_base_pa = host_hpa(vm->iopm).v;
	c->msrpm_base_pa = host_hpa(vm->msrpm).v;
	c->int_control = VMCB_V_INTR_MASKING;
	c->nested_control = VMCB_NP_ENABLE;
	c->n_cr3 = host_hpa(vm->npt.root).v;
	c->lbr_control = svm_features.lbr_virt ? VMCB_LBR_VIRTUALIZATION : 0;
}

static int vcpu_init_vmcb(struct vcpu *v)
{
	struct svm_vcpu *s = svm_vcpu(v);

	s->vmcb = host_alloc_pages(0);
	if (!s->vmcb)
		return -HOST_ENOMEM;
	s->vmcb_pa = host_hpa(s->vmcb).v;
	svm_choose_way(s);
	set_intercepts(&s->vmcb->control);
	make_control(&s->vmcb->control, svm_vm(v->vm));
	svm_set_state(v, STATE_ALL);
	svm_changed(s, SVM_DIRTY_ALL);
	return 0;
}

static void vcpu_free_vmcb(struct vcpu *v)
{
	struct svm_vcpu *s = svm_vcpu(v);

	if (s->vmcb)
		host_free_pages(s->vmcb, 0);
	s->vmcb = NULL;
}

/*
 * An ASID that no vCPU used on this CPU since the last full flush.  It stays v's as long as v
 * returns to this CPU before the ASIDs are used up.
 */
static void assign_asid(struct svm_vcpu *s, struct svm_cpu *cpu)
{
	if (s->cpu == host_cpu() && s->asid_generation == cpu->generation)
		return;
	if (cpu->next_asid >= svm_features.asids) {
		cpu->generation++;
		cpu->next_asid = 1;
		cpu->flush_all = true;
	}
	s->vmcb->control.guest_asid = cpu->next_asid++;
	s->asid_generation = cpu->generation;
	s->cpu = host_cpu();
}

u8 svm_tlb_control(const struct svm_vcpu *s)
{
	bool all = cpus[host_cpu()].flush_all;

	if (all || ((s->dirty & SVM_DIRTY_FLUSH) && !svm_features.flush_by_asid))
		return VMCB_TLB_FLUSH_ALL;
	return s->dirty & SVM_DIRTY_FLUSH ? VMCB_TLB_FLUSH_ASID : VMCB_TLB_NOTHING;
}

void svm_flushed_all(void)
{
	cpus[host_cpu()].flush_all = false;
}

static void load(struct vcpu *v)
{
	struct svm_vcpu *s = svm_vcpu(v);
	struct svm_cpu *cpu = &cpus[host_cpu()];

	check(!s->loaded && cpu->host);
	assign_asid(s, cpu);
	s->host_pa = host_hpa(cpu->host).v;
	vmsave(s->host_pa);
	if (svm_features.rdtscp) {
		s->host_tsc_aux = x86_rdmsr(MSR_TSC_AUX);
		x86_wrmsr(MSR_TSC_AUX, v->state.tsc_aux);
	}
	if (svm_features.spec_ctrl) {
		s->host_spec_ctrl = x86_rdmsr(MSR_SPEC_CTRL);
		x86_wrmsr(MSR_SPEC_CTRL, v->state.spec_ctrl);
	}
	/* The host has CR4.PKS clear: it does not care. */
	if (svm_features.pks)
		x86_wrmsr(MSR_PKRS, v->state.pkrs);
	/* VMRUN loads it too, but not on Bochs 2.7; nothing of the host changes it in between. */
	x86_write_cr2(s->vmcb->save.cr2);
	hw_debug_load(v, false);
	svm_debug_arm(s);
	hw_fpu_load(v);
	s->loaded = true;
	s->dirty |= SVM_DIRTY_ALL; /* this CPU may have cached another VMCB, or an older one */
}

static void unload(struct vcpu *v)
{
	struct svm_vcpu *s = svm_vcpu(v);

	check(s->loaded);
	hw_fpu_save(v);
	svm_debug_disarm(s);
	hw_debug_save(v, false);
	if (svm_features.spec_ctrl) {
		v->state.spec_ctrl = x86_rdmsr(MSR_SPEC_CTRL);
		x86_wrmsr(MSR_SPEC_CTRL, s->host_spec_ctrl);
	}
	if (svm_features.pks)
		v->state.pkrs = x86_rdmsr(MSR_PKRS);
	if (svm_features.rdtscp) {
		v->state.tsc_aux = x86_rdmsr(MSR_TSC_AUX);
		x86_wrmsr(MSR_TSC_AUX, s->host_tsc_aux);
	}
	s->loaded = false;
}

static void flush(struct vcpu *v)
{
	svm_vcpu(v)->dirty |= SVM_DIRTY_FLUSH;
}

/* ---- Running ----------------------------------------------------------------------- */

/* An instruction that was completed ends the interrupt shadow. */
static inline void complete_exit(struct svm_vcpu *s)
{
	if (hw_complete(&s->vcpu))
		s->vmcb->control.int_shadow = 0;
}

static void complete(struct vcpu *v)
{
	complete_exit(svm_vcpu(v));
}

/*
 * Into the guest, and back with the reason in v->exit: see virt.h, run.  What the last exit asked
 * for is completed first.  RAX, RSP, RIP and RFLAGS travel in the VMCB, the other registers in
 * v->regs (svm_enter).  Whatever is dirty, and every entry of a checking build, needs
 * svm_run_slow, which does entry and exit alone; else the short way is svm_enter, svm_exit.
 * svm_enter answers the simplest exits on the spot, by its last argument: s->again, which
 * svm_choose_way chose.
 * [APM] vol. 2 "VMRUN Instruction" (15.5)
 */
static void run(struct vcpu *v)
{
	struct svm_vcpu *s = svm_vcpu(v);

	complete_exit(s);
	svm_regs_to_vmcb(s);
	if (unlikely(s->dirty) || SVM_CHECKING) {
		svm_run_slow(s);
		return;
	}
	svm_enter(&v->regs, s->vmcb_pa, s->host_pa, s->again);
	svm_exit(s);
}

const struct virt_ops amd_ops = {
	.name = "AMD-V",
	.vm_size = sizeof(struct svm_vm),
	.vcpu_size = sizeof(struct svm_vcpu),
	.xsave_size = hw_fpu_size,
	.pdptes_in_memory = true, /* [APM] vol. 2 "Legacy PAE Mode" (15.25.10) */
	.probe = probe,
	.cpu_on = cpu_on,
	.cpu_off = cpu_off,
	.kick_needs_nmi = kick_needs_nmi,
	.vm_init = vm_init,
	.vm_free = vm_free_tables,
	.vcpu_init = vcpu_init_vmcb,
	.vcpu_free = vcpu_free_vmcb,
	.load = load,
	.unload = unload,
	.run = run,
	.complete = complete,
	.get_state = svm_get_state,
	.set_state = svm_set_state,
	.breakpoints = svm_breakpoints,
	.inject = svm_inject,
	.window = svm_window,
	.trap = trap_set,
	.map = map,
	.unmap = unmap,
	.protect = protect,
	.dirty_fetch_and_clear = dirty_fetch_and_clear,
	.flush = flush,
	.walk = walk,
	.poke = svm_poke,
	.explain = svm_explain,
	.raw_name = svm_raw_name,
	.dump = svm_dump,
};
