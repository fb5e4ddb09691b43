/*
 * mkskel.c - cuts holes into one C file: mkskel FILE INCLUDE UNUSED <HOLES
 *
 * Owns: how a hole looks.  Must not know: which labs there are; tools/mkskel does.
 *
 * HOLES are lines "id function".  The function's comment and signature stay; its
 * body becomes a call of lab_todo(id), which does not return.  INCLUDE is the
 * header that declares it; UNUSED the attribute put on static helpers and tables
 * that only the cut bodies used: they stay, because the solution may use them.
 * Statuses: 65 a hole does not fit, 64 usage, 74 I/O.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
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

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool same_word(const char *text, size_t at, const char *word)
{
	return !strncmp(text + at, word, strlen(word)) && !is_word(text[at + strlen(word)]);
}

/* Writes the cast of one parameter: its name is the last word outside of brackets,
 * or the first after "(*" of a pointer to a function. */
static void void_cast(FILE *out, const char *text, size_t at, size_t end)
{
	size_t name = 0, len = 0, words = 0;
	int depth = 0;

	while (at < end) {
		size_t next = cfunc_skip(text, at);

		depth += strchr("([", text[at]) ? 1 : strchr(")]", text[at]) ? -1 : 0;
		if (text[at] == '(' && text[at + 1] == '*' && depth == 1) {
			name = at + 2;
			len = cfunc_skip(text, name) - name;
			words = 2;
			break;
		}
		if (is_word(text[at]) && !depth && !same_word(text, at, "UNUSED")) {
			name = at;
			len = next - at;
			words++;
		}
		at = next;
	}
	if (words > 1 || (len && !same_word(text, name, "void")))
		fprintf(out, "\t(void)%.*s;\n", (int)len, text + name);
}

/* The new body, with a cast for each parameter, so that none is unused. */
static char *hole(const char *text, const struct cfunc *f, const char *id)
{
	size_t at = f->params + 1, start = at, size;
	int depth = 0;
	char *body;
	FILE *out = open_memstream(&body, &size);

	fputs("{\n", out);
	for (; depth >= 0; at = cfunc_skip(text, at)) {
		bool closes = text[at] == ')' && !depth;

		if (closes || (text[at] == ',' && !depth)) {
			void_cast(out, text, start, at);
			start = at + 1;
		}
		depth += strchr("([", text[at]) ? 1 : strchr(")]", text[at]) ? -1 : 0;
	}
	fprintf(out, "\tlab_todo(\"%s\");\n}", id);
	fclose(out);
	return body;
}

static char *cut(char *text, const char *path, const char *id, const char *function)
{
	struct cfunc f;
	size_t count = cfunc_find(text, function, &f);
	char *body;

	if (count != 1)
		die(DOES_NOT_FIT, "hole %s: %s defines %s() %zu times, not once", id, path,
		    function, count);
	body = hole(text, &f, id);
	text = splice(text, f.body, f.end, body);
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

static bool is_used(const char *text, const char *word, size_t from, size_t to);

/* A member's name is another thing that happens to be called the same. */
static bool is_member(const char *text, size_t at)
{
	return at && (text[at - 1] == '.' || (at > 1 && !strncmp(text + at - 2, "->", 2)));
}

/* Does a directive use the word?  A macro does if the macro itself is used. */
static bool directive_uses(const char *text, size_t at, size_t end, const char *word)
{
	char macro[256];

	if (!memmem(text + at, end - at, word, strlen(word)))
		return false;
	if (sscanf(text + at, "#define %255[A-Za-z0-9_]", macro) != 1 || !strcmp(macro, word))
		return true;
	return is_used(text, macro, at, end);
}

/* Is the word used anywhere outside [from, to), comments and prototypes apart? */
static bool is_used(const char *text, const char *word, size_t from, size_t to)
{
	size_t at = 0;
	int depth = 0;

	while (text[at]) {
		size_t next = cfunc_skip(text, at);

		if (at >= from && at < to) {
			at = to;
			continue;
		}
		if (text[at] == '#' && next > at + 1) {
			if (directive_uses(text, at, next, word))
				return true;
		} else if (text[at] == '{') {
			depth++;
		} else if (text[at] == '}') {
			depth--;
		} else if (is_word(text[at]) && same_word(text, at, word) && !is_member(text, at)) {
			size_t before = at;

			while (before && text[before - 1] != '\n')
				before--;
			/* At the top level a prototype starts its line; a use does not. */
			if (depth > 0 || strncmp(text + before, "static", 6))
				return true;
		}
		at = next;
	}
	return false;
}

/* The name declared by the static data declaration at `start`. */
static bool data_name(const char *text, size_t start, char *name, size_t size, size_t *end)
{
	size_t at = start, word = 0, len = 0;
	bool settled = false;
	int depth = 0;

	while (text[at] && (depth || text[at] != ';')) {
		size_t next = cfunc_skip(text, at);

		if (text[at] == '=' || text[at] == '[')
			settled = settled || !depth;
		depth += strchr("({[", text[at]) ? 1 : strchr(")}]", text[at]) ? -1 : 0;
		if (!settled && !depth && is_word(text[at])) {
			word = at;
			len = next - at;
		}
		at = next;
	}
	snprintf(name, size, "%.*s", (int)len, text + word);
	*end = at;
	return len > 0;
}

/*
 * Marks the first static function or datum that nothing uses any more; returns
 * NULL when there is none.  Only those that were used in the original count, as
 * a file that built had no others.
 */
static char *mark_one(char **text, const char *unused)
{
	char name[256], mark[128], *t = *text;
	size_t at = 0, end;
	struct cfunc f;

	snprintf(mark, sizeof(mark), " %s", unused);
	for (; t[at]; at = cfunc_skip(t, at)) {
		struct cfunc next;

		if ((at && t[at - 1] != '\n') || !same_word(t, at, "static"))
			continue;
		if (!strncmp(t + at + 6, mark, strlen(mark)))
			continue;
		if (cfunc_next(t, at, &next, name, sizeof(name)) && next.start == at) {
			f = next;
			end = f.end;
		} else if (!data_name(t, at, name, sizeof(name), &end)) {
			continue;
		}
		if (is_used(t, name, at, end))
			continue;
		*text = splice(t, at + 6, at + 6, mark);
		return *text;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	char line[512], id[64], function[256], *text;
	FILE *out;

	if (argc != 4)
		die(USAGE, "usage: mkskel FILE INCLUDE UNUSED <HOLES");
	text = cfunc_read(argv[1]);
	if (!text)
		die(DOES_NOT_FIT, "cannot read %s: %s", argv[1], strerror(errno));
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%63s %255s", id, function) != 2)
			die(DOES_NOT_FIT, "not a hole \"id function\": %s", line);
		text = cut(text, argv[1], id, function);
	}
	text = add_include(text, argv[1], argv[2]);
	while (mark_one(&text, argv[3]))
		;
	out = fopen(argv[1], "w");
	if (!out || fputs(text, out) < 0 || fclose(out))
		die(IO_ERROR, "cannot write %s: %s", argv[1], strerror(errno));
	free(text);
	return 0;
}
