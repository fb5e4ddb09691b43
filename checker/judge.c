/*
 * judge.c - see judge.h; main: judge DIRECTORY
 *
 * Writes report.json, junit.xml and report.txt there, the last one to standard output too.
 * Status: 0 all passed, 1 a check failed, 2 the harness failed.
 */
#include "judge.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_LAUNCH_FAILED 125

const char *judge_setting(const struct judge *judge, const char *format, ...)
{
	char key[200];
	size_t n;
	va_list args;

	va_start(args, format);
	vsnprintf(key, sizeof(key), format, args);
	va_end(args);
	n = strlen(key);
	for (size_t i = 0; i < judge->info.count; i++) {
		const char *text = judge->info.line[i].text;

		if (!strncmp(text, key, n) && (text[n] == ' ' || !text[n]))
			return text[n] ? text + n + 1 : text + n;
	}
	return NULL;
}

bool judge_limit(const struct judge *judge, const char *name, double *limit)
{
	const char *text = judge_setting(judge, "limit %s", name);
	char *end;

	if (!text)
		return false;
	*limit = strtod(text, &end);
	return end != text && !*end;
}

const char *judge_nonce(const struct judge *judge, const char *run, const char *guest)
{
	const char *nonce = judge_setting(judge, "nonce %s %s", run, guest);

	return nonce ? nonce : "";
}

bool judge_can(const struct judge *judge, const char *what)
{
	return judge_setting(judge, "can %s", what) != NULL;
}

void judge_path(const struct judge *judge, const char *run, const char *extension, char *path)
{
	snprintf(path, JUDGE_PATH_MAX, "%s/%s.%s", judge->dir, run, extension);
}

enum judge_run judge_load(const struct judge *judge, const char *run, const char *one,
			  enum report_property property, struct record_log *log)
{
	const char *status = judge_setting(judge, "status %s", run);
	const char *skip = judge_setting(judge, "skip %s", run);
	char path[JUDGE_PATH_MAX], name[JUDGE_PATH_MAX];

	snprintf(name, sizeof(name), "run/%s", run);
	if (skip) {
		report_add(judge->report, property, REPORT_SKIP, 0, name, "", "%s", skip);
		return JUDGE_SKIP;
	}
	if (!status && !judge_setting(judge, "wanted %s", run))
		return JUDGE_ABSENT;
	if (!status) {
		report_add(judge->report, property, REPORT_ERROR, 0, name, "",
			   "it was wanted and did not take place");
		return JUDGE_BROKEN;
	}
	judge_path(judge, run, "out", path);
	if (atoi(status) == STATUS_LAUNCH_FAILED) {
		report_add(judge->report, property, REPORT_ERROR, 0, name, path,
			   "the machine could not be started, or the emulator broke down");
		return JUDGE_BROKEN;
	}
	if (record_load(log, path, one))
		return JUDGE_READY;
	report_add(judge->report, property, REPORT_ERROR, 0, name, path, "the run left no output");
	return JUDGE_BROKEN;
}

void judge_lines(const struct judge *judge, const char *run, const char *extension,
		 struct record_log *log)
{
	char path[JUDGE_PATH_MAX];

	judge_path(judge, run, extension, path);
	if (!record_load(log, path, ""))
		record_parse(log, "", 0, "");
}

static void write_file(const struct judge *judge, const char *name,
		       void (*write)(const struct report *report, FILE *to))
{
	char path[JUDGE_PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", judge->dir, name);
	file = fopen(path, "w");
	if (!file || (write(judge->report, file), fclose(file))) {
		fprintf(stderr, "checker: cannot write %s\n", path);
		exit(2);
	}
}

/* Lines "PATTERN TITLE": what checks rest on. */
static void read_sources(const struct judge *judge)
{
	const char *path = judge_setting(judge, "sources");
	struct record_log lines;

	if (!path || !record_load(&lines, path, ""))
		return;
	for (size_t i = 0; i < lines.count; i++) {
		char pattern[JUDGE_WORD_MAX];
		int length = 0;

		if (sscanf(lines.line[i].text, "%63s %n", pattern, &length) == 1 && *pattern != '#')
			report_add_source(judge->report, pattern, lines.line[i].text + length);
	}
	record_free(&lines);
}

static void begin_report(const struct judge *judge)
{
	const char *platform = judge_setting(judge, "platform"),
		   *seed = judge_setting(judge, "seed");
	const char *command = judge_setting(judge, "command");
	const char *filter = judge_setting(judge, "filter");

	report_init(judge->report, platform ? platform : "?", seed ? seed : "?");
	report_set_command(judge->report, command ? command : "");
	report_set_filter(judge->report, filter ? filter : "");
	read_sources(judge);
}

int main(int argc, char **argv)
{
	struct report report;
	struct judge judge = { .report = &report };
	char path[JUDGE_PATH_MAX];
	int status;

	if (argc != 2) {
		fputs("usage: judge DIRECTORY\n", stderr);
		return 2;
	}
	judge.dir = argv[1];
	snprintf(path, sizeof(path), "%s/info", judge.dir);
	if (!record_load(&judge.info, path, "")) {
		fprintf(stderr, "checker: cannot read %s\n", path);
		return 2;
	}
	begin_report(&judge);
	judge_fidelity(&judge);
	judge_isa(&judge);
	judge_isolation(&judge);
	judge_pause(&judge);
	judge_performance(&judge);
	judge_time(&judge);
	judge_loads(&judge);
	judge_footprint(&judge);
	judge_streams(&judge);
	judge_systems(&judge);
	judge_audit(&judge);
	judge_cannot(&judge);
	write_file(&judge, "report.json", report_write_json);
	write_file(&judge, "junit.xml", report_write_junit);
	write_file(&judge, "report.tap", report_write_tap);
	write_file(&judge, "report.txt", report_write_text);
	write_file(&judge, "results", report_write_list);
	report_write_text(&report, stdout);
	status = report_status(&report);
	report_free(&report);
	record_free(&judge.info);
	return status;
}
