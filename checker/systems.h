/*
 * systems.h - three columns: what the manual says, what bare did, what virtual did
 *
 * Owns: reading the records of the system parts (guests/systems/systems.h has their form), and
 * the verdict on each.  Must not know: machines, files.
 *
 * SAME: as the manual says (as bare, where it is silent).  BETTER: so, and bare was not.
 * DEVIATES: as bare, and against the manual: the machine's own doing, listed, and nobody's fault.
 *  WORSE: against bare and the manual.
 */
#ifndef CHECKER_SYSTEMS_COMPARE_H
#define CHECKER_SYSTEMS_COMPARE_H

#include "record.h"
#include "report.h"

struct systems_run {
	const struct record_log *log;
	const char *speaker, *nonce;
};

/*
 * A check "GROUP/NAME" for each record of the virtual run and each that it lacks, and
 * "GROUP/complete.RUN": is it all there?
 */
void systems_compare(struct report *report, const char *group, const char *run,
		     const struct systems_run *bare, const struct systems_run *virtual,
		     const char *where);

#endif
