/*
 * judge_streams.c - streams of random instructions, bare and virtual: streams-bare,
 * streams-virtual, and cases that once differed: cases-bare, cases-virtual
 *
 * The group leaves in DIR/streams.found a line "FILE KIND TEXT" for each case that it could shrink.
 */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#define GUEST "one"
#define COMPLETE_POINTS 10
#define KIND_POINTS 5
#define KINDS_MAX 16

struct run {
	struct record_log log;
	const char *nonce;
	uint64_t cases, instructions, sensitive;
	bool ended;
};

struct kind {
	char name[JUDGE_WORD_MAX];
	unsigned blocks, differ;
	uint64_t first; /* block that differs */
};

static void read_end(struct run *run)
{
	size_t at = 0;
	const char *text = record_next(&run->log, &at, GUEST, run->nonce, "end");

	run->ended = text && record_number(text, "cases", &run->cases) &&
		     record_number(text, "instructions", &run->instructions) &&
		     record_number(text, "sensitive", &run->sensitive);
}

/* Both runs of a pair; false: at least one is not there, and that was said. */
static bool load_pair(const struct judge *judge, const char *name, struct run *bare,
		      struct run *virtual)
{
	char run[JUDGE_WORD_MAX];

	*bare = *virtual = (struct run){ 0 };
	snprintf(run, sizeof(run), "%s-bare", name);
	if (judge_load(judge, run, GUEST, REPORT_FIDELITY, &bare->log) != JUDGE_READY)
		return false;
	bare->nonce = judge_nonce(judge, run, GUEST);
	snprintf(run, sizeof(run), "%s-virtual", name);
	if (judge_load(judge, run, NULL, REPORT_FIDELITY, &virtual->log) != JUDGE_READY) {
		record_free(&bare->log);
		return false;
	}
	virtual->nonce = judge_nonce(judge, run, GUEST);
	read_end(bare);
	read_end(virtual);
	return true;
}

static void free_pair(struct run *bare, struct run *virtual)
{
	record_free(&bare->log);
	record_free(&virtual->log);
}

/* ---- Streams ---------------------------------------------------------------------------- */

static uint64_t setting(const struct judge *judge, const char *key)
{
	const char *text = judge_setting(judge, "streams %s", key);

	return text ? strtoull(text, NULL, 10) : 0;
}

static void complete(const struct judge *judge, const struct run *bare, const struct run *virtual,
		     const char *where)
{
	uint64_t cases = setting(judge, "cases"), least = setting(judge, "instructions");
	enum report_result result = REPORT_PASS;
	const char *how = "";

	if (!bare->ended || bare->cases != cases || bare->instructions < least) {
		result = REPORT_ERROR;
		how = ": the bare run is no reference";
	} else if (!virtual->ended || virtual->cases != cases) {
		result = REPORT_FAIL;
		how = ": the virtual run was cut off";
	}
	report_add(
	    judge->report, REPORT_FIDELITY, result, COMPLETE_POINTS, "streams/complete", where,
	    "%llu cases run of %llu expected, bare %llu; %llu instructions, %llu of them or of "
	    "their faults what a hypervisor may have to do with%s",
	    (unsigned long long)virtual->cases, (unsigned long long)cases,
	    (unsigned long long)bare->cases, (unsigned long long)bare->instructions,
	    (unsigned long long)bare->sensitive, how);
}

/* The block of the virtual run that begins with that case, or NULL. */
static const char *block_of(const struct run *run, uint64_t first)
{
	size_t at = 0;
	const char *text;
	uint64_t other;

	while ((text = record_next(&run->log, &at, GUEST, run->nonce, "block")))
		if (record_number(text, "first", &other) && other == first)
			return text;
	return NULL;
}

static struct kind *kind_of(struct kind *kinds, unsigned *count, const char *name, size_t len)
{
	for (unsigned i = 0; i < *count; i++)
		if (strlen(kinds[i].name) == len && !memcmp(kinds[i].name, name, len))
			return &kinds[i];
	if (*count == KINDS_MAX || len >= sizeof(kinds->name))
		return NULL;
	memcpy(kinds[*count].name, name, len);
	kinds[*count].name[len] = '\0';
	return &kinds[(*count)++];
}

/* Each KIND=HASH of a block against the same of the other run. */
static void compare_block(struct kind *kinds, unsigned *count, const char *bare,
			  const char *virtual)
{
	uint64_t first = 0;

	record_number(bare, "first", &first);
	for (const char *p = bare; *p; p += strcspn(p, " "), p += *p == ' ') {
		size_t word = strcspn(p, " "), len = strcspn(p, "= ");
		struct kind *kind;
		char hash[JUDGE_WORD_MAX] = "";

		if (len == word || !strncmp(p, "first=", 6) || !strncmp(p, "count=", 6))
			continue;
		kind = kind_of(kinds, count, p, len);
		if (!kind)
			continue;
		kind->blocks++;
		if (virtual && record_word(virtual, kind->name, hash, sizeof(hash)) &&
		    strlen(hash) == word - len - 1 && !memcmp(hash, p + len + 1, word - len - 1))
			continue;
		kind->first = kind->differ++ ? kind->first : first;
	}
}

