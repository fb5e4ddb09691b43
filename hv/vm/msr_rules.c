/*
 * msr_rules.c - what each model-specific register is to a guest, and why
 *
 * Owns: the table of MSRs and the functions that emulate some of them.
 * Must not know: back ends.
 *
 * Sources: [SDM] vol. 4 "Model-Specific Registers (MSRs)" (2); vol. 3 "Memory Type Range
 * Registers (MTRRs)" (11.11); [APM] vol. 2 "MSR Cross-Reference" (appendix A).
 */
#include "lib/string.h"
#include "vm/cpuid_rules.h"
#include "vm/msr.h"
#include "vm/vm.h"

/* Numbers that nobody else needs. */
#define MSR_EBL_CR_POWERON 0x2a
#define MSR_BIOS_UPDT_TRIG 0x79
#define MSR_PLATFORM_INFO 0xce
#define MSR_MCG_CTL 0x17b
#define MSR_MC0_CTL 0x400
#define MSR_MC_LAST 0x47f
#define MSR_MTRR_PHYS_LAST (MSR_MTRR_PHYSBASE0 + 2 * MTRR_PAIRS - 1)
#define MSR_K7_PERF_FIRST 0xc0010000
#define MSR_K7_PERF_LAST 0xc0010007
#define MSR_SYSCFG 0xc0010010
#define MSR_HWCR 0xc0010015
#define MSR_TOP_MEM 0xc001001a
#define MSR_TOP_MEM2 0xc001001d
#define MSR_NB_CFG 0xc001001f
#define MSR_PATCH_LOADER 0xc0010020
#define MSR_INT_PENDING 0xc0010055
#define MSR_AMD_VM_CR 0xc0010114
#define VM_CR_VALUE (BIT(3) | BIT(4)) /* LOCK, SVMDIS */

/* ---- What a value must be ---------------------------------------------------------- */

/*
 * WRMSR judges addresses by the widest linear address that the CPU can have, whatever
 * CR4.LA57 is.  [SDM] "Canonical Addressing" (vol. 1, 3.3.7.1)
 */
static bool canonical(const struct vcpu *v, u64 *value)
{
	const struct cpuid_table *t = &v->vm->cpuid;
	unsigned bits = cpuid_has(t, 7, CPUID_ECX, 16) ? 57 : 48;

	return (u64)((s64)(*value << (64 - bits)) >> (64 - bits)) == *value;
}

/* Types that PAT may hold: 0, 1, 4, 5, 6, 7; MTRRs the same without 7 (UC-). */
static bool memory_types(u64 value, unsigned allowed)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned type = value >> 8 * i & 0xff;

		if (type > 7 || !(allowed & 1u << type))
			return false;
	}
	return true;
}

#define PAT_TYPES (1u << 0 | 1u << 1 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7)
#define MTRR_TYPES (1u << 0 | 1u << 1 | 1u << 4 | 1u << 5 | 1u << 6)

static bool valid_pat(const struct vcpu *v UNUSED, u64 *value)
{
	return memory_types(*value, PAT_TYPES);
}

/*
 * Neither last-branch records nor branch stepping are offered: asking for them is lost, as on the
 * emulators and as a CPU may do at any time (an SMI clears both); other bits are reserved.
 */
static bool valid_debugctl(const struct vcpu *v UNUSED, u64 *value)
{
	if (*value & ~(DEBUGCTL_LBR | DEBUGCTL_BTF))
		return false;
	*value = 0;
	return true;
}

/* 32 bits: Intel faults on more, AMD drops it. */
static bool valid_tsc_aux(const struct vcpu *v, u64 *value)
{
	if (v->vm->cpuid.vendor == CPUID_VENDOR_INTEL && *value >> 32)
		return false;
	*value = (u32)*value;
	return true;
}

/* ---- Time ------------------------------------------------------------------------ */

static u64 guest_tsc(struct vcpu *v)
{
	return host_tsc() + vcpu_state(v, STATE_TSC)->tsc_offset;
}

