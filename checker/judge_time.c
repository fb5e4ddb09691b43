/*
 * judge_time.c - when a guest gets the CPU: runs cost-bare, cost-virtual, wake-busy (how late a
 * timer wakes it), share-weights (its share against its weight)
 */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PERF REPORT_PERFORMANCE
#define POINTS 10
#define SLEEPER "one"
#define WAKES_LEAST 8
#define SHARE_OFF 1.0 /* per cent of what is due */

static void add(const struct judge *judge, bool good, const char *run, const char *name,
		const char *reason)
{
	char path[JUDGE_PATH_MAX];

	judge_path(judge, run, "out", path);
	report_add(judge->report, PERF, good ? REPORT_PASS : REPORT_FAIL, POINTS, name,
		   good ? "" : path, "%s", reason);
}

/* ---- Waking ------------------------------------------------------------------------------- */

struct wakes {
	uint64_t n, early, least, most, total; /* late by so many ticks */
};

static bool read_wakes(const struct judge *judge, const struct record_log *log, const char *run,
		       const char *how, struct wakes *w)
{
	const char *nonce = judge_nonce(judge, run, SLEEPER), *text;
	char word[JUDGE_WORD_MAX];
	size_t at = 0;

	while ((text = record_next(log, &at, SLEEPER, nonce, "wake")))
		if (record_word(text, "how", word, sizeof(word)) && !strcmp(word, how))
			return record_number(text, "n", &w->n) &&
			       record_number(text, "early", &w->early) &&
			       record_number(text, "least", &w->least) &&
			       record_number(text, "most", &w->most) &&
			       record_number(text, "total", &w->total) && w->n;
	return false;
}

/* wake/NAME: the latest of them against the limit wake.NAME; none before its time. */
static void judge_wakes(const struct judge *judge, const struct record_log *log, const char *run,
			const char *how, const char *what, const struct wakes *bare)
{
	char key[JUDGE_WORD_MAX], name[JUDGE_WORD_MAX], beside[60] = "", reason[300];
	struct wakes w;
	double limit;

	snprintf(key, sizeof(key), "wake.%s", what);
	snprintf(name, sizeof(name), "wake/%s", what);
	if (!judge_limit(judge, key, &limit)) {
		report_add(judge->report, PERF, REPORT_SKIP, 0, name, "",
			   "this platform gives no limit for it");
		return;
	}
	if (!read_wakes(judge, log, run, how, &w)) {
		add(judge, false, run, name, "it was not measured");
		return;
	}
	if (bare)
		snprintf(beside, sizeof(beside), "; bare %" PRIu64 " to %" PRIu64, bare->least,
			 bare->most);
	snprintf(reason, sizeof(reason),
		 "%" PRIu64 " times late by %" PRIu64 " to %" PRIu64
		 " instructions, at most %.0f; early %" PRIu64 " times%s",
		 w.n, w.least, w.most, limit, w.early, beside);
	add(judge, w.n >= WAKES_LEAST && !w.early && (double)w.most <= limit, run, name, reason);
	report_add_number(judge->report, "wake", what, (double)w.most, limit, "instructions");
}

/* A run that judge_performance.c has judged already, if it took place. */
static bool look_again(const struct judge *judge, const char *run, const char *one,
		       struct record_log *log)
{
	char path[JUDGE_PATH_MAX];

	judge_path(judge, run, "out", path);
	return judge_setting(judge, "status %s", run) && !judge_setting(judge, "skip %s", run) &&
	       record_load(log, path, one);
}

static void judge_alone(const struct judge *judge)
{
	static const char *const how[] = { "halted", "computing" };
	struct record_log bare, virtual;
	struct wakes b;

	if (!look_again(judge, "cost-bare", SLEEPER, &bare))
		return;
	if (look_again(judge, "cost-virtual", NULL, &virtual)) {
		for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++)
			judge_wakes(judge, &virtual, "cost-virtual", how[i], how[i],
				    read_wakes(judge, &bare, "cost-bare", how[i], &b) ? &b : NULL);
		record_free(&virtual);
	}
	record_free(&bare);
}

/* Beside one that wants all of the CPU: no later than the turn that the scheduler gives it. */
static void judge_busy(const struct judge *judge)
{
	struct record_log log;
	size_t at = 0;

	if (judge_load(judge, "wake-busy", NULL, PERF, &log) != JUDGE_READY)
		return;
	judge_wakes(judge, &log, "wake-busy", "halted", "beside-busy", NULL);
	judge_wakes(judge, &log, "wake-busy", "computing", "computing-beside-busy", NULL);
	add(judge,
	    record_next(&log, &at, "busy", judge_nonce(judge, "wake-busy", "busy"), "running") !=
		NULL,
	    "wake-busy", "wake/neighbour", "somebody must be beside it");
	at = 0;
	add(judge,
	    record_next(&log, &at, SLEEPER, judge_nonce(judge, "wake-busy", SLEEPER), "end") !=
		NULL,
	    "wake-busy", "wake/complete", "it must come to its end");
	record_free(&log);
}

/* ---- Weights --------------------------------------------------------------------------------- */

static const char *const weighed[] = { "light", "middle", "heavy" };

#define WEIGHED (sizeof(weighed) / sizeof(weighed[0]))

/* "weight NAME N" of info; 0: none. */
static double weight_of(const struct judge *judge, const char *name)
{
	const char *text = judge_setting(judge, "weight %s", name);
	double weight;

	return text && sscanf(text, "%lf", &weight) == 1 ? weight : 0;
}

static void judge_weight(const struct judge *judge, const struct record_log *log, size_t i,
			 double all)
{
	const char *nonce = judge_nonce(judge, "share-weights", weighed[i]), *text;
	double due = 100 * weight_of(judge, weighed[i]) / all, share, off;
	char name[JUDGE_WORD_MAX], reason[200];
	uint64_t own, elapsed, gaps;
	size_t at = 0;

	snprintf(name, sizeof(name), "weight/%s", weighed[i]);
	text = record_next(log, &at, weighed[i], nonce, "share");
	/* The run is over as the last one says so. */
	if (text && i == WEIGHED - 1 && !record_next(log, &at, weighed[i], nonce, "shared"))
		text = NULL;
	if (!text || !record_number(text, "own", &own) ||
	    !record_number(text, "elapsed", &elapsed) || !record_number(text, "gaps", &gaps) ||
	    !gaps || !elapsed) {
		add(judge, false, "share-weights", name, "it did not come to its end");
		return;
	}
	share = 100 * (double)own / (double)elapsed;
	off = 100 * (share - due) / due;
	snprintf(reason, sizeof(reason),
		 "%.3f %% of the CPU, %.3f %% by its weight: off by %+.2f %% of that, at most %.0f",
		 share, due, off, SHARE_OFF);
	add(judge, off <= SHARE_OFF && off >= -SHARE_OFF, "share-weights", name, reason);
	report_add_number(judge->report, "weight", weighed[i], share, due, "% of the CPU");
}

static void judge_weights(const struct judge *judge)
{
	struct record_log log;
	double all = 0;

	if (judge_load(judge, "share-weights", NULL, PERF, &log) != JUDGE_READY)
		return;
	for (size_t i = 0; i < WEIGHED; i++)
		all += weight_of(judge, weighed[i]);
	for (size_t i = 0; i < WEIGHED; i++)
		judge_weight(judge, &log, i, all);
	record_free(&log);
}

void judge_time(const struct judge *judge)
{
	judge_alone(judge);
	judge_busy(judge);
	judge_weights(judge);
}
