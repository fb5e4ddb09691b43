/* compare.c - see compare.h */
#include "compare.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_SIZE 80
#define VALUE_SIZE 64
#define COMPLETE_POINTS 10

static void *need(void *p)
{
	if (p)
		return p;
	fputs("checker: out of memory\n", stderr);
	exit(2);
}

/* ---- Transcripts --------------------------------------------------------------------- */

/* "1..N" and nothing else; 0: no plan. */
static unsigned plan_of(const char *line)
{
	char *end;
	unsigned long n;

	if (strncmp(line, "1..", 3) || line[3] < '1' || line[3] > '9')
		return 0;
	n = strtoul(line + 3, &end, 10);
	return *end || n > 100000 ? 0 : (unsigned)n;
}

static void take_line(struct transcript *t, const char *line)
{
	unsigned plan = plan_of(line);

	if (plan) {
		t->twice |= t->plan != 0;
		t->plan = t->plan ? t->plan : plan;
	} else if (!t->plan || t->ended) {
		return;
	} else if (!strncmp(line, "# end selftest", 14)) {
		t->ended = true;
	} else if (!strncmp(line, "# ", 2)) {
		t->declared++;
	} else {
		t->line[t->count++] = line;
	}
}

void compare_read(struct transcript *t, const struct record_log *log, const char *speaker)
{
	*t = (struct transcript){ .line = need(calloc(log->count + 1, sizeof(char *))) };
	for (size_t i = 0; i < log->count; i++)
		if (!strcmp(log->line[i].speaker, speaker))
			take_line(t, log->line[i].text);
}

void compare_free(struct transcript *t)
{
	free(t->line);
	*t = (struct transcript){ 0 };
}

/* "ok 12 what: how" or "not ok 12 what: expected .." as a name: "selftest/12". */
static void name_of(size_t i, char *name, size_t size)
{
	snprintf(name, size, "selftest/%zu", i + 1);
}

static void compare_complete(struct report *report, const struct transcript *bare,
			     const struct transcript *virtual, const char *where)
{
	enum report_result result = REPORT_PASS;
	const char *how = "";

	if (!bare->plan || !bare->ended || bare->twice || bare->count != bare->plan) {
		result = REPORT_ERROR;
		how = ": the bare run is no reference";
	} else if (!virtual->plan || !virtual->ended) {
		result = REPORT_FAIL;
		how = ": the virtual run was cut off";
	} else if (virtual->twice || virtual->count != virtual->plan ||
		   virtual->plan != bare->plan) {
		result = REPORT_FAIL;
		how = virtual->twice ? ": it began twice" : "";
	}
	report_add(
	    report, REPORT_FIDELITY, result, COMPLETE_POINTS, "selftest/complete", where,
	    "%zu run of %u expected, bare %zu run of %u%s; %u and %u lines declared to differ",
	    virtual->count, bare->plan, bare->count, bare->plan, how, virtual->declared,
	    bare->declared);
}

void compare_transcripts(struct report *report, const struct transcript *bare,
			 const struct transcript *virtual, const char *where)
{
	size_t count = bare->count > virtual->count ? bare->count : virtual->count;

	compare_complete(report, bare, virtual, where);
	for (size_t i = 0; i < count; i++) {
		const char *b = i < bare->count ? bare->line[i] : NULL;
		const char *v = i < virtual->count ? virtual->line[i] : NULL;
		char name[NAME_MAX_SIZE];

		name_of(i, name, sizeof(name));
		if (b && v && !strcmp(b, v))
			report_add(report, REPORT_FIDELITY, REPORT_PASS, 1, name, "", "SAME: %s",
				   b);
		else
			report_add(report, REPORT_FIDELITY, REPORT_FAIL, 1, name, where,
				   "WORSE: bare \"%s\", virtual \"%s\"", b ? b : "(nothing)",
				   v ? v : "(nothing)");
	}
}

/* ---- Census ------------------------------------------------------------------------------ */

struct entry {
	char name[NAME_MAX_SIZE];
	char got[VALUE_SIZE], manual[VALUE_SIZE];
	bool flags, has_manual;
};

struct list {
	struct entry *entry;
	size_t count, broken; /* broken: entries that cannot be read */
	bool ended;
};

static bool is_entry(const char *text)
{
	return !strncmp(text, "flags ", 6) || !strncmp(text, "case ", 5);
}

static bool read_entry(const char *text, struct entry *e)
{
	size_t kind = strcspn(text, " "), len;

	*e = (struct entry){ .flags = kind == 5 && !strncmp(text, "flags", 5) };
	if (!e->flags && (kind != 4 || strncmp(text, "case", 4)))
		return false;
	text += kind + (text[kind] == ' ');
	len = strcspn(text, " ");
	if (!len || len >= sizeof(e->name) || !record_word(text, "got", e->got, sizeof(e->got)))
		return false;
	memcpy(e->name, text, len);
	e->has_manual = record_word(text, "manual", e->manual, sizeof(e->manual));
	return true;
}

