/* report.c - see report.h */
#include "report.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 600
#define BAR 20

static void *need(void *p)
{
	if (p)
		return p;
	fputs("checker: out of memory\n", stderr);
	exit(2);
}

/* Printable ASCII only: what guests say ends up here. */
static char *clean_copy(const char *text)
{
	char *copy = need(strdup(text ? text : ""));

	for (char *c = copy; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return copy;
}

/* Room for one more of size bytes; returns the array, moved perhaps. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? 2 * *room : 64;
	return need(realloc(array, *room * size));
}

void report_init(struct report *report, const char *platform, const char *seed)
{
	*report = (struct report){ .platform = clean_copy(platform),
				   .seed = clean_copy(seed),
				   .command = clean_copy(""),
				   .filter = clean_copy("") };
}

void report_free(struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->check[i].name);
		free(report->check[i].reason);
		free(report->check[i].where);
	}
	for (size_t i = 0; i < report->numbers; i++) {
		free(report->number[i].series);
		free(report->number[i].name);
		free(report->number[i].unit);
	}
	for (size_t i = 0; i < report->sources; i++) {
		free(report->source[i].pattern);
		free(report->source[i].title);
	}
	free(report->check);
	free(report->number);
	free(report->source);
	free(report->platform);
	free(report->seed);
	free(report->command);
	free(report->filter);
}

void report_set_command(struct report *report, const char *command)
{
	free(report->command);
	report->command = clean_copy(command);
}

void report_set_filter(struct report *report, const char *pattern)
{
	free(report->filter);
	report->filter = clean_copy(pattern);
}

void report_add_source(struct report *report, const char *pattern, const char *title)
{
	report->source =
	    grow(report->source, report->sources, &report->source_room, sizeof(*report->source));
	report->source[report->sources++] = (struct report_source){
		.pattern = clean_copy(pattern),
		.title = clean_copy(title),
	};
}

const char *report_source_of(const struct report *report, const char *name)
{
	for (size_t i = 0; i < report->sources; i++)
		if (!fnmatch(report->source[i].pattern, name, 0))
			return report->source[i].title;
	return "";
}

void report_add_number(struct report *report, const char *series, const char *name, double value,
		       double limit, const char *unit)
{
	report->number =
	    grow(report->number, report->numbers, &report->number_room, sizeof(*report->number));
	report->number[report->numbers++] = (struct report_number){
		.series = clean_copy(series),
		.name = clean_copy(name),
		.unit = clean_copy(unit),
		.value = value,
		.limit = limit,
	};
}

void report_add(struct report *report, enum report_property property, enum report_result result,
		unsigned points, const char *name, const char *where, const char *reason, ...)
{
	char text[REASON_MAX];
	va_list args;

	va_start(args, reason);
	vsnprintf(text, sizeof(text), reason, args);
	va_end(args);
	if (*report->filter && result != REPORT_ERROR && fnmatch(report->filter, name, 0))
		return;
	report->check = grow(report->check, report->count, &report->room, sizeof(*report->check));
	report->check[report->count++] = (struct report_check){ .property = property,
								.result = result,
								.points = points,
								.name = clean_copy(name),
								.reason = clean_copy(text),
								.where = clean_copy(where) };
}

const char *report_property_name(enum report_property property)
{
	static const char *const names[] = { "fidelity", "isolation", "performance" };

	return names[property];
}

const char *report_result_name(enum report_result result)
{
	static const char *const names[] = { "pass", "fail", "skip", "error" };

	return names[result];
}

unsigned report_count(const struct report *report, enum report_property property,
		      enum report_result result)
{
	unsigned n = 0;

	for (size_t i = 0; i < report->count; i++)
		n += report->check[i].result == result &&
		     (property == REPORT_PROPERTIES || report->check[i].property == property);
	return n;
}

void report_points(const struct report *report, enum report_property property, unsigned *got,
		   unsigned *of)
{
	*got = *of = 0;
	for (size_t i = 0; i < report->count; i++) {
		const struct report_check *c = &report->check[i];

		if (c->property != property || c->result == REPORT_SKIP)
			continue;
		*of += c->points;
		*got += c->result == REPORT_PASS ? c->points : 0;
	}
}

unsigned report_score(const struct report *report, enum report_property property)
{
	unsigned got, of;

	report_points(report, property, &got, &of);
	return of ? (unsigned)(100ull * got / of) : 0;
}

int report_status(const struct report *report)
{
	unsigned judged = report_count(report, REPORT_PROPERTIES, REPORT_PASS) +
			  report_count(report, REPORT_PROPERTIES, REPORT_FAIL);

	if (report_count(report, REPORT_PROPERTIES, REPORT_ERROR) || !judged)
		return 2;
	return report_count(report, REPORT_PROPERTIES, REPORT_FAIL) ? 1 : 0;
}

/* ---- Text ---------------------------------------------------------------------------- */

static void write_bar(const struct report *report, enum report_property p, FILE *to)
{
	unsigned got, of, score = report_score(report, p),
			  pass = report_count(report, p, REPORT_PASS);

	report_points(report, p, &got, &of);
	fprintf(to, "  %-12s ", report_property_name(p));
	if (!of) {
		fprintf(to, "not checked\n");
		return;
	}
	for (unsigned i = 0; i < BAR; i++)
		fputc(i < score * BAR / 100 ? '#' : '.', to);
	fprintf(to, " %3u of 100  (%u of %u points; %u pass, %u fail, %u skip, %u error)\n", score,
		got, of, pass, report_count(report, p, REPORT_FAIL),
		report_count(report, p, REPORT_SKIP), report_count(report, p, REPORT_ERROR));
}

/* What was tried against it: "attacks: 11214 distinct cases, 116 mechanisms". */
static void write_tried(const struct report *report, FILE *to)
{
	const char *before = "  attacks: ";

	for (size_t i = 0; i < report->numbers; i++) {
		const struct report_number *n = &report->number[i];

		if (strcmp(n->series, "attacks"))
			continue;
		fprintf(to, "%s%.0f %s", before, n->value, n->name);
		before = ", ";
	}
	if (*before == ',')
		fputc('\n', to);
}

/* 'NAME', for a shell: names hold no quote. */
static void write_repeat(const struct report *report, const struct report_check *c, FILE *to)
{
	const char *source = report_source_of(report, c->name);

	if (*source)
		fprintf(to, "        rests on: %s\n", source);
	if (*report->command && !strchr(c->name, '\''))
		fprintf(to, "        repeat:   %s --filter '%s'\n", report->command, c->name);
}

void report_write_text(const struct report *report, FILE *to)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct report_check *c = &report->check[i];

		if (c->result == REPORT_PASS)
			continue;
		fprintf(to, "  %-5s %s %s: %s%s%s%s\n", report_result_name(c->result),
			report_property_name(c->property), c->name, c->reason,
			*c->where ? " (see " : "", c->where, *c->where ? ")" : "");
		if (c->result != REPORT_SKIP)
			write_repeat(report, c, to);
	}
	fprintf(to, "%s, seed %s:\n", report->platform, report->seed);
	for (unsigned p = 0; p < REPORT_PROPERTIES; p++)
		write_bar(report, (enum report_property)p, to);
	write_tried(report, to);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void json_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

