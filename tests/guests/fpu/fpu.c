/*
 * fpu.c - see fpu.h
 *
 * Sources: [SDM] vol. 1 "Compacted Form of the Extended Region" (13.4.3), "Operation of XSAVEC"
 * (13.10), "Operation of XRSTORS" (13.12).
 */
#include "fpu.h"

#include "lib/string.h"
#include "x86_ops.h"

#define CPUID_XSAVE 0xd
#define LEAF1_ECX_XSAVE BIT(26)
#define LEAFD_EAX_XSAVEOPT BIT(0)
#define LEAFD_EAX_XSAVEC BIT(1)
#define LEAFD_EAX_IN_USE BIT(2)
#define LEAFD_EAX_XSAVES BIT(3)
#define MXCSR_AT 24
#define MXCSR_RESET 0x1f80
#define MXCSR_MASK_AT 28
#define MXCSR_MASK_DEFAULT 0xffbf
#define AVX 2 /* its component */
#define COMPACTED_AVX 576 /* the first component behind the header */
#define YMM_HALVES 256

const char *const fpu_form_name[FPU_FORMS] = { "FXSAVE", "XSAVE", "XSAVEOPT", "XSAVEC", "XSAVES" };
u64 fpu_xcr0_all;
u32 fpu_mxcsr_mask;
bool fpu_has_in_use;
struct fpu_component fpu_component[FPU_COMPONENTS];

static enum fpu_form forms[FPU_FORMS];
static unsigned form_count;
static u8 area[FPU_AREA] ALIGNED(64);

static void find_forms(u32 bits)
{
	static const u32 bit_of[FPU_FORMS] = { [FPU_XSAVEOPT] = LEAFD_EAX_XSAVEOPT,
					       [FPU_XSAVEC] = LEAFD_EAX_XSAVEC,
					       [FPU_XSAVES] = LEAFD_EAX_XSAVES };

	for (enum fpu_form f = FPU_FXSAVE; f < FPU_FORMS; f++)
		if (f == FPU_FXSAVE || (fpu_xcr0_all && (f == FPU_XSAVE || (bits & bit_of[f]))))
			forms[form_count++] = f;
	fpu_has_in_use = bits & LEAFD_EAX_IN_USE;
}

void fpu_init(void)
{
	struct cpuid_regs r = { 0 };

	x86_write_cr0((x86_read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	x86_write_cr4(x86_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	fpu_save(FPU_FXSAVE, area);
	memcpy(&fpu_mxcsr_mask, area + MXCSR_MASK_AT, sizeof(fpu_mxcsr_mask));
	fpu_mxcsr_mask = fpu_mxcsr_mask ? fpu_mxcsr_mask : MXCSR_MASK_DEFAULT;
	if (x86_cpuid(1, 0).ecx & LEAF1_ECX_XSAVE) {
		x86_write_cr4(x86_read_cr4() | CR4_OSXSAVE);
		r = x86_cpuid(CPUID_XSAVE, 0);
		fpu_xcr0_all = (u64)r.edx << 32 | r.eax;
		for (unsigned i = 2; i < FPU_COMPONENTS; i++)
			if (fpu_xcr0_all & BIT(i)) {
				r = x86_cpuid(CPUID_XSAVE, i);
				fpu_component[i] = (struct fpu_component){ r.eax, r.ebx };
			}
		r = x86_cpuid(CPUID_XSAVE, 1);
		x86_xsetbv(0, fpu_xcr0_all);
	}
	find_forms(r.eax);
}

enum fpu_form fpu_form_of(unsigned round)
{
	return forms[round % form_count];
}

#define ALL "a"(~0u), "d"(~0u)

void fpu_load(const u8 *from)
{
	if (fpu_xcr0_all)
		__asm__ volatile("xrstor64 (%0)" ::"r"(from), ALL : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(from) : "memory");
}

void fpu_save(enum fpu_form form, u8 *to)
{
	switch (form) {
	case FPU_FXSAVE:
		__asm__ volatile("fxsave64 (%0)" ::"r"(to) : "memory");
		break;
	case FPU_XSAVEOPT:
		__asm__ volatile("xsaveopt64 (%0)" ::"r"(to), ALL : "memory");
		break;
	case FPU_XSAVEC:
		__asm__ volatile("xsavec64 (%0)" ::"r"(to), ALL : "memory");
		break;
	case FPU_XSAVES:
		__asm__ volatile("xsaves64 (%0)" ::"r"(to), ALL : "memory");
		break;
	default:
		__asm__ volatile("xsave64 (%0)" ::"r"(to), ALL : "memory");
	}
}

/* ---- Where things are --------------------------------------------------------------------- */

static u8 pattern[YMM_HALVES], packed[FPU_AREA] ALIGNED(64);

/* The upper halves hold these bytes; all else has its first value. */
static void load_halves(const u8 *bytes)
{
	u64 bv = XCR0_AVX;
	u32 mxcsr = MXCSR_RESET;

	memset(area, 0, sizeof(area));
	memcpy(area + MXCSR_AT, &mxcsr, sizeof(mxcsr));
	memcpy(area + FPU_HEADER, &bv, sizeof(bv));
	memcpy(area + fpu_component[AVX].offset, bytes, YMM_HALVES);
	fpu_load(area);
}

static bool halves_are(const u8 *bytes)
{
	memset(area, 0, sizeof(area));
	fpu_save(FPU_XSAVE, area);
	return !memcmp(area + fpu_component[AVX].offset, bytes, YMM_HALVES);
}

static u32 find_first_half(void)
{
	for (u32 at = 0; at + 16 <= FPU_AREA; at += 16)
		if (!memcmp(packed + at, pattern, 16))
			return at;
	return 0;
}

static void layout(enum fpu_form form)
{
	static const u8 zero[YMM_HALVES];

	load_halves(pattern);
	memset(packed, 0, sizeof(packed));
	fpu_save(form, packed);
	load_halves(zero);
	if (form == FPU_XSAVES)
		RT_TRY("xrstors64 (%0)", RT_OUT(), "r"(packed), ALL);
	else
		RT_TRY("xrstor64 (%0)", RT_OUT(), "r"(packed), ALL);
	rt_print("%s: AVX at %u of %u, fault %lu, back %s\n", fpu_form_name[form],
		 find_first_half(), COMPACTED_AVX, rt_faulted() ? rt_vector : 0,
		 halves_are(pattern) ? "yes" : "no");
}

void fpu_layout(void)
{
	for (unsigned i = 0; i < YMM_HALVES; i++)
		pattern[i] = (u8)(i * 7 + 1);
	if (!fpu_component[AVX].size)
		return;
	for (unsigned i = 0; i < form_count; i++)
		if (forms[i] == FPU_XSAVEC || forms[i] == FPU_XSAVES)
			layout(forms[i]);
}
