/*
 * vmx.c - VT-x as a machine has it: probing, switching on and off, a VM's memory and bitmaps
 *
 * Owns: capabilities, control words, VMXON regions, EPT roots, I/O and MSR bitmaps.
 * Must not know: a vCPU's VMCS (vmx_vcpu.c), what an exit means (vmx_exit.c).
 *
 * Sources: [SDM] "Introduction to Virtual Machine Extensions" (24), "VMX Capability Reporting
 * Facility" (appendix A), "I/O-Bitmap Addresses" (25.6.4), "MSR-Bitmap Address" (25.6.9).
 */
#include "intel/vmx.h"

#include "hw/hw.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "x86_ops.h"

struct vmx_machine vmx_machine;

/* ---- Probing --------------------------------------------------------------- */

static const char in_firmware[] =
	"VT-x: the firmware has switched VMX off and locked it (IA32_FEATURE_CONTROL); enable "
	"\"Intel Virtualization Technology\" (VT-x) in the firmware setup, then switch the "
	"machine off and on";

/* Control words: which bits we need, and how to say that one is missing. */
enum word { WORD_PIN, WORD_PRIMARY, WORD_SECONDARY, WORD_EXIT, WORD_ENTRY, WORD_EPT_VPID };

struct wanted {
	u8 word; /* enum word */
	bool must_be_off; /* the bit must be allowed to be 0, else 1 */
	u32 bit;
	const char *name;
};

/* In the order of the likelihood that a CPU lacks them: the first one missing is reported. */
static const struct wanted wanted[] = {
	{ WORD_PRIMARY, false, PRIMARY_SECONDARY_CONTROLS, "secondary processor-based controls" },
	{ WORD_SECONDARY, false, SECONDARY_EPT, "EPT (nested paging)" },
	{ WORD_SECONDARY, false, SECONDARY_UNRESTRICTED_GUEST, "unrestricted guest" },
	{ WORD_EPT_VPID, false, EPT_CAP_WALK_4, "4-level EPT" },
	{ WORD_EPT_VPID, false, EPT_CAP_WB, "write-back EPT" },
	{ WORD_EPT_VPID, false, EPT_CAP_INVEPT, "INVEPT" },
	{ WORD_SECONDARY, false, SECONDARY_WBINVD_EXITING, "WBINVD exiting" },
	{ WORD_PIN, false, PIN_EXTERNAL_INTERRUPT_EXITING, "external-interrupt exiting" },
	{ WORD_PIN, false, PIN_NMI_EXITING, "NMI exiting" },
	{ WORD_PIN, false, PIN_VIRTUAL_NMIS, "virtual NMIs" },
	{ WORD_PRIMARY, false, PRIMARY_INTERRUPT_WINDOW_EXITING, "interrupt-window exiting" },
	{ WORD_PRIMARY, false, PRIMARY_NMI_WINDOW_EXITING, "NMI-window exiting" },
	{ WORD_PRIMARY, false, PRIMARY_TSC_OFFSETTING, "TSC offsetting" },
	{ WORD_PRIMARY, false, PRIMARY_HLT_EXITING, "HLT exiting" },
	{ WORD_PRIMARY, false, PRIMARY_MWAIT_EXITING, "MWAIT exiting" },
	{ WORD_PRIMARY, false, PRIMARY_MONITOR_EXITING, "MONITOR exiting" },
	{ WORD_PRIMARY, false, PRIMARY_RDPMC_EXITING, "RDPMC exiting" },
	{ WORD_PRIMARY, false, PRIMARY_CR8_LOAD_EXITING, "CR8-load exiting" },
	{ WORD_PRIMARY, false, PRIMARY_CR8_STORE_EXITING, "CR8-store exiting" },
	{ WORD_PRIMARY, false, PRIMARY_IO_BITMAPS, "I/O bitmaps" },
	{ WORD_PRIMARY, false, PRIMARY_MSR_BITMAPS, "MSR bitmaps" },
	{ WORD_PRIMARY, true, PRIMARY_CR3_LOAD_EXITING, "CR3 loads without exit" },
	{ WORD_PRIMARY, true, PRIMARY_CR3_STORE_EXITING, "CR3 stores without exit" },
	{ WORD_EXIT, false, EXIT_CTL_HOST_64BIT, "64-bit hosts" },
	{ WORD_EXIT, false, EXIT_CTL_SAVE_DEBUG, "saving of debug controls" },
	{ WORD_EXIT, false, EXIT_CTL_SAVE_PAT, "saving of IA32_PAT" },
	{ WORD_EXIT, false, EXIT_CTL_LOAD_PAT, "loading of the host's IA32_PAT" },
	{ WORD_EXIT, false, EXIT_CTL_SAVE_EFER, "saving of IA32_EFER" },
	{ WORD_EXIT, false, EXIT_CTL_LOAD_EFER, "loading of the host's IA32_EFER" },
	{ WORD_ENTRY, false, ENTRY_CTL_IA32E_GUEST, "64-bit guests" },
	{ WORD_ENTRY, false, ENTRY_CTL_LOAD_DEBUG, "loading of debug controls" },
	{ WORD_ENTRY, false, ENTRY_CTL_LOAD_PAT, "loading of the guest's IA32_PAT" },
	{ WORD_ENTRY, false, ENTRY_CTL_LOAD_EFER, "loading of the guest's IA32_EFER" },
};