static void json_field(FILE *to, const char *key, const char *value)
{
	fprintf(to, "\"%s\": ", key);
	json_string(to, value);
}

static void json_check(const struct report *report, const struct report_check *c, FILE *to)
{
	fprintf(to, "\n    { \"property\": \"%s\", ", report_property_name(c->property));
	json_field(to, "name", c->name);
	fprintf(to, ", \"result\": \"%s\", \"points\": %u, ", report_result_name(c->result),
		c->points);
	json_field(to, "reason", c->reason);
	fputs(", ", to);
	json_field(to, "where", c->where);
	fputs(", ", to);
	json_field(to, "source", report_source_of(report, c->name));
	fputs(" }", to);
}

static void json_number(const struct report_number *n, FILE *to)
{
	fputs("\n    { ", to);
	json_field(to, "series", n->series);
	fputs(", ", to);
	json_field(to, "name", n->name);
	fprintf(to, ", \"value\": %.6f, ", n->value);
	if (n->limit >= 0)
		fprintf(to, "\"limit\": %.6f, ", n->limit);
	json_field(to, "unit", n->unit);
	fputs(" }", to);
}

static void json_property(const struct report *report, enum report_property property, FILE *to)
{
	unsigned got, of;

	report_points(report, property, &got, &of);
	fprintf(to, "\n    { \"name\": \"%s\", \"score\": %u, \"points\": %u, \"max\": %u",
		report_property_name(property), report_score(report, property), got, of);
	for (unsigned r = 0; r < REPORT_RESULTS; r++)
		fprintf(to, ", \"%s\": %u", report_result_name((enum report_result)r),
			report_count(report, property, (enum report_result)r));
	fputs(" }", to);
}

