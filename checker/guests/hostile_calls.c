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

static void each_number(struct tally *t, void (*call)(struct tally *t, u64 number, unsigned class))
{
	for (u64 number = 0; number < 300; number++)
		for (unsigned class = 0; class < ARGUMENTS; class ++)
			if (number < 16 || hostile_chosen())
				call(t, number, class);
	for (unsigned bit = 9; bit < 64; bit++)
		call(t, 1ull << bit, ARGUMENTS);
}

static void vmmcall(struct tally *t, u64 number, unsigned class)
{
	u64 a = number, x = argument(class);

	RT_TRY("vmmcall", RT_OUT("+a"(a)), "b"(x), "c"(x), "d"(x), "S"(x), "D"(x));
	hostile_case(t, number_class(number), class);
}

static void vmcall(struct tally *t, u64 number, unsigned class)
{
	u64 a = number, x = argument(class);

	RT_TRY("vmcall", RT_OUT("+a"(a)), "b"(x), "c"(x), "d"(x), "S"(x), "D"(x));
	hostile_case(t, number_class(number), class);
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
			vmcall(t, number, class);
		}
}

static const struct attack hidden[] = { { "hypercalls", hypercalls, true } };

const struct attack_list hostile_hidden = ATTACKS(hidden);

static const struct attack attacks[] = {
	{ "vmmcall", try_vmmcall, false },
	{ "vmcall", try_vmcall, false },
};

const struct attack_list hostile_calls = ATTACKS_OF(attacks, "calls");
