/* judge_cannot.c - what a platform says it cannot show: lines "cannot PATTERN WHY" of info */
#define _GNU_SOURCE /* asprintf */
#include "judge.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why a check of that name is none here; NULL: it is one. */
static const char *why_not(const struct judge *judge, const char *name)
{
	for (size_t i = 0; i < judge->info.count; i++) {
		const char *text = judge->info.line[i].text;
		char pattern[JUDGE_WORD_MAX];
		int length = 0;

		if (sscanf(text, "cannot %63s %n", pattern, &length) == 1 && length &&
		    !fnmatch(pattern, name, 0))
			return text + length;
	}
	return NULL;
}

static void take_back(struct report_check *check, const char *why)
{
	char *reason = NULL;

	if (asprintf(&reason, "%s; seen: %s%s%s", why, report_result_name(check->result),
		     *check->reason ? ", " : "", check->reason) < 0)
		exit(2);
	free(check->reason);
	check->reason = reason;
	check->result = REPORT_SKIP;
}

/*
 * Neither a failure nor a pass: a verdict that rests on nothing is taken back, but told: what is
 * known of a platform must be seen there, and when it is over.  What the harness broke stays an
 * error.
 */
void judge_cannot(const struct judge *judge)
{
	for (size_t i = 0; i < judge->report->count; i++) {
		struct report_check *check = &judge->report->check[i];
		const char *why = why_not(judge, check->name);

		if (!why || (check->result != REPORT_PASS && check->result != REPORT_FAIL))
			continue;
		take_back(check, why);
	}
}