void report_write_json(const struct report *report, FILE *to)
{
	fputs("{\n  ", to);
	json_field(to, "platform", report->platform);
	fputs(",\n  ", to);
	json_field(to, "seed", report->seed);
	fputs(",\n  ", to);
	json_field(to, "command", report->command);
	fputs(",\n  \"properties\": [", to);
	for (unsigned p = 0; p < REPORT_PROPERTIES; p++) {
		fputs(p ? "," : "", to);
		json_property(report, (enum report_property)p, to);
	}
	fputs("\n  ],\n  \"checks\": [", to);
	for (size_t i = 0; i < report->count; i++) {
		fputs(i ? "," : "", to);
		json_check(report, &report->check[i], to);
	}
	fputs("\n  ],\n  \"numbers\": [", to);
	for (size_t i = 0; i < report->numbers; i++) {
		fputs(i ? "," : "", to);
		json_number(&report->number[i], to);
	}
	fputs("\n  ]\n}\n", to);
}

/* ---- JUnit XML --------------------------------------------------------------------------- */

static void xml_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		const char *entity = *text == '<'   ? "&lt;"
				     : *text == '>' ? "&gt;"
				     : *text == '&' ? "&amp;"
				     : *text == '"' ? "&quot;"
						    : NULL;

		if (entity)
			fputs(entity, to);
		else
			fputc(*text, to);
	}
}

static void junit_case(const struct report_check *c, FILE *to)
{
	static const char *const element[] = { NULL, "failure", "skipped", "error" };

	fprintf(to, "    <testcase classname=\"%s\" name=\"", report_property_name(c->property));
	xml_text(to, c->name);
	fputs("\"", to);
	if (!element[c->result]) {
		fputs("/>\n", to);
		return;
	}
	fprintf(to, "><%s message=\"", element[c->result]);
	xml_text(to, c->reason);
	if (*c->where) {
		fputs(" (see ", to);
		xml_text(to, c->where);
		fputc(')', to);
	}
	fputs("\"/></testcase>\n", to);
}

static void junit_suite(const struct report *report, enum report_property p, FILE *to)
{
	unsigned got, of, tests = 0;

	for (unsigned r = 0; r < REPORT_RESULTS; r++)
		tests += report_count(report, p, (enum report_result)r);
	report_points(report, p, &got, &of);
	fprintf(
	    to,
	    "  <testsuite name=\"%s\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\">\n",
	    report_property_name(p), tests, report_count(report, p, REPORT_FAIL),
	    report_count(report, p, REPORT_ERROR), report_count(report, p, REPORT_SKIP));
	fprintf(to,
		"    <properties>\n      <property name=\"points\" value=\"%u\"/>\n"
		"      <property name=\"max-points\" value=\"%u\"/>\n    </properties>\n",
		got, of);
	for (size_t i = 0; i < report->count; i++)
		if (report->check[i].property == p)
			junit_case(&report->check[i], to);
	fputs("  </testsuite>\n", to);
}

void report_write_junit(const struct report *report, FILE *to)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"", to);
	xml_text(to, report->platform);
	fputs("\">\n", to);
	for (unsigned p = 0; p < REPORT_PROPERTIES; p++)
		junit_suite(report, (enum report_property)p, to);
	fputs("</testsuites>\n", to);
}

/* ---- TAP --------------------------------------------------------------------------------- */

/* A '#' in a description would begin a directive. */
static void tap_text(FILE *to, const char *text)
{
	for (; *text; text++)
		fputs(*text == '#' ? "\\#" : (char[]){ *text, '\0' }, to);
}

void report_write_tap(const struct report *report, FILE *to)
{
	fprintf(to, "TAP version 13\n1..%zu\n", report->count);
	for (size_t i = 0; i < report->count; i++) {
		const struct report_check *c = &report->check[i];
		bool good = c->result == REPORT_PASS || c->result == REPORT_SKIP;

		fprintf(to, "%sok %zu - %s ", good ? "" : "not ", i + 1,
			report_property_name(c->property));
		tap_text(to, c->name);
		if (c->result == REPORT_SKIP) {
			fputs(" # SKIP ", to);
			tap_text(to, c->reason);
		}
		fputc('\n', to);
		if (good)
			continue;
		fputs("  ---\n  result: ", to);
		fputs(report_result_name(c->result), to);
		fputs("\n  reason: ", to);
		json_string(to, c->reason);
		fputs("\n  see: ", to);
		json_string(to, c->where);
		fputs("\n  ...\n", to);
	}
}

void report_write_list(const struct report *report, FILE *to)
{
	for (size_t i = 0; i < report->count; i++)
		fprintf(to, "%s %s %s\n", report_result_name(report->check[i].result),
			report_property_name(report->check[i].property), report->check[i].name);
}
