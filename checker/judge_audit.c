/*
 * judge_audit.c - runs audit-*: what the audit of each entry says at the end
 *
 * info has a line "audit RUN ENTRIES [SHORT]" for each, with the least number of entries that must
 * have been audited, and of those by the short way out of a shadow; and "audit-without RULE WHY"
 * for rules that mean nothing on this machine.  The lines of the audit (hv/audit/audit.c) are the
 * machine's, which no guest can write: at the end, for each rule, "audit: RULE entries=N
 * violations=N"; and "audit: RULE: what was expected, what is there" for its first violations.  A
 * run that ends without them was cut off, or the audit was not there.
 */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISO REPORT_ISOLATION
#define RUNS_MAX 16
#define POINTS 5
#define STATUS_GOOD 0

/* A rule, and of so many entries one at least is looked at; 0: as often as the run's line says. */
static const struct rule {
	const char *name;
	unsigned every;
} rules[] = {
	{ "asid", 1 },	{ "flush", 1 }, { "clean", 1 },   { "intercepts", 1 }, { "maps", 2048 },
	{ "events", 1 }, { "shadows", 1 }, { "short", 0 }, { "tables", 2 },     { "host", 2 },
};

struct run {
	char name[JUDGE_WORD_MAX], path[JUDGE_PATH_MAX];
	uint64_t least, shorts;
	struct record_log out;
};

/* What all runs together say of one rule. */
struct sum {
	uint64_t entries, violations;
	const char *first, *where; /* the first violation, and the run that has it */
	const char *path;	   /* of the run to look at */
	const char *lacking;	   /* a run that did not look often enough, or did not say so */
};

/* "audit: RULE entries=.." of the machine itself, the last one; NULL: none. */
static const char *said(const struct run *r, const char *rule)
{
	char begin[JUDGE_WORD_MAX];
	const char *found = NULL;

	snprintf(begin, sizeof(begin), "audit: %s entries=", rule);
	for (size_t i = 0; i < r->out.count; i++)
		if (!*r->out.line[i].speaker && !strncmp(r->out.line[i].text, begin, strlen(begin)))
			found = r->out.line[i].text;
	return found;
}

static uint64_t least_of(const struct run *r, const struct rule *rule)
{
	return rule->every ? (r->least + rule->every - 1) / rule->every : r->shorts;
}

static void add_run(struct sum *s, const struct run *r, const struct rule *rule)
{
	const char *text = said(r, rule->name), *first;
	uint64_t entries = 0, violations = 0;
	char begin[JUDGE_WORD_MAX];

	if (!text || !record_number(text, "entries", &entries) ||
	    !record_number(text, "violations", &violations) ||
	    entries < least_of(r, rule)) {
		s->lacking = r->name;
		s->path = s->violations ? s->path : r->path;
	}
	s->entries += entries;
	snprintf(begin, sizeof(begin), "audit: %s: ", rule->name);
	first = record_begins(&r->out, "", begin);
	if ((first || violations) && !s->violations) {
		s->first = first ? first : "which were not said";
		s->where = r->name;
		s->path = r->path;
	}
	s->violations += violations + (first && !violations);
}

static void judge_rule(const struct judge *judge, const struct run *runs, size_t count,
		       const struct rule *rule)
{
	const char *without = judge_setting(judge, "audit-without %s", rule->name);
	struct sum s = { 0 };
	char name[JUDGE_WORD_MAX];
	bool good;

	snprintf(name, sizeof(name), "audit/%s", rule->name);
	if (without) {
		report_add(judge->report, ISO, REPORT_SKIP, 0, name, "", "%s", without);
		return;
	}
	for (size_t i = 0; i < count; i++)
		add_run(&s, &runs[i], rule);
	good = !s.violations && !s.lacking;
	report_add(judge->report, ISO, good ? REPORT_PASS : REPORT_FAIL, POINTS, name,
		   good ? "" : s.path,
		   "%" PRIu64 " times looked at in %zu runs, %" PRIu64 " violations%s%s%s%s%s%s",
		   s.entries, count, s.violations, s.violations ? "; " : "", s.where ? s.where : "",
		   s.violations ? ": " : "", s.first ? s.first : "",
		   s.lacking ? "; too few or cut off in " : "", s.lacking ? s.lacking : "");
}

/* Has any rule found something there?  That fails by its own name. */
static bool violated(const struct run *r)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		char begin[JUDGE_WORD_MAX];

		snprintf(begin, sizeof(begin), "audit: %s: ", rules[i].name);
		if (record_begins(&r->out, "", begin))
			return true;
	}
	return false;
}

/* The line in which the hypervisor says that a guest cannot be entered; NULL: all could be. */
static const char *refused(const struct run *r)
{
	for (size_t i = 0; i < r->out.count; i++)
		if (!*r->out.line[i].speaker &&
		    strstr(r->out.line[i].text, ": the CPU refuses to enter the guest"))
			return r->out.line[i].text;
	return NULL;
}

/*
 * A machine that ends otherwise than as its script says has found something as well; so has one
 * that must let a guest die because its control block breaks a rule.
 */
static void judge_ends(const struct judge *judge, const struct run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *status = judge_setting(judge, "status %s", runs[i].name);
		const char *panic = record_begins(&runs[i].out, "", "espejo: PANIC");
		const char *why = panic ? panic : refused(&runs[i]);

		if ((status && atoi(status) == STATUS_GOOD && !why) || violated(&runs[i]))
			continue;
		report_add(judge->report, ISO, REPORT_FAIL, POINTS, "audit/ends", runs[i].path,
			   "%s ended with status %s%s%s", runs[i].name, status ? status : "?",
			   why ? ": " : "", why ? why : "");
		return;
	}
	report_add(judge->report, ISO, REPORT_PASS, POINTS, "audit/ends", "", "%s", "");
}

/* The runs that were wanted; each of them was judged already if it is broken. */
static size_t load_runs(const struct judge *judge, struct run *runs)
{
	size_t count = 0;

	for (size_t i = 0; i < judge->info.count && count < RUNS_MAX; i++) {
		struct run *r = &runs[count];

		r->shorts = 0;
		if (sscanf(judge->info.line[i].text, "audit %63s %" SCNu64 " %" SCNu64, r->name,
			   &r->least, &r->shorts) < 2)
			continue;
		if (judge_load(judge, r->name, NULL, ISO, &r->out) != JUDGE_READY)
			continue;
		judge_path(judge, r->name, "out", r->path);
		count++;
	}
	return count;
}

void judge_audit(const struct judge *judge)
{
	static struct run runs[RUNS_MAX];
	const char *skip = judge_setting(judge, "skip audit");
	size_t count;

	if (skip)
		report_add(judge->report, ISO, REPORT_SKIP, 0, "run/audit", "", "%s", skip);
	count = load_runs(judge, runs);
	if (!count)
		return;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		judge_rule(judge, runs, count, &rules[i]);
	judge_ends(judge, runs, count);
	for (size_t i = 0; i < count; i++)
		record_free(&runs[i].out);
}