static void read_list(struct list *list, const struct census *census)
{
	size_t at = 0;
	const char *text;

	*list =
	    (struct list){ .entry = need(calloc(census->log->count + 1, sizeof(struct entry))) };
	while ((text = record_next(census->log, &at, census->speaker, census->nonce, ""))) {
		if (!strcmp(text, "end"))
			list->ended = true;
		else if (read_entry(text, &list->entry[list->count]))
			list->count++;
		else
			list->broken += is_entry(text);
	}
}

static const struct entry *find(const struct list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->entry[i].name, name))
			return &list->entry[i];
	return NULL;
}

/* The reason given for NAME in the declared text, copied; mask: if one stands before it. */
static bool find_declared(const char *declared, const char *name, char *reason, size_t size,
			  uint64_t *mask)
{
	size_t n = strlen(name), len;

	for (const char *line = declared; *line; line += len + (line[len] == '\n')) {
		const char *rest = line + n;

		len = strcspn(line, "\n");
		if (*line == '#' || len <= n || strncmp(line, name, n) || *rest != ' ')
			continue;
		*mask = 0;
		rest++;
		if (!strncmp(rest, "0x", 2)) {
			char *end;

			*mask = strtoull(rest, &end, 16);
			rest = end + (*end == ' ');
		}
		snprintf(reason, size, "%.*s", (int)(line + len - rest), rest);
		return true;
	}
	return false;
}

static void judge_flags(struct report *report, const struct entry *b, const struct entry *v,
			const char *declared, const char *where)
{
	uint64_t bare = strtoull(b->got, NULL, 0), virtual = strtoull(v->got, NULL, 0), mask = 0;
	uint64_t hidden = bare & ~virtual, extra = virtual & ~bare;
	char name[NAME_MAX_SIZE + 8], reason[200] = "";

	snprintf(name, sizeof(name), "census/%s", v->name);
	find_declared(declared, v->name, reason, sizeof(reason), &mask);
	if (extra || hidden & ~mask)
		report_add(report, REPORT_FIDELITY, REPORT_FAIL, 1, name, where,
			   "WORSE: bare %s, virtual %s: 0x%llx are only virtual, 0x%llx are "
			   "missing and not "
			   "declared",
			   b->got, v->got, (unsigned long long)extra,
			   (unsigned long long)(hidden & ~mask));
	else
		report_add(report, REPORT_FIDELITY, REPORT_PASS, 1, name, "",
			   hidden ? "HIDDEN: 0x%llx: %s" : "SAME", (unsigned long long)hidden,
			   reason);
}

static void judge_case(struct report *report, const struct entry *b, const struct entry *v,
		       const char *declared, const char *where)
{
	bool same = b && !strcmp(b->got, v->got);
	bool manual = v->has_manual && !strcmp(v->got, v->manual), is_declared;
	char name[NAME_MAX_SIZE + 8], reason[200] = "";
	uint64_t mask;
	const char *verdict;

	snprintf(name, sizeof(name), "census/%s", v->name);
	is_declared = find_declared(declared, v->name, reason, sizeof(reason), &mask);
	verdict = same && (manual || !v->has_manual) ? "SAME"
		  : manual			     ? "BETTER"
		  : is_declared			     ? "DECLARED"
						     : "WORSE";
	report_add(report, REPORT_FIDELITY, *verdict == 'W' ? REPORT_FAIL : REPORT_PASS, 1, name,
		   *verdict == 'W' ? where : "", "%s: manual %s, bare %s, virtual %s%s%s", verdict,
		   v->has_manual ? v->manual : "(not given)", b ? b->got : "(not tried)", v->got,
		   *reason ? ": " : "", reason);
}

static void judge_missing(struct report *report, const struct list *bare,
			  const struct list *virtual, const char *where)
{
	for (size_t i = 0; i < bare->count; i++) {
		char name[NAME_MAX_SIZE + 8];

		if (find(virtual, bare->entry[i].name))
			continue;
		snprintf(name, sizeof(name), "census/%s", bare->entry[i].name);
		report_add(report, REPORT_FIDELITY, REPORT_FAIL, 1, name, where,
			   "WORSE: bare %s, virtual (nothing)", bare->entry[i].got);
	}
}

void compare_census(struct report *report, const struct census *bare, const struct census *virtual,
		    const char *declared, const char *where)
{
	struct list b, v;

	read_list(&b, bare);
	read_list(&v, virtual);
	report_add(report, REPORT_FIDELITY,
		   !b.ended || !b.count || b.broken ? REPORT_ERROR
		   : v.ended && !v.broken	    ? REPORT_PASS
						    : REPORT_FAIL,
		   COMPLETE_POINTS, "census/complete", where, "%zu run, bare %zu run%s%s%s",
		   v.count, b.count, b.ended && !b.broken ? "" : ": the bare run is no reference",
		   v.ended ? "" : ": the virtual run was cut off",
		   v.broken ? ": some records cannot be read" : "");
	for (size_t i = 0; i < v.count; i++) {
		const struct entry *e = &v.entry[i], *of_bare = find(&b, e->name);

		if (e->flags && of_bare && of_bare->flags)
			judge_flags(report, of_bare, e, declared, where);
		else
			judge_case(report, of_bare, e, declared, where);
	}
	judge_missing(report, &b, &v, where);
	free(b.entry);
	free(v.entry);
}
