/*
 * selftest_cpu.c - the processor's state: modes, CPUID, MSRs, control registers
 *
 * Owns: checks that need no exception.
 */
#include "clock.h"
#include "layout.h"
#include "selftest.h"
#include "x86_ops.h"

#define CPUID_1_EDX_NEEDED                                                            \
	(BIT(0) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(15) | BIT(24) | \
	 BIT(25) | BIT(26)) /* FPU PSE TSC MSR PAE CX8 APIC CMOV FXSR SSE SSE2 */
#define CPUID_1_ECX_OSXSAVE BIT(27)
#define CPUID_EXTENDED 0x80000000u
#define CPUID_EXT1_EDX_NEEDED (BIT(11) | BIT(20) | BIT(29)) /* SYSCALL NX LM */
#define PATTERN 0x123456789abcull /* canonical, so that every base register takes it */
#define TSC_READS 1000

static void long_mode(struct check *c, const void *argument UNUSED)
{
	u64 efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
	u64 cr0 = CR0_PE | CR0_PG | CR0_WP;
	u16 cs;

	__asm__("movw %%cs, %0" : "=r"(cs));
	expect_equal(c, "EFER", x86_rdmsr(MSR_EFER) & efer, efer);
	expect_equal(c, "CR0", x86_read_cr0() & cr0, cr0);
	expect_equal(c, "CR4.PAE", x86_read_cr4() & CR4_PAE, CR4_PAE);
	expect_equal(c, "CS", cs, SELECTOR_KERNEL_CS);
}

static void cpuid_features(struct check *c, const void *argument UNUSED)
{
	u64 edx = x86_cpuid(1, 0).edx, extended = x86_cpuid(CPUID_EXTENDED + 1, 0).edx;

	expect_between(c, "highest leaf", x86_cpuid(0, 0).eax, 1, 0xff);
	expect_between(c, "highest extended leaf", x86_cpuid(CPUID_EXTENDED, 0).eax,
		       CPUID_EXTENDED + 1, CPUID_EXTENDED + 0xff);
	expect_equal(c, "features", edx & CPUID_1_EDX_NEEDED, CPUID_1_EDX_NEEDED);
	expect_equal(c, "extended features", extended & CPUID_EXT1_EDX_NEEDED,
		     CPUID_EXT1_EDX_NEEDED);
}

static void cpuid_vendor(struct check *c, const void *argument UNUSED)
{
	struct cpuid_regs r = x86_cpuid(0, 0);
	u32 word[3] = { r.ebx, r.edx, r.ecx };

	for (unsigned i = 0; i < sizeof(word); i++)
		expect_between(c, "letter", ((u8 *)word)[i], ' ', '~');
}

static void cpuid_upper_halves(struct check *c, const void *argument UNUSED)
{
	u64 a = ~0ull << 32, b = ~0ull, r_c = ~0ull << 32, d = ~0ull;

	__asm__ volatile("cpuid" : "+a"(a), "+b"(b), "+c"(r_c), "+d"(d));
	expect_equal(c, "upper halves", (a | b | r_c | d) >> 32, 0);
}

static void cpuid_osxsave(struct check *c, const void *argument UNUSED)
{
	expect_equal(c, "OSXSAVE", !!(x86_cpuid(1, 0).ecx & CPUID_1_ECX_OSXSAVE),
		     !!(x86_read_cr4() & CR4_OSXSAVE));
}

static void tsc_monotonic(struct check *c, const void *argument UNUSED)
{
	u64 before = x86_rdtsc();

	for (int i = 0; i < TSC_READS; i++) {
		u64 now = x86_rdtsc();

		expect_between(c, "TSC", now, before, ~0ull);
		before = now;
	}
}

static void tsc_advances(struct check *c, const void *argument UNUSED)
{
	u64 before = x86_rdtsc();

	clock_delay(1000);
	expect_between(c, "TSC", x86_rdtsc(), before + 1, ~0ull);
}

/* Write a pattern, read it back, restore. */
static void msr_holds(struct check *c, const void *argument)
{
	u32 msr = *(const u32 *)argument;
	u64 before = x86_rdmsr(msr);

	x86_wrmsr(msr, PATTERN);
	expect_equal(c, "value", x86_rdmsr(msr), PATTERN);
	x86_wrmsr(msr, before);
	expect_equal(c, "value", x86_rdmsr(msr), before);
}