/* Move the guest's TSC; a deadline that is armed is a TSC value, so its time moves too. */
static void move_tsc(struct vcpu *v, u64 delta)
{
	vcpu_state(v, STATE_TSC)->tsc_offset += delta;
	v->tsc_adjust += delta;
	vcpu_state_changed(v, STATE_TSC);
	host_lock(&v->vm->lock);
	lapic_tsc_changed(&v->lapic);
	host_unlock(&v->vm->lock);
}

static bool read_tsc(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = guest_tsc(v);
	return true;
}

static bool write_tsc(struct vcpu *v, u32 msr UNUSED, u64 value)
{
	move_tsc(v, value - guest_tsc(v));
	return true;
}

static bool read_tsc_adjust(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = v->tsc_adjust;
	return true;
}

static bool write_tsc_adjust(struct vcpu *v, u32 msr UNUSED, u64 value)
{
	move_tsc(v, value - v->tsc_adjust);
	return true;
}

/* ---- LAPIC ----------------------------------------------------------------------- */

static bool read_apic_base(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = lapic_base(&v->lapic); /* only v itself changes it */
	return true;
}

static bool write_apic_base(struct vcpu *v, u32 msr UNUSED, u64 value)
{
	bool ok;

	host_lock(&v->vm->lock);
	ok = lapic_set_base(&v->lapic, value);
	host_unlock(&v->vm->lock);
	return ok;
}

static bool read_lapic(struct vcpu *v, u32 msr, u64 *value)
{
	bool ok;

	host_lock(&v->vm->lock);
	ok = lapic_read_msr(&v->lapic, msr, value);
	host_unlock(&v->vm->lock);
	return ok;
}

static bool write_lapic(struct vcpu *v, u32 msr, u64 value)
{
	bool ok;

	host_lock(&v->vm->lock);
	ok = lapic_write_msr(&v->lapic, msr, value);
	host_unlock(&v->vm->lock);
	return ok;
}

/* ---- MTRRs ------------------------------------------------------------------------ */

#define MTRR_PAIRS 8
#define MTRRCAP_VALUE (MTRR_PAIRS | BIT(8) | BIT(10)) /* fixed ranges, write combining */
#define MTRR_MASK_VALID BIT(11)
#define MTRR_DEF_FIXED BIT(10)
#define MTRR_DEF_ENABLE BIT(11)
#define MTRR_WB 6

/* Places in vcpu->mtrr. */
#define SLOT_PHYS 0
#define SLOT_FIX64K 16
#define SLOT_FIX16K 17
#define SLOT_FIX4K 19
#define SLOT_DEF_TYPE 27
_Static_assert(ARRAY_SIZE(((struct vcpu *)0)->mtrr) > SLOT_DEF_TYPE, "room for all MTRRs");

static unsigned mtrr_slot(u32 msr)
{
	if (msr <= MSR_MTRR_PHYS_LAST)
		return SLOT_PHYS + msr - MSR_MTRR_PHYSBASE0;
	if (msr == MSR_MTRR_FIX64K_00000)
		return SLOT_FIX64K;
	if (msr <= MSR_MTRR_FIX16K_A0000)
		return SLOT_FIX16K + msr - MSR_MTRR_FIX16K_80000;
	if (msr <= MSR_MTRR_FIX4K_F8000)
		return SLOT_FIX4K + msr - MSR_MTRR_FIX4K_C0000;
	return SLOT_DEF_TYPE;
}

static bool valid_mtrr(struct vcpu *v, unsigned slot, u64 value)
{
	u64 beyond = BITS(63, cpuid_maxphyaddr(&v->vm->cpuid));

	if (slot < SLOT_FIX64K && slot % 2) /* a mask */
		return !(value & (beyond | BITS(10, 0)));
	if (slot < SLOT_FIX64K)
		return !(value & (beyond | BITS(11, 8))) && memory_types(value & 0xff, MTRR_TYPES);
	if (slot == SLOT_DEF_TYPE)
		return !(value & ~(MTRR_DEF_ENABLE | MTRR_DEF_FIXED | 0xff)) &&
		       memory_types(value & 0xff, MTRR_TYPES);
	return memory_types(value, MTRR_TYPES);
}

