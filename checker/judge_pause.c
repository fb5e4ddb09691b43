/*
 * judge_pause.c - run pause: a machine that is held for a while, beside one that is not
 *
 * Both count by all the clocks that they have (guests/neighbour.c, mode=clock).  Whether a held
 * machine's time stands or goes on is the hypervisor's choice; but it is one choice for all its
 * clocks, and a held machine does nothing.
 */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN "pause"
#define PIT_HZ 1193182.0
#define PIT_ROUND 0x10000ull
#define PM_ROUND 0x1000000ull
#define LAPIC_ROUND 0x100000000ull
#define CLOCK_PERCENT 1.0 /* what clocks may differ by, of all that they counted */
#define LATE_TICKS 300.0  /* and this, since they are not read at once */
#define ACCOUNT_PERCENT 10.0
#define LOOKS_PERCENT 20.0 /* each looks more often as it begins */
#define HELD_PERCENT 80 /* of the other's loops, at most: it was away for more than a third */

struct clocks {
	uint64_t began, rate_tsc, rate[3]; /* measured at the start */
	uint64_t tsc, count[3], loops;
	bool whole;
};

static const struct {
	const char *key;
	uint64_t round; /* a power of two */
} clocks[] = { { "pit", PIT_ROUND }, { "lapic", LAPIC_ROUND }, { "pm", PM_ROUND } };

static void read_clocks(const struct judge *judge, const struct record_log *log, const char *guest,
			struct clocks *c)
{
	const char *nonce = judge_nonce(judge, RUN, guest), *text;
	size_t at = 0;

	*c = (struct clocks){ 0 };
	text = nonce ? record_next(log, &at, guest, nonce, "counting") : NULL;
	c->whole = text && record_number(text, "began", &c->began) &&
		   record_number(text, "tsc", &c->rate_tsc) && c->rate_tsc;
	for (int i = 0; i < 3; i++)
		c->whole = c->whole && record_number(text, clocks[i].key, &c->rate[i]);
	text = c->whole ? record_next(log, &at, guest, nonce, "counted") : NULL;
	c->whole = text && record_number(text, "tsc", &c->tsc) &&
		   record_number(text, "loops", &c->loops) && c->tsc && c->loops;
	for (int i = 0; i < 3; i++)
		c->whole = c->whole && record_number(text, clocks[i].key, &c->count[i]);
}

static void verdict(const struct judge *judge, bool good, const char *name, const char *reason)
{
	char path[JUDGE_PATH_MAX];

	judge_path(judge, RUN, "out", path);
	report_add(judge->report, REPORT_FIDELITY, good ? REPORT_PASS : REPORT_FAIL, 5, name,
		   good ? "" : path, "%s", reason);
}

/* How far a count is from what the TSC says, in ticks, whole rounds of the counter left out. */
static double away(const struct clocks *c, int i, double *total)
{
	uint64_t off, round = clocks[i].round;

	*total = (double)c->tsc * (double)c->rate[i] / (double)c->rate_tsc;
	off = (c->count[i] - (uint64_t)*total) & (round - 1);
	return (double)(off < round - off ? off : round - off);
}

/* A clock that a machine does not have counts nothing. */
static void judge_clocks(const struct judge *judge, const char *guest, const struct clocks *c)
{
	char name[JUDGE_WORD_MAX], reason[300] = "its records are not whole";
	bool good = c->whole && c->rate[0] && c->rate[1];
	size_t len = 0;

	for (int i = 0; i < 3 && c->whole; i++) {
		double total, off = away(c, i, &total);

		good = good && off <= total * CLOCK_PERCENT / 100 + LATE_TICKS;
		len += (size_t)snprintf(reason + len, sizeof(reason) - len,
					"%s%s: %.0f ticks from the %.0f by the TSC",
					len ? "; " : "", clocks[i].key, off, total);
	}
	snprintf(name, sizeof(name), "pause/clocks.%s", guest);
	verdict(judge, good, name, reason);
}

static bool was_paused(const struct record_log *facts)
{
	return record_begins(facts, "", "vm held paused") != NULL;
}

