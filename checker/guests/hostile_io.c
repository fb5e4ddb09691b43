/*
 * hostile_io.c - every port in all widths and both directions, strings, exits without end
 *
 * Must not know: which devices there are, but for the ports that end the machine.
 */
#include "hostile.h"
#include "x86_ops.h"

#define PORTS 0x10000u
#define ISA_PORTS 0x400u

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

/* Sixteen ports of the ISA bus are a device, or nobody; behind them are four thousand alike. */
static u32 class_of(u32 port)
{
	return port < ISA_PORTS ? port / 16 : ISA_PORTS / 16 + port / 4096;
}

static bool skipped(u32 port)
{
	return port >= 2 * ISA_PORTS && !hostile_chosen();
}

/*
 * What was read must not reach into bits that the width does not have; the upper half of RAX goes
 * with 32 bits and stays with fewer.  Catches: a port of the machine itself, a wrong width.
 */
static void ports_in(struct tally *t)
{
	const u64 before = 0x1122334455667788;

	for (u32 port = 0; port < PORTS; port++) {
		u64 a8 = before, a16 = before, a32 = before;

		if (skipped(port))
			continue;
		RT_TRY("inb %%dx, %%al", RT_OUT("+a"(a8)), "d"(port));
		hostile_case(t, class_of(port), 1);
		RT_TRY("inw %%dx, %%ax", RT_OUT("+a"(a16)), "d"(port));
		hostile_case(t, class_of(port), 2);
		RT_TRY("inl %%dx, %%eax", RT_OUT("+a"(a32)), "d"(port));
		hostile_case(t, class_of(port), 4);
		hostile_bad(t, (a8 ^ before) >> 8, "upper-bits-by-inb", port);
		hostile_bad(t, (a16 ^ before) >> 16, "upper-bits-by-inw", port);
		hostile_bad(t, a32 >> 32, "upper-bits-by-inl", port);
	}
}

/*
 * Catches: a device that a wild value breaks; a write that reaches the machine's own; a register
 * that is changed where nobody was told of calls by ports.
 */
static void ports_out(struct tally *t)
{
	for (u32 port = 0; port < PORTS; port++) {
		u64 value = rt_random(), a = value;

		if (skipped(port))
			continue;
		if (!ends_machine(port, 1)) {
			RT_TRY("outb %%al, %%dx", RT_OUT("+a"(a)), "d"(port));
			hostile_case(t, class_of(port), 1);
		}
		if (!ends_machine(port, 2)) {
			RT_TRY("outw %%ax, %%dx", RT_OUT("+a"(a)), "d"(port));
			hostile_case(t, class_of(port), 2);
		}
		if (!ends_machine(port, 4)) {
			RT_TRY("outl %%eax, %%dx", RT_OUT("+a"(a)), "d"(port));
			hostile_case(t, class_of(port), 4);
		}
		hostile_bad(t, a != value, "OUT-changes-RAX", port);
	}
}

/* ---- Strings ------------------------------------------------------------------------ */

static u8 buffer[65536] ALIGNED(4096);

/* Memory that is there, crosses a page, is not RAM, is not mapped, is no address. */
#define PLACES 10u

static u64 place(unsigned i)
{
	const u64 places[PLACES] = { (u64)(uintptr_t)buffer,
				     (u64)(uintptr_t)buffer + 4094,
				     rt_memory_end() - 3,
				     0xa0000 - 2,
				     0xfee00000,
				     0xfffffff0,
				     RT_WINDOW + MiB(1),
				     0x8000000000000000,
				     0x7ffffffffffe,
				     0xd0000000 };

	return places[i];
}

