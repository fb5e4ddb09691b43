/* systems.c - see systems.h */
#include "systems.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 96
#define VALUE_SIZE 96
#define COMPLETE_POINTS 10
#define DETAIL_SIZE 400

/* One kind of deviation of a batch. */
struct kind {
	char tag[16];
	uint64_t got, manual, count, first;
	uint64_t set, in[2]; /* in: which of up to 128 cases; else a hash of them */
	bool listed;
};

/* A named case, or a batch. */
struct entry {
	char name[NAME_SIZE];
	bool batch, has_manual;
	char got[VALUE_SIZE], manual[VALUE_SIZE];
	uint64_t n, off;
	struct kind *kind;
	size_t kinds;
};

struct list {
	struct entry *entry;
	size_t count, broken;
	uint64_t cases, said; /* those of its records, those of its last record */
	bool ended;
};

static void *need(void *p)
{
	if (p)
		return p;
	fputs("checker: out of memory\n", stderr);
	exit(2);
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* The word at *text, which is moved behind it; false: none, or too long. */
static bool take_word(const char **text, char *word, size_t size)
{
	size_t len;

	*text += **text == ' ';
	len = strcspn(*text, " ");
	if (!len || len >= size)
		return false;
	memcpy(word, *text, len);
	word[len] = '\0';
	*text += len;
	return true;
}

static bool read_case(const char *text, struct entry *e)
{
	*e = (struct entry){ .n = 1 };
	if (!take_word(&text, e->name, sizeof(e->name)) ||
	    !record_word(text, "got", e->got, sizeof(e->got)))
		return false;
	e->has_manual = record_word(text, "manual", e->manual, sizeof(e->manual));
	return true;
}

static bool read_batch(const char *text, struct entry *e)
{
	*e = (struct entry){ .batch = true };
	return take_word(&text, e->name, sizeof(e->name)) && record_number(text, "n", &e->n) &&
	       record_number(text, "off", &e->off) && e->off <= e->n;
}

/* "NAME.TAG got=.." of the batch before it */
static bool read_kind(const char *text, struct list *list)
{
	struct entry *e = list->count ? &list->entry[list->count - 1] : NULL;
	struct kind kind = { 0 };
	char name[NAME_SIZE + sizeof(kind.tag)];
	char *dot;

	if (!e || !e->batch || !take_word(&text, name, sizeof(name)))
		return false;
	dot = strrchr(name, '.');
	if (!dot || (size_t)(dot - name) != strlen(e->name) ||
	    strncmp(name, e->name, (size_t)(dot - name)) || strlen(dot + 1) >= sizeof(kind.tag))
		return false;
	strcpy(kind.tag, dot + 1);
	if (!record_number(text, "got", &kind.got) ||
	    !record_number(text, "manual", &kind.manual) ||
	    !record_number(text, "count", &kind.count) ||
	    !record_number(text, "first", &kind.first))
		return false;
	kind.listed =
	    record_number(text, "in", &kind.in[0]) && record_number(text, "in2", &kind.in[1]);
	if (!kind.listed && !record_number(text, "set", &kind.set))
		return false;
	e->kind = need(realloc(e->kind, (e->kinds + 1) * sizeof(kind)));
	e->kind[e->kinds++] = kind;
	return true;
}

static void take_record(struct list *list, const char *text)
{
	struct entry *e = &list->entry[list->count];
	char what[8];

	if (!take_word(&text, what, sizeof(what)))
		return;
	if (!strcmp(what, "case") || !strcmp(what, "batch")) {
		if (*what == 'c' ? read_case(text, e) : read_batch(text, e)) {
			list->cases += e->n;
			list->count++;
		} else {
			list->broken++;
		}
	} else if (!strcmp(what, "off")) {
		list->broken += !read_kind(text, list);
	} else if (!strcmp(what, "end")) {
		list->broken += list->ended || !record_number(text, "cases", &list->said);
		list->ended = true;
	}
}

static void read_list(struct list *list, const struct systems_run *run)
{
	size_t at = 0;
	const char *text;

	*list = (struct list){ .entry = need(calloc(run->log->count + 1, sizeof(struct entry))) };
	while ((text = record_next(run->log, &at, run->speaker, run->nonce, "")))
		take_record(list, text);
	/* The deviations of a batch are all among its kinds. */
	for (size_t i = 0; i < list->count; i++) {
		uint64_t sum = 0;

		for (size_t k = 0; k < list->entry[i].kinds; k++)
			sum += list->entry[i].kind[k].count;
		list->broken += sum != list->entry[i].off;
	}
	list->broken += list->ended && list->said != list->cases;
}

static void free_list(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->entry[i].kind);
	free(list->entry);
}

static const struct entry *find(const struct list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->entry[i].name, name))
			return &list->entry[i];
	return NULL;
}

/* ---- Verdicts ---------------------------------------------------------------------------- */

static void add(struct report *report, const char *group, const char *name, bool worse,
		const char *where, const char *detail)
{
	char check[2 * NAME_SIZE];

	snprintf(check, sizeof(check), "%s/%s", group, name);
	report_add(report, REPORT_FIDELITY, worse ? REPORT_FAIL : REPORT_PASS, 1, check,
		   worse ? where : "", "%s", detail);
}

static const char *case_verdict(const struct entry *b, const struct entry *v)
{
	bool same = b && !strcmp(b->got, v->got);

	if (!v->has_manual)
		return same ? "SAME" : "WORSE";
	if (!strcmp(v->got, v->manual))
		return !b || same ? "SAME" : "BETTER";
	return same ? "DEVIATES" : "WORSE";
}

