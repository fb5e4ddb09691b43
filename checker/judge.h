/*
 * judge.h - from a directory of runs to a report
 *
 * Owns: the directory's form.  Must not know: emulators, hypervisors.
 *
 * pgcheck leaves in the directory
 *	RUN.out    the serial line of a run
 *	RUN.facts  what the platform says of it: lines "vm NAME STATE CAUSE..",
 *	           "exits NAME REASON COUNT", "root NAME 0xROOT npt|ept",
 *	           "cr3 NAME CR3", "run NAME SECONDS" (of CPU), "memory MiB PROMISED-MiB USED-KiB",
 *	           "touched NAME MiB TOUCHED-MiB"
 *	RUN.log    exits as the emulator saw them, in order: lines "REASON" or "mark"
 *	RUN.ram    the machine's memory at the end
 *	info       lines "KEY VALUE..", see judge_setting: "platform TEXT", "seed N",
 *	           "wanted RUN", "status RUN N", "nonce RUN GUEST WORD", "skip RUN WHY",
 *	           "can WHAT" (ram, log: what the platform shows), "limit NAME N", "own N" (ticks
 *	           that the exiting instruction itself takes), "slice N" (ticks in 10 ms), "weight
 *	           GUEST N", "image FILE" (the hypervisor's ELF file), "declared FILE"; of the
 *	           report: "command TEXT" (repeats it all), "filter PATTERN" (only checks of such
 *	           names), "sources FILE" (lines "PATTERN TITLE" of manuals)
 */
#ifndef CHECKER_JUDGE_H
#define CHECKER_JUDGE_H

#include "record.h"
#include "report.h"

#define JUDGE_PATH_MAX 512
#define JUDGE_WORD_MAX 64

struct judge {
	const char *dir;
	struct record_log info; /* every line is text of speaker "" */
	struct report *report;
};

/* The text behind "KEY " in info, KEY being several words; NULL: none. */
const char *judge_setting(const struct judge *judge, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool judge_limit(const struct judge *judge, const char *name, double *limit);
const char *judge_nonce(const struct judge *judge, const char *run, const char *guest);
/* Can the platform show this ("log", "ram")?  Then a run without it is one of a broken harness. */
bool judge_can(const struct judge *judge, const char *what);

/* DIR/RUN.EXTENSION */
void judge_path(const struct judge *judge, const char *run, const char *extension, char *path);

enum judge_run {
	JUDGE_ABSENT, /* not asked for */
	JUDGE_SKIP,   /* the platform cannot: a check of that result was added */
	JUDGE_BROKEN, /* the harness failed: likewise */
	JUDGE_READY,  /* *log is filled; the caller frees it */
};

/*
 * Is there this run?  one: see record_load.  If there is none, or it is broken (wanted, but it did
 * not take place; its emulator broke down), a check run/RUN of that property says so.
 */
enum judge_run judge_load(const struct judge *judge, const char *run, const char *one,
			  enum report_property property, struct record_log *log);
/* A file of lines beside it; empty if there is none. */
void judge_lines(const struct judge *judge, const char *run, const char *extension,
		 struct record_log *log);

void judge_fidelity(const struct judge *judge);
void judge_isa(const struct judge *judge);
void judge_isolation(const struct judge *judge);
void judge_pause(const struct judge *judge);
void judge_performance(const struct judge *judge);
void judge_time(const struct judge *judge);
void judge_loads(const struct judge *judge);
void judge_footprint(const struct judge *judge);
void judge_streams(const struct judge *judge);
void judge_systems(const struct judge *judge);
void judge_audit(const struct judge *judge);
/* Checks of which the platform says "cannot PATTERN WHY" become skips. */
void judge_cannot(const struct judge *judge);

#endif
