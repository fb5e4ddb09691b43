/*
 * compare.h - the same image, bare and virtual: are the records the same?
 *
 * Owns: transcripts of the self-test, lists of census cases, and the verdict line by line.
 * Must not know: machines, files.
 */
#ifndef CHECKER_COMPARE_H
#define CHECKER_COMPARE_H

#include "record.h"
#include "report.h"

/* From "1..N" to "# end selftest": lines that begin with "# " are declared to differ, and counted.
 */
struct transcript {
	unsigned plan;	   /* N; 0: no plan was seen */
	const char **line; /* of checks, and of whatever else was said */
	size_t count;
	unsigned declared;
	bool ended;
	bool twice; /* there are two plans: somebody started again */
};

void compare_read(struct transcript *t, const struct record_log *log, const char *speaker);
void compare_free(struct transcript *t);

/* One check for each line and one for completeness ("selftest/complete"). */
void compare_transcripts(struct report *report, const struct transcript *bare,
			 const struct transcript *virtual, const char *where);

/*
 * Census records: "case NAME got=WORD [manual=WORD]" and "flags NAME got=0xMASK".
 *
 * case: equal to bare is SAME, but where the manual is given it must hold too, unless declared;
 *	 else equal to the manual is BETTER; else declared, or WORSE.
 * flags: bits that only bare has are HIDDEN and must be declared; bits that only the virtual
 *machine has are WORSE. declared: lines "NAME REASON" or "NAME 0xMASK REASON"; # begins a comment.
 */
struct census {
	const struct record_log *log;
	const char *speaker, *nonce;
};
void compare_census(struct report *report, const struct census *bare, const struct census *virtual,
		    const char *declared, const char *where);

#endif
