/*
 * hostile_io.c - every port in all widths, MSRs in both directions
 *
 * Must not know: which devices there are, but for the ports that end the machine.
 */
#include "hostile.h"
#include "x86_ops.h"

#define PORTS 0x10000

/* Ends of the machine: the i8042's command, PIIX's and port 92's reset, the exit and shutdown
 * ports. */
static bool ends_machine(u32 port, unsigned width)
{
	static const u16 ends[] = {
		0x64, 0x92, 0xcf9, 0xf4, 0xf5, 0xf6, 0xf7, 0x604, 0x605, 0x8900
	};

	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends[i] - port < width)
			return true;
	return false;
}

/*
 * What was read must not reach into bits that the width does not have; the upper half of RAX goes
 * with 32 bits and stays with fewer.
 */
static void ports_in(struct tally *t)
{
	const u64 before = 0x1122334455667788;

	for (u32 port = 0; port < PORTS; port++) {
		u64 a8 = before, a16 = before, a32 = before;

		RT_TRY("inb %%dx, %%al", RT_OUT("+a"(a8)), "d"(port));
		hostile_case(t);
		RT_TRY("inw %%dx, %%ax", RT_OUT("+a"(a16)), "d"(port));
		hostile_case(t);
		RT_TRY("inl %%dx, %%eax", RT_OUT("+a"(a32)), "d"(port));
		hostile_case(t);
		hostile_bad(t, (a8 ^ before) >> 8, "upper-bits-by-inb", port);
		hostile_bad(t, (a16 ^ before) >> 16, "upper-bits-by-inw", port);
		hostile_bad(t, a32 >> 32, "upper-bits-by-inl", port);
	}
}

static void ports_out(struct tally *t)
{
	for (u32 port = 0; port < PORTS; port++) {
		u64 value = rt_random();

		if (!ends_machine(port, 1)) {
			RT_TRY("outb %%al, %%dx", RT_OUT(), "a"(value), "d"(port));
			hostile_case(t);
		}
		if (!ends_machine(port, 2)) {
			RT_TRY("outw %%ax, %%dx", RT_OUT(), "a"(value), "d"(port));
			hostile_case(t);
		}
		if (!ends_machine(port, 4)) {
			RT_TRY("outl %%eax, %%dx", RT_OUT(), "a"(value), "d"(port));
			hostile_case(t);
		}
	}
}

/* INS and OUTS to and from memory that is there, crosses a page, is not RAM, is not mapped. */
static void ports_string(struct tally *t)
{
	static u8 buffer[8192] ALIGNED(4096);
	const u64 places[] = { (u64)(uintptr_t)buffer,
			       (u64)(uintptr_t)buffer + 4094,
			       rt_memory_end() - 3,
			       0xa0000 - 2,
			       0xfee00000,
			       0xfffffff0,
			       RT_WINDOW + MiB(1),
			       0x8000000000000000,
			       0x7ffffffffffe };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		u64 at = places[i], n = 9;

		RT_TRY("rep insb", RT_OUT("+D"(at), "+c"(n)), "d"(0xed));
		hostile_case(t);
		hostile_bad(t, n > 9 || at - places[i] != 9 - n, "INSB-registers", places[i]);
		at = places[i];
		n = 5;
		RT_TRY("rep outsl", RT_OUT("+S"(at), "+c"(n)), "d"(0xed));
		hostile_case(t);
		hostile_bad(t, n > 5 || at - places[i] != 4 * (5 - n), "OUTSL-registers",
			    places[i]);
		at = places[i] + 8;
		RT_TRY("std\n\tinsw\n\tcld", RT_OUT("+D"(at)), "d"(0xed));
		__asm__ volatile("cld");
		hostile_case(t);
	}
}

/* A long string instruction must not keep the processor from others. */
static void long_string(struct tally *t)
{
	static u8 buffer[65536];
	void *at = buffer;
	u64 n = sizeof(buffer);

	RT_TRY("rep outsb", RT_OUT("+S"(at), "+c"(n)), "d"(0xed));
	hostile_case(t);
}

