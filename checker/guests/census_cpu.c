/*
 * census_cpu.c - CPUID, MSRs, control registers
 *
 * Sources: [SDM] vol. 2 "CPUID", vol. 4; [APM] vol. 3 "Obtaining Processor Information Via the
 * CPUID Instruction" (appendix E), vol. 2 "System-Control Registers" (3.1).
 */
#include "census.h"
#include "x86_ops.h"

#define GP "#13(0x0)"
#define UD "#6(0x0)"
#define CPUID_1_ECX_VMX BIT(5)
#define CPUID_80000001_ECX_SVM BIT(2)
#define MSR_VM_HSAVE_PA 0xc0010117

/* ---- CPUID ------------------------------------------------------------------------ */

/* Leaves whose registers are sets of features. */
void census_cpuid(void)
{
	struct cpuid_regs r = x86_cpuid(0, 0);

	census_number("cpuid.0.ebx", r.ebx);
	census_number("cpuid.0.ecx", r.ecx);
	census_number("cpuid.0.edx", r.edx);
	r = x86_cpuid(1, 0);
	census_number("cpuid.1.eax", r.eax);
	census_flags("cpuid.1.ecx", r.ecx);
	census_flags("cpuid.1.edx", r.edx);
	r = x86_cpuid(7, 0);
	census_flags("cpuid.7.ebx", r.ebx);
	census_flags("cpuid.7.ecx", r.ecx);
	census_flags("cpuid.7.edx", r.edx);
	r = x86_cpuid(0xd, 0);
	census_flags("cpuid.d.eax", r.eax);
	r = x86_cpuid(0x80000001, 0);
	census_flags("cpuid.80000001.ecx", r.ecx);
	census_flags("cpuid.80000001.edx", r.edx);
	r = x86_cpuid(0x80000008, 0);
	census_number("cpuid.80000008.eax", r.eax & 0xffff);
	r = x86_cpuid(0x80000002, 0);
	census_number("cpuid.brand", r.eax ^ r.ebx ^ r.ecx ^ r.edx);
	/* OSXSAVE follows CR4; a CPU without XSAVE refuses that bit. */
	RT_TRY("mov %0, %%cr4", RT_OUT(), "r"(x86_read_cr4() | CR4_OSXSAVE));
	census_number("cpuid.osxsave.on", x86_cpuid(1, 0).ecx >> 27 & 1);
	x86_write_cr4(x86_read_cr4() & ~CR4_OSXSAVE);
	census_number_manual("cpuid.osxsave.off", x86_cpuid(1, 0).ecx >> 27 & 1, 0);
}

/* ---- MSRs --------------------------------------------------------------------------- */

static bool has_svm(void)
{
	return x86_cpuid(0x80000001, 0).ecx & CPUID_80000001_ECX_SVM;
}

static bool has_vmx(void)
{
	return x86_cpuid(1, 0).ecx & CPUID_1_ECX_VMX;
}

/*
 * An MSR that no CPU has: #GP, or on a machine that ignores what it lacks (QEMU and Bochs do), and
 * so under a hypervisor that shows the machine, nothing: it reads 0 and keeps nothing.
 */
static void no_msr(const char *name, u32 msr)
{
	u64 value = 0;
	bool there;

	rt_wrmsr(msr, 1);
	there = rt_rdmsr(msr, &value) && value;
	census_number_manual(name, !there, true);
}

/* Write, read back, restore. */
static void keep_msr(const char *name, u32 msr, u64 value)
{
	u64 old = 0, now = 0;

	rt_rdmsr(msr, &old);
	rt_wrmsr(msr, value);
	rt_rdmsr(msr, &now);
	census_number_manual(name, now, value);
	rt_wrmsr(msr, old);
}

static void write_msr(const char *name, u32 msr, u64 value, const char *manual)
{
	u64 old = 0;
	bool known = rt_rdmsr(msr, &old);

	rt_wrmsr(msr, value);
	census_trap(name, manual);
	if (known)
		rt_wrmsr(msr, old);
}

/*
 * What CPUID offers must be there, and what it does not offer must not: a half-hidden feature is a
 * leak.
 */
