/*
 * hostile_registers.c - registers and tables that belong to whoever owns the machine
 *
 * Owns: control registers, XCR0, descriptor tables, segments, debug registers, caches, CPUID, and
 * what all of them hold.
 */
#include "hostile.h"
#include "lib/string.h"
#include "registers.h"
#include "x86_ops.h"

static u8 page[4096] ALIGNED(4096);

/* ---- Control registers ---------------------------------------------------------------- */

#define TRY_CR(n, value) RT_TRY("mov %0, %%cr" #n, RT_OUT(), "r"((u64)(value)))

/* Catches: a bit of the host's that a guest may change, a state that cannot be entered. */
static void cr0_bits(struct tally *t)
{
	u64 cr0 = x86_read_cr0();

	for (unsigned bit = 0; bit < 64; bit++) {
		TRY_CR(0, cr0 ^ 1ull << bit);
		hostile_case(t, bit, 0);
		hostile_bad(t, bit >= 32 && !rt_faulted(), "CR0-reserved-bit", bit);
		x86_cpuid(0, 0);
		x86_write_cr0(cr0);
		RT_TRY("lmsw %w0", RT_OUT(), "r"(cr0 ^ 1ull << (bit & 3)));
		hostile_case(t, bit & 3, 1);
		x86_write_cr0(cr0);
	}
}

/* NW without CD, PG without PE in all company; caches off, and on again.  Catches the same. */
static void cr0_combinations(struct tally *t)
{
	static const u8 bits[] = { 1, 2, 3, 5, 16, 18, 29, 30 };
	u64 cr0 = x86_read_cr0();

	for (unsigned set = 0; set < 256; set++) {
		u64 value = cr0;

		for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
			value ^= set & 1u << i ? 1ull << bits[i] : 0;
		TRY_CR(0, value);
		hostile_case(t, set, 0);
		hostile_bad(t, (value & (CR0_NW | CR0_CD)) == CR0_NW && !rt_faulted(),
			    "NW-without-CD", value);
		x86_cpuid(0, 0);
		x86_write_cr0(cr0);
	}
}

static void cr4_bits(struct tally *t)
{
	u64 cr4 = x86_read_cr4();

	for (unsigned bit = 0; bit < 64; bit++) {
		TRY_CR(4, cr4 ^ 1ull << bit);
		hostile_case(t, bit, 0);
		hostile_bad(t, (bit >= 25 || bit == 13 || bit == 15) && !rt_faulted(),
			    "CR4-reserved-bit", bit);
		x86_cpuid(0, 0);
		x86_write_cr4(cr4);
	}
	TRY_CR(4, cr4 ^ CR4_PAE);
	hostile_bad(t, !rt_faulted(), "PAE-off-in-long-mode", 0);
	hostile_case(t, 64, 0);
}

static void cr8_bits(struct tally *t)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		TRY_CR(8, 1ull << bit);
		hostile_case(t, bit, 0);
		hostile_bad(t, bit >= 4 && !rt_faulted(), "CR8-reserved-bit", bit);
		TRY_CR(8, 0);
	}
}

static void efer_bits(struct tally *t)
{
	u64 efer = x86_rdmsr(MSR_EFER);

	for (unsigned bit = 0; bit < 64; bit++) {
		bool ok = rt_wrmsr(MSR_EFER, efer ^ 1ull << bit);

		hostile_case(t, bit, 0);
		hostile_bad(t,
			    ok && bit != 0 && bit != 8 && bit != 10 && bit != 11 && bit != 13 &&
				bit != 14,
			    "EFER-reserved-bit", bit);
		x86_cpuid(0, 0);
		rt_wrmsr(MSR_EFER, efer);
	}
}

static void xcr0_bits(struct tally *t)
{
	u32 lo, hi;

	registers_set(rt_number("seed", 666)); /* sets CR4.OSXSAVE if there is XSAVE */
	if (!(x86_read_cr4() & CR4_OSXSAVE)) {
		RT_TRY("xsetbv", RT_OUT(), "a"(1), "d"(0), "c"(0));
		hostile_case(t, 0, 0);
		hostile_bad(t, !rt_faulted(), "XSETBV-without-XSAVE", 0);
		return;
	}
	lo = (u32)x86_xgetbv(0);
	hi = (u32)(x86_xgetbv(0) >> 32);
	for (unsigned bit = 0; bit < 64; bit++) {
		u64 value = (lo | (u64)hi << 32) ^ 1ull << bit;

		RT_TRY("xsetbv", RT_OUT(), "a"((u32)value), "d"((u32)(value >> 32)), "c"(0));
		hostile_case(t, bit, 0);
		hostile_bad(t, bit > 19 && !rt_faulted(), "XCR0-reserved-bit", bit);
		hostile_bad(t, bit == 0 && !rt_faulted(), "XCR0-without-x87", bit);
		RT_TRY("xsetbv", RT_OUT(), "a"(lo), "d"(hi), "c"(0));
		RT_TRY("xsetbv", RT_OUT(), "a"(lo), "d"(hi), "c"(1u << (bit & 31)));
		hostile_case(t, bit & 31, 1);
		hostile_bad(t, !rt_faulted(), "XSETBV-index", bit & 31);
	}
}

