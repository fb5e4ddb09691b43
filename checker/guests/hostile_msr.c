/*
 * hostile_msr.c - MSRs in both directions, those of the host above all; time
 *
 * Must not know: which MSRs a hypervisor has.
 */
#include "hostile.h"
#include "x86_ops.h"

static const struct {
	u32 first, last;
} ranges[] = {
	{ 0, 0x1fff },
	{ 0xc0000000, 0xc0001fff },
	{ 0xc0010000, 0xc0011fff },
	{ 0x40000000, 0x400000ff },
	{ 0x4b564d00, 0x4b564dff },
	{ 0x80000000, 0x80000010 },
	{ 0xfffffff0, 0xfffffffe },
};

/*
 * What a guest must never see: whether the host virtualizes, with what, where its memory lies.  Its
 * CPUID offers neither SVM nor VMX, so these are #GP, or on a machine that ignores MSRs it lacks
 * (both emulators do) nothing: reads give 0 and writes are lost.  VM_CR exists on all AMD CPUs.
 */
static const struct {
	u32 first, last;
} hosts[] = {
	{ 0x3a, 0x3a },		    /* IA32_FEATURE_CONTROL */
	{ 0x480, 0x491 },	    /* IA32_VMX_* */
	{ 0xc0000104, 0xc0000104 }, /* TSC_RATIO */
	{ 0xc0010117, 0xc0010118 }, /* VM_HSAVE_PA, SVM_KEY */
};

static bool is_hosts_own(u32 msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(hosts); i++)
		if (msr >= hosts[i].first && msr <= hosts[i].last)
			return true;
	return false;
}

/* Those of a block are one class; so are random ones with the same upper digit. */
static u64 class_of(u32 msr, u32 block)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		if (msr >= ranges[i].first && msr <= ranges[i].last)
			return i << 8 | (msr - ranges[i].first) / block;
	return 0xff00 | msr >> 28;
}

static void read_one(struct tally *t, u32 msr)
{
	u64 value;
	bool ok = rt_rdmsr(msr, &value);

	hostile_case(t, class_of(msr, 0x80), 0);
	hostile_bad(t, ok && value && is_hosts_own(msr), "read-of-MSR-of-the-host", msr);
	hostile_bad(t, ok && msr == MSR_EFER && (value & EFER_SVME), "EFER-shows-SVME", msr);
}

/* Catches: an MSR that is the machine's own. */
static void msr_read(struct tally *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		for (u32 msr = ranges[i].first; msr <= ranges[i].last; msr++)
			if (msr - ranges[i].first < 0x400 || hostile_chosen())
				read_one(t, msr);
	for (u64 i = hostile_some(2000); i; i--)
		read_one(t, (u32)rt_random());
}

#define APIC_MODES (BIT(11) | BIT(10)) /* on, x2APIC */

/* Those that we need as they are; they are restored at once. */
static void write_one(struct tally *t, u32 msr)
{
	const u64 values[] = { 0, ~0ull, rt_random(), (u64)(uintptr_t)&ranges };
	u64 old, after;
	bool known = rt_rdmsr(msr, &old);

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		bool ok = rt_wrmsr(msr, values[i]);

		hostile_case(t, class_of(msr, 0x400), i);
		hostile_bad(t, ok && is_hosts_own(msr) && rt_rdmsr(msr, &after) && after,
			    "write-of-MSR-of-the-host", msr);
		hostile_bad(t, ok && msr == MSR_EFER && (values[i] & EFER_SVME), "EFER-takes-SVME",
			    msr);
		if (known && rt_wrmsr(msr, old))
			continue;
		if (known && msr == MSR_APIC_BASE) { /* from x2APIC the way back is through "off" */
			rt_wrmsr(msr, old & ~(u64)APIC_MODES);
			rt_wrmsr(msr, old);
		}
	}
}

/* x2APIC's registers are reached in x2APIC mode only; hostile_apic.c goes there. */
static bool sends_init(u32 msr)
{
	return msr == 0x830;
}

