/*
 * judge_performance.c - runs cost-bare, cost-virtual, accounts: instructions per exit, what must
 * not exit
 */
#include "judge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PERF REPORT_PERFORMANCE
#define BARE "one"
#define LOOP "empty"   /* the same loop without the instruction */
#define COST_LEAST 1.0 /* who goes on with the guest needs an instruction for that */
#define SLICE_SECONDS 0.01
#define RUN_TIME_OFF 3.0 /* per cent: the account is in ms */

struct work {
	uint64_t n, runs, least, total;
	bool absent;
};

struct side {
	struct record_log log;
	const char *nonce;
};

static bool read_work(const struct side *side, const char *name, struct work *w)
{
	char word[JUDGE_WORD_MAX];
	const char *text;
	size_t at = 0;

	*w = (struct work){ 0 };
	while ((text = record_next(&side->log, &at, BARE, side->nonce, "work"))) {
		if (!record_word(text, "name", word, sizeof(word)) || strcmp(word, name))
			continue;
		w->absent = record_word(text, "absent", word, sizeof(word));
		return w->absent || (record_number(text, "n", &w->n) && w->n &&
				     record_number(text, "runs", &w->runs) && w->runs &&
				     record_number(text, "least", &w->least) &&
				     record_number(text, "total", &w->total));
	}
	return false;
}

static void add(const struct judge *judge, bool good, unsigned points, const char *group,
		const char *name, const char *reason)
{
	char full[JUDGE_WORD_MAX], path[JUDGE_PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", group, name);
	judge_path(judge, "cost-virtual", "out", path);
	report_add(judge->report, PERF, good ? REPORT_PASS : REPORT_FAIL, points, full,
		   good ? "" : path, "%s", reason);
}

/* ---- Cost ------------------------------------------------------------------------------ */

static const char *const costs[] = { "cpuid", "vmmcall", "vmcall", "rdmsr",
				     "out",   "in",	 "mmio",   "touch" };

/*
 * What the hypervisor adds to an instruction, in ticks: the loop without the instruction is taken
 * off, and the instruction itself where the machine counts one that exits (own, 0 or 1).  A single
 * touch has no loop.
 */
static double cost_of(const struct work *w, const struct work *loop, double own)
{
	double per_loop = w->n > 1 ? (double)loop->least / (double)loop->n : 0;

	return (double)w->least / (double)w->n - per_loop - own;
}

/* "own N" of info; 0 if it says nothing. */
static double own_ticks(const struct judge *judge)
{
	const char *text = judge_setting(judge, "own");

	return text ? strtod(text, NULL) : 0;
}

static void judge_cost(const struct judge *judge, const struct side *virtual, const char *name)
{
	struct work w, loop;
	double limit, cost;
	char reason[200];

	if (!judge_limit(judge, name, &limit))
		return;
	if (!read_work(virtual, name, &w) || !read_work(virtual, LOOP, &loop) || loop.absent) {
		add(judge, false, 10, "cost", name, "it was not measured");
		return;
	}
	if (w.absent) {
		add(judge, false, 10, "cost", name, "the hypervisor does not offer it");
		return;
	}
	cost = cost_of(&w, &loop, own_ticks(judge));
	snprintf(reason, sizeof(reason), "%.2f instructions, at least %.0f, at most %.0f%s", cost,
		 COST_LEAST, limit, cost < COST_LEAST ? ": the clock is not to be believed" : "");
	add(judge, cost >= COST_LEAST && cost <= limit, 10, "cost", name, reason);
	report_add_number(judge->report, "cost", name, cost, limit, "instructions");
}

/* ---- What runs at full speed ---------------------------------------------------------------- */

static const char *const native[] = { "cpu", "syscall", "pagefault", "cr3", "invlpg", "ts" };

static void judge_ratio(const struct judge *judge, const struct side *bare,
			const struct side *virtual, const char *name)
{
	struct work b, v;
	char reason[200];

	if (!strcmp(name, "ts") && !judge_can(judge, "lazy-fpu")) {
		report_add(judge->report, PERF, REPORT_SKIP, 0, "ratio/ts", "",
			   "each write of CR0 exits there");
		return;
	}
	if (!read_work(bare, name, &b) || !read_work(virtual, name, &v) || b.absent || v.absent ||
	    !b.least) {
		add(judge, false, 10, "ratio", name, "it was not measured");
		return;
	}
	snprintf(reason, sizeof(reason),
		 "%" PRIu64 " virtual, %" PRIu64 " bare: %.6f, expected exactly 1", v.least,
		 b.least, (double)v.least / (double)b.least);
	add(judge, v.least == b.least && v.n == b.n, 10, "ratio", name, reason);
	report_add_number(judge->report, "ratio", name, (double)v.least / (double)b.least, 1,
			  "virtual / bare");
}

/* ---- Exits as the emulator saw them ------------------------------------------------------------
 */

static const struct {
	const char *name, *reason; /* the one reason to exit; NULL: none */
} expected[] = {
	{ "cpu", NULL },
	{ "empty", NULL },
	{ "cpuid", "CPUID" },
	{ "vmcall", "hypercall" },
	{ "vmmcall", "hypercall" },
	{ "rdmsr", "MSR" },
	{ "wrmsr", NULL },
	{ "out", "port" },
	{ "in", "port" },
	{ "mmio", "nested-fault" },
	{ "touch", "nested-fault" },
	{ "syscall", NULL },
	{ "pagefault", NULL },
	{ "cr3", NULL },
	{ "invlpg", NULL },
};

#define EXPECTED (sizeof(expected) / sizeof(expected[0]))

struct exits {
	uint64_t right, host, wrong; /* for the one reason; for the host's own interrupts; others */
};

/* Exits between the k-th pair of marks.  False: there is no such pair. */
static bool count_between(const struct record_log *log, unsigned k, const char *reason,
			  struct exits *e)
{
	unsigned marks = 0;

	*e = (struct exits){ 0 };
	for (size_t i = 0; i < log->count; i++) {
		const char *text = log->line[i].text;

		if (!strcmp(text, "mark")) {
			if (++marks == 2 * k + 2)
				return true;
		} else if (marks == 2 * k + 1) {
			if (reason && !strcmp(text, reason))
				e->right++;
			else if (!strcmp(text, "host"))
				e->host++;
			else
				e->wrong++;
		}
	}
	return false;
}

/*
 * The hypervisor's timer has no business in a guest that is alone: 25 million instructions would
 * meet a tick each millisecond 50 times.  A console that shows its prompt again may meet it.
 */
#define TICKS_MAX 3

static void judge_tickless(const struct judge *judge, const struct exits *e)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "%" PRIu64 " interrupts of the host while one guest computes, at most %u", e->host,
		 TICKS_MAX);
	add(judge, e->host <= TICKS_MAX, 10, "exits", "tickless", text);
}

