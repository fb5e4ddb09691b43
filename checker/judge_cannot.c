/* judge_cannot.c - what a platform says it cannot show: lines "cannot PATTERN WHY" of info */
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

/*
 * Neither a failure nor a pass: a verdict that rests on nothing is taken back.  What the harness
 * broke stays an error.
 */
void judge_cannot(const struct judge *judge)
{
	for (size_t i = 0; i < judge->report->count; i++) {
		struct report_check *check = &judge->report->check[i];
		const char *why = why_not(judge, check->name);

		if (!why || (check->result != REPORT_PASS && check->result != REPORT_FAIL))
			continue;
		check->result = REPORT_SKIP;
		free(check->reason);
		check->reason = strdup(why);
		if (!check->reason)
			exit(2);
	}
}