/* Set for each vCPU or mode, or used if the CPU has it: not in the words that all start with. */
#define PRIMARY_VARIABLE (PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING)
#define ENTRY_VARIABLE ENTRY_CTL_IA32E_GUEST

static u64 capability(const struct vmx_caps *caps, u8 word)
{
	switch (word) {
	case WORD_PIN:
		return caps->pin;
	case WORD_PRIMARY:
		return caps->primary;
	case WORD_SECONDARY:
		return caps->secondary;
	case WORD_EXIT:
		return caps->exit;
	case WORD_ENTRY:
		return caps->entry;
	default: /* a plain set of bits: as if each "may be 1" */
		return caps->ept_vpid << 32;
	}
}

static void read_caps(struct vmx_caps *caps)
{
	bool is_true;

	caps->basic = x86_rdmsr(MSR_VMX_BASIC);
	is_true = caps->basic & VMX_BASIC_TRUE_CTLS;
	caps->misc = x86_rdmsr(MSR_VMX_MISC);
	caps->pin = x86_rdmsr(is_true ? MSR_VMX_TRUE_PINBASED_CTLS : MSR_VMX_PINBASED_CTLS);
	caps->primary = x86_rdmsr(is_true ? MSR_VMX_TRUE_PROCBASED_CTLS : MSR_VMX_PROCBASED_CTLS);
	caps->exit = x86_rdmsr(is_true ? MSR_VMX_TRUE_EXIT_CTLS : MSR_VMX_EXIT_CTLS);
	caps->entry = x86_rdmsr(is_true ? MSR_VMX_TRUE_ENTRY_CTLS : MSR_VMX_ENTRY_CTLS);
	if (caps->primary >> 32 & PRIMARY_SECONDARY_CONTROLS)
		caps->secondary = x86_rdmsr(MSR_VMX_PROCBASED_CTLS2);
	if (caps->secondary >> 32 & (SECONDARY_EPT | SECONDARY_VPID))
		caps->ept_vpid = x86_rdmsr(MSR_VMX_EPT_VPID_CAP);
	caps->cr0_fixed0 = x86_rdmsr(MSR_VMX_CR0_FIXED0);
	caps->cr0_fixed1 = x86_rdmsr(MSR_VMX_CR0_FIXED1);
	caps->cr4_fixed0 = x86_rdmsr(MSR_VMX_CR4_FIXED0);
	caps->cr4_fixed1 = x86_rdmsr(MSR_VMX_CR4_FIXED1);
}

/* CPUID bits that matter here. */
#define CPUID_7_EBX_SGX BIT(2)
#define CPUID_7_EBX_RTM BIT(11)
#define CPUID_7_ECX_PKS BIT(31)
#define CPUID_7_EDX_SPEC_CTRL BIT(26)
#define CPUID_80000001_EDX_NX BIT(20)
#define CPUID_80000001_EDX_RDTSCP BIT(27)

