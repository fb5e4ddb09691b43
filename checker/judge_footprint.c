/*
 * judge_footprint.c - run footprint: memory that a VM takes, and whether it comes back; references
 * of a page walk
 *
 * RUN.facts has for each report of the run a line "memory MiB PROMISED-MiB USED-KiB" and a line
 * "touched VM MiB TOUCHED-MiB" for each VM behind it.  The first report is of all VMs, then one
 * after another is deleted, then come more lives of the VMs "lives" and "killed"
 * (groups/footprint.sh).  What is not RAM that a guest touched is the hypervisor's own.
 */
#include "judge.h"
#include "outside.h"
#include "references.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERF REPORT_PERFORMANCE
#define RUN "footprint"
#define POINTS 10
#define REPORTS_MAX 16
#define KIB_PER_MIB 1024
#define MIB_PER_GIB 1024
#define BIG_MORE_MIB 32 /* of RAM, than the others */
#define LIVES_OF_EACH 3

/* The reports: of all, without "small", without "two", without "big"; then a life before each. */
enum { ALL, NO_SMALL, NO_TWO, NO_BIG, LIVES };
#define REPORTS (LIVES + 4)

struct memory {
	unsigned reports;
	uint64_t promised[REPORTS_MAX]; /* MiB */
	int64_t own[REPORTS_MAX];	/* KiB: in use, without what guests touched */
	uint64_t touched;		/* MiB, of all guests at the first report */
};

static void read_memory(const struct record_log *facts, struct memory *m)
{
	*m = (struct memory){ 0 };
	for (size_t i = 0; i < facts->count; i++) {
		uint64_t promised, used, touched;

		if (sscanf(facts->line[i].text, "memory %*u %" SCNu64 " %" SCNu64, &promised,
			   &used) == 2) {
			if (m->reports == REPORTS_MAX)
				return;
			m->promised[m->reports] = promised;
			m->own[m->reports++] = (int64_t)used;
		} else if (m->reports && sscanf(facts->line[i].text, "touched %*s %*u %" SCNu64,
						&touched) == 1) {
			m->own[m->reports - 1] -= (int64_t)(touched * KIB_PER_MIB);
			m->touched += m->reports == 1 ? touched : 0;
		}
	}
}

static void add(const struct judge *judge, bool good, const char *name, const char *reason)
{
	char path[JUDGE_PATH_MAX];

	judge_path(judge, RUN, "out", path);
	report_add(judge->report, PERF, good ? REPORT_PASS : REPORT_FAIL, POINTS, name,
		   good ? "" : path, "%s", reason);
}

/* ---- Memory ---------------------------------------------------------------------------- */

/* KiB of something, against the limit memory.NAME; at least so much, or it is not believed. */
static void judge_size(const struct judge *judge, const char *what, const char *of, double kib,
		       double least)
{
	char key[JUDGE_WORD_MAX], name[JUDGE_WORD_MAX], reason[200];
	double limit;

	snprintf(key, sizeof(key), "memory.%s", what);
	snprintf(name, sizeof(name), "memory/%s", what);
	if (!judge_limit(judge, key, &limit)) {
		report_add(judge->report, PERF, REPORT_SKIP, 0, name, "",
			   "this platform gives no limit for it");
		return;
	}
	snprintf(reason, sizeof(reason), "%.0f KiB %s beside its RAM, at least %.0f, at most %.0f",
		 kib, of, least, limit);
	add(judge, kib >= least && kib <= limit, name, reason);
	report_add_number(judge->report, "memory", what, kib, limit, "KiB");
}

/* Lives of VMs: the hypervisor takes no more from one to the next, and promises no more. */
static void judge_lives(const struct judge *judge, const struct memory *m, unsigned first,
			unsigned last, const char *name)
{
	int64_t more = 0, promised = 0;
	char reason[200];

	for (unsigned i = first; i <= last; i++) {
		int64_t by = m->own[i] - m->own[NO_BIG];

		more = by > more ? by : more;
		by = (int64_t)(m->promised[i] - m->promised[NO_BIG]);
		promised = by > promised ? by : promised;
	}
	snprintf(reason, sizeof(reason),
		 "after %u lives of a VM %" PRId64 " KiB more are in use, %" PRId64
		 " MiB more are promised",
		 last - NO_BIG, more, promised);
	add(judge, !more && !promised, name, reason);
}

/* How many records of that kind a VM left in all its lives. */
static unsigned lives_of(const struct judge *judge, const struct record_log *out, const char *vm,
			 const char *kind)
{
	unsigned n = 0;

	for (size_t at = 0; record_next(out, &at, vm, judge_nonce(judge, RUN, vm), kind);)
		n++;
	return n;
}