static bool read_mtrr(struct vcpu *v, u32 msr, u64 *value)
{
	*value = v->mtrr[mtrr_slot(msr)];
	return true;
}

static bool write_mtrr(struct vcpu *v, u32 msr, u64 value)
{
	unsigned slot = mtrr_slot(msr);

	if (!valid_mtrr(v, slot, value))
		return false;
	v->mtrr[slot] = value;
	return true;
}

/* RAM is write-back, ROM space write-protected, VGA and what lies between RAM and 4 GiB uncached.
 */
void msr_after_firmware(struct vcpu *v)
{
	const u64 all_wb = 0x0606060606060606, all_wp = 0x0505050505050505;
	u64 mask = BITS(cpuid_maxphyaddr(&v->vm->cpuid) - 1, 0);

	memset(v->mtrr, 0, sizeof(v->mtrr));
	for (unsigned i = SLOT_FIX64K; i < SLOT_DEF_TYPE; i++)
		v->mtrr[i] = i < SLOT_FIX4K ? all_wb : all_wp;
	v->mtrr[SLOT_FIX16K + 1] = 0; /* a0000-bffff */
	v->mtrr[SLOT_PHYS] = MEMORY_LOW_LIMIT;
	v->mtrr[SLOT_PHYS + 1] = (mask & ~(GiB(4) - MEMORY_LOW_LIMIT - 1)) | MTRR_MASK_VALID;
	v->mtrr[SLOT_DEF_TYPE] = MTRR_DEF_ENABLE | MTRR_DEF_FIXED | MTRR_WB;
}

/* ---- The rest ---------------------------------------------------------------------- */

static bool read_efer(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = vcpu_state(v, STATE_EXEC)->efer;
	return true;
}

/*
 * LMA is read-only: Intel ignores what is written, AMD says that a change faults, and no
 * emulator of either does; here it is ignored.  [APM] vol. 2 "EFER" (3.1.7)
 */
static bool write_efer(struct vcpu *v, u32 msr UNUSED, u64 value)
{
	struct cpu_state *state = vcpu_state(v, STATE_EXEC);
	u64 old = state->efer;

	if (value & ~(cpuid_efer_allowed(&v->vm->cpuid) | EFER_LMA))
		return false;
	if ((state->cr0 & CR0_PG) && ((value ^ old) & EFER_LME))
		return false;
	state->efer = (value & ~EFER_LMA) | (old & EFER_LMA);
	vcpu_state_changed(v, STATE_EXEC);
	return true;
}

#define MISC_ENABLE_FAST_STRINGS BIT(0)
#define MISC_ENABLE_NO_BTS BIT(11) /* and 12 PEBS: read-only, "unavailable" */
#define MISC_ENABLE_NO_PEBS BIT(12)
#define MISC_ENABLE_FIXED (MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS)
#define MISC_ENABLE_MONITOR BIT(18)

/* What a write does not change: MONITOR is there if CPUID says so, and cannot be switched off. */
static u64 misc_enable_fixed(const struct vcpu *v)
{
	return MISC_ENABLE_FIXED |
	       (cpuid_has(&v->vm->cpuid, 1, 2, CPUID_1_ECX_MONITOR) ? MISC_ENABLE_MONITOR : 0);
}

static bool read_misc_enable(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = v->misc_enable;
	return true;
}

/*
 * Only fast strings may change: limiting CPUID, hiding NX and power control are not offered.  A
 * machine that ignores what it lacks keeps what is written.
 */
static bool write_misc_enable(struct vcpu *v, u32 msr UNUSED, u64 value)
{
	if (msr_ignored(&v->vm->cpuid)) {
		v->misc_enable = value;
		return true;
	}
	if (value & ~(MISC_ENABLE_FAST_STRINGS | misc_enable_fixed(v)))
		return false;
	v->misc_enable = (value & MISC_ENABLE_FAST_STRINGS) | misc_enable_fixed(v);
	return true;
}