static void honest(void)
{
	u64 efer = x86_rdmsr(MSR_EFER), hsave = 0, basic = 0;
	bool takes = rt_wrmsr(MSR_EFER, efer | EFER_SVME), saves, fixed;

	rt_wrmsr(MSR_EFER, efer);
	saves = rt_rdmsr(MSR_VM_HSAVE_PA, &hsave) && hsave;
	census_number_manual("honest.svm.efer", takes == has_svm(), true);
	census_number_manual("honest.svm.hsave", !saves || has_svm(), true);
	fixed = rt_rdmsr(0x480, &basic) && basic;
	census_number_manual("honest.vmx.msr", !fixed || has_vmx(), true);
	RT_TRY("stgi", RT_OUT(), "i"(0));
	census_number_manual("honest.stgi", !rt_faulted() <= has_svm(), true);
	if (!has_vmx() && census_virtual()) { /* bare QEMU 7.2 hangs */
		RT_TRY("mov %0, %%cr4", RT_OUT(), "r"(x86_read_cr4() | CR4_VMXE));
		census_trap("honest.vmx.cr4", GP);
	}
	census_number("efer", efer & ~EFER_SVME);
}

static void time_stamp(void)
{
	u64 now;

	rt_wrmsr(MSR_TSC, 0x123456789a);
	now = x86_rdtsc();
	census_number_manual("tsc.written", now - 0x123456789a < BIT(32), true);
	x86_cpuid(0, 0);
	census_number_manual("tsc.advances", x86_rdtsc() > now, true);
	now = x86_rdtsc();
	census_number_manual("tsc.rdmsr", x86_rdmsr(MSR_TSC) - now < BIT(24), true);
}

/* ---- Many at once ------------------------------------------------------------------- */

#define CPUID_1_EDX_MTRR BIT(12)
#define CPUID_7_EBX_TSC_ADJUST BIT(1)
#define MTRR_FIXED 11
#define MTRR_VARIABLE 8 /* pairs: what everybody has */
#define MTRR_WB 0x0606060606060606ull
#define MTRR_WC 1
#define MTRR_RESERVED 2

static u32 fixed_mtrr(unsigned n)
{
	return n == 0	? MSR_MTRR_FIX64K_00000
	       : n <= 2 ? MSR_MTRR_FIX16K_80000 + n - 1
			: MSR_MTRR_FIX4K_C0000 + n - 3;
}

static bool variable_mtrrs(void)
{
	return (x86_rdmsr(MSR_MTRRCAP) & 0xff) >= MTRR_VARIABLE;
}

/* A value of its own for register n; masks without their valid bit. */
static u64 mtrr_value(unsigned n)
{
	u64 place = 8 * (n % 8);

	if (n < MTRR_FIXED)
		return (MTRR_WB & ~(0xffull << place)) |
		       (u64)(n < 8 ? MTRR_WC : 0) << place;
	return (u64)(n + 1) << 20;
}

static u32 mtrr(unsigned n)
{
	return n < MTRR_FIXED ? fixed_mtrr(n) : MSR_MTRR_PHYSBASE0 + n - MTRR_FIXED;
}

/* All are written, then all are read: two that are one and the same show.  The first wrong one. */
static void mtrrs(void)
{
	static u64 old[MTRR_FIXED + 2 * MTRR_VARIABLE];
	unsigned count, wrong = 0;
	u64 value;

	if (!(x86_cpuid(1, 0).edx & CPUID_1_EDX_MTRR))
		return;
	count = MTRR_FIXED + (variable_mtrrs() ? 2 * MTRR_VARIABLE : 0);
	for (unsigned i = 0; i < count; i++)
		rt_rdmsr(mtrr(i), &old[i]);
	for (unsigned i = 0; i < count; i++)
		rt_wrmsr(mtrr(i), mtrr_value(i));
	for (unsigned i = count; i-- > 0;)
		if (!rt_rdmsr(mtrr(i), &value) || value != mtrr_value(i))
			wrong = mtrr(i);
	for (unsigned i = 0; i < count; i++)
		rt_wrmsr(mtrr(i), old[i]);
	census_number_manual("msr.mtrr.apart", wrong, 0);
	write_msr("msr.mtrr.fixed.reserved", MSR_MTRR_FIX4K_C0000, MTRR_RESERVED, GP);
	write_msr("msr.mtrr.base.reserved", MSR_MTRR_PHYSBASE0, MTRR_RESERVED, GP);
	write_msr("msr.mtrr.default.reserved", MSR_MTRR_DEF_TYPE, MTRR_RESERVED, GP);
	write_msr("msr.mtrr.cap", MSR_MTRRCAP, 0, census_virtual() ? GP : NULL);
	write_msr("msr.pat.reserved", MSR_PAT, MTRR_RESERVED, GP);
}

