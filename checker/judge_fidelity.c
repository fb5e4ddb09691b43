/*
 * judge_fidelity.c - bare and virtual: selftest-bare, selftest-virtual, census-bare, census-virtual
 */
#include "compare.h"
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#define GUEST "one"

/* Both runs of a pair; false: at least one is not there, and that was said. */
static bool load_pair(const struct judge *judge, const char *bare_run, const char *virtual_run,
		      struct record_log *bare, struct record_log *virtual)
{
	if (judge_load(judge, bare_run, GUEST, REPORT_FIDELITY, bare) != JUDGE_READY)
		return false;
	if (judge_load(judge, virtual_run, NULL, REPORT_FIDELITY, virtual) == JUDGE_READY)
		return true;
	record_free(bare);
	return false;
}

static void selftest(const struct judge *judge)
{
	struct record_log bare, virtual;
	struct transcript b, v;
	char path[JUDGE_PATH_MAX];

	if (!load_pair(judge, "selftest-bare", "selftest-virtual", &bare, &virtual))
		return;
	judge_path(judge, "selftest-virtual", "out", path);
	compare_read(&b, &bare, GUEST);
	compare_read(&v, &virtual, GUEST);
	compare_transcripts(judge->report, &b, &v, path);
	compare_free(&b);
	compare_free(&v);
	record_free(&bare);
	record_free(&virtual);
}

/* A whole text file; "" if there is none. */
static char *read_text(const char *path)
{
	FILE *file = path ? fopen(path, "r") : NULL;
	char *text = calloc(1, 1 << 20);

	if (!text)
		exit(2);
	if (file) {
		size_t n = fread(text, 1, (1 << 20) - 1, file);

		text[n] = '\0';
		fclose(file);
	}
	return text;
}

static void census(const struct judge *judge)
{
	struct record_log bare, virtual;
	struct census b = { &bare, GUEST, judge_nonce(judge, "census-bare", GUEST) };
	struct census v = { &virtual, GUEST, judge_nonce(judge, "census-virtual", GUEST) };
	char path[JUDGE_PATH_MAX], *declared;

	if (!load_pair(judge, "census-bare", "census-virtual", &bare, &virtual))
		return;
	judge_path(judge, "census-virtual", "out", path);
	declared = read_text(judge_setting(judge, "declared"));
	compare_census(judge->report, &b, &v, declared, path);
	free(declared);
	record_free(&bare);
	record_free(&virtual);
}

void judge_fidelity(const struct judge *judge)
{
	selftest(judge);
	census(judge);
}
