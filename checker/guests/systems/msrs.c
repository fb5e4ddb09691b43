/*
 * msrs.c - each bit of the architectural MSRs: kept, refused, or lost
 *
 * Owns: the table of MSRs, and what the manuals say of their bits.  Must not know: who answers.
 *
 * One bit is changed at a time, then the register is as it was.  Bits that depend on the model,
 * or that would move the local APIC, are not tried.
 *
 * Sources: [SDM] vol. 4 "Architectural MSRs" (2.1); vol. 3 "IA32_MTRR_DEF_TYPE MSR" (11.11.2.1),
 * "Fixed Range MTRRs" (11.11.2.2), "Variable Range MTRRs" (11.11.2.3), "IA32_PAT MSR" (11.12.2),
 * "x2APIC Register Address Space" (10.12.1.2); vol. 1 "Canonical Addressing" (3.3.7.1); vol. 2
 * "RDMSR", "WRMSR"; [APM] vol. 2 "Extended Feature Enable Register (EFER)" (3.1.7).
 */
#include "systems.h"

#include "lib/fmt.h"
#include "x86_ops.h"

#define IS_WRITTEN BIT(8) /* reads back as written */
#define IS_OLD BIT(9)	  /* reads back as before */
#define IS_ELSE BIT(10)
#define MTRR_VALID BIT(11)
#define MTRR_PHYSMASK0 (MSR_MTRR_PHYSBASE0 + 1)
#define MTRR_CODES 12
#define X2APIC_COUNT 64
#define LOW BITS(31, 0)
#define HIGH BITS(63, 32)

enum needs { ALWAYS, SEP, PAT, PKS, RDTSCP, XSAVES, MTRR, X2APIC };

/* Bits that are in no mask are not tried. */
struct line {
	const char *name;
	u32 msr;
	enum needs needs;
	u64 kept, refused;
};

static bool intel, wide;
static u64 beyond; /* bits above physical addresses */

static bool has(enum needs needs)
{
	const struct cpuid_regs one = x86_cpuid(1, 0), seven = x86_cpuid(7, 0);

	switch (needs) {
	case SEP:
		return one.edx & BIT(11);
	case MTRR:
		return one.edx & BIT(12);
	case PAT:
		return one.edx & BIT(16);
	case X2APIC:
		return one.ecx & BIT(21);
	case PKS:
		return seven.ecx & BIT(31);
	case RDTSCP:
		return x86_cpuid(0x80000001, 0).edx & BIT(27);
	case XSAVES:
		return x86_cpuid(0, 0).eax >= 0xd && x86_cpuid(0xd, 1).eax & BIT(3);
	default:
		return true;
	}
}

/* ---- One write --------------------------------------------------------------------------- */

static u64 written(u32 msr, u64 value)
{
	u64 old = 0, now = 0, word;

	rt_rdmsr(msr, &old);
	word = rt_wrmsr(msr, value) ? 0 : WORD_VECTOR(rt_vector) | WORD_ERROR(rt_error);
	rt_rdmsr(msr, &now);
	word |= now == value ? IS_WRITTEN : now == old ? IS_OLD : IS_ELSE;
	rt_wrmsr(msr, old);
	return word;
}

static u64 refusal(void)
{
	return WORD_VECTOR(VECTOR_GP) | IS_OLD;
}

static void try_value(unsigned tag, u32 msr, u64 value, bool allowed)
{
	u64 old = 0;

	rt_rdmsr(msr, &old);
	/* What is there already can only be refused. */
	systems_try(tag, written(msr, value), allowed ? IS_WRITTEN : refusal(),
		    value == old ? IS_WRITTEN | IS_OLD : 0);
}

/* open: bits that are tried, of which anything is right. */
static void one_line(const struct line *l, u64 open)
{
	char name[SYSTEMS_NAME];
	u64 old = 0;

	if (!has(l->needs) || !rt_rdmsr(l->msr, &old))
		return;
	fmt_string(name, sizeof(name), "msr.%s", l->name);
	systems_begin(name);
	for (unsigned i = 0; i < 64; i++) {
		u64 bit = BIT(i);

		if (bit & (l->kept | l->refused | open))
			systems_try(bit & l->refused ? 1 : 0, written(l->msr, old ^ bit),
				    bit & l->refused ? refusal() : IS_WRITTEN,
				    bit & open ? ~0ull : 0);
	}
	systems_end();
}

/* ---- EFER -------------------------------------------------------------------------------- */

/* While paging in IA-32e mode: LME cannot change.  Whether a write that would change LMA faults
   is not the same with both makers, so it is not tried. open: what bare has and we may not. */