static void string_in(struct tally *t, unsigned i, u16 port, unsigned action)
{
	u64 at = place(i), n = 9;

	RT_TRY("rep insb", RT_OUT("+D"(at), "+c"(n)), "d"(port));
	hostile_case(t, i, action | 1);
	hostile_bad(t, n > 9 || at - place(i) != 9 - n, "INSB-registers", place(i));
	at = place(i) + 8;
	RT_TRY("std\n\tinsw\n\tcld", RT_OUT("+D"(at)), "d"(port));
	__asm__ volatile("cld");
	hostile_case(t, i, action | 2);
	at = place(i);
	n = 3;
	RT_TRY("rep insl", RT_OUT("+D"(at), "+c"(n)), "d"(port));
	hostile_case(t, i, action | 4);
	hostile_bad(t, n > 3 || at - place(i) != 4 * (3 - n), "INSL-registers", place(i));
}

static void string_out(struct tally *t, unsigned i, u16 port, unsigned action)
{
	u64 at = place(i), n = 5;

	RT_TRY("rep outsl", RT_OUT("+S"(at), "+c"(n)), "d"(port));
	hostile_case(t, i, action | 4);
	hostile_bad(t, n > 5 || at - place(i) != 4 * (5 - n), "OUTSL-registers", place(i));
	at = place(i);
	n = 3;
	RT_TRY("rep outsw", RT_OUT("+S"(at), "+c"(n)), "d"(port));
	hostile_case(t, i, action | 2);
	at = place(i);
	RT_TRY("outsb", RT_OUT("+S"(at)), "d"(port));
	hostile_case(t, i, action | 1);
}

static const u16 string_ports[] = { 0xed, 0x71, 0x60, 0x1f0, 0x4e0 };

/* Catches: string I/O that writes where the guest has no memory, or counts wrongly. */
static void ports_ins(struct tally *t)
{
	for (unsigned p = 0; p < ARRAY_SIZE(string_ports); p++)
		for (unsigned i = 0; i < PLACES; i++)
			string_in(t, i, string_ports[p], p << 4);
}

/* Catches: string I/O that reads where the guest has no memory. */
static void ports_outs(struct tally *t)
{
	for (unsigned p = 0; p < ARRAY_SIZE(string_ports); p++)
		for (unsigned i = 0; i < PLACES; i++)
			string_out(t, i, string_ports[p], p << 4);
}

/* Catches: a long string instruction that keeps the processor from others. */
static void long_string(struct tally *t)
{
	for (unsigned ports = 0; ports < ARRAY_SIZE(string_ports); ports++)
		for (u64 n = 16; n <= sizeof(buffer); n *= 16) {
			u64 most = ports ? 1024 : MAX(hostile_some(sizeof(buffer)), 4096);
			u64 count = MIN(n, most), in = count;
			void *at = buffer, *to = buffer;

			RT_TRY("rep outsb", RT_OUT("+S"(at), "+c"(count)),
			       "d"(string_ports[ports]));
			hostile_case(t, ports, n / 16);
			RT_TRY("rep insb", RT_OUT("+D"(to), "+c"(in)), "d"(string_ports[ports]));
			hostile_case(t, ports, n / 16 + 1);
		}
}

/* ---- Storms ------------------------------------------------------------------------ */

/* Catches: exits that are paid for by somebody else. */
static void exit_storm(struct tally *t)
{
	rt_vector = RT_NONE;
	for (u64 i = hostile_some(5000); i; i--) {
		x86_cpuid((u32)rt_random() & 0x8000001f, 0);
		hostile_case(t, 0, i % 8);
		x86_inl((u16)(0x4e0 + i % 16));
		hostile_case(t, 1, i % 16);
		x86_outb(0xed, (u8)i);
		hostile_case(t, 2, i % 8);
		x86_rdmsr(MSR_APIC_BASE);
		hostile_case(t, 3, 0);
	}
}

static const struct attack attacks[] = {
	{ "ports-in", ports_in, false },      { "ports-out", ports_out, false },
	{ "ports-ins", ports_ins, true },     { "ports-outs", ports_outs, true },
	{ "long-string", long_string, true }, { "exit-storm", exit_storm, true },
};

const struct attack_list hostile_io = ATTACKS(attacks);
