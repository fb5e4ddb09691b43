/*
 * cpu.c - every register of CPU 0 that a program can set, set
 *
 * Owns: control, debug and model-specific registers, segments, FPU and vectors.
 * Must not know: general registers (here.S), devices.
 *
 * Only what all machines under test have and agree on: so CPUID is asked before optional ones.
 */
#include "state.h"

#include "lib/string.h"
#include "x86_ops.h"

#define CPUID_1_EDX_MTRR 12
#define CPUID_1_EDX_PAT 16
#define CPUID_1_ECX_XSAVE 26
#define CPUID_EXT_EDX_RDTSCP 27
#define CPUID_EXT_EDX_NX 20
#define EXTENDED_FEATURES 0x80000001

/* Descriptors. [SDM] "Segment Descriptors" (3.4.5), "LDT Descriptor" (3.5) */
#define LDT_TYPE (0x82ull << 40)
#define DATA16 0x0000f7001234abcdull /* up to 0xffff from 0xabce on, base 0x1234 */
#define SMALL 0x12109345678954abull  /* 0x54ab + 1 bytes at 0x12456789, AVL */
#define CONFORMING 0x00cf9f000000ffffull
#define LDT_DATA 0x004ff3012000fff0ull /* 32-bit data, DPL 3, base 0x12000, up to 0xffff0 */

extern u64 rt_gdt[];
u64 state_gdt[STATE_GDT_SLOTS] ALIGNED(16);
static u64 ldt[4] ALIGNED(16) = { 0, LDT_DATA };

static bool has(u32 leaf, unsigned ecx_or_edx, unsigned bit)
{
	struct cpuid_regs r = x86_cpuid(leaf, 0);

	return (ecx_or_edx ? r.edx : r.ecx) & BIT(bit);
}

/* ---- Segments --------------------------------------------------------------------------- */

static void segments(void)
{
	struct PACKED {
		u16 limit;
		u64 base;
	} gdtr = { sizeof(state_gdt) - 1, (u64)(uintptr_t)state_gdt };
	u64 base = (u64)(uintptr_t)ldt;

	memcpy(state_gdt, rt_gdt, STATE_LDT);
	state_gdt[STATE_LDT / 8] =
	    (sizeof(ldt) - 1) | (base & 0xffffff) << 16 | LDT_TYPE | (base >> 24 & 0xff) << 56;
	state_gdt[STATE_LDT / 8 + 1] = base >> 32;
	state_gdt[STATE_DATA16 / 8] = DATA16;
	state_gdt[STATE_SMALL / 8] = SMALL;
	state_gdt[STATE_CONFORMING / 8] = CONFORMING;
	__asm__ volatile("lgdt %0\n\tlldt %w1\n\tmovl %2, %%ds\n\tmovl %3, %%es\n\t"
			 "movl %4, %%fs\n\tmovl %5, %%gs" ::"m"(gdtr),
			 "r"(STATE_LDT), "r"(RT_USER_DS), "r"(STATE_IN_LDT), "r"(STATE_SMALL),
			 "r"(STATE_DATA16)
			 : "memory");
	x86_wrmsr(MSR_FS_BASE, 0xffff8123456789a0);
	x86_wrmsr(MSR_GS_BASE, 0x00007edcba987650);
	x86_wrmsr(MSR_KERNEL_GS_BASE, 0xffffc01234567890);
}

/* ---- Control, debug and model-specific registers ------------------------------------------ */

static void control(void)
{
	x86_write_cr0(x86_read_cr0() | CR0_AM);
	x86_write_cr4(x86_read_cr4() | CR4_DE | CR4_PGE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT |
		      CR4_TSD);
	__asm__ volatile("mov %0, %%cr2" ::"r"(0xfffff00000123456));
	__asm__ volatile("mov %0, %%cr8" ::"r"(3ull));
}

