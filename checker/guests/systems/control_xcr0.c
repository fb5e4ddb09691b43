/*
 * control_xcr0.c - XCR0: each combination of its low bits, what CPUID says of sizes then, and
 * whether what was saved comes back
 *
 * Owns: which values the manual allows.  Must not know: who holds the register.
 *
 * Sources: [SDM] vol. 1 "Enumeration of CPU Support for XSAVE Instructions and XSAVE-Supported
 * Features" (13.2), "Enabling the XSAVE Feature Set and XSAVE-Enabled Features" (13.3), "XSAVE
 * Area" (13.4), "Operation of XSAVE" (13.7) to "Operation of XRSTORS" (13.12); vol. 2 "XSETBV",
 * "CPUID" (leaf 0DH).
 */
#include "control.h"

#include "lib/string.h"
#include "x86_ops.h"

#define LOW_BITS 10
#define NEVER (BITS(63, 20) | BITS(16, 10)) /* no states of XCR0, with nobody */
#define MPX (XCR0_BNDREGS | XCR0_BNDCSR)
#define LEAF 0xd
#define LEGACY_SIZE 576
#define HEADER 512
#define AREA 4096
#define COMPACT BIT(63)
#define HAS_OPT BIT(0)
#define HAS_COMPACT BIT(1)
#define HAS_SUPERVISOR BIT(3)
#define ALIGN64 BIT(1)

static u8 area[AREA] ALIGNED(64);

static u64 offered(void)
{
	const struct cpuid_regs r = x86_cpuid(LEAF, 0);

	return (u64)r.edx << 32 | r.eax;
}

static bool allowed(u64 value)
{
	const u64 zmm = value & XCR0_AVX512;

	if (!(value & XCR0_X87) || value & ~offered())
		return false;
	if (value & XCR0_AVX && !(value & XCR0_SSE))
		return false;
	if (!(value & XCR0_BNDREGS) != !(value & XCR0_BNDCSR))
		return false;
	return !zmm || (zmm == XCR0_AVX512 && value & XCR0_AVX);
}

static u32 size_of(u64 states, bool compact)
{
	u32 size = LEGACY_SIZE;

	for (unsigned i = 2; i < 63; i++) {
		struct cpuid_regs r;

		if (!(states & BIT(i)))
			continue;
		r = x86_cpuid(LEAF, i);
		if (!compact)
			size = MAX(size, r.eax + r.ebx);
		else
			size = (r.ecx & ALIGN64 ? ALIGN_UP(size, 64u) : size) + r.eax;
	}
	return size;
}

static u64 set(u64 value)
{
	RT_TRY("xsetbv", RT_OUT(), "a"((u32)value), "d"((u32)(value >> 32)), "c"(0));
	return rt_faulted() ? WORD_VECTOR(rt_vector) | WORD_ERROR(rt_error) : 0;
}

static void try_value(u64 value)
{
	const u64 old = x86_xgetbv(0);
	const bool ok = allowed(value);
	const u64 word = set(value), now = x86_xgetbv(0);
	const u32 forms = x86_cpuid(LEAF, 1).eax;

	systems_try(0, word | now << 16,
		    (ok ? 0 : WORD_VECTOR(VECTOR_GP)) | (ok ? value : old) << 16, 0);
	systems_try(1, x86_cpuid(LEAF, 0).ebx, size_of(now, false), 0);
	/* XSS is zero. */
	if (forms & (HAS_COMPACT | HAS_SUPERVISOR))
		systems_try(2, x86_cpuid(LEAF, 1).ebx, size_of(now, true), 0);
	else
		systems_try(2, 0, 0, 0);
}

static void values(void)
{
	const u64 old = x86_xgetbv(0);

	systems_begin("xsave.xcr0");
	for (u64 v = 0; v < BIT(LOW_BITS); v++)
		if (!(v & MPX))
			try_value(v);
	for (unsigned i = LOW_BITS; i < 64; i++)
		if (NEVER & BIT(i))
			try_value(old | BIT(i));
	set(old);
	RT_TRY("xsetbv", RT_OUT(), "a"((u32)old), "d"(0), "c"(1));
	systems_try(3, rt_faulted() ? WORD_VECTOR(rt_vector) : 0, WORD_VECTOR(VECTOR_GP), 0);
	systems_end();
}

/* What bare may have, and we hide.  QEMU 7.2 does not ask a hypervisor. */
static void hidden(void)
{
	const u64 old = x86_xgetbv(0);

	if (!systems_virtual() || control_on_qemu())
		return;
	systems_begin("xsave.xcr0.hidden");
	for (u64 v = 0; v < BIT(LOW_BITS); v++)
		if (v & MPX)
			try_value(v);
	set(old);
	systems_end();
}

