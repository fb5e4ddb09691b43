/*
 * classify.c - the classes of instruction forms, from records of what they did
 *
 *	classify [FILE | NAME:RECORD]..      their classes, a form a line, then how many of each
 *	classify --log LOG NONCE             makes such a FILE from the serial line of the guest isa
 *
 * A line of FILE is "NAME: RECORD": a form's name, and its record (tokens.h) from HAS on.  --log
 * leaves out what is innocuous, or only faults, but for every twentieth of those.
 *
 * Owns: names beside records, the table as text.  Must not know: what makes a form sensitive
 * (derive.c).
 */
#include "census.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 2048
#define LIST_SIZE 200
#define ONE_OF 20
#define USAGE 64
#define NO_INPUT 66

static const char *const form_names[] = {
#define ISA_FEATURE(...)
#define ISA_CLASS(...)
#define ISA_FORM(index, name, ...) name,
#include "isa_table.h"
#undef ISA_FEATURE
#undef ISA_CLASS
#undef ISA_FORM
};

struct totals {
	unsigned kind[ISA_KINDS];
	bool family[ISA_ROBIN_IRVINE];
};

static void put_modes(unsigned modes, char *to, size_t size)
{
	static const char *const names[] = ISA_MODE_NAMES;
	size_t n = 0;

	*to = '\0';
	for (unsigned i = 0; i < ISA_MODES && n < size; i++)
		if (modes >> i & 1)
			n += (size_t)snprintf(to + n, size - n, "%s%s", n ? "," : "", names[i]);
}

static void print_verdict(const char *name, const struct isa_verdict *v)
{
	char rules[8], modes[LIST_SIZE], trapped[LIST_SIZE], unlocked[LIST_SIZE];

	isa_put_rules(v->rules, rules, sizeof(rules));
	put_modes(v->modes, modes, sizeof(modes));
	isa_put_states(v->trapped, trapped, sizeof(trapped));
	isa_put_states(v->unlocked, unlocked, sizeof(unlocked));
	printf("%-18s %-10s %s%s%s%s%s%s%s\n", name, isa_kind_name(v->kind), *rules ? rules : "-",
	       *modes ? " in " : "", modes, *trapped ? " traps with " : "", trapped,
	       *unlocked ? " unlocked by " : "", unlocked);
}

/* One form's class: printed, and counted. */
static bool classify(const char *name, const char *record, struct totals *totals)
{
	struct isa_result result;
	struct isa_verdict v;
	int family = isa_family(name);

	if (!isa_read_form(record, &result)) {
		fprintf(stderr, "classify: not a record: %s: %s\n", name, record);
		return false;
	}
	isa_derive(&result, &v);
	print_verdict(name, &v);
	totals->kind[v.kind]++;
	if (v.kind == ISA_VIOLATES && family >= 0)
		totals->family[family] = true;
	return true;
}

/* "NAME: RECORD" or "NAME:RECORD"; the text is cut at the colon. */
static bool classify_line(char *line, struct totals *totals)
{
	char *colon = strchr(line, ':');

	line[strcspn(line, "\n")] = '\0';
	if (!colon) {
		fprintf(stderr, "classify: no NAME: in front: %s\n", line);
		return false;
	}
	*colon = '\0';
	return classify(line, colon + 1 + strspn(colon + 1, " "), totals);
}

static bool classify_file(const char *path, struct totals *totals)
{
	FILE *file = fopen(path, "r");
	char line[LINE_SIZE];
	bool good = true;

	if (!file) {
		fprintf(stderr, "classify: cannot read %s\n", path);
		return false;
	}
	while (good && fgets(line, sizeof(line), file))
		if (*line != '#' && *line != '\n')
			good = classify_line(line, totals);
	fclose(file);
	return good;
}

static void print_totals(const struct totals *totals)
{
	unsigned found = 0;

	printf("in all:");
	for (unsigned i = 0; i < ISA_KINDS; i++)
		printf(" %u %s%s", totals->kind[i], isa_kind_name(i), i + 1 < ISA_KINDS ? "," : "");
	printf("\nof Robin and Irvine's 17:");
	for (unsigned i = 0; i < ISA_ROBIN_IRVINE; i++) {
		found += totals->family[i];
		if (totals->family[i])
			printf(" %s", isa_family_name(i));
	}
	printf(": %u\n", found);
}

/* The form's record as a line of FILE, if it has something to say. */
static void keep(const char *text, unsigned *dull)
{
	struct isa_result result;
	struct isa_verdict v;
	char *record;
	unsigned long index = strtoul(text, &record, 10);

	if (index >= sizeof(form_names) / sizeof(*form_names) || *record != ' ' ||
	    !isa_read_form(record + 1, &result))
		return;
	isa_derive(&result, &v);
	if ((v.kind == ISA_INNOCUOUS || v.kind == ISA_FAULTS) && (*dull)++ % ONE_OF)
		return;
	printf("%s: %s\n", form_names[index], record + 1);
}

static int convert(const char *path, const char *nonce)
{
	struct record_log log;
	const char *text;
	unsigned dull = 0;
	size_t at = 0;

	if (!record_load(&log, path, "isa")) {
		fprintf(stderr, "classify: cannot read %s\n", path);
		return NO_INPUT;
	}
	while ((text = record_next(&log, &at, "isa", nonce, ISA_RECORD)))
		keep(text + strspn(text, " "), &dull);
	record_free(&log);
	return 0;
}

int main(int argc, char **argv)
{
	struct totals totals = { 0 };

	if (argc == 4 && !strcmp(argv[1], "--log"))
		return convert(argv[2], argv[3]);
	if (argc < 2) {
		fputs("usage: classify [FILE | NAME:RECORD].. | --log LOG NONCE\n", stderr);
		return USAGE;
	}
	for (int i = 1; i < argc; i++)
		if (!(strchr(argv[i], ':') ? classify_line(argv[i], &totals)
					   : classify_file(argv[i], &totals)))
			return NO_INPUT;
	print_totals(&totals);
	return 0;
}