static void debug(void)
{
	__asm__ volatile("mov %0, %%dr0" ::"r"((u64)STATE_DR0));
	__asm__ volatile("mov %0, %%dr1" ::"r"(0xffff800000001111));
	__asm__ volatile("mov %0, %%dr2" ::"r"(0x00007fffffffe222));
	__asm__ volatile("mov %0, %%dr3" ::"r"(0x3333ull));
	__asm__ volatile("mov %0, %%dr6" ::"r"(DR6_FIXED | BIT(1)));
	__asm__ volatile("mov %0, %%dr7" ::"r"((u64)STATE_DR7));
}

static void msrs(void)
{
	x86_wrmsr(MSR_STAR, 0x0023001012345678);
	x86_wrmsr(MSR_LSTAR, 0xffffffff81234560);
	x86_wrmsr(MSR_CSTAR, 0xffffffff87654320);
	x86_wrmsr(MSR_SFMASK, 0x47701);
	x86_wrmsr(MSR_SYSENTER_CS, 0x1b);
	x86_wrmsr(MSR_SYSENTER_ESP, 0xffff888000003000);
	x86_wrmsr(MSR_SYSENTER_EIP, 0xffffffff80004440);
	if (has(EXTENDED_FEATURES, 1, CPUID_EXT_EDX_NX))
		x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_NXE);
	if (has(1, 1, CPUID_1_EDX_PAT))
		x86_wrmsr(MSR_PAT, 0x0007010600070406);
	if (has(EXTENDED_FEATURES, 1, CPUID_EXT_EDX_RDTSCP))
		x86_wrmsr(MSR_TSC_AUX, 0x1234abcd);
	if (has(1, 1, CPUID_1_EDX_MTRR)) {
		x86_wrmsr(MSR_MTRR_PHYSBASE0, 0xc0000006);
		x86_wrmsr(MSR_MTRR_PHYSBASE0 + 1, 0x7fc0000800);
		x86_wrmsr(MSR_MTRR_FIX64K_00000, 0x0606060606060606);
		x86_wrmsr(MSR_MTRR_DEF_TYPE, 0xc06);
	}
}

/* ---- FPU and vectors ---------------------------------------------------------------------- */

static void fpu(void)
{
	static const u16 fcw = 0x27f; /* 53 bits */
	static const double tenth = 0.1;
	static const u32 mxcsr = 0x9fa0; /* FZ, and one flag */
	static u8 pattern[16][16] ALIGNED(16);

	for (unsigned i = 0; i < 16; i++)
		memset(pattern[i], (int)(0x10 * i + 0xf - i), sizeof(pattern[i]));
	/* Three values on the stack, the rest of it empty; no exception. */
	__asm__ volatile("fninit\n\tfldcw %0\n\tfldpi\n\tfldl2e\n\tfldl %1" ::"m"(fcw), "m"(tenth));
	__asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
#define LOAD(n) __asm__ volatile("movaps %0, %%xmm" #n ::"m"(pattern[n]))
	LOAD(0);
	LOAD(1);
	LOAD(2);
	LOAD(3);
	LOAD(4);
	LOAD(5);
	LOAD(6);
	LOAD(7);
	LOAD(8);
	LOAD(9);
	LOAD(10);
	LOAD(11);
	LOAD(12);
	LOAD(13);
	LOAD(14);
	LOAD(15);
#undef LOAD
}

/* The upper halves too, where there are any: bits 128 to 255 of the register. */
static void vectors(void)
{
	if (!has(1, 0, CPUID_1_ECX_XSAVE) || !(x86_cpuid(0xd, 0).eax & XCR0_AVX))
		return;
	x86_write_cr4(x86_read_cr4() | CR4_OSXSAVE);
	x86_xsetbv(0, XCR0_X87 | XCR0_SSE | XCR0_AVX);
	__asm__ volatile("vinsertf128 $1, %xmm3, %ymm5, %ymm5\n\t"
			 "vinsertf128 $1, %xmm9, %ymm14, %ymm14");
}

void cpu_set_up(void)
{
	control();
	msrs();
	debug();
	fpu();
	vectors();
	segments();
}