static void judge_held(const struct judge *judge, const struct record_log *facts,
		       const struct clocks *held, const struct clocks *witness)
{
	char reason[200];
	bool good = held->whole && witness->whole && was_paused(facts) &&
		    held->loops * 100 < witness->loops * HELD_PERCENT;

	snprintf(reason, sizeof(reason),
		 "%s; it looked %" PRIu64 " times at its clocks, the other %" PRIu64 " times",
		 was_paused(facts) ? "it was paused" : "it is not said to be paused", held->loops,
		 witness->loops);
	verdict(judge, good, "pause/held", reason);
}

/* The time that a VM had a CPU, as the hypervisor says at the end; negative: it does not. */
static double ran(const struct record_log *facts, const char *guest)
{
	char vm[JUDGE_WORD_MAX];
	double seconds = -1, s;

	for (size_t i = 0; i < facts->count; i++)
		if (sscanf(facts->line[i].text, "ran %63s %lf", vm, &s) == 2 && !strcmp(vm, guest))
			seconds = s;
	return seconds;
}

static bool about(double a, double b, double percent)
{
	return a >= b * (100 - percent) / 100 && a <= b * (100 + percent) / 100;
}

/* One CPU, and both want all of it: what it gave them is the time that passed. */
static void judge_accounts(const struct judge *judge, const struct record_log *facts,
			   const struct clocks *held, const struct clocks *witness)
{
	double hz, passed, first = ran(facts, "held"), second = ran(facts, "witness");
	double loops, times;
	char reason[300];

	if (!held->whole || !witness->whole || first <= 0 || second <= 0) {
		verdict(judge, false, "pause/accounts", "there is no account");
		return;
	}
	hz = (double)witness->rate_tsc / (double)witness->rate[0] * PIT_HZ;
	passed = (double)(witness->began + witness->rate_tsc + witness->tsc) / hz;
	loops = (double)held->loops / (double)witness->loops;
	times = first / second;
	snprintf(reason, sizeof(reason),
		 "%.3f s and %.3f s, while %.3f s passed; %.2f of the other's time for %.2f of its "
		 "looks",
		 first, second, passed, times, loops);
	verdict(judge,
		about(first + second, passed, ACCOUNT_PERCENT) &&
		    about(times, loops, LOOKS_PERCENT),
		"pause/accounts", reason);
}

/* [SDM] "Time-Stamp Counter" (17.17): 0 at a reset; so a second machine does not begin where the
 * first one ended. */
static void judge_begin(const struct judge *judge, const struct record_log *log,
			const struct clocks *witness)
{
	const char *nonce = judge_nonce(judge, RUN, "witness"), *text = NULL;
	uint64_t again = 0, end = witness->began + witness->rate_tsc + witness->tsc;
	char reason[200];
	size_t at = 0;

	for (int i = 0; i < 2 && nonce; i++)
		text = record_next(log, &at, "witness", nonce, "counting");
	if (!text || !record_number(text, "began", &again) ||
	    !record_next(log, &at, "witness", nonce, "counted"))
		again = UINT64_MAX;
	snprintf(reason, sizeof(reason),
		 "at %" PRIu64 ", and at %" PRIu64
		 " when it was started again; its end was at %" PRIu64,
		 witness->began, again, end);
	verdict(judge, witness->whole && witness->began < end / 4 && again < end / 4,
		"pause/tsc-begins", reason);
}

void judge_pause(const struct judge *judge)
{
	struct record_log log, facts;
	struct clocks held, witness;

	if (judge_load(judge, RUN, NULL, REPORT_FIDELITY, &log) != JUDGE_READY)
		return;
	judge_lines(judge, RUN, "facts", &facts);
	read_clocks(judge, &log, "held", &held);
	read_clocks(judge, &log, "witness", &witness);
	judge_clocks(judge, "held", &held);
	judge_clocks(judge, "witness", &witness);
	judge_held(judge, &facts, &held, &witness);
	judge_accounts(judge, &facts, &held, &witness);
	judge_begin(judge, &log, &witness);
	record_free(&log);
	record_free(&facts);
}
