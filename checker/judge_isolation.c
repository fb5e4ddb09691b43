/*
 * judge_isolation.c - hostile guests: runs switch, attack, reuse, share-*
 */
#include "guests/secret.h"
#include "judge.h"
#include "judge_cases.h"
#include "outside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ISO REPORT_ISOLATION
#define VMS_MAX 64
#define PERCENT_KEPT 99
#define PERCENT_FAIR 101 /* who gets more than its half takes it from the other */
#define PERCENT_BREAKS 70 /* of slices: turns of one that is idle */
/* Of a slice: what one of two waits for the CPU, after an exit of the other that takes long. */
#define PERCENT_WAIT 200
#define NO_LIMIT 1e9
#define LOOKS_LEAST 5 /* who never looks never sees anything */

/* What the judge holds of one run. */
struct run {
	const struct judge *judge;
	const char *name;
	struct record_log out, facts;
	char path[JUDGE_PATH_MAX];
};

static bool load(struct run *r, const struct judge *judge, const char *name)
{
	*r = (struct run){ .judge = judge, .name = name };
	if (judge_load(judge, name, NULL, ISO, &r->out) != JUDGE_READY)
		return false;
	judge_lines(judge, name, "facts", &r->facts);
	judge_path(judge, name, "out", r->path);
	return true;
}

static void unload(struct run *r)
{
	record_free(&r->out);
	record_free(&r->facts);
}

static void verdict(const struct run *r, bool good, unsigned points, const char *name,
		    const char *reason)
{
	report_add(r->judge->report, ISO, good ? REPORT_PASS : REPORT_FAIL, points, name,
		   good ? "" : r->path, "%s", reason);
}

static const char *record_of(const struct run *r, const char *guest, const char *kind)
{
	size_t at = 0;

	return record_next(&r->out, &at, guest, judge_nonce(r->judge, r->name, guest), kind);
}

/* ---- The attacks -------------------------------------------------------------------- */

/* Who tries, in a machine of which kind. */
static const char *const attackers[] = { "hostile", "caller", "bomber" };

#define ATTACKERS (sizeof(attackers) / sizeof(attackers[0]))

static void judge_attack(const struct run *r, const struct mechanism *m)
{
	char name[2 * JUDGE_WORD_MAX], reason[300];

	snprintf(name, sizeof(name), "attack/%s", m->name);
	if (!m->done) {
		verdict(r, false, 2, name, "it did not come to its end");
		return;
	}
	snprintf(reason, sizeof(reason),
		 "%" PRIu64 " cases, %" PRIu64 " tries, %" PRIu64 " faults, %" PRIu64 " bad%s%s%s",
		 m->cases, m->tries, m->faults, m->bad, m->bad ? ", the first: " : "",
		 m->bad ? m->what : "", m->whole ? "" : " (a broken record)");
	if (m->bad)
		snprintf(reason + strlen(reason), sizeof(reason) - strlen(reason), " at 0x%" PRIx64,
			 m->where);
	verdict(r, m->whole && m->cases && !m->bad, 2, name, reason);
}

/* What the guests planned that were started; some platforms have no machine for some of them. */
static void read_attackers(const struct run *r, struct cases *c)
{
	for (size_t i = 0; i < ATTACKERS; i++) {
		const char *nonce = judge_nonce(r->judge, r->name, attackers[i]);

		if (nonce)
			cases_read(c, &r->out, attackers[i], nonce);
	}
}

/* Distinct cases by distinct mechanisms, and none of these most of it. */
static void judge_count(const struct run *r, const struct cases *c)
{
	struct cases_sum s = cases_sum(c);
	char text[300];

	snprintf(text, sizeof(text),
		 "%" PRIu64
		 " distinct cases by %zu mechanisms of %zu, the largest %s with %.1f %%; "
		 "%" PRIu64 " tries; %zu plans or records broken",
		 s.cases, s.mechanisms, s.planned, s.largest ? s.largest->name : "none", s.percent,
		 s.tries, c->broken);
	verdict(r, s.enough, 10, "attack/cases", text);
	report_add_number(r->judge->report, "attacks", "distinct cases", (double)s.cases, -1, "");
	report_add_number(r->judge->report, "attacks", "mechanisms", (double)s.mechanisms, -1, "");
	report_add_number(r->judge->report, "attacks", "tries", (double)s.tries, -1, "");
}