/* ---- What is saved ----------------------------------------------------------------------- */

enum form { PLAIN, OPTIMIZED, COMPACTED, SUPERVISOR, FORMS };

static void save(enum form form, u64 mask)
{
	const u32 low = (u32)mask, high = (u32)(mask >> 32);

	switch (form) {
	case PLAIN:
		__asm__ volatile("xsave64 %0" : "+m"(area) : "a"(low), "d"(high));
		return;
	case OPTIMIZED:
		__asm__ volatile("xsaveopt64 %0" : "+m"(area) : "a"(low), "d"(high));
		return;
	case COMPACTED:
		__asm__ volatile("xsavec64 %0" : "+m"(area) : "a"(low), "d"(high));
		return;
	default:
		__asm__ volatile("xsaves64 %0" : "+m"(area) : "a"(low), "d"(high));
	}
}

static void restore(enum form form, u64 mask)
{
	const u32 low = (u32)mask, high = (u32)(mask >> 32);

	if (form == SUPERVISOR)
		RT_TRY("xrstors64 %0", RT_OUT(), "m"(area), "a"(low), "d"(high));
	else
		RT_TRY("xrstor64 %0", RT_OUT(), "m"(area), "a"(low), "d"(high));
}

static u64 get_xmm(void)
{
	u64 value;

	__asm__ volatile("movq %%xmm7, %0" : "=r"(value));
	return value;
}

static void put_xmm(u64 value)
{
	__asm__ volatile("movq %0, %%xmm7" ::"r"(value));
}

static u64 get_ymm(void)
{
	u64 value;

	__asm__ volatile("vextractf128 $1, %%ymm7, %%xmm6\n\tmovq %%xmm6, %0" : "=r"(value));
	return value;
}

static void put_ymm(u64 value)
{
	__asm__ volatile("movq %0, %%xmm6\n\tvinsertf128 $1, %%xmm6, %%ymm7, %%ymm7" ::"r"(value));
}

static u64 word_at(unsigned offset)
{
	u64 value;

	memcpy(&value, area + offset, 8);
	return value;
}

/* Saved, another value put there, an exit, restored; another value, an exit, restored. */
static void form_with(enum form form, u64 xcr0)
{
	const bool avx = xcr0 & XCR0_AVX;
	const u64 bv = XCR0_SSE | (avx ? XCR0_AVX : 0), x = rt_random(), y = rt_random();
	u64 got;

	memset(area, 0, sizeof(area));
	put_xmm(x);
	if (avx)
		put_ymm(y);
	x86_outb(0xed, 0);
	save(form, bv);
	/* XSTATE_BV, and XCOMP_BV of the compacted forms. */
	systems_try(form, word_at(HEADER), bv, 0);
	systems_try(8 | form, word_at(HEADER + 8), form >= COMPACTED ? COMPACT | bv : 0, 0);
	put_xmm(~x);
	if (avx)
		put_ymm(~y);
	x86_cpuid(0, 0);
	restore(form, bv);
	x86_outb(0xed, 0);
	got = rt_faulted() ? WORD_VECTOR(rt_vector) : 0;
	systems_try(16 | form,
		    got | (get_xmm() == x ? BIT(16) : 0) | (avx && get_ymm() == y ? BIT(17) : 0),
		    BIT(16) | (avx ? BIT(17) : 0), 0);
	/* A state that is not in XSTATE_BV is as after a reset. */
	memset(area + HEADER, 0, 8);
	restore(form, bv);
	x86_outb(0xed, 0);
	systems_try(24 | form,
		    (rt_faulted() ? WORD_VECTOR(rt_vector) : 0) | (get_xmm() ? 1 << 16 : 0) |
			(avx && get_ymm() ? 1 << 17 : 0),
		    0, 0);
}

static void areas(void)
{
	const u64 old = x86_xgetbv(0);
	const u32 forms = x86_cpuid(LEAF, 1).eax;
	const bool has[FORMS] = { true, forms & HAS_OPT, forms & HAS_COMPACT,
				  forms & HAS_SUPERVISOR };

	systems_begin("xsave.areas");
	for (u64 v = 0; v < BIT(LOW_BITS); v++) {
		if (!allowed(v) || !(v & XCR0_SSE) || v & MPX)
			continue;
		set(v);
		for (unsigned form = 0; form < FORMS; form++)
			if (has[form])
				form_with(form, v);
	}
	set(old);
	systems_end();
}

void control_xcr0(void)
{
	const u64 cr4 = x86_read_cr4();

	if (!(x86_cpuid(1, 0).ecx & BIT(26)))
		return;
	x86_write_cr4(cr4 | CR4_OSXSAVE | CR4_OSFXSR);
	values();
	hidden();
	areas();
	x86_write_cr4(cr4);
}