/* ---- MSRs ------------------------------------------------------------------------- */

static const struct {
	u32 first, last;
} ranges[] = {
	{ 0, 0x1fff },
	{ 0xc0000000, 0xc0001fff },
	{ 0xc0010000, 0xc0011fff },
	{ 0x40000000, 0x400000ff },
	{ 0x4b564d00, 0x4b564dff },
	{ 0x80000000, 0x80000010 },
	{ 0xfffffff0, 0xfffffffe },
};

/*
 * What a guest must never see: whether the host virtualizes, with what, where its memory lies.  Its
 * CPUID offers neither SVM nor VMX, so these are #GP, or on a machine that ignores MSRs it lacks
 * (both emulators do) nothing: reads give 0 and writes are lost.  VM_CR exists on all AMD CPUs.
 */
static bool is_hosts_own(u32 msr)
{
	return msr == 0xc0010117 || msr == 0xc0010118 || (msr >= 0x480 && msr <= 0x491) ||
	       msr == 0x3a || msr == 0xc0000104;
}

static void read_one(struct tally *t, u32 msr)
{
	u64 value;
	bool ok = rt_rdmsr(msr, &value);

	hostile_case(t);
	hostile_bad(t, ok && value && is_hosts_own(msr), "read-of-MSR-of-the-host", msr);
	hostile_bad(t, ok && msr == MSR_EFER && (value & EFER_SVME), "EFER-shows-SVME", msr);
}

static void msr_read(struct tally *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		for (u32 msr = ranges[i].first; msr <= ranges[i].last; msr++)
			read_one(t, msr);
	for (unsigned i = 0; i < 2000; i++)
		read_one(t, (u32)rt_random());
}

/* Those that we need as they are; they are restored at once. */
static void write_one(struct tally *t, u32 msr)
{
	const u64 values[] = { 0, ~0ull, rt_random(), (u64)(uintptr_t)&ranges };
	u64 old, after;
	bool known = rt_rdmsr(msr, &old);

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		bool ok = rt_wrmsr(msr, values[i]);

		hostile_case(t);
		hostile_bad(t, ok && is_hosts_own(msr) && rt_rdmsr(msr, &after) && after,
			    "write-of-MSR-of-the-host", msr);
		hostile_bad(t, ok && msr == MSR_EFER && (values[i] & EFER_SVME), "EFER-takes-SVME",
			    msr);
		if (known)
			rt_wrmsr(msr, old);
	}
}

/* x2APIC's registers are reached in x2APIC mode only; hostile_memory.c goes there. */
static bool sends_init(u32 msr)
{
	return msr == 0x830;
}

static void msr_write(struct tally *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		for (u32 msr = ranges[i].first; msr <= ranges[i].last; msr++)
			if (!sends_init(msr))
				write_one(t, msr);
	for (unsigned i = 0; i < 2000; i++)
		write_one(t, (u32)rt_random() | 0x2000);
	RT_TRY("wrmsr", RT_OUT(), "c"(MSR_EFER), "a"((u32)(EFER_LME | EFER_SVME | EFER_SCE)),
	       "d"(0));
	hostile_case(t);
	hostile_bad(t, !rt_faulted(), "EFER-takes-SVME", MSR_EFER);
}

/* ---- Storms ------------------------------------------------------------------------ */

static void exit_storm(struct tally *t)
{
	for (unsigned i = 0; i < 5000; i++) {
		x86_cpuid((u32)rt_random() & 0x8000001f, 0);
		x86_inl((u16)(0x4e0 + i % 16));
		x86_outb(0xed, (u8)i);
		x86_rdmsr(MSR_APIC_BASE);
		t->cases += 4;
	}
}

static const struct attack attacks[] = {
	{ "ports-in", ports_in, false },	{ "ports-out", ports_out, false },
	{ "ports-string", ports_string, true }, { "long-string", long_string, true },
	{ "msr-read", msr_read, false },	{ "msr-write", msr_write, false },
	{ "exit-storm", exit_storm, true },
};

const struct attack_list hostile_io = { attacks, ARRAY_SIZE(attacks) };