static void judge_memory(const struct judge *judge, const struct record_log *out,
			 const struct record_log *facts)
{
	static const char *const names[] = { "memory/vm", "memory/vcpu", "memory/gib",
					     "memory/ended", "memory/killed" };
	struct memory m;
	double vm, two, big;

	read_memory(facts, &m);
	if (m.reports != REPORTS || !m.touched ||
	    lives_of(judge, out, "lives", "end") != LIVES_OF_EACH ||
	    lives_of(judge, out, "killed", "running") != LIVES_OF_EACH) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			add(judge, false, names[i],
			    "the hypervisor did not tell of its memory, or a guest did not live");
		return;
	}
	vm = (double)(m.own[ALL] - m.own[NO_SMALL]);
	two = (double)(m.own[NO_SMALL] - m.own[NO_TWO]);
	big = (double)(m.own[NO_TWO] - m.own[NO_BIG]);
	judge_size(judge, "vm", "for a VM with one CPU", vm, 1);
	judge_size(judge, "vcpu", "for one more CPU", two - vm, 1);
	judge_size(judge, "gib", "for a GiB", (big - vm) * MIB_PER_GIB / BIG_MORE_MIB, 0);
	judge_lives(judge, &m, LIVES, LIVES + 1, "memory/ended");
	judge_lives(judge, &m, LIVES + 2, LIVES + 3, "memory/killed");
}

/* ---- References of a walk ---------------------------------------------------------------- */

/* "KIND VM 0xNUMBER [FORMAT]" of the facts. */
static bool fact(const struct record_log *facts, const char *kind, const char *vm, uint64_t *value,
		 char *format, size_t size)
{
	char key[JUDGE_WORD_MAX];
	const char *said;
	char *end;

	snprintf(key, sizeof(key), "%s %s ", kind, vm);
	said = record_begins(facts, "", key);
	if (!said)
		return false;
	*value = strtoull(said, &end, 16);
	if (format)
		snprintf(format, size, "%s", *end ? end + 1 : "");
	return end != said;
}

/* References for a walk to what the guest touched, on the average; small pages below. */
static void judge_walk(const struct judge *judge, const struct record_log *facts,
		       const struct outside_memory *memory, const char *vm, const char *what)
{
	char key[JUDGE_WORD_MAX], name[JUDGE_WORD_MAX], format[JUDGE_WORD_MAX], reason[300];
	const char *why = "the hypervisor did not dump it";
	struct references r = { 0 };
	uint64_t root, cr3;
	double limit, mean;

	snprintf(key, sizeof(key), "walk.%s", what);
	snprintf(name, sizeof(name), "walk/%s", what);
	if (!judge_limit(judge, key, &limit))
		return;
	if (!fact(facts, "root", vm, &root, format, sizeof(format)) ||
	    !fact(facts, "cr3", vm, &cr3, NULL, 0) ||
	    !references_count(memory, strcmp(format, "ept") ? OUTSIDE_NPT : OUTSIDE_EPT, root, cr3,
			      &r, &why) ||
	    !r.pages) {
		add(judge, false, name, *why ? why : "the guest touched no page");
		return;
	}
	mean = (double)r.sum / (double)r.pages;
	snprintf(reason, sizeof(reason),
		 "%.2f references for a walk to each of %" PRIu64 " pages touched (%" PRIu64
		 " of them small), at most %" PRIu64 "; natively %.2f; limit %.2f; %" PRIu64
		 " pages of RAM in small nested pages",
		 mean, r.pages, r.small, r.most, (double)r.native / (double)r.pages, limit,
		 r.split);
	add(judge, mean <= limit && mean > (double)r.native / (double)r.pages && !r.split, name,
	    reason);
	report_add_number(judge->report, "walk", what, mean, limit, "references");
}

static void judge_walks(const struct judge *judge, const struct record_log *facts)
{
	struct outside_memory memory;
	char path[JUDGE_PATH_MAX];
	bool can = judge_can(judge, "ram");

	judge_path(judge, RUN, "ram", path);
	if (!outside_open(&memory, path)) {
		report_add(judge->report, PERF, can ? REPORT_ERROR : REPORT_SKIP, 0, "walk/outside",
			   "", "%s",
			   can ? "the emulator left no memory" : "this platform shows no memory");
		return;
	}
	judge_walk(judge, facts, &memory, "one", "large");
	judge_walk(judge, facts, &memory, "paged", "small");
	outside_close(&memory);
}

void judge_footprint(const struct judge *judge)
{
	struct record_log out, facts;

	if (judge_load(judge, RUN, NULL, PERF, &out) != JUDGE_READY)
		return;
	judge_lines(judge, RUN, "facts", &facts);
	judge_memory(judge, &out, &facts);
	judge_walks(judge, &facts);
	record_free(&out);
	record_free(&facts);
}