static void judge_case(struct report *report, const char *group, const struct entry *b,
		       const struct entry *v, const char *where)
{
	const char *verdict = case_verdict(b, v);
	char detail[DETAIL_SIZE];

	snprintf(detail, sizeof(detail), "%s: manual %s, bare %s, virtual %s", verdict,
		 v->has_manual ? v->manual : "(not given)", b ? b->got : "(not tried)", v->got);
	add(report, group, v->name, *verdict == 'W', where, detail);
}

static const struct kind *kind_like(const struct entry *e, const struct kind *like)
{
	for (size_t i = 0; e && i < e->kinds; i++)
		if (!strcmp(e->kind[i].tag, like->tag) &&
		    (e->kind[i].got ^ e->kind[i].manual) == (like->got ^ like->manual))
			return &e->kind[i];
	return NULL;
}

/* Did bare the same in the same cases, and perhaps in more? */
static bool covered(const struct kind *b, const struct kind *v)
{
	if (!b || b->listed != v->listed)
		return false;
	if (v->listed)
		return !(v->in[0] & ~b->in[0]) && !(v->in[1] & ~b->in[1]);
	return b->count == v->count && b->set == v->set;
}

/* The first kind of which bare did not do the same in the same cases; NULL: none. */
static const struct kind *first_worse(const struct entry *b, const struct entry *v)
{
	for (size_t i = 0; i < v->kinds; i++)
		if (!covered(kind_like(b, &v->kind[i]), &v->kind[i]))
			return &v->kind[i];
	return NULL;
}

static void judge_batch(struct report *report, const char *group, const struct entry *b,
			const struct entry *v, const char *where)
{
	const struct kind *worse = first_worse(b, v), *of_bare = worse ? kind_like(b, worse) : NULL;
	bool other = b && b->n != v->n;
	char detail[DETAIL_SIZE];
	int n;

	n = snprintf(detail, sizeof(detail), "%s: %llu cases; not as the manual says: bare ",
		     other || worse	    ? "WORSE"
		     : b && b->off > v->off ? "BETTER"
		     : v->off		    ? "DEVIATES"
					    : "SAME",
		     (unsigned long long)v->n);
	if (b)
		n += snprintf(detail + n, sizeof(detail) - (size_t)n, "%llu",
			      (unsigned long long)b->off);
	else
		n += snprintf(detail + n, sizeof(detail) - (size_t)n, "not tried");
	n += snprintf(detail + n, sizeof(detail) - (size_t)n, ", virtual %llu",
		      (unsigned long long)v->off);
	if (other)
		snprintf(detail + n, sizeof(detail) - (size_t)n, "; bare ran %llu",
			 (unsigned long long)b->n);
	else if (worse)
		snprintf(detail + n, sizeof(detail) - (size_t)n,
			 "; %llu like number %llu of kind %s: manual 0x%llx, virtual 0x%llx (bare "
			 "%llu of them)",
			 (unsigned long long)worse->count, (unsigned long long)worse->first,
			 worse->tag, (unsigned long long)worse->manual,
			 (unsigned long long)worse->got,
			 (unsigned long long)(of_bare ? of_bare->count : 0));
	add(report, group, v->name, other || worse, where, detail);
}

static void judge_complete(struct report *report, const char *group, const char *run,
			   const struct list *bare, const struct list *virtual, const char *where)
{
	bool reference = bare->ended && bare->count && !bare->broken;
	uint64_t expected = bare->cases, extra = 0;
	enum report_result result;
	char check[2 * NAME_SIZE];

	/* What would hang the bare machine is tried virtually only. */
	for (size_t i = 0; i < virtual->count; i++)
		if (!find(bare, virtual->entry[i].name))
			extra += virtual->entry[i].n;
	expected += extra;
	result = !reference							    ? REPORT_ERROR
		 : virtual->ended && !virtual->broken && virtual->cases == expected ? REPORT_PASS
										    : REPORT_FAIL;
	snprintf(check, sizeof(check), "%s/complete.%s", group, run);
	report_add(report, REPORT_FIDELITY, result, COMPLETE_POINTS, check, where,
		   "%llu run of %llu expected, %llu of them not tried bare%s%s%s",
		   (unsigned long long)virtual->cases, (unsigned long long)expected,
		   (unsigned long long)extra, reference ? "" : ": the bare run is no reference",
		   virtual->ended ? "" : ": the virtual run was cut off",
		   virtual->broken ? ": some records cannot be read" : "");
}

static void judge_missing(struct report *report, const char *group, const struct list *bare,
			  const struct list *virtual, const char *where)
{
	for (size_t i = 0; i < bare->count; i++)
		if (!find(virtual, bare->entry[i].name))
			add(report, group, bare->entry[i].name, true, where,
			    "WORSE: bare did it, virtual (nothing)");
}

void systems_compare(struct report *report, const char *group, const char *run,
		     const struct systems_run *bare, const struct systems_run *virtual,
		     const char *where)
{
	struct list b, v;

	read_list(&b, bare);
	read_list(&v, virtual);
	judge_complete(report, group, run, &b, &v, where);
	for (size_t i = 0; i < v.count; i++) {
		const struct entry *e = &v.entry[i], *of_bare = find(&b, e->name);

		if (of_bare && of_bare->batch != e->batch)
			add(report, group, e->name, true, where, "WORSE: bare it is another thing");
		else if (e->batch)
			judge_batch(report, group, of_bare, e, where);
		else
			judge_case(report, group, of_bare, e, where);
	}
	judge_missing(report, group, &b, &v, where);
	free_list(&b);
	free_list(&v);
}