static void efer(void)
{
	const struct cpuid_regs e = x86_cpuid(0x80000001, 0);
	const bool newer = x86_cpuid(0x80000000, 0).eax >= 0x80000021;
	u64 open = 0;
	struct line l = { "efer", MSR_EFER, ALWAYS, EFER_SCE,
			  EFER_LME | BIT(9) | BIT(16) | BIT(19) | BITS(63, 22) };

	*(e.edx & BIT(20) ? &l.kept : &l.refused) |= EFER_NXE;
	*(e.edx & BIT(25) ? &l.kept : &l.refused) |= EFER_FFXSR;
	*(e.ecx & BIT(2) ? &open : &l.refused) |= EFER_SVME;
	*(e.ecx & BIT(17) ? &open : &l.refused) |= BIT(15);
	if (intel)
		l.refused |= BITS(7, 1) | BIT(13) | BITS(18, 17) | BITS(21, 20);
	else
		*(newer ? &open : &l.refused) |= BITS(21, 20);
	one_line(&l, open);
}

/* ---- Addresses --------------------------------------------------------------------------- */

static void addresses(const char *of, u32 msr)
{
	const unsigned width = wide ? 57 : 48;
	char name[SYSTEMS_NAME];
	u64 old;

	if (!rt_rdmsr(msr, &old))
		return;
	fmt_string(name, sizeof(name), "msr.%s", of);
	systems_begin(name);
	for (unsigned i = 12; i < 64; i++) {
		u64 bit = BIT(i);

		try_value(0, msr, bit, i < width - 1);
		try_value(1, msr, ~bit, i < width - 1);
	}
	systems_end();
}

static void all_addresses(void)
{
	addresses("lstar", MSR_LSTAR);
	addresses("fs_base", MSR_FS_BASE);
	addresses("gs_base", MSR_GS_BASE);
	addresses("kernel_gs_base", MSR_KERNEL_GS_BASE);
	if (intel) {
		addresses("sysenter_esp", MSR_SYSENTER_ESP);
		addresses("sysenter_eip", MSR_SYSENTER_EIP);
	} else {
		addresses("cstar", MSR_CSTAR);
	}
}

/* ---- Memory types ------------------------------------------------------------------------ */

static const u8 type_codes[MTRR_CODES] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x16, 0x46, 0x86 };

static bool is_type(u8 code, bool pat)
{
	return code <= 1 || (code >= 4 && code <= 6) || (pat && code == 7);
}

/* Each byte of the register becomes each code. */
static void bytes_of(u32 msr, bool pat, unsigned first, unsigned step)
{
	u64 old = 0;

	rt_rdmsr(msr, &old);
	for (unsigned byte = first; byte < 8; byte += step)
		for (unsigned i = 0; i < MTRR_CODES; i++)
			try_value(byte, msr,
				  (old & ~(0xffull << 8 * byte)) | (u64)type_codes[i] << 8 * byte,
				  is_type(type_codes[i], pat));
}

static void types(const char *name, u32 msr, bool pat)
{
	systems_begin(name);
	bytes_of(msr, pat, 0, 1);
	systems_end();
}

static void type_byte(const char *name, u32 msr)
{
	systems_begin(name);
	bytes_of(msr, false, 0, 8);
	systems_end();
}

static void fixed_ranges(void)
{
	types("msr.mtrr.fix64k", MSR_MTRR_FIX64K_00000, false);
	types("msr.mtrr.fix16k", MSR_MTRR_FIX16K_A0000, false);
	types("msr.mtrr.fix4k", MSR_MTRR_FIX4K_F8000, false);
	systems_begin("msr.mtrr.fixed");
	bytes_of(MSR_MTRR_FIX16K_80000, false, 1, 7);
	for (u32 msr = MSR_MTRR_FIX4K_C0000; msr < MSR_MTRR_FIX4K_F8000; msr++)
		bytes_of(msr, false, msr & 7, 8);
	systems_end();
}

