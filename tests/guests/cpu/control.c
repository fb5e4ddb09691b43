/*
 * control.c - CR0, CR2, CR3, CR4, CR8, XCR0: what may be written, which fault ends it, what is read
 * back
 *
 * Source: [SDM] "Control Registers" (2.5), MOV to CR, LMSW, CLTS, XSETBV (vol. 2).
 */
#include "cpu.h"

#define NUMBER(x) ((unsigned long long)(x))

/* An emulator that lets everything pass ends with it: careful=yes. */
static bool careful(void)
{
	return rt_has("careful", "yes");
}

static void try_cr0(u64 value)
{
	u64 old = x86_read_cr0(), now;

	RT_TRY("movq %0, %%cr0", RT_OUT(), "r"(value));
	now = x86_read_cr0();
	x86_write_cr0(old);
	rt_print("cr0 %llx: %s %llx\n", NUMBER(value), outcome(), NUMBER(now));
}

static void cr0(void)
{
	u64 old = x86_read_cr0();

	rt_print("cr0 is %llx\n", NUMBER(old));
	for (unsigned bit = 0; bit < 64; bit++)
		if (!careful() || (bit != 0 && bit != 31))
			try_cr0(old ^ BIT(bit));
	try_cr0(old | CR0_NW);
	try_cr0(old | CR0_NW | CR0_CD);
	if (careful())
		return;
	try_cr0((old & ~CR0_PE) | CR0_PG);
	try_cr0(0);
}

static void lmsw(u16 value)
{
	u64 old = x86_read_cr0(), now;
	u64 smsw = 0;

	RT_TRY("lmsw %0", RT_OUT(), "r"(value));
	now = x86_read_cr0();
	__asm__ volatile("smsw %q0" : "=r"(smsw));
	x86_write_cr0(old);
	rt_print("lmsw %x: %s %llx %llx\n", value, outcome(), NUMBER(now), NUMBER(smsw));
}

static void try_cr4(u64 value)
{
	u64 old = x86_read_cr4(), now;

	RT_TRY("movq %0, %%cr4", RT_OUT(), "r"(value));
	now = x86_read_cr4();
	RT_TRY("movq %0, %%cr4", RT_OUT(), "r"(old));
	rt_print("cr4 %llx: %llx\n", NUMBER(value), NUMBER(now));
}

/* The bits that CPUID offers; of others some emulators make a mess. */
static void cr4(void)
{
	static const struct {
		u8 bit;
		u32 leaf;
		u8 reg, feature;
	} bits[] = {
		{ 0, 1, 3, 1 },	  { 1, 1, 3, 1 },   { 2, 1, 3, 4 },  { 3, 1, 3, 2 },
		{ 4, 1, 3, 3 },	  { 6, 1, 3, 7 },   { 7, 1, 3, 13 }, { 8, 1, 3, 5 },
		{ 9, 1, 3, 24 },  { 10, 1, 3, 25 }, { 11, 7, 2, 2 }, { 16, 7, 1, 0 },
		{ 17, 1, 2, 17 }, { 18, 1, 2, 26 }, { 20, 7, 1, 7 }, { 21, 7, 1, 20 },
		{ 22, 7, 2, 3 },  { 24, 7, 2, 31 },
	};
	u64 old = x86_read_cr4();

	rt_print("cr4 is %llx\n", NUMBER(old));
	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		if (feature(bits[i].leaf, bits[i].reg, bits[i].feature))
			try_cr4(old ^ BIT(bits[i].bit));
	if (careful())
		return;
	RT_TRY("movq %0, %%cr4", RT_OUT(), "r"(old & ~CR4_PAE));
	rt_print("cr4 without PAE: %s\n", outcome());
	if (rt_vector == RT_NONE)
		x86_write_cr4(old);
}

static void cr3(void)
{
	u64 old = x86_read_cr3(), now;
	static const u64 bits[] = {
		1, 8, 0x10, 0xfe7, BIT(51), BIT(52), BIT(62), BIT(63), BIT(46)
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
		/* A wide address that is allowed would be the end of us. */
		if (careful() && bits[i] > 0xffff)
			continue;
		if (bits[i] == BIT(46) || bits[i] == BIT(51))
			if ((x86_cpuid(0x80000008, 0).eax & 0xff) > (bits[i] == BIT(46) ? 46 : 51))
				continue;
		RT_TRY("movq %0, %%cr3", RT_OUT(), "r"(old | bits[i]));
		now = x86_read_cr3();
		x86_write_cr3(old);
		rt_print("cr3 | %llx: %s %llx\n", NUMBER(bits[i]), outcome(), NUMBER(now ^ old));
	}
}