/* ---- Tables ---------------------------------------------------------------------------- */

struct PACKED pointer {
	u16 limit;
	u64 base;
};

/* Catches: a base or a limit with which the machine cannot be entered. */
static void descriptor_tables(struct tally *t)
{
	const u64 bases[] = { 0,	  0xa0000,    0xfee00000,	  rt_memory_end(),
			      GiB(4) - 8, 1ull << 46, 0xffff800000000000, 0xffffffff80000000 };
	const u16 limits[] = { 0, 7, 0x67, 0x7fff, 0xffff };
	struct pointer gdt, idt, odd;

	__asm__ volatile("sgdt %0; sidt %1" : "=m"(gdt), "=m"(idt));
	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++)
		for (unsigned k = 0; k < ARRAY_SIZE(limits); k++) {
			odd = (struct pointer){ limits[k], bases[i] };
			RT_TRY("lgdt %0", RT_OUT(), "m"(odd));
			x86_cpuid(0, 0); /* leave, and come back with it */
			__asm__ volatile("lgdt %0" ::"m"(gdt));
			hostile_case(t, i, k);
			/* No fault may happen while the IDT is elsewhere. */
			__asm__ volatile("lidt %0; lidt %1" ::"m"(odd), "m"(idt));
			hostile_case(t, i, 8 + k);
		}
}

/* Catches: a segment whose hidden part is not what the CPU loaded. */
static void selectors(struct tally *t)
{
	u32 value;

	for (u32 selector = 0; selector < 0x60; selector++) {
		RT_TRY("lldt %w0", RT_OUT(), "r"(selector));
		hostile_case(t, selector / 2, 0);
		/* QEMU loads a null selector, and aborts at the next exception: [SDM] "LTR" has
		 * #GP. */
		if (selector > 3) {
			RT_TRY("ltr %w0", RT_OUT(), "r"(selector));
			hostile_case(t, selector / 2, 1);
		}
		RT_TRY("movl %0, %%fs", RT_OUT(), "r"(selector));
		hostile_case(t, selector / 2, 2);
		RT_TRY("movl %0, %%gs", RT_OUT(), "r"(selector));
		hostile_case(t, selector / 2, 3);
		RT_TRY("larl %1, %0; lsll %1, %0; verr %w1; verw %w1", RT_OUT("=&r"(value)),
		       "r"(selector));
		hostile_case(t, selector / 2, 4);
	}
	RT_TRY("lldt %w0", RT_OUT(), "r"(0));
}

/* ---- Debug registers ----------------------------------------------------------------------- */

static u64 traps;

static bool count_traps(struct rt_frame *frame)
{
	if (frame->vector != VECTOR_DB)
		return false;
	frame->rflags |= RFLAGS_RF;
	if (++traps > 200)
		frame->rflags &= ~RFLAGS_TF;
	return true;
}

static void debug_registers(struct tally *t)
{
	rt_hook = count_traps;
	for (unsigned bit = 0; bit < 64; bit++) {
		RT_TRY("mov %0, %%dr7", RT_OUT(), "r"(1ull << bit | DR7_FIXED));
		hostile_case(t, bit, 7);
		hostile_bad(t, bit >= 32 && !rt_faulted(), "DR7-reserved-bit", bit);
		RT_TRY("mov %0, %%dr7", RT_OUT(), "r"(DR7_FIXED));
		RT_TRY("mov %0, %%dr7", RT_OUT(), "r"(DR7_FIXED));
		RT_TRY("mov %0, %%dr6", RT_OUT(), "r"(1ull << bit | DR6_FIXED));
		hostile_case(t, bit, 6);
		hostile_bad(t, bit >= 32 && !rt_faulted(), "DR6-reserved-bit", bit);
		RT_TRY("mov %0, %%dr0", RT_OUT(), "r"(1ull << bit));
		hostile_case(t, bit, 0);
	}
	rt_hook = NULL;
}

