/*
 * options.h - what a container is asked to be, and the words in which it complains
 *
 * Owns: the command line, the sentences of errors.
 * Must not know: how any of it is done: container.c.
 */
#ifndef ESPEJO_CONTAINER_OPTIONS_H
#define ESPEJO_CONTAINER_OPTIONS_H

#include "compiler.h"

#define OPTIONS_DEVICES_MAX 4
#define OPTIONS_PATH 4096

/* 0: no limit. */
struct options {
	u64 memory; /* bytes, of all processes together */
	unsigned cpu_percent; /* of one CPU */
	unsigned pids; /* processes and threads */
	const char *hostname;
	bool host_network; /* the host's instead of an empty one */
	const char *device[OPTIONS_DEVICES_MAX]; /* nodes of the host that are in /dev as well */
	unsigned device_count;
	char root[OPTIONS_PATH]; /* absolute */
	char **command;
};

/* arg: words of the command line, NULL behind the last.  What makes no sense ends the program. */
void options_parse(struct options *o, char *arg[]);

/* Says "container: ", the sentence and what errno means; ends with status (sysexits(3)). */
void options_die(int status, const char *sentence, ...) NORETURN PRINTF_LIKE(2, 3);

#endif