/* The TSC and what was added to it move together.  [SDM] "IA32_TSC_ADJUST" (17.17.3) */
static void tsc_adjust(void)
{
	u64 before, adjust = 0, now = 0;

	if (!(x86_cpuid(7, 0).ebx & CPUID_7_EBX_TSC_ADJUST))
		return;
	rt_rdmsr(MSR_TSC_ADJUST, &adjust);
	before = x86_rdtsc();
	rt_wrmsr(MSR_TSC_ADJUST, adjust + BIT(42));
	census_number_manual("tsc.adjust.moves", (x86_rdtsc() - before) >> 40, 4);
	rt_rdmsr(MSR_TSC_ADJUST, &now);
	census_number_manual("tsc.adjust.keeps", now - adjust, BIT(42));
	rt_wrmsr(MSR_TSC, x86_rdtsc() + BIT(43));
	rt_rdmsr(MSR_TSC_ADJUST, &now);
	/* 2^42 and, but for the ticks that it took, 2^43. */
	census_number_manual("tsc.adjust.follows", (now - adjust + BIT(40)) >> 41, 6);
	rt_wrmsr(MSR_TSC_ADJUST, adjust);
}

static void tsc_aux(void)
{
	u64 old = 0, now = 0;
	bool faulted;

	if (!rt_rdmsr(MSR_TSC_AUX, &old))
		return;
	faulted = !rt_wrmsr(MSR_TSC_AUX, BIT(32) | 5);
	rt_rdmsr(MSR_TSC_AUX, &now);
	census_number_manual("msr.tsc_aux.high", faulted || now == 5, 1);
	rt_wrmsr(MSR_TSC_AUX, old);
}

void census_msr(void)
{
	u64 old = x86_rdmsr(MSR_APIC_BASE);

	census_number("msr.apic_base", old);
	/* Nobody has these: a hypervisor that lets them through shows what is below. */
	no_msr("msr.none.1", 0x2fff);
	no_msr("msr.none.2", 0xc0000fff);
	no_msr("msr.none.3", 0xc0001fff);
	no_msr("msr.none.4", 0x80000000);
	no_msr("msr.none.5", 0xdeadbeef);
	keep_msr("msr.star", MSR_STAR, 0x1122334455667788);
	keep_msr("msr.lstar", MSR_LSTAR, 0xffff800011223344);
	keep_msr("msr.cstar", MSR_CSTAR, 0x7fff11223344);
	keep_msr("msr.sfmask", MSR_SFMASK, 0x47700);
	keep_msr("msr.fs_base", MSR_FS_BASE, 0xffff800012345678);
	keep_msr("msr.gs_base", MSR_GS_BASE, 0x123456789abc);
	keep_msr("msr.kernel_gs_base", MSR_KERNEL_GS_BASE, 0xfffffffffffff000);
	keep_msr("msr.sysenter_esp", MSR_SYSENTER_ESP, 0xffff800000001000);
	keep_msr("msr.sysenter_eip", MSR_SYSENTER_EIP, 0xffff800000002000);
	keep_msr("msr.pat", MSR_PAT, 0x0007040600070406);
	keep_msr("msr.pat.other", MSR_PAT, 0x0106040501060400);
	write_msr("msr.efer.reserved", MSR_EFER, x86_rdmsr(MSR_EFER) | BIT(20),
		  census_virtual() ? GP : NULL);
	write_msr("msr.efer.lme", MSR_EFER, x86_rdmsr(MSR_EFER) & ~EFER_LME,
		  census_virtual() ? GP : NULL);
	keep_msr("msr.efer.sce", MSR_EFER, x86_rdmsr(MSR_EFER) ^ EFER_SCE);
	mtrrs();
	tsc_aux();
	honest();
	time_stamp();
	tsc_adjust();
}