/* Catches: a write that reaches the machine, or makes its state one that cannot be entered. */
static void msr_write(struct tally *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		for (u32 msr = ranges[i].first; msr <= ranges[i].last; msr++)
			if (!sends_init(msr) && (msr - ranges[i].first < 0x400 || hostile_chosen()))
				write_one(t, msr);
	for (u64 i = hostile_some(2000); i; i--)
		write_one(t, (u32)rt_random() | 0x2000);
	RT_TRY("wrmsr", RT_OUT(), "c"(MSR_EFER), "a"((u32)(EFER_LME | EFER_SVME | EFER_SCE)),
	       "d"(0));
	hostile_case(t, MSR_EFER & 0xff, 0x100);
	hostile_bad(t, !rt_faulted(), "EFER-takes-SVME", MSR_EFER);
}

/* Catches: a guest that learns of, or changes, the host's own virtualization. */
static void msr_of_host(struct tally *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(hosts); i++)
		for (u32 msr = hosts[i].first; msr <= hosts[i].last; msr++) {
			const u64 values[] = { 0, 1, 5, 0x1000, rt_memory_end(), ~0ull };
			u64 after;

			read_one(t, msr);
			hostile_case(t, msr, 0);
			for (unsigned k = 0; k < ARRAY_SIZE(values); k++) {
				bool ok = rt_wrmsr(msr, values[k]);

				hostile_case(t, msr, 1 + k);
				hostile_bad(t, ok && rt_rdmsr(msr, &after) && after,
					    "write-of-MSR-of-the-host", msr);
			}
		}
}

/* ---- Time --------------------------------------------------------------------------- */

#define TSC_SLACK BIT(40) /* that much may pass between two instructions, not more */

/* Catches: a TSC that is the machine's, or an offset that overflows. */
static void tsc_written(struct tally *t)
{
	u64 tsc = 0, old;

	for (unsigned bit = 0; bit < 64; bit++) {
		u64 value = 1ull << bit, begin = x86_rdtsc();
		bool ok = rt_wrmsr(MSR_TSC, value);

		hostile_case(t, 0, bit);
		tsc = x86_rdtsc();
		hostile_bad(t, ok && tsc - value > TSC_SLACK, "TSC-is-not-as-written", bit);
		rt_wrmsr(MSR_TSC, begin);
		if (rt_rdmsr(MSR_TSC_ADJUST, &old)) {
			rt_wrmsr(MSR_TSC_ADJUST, old ^ value);
			hostile_case(t, 1, bit);
			rt_wrmsr(MSR_TSC_ADJUST, old);
		}
		/* A deadline that is past, near, or never. */
		rt_wrmsr(MSR_TSC_DEADLINE, value);
		hostile_case(t, 2, bit);
	}
	rt_wrmsr(MSR_TSC_DEADLINE, 0);
}

/* ---- MSRs that hold addresses ---------------------------------------------------------- */

/* Catches: a base that is not canonical, with which the machine cannot be entered any more. */
static void msr_addresses(struct tally *t)
{
	static const u32 bases[] = { MSR_FS_BASE, MSR_GS_BASE,	    MSR_KERNEL_GS_BASE,
				     MSR_LSTAR,	  MSR_SYSENTER_EIP, MSR_SYSENTER_ESP };

	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
		u64 old = x86_rdmsr(bases[i]);

		for (unsigned bit = 32; bit < 64; bit++) {
			rt_wrmsr(bases[i], 1ull << bit);
			hostile_case(t, i, bit);
			x86_cpuid(0, 0); /* leave, and come back with it */
		}
		rt_wrmsr(bases[i], old);
	}
}

/* ---- The upper half of RCX ------------------------------------------------------------ */

/* Bits 63 to 32 of RCX; a permission map that is looked up with any of them is looked up wrongly.
 */
static const u64 uppers[] = { 0xffffffff00000000, 0x100000000, 0x200000000, 0x8000000000000000 };

