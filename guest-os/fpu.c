/*
 * fpu.c - the registers of x87, SSE and AVX
 *
 * Owns: CR0 and CR4 as far as they concern them, XCR0, saving and restoring at every switch.
 * The kernel itself is compiled without these registers.
 * Must not know: processes.
 *
 * Sources: [SDM] vol. 1 "FXSAVE" and "XSAVE" areas (10.5.1, 13.4); vol. 3 "System Programming for
 * Instruction Set Extensions and Processor Extended States" (13).
 */
#include "fpu.h"

#include "compiler.h"
#include "print.h"
#include "x86_ops.h"

#define CPUID_1_ECX_XSAVE BIT(26)
#define CPUID_XSAVE 0xd
#define FCW_RESET 0x37f
#define MXCSR_RESET 0x1f80

/* The beginning of both formats. */
struct fxsave {
	u16 fcw, fsw;
	u8 ftw, reserved;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
};
ASSERT_OFFSET(struct fxsave, mxcsr, 24);

static bool use_xsave;
static u64 components = XCR0_X87 | XCR0_SSE;

u64 fpu_components(void)
{
	return components;
}

void fpu_init(void)
{
	x86_write_cr0((x86_read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	x86_write_cr4(x86_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	use_xsave = x86_cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE;
	if (!use_xsave)
		return;
	x86_write_cr4(x86_read_cr4() | CR4_OSXSAVE);
	components = x86_cpuid(CPUID_XSAVE, 0).eax & (XCR0_X87 | XCR0_SSE | XCR0_AVX);
	x86_xsetbv(0, components);
	if (x86_cpuid(CPUID_XSAVE, 0).ebx > PAGE_SIZE)
		panic("XSAVE area of %u bytes", x86_cpuid(CPUID_XSAVE, 0).ebx);
}

/* A header of zeros says "initial state" to XRSTOR; FXRSTOR reads the registers. */
void fpu_fresh(void *page)
{
	struct fxsave *area = page;

	*area = (struct fxsave){ .fcw = FCW_RESET, .mxcsr = MXCSR_RESET };
}

void fpu_save(void *page)
{
	if (use_xsave)
		__asm__ volatile("xsave64 (%0)" ::"r"(page), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" ::"r"(page) : "memory");
}

void fpu_restore(const void *page)
{
	if (use_xsave)
		__asm__ volatile("xrstor64 (%0)" ::"r"(page), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(page) : "memory");
}