/* ---- Control registers ----------------------------------------------------------------- */

static void write_cr0(const char *name, u64 value, const char *manual)
{
	u64 old = x86_read_cr0();

	if (rt_avoids(name))
		return;
	RT_TRY("mov %0, %%cr0", RT_OUT(), "r"(value));
	census_trap(name, manual);
	x86_write_cr0(old);
}

static void write_cr4(const char *name, u64 value, const char *manual)
{
	u64 old = x86_read_cr4();

	RT_TRY("mov %0, %%cr4", RT_OUT(), "r"(value));
	census_trap(name, manual);
	x86_write_cr4(old);
}

static void machine_status_word(void)
{
	u64 cr0 = x86_read_cr0();
	u64 smsw;

	__asm__ volatile("smsw %0" : "=r"(smsw));
	census_number("smsw", smsw & 0xffff);
	__asm__ volatile("lmsw %w0" ::"r"((u32)(cr0 | CR0_TS)));
	census_number_manual("lmsw.ts", !!(x86_read_cr0() & CR0_TS), true);
	__asm__ volatile("lmsw %w0" ::"r"(0));
	census_number_manual("lmsw.pe-stays", x86_read_cr0() & CR0_PE, CR0_PE);
	x86_write_cr0(cr0 | CR0_TS);
	__asm__ volatile("clts");
	census_number_manual("clts", x86_read_cr0(), cr0 & ~CR0_TS);
	x86_write_cr0(cr0);
}

static void task_priority(void)
{
	u64 value;

	__asm__ volatile("mov %1, %%cr8; mov %%cr8, %0" : "=r"(value) : "r"(5ull));
	census_number_manual("cr8.keeps", value, 5);
	census_number_manual("cr8.tpr", *(volatile u32 *)(APIC_DEFAULT_BASE + 0x80) & 0xf0, 0x50);
	__asm__ volatile("mov %0, %%cr8" ::"r"(0ull));
	RT_TRY("mov %0, %%cr8", RT_OUT(), "r"(0x10ull));
	/* QEMU takes any number; a hypervisor decides itself. */
	census_trap("cr8.reserved", census_virtual() ? GP : NULL);
	__asm__ volatile("mov %0, %%cr8" ::"r"(0ull));
}

void census_control(void)
{
	u64 cr0 = x86_read_cr0(), cr4 = x86_read_cr4();

	census_number("cr0", cr0);
	census_number("cr4", cr4);
	write_cr0("cr0.wp-off", cr0 & ~CR0_WP, "none");
	write_cr4("cr4.de", cr4 | CR4_DE, "none");
	if (census_virtual()) { /* bare QEMU 7.2 hangs */
		write_cr0("cr0.pg-off", cr0 & ~CR0_PG, GP);
		write_cr0("cr0.pe-off", cr0 & ~CR0_PE, GP);
		write_cr4("cr4.la57", cr4 ^ CR4_LA57, GP);
		write_cr0("cr0.nw", cr0 | CR0_NW, GP);
		write_cr0("cr0.high", cr0 | BIT(40), GP);
		write_cr4("cr4.reserved", cr4 | BIT(31), GP);
		write_cr4("cr4.high", cr4 | BIT(50), GP);
		write_cr4("cr4.pae-off", cr4 & ~CR4_PAE, GP);
	}
	machine_status_word();
	task_priority();
	RT_TRY("vmrun", RT_OUT(), "a"(0));
	census_trap("vmrun", census_virtual() ? UD : NULL);
	RT_TRY("wbinvd", RT_OUT(), "i"(0));
	census_trap("wbinvd", "none");
	RT_TRY("ud2", RT_OUT(), "i"(0));
	census_trap("ud2", UD);
}