#define DR7_TYPE_SHIFT 16
#define DR7_SIZE_SHIFT 18

static void arm(unsigned n, u64 address, unsigned type, unsigned size)
{
	u64 dr7 = DR7_FIXED | 2ull << 2 * n | (u64)type << (DR7_TYPE_SHIFT + 4 * n) |
		  (u64)size << (DR7_SIZE_SHIFT + 4 * n);

	switch (n) {
	case 0:
		__asm__ volatile("mov %0, %%dr0" ::"r"(address));
		break;
	case 1:
		__asm__ volatile("mov %0, %%dr1" ::"r"(address));
		break;
	case 2:
		__asm__ volatile("mov %0, %%dr2" ::"r"(address));
		break;
	default:
		__asm__ volatile("mov %0, %%dr3" ::"r"(address));
	}
	__asm__ volatile("mov %0, %%dr7" ::"r"(dr7));
}

/* All four, on what the hypervisor does in our stead.  Catches: a trap that it takes itself. */
static void breakpoints(struct tally *t)
{
	const u64 targets[] = { (u64)(uintptr_t)page, 0xfee00030, 0xed };
	u64 cr4 = x86_read_cr4(), value = 0;

	rt_hook = count_traps;
	x86_write_cr4(cr4 | CR4_DE);
	for (unsigned n = 0; n < 4; n++)
		for (unsigned type = 0; type < 4; type++)
			for (unsigned size = 0; size < 4; size++)
				for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
					if (type == 0 && size)
						continue; /* undefined */
					traps = 0;
					arm(n, targets[i], type, size);
					RT_TRY("movl (%1), %k0", RT_OUT("+r"(value)),
					       "r"(0xfee00030ull));
					RT_TRY("inb $0xed, %%al", RT_OUT("+a"(value)), "i"(0));
					RT_TRY("insb", RT_OUT(), "D"(page), "d"(0xed));
					arm(n, 0, 1, 0);
					__asm__ volatile("mov %0, %%dr7" ::"r"(DR7_FIXED));
					hostile_case(t, n << 2 | type, size << 4 | i);
					hostile_bad(t, traps > 8, "breakpoints-without-end", traps);
				}
	__asm__ volatile("mov %0, %%dr6" ::"r"(DR6_FIXED));
	x86_write_cr4(cr4);
	rt_hook = NULL;
}

/* ---- Caches and others --------------------------------------------------------------------- */

/* Catches: INVD that reaches the machine, and with it all that others have not written back. */
static void caches(struct tally *t)
{
	static const u64 modes[] = { 0, CR0_CD, CR0_CD | CR0_NW };
	u64 low, high, cr0 = x86_read_cr0();

	for (unsigned m = 0; m < ARRAY_SIZE(modes); m++)
		for (unsigned i = 0; i < 8; i++) {
			x86_write_cr0(cr0 | modes[m]);
			RT_TRY("wbinvd", RT_OUT(), "i"(0));
			hostile_case(t, m, 0);
			page[7 + i] = (u8)(0x5a + i);
			RT_TRY("invd", RT_OUT(), "i"(0));
			hostile_case(t, m, 1);
			hostile_bad(t, page[7 + i] != 0x5a + i, "INVD-lost-a-store", i);
			RT_TRY("clflush (%0)", RT_OUT(), "r"(page + 512 * i));
			hostile_case(t, m, 2);
			RT_TRY("invlpg (%0)", RT_OUT(), "r"(0x8000000000000000 >> i));
			hostile_case(t, m, 8 + i);
			x86_write_cr3(x86_read_cr3());
			hostile_case(t, m, 3);
			x86_write_cr0(cr0);
		}
	for (u32 i = 0; i < 32; i++) {
		RT_TRY("rdpmc", RT_OUT("=a"(low), "=d"(high)), "c"(1u << i));
		hostile_case(t, 8, i);
	}
	RT_TRY("monitor", RT_OUT(), "a"(page), "c"(0), "d"(0));
	hostile_case(t, 9, 0);
	RT_TRY("swapgs; swapgs", RT_OUT(), "i"(0));
	hostile_case(t, 9, 1);
}

/* ---- CPUID ---------------------------------------------------------------------------------- */

#define CPUID_1_ECX_VMX BIT(5)
#define CPUID_1_ECX_SMX BIT(6)
#define CPUID_8_1_ECX_SVM BIT(2)
#define CPUID_8_1_ECX_SKINIT BIT(12)

