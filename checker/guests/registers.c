/* registers.c - see registers.h */
#include "registers.h"

#include "lib/string.h"
#include "rt/rt.h"
#include "x86_ops.h"

#define AREA_SIZE 4096
#define LEGACY_SIZE 512
#define XSTATE_BV 512
#define YMM_HIGH 576
#define YMM_SIZE 256
#define XMM 160
#define XMM_SIZE 256
#define ST 32
#define ST_STRIDE 16
#define ST_SIZE 10
#define FCW 0
#define FCW_MASKED 0x7f /* all exceptions, and a bit that is always set */
#define FCW_PRECISION_SHIFT 8
#define FCW_ROUNDING_SHIFT 10
#define FSW 2
#define FSW_BITS 0x7f00 /* top of stack and condition codes: nothing is pending */
#define TAGS 4 /* the byte with a bit for each register that is in use */
#define MXCSR_AT 24
#define MXCSR_MASKED 0x1f80
#define MXCSR_OTHERS 0xe03f /* rounding, flush to zero, what has happened */
#define DR6_HITS 0xfull
#define DR7_CONDITIONS 0x33330000ull /* that there are: writes and executions */
#define DR7_CONDITION3 0x30000000ull
#define DR7_G3 0x80ull
#define CR8_BITS 0xfull
#define CPUID_1_ECX_XSAVE BIT(26)
#define COMPONENTS (XCR0_X87 | XCR0_SSE | XCR0_AVX)

static u8 area[AREA_SIZE] ALIGNED(64), now[AREA_SIZE] ALIGNED(64);
static bool has_xsave, ready;
static u64 components;

static const struct {
	u32 index;
	const char *name;
	u64 bits; /* those that any value may have */
	u64 fixed;
} msrs[] = {
	{ MSR_STAR, "STAR", ~0ull, 0 },
	{ MSR_LSTAR, "LSTAR", BITS(46, 0), 0 },
	{ MSR_CSTAR, "CSTAR", BITS(46, 0), 0 },
	{ MSR_SFMASK, "SFMASK", BITS(31, 0), 0 },
	{ MSR_KERNEL_GS_BASE, "KERNEL_GS_BASE", BITS(46, 0), 0 },
	{ MSR_FS_BASE, "FS_BASE", BITS(46, 0), 0 },
	{ MSR_GS_BASE, "GS_BASE", BITS(46, 0), 0 },
	{ MSR_SYSENTER_CS, "SYSENTER_CS", BITS(15, 0), 0 },
	{ MSR_SYSENTER_ESP, "SYSENTER_ESP", BITS(46, 0), 0 },
	{ MSR_SYSENTER_EIP, "SYSENTER_EIP", BITS(46, 0), 0 },
	/* Memory types of pages with the PAT bit only, which there are none of. */
	{ MSR_PAT, "PAT", 0x0101010100000000, 0x0404040400070406 },
};

static u64 mix(u64 seed, u64 n)
{
	u64 x = ((seed & ~(REGISTERS_INVERSE | REGISTERS_ARMED)) + n) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull;
	return seed & REGISTERS_INVERSE ? ~x : x;
}

static u64 msr_value(u64 seed, unsigned i)
{
	return (mix(seed, 100 + i) & msrs[i].bits) | msrs[i].fixed;
}

static void prepare(void)
{
	has_xsave = x86_cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE;
	x86_write_cr0((x86_read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	x86_write_cr4(x86_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | (has_xsave ? CR4_OSXSAVE : 0));
	if (has_xsave) {
		components = x86_cpuid(0xd, 0).eax & COMPONENTS;
		x86_xsetbv(0, components);
	}
	ready = true;
}

static void fill_bytes(u8 *to, size_t size, u64 seed)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (u8)(mix(seed, i) >> 24);
}

static void put16(u8 *to, u64 value)
{
	to[0] = (u8)value;
	to[1] = (u8)(value >> 8);
}

/*
 * The control words are none that FNINIT or a reset leaves.  Precision 1 is reserved.
 * [SDM] vol. 1 "x87 FPU Control Word" (8.1.5), "MXCSR Control and Status Register" (10.2.3)
 */
static void make_control(u64 seed)
{
	u64 any = mix(seed, 300), precision = any & 1 ? 2 : 0, rounding = 1 + (any >> 1) % 3;

	put16(area + FCW, FCW_MASKED | precision << FCW_PRECISION_SHIFT |
			      rounding << FCW_ROUNDING_SHIFT);
	put16(area + FSW, any >> 3 & FSW_BITS);
	area[TAGS] = (u8)(any >> 24 | 1);
	put16(area + MXCSR_AT, MXCSR_MASKED | (any >> 32 & MXCSR_OTHERS) | 1);
}

static void make_area(u64 seed)
{
	memset(area, 0, sizeof(area));
	make_control(seed);
	for (unsigned i = 0; i < 8; i++)
		fill_bytes(area + ST + i * ST_STRIDE, ST_SIZE, seed + i);
	fill_bytes(area + XMM, XMM_SIZE, seed + 50);
	fill_bytes(area + YMM_HIGH, YMM_SIZE, seed + 60);
	area[XSTATE_BV] = (u8)components;
}

static void load_area(void)
{
	if (has_xsave)
		__asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)components), "d"(0)
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

