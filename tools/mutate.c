/*
 * mutate.c - applies one seeded bug to a tree: mutate MUTANT-FILE TREE
 *
 * Owns: the format of mutant files.  Must not know: who builds and judges the tree.
 *
 * A mutant file is plain text: lines "key: value", and two blocks of text that
 * are taken as they stand, each between a line "old:" or "new:" and a line ".":
 *
 *	file: hv/amd/svm.c
 *	function: svm_adjust
 *	property: isolation
 *	check: hostile
 *	why: the guest may then read the host's ports
 *	old:
 *		wanted |= ctl;
 *	.
 *	new:
 *		wanted |= 0;
 *	.
 *
 * The old text must occur exactly once inside that function, signature included.
 * A line that is a lone dot is written "..".  Lines that start with # before the
 * first block are comments.  Statuses: 65 the mutant does not fit, 64 usage, 74 I/O.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfunc.h"

enum { USAGE = 64, DOES_NOT_FIT = 65, IO_ERROR = 74 };

struct mutant {
	const char *source; /* the mutant file's name */
	char *file, *function, *property, *check, *why, *old_text, *new_text;
};

static void die(int status, const char *format, ...)
{
	va_list args;

	fputs("mutate: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static char **field(struct mutant *m, const char *key)
{
	struct {
		const char *key;
		char **value;
	} fields[] = {
		{ "file", &m->file },	 { "function", &m->function }, { "property", &m->property },
		{ "check", &m->check },	 { "why", &m->why },	       { "old", &m->old_text },
		{ "new", &m->new_text },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(fields[i].key, key))
			return fields[i].value;
	return NULL;
}

/* Cuts the line at *text off and moves on; NULL at the end. */
static char *next_line(char **text)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!*line)
		return NULL;
	*text = end ? end + 1 : line + strlen(line);
	if (end)
		*end = 0;
	return line;
}

/* The lines up to the lone dot, joined, without the last newline. */
static char *read_block(struct mutant *m, char **text, const char *key)
{
	char *block = calloc(1, strlen(*text) + 2), *line;
	size_t len = 0;

	while ((line = next_line(text))) {
		if (!strcmp(line, ".")) {
			if (len)
				block[len - 1] = 0;
			return block;
		}
		if (!strcmp(line, ".."))
			line++;
		len += (size_t)sprintf(block + len, "%s\n", line);
	}
	die(DOES_NOT_FIT, "%s: the block \"%s:\" is not closed by a line \".\"", m->source, key);
	return NULL;
}

static void parse_line(struct mutant *m, char *line, char **text)
{
	char *colon = strchr(line, ':'), *value, **slot;

	if (!*line || *line == '#')
		return;
	if (!colon)
		die(DOES_NOT_FIT, "%s: not a line \"key: value\": %s", m->source, line);
	*colon = 0;
	value = colon + 1 + strspn(colon + 1, " \t");
	slot = field(m, line);
	if (!slot)
		die(DOES_NOT_FIT, "%s: unknown key \"%s\"", m->source, line);
	if (*slot)
		die(DOES_NOT_FIT, "%s: \"%s\" is given twice", m->source, line);
	if (slot == &m->old_text || slot == &m->new_text)
		*slot = *value ? value : read_block(m, text, line);
	else
		*slot = value;
}

static void parse(struct mutant *m, char *text)
{
	const char *required[] = { "file", "function", "property", "check", "why", "old", "new" };
	char *line;

	while ((line = next_line(&text)))
		parse_line(m, line, &text);
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (!*field(m, required[i]))
			die(DOES_NOT_FIT, "%s: no \"%s\"", m->source, required[i]);
	if (!*m->old_text)
		die(DOES_NOT_FIT, "%s: the old text is empty", m->source);
	if (!strcmp(m->old_text, m->new_text))
		die(DOES_NOT_FIT, "%s: the new text is the old one", m->source);
	if (m->file[0] == '/' || strstr(m->file, ".."))
		die(DOES_NOT_FIT, "%s: the file must lie inside the tree: %s", m->source, m->file);
}

/* The only place of the old text in the function; other counts are an error. */
static size_t locate(const struct mutant *m, const char *text, const struct cfunc *f)
{
	size_t count = 0, at = 0;
	const char *hit = text + f->start;

	while ((hit = strstr(hit, m->old_text)) &&
	       (size_t)(hit - text) + strlen(m->old_text) <= f->end) {
		at = (size_t)(hit++ - text);
		count++;
	}
	if (count != 1)
		die(DOES_NOT_FIT, "%s: the old text occurs %zu times in %s() of %s, not once",
		    m->source, count, m->function, m->file);
	return at;
}

static void apply(const struct mutant *m, const char *tree)
{
	char path[4096], *text;
	struct cfunc f;
	size_t count, at;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", tree, m->file);
	text = cfunc_read(path);
	if (!text)
		die(DOES_NOT_FIT, "%s: cannot read %s: %s", m->source, path, strerror(errno));
	count = cfunc_find(text, m->function, &f);
	if (count != 1)
		die(DOES_NOT_FIT, "%s: %s defines %s() %zu times, not once", m->source, m->file,
		    m->function, count);
	at = locate(m, text, &f);
	file = fopen(path, "w");
	if (!file)
		die(IO_ERROR, "cannot write %s: %s", path, strerror(errno));
	fwrite(text, 1, at, file);
	fputs(m->new_text, file);
	fputs(text + at + strlen(m->old_text), file);
	if (fclose(file))
		die(IO_ERROR, "cannot write %s: %s", path, strerror(errno));
	free(text);
}

int main(int argc, char **argv)
{
	struct mutant m = { 0 };
	char *text;

	if (argc != 3)
		die(USAGE, "usage: mutate MUTANT-FILE TREE");
	m.source = argv[1];
	text = cfunc_read(argv[1]);
	if (!text)
		die(DOES_NOT_FIT, "cannot read %s: %s", argv[1], strerror(errno));
	parse(&m, text);
	apply(&m, argv[2]);
	printf("%s: %s() of %s changed; property %s, check %s\n", m.source, m.function, m.file,
	       m.property, m.check);
	free(text);
	return 0;
}