static void judge_between(const struct judge *judge, const struct record_log *log, size_t i,
			  unsigned pair, const struct work *w)
{
	const char *reason = expected[i].reason;
	struct exits e;
	char text[200];

	if (!w->runs || !count_between(log, pair, reason, &e)) {
		add(judge, false, 5, "exits", expected[i].name, "it was not measured");
		return;
	}
	snprintf(text, sizeof(text),
		 "%" PRIu64 " times: %" PRIu64 " exits by %s, %" PRIu64 " others", w->n * w->runs,
		 e.right, reason ? reason : "nothing", e.wrong);
	add(judge, !e.wrong && e.right == (reason ? w->n * w->runs : 0), 5, "exits",
	    expected[i].name, text);
	if (!strcmp(expected[i].name, "cpu"))
		judge_tickless(judge, &e);
}

/* The emulator's log of a run; false: it is of no use, and a check NAME says why. */
static bool load_log(const struct judge *judge, const char *run, const char *name,
		     struct record_log *log)
{
	bool can = judge_can(judge, "log");
	char path[JUDGE_PATH_MAX];

	judge_path(judge, run, "log", path);
	if (!record_load(log, path, "")) {
		report_add(judge->report, PERF, can ? REPORT_ERROR : REPORT_SKIP, 0, name, "", "%s",
			   can ? "the emulator left no log" : "this platform shows no exits");
		return false;
	}
	if (log->count)
		return true;
	report_add(judge->report, PERF, REPORT_FAIL, 5, name, path, "no guest ever ran");
	record_free(log);
	return false;
}

/* What the CPU does not have was marked by no pair. */
static void judge_exits(const struct judge *judge, const struct side *virtual)
{
	struct record_log log;
	unsigned pair = 0;

	if (!load_log(judge, "cost-virtual", "exits/outside", &log))
		return;
	for (size_t i = 0; i < EXPECTED; i++) {
		struct work w;

		if (!read_work(virtual, expected[i].name, &w) || !w.absent)
			judge_between(judge, &log, i, pair++, &w);
	}
	record_free(&log);
}