static void memory_types(void)
{
	const struct line range_default = { "mtrr.default", MSR_MTRR_DEF_TYPE, MTRR,
					    BIT(10) | BIT(11), BITS(9, 8) | BITS(63, 12) };
	char name[SYSTEMS_NAME];
	unsigned count;
	u64 cap = 0;

	if (has(PAT))
		types("msr.pat", MSR_PAT, true);
	if (!has(MTRR) || !rt_rdmsr(MSR_MTRRCAP, &cap))
		return;
	systems_begin("msr.mtrr.cap");
	systems_try(0, written(MSR_MTRRCAP, cap ^ 1), refusal(), 0);
	systems_end();
	one_line(&range_default, 0);
	type_byte("msr.mtrr.default.type", MSR_MTRR_DEF_TYPE);
	count = cap & 0xff;
	for (unsigned i = 0; i < count; i += 3) {
		const u64 place = BITS(51, 12) & ~beyond;
		struct line l = { name + 4, MSR_MTRR_PHYSBASE0 + 2 * i, MTRR, place,
				  BITS(11, 8) | beyond };
		char of[SYSTEMS_NAME];

		fmt_string(name, sizeof(name), "msr.mtrr.base%u", i);
		fmt_string(of, sizeof(of), "%s", name + 4);
		l.name = of;
		one_line(&l, 0);
		fmt_string(name, sizeof(name), "msr.mtrr.base%u.type", i);
		type_byte(name, l.msr);
		fmt_string(of, sizeof(of), "mtrr.mask%u", i);
		l.msr = MTRR_PHYSMASK0 + 2 * i;
		l.kept = place | MTRR_VALID;
		l.refused = BITS(10, 0) | beyond;
		one_line(&l, 0);
	}
	if (cap & BIT(8))
		fixed_ranges();
}

/* ---- RDMSR and WRMSR themselves ---------------------------------------------------------- */

/* ECX, EDX:EAX: upper halves of registers do not count, and are zero afterwards. */
static void halves(void)
{
	static const u32 msrs[] = { MSR_EFER, MSR_PAT, MSR_KERNEL_GS_BASE, MSR_STAR,
				    MSR_APIC_BASE };
	const u64 upper = HIGH & 0xa5a5a5a500000000;

	systems_begin("msr.halves");
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		u64 a = ~0ull, d = ~0ull, value = 0;

		rt_rdmsr(msrs[i], &value);
		RT_TRY("rdmsr", RT_OUT("+a"(a), "+d"(d)), "c"(msrs[i] | upper));
		systems_try(0,
			    (rt_faulted() ? WORD_VECTOR(rt_vector) : 0) |
				(a == (value & LOW) ? IS_WRITTEN : 0) |
				(d == value >> 32 ? IS_OLD : 0),
			    IS_WRITTEN | IS_OLD, 0);
		RT_TRY("wrmsr", RT_OUT(), "a"(value | upper), "d"(value >> 32 | upper),
		       "c"(msrs[i] | upper));
		a = 0;
		d = rt_faulted() ? WORD_VECTOR(rt_vector) : 0;
		rt_rdmsr(msrs[i], &a);
		systems_try(1, d | (a == value ? IS_WRITTEN : IS_ELSE), IS_WRITTEN, 0);
	}
	systems_end();
}

/* The local APIC's registers are no MSRs before its mode is x2APIC. */
static void x2apic_off(void)
{
	u64 value;

	if (!has(X2APIC) || x86_rdmsr(MSR_APIC_BASE) & BIT(10))
		return;
	systems_begin("msr.x2apic.off");
	for (u32 i = 0; i < X2APIC_COUNT; i++)
		systems_try(0, rt_rdmsr(MSR_X2APIC_FIRST + i, &value) ? 0 : WORD_VECTOR(rt_vector),
			    WORD_VECTOR(VECTOR_GP), 0);
	systems_end();
}

void systems_msrs(void)
{
	const struct cpuid_regs vendor = x86_cpuid(0, 0);
	const unsigned physical = x86_cpuid(0x80000008, 0).eax & 0xff;

	intel = vendor.ebx == 0x756e6547; /* Genu */
	wide = x86_cpuid(7, 0).ecx & BIT(16);
	beyond = ~(BIT(physical) - 1);
	efer();
	{
		const struct line lines[] = {
			{ "apic_base", MSR_APIC_BASE, ALWAYS, 0, BITS(7, 0) | BIT(9) | beyond },
			{ "sysenter_cs", MSR_SYSENTER_CS, SEP, BITS(15, 0), 0 },
			{ "debugctl", MSR_DEBUGCTL, ALWAYS, 0, BITS(63, 16) },
			{ "star", MSR_STAR, ALWAYS, intel ? HIGH : ~0ull, 0 },
			{ "sfmask", MSR_SFMASK, ALWAYS, LOW, 0 },
			{ "tsc_aux", MSR_TSC_AUX, RDTSCP, LOW, intel ? HIGH : 0 },
			{ "pkrs", MSR_PKRS, PKS, LOW, HIGH },
			{ "xss", MSR_XSS, XSAVES, 0,
			  ~((u64)x86_cpuid(0xd, 1).edx << 32 | x86_cpuid(0xd, 1).ecx) },
		};

		for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
			one_line(&lines[i], 0);
	}
	all_addresses();
	memory_types();
	halves();
	x2apic_off();
}
