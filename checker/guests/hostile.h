/*
 * hostile.h - a guest that tries everything
 *
 * Owns: what an attack is, and how its cases are counted.
 * Must not know: what a hypervisor makes of it.
 *
 * An attack is a mechanism: one interface (ports, an MSR range, a device's registers, instructions)
 * misused in one way.  A case of it is a class of what is aimed at together with what is done to
 * it, such as "ports 0x60-0x6f, read by 16 bits"; it counts once, however often it is tried.  An
 * attack is bad if it got what it should never have got; that a hypervisor and its other guests
 * survive is for others to judge.
 */
#ifndef CHECKER_HOSTILE_H
#define CHECKER_HOSTILE_H

#include "rt/rt.h"

struct tally {
	u64 tries, faults, bad;
	u64 cases;	  /* distinct ones */
	const char *what; /* of the first bad try */
	u64 where;
};

struct attack {
	const char *name;
	void (*run)(struct tally *t);
	bool storm; /* worth repeating beside a neighbour that wants its share */
};

struct attack_list {
	const struct attack *attack;
	unsigned count;
	const char *group; /* only for attack=GROUP; NULL: for attack=all */
};

#define ATTACKS(list)                                                                              \
	{                                                                                          \
		list, ARRAY_SIZE(list), NULL                                                       \
	}
#define ATTACKS_OF(list, group)                                                                    \
	{                                                                                          \
		list, ARRAY_SIZE(list), group                                                      \
	}

/* One list for each file hostile_*.c */
extern const struct attack_list hostile_first, hostile_start, hostile_memory, hostile_apic,
    hostile_io, hostile_msr, hostile_chips, hostile_registers, hostile_code, hostile_user,
    hostile_pci, hostile_virtio, hostile_pieces, hostile_hidden, hostile_calls, hostile_bombs,
    hostile_pieces_bombs, hostile_races, hostile_wire, hostile_mirror;
/* What may keep the machine from ever coming back. */
extern const struct attack_list hostile_last;

/* end=NAME: a way to go that takes the VM along.  Returns if it did not. */
void hostile_end(void);
/* One of them: see hostile_races.c. */
void hostile_race_code(void);

/*
 * A try is over: of which case?  target is a class of what was aimed at, action what was done to
 * it, both below 65,536.  If there was a fault, it is counted.
 */
void hostile_case(struct tally *t, u64 target, u64 action);
void hostile_bad(struct tally *t, bool bad, const char *what, u64 where);

/* Is it a word of the neighbour's? */
bool hostile_secret(u64 value);

/* scale=PERCENT: of n tries that are alike, so many in this run; at least one. */
u64 hostile_some(u64 n);
/* Is this one of n that are alike to be tried in this run? */
bool hostile_chosen(void);

/* Calls code that may fault anywhere; true: it did.  *r11 is what R11 was then, from 0 on. */
bool hostile_call(const void *code, u64 *r11);

#endif