static void judge_attacks(const struct run *r, struct cases *c)
{
	read_attackers(r, c);
	for (size_t i = 0; i < c->count; i++)
		judge_attack(r, &c->mechanism[i]);
}

/* ---- The ends ------------------------------------------------------------------------- */

static const struct {
	const char *vm, *what;
	const char *states; /* those that are right, "a b" */
} ends[] = {
	{ "triple", "a triple fault", "dead" },
	{ "halt", "CLI; HLT", "halted" },
	{ "jump", "a jump to where nothing is", "off dead" },
	{ "lostcr3", "page tables where nothing is", "dead" },
	{ "wild", "a store outside its memory, strict", "dead" },
	{ "lostidt", "an IDT where nothing is", "dead" },
	{ "initself", "INIT to itself", "running dead halted killed" },
	{ "jumpdev", "a jump into device memory", "off dead" },
	{ "loststack", "an interrupt stack where nothing is", "dead" },
	{ "fuzz1", "random instructions", "off dead halted running" },
	{ "fuzz2", "random instructions", "off dead halted running" },
	{ "fuzz3", "random instructions", "off dead halted running" },
	{ "fuzz4", "random instructions", "off dead halted running" },
	{ "reset", "a machine that resets itself for ever", "dead off" },
	{ "endlessdb", "#DB while #DB is delivered, for ever", "dead" },
	{ "endlesspf", "a page-fault handler that is not there", "dead" },
	{ "wbinvd", "caches written back and lost for ever", "dead" },
	{ "tasks", "task switches for ever", "dead" },
	{ "tangle", "exceptions that are task switches", "dead" },
	{ "endlessac", "#AC while #AC is delivered, for ever", "dead" },
	{ "hog", "a loop with interrupts off", "dead" },
	{ "caching", "memory types and caching changed for ever", "dead" },
	{ "racer", "code that another CPU changes", "off" },
};

static bool is_word_of(const char *word, size_t len, const char *words)
{
	for (const char *p = words; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strcspn(p, " ") == len && !strncmp(p, word, len))
			return true;
	return false;
}

/* "STATE CAUSE.." of a VM at the end of the run; NULL: the hypervisor did not say. */
static const char *state_of(const struct run *r, const char *vm)
{
	char key[JUDGE_WORD_MAX + sizeof("vm  ")];

	snprintf(key, sizeof(key), "vm %s ", vm);
	return record_begins(&r->facts, "", key);
}

static void judge_end(const struct run *r, struct cases *c, unsigned i)
{
	const char *state = state_of(r, ends[i].vm);
	char name[JUDGE_WORD_MAX], reason[300];
	bool good = state && is_word_of(state, strcspn(state, " "), ends[i].states);

	snprintf(name, sizeof(name), "end/%s", ends[i].vm);
	snprintf(reason, sizeof(reason), "%s: %s%s%s", ends[i].what,
		 state ? state : "nothing is known of it",
		 good ? "" : ", expected: ", good ? "" : ends[i].states);
	good = good && record_of(r, ends[i].vm, "ending");
	verdict(r, good, 2, name, reason);
	cases_add(c, name, ends[i].vm, good);
}

/* ---- The neighbour ---------------------------------------------------------------------- */

/* What one that watches its memory and registers has seen: checks GROUP/WHAT. */
static void judge_watch(const struct run *r, const char *guest, const char *group,
			const char *suffix, unsigned points)
{
	const char *text = record_of(r, guest, "watched"), *begin = record_of(r, guest, "watching");
	const char *state = state_of(r, guest);
	uint64_t count = 0, looks = 0, words = 1, registers = 1, same = 0, hash = 0, before = 1;
	uint64_t backwards = 1;
	char which[JUDGE_WORD_MAX] = "?", reason[300], name[3 * JUDGE_WORD_MAX];
	bool whole = text && begin && record_number(text, "count", &count) &&
		     record_number(text, "looks", &looks) &&
		     record_number(text, "bad-words", &words) &&
		     record_number(text, "bad-registers", &registers) &&
		     record_number(text, "backwards", &backwards) &&
		     record_number(text, "same", &same) && record_number(text, "hash", &hash) &&
		     record_number(begin, "hash", &before) &&
		     record_word(text, "which", which, sizeof(which));

	snprintf(reason, sizeof(reason), "counted to %" PRIu64 ", looked %" PRIu64 " times; %s",
		 count, looks, state ? state : "no state");
	snprintf(name, sizeof(name), "%s/alive%s", group, suffix);
	verdict(r, whole && count && looks >= LOOKS_LEAST, points, name, reason);
	snprintf(reason, sizeof(reason),
		 "%" PRIu64 " words changed, hash 0x%" PRIx64 " was 0x%" PRIx64, words, hash,
		 before);
	snprintf(name, sizeof(name), "%s/memory%s", group, suffix);
	verdict(r, whole && !words && same == 1 && hash == before, points, name, reason);
	snprintf(reason, sizeof(reason), "%" PRIu64 " registers changed, the last: %s", registers,
		 which);
	snprintf(name, sizeof(name), "%s/registers%s", group, suffix);
	verdict(r, whole && !registers, points, name, reason);
	snprintf(reason, sizeof(reason), "its TSC went backwards %" PRIu64 " times", backwards);
	snprintf(name, sizeof(name), "%s/time%s", group, suffix);
	verdict(r, whole && !backwards, points, name, reason);
}