static void read_features(struct vmx_machine *m)
{
	u32 edx = x86_cpuid(0x80000001, 0).edx;

	m->tsc_aux = edx & CPUID_80000001_EDX_RDTSCP;
	if (x86_cpuid(0, 0).eax >= 7) {
		m->spec_ctrl = x86_cpuid(7, 0).edx & CPUID_7_EDX_SPEC_CTRL;
		m->pks = x86_cpuid(7, 0).ecx & CPUID_7_ECX_PKS;
		m->caps.sgx = x86_cpuid(7, 0).ebx & CPUID_7_EBX_SGX;
		m->caps.rtm = x86_cpuid(7, 0).ebx & CPUID_7_EBX_RTM;
	}
	m->caps.efer_bits = EFER_SCE | EFER_LME | EFER_LMA;
	if (edx & CPUID_80000001_EDX_NX)
		m->caps.efer_bits |= EFER_NXE;
	m->caps.maxphyaddr = (u8)x86_cpuid(0x80000008, 0).eax;
	m->caps.linear_bits = (u8)(x86_cpuid(0x80000008, 0).eax >> 8);
}

/*
 * The control words that every new VMCS starts with: pin, primary, secondary, exit, entry.  A bit
 * of the table `wanted` is set unless it must be off or varies (PRIMARY_VARIABLE, ENTRY_VARIABLE);
 * VPIDs are used where there are some (SECONDARY_VPID).  A word is then bent to what the CPU
 * allows by its capability: the low half has the bits that must be 1, the high half those that
 * may be (vmx_adjust).  WORD_EPT_VPID is no control word.
 * [SDM] "VM-Execution Control Fields" (25.6), "Reserved Controls and Default Settings" (A.2)
 */
static void make_controls(struct vmx_machine *m)
{
	u32 word[WORD_EPT_VPID + 1] = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!wanted[i].must_be_off)
			word[wanted[i].word] |= wanted[i].bit;
	}
	word[WORD_SECONDARY] |= SECONDARY_VPID;
	m->pin = vmx_adjust(word[WORD_PIN], m->caps.pin);
	m->primary = vmx_adjust(word[WORD_PRIMARY] & ~PRIMARY_VARIABLE, m->caps.primary);
	m->secondary = vmx_adjust(word[WORD_SECONDARY], m->caps.secondary);
	m->exit = vmx_adjust(word[WORD_EXIT], m->caps.exit);
	m->entry = vmx_adjust(word[WORD_ENTRY] & ~ENTRY_VARIABLE, m->caps.entry);
}

static const char *first_missing(const struct vmx_caps *caps)
{
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct wanted *w = &wanted[i];
		u64 cap = capability(caps, w->word);

		if (w->must_be_off ? cap & w->bit : !(cap >> 32 & w->bit))
			return w->name;
	}
	return NULL;
}

/*
 * Can this machine run guests by VT-x?  NULL, or a sentence that begins with "VT-x: " and says
 * what is missing and where to enable it.  Three questions, each of which makes sense only if the
 * one before was answered by yes: does CPUID offer VMX; has the firmware not locked it off
 * (FEATURE_CONTROL: locked, and VMX not set, is the sentence in_firmware); has the CPU all the
 * controls we need (read_caps, then first_missing, whose name belongs into the sentence)?  If all
 * is well, read_features completes vmx_machine.  Changes nothing else.
 * [SDM] "Discovering Support for VMX" (24.6), "Enabling and Entering VMX Operation" (24.7)
 */
static const char *vmx_probe(void)
{
	static char sentence[160];
	const char *missing;
	u64 control;

	if (!(x86_cpuid(1, 0).ecx & CPUID_1_ECX_VMX))
		return "VT-x: this CPU does not offer VMX (CPUID.1:ECX bit 5); take one that "
		       "has it, or, inside a virtual machine, enable nested virtualisation there";
	control = x86_rdmsr(MSR_FEATURE_CONTROL);
	if ((control & FEATURE_CONTROL_LOCK) && !(control & FEATURE_CONTROL_VMX))
		return in_firmware;
	read_caps(&vmx_machine.caps);
	missing = first_missing(&vmx_machine.caps);
	if (missing) {
		fmt_string(sentence, sizeof(sentence),
			   "VT-x: this CPU lacks %s, which Espejo needs; nothing can enable it: "
			   "take a newer CPU (Intel \"Westmere\" of 2010 or later has all)",
			   missing);
		return sentence;
	}
	read_features(&vmx_machine);
	return NULL;
}

/* ---- Switching on and off -------------------------------------------------- */

struct cpu_before {
	struct vmcs_region *region; /* VMXON's; NULL: VMX is off */
	u64 cr0, cr4;
};
static struct cpu_before before[HOST_MAX_CPUS];

