/*
 * judge_isa.c - the census of instruction forms: isa-bare, isa-virtual
 *
 * Leaves census.txt, census.html, census.json in the directory.
 */
#include "isa/write.h"
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#define GUEST "one"
#define COMPLETE_POINTS 10
#define THEOREM_POINTS 10
#define NAME_SIZE 80
#define DECLARED_SIZE (1 << 20)

static const struct isa_feature_info features[] = {
#define ISA_FEATURE(index, name, leaf, subleaf, reg, bit) { name, leaf, subleaf, reg, bit },
#define ISA_CLASS(...)
#define ISA_FORM(...)
#include "isa_table.h"
#undef ISA_FEATURE
#undef ISA_CLASS
#undef ISA_FORM
};

static const struct isa_class_info classes[] = {
#define ISA_FEATURE(...)
#define ISA_CLASS(index, name, ...) { name, { __VA_ARGS__ } },
#define ISA_FORM(...)
#include "isa_table.h"
#undef ISA_FEATURE
#undef ISA_CLASS
#undef ISA_FORM
};

static const struct isa_form_info forms[] = {
#define ISA_FEATURE(...)
#define ISA_CLASS(...)
#define ISA_FORM(index, name, feature, class, setup, flags, ...) { name, feature, class, flags },
#include "isa_table.h"
#undef ISA_FEATURE
#undef ISA_CLASS
#undef ISA_FORM
};

static const struct isa_table table = { features, classes, forms, ISA_FORM_COUNT, ISA_TABLE_SUM };

/* A check's or a declared difference's name: "isa/ADD_m,r". */
static void name_of(size_t form, const char *prefix, char *to, size_t size)
{
	snprintf(to, size, "%s%s", prefix, forms[form].name);
	for (char *p = to; *p; p++)
		if (*p == ' ')
			*p = '_';
}

static char *read_declared(const struct judge *judge)
{
	const char *path = judge_setting(judge, "declared");
	FILE *file = path ? fopen(path, "r") : NULL;
	char *text = calloc(1, DECLARED_SIZE);

	if (!text)
		exit(2);
	if (file) {
		text[fread(text, 1, DECLARED_SIZE - 1, file)] = '\0';
		fclose(file);
	}
	return text;
}

static unsigned deviations(const struct isa_run *bare, size_t form)
{
	const struct isa_result *r = &bare->result[form];
	unsigned modes = 0;

	for (unsigned mode = 0; mode < ISA_MODES; mode++) {
		const char *manual = isa_manual(&table, form, mode, r->has);

		if (r->mode[mode].tried && manual && !isa_fits(&r->mode[mode], manual))
			modes |= 1u << mode;
	}
	return modes;
}

static void judge_form(struct isa_census *c, size_t form, const char *declared)
{
	struct isa_row *row = &c->row[form];
	char name[NAME_SIZE];
	uint64_t mask;
	bool has_reason;
	int family = isa_family(forms[form].name);

	name_of(form, "isa.", name, sizeof(name));
	has_reason = isa_declared(declared, name, row->reason, sizeof(row->reason), &mask);
	isa_derive(&c->bare->result[form], &row->bare);
	isa_derive(&c->virtual->result[form], &row->virtual);
	row->compared =
	    isa_compare(&table, form, c->bare, c->virtual, has_reason ? row->reason : NULL,
			isa_may_hide(&table, form, declared), &row->modes);
	if (row->compared != ISA_DECLARED)
		*row->reason = '\0';
	row->deviates = deviations(c->bare, form);
	c->kinds[row->bare.kind]++;
	c->compared[row->compared]++;
	if (row->bare.kind != ISA_VIOLATES)
		return;
	c->remaining += row->compared == ISA_WORSE;
	if (family >= 0)
		c->family[family] = true;
}

/* "l3 bare x virtual 06, .." of the modes that differ. */
static void put_differences(const struct isa_census *c, size_t form, char *to, size_t size)
{
	static const char *const names[] = ISA_MODE_NAMES;
	size_t n = 0;

	*to = '\0';
	for (unsigned mode = 0; mode < ISA_MODES && n < size; mode++) {
		const struct isa_outcome *b = &c->bare->result[form].mode[mode];
		const struct isa_outcome *v = &c->virtual->result[form].mode[mode];
		const char *manual = isa_manual(&table, form, mode, c->virtual->result[form].has);
		char bare[32], virtual[32];

		if (!(c->row[form].modes >> mode & 1))
			continue;
		isa_put_outcome(b, bare, sizeof(bare));
		isa_put_outcome(v, virtual, sizeof(virtual));
		n += (size_t)snprintf(
		    to + n, size - n, "%s%s: manual %s, bare %s.%s%s, virtual %s.%s%s",
		    n ? "; " : "", names[mode], manual ? manual : "(not given)", bare, b->hash,
		    b->resume ? "^" : "", virtual, v->hash, v->resume ? "^" : "");
	}
}

static void report_form(const struct judge *judge, const struct isa_census *c, size_t form,
			const char *where)
{
	const struct isa_row *row = &c->row[form];
	bool worse = row->compared == ISA_WORSE;
	char name[NAME_SIZE], differences[400];

	name_of(form, "isa/", name, sizeof(name));
	put_differences(c, form, differences, sizeof(differences));
	report_add(judge->report, REPORT_FIDELITY, worse ? REPORT_FAIL : REPORT_PASS, 1, name,
		   worse ? where : "", "%s%s%s%s%s%s", isa_compared_name(row->compared),
		   *differences ? ": " : "", differences,
		   worse && row->modes && !*differences ? ": in another state of the system" : "",
		   *row->reason ? ": " : "", row->reason);
}

