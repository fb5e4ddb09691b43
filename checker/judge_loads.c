/*
 * judge_loads.c - runs loads-bare, loads-virtual: eight workloads in executed instructions
 *
 * RUN.marks, if the platform can count ("count"), has lines "NUMBER EXECUTED ENTRIES GUEST" of
 * tools/plugin/count.c, two for each load that took place: what was executed by all, how often a
 * guest was entered, and what guests executed.  Else a load's ticks of the TSC are its
 * instructions, as they are on an emulator whose TSC counts them, but for loads that wait.
 */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PERF REPORT_PERFORMANCE
#define GUEST "one"
#define MARK_LOAD 16 /* tools/linux/mark.h */
#define POINTS 10
#define RESIDUE_MOST 0.002 /* of the bare instructions */
#define HIDDEN_MOST 0.01   /* of what was executed */

static const struct {
	const char *name;
	bool waits; /* halts for what will come */
} loads[] = {
	{ "cpu", false },    { "memory", false }, { "syscall", false }, { "fault", false },
	{ "switch", false }, { "timer", true },	  { "disk", true },	{ "network", true },
};

#define LOADS (sizeof(loads) / sizeof(loads[0]))

/* What a load took on one side. */
struct taken {
	bool absent, failed, measured;
	uint64_t n; /* times */
	double executed, entries, guest, ticks; /* ticks: as the guest's own TSC tells */
};

struct side {
	struct record_log log, marks;
	const char *nonce;
	bool counted; /* by the emulator */
};

static bool mark_at(const struct record_log *marks, unsigned number, double v[3])
{
	for (size_t i = 0; i < marks->count; i++) {
		unsigned n;

		if (sscanf(marks->line[i].text, "%u %lf %lf %lf", &n, &v[0], &v[1], &v[2]) == 4 &&
		    n == number)
			return true;
	}
	return false;
}

static void count(const struct side *side, unsigned i, struct taken *t)
{
	double before[3], after[3];

	if (!mark_at(&side->marks, MARK_LOAD + 2 * i, before) ||
	    !mark_at(&side->marks, MARK_LOAD + 2 * i + 1, after))
		return;
	t->measured = true;
	t->executed = after[0] - before[0];
	t->entries = after[1] - before[1];
	t->guest = after[2] - before[2];
}

static struct taken read_load(const struct side *side, unsigned i)
{
	struct taken t = { 0 };
	char word[JUDGE_WORD_MAX];
	uint64_t ticks;
	const char *text;
	size_t at = 0;

	while ((text = record_next(&side->log, &at, GUEST, side->nonce, "load"))) {
		if (!record_word(text, "name", word, sizeof(word)) || strcmp(word, loads[i].name))
			continue;
		t.absent = record_word(text, "absent", word, sizeof(word));
		t.failed = record_word(text, "failed", word, sizeof(word));
		if (!record_number(text, "n", &t.n))
			t.n = 0;
		if (record_number(text, "ticks", &ticks))
			t.ticks = (double)ticks;
		if (side->counted)
			count(side, i, &t);
		else if (t.ticks > 0 && !loads[i].waits) {
			t.measured = true;
			t.executed = t.ticks;
		}
		return t;
	}
	return t;
}

