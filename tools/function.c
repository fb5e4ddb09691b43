/*
 * function.c - takes one function out of a C file, or puts one in
 *
 *	function print FILE NAME           its comment and definition
 *	function lines FILE NAME           the number of lines of its body
 *	function graft FILE NAME FROM      FILE's definition becomes that of FROM
 *	function same FILE NAME FROM       status 0 if both are the same text, 1 if not
 *
 * Owns: what belongs to a function: the comment that touches it, its signature, its body.
 * Must not know: labs and slides, which use it (tools/grade, slides/).
 * Statuses: 65 there is no such function, or several; 64 usage; 74 I/O.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfunc.h"

enum { USAGE = 64, DOES_NOT_FIT = 65, IO_ERROR = 74 };

static char *find(const char *path, const char *name, struct cfunc *f)
{
	char *text = cfunc_read(path);
	size_t count;

	if (!text) {
		fprintf(stderr, "function: cannot read %s: %s\n", path, strerror(errno));
		exit(DOES_NOT_FIT);
	}
	count = cfunc_find(text, name, f);
	if (count != 1) {
		fprintf(stderr, "function: %s defines %s() %zu times, not once\n", path, name,
			count);
		exit(DOES_NOT_FIT);
	}
	return text;
}

/* Where the comment starts that ends on the line before `start`; `start` if there is none. */
static size_t comment_of(const char *text, size_t start)
{
	size_t at = 0, comment = start;

	while (at < start) {
		size_t next = cfunc_skip(text, at);

		if (text[at] == '/' && next > at + 1 && next + 1 == start && text[next] == '\n')
			comment = at;
		at = next;
	}
	return comment;
}

static int print(const char *path, const char *name)
{
	struct cfunc f;
	char *text = find(path, name, &f);
	size_t from = comment_of(text, f.start);

	printf("%.*s\n", (int)(f.end - from), text + from);
	return 0;
}

static int lines(const char *path, const char *name)
{
	struct cfunc f;
	char *text = find(path, name, &f);
	unsigned count = 0;

	/* Between the braces. */
	for (size_t i = f.body; i < f.end; i++)
		count += text[i] == '\n';
	printf("%u\n", count ? count - 1 : 0);
	return 0;
}

static int graft(const char *path, const char *name, const char *from)
{
	struct cfunc here, there;
	char *text = find(path, name, &here), *other = find(from, name, &there);
	FILE *out = fopen(path, "w");

	if (!out || fprintf(out, "%.*s%.*s%s", (int)here.start, text,
			    (int)(there.end - there.start), other + there.start,
			    text + here.end) < 0 ||
	    fclose(out)) {
		fprintf(stderr, "function: cannot write %s: %s\n", path, strerror(errno));
		return IO_ERROR;
	}
	return 0;
}

static int same(const char *path, const char *name, const char *from)
{
	struct cfunc here, there;
	char *text = find(path, name, &here), *other = find(from, name, &there);
	size_t len = here.end - here.start;

	return len != there.end - there.start ||
	       memcmp(text + here.start, other + there.start, len) != 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "print"))
		return print(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "lines"))
		return lines(argv[2], argv[3]);
	if (argc == 5 && !strcmp(argv[1], "graft"))
		return graft(argv[2], argv[3], argv[4]);
	if (argc == 5 && !strcmp(argv[1], "same"))
		return same(argv[2], argv[3], argv[4]);
	fputs("usage: function print|lines FILE NAME | graft|same FILE NAME FROM\n", stderr);
	return USAGE;
}