static void judge_switch(const struct judge *judge)
{
	struct run r;

	if (!load(&r, judge, "switch"))
		return;
	judge_watch(&r, "one", "switch", ".one", 5);
	judge_watch(&r, "two", "switch", ".two", 5);
	unload(&r);
}

/* ---- The hypervisor ------------------------------------------------------------------------ */

static bool anybody_says(const struct record_log *log, const char *what)
{
	for (size_t i = 0; i < log->count; i++)
		if (!*log->line[i].speaker && strstr(log->line[i].text, what))
			return true;
	return false;
}

/* The guests of a run, as pgcheck started them: the I-th one's name.  False: there are no more. */
static bool guest_of_run(const struct run *r, size_t i, char *guest)
{
	char run[JUDGE_WORD_MAX], name[JUDGE_WORD_MAX];

	for (size_t k = 0; k < r->judge->info.count; k++) {
		const char *text = r->judge->info.line[k].text;

		if (sscanf(text, "nonce %63s %63s", run, name) != 2 || strcmp(run, r->name) || i--)
			continue;
		strcpy(guest, name);
		return true;
	}
	return false;
}

/* It answered at the end: a line of each VM, and its status. */
static void judge_answers(const struct run *r)
{
	const char *status = judge_setting(r->judge, "status %s", r->name);
	char guest[JUDGE_WORD_MAX], reason[200];
	bool panic = anybody_says(&r->out, "panic");
	size_t known = 0, started = 0;

	for (; guest_of_run(r, started, guest); started++)
		known += state_of(r, guest) != NULL;
	snprintf(reason, sizeof(reason), "status %s, %zu of %zu VMs listed%s", status, known,
		 started, panic ? ", it panicked" : "");
	verdict(r, status && !strcmp(status, "0") && started && known == started && !panic, 15,
		"hypervisor/answers", reason);
}

/* ---- From outside ----------------------------------------------------------------------- */

static size_t read_roots(const struct run *r, struct outside_vm vm[VMS_MAX],
			 char names[][JUDGE_WORD_MAX], enum outside_format *format)
{
	size_t count = 0;

	for (size_t i = 0; i < r->facts.count && count < VMS_MAX; i++) {
		unsigned long long root;
		char kind[8];

		if (sscanf(r->facts.line[i].text, "root %63s %llx %7s", names[count], &root,
			   kind) != 3)
			continue;
		*format = strcmp(kind, "ept") ? OUTSIDE_NPT : OUTSIDE_EPT;
		vm[count] = (struct outside_vm){ .name = names[count], .root = root };
		count++;
	}
	return count;
}

/* Is there a root for each VM that was started? */
static bool all_have_roots(const struct run *r, const struct outside_vm *vm, size_t count)
{
	char guest[JUDGE_WORD_MAX];
	size_t started = 0, found = 0;

	for (; guest_of_run(r, started, guest); started++)
		for (size_t i = 0; i < count; i++)
			if (!strcmp(vm[i].name, guest)) {
				found++;
				break;
			}
	return started && found == started;
}

static void judge_tables(const struct run *r, const struct outside_memory *ram,
			 struct outside_range image)
{
	static char names[VMS_MAX][JUDGE_WORD_MAX];
	struct outside_vm vm[VMS_MAX];
	enum outside_format format = OUTSIDE_NPT;
	size_t count = read_roots(r, vm, names, &format), pages = 0, walked = 0;
	bool all = all_have_roots(r, vm, count);
	const char *why = NULL, *wrong = NULL;
	char text[300];
	uint64_t stray, first = 0;