/* What a run that was cut off did not come to: one check, with a point for each form. */
static void report_missing(const struct judge *judge, const struct isa_run *virtual,
			   const char *where)
{
	unsigned missing = 0;
	const char *first = "";

	for (size_t i = 0; i < table.form_count; i++) {
		if (virtual->result[i].seen)
			continue;
		first = missing++ ? first : forms[i].name;
	}
	if (missing)
		report_add(judge->report, REPORT_FIDELITY, REPORT_FAIL, missing, "isa/missing",
			   where, "WORSE: %u forms were not run, %s the first of them", missing,
			   first);
}

static void report_complete(const struct judge *judge, const struct isa_run *bare,
			    const struct isa_run *virtual, const char *where)
{
	bool reference = isa_complete(bare);

	report_add(judge->report, REPORT_FIDELITY,
		   !reference		   ? REPORT_ERROR
		   : isa_complete(virtual) ? REPORT_PASS
					   : REPORT_FAIL,
		   COMPLETE_POINTS, "isa/complete", where,
		   "%zu run of %zu expected, bare %zu run of %zu%s%s%s", virtual->count,
		   table.form_count, bare->count, table.form_count,
		   reference ? "" : ": the bare run is no reference",
		   virtual->ended ? "" : ": the virtual run was cut off",
		   virtual->broken || virtual->twice || virtual->other_table
		       ? ": some records cannot be read, or are there twice"
		       : "");
}

static void report_modes(const struct judge *judge, const struct isa_run *bare)
{
	static const char *const names[] = ISA_MODE_NAMES;
	char name[NAME_SIZE];

	for (unsigned mode = 0; mode < ISA_MODES; mode++) {
		if (bare->modes >> mode & 1)
			continue;
		snprintf(name, sizeof(name), "isa/mode-%s", names[mode]);
		report_add(judge->report, REPORT_FIDELITY, REPORT_SKIP, 0, name, "",
			   "not tried on this platform");
	}
}

static void report_theorem(const struct judge *judge, const struct isa_census *c, const char *where)
{
	unsigned found = 0;
	char newer[300];

	for (unsigned i = 0; i < ISA_ROBIN_IRVINE; i++)
		found += c->family[i];
	isa_newer(c, newer, sizeof(newer));
	report_add(
	    judge->report, REPORT_FIDELITY, found == ISA_ROBIN_IRVINE ? REPORT_PASS : REPORT_ERROR,
	    1, "isa/robin-irvine", where,
	    "%u of %u families found to be sensitive and not privileged on the bare machine; "
	    "beyond them %s",
	    found, ISA_ROBIN_IRVINE, newer);
	report_add(
	    judge->report, REPORT_FIDELITY, c->remaining ? REPORT_FAIL : REPORT_PASS,
	    THEOREM_POINTS, "isa/theorem", where,
	    "%u forms are sensitive and not privileged; behind the hypervisor %u of them do not "
	    "do as on the bare machine",
	    c->kinds[ISA_VIOLATES], c->remaining);
}

static void write_file(const struct judge *judge, const struct isa_census *c, const char *name,
		       void (*write)(const struct isa_census *census, FILE *to))
{
	char path[JUDGE_PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", judge->dir, name);
	file = fopen(path, "w");
	if (!file || (write(c, file), fclose(file))) {
		fprintf(stderr, "checker: cannot write %s\n", path);
		exit(2);
	}
}

static void judge_runs(const struct judge *judge, const struct isa_run *bare,
		       const struct isa_run *virtual)
{
	const char *platform = judge_setting(judge, "platform");
	struct isa_census c = { .table = &table,
				.bare = bare,
				.virtual = virtual,
				.platform = platform ? platform : "?" };
	char *declared = read_declared(judge), where[JUDGE_PATH_MAX];

	judge_path(judge, "isa-virtual", "out", where);
	c.row = calloc(table.form_count, sizeof(*c.row));
	if (!c.row)
		exit(2);
	report_complete(judge, bare, virtual, where);
	report_modes(judge, bare);
	for (size_t i = 0; i < table.form_count; i++)
		judge_form(&c, i, declared);
	report_theorem(judge, &c, where);
	report_missing(judge, virtual, where);
	for (size_t i = 0; i < table.form_count; i++)
		if (virtual->result[i].seen)
			report_form(judge, &c, i, where);
	write_file(judge, &c, "census.txt", isa_write_text);
	write_file(judge, &c, "census.html", isa_write_html);
	write_file(judge, &c, "census.json", isa_write_json);
	free(c.row);
	free(declared);
}

void judge_isa(const struct judge *judge)
{
	struct record_log bare_log, virtual_log;
	struct isa_run bare, virtual;

	if (judge_load(judge, "isa-bare", GUEST, REPORT_FIDELITY, &bare_log) != JUDGE_READY)
		return;
	if (judge_load(judge, "isa-virtual", NULL, REPORT_FIDELITY, &virtual_log) == JUDGE_READY) {
		isa_read(&bare, &table, &bare_log, GUEST, judge_nonce(judge, "isa-bare", GUEST));
		isa_read(&virtual, &table, &virtual_log, GUEST,
			 judge_nonce(judge, "isa-virtual", GUEST));
		judge_runs(judge, &bare, &virtual);
		isa_free(&bare);
		isa_free(&virtual);
		record_free(&virtual_log);
	}
	record_free(&bare_log);
}
