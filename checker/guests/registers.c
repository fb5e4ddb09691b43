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
#define FCW 0x37f
#define FCW_ALL_TAGS 4 /* the byte with a bit for each register that is in use */
#define MXCSR_AT 24
#define MXCSR 0x1f80
#define CPUID_1_ECX_XSAVE BIT(26)
#define COMPONENTS (XCR0_X87 | XCR0_SSE | XCR0_AVX)

static u8 area[AREA_SIZE] ALIGNED(64), now[AREA_SIZE] ALIGNED(64);
static bool has_xsave, ready;
static u64 components;

static const struct {
	u32 index;
	const char *name;
	bool address; /* must be canonical */
} msrs[] = {
	{ MSR_STAR, "STAR", false },
	{ MSR_LSTAR, "LSTAR", true },
	{ MSR_CSTAR, "CSTAR", true },
	{ MSR_KERNEL_GS_BASE, "KERNEL_GS_BASE", true },
	{ MSR_FS_BASE, "FS_BASE", true },
	{ MSR_GS_BASE, "GS_BASE", true },
	{ MSR_SYSENTER_ESP, "SYSENTER_ESP", true },
	{ MSR_SYSENTER_EIP, "SYSENTER_EIP", true },
};

static u64 mix(u64 seed, u64 n)
{
	u64 x = (seed + n) * 0x9e3779b97f4a7c15ull;

	return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull;
}

static u64 msr_value(u64 seed, unsigned i)
{
	u64 value = mix(seed, 100 + i);

	return msrs[i].address ? value & BITS(46, 0) : value;
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

static void make_area(u64 seed)
{
	memset(area, 0, sizeof(area));
	area[0] = FCW & 0xff;
	area[1] = FCW >> 8;
	area[FCW_ALL_TAGS] = 0xff;
	area[MXCSR_AT] = MXCSR & 0xff;
	area[MXCSR_AT + 1] = MXCSR >> 8;
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

static u64 dr_value(u64 seed, unsigned n)
{
	return mix(seed, 200 + n) & BITS(46, 0);
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
	x86_write_cr2(dr_value(seed, 4));
}

/* A comparison of all, counted. */
struct differences {
	unsigned count;
	const char *first;
};

static void differ(struct differences *d, bool different, const char *name)
{
	if (!different)
		return;
	d->count++;
	if (!d->first)
		d->first = name;
}

static void check_vectors(struct differences *d)
{
	save_now();
	for (unsigned i = 0; i < 8; i++)
		differ(d, memcmp(now + ST + i * ST_STRIDE, area + ST + i * ST_STRIDE, ST_SIZE),
		       "x87");
	differ(d, memcmp(now + XMM, area + XMM, XMM_SIZE), "XMM");
	if (components & XCR0_AVX)
		differ(d, memcmp(now + YMM_HIGH, area + YMM_HIGH, YMM_SIZE), "YMM");
}

unsigned registers_check(u64 seed, const char **first)
{
	struct differences d = { 0, NULL };
	u64 dr[4];

	differ(&d, x86_read_cr2() != dr_value(seed, 4), "CR2");
	make_area(seed);
	check_vectors(&d);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		differ(&d, x86_rdmsr(msrs[i].index) != msr_value(seed, i), msrs[i].name);
	DR_GET(0, dr[0]);
	DR_GET(1, dr[1]);
	DR_GET(2, dr[2]);
	DR_GET(3, dr[3]);
	for (unsigned i = 0; i < 4; i++)
		differ(&d, dr[i] != dr_value(seed, i), "DR0-3");
	*first = d.first;
	return d.count;
}
