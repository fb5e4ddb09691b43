/*
 * cpuid.c - all that CPUID says, before and after the switches that show in it
 *
 * Source: [SDM] vol. 2 "CPUID - CPU Identification".
 */
#include "cpu.h"

#define SUBLEAVES 20

static bool indexed(u32 leaf)
{
	static const u32 leaves[] = {
		4, 7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x18, 0x1f, 0x8000001d
	};

	for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaves[i] == leaf)
			return true;
	return false;
}

static void show(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r = x86_cpuid(leaf, subleaf);

	if (r.eax || r.ebx || r.ecx || r.edx)
		rt_print("cpuid %x.%x %08x %08x %08x %08x\n", leaf, subleaf, r.eax, r.ebx, r.ecx,
			 r.edx);
}

static bool same(struct cpuid_regs a, struct cpuid_regs b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

/* All leaves, and what lies behind the last one. */
static void range(u32 first)
{
	u32 last = x86_cpuid(first, 0).eax, max = x86_cpuid(0, 0).eax;
	struct cpuid_regs none = { 0 }, behind;

	if (last < first || last > first + 0x1000)
		last = first;
	for (u32 leaf = first; leaf <= last; leaf++)
		for (u32 subleaf = 0; subleaf < (indexed(leaf) ? SUBLEAVES : 1); subleaf++)
			show(leaf, subleaf);
	for (u32 leaf = last + 1; leaf < last + 4; leaf++) {
		behind = x86_cpuid(leaf, 0);
		rt_print("cpuid %x: %s\n", leaf,
			 same(behind, none)		   ? "nothing"
			 : same(behind, x86_cpuid(max, 0)) ? "the last basic one"
							   : "something else");
	}
}

static void switched(const char *name, u64 bits, u32 leaf, u32 subleaf)
{
	u64 cr4 = x86_read_cr4();

	RT_TRY("movq %0, %%cr4", RT_OUT(), "r"(cr4 | bits));
	rt_print("with %s: %s\n", name, outcome());
	show(leaf, subleaf);
	RT_TRY("movq %0, %%cr4", RT_OUT(), "r"(cr4));
	show(leaf, subleaf);
}

static void by_xcr0(void)
{
	struct cpuid_regs d = x86_cpuid(0xd, 0);
	u64 cr4 = x86_read_cr4(), xcr0 = 1;

	if (!feature(1, 2, 26))
		return;
	x86_write_cr4(cr4 | CR4_OSXSAVE);
	for (unsigned i = 1; i < 32; i++) {
		if (!(d.eax & BIT(i)))
			continue;
		xcr0 |= BIT(i);
		RT_TRY("xsetbv", RT_OUT(), "c"(0), "a"((u32)xcr0), "d"(0));
		rt_print("xcr0 %llx: %s\n", (unsigned long long)xcr0, outcome());
		show(0xd, 0);
		show(0xd, 1);
	}
	RT_TRY("xsetbv", RT_OUT(), "c"(0), "a"(1), "d"(0));
	x86_write_cr4(cr4);
}

void cpuid_area(void)
{
	range(0);
	range(0x40000000);
	range(0x80000000);
	switched("OSXSAVE", CR4_OSXSAVE, 1, 0);
	switched("PKE", CR4_PKE, 7, 0);
	by_xcr0();
}
