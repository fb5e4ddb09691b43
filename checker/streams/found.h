/*
 * found.h - from records of two runs to a case that is as small as it can be
 *
 * Owns: which blocks and cases differ, what is tried to make a case smaller, which of the attempts
 * is the best one.
 * Must not know: how machines are run (shrink.sh), how cases are run.
 */
#ifndef CHECKER_STREAMS_FOUND_H
#define CHECKER_STREAMS_FOUND_H

#include <stdio.h>

#include "guests/streams/case.h"
#include "record.h"

/* Who says it: the records of one run of the probe. */
struct found_run {
	const struct record_log *log;
	const char *speaker, *nonce;
};

/*
 * Records KIND whose number (the word behind KIND, or first=) is in both runs, but with other text;
 * or only in one.  Calls each with the number and both texts, NULL: not there.  Returns how many.
 */
unsigned found_differ(const struct found_run *bare, const struct found_run *virtual,
		      const char *kind,
		      void (*each)(void *context, uint64_t number, const char *bare_text,
				   const char *virtual_text),
		      void *context);

/* How much there is to understand: less is better. */
unsigned found_weight(const struct stream_case *c);

/*
 * The n-th attempt to make c smaller: units left out, values as they are by default, fewer of both.
 * False: there is none.
 */
bool found_attempt(const struct stream_case *c, unsigned n, struct stream_case *smaller);

#endif