static bool shows_host(u32 leaf, const struct cpuid_regs *r)
{
	if (leaf == 1)
		return r->ecx & (CPUID_1_ECX_VMX | CPUID_1_ECX_SMX);
	if (leaf == 0x80000001)
		return r->ecx & (CPUID_8_1_ECX_SVM | CPUID_8_1_ECX_SKINIT);
	return leaf == 0x8000000a && x86_cpuid(0x80000000, 0).eax >= leaf &&
	       (r->eax | r->ebx | r->edx);
}

/* Catches: a leaf that is the machine's own. */
static void cpuid_leaves(struct tally *t)
{
	static const u32 bases[] = {
		0, 0x20000000, 0x40000000, 0x80000000, 0x8fffffff, 0xc0000000
	};

	rt_vector = RT_NONE;
	for (unsigned b = 0; b < ARRAY_SIZE(bases); b++)
		for (u32 leaf = 0; leaf < 0x40; leaf++)
			for (u32 sub = 0; sub < 5; sub++) {
				struct cpuid_regs r =
				    x86_cpuid(bases[b] + leaf, sub == 4 ? ~0u : sub);

				hostile_case(t, b << 8 | leaf / 8, sub / 2);
				hostile_bad(t, shows_host(bases[b] + leaf, &r), "CPUID-of-the-host",
					    bases[b] + leaf);
			}
}

/* ---- What registers hold ----------------------------------------------------------------------
 */

#define FX_SIZE 512
#define FX_ST 32
#define FX_XMM 160
#define FX_XMM_END 416

/*
 * A machine that was just switched on holds nothing, [SDM] "Processor State After Reset" (9.1.1);
 * what the boot loader left is in general registers.  Catches: another guest's registers.
 */
static void first_registers(struct tally *t)
{
	static u8 area[FX_SIZE] ALIGNED(64);
	static const u32 msrs[] = { MSR_LSTAR,		MSR_CSTAR,	  MSR_STAR,
				    MSR_KERNEL_GS_BASE, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP,
				    MSR_SYSENTER_CS,	MSR_FS_BASE,	  MSR_GS_BASE,
				    MSR_SFMASK,		MSR_TSC_AUX };
	u64 dr[4], cr4 = x86_read_cr4(), value;

	x86_write_cr4(cr4 | CR4_OSFXSR);
	__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
	x86_write_cr4(cr4);
	__asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
			 : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]));
	rt_vector = RT_NONE;
	for (unsigned i = FX_ST; i < FX_XMM_END; i++) {
		hostile_case(t, 0, i / 16);
		hostile_bad(t, area[i] != 0, i < FX_XMM ? "x87" : "XMM", i);
	}
	for (unsigned i = 0; i < 4; i++) {
		hostile_case(t, 1, i);
		hostile_bad(t, dr[i] != 0, "DR", i);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		bool ok = rt_rdmsr(msrs[i], &value);

		hostile_case(t, 2, i);
		hostile_bad(t, ok && value, "MSR", msrs[i]);
	}
	hostile_case(t, 3, 0);
	hostile_bad(t, hostile_secret(x86_read_cr2()), "CR2", x86_read_cr2());
}

#define REGISTER_KINDS 16 /* x87, XMM, YMM, CR2, four debug registers, eight MSRs */

/* Other values than the neighbour's in all registers that are swapped.  Catches: one that is not.
 */
static void own_registers(struct tally *t)
{
	const char *which = "none";

	rt_vector = RT_NONE;
	for (u64 i = hostile_some(50); i; i--) {
		u64 seed = rt_random();

		registers_set(seed);
		for (unsigned k = 0; k < 200; k++)
			x86_cpuid(0, 0);
		hostile_bad(t, registers_check(seed, &which) != 0, which ? which : "none", i);
		for (unsigned kind = 0; kind < REGISTER_KINDS; kind++)
			hostile_case(t, kind, 0);
	}
}

static const struct attack attacks[] = {
	{ "cr0-bits", cr0_bits, true },
	{ "cr0-combinations", cr0_combinations, true },
	{ "cr4-bits", cr4_bits, true },
	{ "cr8-bits", cr8_bits, true },
	{ "efer-bits", efer_bits, true },
	{ "xcr0-bits", xcr0_bits, false },
	{ "descriptor-tables", descriptor_tables, true },
	{ "selectors", selectors, true },
	{ "debug-registers", debug_registers, true },
	{ "breakpoints", breakpoints, true },
	{ "caches", caches, true },
	{ "cpuid-leaves", cpuid_leaves, true },
	{ "own-registers", own_registers, true },
};

const struct attack_list hostile_registers = ATTACKS(attacks);

static const struct attack first[] = { { "first-registers", first_registers, false } };

const struct attack_list hostile_first = ATTACKS(first);