/* ---- Machine checks ------------------------------------------------------------------- */

/*
 * As many banks as the machine has, in which nothing is ever reported: a machine check is the
 * host's.  Real ones are not shown: their number would promise reports.
 * [SDM] "Machine-Check MSRs" (15.3)
 */
#define MCG_COUNT 0xffu
#define MCG_CTL_P BIT(8)
#define MCG_SER_P BIT(24)
#define BANK_REGISTERS 4 /* CTL, STATUS, ADDR, MISC */
#define BANKS_MAX (ARRAY_SIZE(((struct vcpu *)0)->mce) / BANK_REGISTERS)

static u64 mcg_cap(const struct vcpu *v)
{
	u64 cap = msr_ignored(&v->vm->cpuid) ? msr_machine.mcg_cap : 0;

	return (cap & (MCG_CTL_P | MCG_SER_P)) | MIN(cap & MCG_COUNT, (u64)BANKS_MAX);
}

static bool read_mcg_cap(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = mcg_cap(v);
	return true;
}

static bool read_mcg_status(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = v->mcg_status;
	return true;
}

/* Without banks there is nothing to keep. */
static bool write_mcg_status(struct vcpu *v, u32 msr UNUSED, u64 value)
{
	bool banks = mcg_cap(v) & MCG_COUNT;

	v->mcg_status = banks ? value : 0;
	return banks || msr_ignored(&v->vm->cpuid) || !(value & ~BITS(2, 0));
}

static bool read_mcg_ctl(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = mcg_cap(v) & MCG_CTL_P ? v->mcg_ctl : 0;
	return msr_ignored(&v->vm->cpuid);
}

static bool write_mcg_ctl(struct vcpu *v, u32 msr UNUSED, u64 value)
{
	v->mcg_ctl = value;
	return msr_ignored(&v->vm->cpuid);
}

static bool read_bank(struct vcpu *v, u32 msr, u64 *value)
{
	unsigned n = msr - MSR_MC0_CTL;

	*value = n / BANK_REGISTERS < (mcg_cap(v) & MCG_COUNT) ? v->mce[n] : 0;
	return msr_ignored(&v->vm->cpuid);
}

/* CTL is all or nothing there: what lies between is lost. */
static bool write_bank(struct vcpu *v, u32 msr, u64 value)
{
	unsigned n = msr - MSR_MC0_CTL;

	if (n / BANK_REGISTERS < (mcg_cap(v) & MCG_COUNT) &&
	    (n % BANK_REGISTERS || !value || value == ~0ull))
		v->mce[n] = value;
	return msr_ignored(&v->vm->cpuid);
}

static bool read_perf_status(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	*value = msr_machine.perf_status;
	return msr_ignored(&v->vm->cpuid);
}

/* ---- The rest again ------------------------------------------------------------------- */

static bool write_ignored(struct vcpu *v UNUSED, u32 msr UNUSED, u64 value UNUSED)
{
	return true;
}

/* As QEMU and KVM have it: a revision that no system rejects as too old. */
#define PATCH_LEVEL_AMD 0x01000065ull
#define PATCH_LEVEL_INTEL (1ull << 32)

static bool read_bios_sign_id(struct vcpu *v, u32 msr UNUSED, u64 *value)
{
	unsigned vendor = v->vm->cpuid.vendor;

	*value = vendor == CPUID_VENDOR_INTEL ? PATCH_LEVEL_INTEL
		 : vendor == CPUID_VENDOR_AMD ? PATCH_LEVEL_AMD
					      : 0;
	return true;
}

/* [APM] vol. 2 "Top of Memory" (7.9.4): where RAM below and above 4 GiB ends. */
static bool read_top_mem(struct vcpu *v, u32 msr, u64 *value)
{
	const struct memory *memory = &v->vm->memory;
	unsigned slot = msr == MSR_TOP_MEM2;

	*value =
	    slot < memory->slot_count ? memory->slot[slot].base.v + memory->slot[slot].size : 0;
	return true;
}

