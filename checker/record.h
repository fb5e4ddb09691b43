/*
 * record.h - what came out of a machine's serial line
 *
 * Owns: cutting the bytes into lines, telling whose line it is, finding records and their fields.
 * Must not know: what a record means.
 *
 * Everything in it was written by a guest that may be hostile, or by a machine that broke down in
 * the middle of a line.  So: no line is trusted that does not carry the nonce of its speaker, an
 * unfinished last line is none, and numbers are exact or missing.
 */
#ifndef CHECKER_RECORD_H
#define CHECKER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_LINE_MAX 1000 /* longer ones are cut; their tail is dropped */

struct record_line {
	const char
	    *speaker; /* the VM, as the hypervisor says by "[name] "; "" the machine itself */
	const char *text;
};

struct record_log {
	struct record_line *line;
	size_t count;
	char *bytes;
	size_t unfinished; /* bytes behind the last newline */
};

/*
 * Read a file.  If one is set, the machine has no hypervisor and all lines are that speaker's.
 * False: it cannot be read.
 */
bool record_load(struct record_log *log, const char *path, const char *one);
/* The same for bytes; they are copied. */
void record_parse(struct record_log *log, const char *bytes, size_t size, const char *one);
void record_free(struct record_log *log);

/*
 * The text behind "@NONCE KIND" of the first record at or after line *at, which is moved behind it;
 * NULL: none.  kind "": any, from its kind on.
 */
const char *record_next(const struct record_log *log, size_t *at, const char *speaker,
			const char *nonce, const char *kind);

/* KEY=NUMBER (decimal or 0x) among the words of text.  False: not there, or not a number. */
bool record_number(const char *text, const char *key, uint64_t *value);
/* KEY=WORD, copied; false: not there or too long. */
bool record_word(const char *text, const char *key, char *word, size_t size);

/* Is there a line of this speaker that begins so?  The first one's rest, or NULL. */
const char *record_begins(const struct record_log *log, const char *speaker, const char *with);

#endif
