/*
 * report.h - results, and what people and machines read of them
 *
 * Owns: the list of checks with result, points and reason; numbers that were measured; the score;
 * JSON, JUnit XML, TAP 13, text.  The page of HTML is made of the JSON (report-html.jq).
 * Must not know: how anything is checked.
 */
#ifndef CHECKER_REPORT_H
#define CHECKER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum report_result {
	REPORT_PASS,
	REPORT_FAIL,
	REPORT_SKIP,  /* does not exist here; costs nothing, and is said */
	REPORT_ERROR, /* the harness failed: nothing is known, no points */
	REPORT_RESULTS
};

enum report_property { REPORT_FIDELITY, REPORT_ISOLATION, REPORT_PERFORMANCE, REPORT_PROPERTIES };

struct report_check {
	enum report_property property;
	enum report_result result;
	unsigned points;
	char *name;   /* GROUP/WHAT */
	char *reason; /* why; "" for most that pass */
	char *where;  /* the file to look at, or "" */
};

/* Something that was measured, to be drawn beside others of its series. */
struct report_number {
	char *series, *name, *unit;
	double value, limit; /* limit < 0: none */
};

/* What checks whose names fit a shell pattern rest on: titles of manuals. */
struct report_source {
	char *pattern, *title;
};

struct report {
	char *platform;
	char *seed;
	char *command; /* that repeats all this: with --filter NAME, one check; "" */
	char *filter;  /* only checks whose name fits this shell pattern, and errors; "" */
	struct report_check *check;
	size_t count, room;
	struct report_number *number;
	size_t numbers, number_room;
	struct report_source *source;
	size_t sources, source_room;
};

void report_init(struct report *report, const char *platform, const char *seed);
void report_free(struct report *report);
/* Texts are copied, as all are. */
void report_set_command(struct report *report, const char *command);
void report_set_filter(struct report *report, const char *pattern);
/* The first pattern that fits a name counts. */
void report_add_source(struct report *report, const char *pattern, const char *title);
/* The title that a check rests on; "": none was given. */
const char *report_source_of(const struct report *report, const char *name);

/* Texts are copied; control bytes and broken UTF-8 become '?'. */
void report_add(struct report *report, enum report_property property, enum report_result result,
		unsigned points, const char *name, const char *where, const char *reason, ...)
    __attribute__((format(printf, 7, 8)));

/* limit < 0: there is none. */
void report_add_number(struct report *report, const char *series, const char *name, double value,
		       double limit, const char *unit);

/* How many checks of the property (REPORT_PROPERTIES: of all) have that result. */
unsigned report_count(const struct report *report, enum report_property property,
		      enum report_result result);
/* Points reached and reachable; skipped checks count for neither. */
void report_points(const struct report *report, enum report_property property, unsigned *got,
		   unsigned *of);
/* 0..100, rounded down: 100 only if nothing failed. */
unsigned report_score(const struct report *report, enum report_property property);

/* 0: all passed or skipped; 1: a check failed; 2: the harness failed, or nothing was checked. */
int report_status(const struct report *report);

void report_write_text(const struct report *report, FILE *to);
void report_write_json(const struct report *report, FILE *to);
void report_write_junit(const struct report *report, FILE *to);
/* TAP 13; skip and error are SKIP and a failure that says it is the harness's. */
void report_write_tap(const struct report *report, FILE *to);
/* A line "RESULT PROPERTY NAME" a check, for scripts. */
void report_write_list(const struct report *report, FILE *to);

const char *report_property_name(enum report_property property);
const char *report_result_name(enum report_result result);

#endif