/* The firmware left the MSR unlocked: VMXON wants it locked, with VMX on. */
static int lock_feature_control(void)
{
	u64 control = x86_rdmsr(MSR_FEATURE_CONTROL);

	if (!(control & FEATURE_CONTROL_LOCK)) {
		control |= FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX;
		x86_wrmsr(MSR_FEATURE_CONTROL, control);
	}
	if (control & FEATURE_CONTROL_VMX)
		return 0;
	host_log("CPU %u: %s", host_cpu(), in_firmware);
	return -HOST_ENOTSUP;
}

static void vmx_cpu_off(void)
{
	struct cpu_before *b = &before[host_cpu()];

	if (!b->region)
		return;
	vmx_off();
	x86_write_cr4(b->cr4);
	x86_write_cr0(b->cr0);
	host_free_pages(b->region, 0);
	b->region = NULL;
}

/* What is found out by trying, once. */
static int probe_mask(void)
{
	int error;

	make_controls(&vmx_machine);
	error = vmx_mask_probe();
	if (error)
		vmx_cpu_off();
	return error;
}

/*
 * Switch VMX on, on this CPU; 0, or a negative error with the CPU as it was before.
 *
 * Each CPU needs a VMXON region of its own: a page that begins with the revision from VMX_BASIC.
 * CR0 and CR4 as they were are kept for vmx_cpu_off; then hw_cpu_on, then the bits that VMX wants
 * fixed: those of fixed0 set, those not in fixed1 clear, CR4.VMXE among them.  The firmware may
 * have left FEATURE_CONTROL unlocked (lock_feature_control comes first, its error is ours).  A
 * failed VMXON is said with the CPU's number, and is -HOST_ENOTSUP.
 * [SDM] "Enabling and Entering VMX Operation" (24.7), "Restrictions on VMX Operation" (24.8)
 */
static int vmx_cpu_on(void)
{
	struct cpu_before *b = &before[host_cpu()];
	const struct vmx_caps *caps = &vmx_machine.caps;
	int error = lock_feature_control();

	if (error)
		return error;
	check(!b->region);
	b->region = host_alloc_pages(0);
	if (!b->region)
		return -HOST_ENOMEM;
	b->region->revision = caps->basic & VMX_BASIC_REVISION;
	b->cr0 = x86_read_cr0();
	b->cr4 = x86_read_cr4();
	hw_cpu_on();
	x86_write_cr0((x86_read_cr0() | caps->cr0_fixed0) & caps->cr0_fixed1);
	x86_write_cr4((x86_read_cr4() | caps->cr4_fixed0) & caps->cr4_fixed1);
	if (vmx_on(host_hpa(b->region)))
		return host_cpu() ? 0 : probe_mask();
	x86_write_cr4(b->cr4);
	x86_write_cr0(b->cr0);
	host_free_pages(b->region, 0);
	b->region = NULL;
	host_log("VT-x: VMXON failed on CPU %u; is another hypervisor running?", host_cpu());
	return -HOST_ENOTSUP;
}

/* ---- A VM's bitmaps and memory --------------------------------------------- */

u64 vmx_eptp(const struct intel_vm *vm)
{
	u64 eptp = host_hpa(vm->ept.root).v | MEMORY_TYPE_WB;

	eptp |= (NESTED_LEVELS - 1) << EPTP_WALK_SHIFT;
	if (vm->ept.format->dirty)
		eptp |= EPTP_ACCESSED_DIRTY;
	return eptp;
}

bool vmx_invept(u64 type, const struct invept_descriptor *descriptor)
{
	bool failed;

	__asm__ volatile("invept %1, %2"
			 : "=@ccbe"(failed)
			 : "m"(*descriptor), "r"(type)
			 : "memory");
	return !failed;
}

static struct nested_format format;

static void vmx_vm_free(struct vm *vm)
{
	struct intel_vm *ivm = vmx_vm(vm);

	nested_free(&ivm->ept);
	if (ivm->io_bitmap)
		host_free_pages(ivm->io_bitmap, 1);
	if (ivm->msr_bitmap)
		host_free_pages(ivm->msr_bitmap, 0);
	ivm->io_bitmap = ivm->msr_bitmap = NULL;
}

static int vmx_vm_init(struct vm *vm)
{
	struct intel_vm *ivm = vmx_vm(vm);
	int error;

	/* The same on every call: nothing races. */
	make_controls(&vmx_machine);
	ept_format(&format, vmx_machine.caps.ept_vpid);
	error = nested_init(&ivm->ept, &format);
	if (error)
		return error;
	ivm->io_bitmap = host_alloc_pages(1);
	ivm->msr_bitmap = host_alloc_pages(0);
	if (!ivm->io_bitmap || !ivm->msr_bitmap) {
		vmx_vm_free(vm);
		return -HOST_ENOMEM;
	}
	memset(ivm->io_bitmap, 0xff, 2 * PAGE_SIZE);
	memset(ivm->msr_bitmap, 0xff, PAGE_SIZE);
	return 0;
}