static bool read_by(u64 rcx, u64 *value)
{
	u32 low = 0, high = 0;

	RT_TRY("rdmsr", RT_OUT("=a"(low), "=d"(high)), "c"(rcx));
	*value = (u64)high << 32 | low;
	return !rt_faulted();
}

static bool write_by(u64 rcx, u64 value)
{
	RT_TRY("wrmsr", RT_OUT(), "c"(rcx), "a"((u32)value), "d"((u32)(value >> 32)));
	return !rt_faulted();
}

/* What is not the same twice is time, or counts: then only whether it can be read. */
static void read_by_halves(struct tally *t, u32 msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(uppers); i++) {
		u64 before = 0, after = 0, got = 0;
		bool known = rt_rdmsr(msr, &before), ok = read_by(uppers[i] | msr, &got);

		rt_rdmsr(msr, &after);
		hostile_case(t, class_of(msr, 0x80), i);
		hostile_bad(t, ok != known, "RDMSR-by-RCX-is-not-by-ECX", msr);
		hostile_bad(t, ok && known && before == after && got != before,
			    "read-of-another-MSR-by-RCX", msr);
	}
}

static void all_by_halves(struct tally *t, unsigned range)
{
	for (u32 msr = ranges[range].first; msr <= ranges[range].last; msr++)
		if (hostile_chosen())
			read_by_halves(t, msr);
}

/*
 * The guest's PAT gets a value that no host has; entries 4 to 7 are not in use.  What a write
 * changed that is not the guest's is put back. [SDM] vol. 3 "IA32_PAT MSR" (11.12.2); ECX alone
 * names the MSR: vol. 2 "RDMSR", "WRMSR"
 */
static void pat_by_halves(struct tally *t)
{
	const u64 types = 0x0105060700000000, others = 0x0706050100000000;
	u64 old = x86_rdmsr(MSR_PAT), mine = types | (u32)old, next = others | (u32)old;

	for (unsigned i = 0; i < ARRAY_SIZE(uppers); i++) {
		u64 rcx = uppers[i] | MSR_PAT, got = 0, now = 0;

		rt_wrmsr(MSR_PAT, mine);
		hostile_case(t, 0xfe00, i);
		hostile_bad(t, !read_by(rcx, &got) || got != mine, "read-of-the-host's-PAT",
			    uppers[i] >> 32);
		hostile_case(t, 0xfe01, i);
		hostile_bad(t, !write_by(rcx, next) || !rt_rdmsr(MSR_PAT, &now) || now != next,
			    "write-of-the-host's-PAT", uppers[i] >> 32);
		if (now != next)
			write_by(rcx, got);
	}
	rt_wrmsr(MSR_PAT, old);
}

/* Catches: an intercept that is looked up with more than ECX; here MSRs below 2000h. */
static void msr_halves_low(struct tally *t)
{
	pat_by_halves(t);
	all_by_halves(t, 0);
}

/* The same of those from C0000000h and C0010000h on. */
static void msr_halves(struct tally *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(uppers); i++) {
		u64 value;

		hostile_case(t, 0xfe00, i);
		hostile_bad(t, read_by(uppers[i] | MSR_EFER, &value) && (value & EFER_SVME),
			    "EFER-shows-SVME", uppers[i] >> 32);
		hostile_case(t, 0xfe01, i);
		hostile_bad(t, write_by(uppers[i] | MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_SVME),
			    "EFER-takes-SVME", uppers[i] >> 32);
	}
	all_by_halves(t, 1);
	all_by_halves(t, 2);
}

static const struct attack attacks[] = {
	{ "msr-read", msr_read, false },
	{ "msr-write", msr_write, false },
	{ "msr-of-host", msr_of_host, true },
	{ "tsc-written", tsc_written, true },
	{ "msr-addresses", msr_addresses, true },
	{ "msr-halves", msr_halves, false },
	{ "msr-halves-low", msr_halves_low, false },
};

const struct attack_list hostile_msr = ATTACKS(attacks);