static void save_now(void)
{
	memset(now, 0, sizeof(now));
	if (has_xsave)
		__asm__ volatile("xsave64 (%0)" ::"r"(now), "a"((u32)components), "d"(0)
				 : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" ::"r"(now) : "memory");
}

#define DR_SET(n, v) __asm__ volatile("mov %0, %%dr" #n ::"r"(v))
#define DR_GET(n, v) __asm__ volatile("mov %%dr" #n ", %0" : "=r"(v))
#define CR8_SET(v) __asm__ volatile("mov %0, %%cr8" ::"r"(v))
#define CR8_GET(v) __asm__ volatile("mov %%cr8, %0" : "=r"(v))

extern const char registers_watched[];

/* Where the one of two that is armed has a breakpoint, and does not come by. */
static __attribute__((noinline)) void pass_by(void)
{
	__asm__ volatile("registers_watched:\tnop");
}

static u64 dr_value(u64 seed, unsigned n)
{
	if (n == 3 && (seed & REGISTERS_ARMED))
		return (u64)(uintptr_t)registers_watched;
	return mix(seed, 200 + n) & BITS(46, 0);
}

/* Bits that say which breakpoint it was; conditions, mostly of breakpoints that are off. */
static u64 dr6_value(u64 seed)
{
	return DR6_FIXED | (mix(seed, 206) & DR6_HITS);
}

static u64 dr7_value(u64 seed)
{
	u64 value = DR7_FIXED | (mix(seed, 207) & DR7_CONDITIONS);

	return seed & REGISTERS_ARMED ? (value & ~DR7_CONDITION3) | DR7_G3 : value;
}

static u64 cr8_value(u64 seed)
{
	return mix(seed, 400) & CR8_BITS;
}

void registers_set(u64 seed)
{
	if (!ready)
		prepare();
	make_area(seed);
	load_area();
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		x86_wrmsr(msrs[i].index, msr_value(seed, i));
	DR_SET(0, dr_value(seed, 0));
	DR_SET(1, dr_value(seed, 1));
	DR_SET(2, dr_value(seed, 2));
	DR_SET(3, dr_value(seed, 3));
	DR_SET(6, dr6_value(seed));
	DR_SET(7, dr7_value(seed));
	CR8_SET(cr8_value(seed));
	x86_write_cr2(dr_value(seed, 4));
}

/* A comparison of all, counted. */
struct differences {
	unsigned count, alike;
	const char *first;
};

static void differ(struct differences *d, bool different, const char *name)
{
	d->alike += !different;
	if (!different)
		return;
	d->count++;
	if (!d->first)
		d->first = name;
}

static void check_control(struct differences *d)
{
	differ(d, memcmp(now + FCW, area + FCW, 2), "FCW");
	differ(d, memcmp(now + FSW, area + FSW, 2), "FSW");
	differ(d, now[TAGS] != area[TAGS], "FTW");
	differ(d, memcmp(now + MXCSR_AT, area + MXCSR_AT, 4), "MXCSR");
}

static void check_vectors(struct differences *d)
{
	for (unsigned i = 0; i < 8; i++)
		differ(d, memcmp(now + ST + i * ST_STRIDE, area + ST + i * ST_STRIDE, ST_SIZE),
		       "x87");
	differ(d, memcmp(now + XMM, area + XMM, XMM_SIZE), "XMM");
	if (components & XCR0_AVX)
		differ(d, memcmp(now + YMM_HIGH, area + YMM_HIGH, YMM_SIZE), "YMM");
}

/* Those that are wide enough to be alike by no chance. */
static void check_wide(struct differences *d, u64 seed)
{
	u64 dr[4];

	differ(d, x86_read_cr2() != dr_value(seed, 4), "CR2");
	check_vectors(d);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		differ(d, x86_rdmsr(msrs[i].index) != msr_value(seed, i), msrs[i].name);
	DR_GET(0, dr[0]);
	DR_GET(1, dr[1]);
	DR_GET(2, dr[2]);
	DR_GET(3, dr[3]);
	for (unsigned i = 0; i < 4; i++)
		differ(d, dr[i] != dr_value(seed, i), "DR0-3");
}

unsigned registers_check(u64 seed, const char **first)
{
	struct differences d = { 0 };
	u64 dr6, dr7, cr8;

	if (!(seed & REGISTERS_ARMED))
		pass_by();
	make_area(seed);
	save_now();
	check_wide(&d, seed);
	check_control(&d);
	DR_GET(6, dr6);
	DR_GET(7, dr7);
	CR8_GET(cr8);
	differ(&d, dr6 != dr6_value(seed), "DR6");
	differ(&d, dr7 != dr7_value(seed), "DR7");
	differ(&d, cr8 != cr8_value(seed), "CR8");
	*first = d.first;
	return d.count;
}

unsigned registers_kept(u64 seed)
{
	struct differences d = { 0 };

	if (!ready)
		prepare();
	make_area(seed);
	save_now();
	check_wide(&d, seed);
	return d.alike;
}