static void pcid(void)
{
	u64 cr3 = x86_read_cr3(), cr4 = x86_read_cr4();

	if (!feature(1, 2, 17))
		return;
	x86_write_cr3(cr3 | 5);
	RT_TRY("movq %0, %%cr4", RT_OUT(), "r"(cr4 | CR4_PCIDE));
	rt_print("PCIDE with CR3[11:0]: %s\n", outcome());
	x86_write_cr3(cr3);
	RT_TRY("movq %0, %%cr4", RT_OUT(), "r"(cr4 | CR4_PCIDE));
	rt_print("PCIDE: %s\n", outcome());
	for (unsigned i = 0; i < 12; i++) {
		RT_TRY("movq %0, %%cr3", RT_OUT(), "r"(cr3 | BIT(i)));
		rt_print("pcid %u: %s %llx\n", 1u << i, outcome(), NUMBER(x86_read_cr3() ^ cr3));
	}
	RT_TRY("movq %0, %%cr3", RT_OUT(), "r"(cr3 | BIT(63) | 3));
	rt_print("no flush: %s %llx\n", outcome(), NUMBER(x86_read_cr3() ^ cr3));
	if (careful())
		return;
	RT_TRY("movq %0, %%cr3", RT_OUT(), "r"(cr3 | BIT(62)));
	rt_print("bit 62: %s\n", outcome());
	RT_TRY("movq %0, %%cr0", RT_OUT(), "r"(x86_read_cr0() & ~CR0_PG));
	rt_print("PG off with PCIDE: %s\n", outcome());
	x86_write_cr3(cr3);
	x86_write_cr4(cr4);
	if (!feature(7, 1, 10))
		return;
	for (u64 type = 0; type < 5; type++) {
		u64 descriptor[2] = { 0, 0x1000 };

		for (descriptor[0] = 0; descriptor[0] < 0x2000; descriptor[0] += 0xfff) {
			RT_TRY("invpcid %1, %0", RT_OUT(), "r"(type), "m"(descriptor));
			rt_print("invpcid %llx %llx: %s\n", NUMBER(type), NUMBER(descriptor[0]),
				 outcome());
		}
	}
}

static void cr8(void)
{
	static const u64 values[] = { 0, 1, 15, 16, 0xff, BIT(32), ~0ull };
	u64 now;

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		RT_TRY("movq %0, %%cr8", RT_OUT(), "r"(values[i]));
		__asm__ volatile("movq %%cr8, %0" : "=r"(now));
		rt_print("cr8 %llx: %s %llx\n", NUMBER(values[i]), outcome(), NUMBER(now));
	}
	RT_TRY("movq %0, %%cr8", RT_OUT(), "r"(0ull));
}

static void try_xgetbv(u32 index)
{
	u32 low, high;

	RT_TRY("xgetbv", RT_OUT("=a"(low), "=d"(high)), "c"(index));
}

static void xcr0(void)
{
	u64 cr4 = x86_read_cr4();
	static const u64 values[] = { 0,     1,		  2,	       3,     4,     5,
				      7,     0xf,	  0x1b,	       0x1f,  0x27,  0xe7,
				      0xe5,  0x61,	  0x207,       0x2e7, 0x2ff, 0x100,
				      0x101, BIT(62) | 1, BIT(63) | 1, ~0ull };

	if (!feature(1, 2, 26))
		return;
	try_xgetbv(0);
	rt_print("xgetbv without OSXSAVE: %s\n", outcome());
	RT_TRY("xsetbv", RT_OUT(), "c"(0), "a"(3), "d"(0));
	rt_print("xsetbv without OSXSAVE: %s\n", outcome());
	x86_write_cr4(cr4 | CR4_OSXSAVE);
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		RT_TRY("xsetbv", RT_OUT(), "c"(0), "a"((u32)values[i]),
		       "d"((u32)(values[i] >> 32)));
		rt_print("xcr0 %llx: %s\n", NUMBER(values[i]), outcome());
		rt_print(" is %llx\n", NUMBER(x86_xgetbv(0)));
	}
	RT_TRY("xsetbv", RT_OUT(), "c"(1), "a"(1), "d"(0));
	rt_print("xsetbv 1: %s\n", outcome());
	try_xgetbv(1);
	rt_print("xgetbv 1: %s\n", outcome());
	try_xgetbv(2);
	rt_print("xgetbv 2: %s\n", outcome());
	RT_TRY("xsetbv", RT_OUT(), "c"(0), "a"(1), "d"(0));
	x86_write_cr4(cr4);
}

void control_area(void)
{
	static const u16 words[] = { 0, 1, 2, 4, 6, 8, 9, 0xf, 0xfff0, 0xffff };

	cr0();
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		lmsw(words[i]);
	cr4();
	cr3();
	pcid();
	cr8();
	xcr0();
}
