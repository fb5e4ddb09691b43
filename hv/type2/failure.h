/*
 * failure.h - why we cannot go on: one sentence, and the status that says what kind it is
 *
 * Owns: how the parts of espejo-vm tell main.c what is missing.
 * Must not know: who hears it.
 *
 * Source of the statuses: sysexits.h(3head).
 */
#ifndef ESPEJO_TYPE2_FAILURE_H
#define ESPEJO_TYPE2_FAILURE_H

#include "compiler.h"

#define FAILURE_TEXT 256

enum failure_status {
	FAILURE_USAGE = 64,	    /* the command line makes no sense */
	FAILURE_DATA = 65,	    /* a file is not what it should be */
	FAILURE_NO_INPUT = 66,	    /* a file is not there or cannot be read */
	FAILURE_UNAVAILABLE = 69,   /* this machine lacks something */
	FAILURE_SOFTWARE = 70,	    /* a bug of ours */
	FAILURE_OS = 71,	    /* the system refuses what it should give */
	FAILURE_CANNOT_CREATE = 73, /* an output file */
	FAILURE_IO = 74,
	FAILURE_TEMPORARY = 75, /* somebody else has it at the moment */
	FAILURE_NO_PERMISSION = 77,
};

struct failure {
	u8 status; /* enum failure_status; 0: none */
	char text[FAILURE_TEXT];
};

/* Always false, so that a function can end with it. */
bool failure_set(struct failure *failure, enum failure_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The same for a file that could not be opened: by errno. */
bool failure_of_file(struct failure *failure, const char *path);

#endif