	for (; walked < count && !why; walked++) {
		if (outside_walk(ram, format, &vm[walked], &why))
			why = NULL;
		pages += vm[walked].pages;
	}
	if (!why)
		wrong = outside_apart(vm, count, image, text, sizeof(text));
	if (!why && !wrong)
		snprintf(text, sizeof(text), "%zu VMs, %zu ranges", count, pages);
	verdict(r, all && !why && !wrong, 15, "outside/tables",
		why   ? why
		: all ? text
		      : "the roots of some VMs are not known");
	stray = outside_stray(ram, SECRET_TAG, vm, walked, "neighbour", &first);
	snprintf(text, sizeof(text),
		 "%" PRIu64
		 " of the neighbour's words are within reach of others, the first at 0x%" PRIx64,
		 stray, first);
	verdict(r, all && walked == count && !why && !stray, 10, "outside/secrets", text);
	for (size_t i = 0; i < walked; i++)
		outside_forget(&vm[i]);
}

static void judge_outside(const struct run *r)
{
	const char *image_path = judge_setting(r->judge, "image");
	struct outside_memory ram, elf = { 0 };
	struct outside_range image;
	char path[JUDGE_PATH_MAX], text[200];
	uint64_t first, compared;
	bool can = judge_can(r->judge, "ram");
	int64_t bad;

	judge_path(r->judge, r->name, "ram", path);
	if (!outside_open(&ram, path)) {
		report_add(r->judge->report, ISO, can ? REPORT_ERROR : REPORT_SKIP, 0,
			   "outside/text", "", "%s",
			   can ? "the emulator left no memory" : "this platform shows no memory");
		return;
	}
	if (!image_path || !outside_open(&elf, image_path)) {
		report_add(r->judge->report, ISO, REPORT_ERROR, 15, "outside/text", path,
			   "no image of the hypervisor to compare with");
	} else {
		bad = outside_image(&ram, &elf, &first, &compared, &image);
		snprintf(text, sizeof(text),
			 "%" PRId64 " of %" PRIu64 " bytes differ, the first at 0x%" PRIx64, bad,
			 compared, first);
		verdict(r, !bad, 15, "outside/text", text);
		judge_tables(r, &ram, image);
		outside_close(&elf);
	}
	outside_close(&ram);
}

static void judge_attack_run(const struct judge *judge)
{
	static struct cases cases;
	struct run r;

	if (!load(&r, judge, "attack"))
		return;
	cases = (struct cases){ 0 };
	judge_attacks(&r, &cases);
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		judge_end(&r, &cases, i);
	judge_count(&r, &cases);
	judge_watch(&r, "neighbour", "neighbour", "", 10);
	judge_answers(&r);
	judge_outside(&r);
	unload(&r);
}

/* ---- Memory that had another owner ------------------------------------------------------- */

static void judge_reuse(const struct judge *judge)
{
	uint64_t bytes = 0, dirty = 1, secrets = 1, second_bytes = 0;
	const char *text, *nonce = judge_nonce(judge, "reuse", "reuse");
	char reason[200];
	struct run r;
	size_t at = 0;
	bool whole;

	if (!load(&r, judge, "reuse"))
		return;
	text = record_next(&r.out, &at, "reuse", nonce, "reuse");
	whole = text && record_number(text, "bytes", &bytes);
	text = record_next(&r.out, &at, "reuse", nonce, "reuse");
	whole = whole && text && record_number(text, "bytes", &second_bytes) &&
		record_number(text, "dirty", &dirty) && record_number(text, "secrets", &secrets);
	snprintf(reason, sizeof(reason),
		 "of %" PRIu64 " bytes had by another before, %" PRIu64
		 " words are not zero, %" PRIu64 " secrets%s",
		 second_bytes, dirty, secrets, whole ? "" : " (there was no second owner)");
	verdict(&r, whole && bytes && second_bytes && !dirty && !secrets, 10, "reuse/cleared",
		reason);
	unload(&r);
}

/* ---- A machine that was reset ------------------------------------------------------------- */

#define AFRESH_MAX 200
#define AFRESH_LEAST 60

