/*
 * hostile_calls.c - hypercalls: every argument in every class
 *
 * group "calls" is for a machine that is told of its hypervisor; the others find no interface.
 */
#include "hostile.h"
#include "x86_ops.h"

static u8 page[4096] ALIGNED(4096);

#define ARGUMENTS 9u

static u64 argument(unsigned class)
{
	const u64 arguments[ARGUMENTS] = { 0,
					   1,
					   0xfff,
					   (u64)(uintptr_t)page,
					   rt_memory_end(),
					   GiB(4) - 1,
					   0xffff800000000000,
					   0xffffffff80000000,
					   ~0ull };

	return class < ARGUMENTS ? arguments[class] : rt_random();
}

/* Numbers that interfaces have, and those that have only one bit. */
static u64 number_class(u64 number)
{
	return number < 8 ? number : number < 0x1000 ? 8 + number / 64 : 0x100;
}

static void each_number(struct tally *t, u64 (*call)(struct tally *t, u64 number, unsigned class))
{
	u64 unknown;

	/* Who waits for a window, interrupts off, never goes the short way of an exit. */
	__asm__ volatile("sti; nop; nop; nop; cli" ::: "memory");
	for (u64 number = 0; number < 300; number++)
		for (unsigned class = 0; class < ARGUMENTS; class ++)
			if (number < 16 || hostile_chosen())
				call(t, number, class);
	/* Whoever has calls has none of 64 ones, and none that only the upper half tells apart. */
	unknown = call(t, ~0ull, ARGUMENTS);
	for (unsigned bit = 9; bit < 64; bit++) {
		u64 result = call(t, 1ull << bit, ARGUMENTS);

		hostile_bad(t, bit >= 32 && !rt_faulted() && result != unknown,
			    "upper-half-ignored", bit);
	}
}

/* What a call must leave alone; the result. */
#define CALL(insn)                                                                                 \
	do {                                                                                       \
		u64 b = x, c = x, d = x, s = x, di = x;                                            \
		RT_TRY(insn, RT_OUT("+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(s), "+D"(di)));       \
		hostile_bad(t, b != x || c != x || d != x || s != x || di != x,                    \
			    insn "-changes-registers", number);                                    \
		hostile_case(t, number_class(number), class);                                      \
	} while (0)

static u64 vmmcall(struct tally *t, u64 number, unsigned class)
{
	u64 a = number, x = argument(class);

	CALL("vmmcall");
	return a;
}

static u64 vmcall(struct tally *t, u64 number, unsigned class)
{
	u64 a = number, x = argument(class);

	CALL("vmcall");
	return a;
}

/* Catches: a number that is taken for a place in a table, an argument for an address. */
static void try_vmmcall(struct tally *t)
{
	each_number(t, vmmcall);
}

static void try_vmcall(struct tally *t)
{
	each_number(t, vmcall);
}

/* Nobody said that there are any. */
static void hypercalls(struct tally *t)
{
	for (u64 number = 0; number < 64; number++)
		for (unsigned class = 0; class < ARGUMENTS; class ++) {
			vmmcall(t, number, class);
			hostile_bad(t, !rt_faulted(), "VMMCALL-works", number);
			vmcall(t, number, class);
			hostile_bad(t, !rt_faulted(), "VMCALL-works", number);
		}
}

static const struct attack hidden[] = { { "hypercalls", hypercalls, true } };

const struct attack_list hostile_hidden = ATTACKS(hidden);

static const struct attack attacks[] = {
	{ "vmmcall", try_vmmcall, false },
	{ "vmcall", try_vmcall, false },
};

const struct attack_list hostile_calls = ATTACKS_OF(attacks, "calls");