#define HWCR_MONITOR_DISABLE BIT(9)
#define HWCR_TSC_FREQ_SEL BIT(24) /* the TSC counts at the P0 frequency: it does not stop */
/* What systems switch: SMM lock, TLB cache, INVD as WBINVD, FERR, IGNNE, McStatusWrEn. */
#define HWCR_HARMLESS (BIT(0) | BIT(3) | BIT(4) | BIT(6) | BIT(8) | BIT(18))

static bool read_hwcr(struct vcpu *v UNUSED, u32 msr UNUSED, u64 *value)
{
	*value = HWCR_TSC_FREQ_SEL;
	return true;
}

static bool write_hwcr(struct vcpu *v UNUSED, u32 msr UNUSED, u64 value)
{
	return !(value & ~(HWCR_HARMLESS | HWCR_MONITOR_DISABLE | HWCR_TSC_FREQ_SEL));
}

static bool valid_pkrs(const struct vcpu *v UNUSED, u64 *value)
{
	return !(*value >> 32);
}

/* No component of XSS is offered. */
static bool valid_xss(const struct vcpu *v UNUSED, u64 *value)
{
	return !*value;
}

void msr_reset(struct vcpu *v)
{
	v->misc_enable = msr_ignored(&v->vm->cpuid)
				 ? msr_machine.misc_enable
				 : MISC_ENABLE_FAST_STRINGS | misc_enable_fixed(v);
	v->mcg_status = 0;
	v->mcg_ctl = ~0ull;
	memset(v->mce, 0, sizeof(v->mce));
	for (unsigned i = 0; i < ARRAY_SIZE(v->mce); i += BANK_REGISTERS)
		v->mce[i] = ~0ull;
	v->tsc_adjust = 0;
	memset(v->mtrr, 0, sizeof(v->mtrr));
	memset(v->msr_found, 0, sizeof(v->msr_found));
}

/* ---- The table --------------------------------------------------------------------- */

/* clang-format off */
#define PASS(msr, only, name, part, field, check) \
	{ msr, msr, MSR_PASSED, only, name, NULL, 0, part, \
	  offsetof(struct cpu_state, field), check, NULL, NULL }
#define KEEP(msr, only, name, why, part, field, check) \
	{ msr, msr, MSR_KEPT, only, name, why, 0, part, \
	  offsetof(struct cpu_state, field), check, NULL, NULL }
#define EMULATE(first, last, only, name, why, read, write) \
	{ first, last, MSR_EMULATED, only, name, why, 0, 0, 0, NULL, read, write }
#define CONSTANT(msr, only, name, why, value) \
	{ msr, msr, MSR_CONSTANT, only, name, why, value, 0, 0, NULL, NULL, NULL }
#define IGNORE(first, last, only, name, why, value) \
	{ first, last, MSR_IGNORED, only, name, why, value, 0, 0, NULL, NULL, NULL }
#define ABSENT(first, last, name, why) \
	{ first, last, MSR_ABSENT, MSR_ALWAYS, name, why, 0, 0, 0, NULL, NULL, NULL }
/* clang-format on */

#define NO_PMU "no virtual performance counters"
#define NO_POWER "power and heat are the hypervisor's"
#define NO_SPECTRE "side channels are out of scope; CPUID does not offer it"
#define NO_NESTING "no nested virtualisation yet"
#define MODEL_SPECIFIC "switches of one model's circuits"

