/*
 * judge_cases.h - what a hostile guest says that it tried, added up
 *
 * Owns: plans and attack records, the counts over several guests, and when they are enough.
 * Must not know: reports, what an attack does.
 *
 * A guest names first all that it will try ("plan name=N", at the end "planned COUNT"), then has a
 * record for each attack, and ends with "attacked COUNT".  An attack is a mechanism; its cases are
 * the distinct ones, however often each was tried.
 */
#ifndef CHECKER_JUDGE_CASES_H
#define CHECKER_JUDGE_CASES_H

#include "record.h"

#define CASES_MECHANISMS 256
#define CASES_NAME 64

/* What is enough: issue 5, "Isolation". */
#define CASES_LEAST 5000
#define CASES_LEAST_MECHANISMS 40
#define CASES_MOST_PERCENT 5.0

struct mechanism {
	char name[CASES_NAME];
	const char *guest;
	bool done, whole; /* its record came; all of it could be read */
	uint64_t cases, tries, faults, bad, where;
	char what[CASES_NAME];
};

struct cases {
	struct mechanism mechanism[CASES_MECHANISMS];
	size_t count;
	size_t broken; /* guests whose plan is not whole, records that no plan has or that come
			  twice */
};

/*
 * Add what one guest said; guest is kept.  A mechanism that another guest planned already is not
 * another one: what repeats it is counted once, the better of the two.
 */
void cases_read(struct cases *c, const struct record_log *log, const char *guest,
		const char *nonce);

/* An attack that is over when its guest is: a mechanism with one case. */
void cases_add(struct cases *c, const char *name, const char *guest, bool done);

struct cases_sum {
	uint64_t cases, tries;
	size_t mechanisms; /* that came to their end with a case or more */
	size_t planned;
	const struct mechanism *largest; /* NULL: none has a case */
	double percent;			 /* of the largest */
	bool enough;
};

struct cases_sum cases_sum(const struct cases *c);

#endif
