/*
 * hw.c - see hw.h
 *
 * Owns: XSAVE, FXSAVE, XCR0 and the debug registers of the CPU it runs on.
 * Must not know: VMCB, VMCS.
 *
 * Sources: [SDM] vol. 1 "Managing State Using the XSAVE Feature Set" (13); vol. 3 "Debug
 * Registers" (18.2).
 */
#include "hw/hw.h"

#include "x86_ops.h"

#define CPUID_FEATURES 1
#define CPUID_FEATURES_ECX_XSAVE BIT(26)
#define CPUID_XSAVE 0xd
#define FXSAVE_SIZE 512
#define MXCSR_OFFSET 24
#define MXCSR_MASK_OFFSET 28
/* If the CPU says 0. [SDM] vol. 1 "Guidelines for Writing to the MXCSR Register" (11.6.6) */
#define MXCSR_MASK_DEFAULT 0xffbfu
#define XSAVE_HEADER 512
#define XSAVE_HEADER_WORDS 8

/* What XCR0 can be on this machine, 0: there is no XSAVE.  Known after hw_cpu_on. */
static u64 xcr0_all;
static u32 mxcsr_mask;

static u64 read_xcr0_all(void)
{
	struct cpuid_regs r = x86_cpuid(CPUID_FEATURES, 0);

	if (!(r.ecx & CPUID_FEATURES_ECX_XSAVE))
		return 0;
	r = x86_cpuid(CPUID_XSAVE, 0);
	return (u64)r.edx << 32 | r.eax;
}

size_t hw_fpu_size(void)
{
	return read_xcr0_all() ? x86_cpuid(CPUID_XSAVE, 0).ecx : FXSAVE_SIZE;
}

static void fxsave(void *area)
{
	__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

static void xsave(void *area)
{
	__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((u32)xcr0_all), "d"((u32)(xcr0_all >> 32))
			 : "memory");
}

static void restore(const void *area)
{
	if (xcr0_all)
		__asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)xcr0_all),
				 "d"((u32)(xcr0_all >> 32))
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

void hw_cpu_on(void)
{
	u8 area[FXSAVE_SIZE] ALIGNED(16);
	u64 xcr0 = read_xcr0_all();
	u32 mask;

	x86_write_cr0((x86_read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	x86_write_cr4(x86_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | (xcr0 ? CR4_OSXSAVE : 0));
	fxsave(area);
	mask = *(u32 *)(void *)(area + MXCSR_MASK_OFFSET);
	mxcsr_mask = mask ? mask : MXCSR_MASK_DEFAULT;
	xcr0_all = xcr0;
}

/*
 * An area may come from a file: reserved bits, at which the CPU would fault in our code, are
 * cleared.  [SDM] vol. 1 "XRSTOR" (13.8)
 */
static void sanitize(void *area)
{
	u64 *header = (u64 *)area + XSAVE_HEADER / 8;

	((u32 *)area)[MXCSR_OFFSET / 4] &= mxcsr_mask;
	if (!xcr0_all)
		return;
	header[0] &= xcr0_all;
	for (unsigned i = 1; i < XSAVE_HEADER_WORDS; i++)
		header[i] = 0;
}

/*
 * FNINIT first: some AMD CPUs restore the x87 instruction and data pointers only while an exception
 * is pending, so those of who ran before would stay.  [APM] vol. 3 "Extended Feature Identifiers"
 * (CPUID Fn8000_0008_EBX, XSaveErPtr)
 */
void hw_fpu_load(struct vcpu *v)
{
	sanitize(v->xsave);
	if (xcr0_all)
		x86_xsetbv(0, xcr0_all);
	__asm__ volatile("fninit");
	restore(v->xsave);
	if (xcr0_all)
		x86_xsetbv(0, v->state.xcr0);
}

void hw_fpu_save(struct vcpu *v)
{
	if (!xcr0_all) {
		fxsave(v->xsave);
		return;
	}
	v->state.xcr0 = x86_xgetbv(0);
	x86_xsetbv(0, xcr0_all);
	xsave(v->xsave);
	x86_xsetbv(0, v->state.xcr0);
}

#define MOV_TO_DR(n, value) __asm__ volatile("mov %0, %%dr" #n ::"r"(value))
#define MOV_FROM_DR(n, value) __asm__ volatile("mov %%dr" #n ", %0" : "=r"(value))

void hw_debug_load(const struct vcpu *v, bool dr6)
{
	MOV_TO_DR(0, v->state.dr[0]);
	MOV_TO_DR(1, v->state.dr[1]);
	MOV_TO_DR(2, v->state.dr[2]);
	MOV_TO_DR(3, v->state.dr[3]);
	if (dr6)
		MOV_TO_DR(6, v->state.dr[6]);
}

void hw_debug_save(struct vcpu *v, bool dr6)
{
	MOV_FROM_DR(0, v->state.dr[0]);
	MOV_FROM_DR(1, v->state.dr[1]);
	MOV_FROM_DR(2, v->state.dr[2]);
	MOV_FROM_DR(3, v->state.dr[3]);
	if (dr6)
		MOV_FROM_DR(6, v->state.dr[6]);
}