static void set_bit(u8 *bitmap, u32 bit, bool on)
{
	u8 mask = (u8)(1 << (bit & 7));

	bitmap[bit / 8] = (u8)(on ? bitmap[bit / 8] | mask : bitmap[bit / 8] & ~mask);
}

/* MSRs outside the bitmap's two ranges always exit. */
static void trap_msr(u8 *bitmap, bool write, u32 msr, bool on)
{
	if (msr < MSR_BITMAP_MSRS)
		set_bit(bitmap + (write ? MSR_BITMAP_WRITE_LOW : MSR_BITMAP_READ_LOW), msr, on);
	else if (msr - MSR_BITMAP_HIGH_BASE < MSR_BITMAP_MSRS)
		set_bit(bitmap + (write ? MSR_BITMAP_WRITE_HIGH : MSR_BITMAP_READ_HIGH),
			msr - MSR_BITMAP_HIGH_BASE, on);
	else
		check(on);
}

static void vmx_trap(struct vm *vm, const struct trap *trap)
{
	struct intel_vm *ivm = vmx_vm(vm);

	check(trap->first <= trap->last);
	/* u64: last may be the greatest u32. */
	for (u64 i = trap->first; i <= trap->last; i++) {
		if (trap->kind == TRAP_IO)
			set_bit(ivm->io_bitmap, i & 0xffff, trap->on);
		else
			trap_msr(ivm->msr_bitmap, trap->kind == TRAP_MSR_WRITE, (u32)i, trap->on);
	}
}

static int vmx_map(struct vm *vm, gpa_t at, void *host, u64 size, unsigned prot)
{
	return nested_map(&vmx_vm(vm)->ept, at, host_hpa(host), size, prot);
}

/*
 * Memory comes and goes in chunks that one leaf maps, so unmapping never splits a leaf and
 * cannot run out of memory; a caller that did split one would have to hear of it.
 */
static void vmx_unmap(struct vm *vm, gpa_t at, u64 size)
{
	check(nested_unmap(&vmx_vm(vm)->ept, at, size) == 0);
}

static void vmx_protect(struct vm *vm, gpa_t at, u64 size, unsigned prot)
{
	check(nested_protect(&vmx_vm(vm)->ept, at, size, prot) == 0);
}

static void vmx_dirty_fetch_and_clear(struct vm *vm, gpa_t at, u64 size, u64 *bitmap)
{
	nested_dirty_fetch_and_clear(&vmx_vm(vm)->ept, at, size, bitmap);
}

static unsigned vmx_walk(struct vm *vm, gpa_t a, u64 entries[5], hpa_t *page)
{
	return nested_walk(&vmx_vm(vm)->ept, a, entries, page);
}

const struct virt_ops intel_ops = {
	.name = "VT-x",
	.vm_size = sizeof(struct intel_vm),
	.vcpu_size = sizeof(struct intel_vcpu),
	.xsave_size = hw_fpu_size,
	.probe = vmx_probe,
	.cpu_on = vmx_cpu_on,
	.cpu_off = vmx_cpu_off,
	.kick_needs_nmi = vmx_kick_needs_nmi,
	.vm_init = vmx_vm_init,
	.vm_free = vmx_vm_free,
	.vcpu_init = vmx_vcpu_init,
	.vcpu_free = vmx_vcpu_free,
	.load = vmx_load,
	.unload = vmx_unload,
	.run = vmx_run,
	.complete = vmx_complete,
	.get_state = vmx_get_state,
	.set_state = vmx_set_state,
	.breakpoints = vmx_breakpoints,
	.inject = vmx_inject,
	.window = vmx_window,
	.trap = vmx_trap,
	.map = vmx_map,
	.unmap = vmx_unmap,
	.protect = vmx_protect,
	.dirty_fetch_and_clear = vmx_dirty_fetch_and_clear,
	.flush = vmx_flush,
	.walk = vmx_walk,
	.poke = vmx_poke,
	.explain = vmx_explain,
	.raw_name = vmx_raw_name,
	.dump = vmx_dump,
};
