/*
 * msr.c - each model-specific register: does reading it fault, what does it hold, what becomes of
 * what is written
 *
 * Source: [SDM] vol. 4 "Model-Specific Registers (MSRs)" (2); [APM] vol. 2 "MSR Cross-Reference".
 */
#include "cpu.h"

/* Zeros are not told; of faults, one line tells a range. */
static struct {
	u32 first, last;
	bool open;
} run;

static void close_run(void)
{
	if (!run.open)
		return;
	run.open = false;
	rt_print("msr %x-%x fault\n", run.first, run.last);
}

/* Counts by itself. */
static bool moves(u32 msr)
{
	return msr == 0x10 || msr == 0xe7 || msr == 0xe8 || msr == 0x839;
}

static void read_range(u32 first, u32 last)
{
	for (u32 msr = first; msr <= last; msr++) {
		u64 value = 0;
		bool ok = rt_rdmsr(msr, &value);

		if (ok)
			close_run();
		if (ok && value)
			rt_print("msr %x %llx\n", msr,
				 (unsigned long long)(moves(msr) ? 1 : value));
		if (!ok && !run.open)
			run.first = msr;
		run.open |= !ok;
		run.last = msr;
	}
	close_run();
}

struct write {
	u32 msr;
	u64 value;
};

/* The old value comes back afterwards. */
static const struct write writes[] = {
	{ 0x0, 1 },
	{ 0x1, 1 },
	{ 0x17, 1 },
	{ 0x1b, 0xfee00901 },
	{ 0x1b, 0xfee00d00 },
	{ 0x1b, 0x80000000fee00900 },
	{ 0x1b, 0xfee00500 },
	{ 0x2a, 0 },
	{ 0x3a, 1 },
	{ 0x3b, 5 },
	{ 0x48, 1 },
	{ 0x49, 1 },
	{ 0x79, 0 },
	{ 0x8b, 0 },
	{ 0xc1, 1 },
	{ 0xce, 0 },
	{ 0xfe, 0 },
	{ 0x10a, 0 },
	{ 0x122, 1 },
	{ 0x140, 1 },
	{ 0x174, 0x1234 },
	{ 0x174, 0x123400005678 },
	{ 0x175, 0xffffffffffff },
	{ 0x175, 0x800000000000 },
	{ 0x175, 0x7fffffffffff },
	{ 0x176, 0x800000000000 },
	{ 0x176, 0xffff800000000000 },
	{ 0x179, 0 },
	{ 0x17a, 7 },
	{ 0x17a, 0x100 },
	{ 0x17b, 0 },
	{ 0x17b, ~0ull },
	{ 0x186, 0 },
	{ 0x198, 1 },
	{ 0x199, 1 },
	{ 0x19a, 1 },
	{ 0x19b, 3 },
	{ 0x19c, 0 },
	{ 0x1a0, 0x400c51889 },
	{ 0x1a0, 1 },
	{ 0x1a0, 0 },
	{ 0x1a0, BIT(22) },
	{ 0x1a0, BIT(34) },
	{ 0x1d9, 1 },
	{ 0x1d9, 2 },
	{ 0x1d9, 3 },
	{ 0x1d9, 0x40 },
	{ 0x1d9, 0x10000 },
	{ 0x1db, 1 },
	{ 0x1dc, 1 },
	{ 0x1dd, 1 },
	{ 0x1de, 1 },
	{ 0x200, 0x6 },
	{ 0x200, 0x7 },
	{ 0x200, 0x2 },
	{ 0x200, 0xf00 },
	{ 0x200, BIT(60) },
	{ 0x201, 0x800 },
	{ 0x201, 0x7ff },
	{ 0x201, BIT(60) },
	{ 0x20f, 0x800 },
	{ 0x210, 6 },
	{ 0x250, 0x0606060606060606 },
	{ 0x250, 0x0706060606060606 },
	{ 0x268, 0x0101010101010101 },
	{ 0x277, 0x0007040600070406 },
	{ 0x277, 0x07070707 },
	{ 0x277, 2 },
	{ 0x277, 0x0600000000000008 },
	{ 0x2ff, 0xc06 },
	{ 0x2ff, 0xc07 },
	{ 0x2ff, 0x1c06 },
	{ 0x2ff, 0 },
	{ 0x345, 1 },
	{ 0x38d, 1 },
	{ 0x38f, 1 },
	{ 0x390, 1 },
	{ 0x400, 0 },
	{ 0x400, ~0ull },
	{ 0x400, 5 },
	{ 0x401, 0 },
	{ 0x401, 1 },
	{ 0x402, 0 },
	{ 0x402, 1 },
	{ 0x403, 0 },
	{ 0x403, 1 },
	{ 0x424, ~0ull },
	{ 0x428, ~0ull },
	{ 0x480, 1 },
	{ 0x6e0, 0 },
	{ 0x6e1, 4 },
	{ 0x6e1, BIT(32) },
	{ 0x802, 1 },
	{ 0x808, 0x20 },
	{ 0xd90, 0 },
	{ 0xda0, 0 },
	{ 0xda0, 1 },
	{ 0xda0, 0x100 },
	{ 0xda0, 0x1800 },
	{ 0x1234, 1 },
	{ 0x40000000, 1 },
	{ 0x4b564d00, 1 },
	{ 0x2fff0000, 1 },
	{ 0xc0000080, 0xd00 },
	{ 0xc0000080, 0xd01 },
	{ 0xc0000080, 0x501 },
	{ 0xc0000080, 0x401 },
	{ 0xc0000080, 0x2d01 },
	{ 0xc0000080, 0x4d01 },
	{ 0xc0000080, 0x8d01 },
	{ 0xc0000080, 0x1d01 },
	{ 0xc0000080, 0xd03 },
	{ 0xc0000080, 0x10d01 },
	{ 0xc0000080, BIT(40) | 0xd01 },
	{ 0xc0000080, 0x101 },
	{ 0xc0000081, 0xffffffffffffffff },
	{ 0xc0000082, 0x800000000000 },
	{ 0xc0000082, ~0ull },
	{ 0xc0000083, 0x800000000000 },
	{ 0xc0000084, ~0ull },
	{ 0xc0000084, 0x3f7f00 },
	{ 0xc0000100, 0x800000000000 },
	{ 0xc0000100, 0x7fffffffffff },
	{ 0xc0000101, 1 },
	{ 0xc0000102, 0x8000000000000000 },
	{ 0xc0000102, 0xffffffff80000000 },
	{ 0xc0000103, 0x12345678 },
	{ 0xc0000103, 0x123456789 },
	{ 0xc0000104, 1 },
	{ 0xc0010000, 1 },
	{ 0xc0010004, 1 },
	{ 0xc0010007, 1 },
	{ 0xc0010010, 0 },
	{ 0xc0010015, 0 },
	{ 0xc0010015, BIT(18) },
	{ 0xc0010015, BIT(27) },
	{ 0xc001001a, 0x1000000 },
	{ 0xc001001d, 0 },
	{ 0xc001001f, 0 },
	{ 0xc0010020, 0 },
	{ 0xc0010055, 0 },
	{ 0xc0010111, 0x30000 },
	{ 0xc0010114, 0 },
	{ 0xc0010117, 0x1000 },
	{ 0xc0010140, 0 },
	{ 0xc0010200, 1 },
	{ 0xc0011022, 1 },
	{ 0xc0011029, 2 },
};

static void try_write(const struct write *w)
{
	u64 old = 0, now = 0;
	bool readable = rt_rdmsr(w->msr, &old), ok;

	ok = rt_wrmsr(w->msr, w->value);
	rt_print("write %x %llx: %s", w->msr, (unsigned long long)w->value, outcome());
	if (ok && readable && rt_rdmsr(w->msr, &now))
		rt_print(" %llx", (unsigned long long)now);
	rt_print("\n");
	if (ok && readable)
		rt_wrmsr(w->msr, old);
}

void msr_area(void)
{
	read_range(0, 0x1fff);
	read_range(0x40000000, 0x400000ff);
	read_range(0x4b564d00, 0x4b564dff);
	read_range(0xc0000000, 0xc0001fff);
	read_range(0xc0010000, 0xc0011fff);
	read_range(0xdeadbeef, 0xdeadbeef);
	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++)
		try_write(&writes[i]);
}