/* What it told as it began for the k-th time (1, 2), in its order. */
static size_t told_at(const struct run *r, unsigned k, const char *value[AFRESH_MAX])
{
	const char *text, *begin, *nonce = judge_nonce(r->judge, r->name, "afresh");
	char boot[16];
	size_t n = 0, at = 0;

	snprintf(boot, sizeof(boot), "boot=%u ", k);
	while ((text = record_next(&r->out, &at, "afresh", nonce, "afresh"))) {
		begin = strstr(text, boot);
		if (begin && n < AFRESH_MAX)
			value[n++] = begin + strlen(boot);
	}
	return n;
}

/* Value by value; the last record tells that none is missing. */
static void judge_afresh(const struct judge *judge)
{
	const char *first[AFRESH_MAX], *second[AFRESH_MAX];
	char reason[200];
	struct run r;
	size_t n, differ = 0;
	bool good;

	if (!load(&r, judge, "afresh"))
		return;
	n = told_at(&r, 1, first);
	good = n >= AFRESH_LEAST && told_at(&r, 2, second) == n &&
	       record_of(&r, "afresh", "afresh-end");
	while (good && differ < n && !strcmp(first[differ], second[differ]))
		differ++;
	if (!good)
		snprintf(reason, sizeof(reason), "it did not begin again, or was cut off");
	else if (differ < n)
		snprintf(reason, sizeof(reason), "%s, after its reset %s", first[differ],
			 second[differ]);
	else
		snprintf(reason, sizeof(reason), "%zu values are as they were", n);
	report_add(judge->report, REPORT_FIDELITY, good && differ == n ? REPORT_PASS : REPORT_FAIL,
		   10, "reuse/afresh", good && differ == n ? "" : r.path, "%s", reason);
	unload(&r);
}

/* ---- Shares ------------------------------------------------------------------------------- */

struct share {
	uint64_t count, own, elapsed, gaps, longest, breaks, slice;
};

/* Who runs beside the neighbour: what it says when it begins, and whether it wants the CPU. */
static const struct beside {
	const char *run, *check, *says;
	bool busy;
} besides[] = {
	{ "share-idle", "share/idle", "running", false },
	{ "share-spin", "share/spin", "running", true },
	{ "share-storm", "share/storm", "storming", true },
};

/* A busy one that is not there would cost nothing: half the CPU is gone, or at least a quarter. */
static bool was_beside(const struct run *r, const struct beside *b, const struct share *s)
{
	return record_of(r, "other", b->says) &&
	       (!b->busy || (s->gaps && s->own / 3 <= s->elapsed / 4));
}

enum reading { READ_NOT, READ_BAD, READ_GOOD }; /* no run; a run that fails; figures */

static enum reading read_share(const struct judge *judge, const struct beside *b, struct share *s)
{
	const char *text, *begin;
	struct run r;
	bool whole, rival;

	if (!load(&r, judge, b->run))
		return READ_NOT;
	text = record_of(&r, "neighbour", "share");
	begin = record_of(&r, "neighbour", "sharing");
	whole = text && begin && record_of(&r, "neighbour", "shared") &&
		record_number(begin, "slice", &s->slice) &&
		record_number(text, "count", &s->count) &&
		record_number(text, "own", &s->own) &&
		record_number(text, "elapsed", &s->elapsed) &&
		record_number(text, "gaps", &s->gaps) &&
		record_number(text, "longest", &s->longest) &&
		record_number(text, "breaks", &s->breaks) && s->count && s->own && s->elapsed &&
		s->slice;
	rival = whole && was_beside(&r, b, s);
	verdict(&r, rival, 5, b->check,
		!whole	 ? "the neighbour did not come to its end"
		: !rival ? "there was nobody beside it"
			 : "");
	unload(&r);
	return rival ? READ_GOOD : READ_BAD;
}

/* Who wants nothing takes no turns: those that there are come from its clocks. */
static void judge_quiet(const struct judge *judge, const struct share *idle)
{
	char path[JUDGE_PATH_MAX];
	uint64_t slices = idle->elapsed / idle->slice;

	judge_path(judge, "share-idle", "out", path);
	report_add(judge->report, ISO,
		   idle->breaks * 100 <= slices * PERCENT_BREAKS ? REPORT_PASS : REPORT_FAIL, 5,
		   "share/quiet", path, "%" PRIu64 " breaks in %" PRIu64 " slices, at most %u %%",
		   idle->breaks, slices, PERCENT_BREAKS);
}

