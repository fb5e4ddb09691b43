/*
 * mkskel.c - cuts holes into one file: mkskel FILE FOLDER <HOLES
 *
 * Owns: how a hole looks.  Must not know: which labs there are; tools/handout does.
 *
 * HOLES are lines "todo|given ID FUNCTION".  The function's comment and signature stay; its body
 * becomes a call of lab_todo(ID, FOLDER) or lab_given(ID), which do not return.  FUNCTION "-" is
 * the part of the file between the lines with "lab: ID" and "lab: end".
 * Statuses: 65 a hole does not fit, 64 usage, 74 I/O.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfunc.h"

enum { USAGE = 64, DOES_NOT_FIT = 65, IO_ERROR = 74 };

static void die(int status, const char *format, ...)
{
	va_list args;

	fputs("mkskel: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

/* Replaces text[from, to) by `with`; returns the new text, frees the old. */
static char *splice(char *text, size_t from, size_t to, const char *with)
{
	char *result;

	if (asprintf(&result, "%.*s%s%s", (int)from, text, with, text + to) < 0)
		die(IO_ERROR, "out of memory");
	free(text);
	return result;
}

static char *cut_function(char *text, const char *path, const char *id, const char *function,
			  const char *body)
{
	struct cfunc f;
	size_t count = cfunc_find(text, function, &f);

	if (count != 1)
		die(DOES_NOT_FIT, "hole %s: %s defines %s() %zu times, not once", id, path,
		    function, count);
	return splice(text, f.body, f.end, body);
}

/* The start of the next line that holds the words; *next is the line behind it. */
static size_t find_line(const char *text, size_t from, const char *words, size_t *next)
{
	const char *found = strstr(text + from, words), *line = found;

	while (line && line > text && line[-1] != '\n')
		line--;
	if (!found)
		return SIZE_MAX;
	*next = (size_t)(found - text) + strcspn(found, "\n");
	*next += text[*next] == '\n';
	return (size_t)(line - text);
}

/* The part of a file between its two marks, which stay. */
static char *cut_part(char *text, const char *path, const char *id)
{
	size_t begin, end = 0, next;
	char *mark;

	if (asprintf(&mark, "lab: %s ", id) < 0)
		die(IO_ERROR, "out of memory");
	if (find_line(text, 0, mark, &begin) != SIZE_MAX)
		end = find_line(text, begin, "lab: end", &next);
	free(mark);
	if (!end || end == SIZE_MAX)
		die(DOES_NOT_FIT, "hole %s: %s has no lines with \"lab: %s\" and \"lab: end\"", id,
		    path, id);
	return splice(text, begin, end, "\n");
}

static char *cut(char *text, const char *path, const char *folder, const char *how, const char *id,
		 const char *function)
{
	char *body;
	int size;

	if (!strcmp(function, "-"))
		return cut_part(text, path, id);
	if (!strcmp(how, "todo"))
		size = asprintf(&body, "{\n\tlab_todo(\"%s\", \"%s\");\n}", id, folder);
	else
		size = asprintf(&body, "{\n\tlab_given(\"%s\");\n}", id);
	if (size < 0)
		die(IO_ERROR, "out of memory");
	text = cut_function(text, path, id, function, body);
	free(body);
	return text;
}

/* After the last #include of the file. */
static char *add_include(char *text, const char *path, const char *include)
{
	size_t at = 0, after = 0;
	char *line;

	while (text[at]) {
		size_t next = cfunc_skip(text, at);

		if (text[at] == '#' && !strncmp(text + at, "#include", 8)) {
			if (memmem(text + at, next - at, include, strlen(include)))
				return text;
			after = next;
		}
		at = next;
	}
	if (!after)
		die(DOES_NOT_FIT, "%s has no #include line", path);
	if (asprintf(&line, "\n#include \"%s\"", include) < 0)
		die(IO_ERROR, "out of memory");
	text = splice(text, after, after, line);
	free(line);
	return text;
}

int main(int argc, char **argv)
{
	char line[512], how[16], id[64], function[256], *text;
	FILE *out;

	if (argc != 3)
		die(USAGE, "usage: mkskel FILE FOLDER <HOLES");
	text = cfunc_read(argv[1]);
	if (!text)
		die(DOES_NOT_FIT, "cannot read %s: %s", argv[1], strerror(errno));
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%15s %63s %255s", how, id, function) != 3)
			die(DOES_NOT_FIT, "not a hole \"todo|given id function\": %s", line);
		text = cut(text, argv[1], argv[2], how, id, function);
		if (strcmp(function, "-"))
			text = add_include(text, argv[1], "lib/lab.h");
	}
	out = fopen(argv[1], "w");
	if (!out || fputs(text, out) < 0 || fclose(out))
		die(IO_ERROR, "cannot write %s: %s", argv[1], strerror(errno));
	free(text);
	return 0;
}
