/*
 * hostile.h - a guest that tries everything
 *
 * An attack counts its cases, the faults it got, and what it should never have got ("bad", with
 * the first such case).  That a hypervisor and its other guests survive is for others to judge.
 */
#ifndef CHECKER_HOSTILE_H
#define CHECKER_HOSTILE_H

#include "rt/rt.h"

struct tally {
	u64 cases, faults, bad;
	const char *what; /* of the first bad case */
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
};

/* One list for each file hostile_*.c */
extern const struct attack_list hostile_io, hostile_devices, hostile_cpu, hostile_memory;
/* What may keep the machine from ever coming back. */
extern const struct attack_list hostile_last;

/* end=NAME: a way to go that takes the VM along.  Returns if it did not. */
void hostile_end(void);

/* A case is over: was there a fault?  A bad one is noted. */
void hostile_case(struct tally *t);
void hostile_bad(struct tally *t, bool bad, const char *what, u64 where);

#endif