/* One that wants all it can get has a slice, and then it is the other's turn. */
static void judge_wait(const struct judge *judge, const struct share *s, const char *name,
		       const char *run)
{
	char path[JUDGE_PATH_MAX];

	judge_path(judge, run, "out", path);
	report_add(judge->report, ISO,
		   s->longest * 100 <= s->slice * PERCENT_WAIT ? REPORT_PASS : REPORT_FAIL, 5, name,
		   path, "away for %" PRIu64 " ticks at most, %.0f %% of a slice; at most %u %%",
		   s->longest, 100.0 * (double)s->longest / (double)s->slice, PERCENT_WAIT);
}

/* a/b against c/d, in percent. */
static double percent(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return 100.0 * ((double)a / (double)b) / ((double)c / (double)d);
}

static const struct measure {
	const char *name, *run, *what;
	double most;
} measures[] = {
	{ "share/speed", "share-storm", "its count per own tick beside an idle guest", NO_LIMIT },
	{ "share/progress", "share-storm", "its count beside an innocent loop", NO_LIMIT },
	{ "share/fair", "share-spin", "half of the CPU beside an innocent loop", PERCENT_FAIR },
};

#define MEASURES (sizeof(measures) / sizeof(measures[0]))

static void judge_percent(const struct judge *judge, const struct measure *m, double kept)
{
	char path[JUDGE_PATH_MAX];
	bool good = kept >= PERCENT_KEPT && kept <= m->most;

	judge_path(judge, m->run, "out", path);
	report_add(judge->report, ISO, good ? REPORT_PASS : REPORT_FAIL, 15, m->name, path,
		   "%.2f %% of %s, at least %u %%", kept, m->what, PERCENT_KEPT);
	report_add_number(judge->report, "share", m->name + strlen("share/"), kept,
			  PERCENT_KEPT, "%");
}

/* What a run that failed leaves unknown is lost, not left out. */
static void lose_shares(const struct judge *judge)
{
	for (size_t i = 0; i < MEASURES; i++)
		report_add(judge->report, ISO, REPORT_FAIL, 15, measures[i].name, "",
			   "it was not measured");
}

/* Others beside it, if they were there: what it makes of elapsed time, against one of the three. */
static const struct {
	struct beside beside;
	struct measure measure;
	unsigned against;
} others[] = {
	{ { "share-reset", "share/reset", "ending", false },
	  { "share/after-resets", "share-reset", "its count beside an idle guest", NO_LIMIT },
	  0 },
	{ { "share-stall", "share/stall", "ending", true },
	  { "share/unstalled", "share-stall", "its count beside an innocent loop", NO_LIMIT },
	  1 },
};

static void judge_others(const struct judge *judge, const struct share of[3])
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct share *than = &of[others[i].against];
		struct share s = { 0 };
		enum reading reading = read_share(judge, &others[i].beside, &s);

		if (reading == READ_GOOD)
			judge_percent(judge, &others[i].measure,
				      percent(s.count, s.elapsed, than->count, than->elapsed));
		else if (reading == READ_BAD)
			judge_percent(judge, &others[i].measure, 0);
	}
}

static void judge_shares(const struct judge *judge)
{
	struct share s[3] = { 0 }, *idle = &s[0], *spin = &s[1], *storm = &s[2];
	enum reading worst = READ_GOOD;

	for (size_t i = 0; i < sizeof(besides) / sizeof(besides[0]); i++) {
		enum reading reading = read_share(judge, &besides[i], &s[i]);

		worst = reading < worst ? reading : worst;
	}
	if (worst == READ_BAD)
		lose_shares(judge);
	if (worst != READ_GOOD)
		return;
	judge_quiet(judge, idle);
	judge_wait(judge, spin, "share/wait", "share-spin");
	judge_wait(judge, storm, "share/wait-storm", "share-storm");
	judge_percent(judge, &measures[0],
		      percent(storm->count, storm->own, idle->count, idle->own));
	judge_percent(judge, &measures[1],
		      percent(storm->count, storm->elapsed, spin->count, spin->elapsed));
	judge_percent(judge, &measures[2], percent(spin->own, spin->elapsed, 1, 2));
	judge_others(judge, s);
}

void judge_isolation(const struct judge *judge)
{
	judge_switch(judge);
	judge_attack_run(judge);
	judge_reuse(judge);
	judge_afresh(judge);
	judge_shares(judge);
}