static void add(const struct judge *judge, enum report_result result, const char *group,
		const char *name, const char *reason)
{
	char full[JUDGE_WORD_MAX], path[JUDGE_PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", group, name);
	judge_path(judge, "loads-virtual", "out", path);
	report_add(judge->report, PERF, result, POINTS, full, result == REPORT_PASS ? "" : path,
		   "%s", reason);
}

/*
 * T(virtual) = T(bare) + sum(exits x cost): the guest itself must do what it did bare, and the rest
 * is the hypervisor's, an exit's cost on the average.  A guest that is told another time or other
 * devices does something else, and leaves a residue.
 */
static void judge_identity(const struct judge *judge, unsigned i, const struct taken *bare,
			   const struct taken *virtual)
{
	double residue = (virtual->guest - virtual->entries - bare->executed) / bare->executed;
	double cost = virtual->entries > 0 ? (virtual->executed - virtual->guest) / virtual->entries
					   : 0;
	double limit = RESIDUE_MOST;
	char reason[300];

	judge_limit(judge, "identity", &limit);
	snprintf(reason, sizeof(reason),
		 "%.0f virtual = %.0f bare + %.0f exits x %.0f + %.4f of bare, at most %.4f",
		 virtual->executed, bare->executed, virtual->entries, cost, residue, limit);
	add(judge, residue <= limit && residue >= -limit ? REPORT_PASS : REPORT_FAIL, "identity",
	    loads[i].name, reason);
	report_add_number(judge->report, "load-cost", loads[i].name, cost, -1,
			  "instructions an exit");
}

/* Exits for one round of a load, against the limit entries.NAME. */
static void judge_entries(const struct judge *judge, unsigned i, const struct taken *virtual)
{
	char key[JUDGE_WORD_MAX], reason[200];
	double limit, each = virtual->n ? virtual->entries / (double)virtual->n : 0;

	snprintf(key, sizeof(key), "entries.%s", loads[i].name);
	if (!judge_limit(judge, key, &limit))
		return;
	snprintf(reason, sizeof(reason),
		 "%.0f exits in %" PRIu64 " rounds: %.4f each, at most %.4f", virtual->entries,
		 virtual->n, each, limit);
	add(judge, virtual->n && each <= limit ? REPORT_PASS : REPORT_FAIL, "entries",
	    loads[i].name, reason);
	report_add_number(judge->report, "entries", loads[i].name, each, limit, "exits a round");
}

static void judge_load_of(const struct judge *judge, unsigned i, const struct side *bare,
			  const struct side *virtual)
{
	struct taken b = read_load(bare, i), v = read_load(virtual, i);
	char key[JUDGE_WORD_MAX], reason[300];
	double limit, ratio;

	snprintf(key, sizeof(key), "load.%s", loads[i].name);
	if (!judge_limit(judge, key, &limit)) {
		add(judge, REPORT_SKIP, "load", loads[i].name,
		    "this platform gives no limit for it");
		return;
	}
	if (b.failed || !b.measured || b.executed <= 0) {
		add(judge, REPORT_ERROR, "load", loads[i].name, "it was not measured bare");
		return;
	}
	if (v.absent || v.failed || !v.measured || v.executed <= 0) {
		add(judge, REPORT_FAIL, "load", loads[i].name,
		    v.absent   ? "its device is not there"
		    : v.failed ? "it did not do its work"
			       : "it was not measured");
		return;
	}
	ratio = v.executed / b.executed;
	snprintf(reason, sizeof(reason), "%.0f virtual, %.0f bare: %.4f, at most %.4f", v.executed,
		 b.executed, ratio, limit);
	add(judge, ratio <= limit && ratio > 0.9 ? REPORT_PASS : REPORT_FAIL, "load", loads[i].name,
	    reason);
	report_add_number(judge->report, "load", loads[i].name, ratio, limit, "virtual / bare");
	if (virtual->counted)
		judge_entries(judge, i, &v);
	if (virtual->counted && bare->counted)
		judge_identity(judge, i, &b, &v);
}

/*
 * Where a tick is an instruction, a guest that never waits must see all that was executed while its
 * loads ran: a hypervisor that takes its own part off (a TSC offset) looks cheaper than it is.
 */
static void judge_clock(const struct judge *judge, const struct side *virtual)
{
	double ticks = 0, executed = 0, hidden;
	char reason[200];

	for (unsigned i = 0; i < LOADS; i++) {
		struct taken t = read_load(virtual, i);

		if (loads[i].waits || !t.measured)
			continue;
		ticks += t.ticks;
		executed += t.executed;
	}
	if (executed <= 0)
		return;
	hidden = (executed - ticks) / executed;
	snprintf(reason, sizeof(reason),
		 "%.0f executed, %.0f by the guest's clock: %.4f hidden, at most %.2f", executed,
		 ticks, hidden, HIDDEN_MOST);
	add(judge, hidden <= HIDDEN_MOST ? REPORT_PASS : REPORT_FAIL, "clock", "honest", reason);
}

static bool ended(const struct side *side)
{
	size_t at = 0;

	return record_next(&side->log, &at, GUEST, side->nonce, "end");
}

/* False: it is not there, and that was said. */
static bool load_side(const struct judge *judge, const char *run, const char *one,
		      struct side *side)
{
	side->nonce = judge_nonce(judge, run, GUEST);
	if (judge_load(judge, run, one, PERF, &side->log) != JUDGE_READY)
		return false;
	judge_lines(judge, run, "marks", &side->marks);
	side->counted = judge_can(judge, "count");
	return true;
}

static void free_side(struct side *side)
{
	record_free(&side->log);
	record_free(&side->marks);
}

void judge_loads(const struct judge *judge)
{
	struct side bare = { 0 }, virtual = { 0 };

	if (!load_side(judge, "loads-bare", GUEST, &bare))
		return;
	if (load_side(judge, "loads-virtual", NULL, &virtual)) {
		bool reference = ended(&bare), whole = ended(&virtual);

		add(judge,
		    !reference ? REPORT_ERROR
		    : whole    ? REPORT_PASS
			       : REPORT_FAIL,
		    "load", "complete",
		    !reference ? "the bare run was cut off: it is no reference"
		    : whole    ? ""
			       : "the virtual run was cut off");
		for (unsigned i = 0; i < LOADS; i++)
			judge_load_of(judge, i, &bare, &virtual);
		if (virtual.counted)
			judge_clock(judge, &virtual);
		free_side(&virtual);
	}
	free_side(&bare);
}
