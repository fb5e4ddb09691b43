/*
 * judge_systems.c - the system parts of the CPU and of SMP, bare and virtual: GROUP-bare,
 * GROUP-virtual
 */
#include "judge.h"
#include "systems.h"

#define GUEST "one"

static void judge_pair(const struct judge *judge, const char *group, const char *run)
{
	struct record_log bare, virtual;
	char bare_run[JUDGE_WORD_MAX], virtual_run[JUDGE_WORD_MAX], path[JUDGE_PATH_MAX];
	struct systems_run b = { &bare, GUEST, NULL }, v = { &virtual, GUEST, NULL };

	snprintf(bare_run, sizeof(bare_run), "%s-bare", run);
	snprintf(virtual_run, sizeof(virtual_run), "%s-virtual", run);
	if (judge_load(judge, bare_run, GUEST, REPORT_FIDELITY, &bare) != JUDGE_READY)
		return;
	if (judge_load(judge, virtual_run, NULL, REPORT_FIDELITY, &virtual) == JUDGE_READY) {
		b.nonce = judge_nonce(judge, bare_run, GUEST);
		v.nonce = judge_nonce(judge, virtual_run, GUEST);
		judge_path(judge, virtual_run, "out", path);
		systems_compare(judge->report, group, run, &b, &v, path);
		record_free(&virtual);
	}
	record_free(&bare);
}

void judge_systems(const struct judge *judge)
{
	judge_pair(judge, "systems", "systems");
	judge_pair(judge, "events", "events");
	judge_pair(judge, "events", "tasks");
	judge_pair(judge, "smp", "smp");
}