/* The file with the smallest case of that kind that differs, and what it is; "": none. */
static void find_found(const struct judge *judge, const char *kind, char *text, size_t size)
{
	struct record_log found;
	char file[JUDGE_PATH_MAX], of[JUDGE_WORD_MAX];
	int at;

	*text = '\0';
	judge_lines(judge, "streams", "found", &found);
	for (size_t i = 0; i < found.count && !*text; i++)
		if (sscanf(found.line[i].text, "%511s %63s %n", file, of, &at) == 2 &&
		    !strcmp(of, kind))
			snprintf(text, size, "; %s: %s", file, found.line[i].text + at);
	record_free(&found);
}

static void report_kind(const struct judge *judge, const struct kind *kind, const char *where)
{
	char name[JUDGE_PATH_MAX], found[JUDGE_PATH_MAX + RECORD_LINE_MAX];

	snprintf(name, sizeof(name), "streams/%.*s", JUDGE_WORD_MAX, kind->name);
	if (!kind->differ) {
		report_add(judge->report, REPORT_FIDELITY, REPORT_PASS, KIND_POINTS, name, "",
			   "SAME in %u blocks", kind->blocks);
		return;
	}
	find_found(judge, kind->name, found, sizeof(found));
	report_add(judge->report, REPORT_FIDELITY, REPORT_FAIL, KIND_POINTS, name, where,
		   "WORSE: %u blocks of %u differ, the first one begins with case %llu%s",
		   kind->differ, kind->blocks, (unsigned long long)kind->first, found);
}

static void streams(const struct judge *judge)
{
	struct kind kinds[KINDS_MAX] = { 0 };
	struct run bare, virtual;
	char where[JUDGE_PATH_MAX];
	unsigned count = 0;
	const char *text;
	size_t at = 0;

	if (!load_pair(judge, "streams", &bare, &virtual))
		return;
	judge_path(judge, "streams-virtual", "out", where);
	complete(judge, &bare, &virtual, where);
	while ((text = record_next(&bare.log, &at, GUEST, bare.nonce, "block"))) {
		uint64_t first = 0;

		record_number(text, "first", &first);
		compare_block(kinds, &count, text, block_of(&virtual, first));
	}
	for (unsigned i = 0; i < count; i++)
		report_kind(judge, &kinds[i], where);
	free_pair(&bare, &virtual);
}

/* ---- Cases that once differed ---------------------------------------------------------------- */

static const char *case_of(const struct run *run, const char *name)
{
	char other[JUDGE_WORD_MAX];
	size_t at = 0;
	const char *text;

	while ((text = record_next(&run->log, &at, GUEST, run->nonce, "case")))
		if (record_word(text, "name", other, sizeof(other)) && !strcmp(name, other))
			return text;
	return NULL;
}

static void cases(const struct judge *judge)
{
	struct run bare, virtual;
	char where[JUDGE_PATH_MAX], word[JUDGE_WORD_MAX], name[JUDGE_WORD_MAX + 16];
	const char *text, *other;
	size_t at = 0;
	uint64_t run = 0;

	if (!load_pair(judge, "cases", &bare, &virtual))
		return;
	judge_path(judge, "cases-virtual", "out", where);
	while ((text = record_next(&bare.log, &at, GUEST, bare.nonce, "case"))) {
		if (!record_word(text, "name", word, sizeof(word)))
			continue;
		run++;
		other = case_of(&virtual, word);
		snprintf(name, sizeof(name), "streams/case-%s", word);
		report_add(judge->report, REPORT_FIDELITY,
			   other && !strcmp(text, other) ? REPORT_PASS : REPORT_FAIL, 1, name,
			   where, other ? "bare \"%s\", virtual \"%s\"" : "bare \"%s\"", text,
			   other);
	}
	report_add(judge->report, REPORT_FIDELITY,
		   !bare.ended || run != setting(judge, "known") ? REPORT_ERROR
		   : virtual.ended && virtual.cases == run	 ? REPORT_PASS
								 : REPORT_FAIL,
		   1, "streams/cases", where, "%llu run of %llu expected, bare %llu",
		   (unsigned long long)virtual.cases, (unsigned long long)setting(judge, "known"),
		   (unsigned long long)run);
	free_pair(&bare, &virtual);
}

void judge_streams(const struct judge *judge)
{
	streams(judge);
	cases(judge);
}