/* The hypervisor's own account of one reason, and the emulator's. */
static void judge_account(const struct judge *judge, const struct record_log *log,
			  const struct record_log *facts, const char *reason)
{
	char key[JUDGE_WORD_MAX], text[200];
	bool ports = !strcmp(reason, "port");
	const char *said;
	uint64_t seen = 0;

	for (size_t i = 0; i < log->count; i++)
		seen += !strcmp(log->line[i].text, reason) ||
			(ports && !strcmp(log->line[i].text, "mark"));
	snprintf(key, sizeof(key), "exits " BARE " %s ", reason);
	said = record_begins(facts, "", key);
	snprintf(text, sizeof(text), "the hypervisor counts %s, the emulator %" PRIu64,
		 said ? said : "nothing", seen);
	add(judge, said && strtoull(said, NULL, 10) == seen, 5, "accounts", reason, text);
}

static bool ended(const struct side *side)
{
	size_t at = 0;

	return record_next(&side->log, &at, BARE, side->nonce, "end");
}

/*
 * The hypervisor's account of a guest's time on the CPU, against what the guest saw while it was
 * awake: it was alone.  "slice N" of info: ticks of the TSC in 10 ms.
 */
static void judge_run_time(const struct judge *judge, const struct side *virtual,
			   const struct record_log *facts)
{
	const char *said = record_begins(facts, "", "run " BARE " "), *text;
	const char *slice = judge_setting(judge, "slice");
	double seconds = said ? strtod(said, NULL) : 0, seen, off;
	char reason[200];
	uint64_t awake;
	size_t at = 0;

	text = record_next(&virtual->log, &at, BARE, virtual->nonce, "end");
	if (!text || !slice || !record_number(text, "awake", &awake) || !awake) {
		add(judge, false, 5, "accounts", "run-time", "it was not measured");
		return;
	}
	seen = (double)awake / strtod(slice, NULL) * SLICE_SECONDS;
	off = 100 * (seconds - seen) / seen;
	snprintf(reason, sizeof(reason),
		 "the hypervisor counts %.3f s, the guest %.3f: off by %+.2f %%, at most %.0f",
		 seconds, seen, off, RUN_TIME_OFF);
	add(judge, off <= RUN_TIME_OFF && off >= -RUN_TIME_OFF, 5, "accounts", "run-time", reason);
}

/* At the end of the run "accounts". */
static void judge_accounts(const struct judge *judge)
{
	static const char *const reasons[] = { "CPUID", "MSR", "port", "nested-fault" };
	struct side virtual = { .nonce = judge_nonce(judge, "accounts", BARE) };
	struct record_log log, facts;

	if (judge_load(judge, "accounts", NULL, PERF, &virtual.log) != JUDGE_READY)
		return;
	if (!ended(&virtual))
		add(judge, false, 5, "accounts", "complete", "the run was cut off");
	judge_lines(judge, "accounts", "facts", &facts);
	if (judge_can(judge, "memory"))
		judge_run_time(judge, &virtual, &facts);
	record_free(&virtual.log);
	if (!load_log(judge, "accounts", "accounts/outside", &log)) {
		record_free(&facts);
		return;
	}
	for (size_t k = 0; k < sizeof(reasons) / sizeof(reasons[0]); k++)
		judge_account(judge, &log, &facts, reasons[k]);
	record_free(&log);
	record_free(&facts);
}

/* Did both probes come to their end?  A cut-off one that ran bare is no reference. */
static void judge_complete(const struct judge *judge, const struct side *bare,
			   const struct side *virtual)
{
	bool reference = ended(bare), whole = ended(virtual);
	char path[JUDGE_PATH_MAX];

	judge_path(judge, reference ? "cost-virtual" : "cost-bare", "out", path);
	report_add(judge->report, PERF,
		   !reference ? REPORT_ERROR
		   : whole    ? REPORT_PASS
			      : REPORT_FAIL,
		   10, "cost/complete", reference && whole ? "" : path, "%s",
		   !reference ? "the bare run was cut off: it is no reference"
		   : whole    ? ""
			      : "the virtual run was cut off");
}

void judge_performance(const struct judge *judge)
{
	struct side bare = { .nonce = judge_nonce(judge, "cost-bare", BARE) };
	struct side virtual = { .nonce = judge_nonce(judge, "cost-virtual", BARE) };

	if (judge_load(judge, "cost-bare", BARE, PERF, &bare.log) != JUDGE_READY)
		return;
	if (judge_load(judge, "cost-virtual", NULL, PERF, &virtual.log) == JUDGE_READY) {
		judge_complete(judge, &bare, &virtual);
		for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++)
			judge_cost(judge, &virtual, costs[i]);
		for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++)
			judge_ratio(judge, &bare, &virtual, native[i]);
		judge_exits(judge, &virtual);
		record_free(&virtual.log);
	}
	record_free(&bare.log);
	judge_accounts(judge);
}