static void swapgs_exchanges(struct check *c, const void *argument UNUSED)
{
	u64 gs = x86_rdmsr(MSR_GS_BASE), kernel = x86_rdmsr(MSR_KERNEL_GS_BASE);

	x86_wrmsr(MSR_GS_BASE, PATTERN);
	x86_wrmsr(MSR_KERNEL_GS_BASE, PATTERN + 1);
	__asm__ volatile("swapgs" ::: "memory");
	expect_equal(c, "GS base", x86_rdmsr(MSR_GS_BASE), PATTERN + 1);
	expect_equal(c, "other base", x86_rdmsr(MSR_KERNEL_GS_BASE), PATTERN);
	x86_wrmsr(MSR_GS_BASE, gs);
	x86_wrmsr(MSR_KERNEL_GS_BASE, kernel);
}

static void gs_base_used(struct check *c, const void *argument UNUSED)
{
	static const u64 word = PATTERN;
	u64 gs = x86_rdmsr(MSR_GS_BASE), value;

	x86_wrmsr(MSR_GS_BASE, (u64)&word - 8);
	__asm__ volatile("movq %%gs:8, %0" : "=r"(value));
	x86_wrmsr(MSR_GS_BASE, gs);
	expect_equal(c, "word", value, PATTERN);
}

static void apic_base(struct check *c, const void *argument UNUSED)
{
	u64 wanted = APIC_DEFAULT_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP;

	expect_equal(c, "APIC_BASE", x86_rdmsr(MSR_APIC_BASE), wanted);
}

static void cr2_holds(struct check *c, const void *argument UNUSED)
{
	x86_write_cr2(PATTERN);
	expect_equal(c, "CR2", x86_read_cr2(), PATTERN);
}

static void debug_registers_hold(struct check *c, const void *argument UNUSED)
{
	u64 dr0, dr3;

	__asm__ volatile("movq %2, %%dr0; movq %3, %%dr3; movq %%dr0, %0; movq %%dr3, %1"
			 : "=&r"(dr0), "=&r"(dr3)
			 : "r"(PATTERN), "r"(PATTERN + 8));
	expect_equal(c, "DR0", dr0, PATTERN);
	expect_equal(c, "DR3", dr3, PATTERN + 8);
}

static void table_registers(struct check *c, const void *argument UNUSED)
{
	struct PACKED {
		u16 limit;
		u64 base;
	} gdtr, idtr;
	u16 tr;

	__asm__ volatile("sgdt %0; sidt %1; str %2" : "=m"(gdtr), "=m"(idtr), "=r"(tr));
	expect_between(c, "GDT base", gdtr.base, KERNEL_BASE, ~0ull);
	expect_between(c, "GDT limit", gdtr.limit, SELECTOR_ABSENT + 7, 0xffff);
	expect_between(c, "IDT base", idtr.base, KERNEL_BASE, ~0ull);
	expect_equal(c, "IDT limit", idtr.limit, TRAP_VECTORS * 16 - 1);
	expect_equal(c, "TR", tr, SELECTOR_TSS);
}

static void rflags_direction(struct check *c, const void *argument UNUSED)
{
	expect_equal(c, "IF, DF, TF",
		     x86_rflags() & (RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_ONE), RFLAGS_ONE);
}

static const u32 fs_base = MSR_FS_BASE, kernel_gs_base = MSR_KERNEL_GS_BASE, lstar = MSR_LSTAR,
		 star = MSR_STAR, sysenter_eip = MSR_SYSENTER_EIP;

static const struct selftest tests[] = {
	{ "long mode, paging, write protection are on", long_mode, NULL },
	{ "CPUID has what a 64-bit PC needs", cpuid_features, NULL },
	{ "CPUID's vendor is text", cpuid_vendor, NULL },
	{ "CPUID clears upper halves", cpuid_upper_halves, NULL },
	{ "CPUID's OSXSAVE follows CR4", cpuid_osxsave, NULL },
	{ "RDTSC never runs back", tsc_monotonic, NULL },
	{ "RDTSC advances", tsc_advances, NULL },
	{ "MSR FS_BASE holds a value", msr_holds, &fs_base },
	{ "MSR KERNEL_GS_BASE holds a value", msr_holds, &kernel_gs_base },
	{ "MSR STAR holds a value", msr_holds, &star },
	{ "MSR LSTAR holds a value", msr_holds, &lstar },
	{ "MSR SYSENTER_EIP holds a value", msr_holds, &sysenter_eip },
	{ "SWAPGS exchanges the two bases", swapgs_exchanges, NULL },
	{ "the GS base is added", gs_base_used, NULL },
	{ "MSR APIC_BASE: enabled, boot processor", apic_base, NULL },
	{ "CR2 holds a value", cr2_holds, NULL },
	{ "DR0 and DR3 hold values", debug_registers_hold, NULL },
	{ "SGDT, SIDT, STR tell what was loaded", table_registers, NULL },
	{ "RFLAGS in the kernel: IF, DF, TF are off", rflags_direction, NULL },
};

const struct selftest_group selftest_cpu = { tests, ARRAY_SIZE(tests) };