const struct msr_rule msr_rules[] = {
	IGNORE(0x0, 0x1, MSR_IF_MCA, "P5_MC_ADDR, P5_MC_TYPE", "no machine check is ever reported",
	       0),
	EMULATE(MSR_TSC, MSR_TSC, MSR_ALWAYS, "TSC", "a write moves the TSC offset and TSC_ADJUST",
		read_tsc, write_tsc),
	CONSTANT(MSR_PLATFORM_ID, MSR_IF_INTEL, "PLATFORM_ID",
		 "selects microcode, which guests do not load", 0),
	EMULATE(MSR_APIC_BASE, MSR_APIC_BASE, MSR_IF_APIC, "APIC_BASE", "our LAPIC", read_apic_base,
		write_apic_base),
	CONSTANT(MSR_EBL_CR_POWERON, MSR_IF_INTEL, "EBL_CR_POWERON",
		 "a bus of old; systems read its clock", 0),
	ABSENT(MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, "FEATURE_CONTROL",
	       "comes with VMX, SMX or SGX, all hidden"),
	EMULATE(MSR_TSC_ADJUST, MSR_TSC_ADJUST, MSR_IF_TSC_ADJUST, "TSC_ADJUST",
		"moves the TSC offset", read_tsc_adjust, write_tsc_adjust),
	ABSENT(MSR_SPEC_CTRL, MSR_PRED_CMD, "SPEC_CTRL, PRED_CMD", NO_SPECTRE),
	EMULATE(MSR_BIOS_UPDT_TRIG, MSR_BIOS_UPDT_TRIG, MSR_IF_INTEL, "BIOS_UPDT_TRIG",
		"microcode is the hypervisor's: the update is lost", NULL, write_ignored),
	EMULATE(MSR_BIOS_SIGN_ID, MSR_BIOS_SIGN_ID, MSR_ALWAYS, "BIOS_SIGN_ID, PATCH_LEVEL",
		"a constant by vendor", read_bios_sign_id, write_ignored),
	ABSENT(0xc1, 0xc8, "PMC0-7", NO_PMU),
	CONSTANT(MSR_PLATFORM_INFO, MSR_IF_INTEL, "PLATFORM_INFO", "no ratios, no CPUID faulting",
		 0),
	ABSENT(0xe7, 0xe8, "MPERF, APERF", NO_POWER),
	CONSTANT(MSR_MTRRCAP, MSR_IF_MTRR, "MTRRCAP", "8 variable ranges, fixed ranges, WC",
		 MTRRCAP_VALUE),
	ABSENT(MSR_ARCH_CAPABILITIES, MSR_ARCH_CAPABILITIES, "ARCH_CAPABILITIES", NO_SPECTRE),
	PASS(MSR_SYSENTER_CS, MSR_IF_SEP, "SYSENTER_CS", STATE_MSR, sysenter_cs, NULL),
	PASS(MSR_SYSENTER_ESP, MSR_IF_SEP, "SYSENTER_ESP", STATE_MSR, sysenter_esp, canonical),
	PASS(MSR_SYSENTER_EIP, MSR_IF_SEP, "SYSENTER_EIP", STATE_MSR, sysenter_eip, canonical),
	EMULATE(MSR_MCG_CAP, MSR_MCG_CAP, MSR_IF_MCA, "MCG_CAP",
		"0 banks; on a machine that ignores what it lacks, as many as it has", read_mcg_cap,
		NULL),
	EMULATE(MSR_MCG_STATUS, MSR_MCG_STATUS, MSR_IF_MCA, "MCG_STATUS",
		"0: no machine check is in progress; reserved bits are #GP", read_mcg_status,
		write_mcg_status),
	EMULATE(MSR_MCG_CTL, MSR_MCG_CTL, MSR_IF_MCA, "MCG_CTL", "as MCG_CAP says", read_mcg_ctl,
		write_mcg_ctl),
	ABSENT(0x186, 0x18d, "PERFEVTSEL0-7", NO_PMU),
	EMULATE(MSR_PERF_STATUS, MSR_PERF_STATUS, MSR_ALWAYS, "PERF_STATUS",
		"#GP; the machine's if it ignores what it lacks", read_perf_status, NULL),
	ABSENT(0x199, 0x19c, "PERF_CTL to THERM_STATUS", NO_POWER),
	EMULATE(MSR_MISC_ENABLE, MSR_MISC_ENABLE, MSR_IF_MISC_ENABLE, "MISC_ENABLE",
		"fast strings may be switched; BTS, PEBS unavailable; else #GP", read_misc_enable,
		write_misc_enable),
	ABSENT(0x1c9, 0x1c9, "LASTBRANCH_TOS", "no last-branch records"),
	KEEP(MSR_DEBUGCTL, MSR_ALWAYS, "DEBUGCTL",
	     "reads 0: LBR and BTF are lost, other bits are #GP", STATE_MSR, debugctl,
	     valid_debugctl),
	IGNORE(0x1db, 0x1de, MSR_IF_AMD, "LastBranch and LastInt, from and to", "none is recorded",
	       0),
	EMULATE(MSR_MTRR_PHYSBASE0, MSR_MTRR_PHYS_LAST, MSR_IF_MTRR,
		"MTRR_PHYSBASE0 to MTRR_PHYSMASK7", "kept and checked, without effect on caching",
		read_mtrr, write_mtrr),
	EMULATE(MSR_MTRR_FIX64K_00000, MSR_MTRR_FIX64K_00000, MSR_IF_MTRR, "MTRR_FIX64K_00000",
		"kept and checked", read_mtrr, write_mtrr),
	EMULATE(MSR_MTRR_FIX16K_80000, MSR_MTRR_FIX16K_A0000, MSR_IF_MTRR,
		"MTRR_FIX16K_80000, _A0000", "kept and checked", read_mtrr, write_mtrr),
	EMULATE(MSR_MTRR_FIX4K_C0000, MSR_MTRR_FIX4K_F8000, MSR_IF_MTRR,
		"MTRR_FIX4K_C0000 to MTRR_FIX4K_F8000", "kept and checked", read_mtrr, write_mtrr),
	KEEP(MSR_PAT, MSR_IF_PAT, "PAT", "the guest's own; a reserved type is #GP", STATE_MSR, pat,
	     valid_pat),
	EMULATE(MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, MSR_IF_MTRR, "MTRR_DEF_TYPE",
		"kept and checked", read_mtrr, write_mtrr),
	ABSENT(0x309, 0x345, "FIXED_CTR0 to PERF_CAPABILITIES", NO_PMU),
	ABSENT(0x38d, 0x390, "FIXED_CTR_CTRL to PERF_GLOBAL_OVF_CTRL", NO_PMU),
	EMULATE(MSR_MC0_CTL, MSR_MC_LAST, MSR_IF_MCA, "MC0_CTL to MC31_MISC", "as MCG_CAP says",
		read_bank, write_bank),
	ABSENT(0x480, 0x491, "VMX capabilities", NO_NESTING),
	EMULATE(MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, MSR_IF_DEADLINE, "TSC_DEADLINE", "our LAPIC",
		read_lapic, write_lapic),
	PASS(MSR_PKRS, MSR_IF_PKS, "PKRS", STATE_MSR, pkrs, valid_pkrs),
	EMULATE(MSR_X2APIC_FIRST, MSR_X2APIC_LAST, MSR_IF_X2APIC, "x2APIC registers",
		"our LAPIC; #GP outside x2APIC mode", read_lapic, write_lapic),
	KEEP(MSR_XSS, MSR_IF_XSAVES, "XSS", "0: no component is offered, so any other value is #GP",
	     STATE_XSAVE, xss, valid_xss),
	ABSENT(0x40000000, 0x400000ff, "another hypervisor's (Hyper-V)", "we are not it"),
	ABSENT(0x4b564d00, 0x4b564dff, "another hypervisor's (KVM)", "we are not it"),
	EMULATE(MSR_EFER, MSR_EFER, MSR_ALWAYS, "EFER",
		"bits by CPUID; LMA is ignored, a change of LME while paging and SVME are #GP",
		read_efer, write_efer),
	PASS(MSR_STAR, MSR_IF_SYSCALL, "STAR", STATE_MSR, star, NULL),
	PASS(MSR_LSTAR, MSR_IF_LM, "LSTAR", STATE_MSR, lstar, canonical),
	PASS(MSR_CSTAR, MSR_IF_LM, "CSTAR", STATE_MSR, cstar, canonical),
	PASS(MSR_SFMASK, MSR_IF_SYSCALL, "SFMASK", STATE_MSR, sfmask, NULL),
	PASS(MSR_FS_BASE, MSR_IF_LM, "FS_BASE", STATE_SEG, seg[SEG_FS].base, canonical),
	PASS(MSR_GS_BASE, MSR_IF_LM, "GS_BASE", STATE_SEG, seg[SEG_GS].base, canonical),
	PASS(MSR_KERNEL_GS_BASE, MSR_IF_LM, "KERNEL_GS_BASE", STATE_MSR, kernel_gs_base, canonical),
	KEEP(MSR_TSC_AUX, MSR_IF_RDTSCP, "TSC_AUX",
	     "32 bits: more is #GP on Intel, dropped on others", STATE_MSR, tsc_aux, valid_tsc_aux),
	ABSENT(0xc0000104, 0xc0000104, "TSC_RATIO", NO_NESTING),
	IGNORE(MSR_K7_PERF_FIRST, MSR_K7_PERF_LAST, MSR_IF_NOT_INTEL,
	       "K7 PerfEvtSel0-3, PerfCtr0-3",
	       "read 0, writes are lost: small kernels write them unasked", 0),
	IGNORE(MSR_SYSCFG, MSR_SYSCFG, MSR_IF_AMD, "SYSCFG",
	       "no memory encryption, no extended MTRRs", 0),
	EMULATE(MSR_HWCR, MSR_HWCR, MSR_IF_AMD, "HWCR",
		"TscFreqSel; harmless switches are lost, others are #GP", read_hwcr, write_hwcr),
	EMULATE(MSR_TOP_MEM, MSR_TOP_MEM, MSR_IF_AMD, "TOP_MEM", "the end of RAM below 4 GiB",
		read_top_mem, write_ignored),
	EMULATE(MSR_TOP_MEM2, MSR_TOP_MEM2, MSR_IF_AMD, "TOP_MEM2",
		"the end of RAM above 4 GiB, or 0", read_top_mem, write_ignored),
	IGNORE(MSR_NB_CFG, MSR_NB_CFG, MSR_IF_AMD, "NB_CFG", "the northbridge is not the guest's",
	       0),
	EMULATE(MSR_PATCH_LOADER, MSR_PATCH_LOADER, MSR_IF_AMD, "PATCH_LOADER",
		"microcode is the hypervisor's: the update is lost", NULL, write_ignored),
	IGNORE(MSR_INT_PENDING, MSR_INT_PENDING, MSR_IF_AMD, "INT_PENDING",
	       "no C1E: HLT never stops our LAPIC's timer", 0),
	ABSENT(0xc0010061, 0xc0010071, "P-states, C-states", NO_POWER),
	ABSENT(0xc0010111, 0xc0010113, "SMBASE, SMM_ADDR, SMM_MASK", "no system management mode"),
	IGNORE(MSR_AMD_VM_CR, MSR_AMD_VM_CR, MSR_IF_AMD, "VM_CR",
	       "SVMDIS and LOCK: switched off, as firmware does it", VM_CR_VALUE),
	ABSENT(0xc0010117, 0xc0010117, "VM_HSAVE_PA", NO_NESTING),
	ABSENT(0xc0010140, 0xc0010141, "OSVW_ID_LENGTH, OSVW_STATUS", "OSVW is hidden"),
	ABSENT(0xc0010200, 0xc001020b, "extended performance counters", NO_PMU),
	ABSENT(0xc0011000, 0xc001102f, "CPUID overrides, LS_CFG to BU_CFG2", MODEL_SPECIFIC),
	ABSENT(0xc0011030, 0xc001103f, "IBS", NO_PMU),
};

const unsigned msr_rule_count = ARRAY_SIZE(msr_rules);
