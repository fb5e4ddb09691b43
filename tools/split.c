/*
 * split.c - takes functions of a C file apart, to be compiled alone and linked again
 *
 *	split open FILE NAME...   FILE without the functions NAME: they are declared only
 *	split only FILE NAME...   the functions NAME of FILE; all its others are declared only
 *
 * Compiled, what "open" leaves and what "only" gives link to what FILE was.  So one exercise can be
 * a student's while the others come as object code, and neither side needs the other's source.
 *
 * Owns: what must change for that: what is static gets a name for the linker that no other file has
 * (hv/amd/svm.c, probe: hv.amd.svm.c.probe), and is defined on one side only.
 * Must not know: labs; tools/given does.
 *
 * The text goes to standard output, with #line directives for messages of the compiler.
 * What is constant, and functions that are inline, stand on both sides as they are.
 * It relies on the house style: an external declaration starts in the first column.
 * Statuses: 64 usage, 65 no such function, or several; 74 I/O.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfunc.h"

enum { USAGE = 64, DOES_NOT_FIT = 65, IO_ERROR = 74 };

/* What is done. */
static const char *path, *text;
static char prefix[512];
static char **names;
static int name_count;
static bool only;

static void die(int status, const char *format, ...)
{
	va_list args;

	fputs("split: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool same_word(size_t at, const char *word)
{
	return !strncmp(text + at, word, strlen(word)) && !is_word(text[at + strlen(word)]);
}

static bool is_named(const char *name)
{
	for (int i = 0; i < name_count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Does a word stand in text[at, end), outside of comments and brackets? */
static bool has_word(size_t at, size_t end, const char *word)
{
	int depth = 0;

	while (at < end) {
		if (is_word(text[at]) && !depth && same_word(at, word))
			return true;
		depth += strchr("({[", text[at]) ? 1 : strchr(")}]", text[at]) ? -1 : 0;
		at = cfunc_skip(text, at);
	}
	return false;
}

static size_t skip_group(size_t at)
{
	int depth = 0;

	do {
		depth += strchr("({[", text[at]) ? 1 : strchr(")}]", text[at]) ? -1 : 0;
		at = cfunc_skip(text, at);
	} while (depth && text[at]);
	return at;
}

static size_t skip_blank(size_t at)
{
	while (text[at] && cfunc_is_blank(text, at))
		at = cfunc_skip(text, at);
	return at;
}

static void label(const char *name, size_t len)
{
	printf(" __asm__(\"%s.%.*s\")", prefix, (int)len, name);
}

/* text[at, end) but for the word "static". */
static void without_static(size_t at, size_t end)
{
	bool seen = false;

	while (at < end) {
		size_t next = cfunc_skip(text, at);

		if (!seen && same_word(at, "static")) {
			seen = true;
			next += text[next] == ' ';
		} else {
			printf("%.*s", (int)(next - at), text + at);
		}
		at = next;
	}
}

/* Messages speak of the line of FILE at which text[at] stands. */
static void line_of(size_t at)
{
	unsigned line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	printf("\n#line %u \"%s\"\n", line, path);
}

/* ---- Functions ----------------------------------------------------------------------------- */

/* Each side has its own copy. */
static bool is_inline(const struct cfunc *f)
{
	static const char *const word[] = { "inline", "ALWAYS_INLINE", "__inline__" };

	for (size_t i = 0; i < sizeof(word) / sizeof(*word); i++)
		if (has_word(f->start, f->params, word[i]))
			return true;
	return false;
}

static void prototype(const struct cfunc *f, const char *name)
{
	size_t end = f->body;

	while (end > f->start && isspace((unsigned char)text[end - 1]))
		end--;
	without_static(f->start, end);
	if (has_word(f->start, f->params, "static"))
		label(name, strlen(name));
	puts(";");
}

static void function(const struct cfunc *f, const char *name)
{
	bool is_static = has_word(f->start, f->params, "static");

	if (is_inline(f)) {
		printf("%.*s", (int)(f->end - f->start), text + f->start);
		return;
	}
	if (is_static || is_named(name) != only)
		prototype(f, name);
	if (is_named(name) == only) {
		line_of(f->start);
		without_static(f->start, f->end);
	}
	line_of(f->end);
}

/* ---- Data ---------------------------------------------------------------------------------- */

/* The end of the declarator at text[at], behind its name and what is in brackets behind that. */
static size_t declarator(size_t at, size_t *name, size_t *len)
{
	*len = 0;
	while (text[at] && !strchr("=,;", text[at])) {
		size_t next = cfunc_skip(text, at);

		if (text[at] == '(' && text[skip_blank(at + 1)] == '*') {
			declarator(at + 1, name, len); /* of a pointer to functions */
			next = skip_group(at);
			at = skip_blank(next);
			return text[at] == '(' ? skip_group(at) : next;
		}
		if (is_word(text[at])) {
			*name = at;
			*len = next - at;
			at = skip_blank(next);
			while (text[at] == '[') {
				next = skip_group(at);
				at = skip_blank(next);
			}
			/* "u32 a": the type was no name */
			if (!is_word(text[at]) && text[at] != '*' && text[at] != '{' &&
			    !(text[at] == '(' && text[skip_blank(at + 1)] == '*'))
				return next;
			if (is_word(text[at]) && isupper((unsigned char)text[at]) &&
			    *len > 0 && text[skip_group(at)] == '(')
				return next; /* an attribute's macro: ALIGNED(64) */
			continue;
		}
		if (text[at] == '{')
			next = skip_group(at);
		at = next;
	}
	return at;
}

static size_t skip_initializer(size_t at)
{
	while (text[at] && text[at] != ',' && text[at] != ';')
		at = strchr("({[", text[at]) ? skip_group(at) : cfunc_skip(text, at);
	return at;
}

/* Nothing of it changes: the last pointer, or without one the whole, is const. */
static bool is_const(size_t at, size_t end)
{
	bool is = false;

	while (at < end && text[at] != '=') {
		if (text[at] == '*')
			is = false;
		else if (same_word(at, "const"))
			is = true;
		at = text[at] == '{' ? skip_group(at) : cfunc_skip(text, at);
	}
	return is;
}

static void data(size_t at, size_t end)
{
	bool is_static = same_word(at, "static");
	size_t name, len;

	if (is_static ? is_const(at, end) : !only) {
		printf("%.*s", (int)(end - at), text + at);
		return;
	}
	if (only)
		fputs("extern ", stdout);
	for (;;) {
		size_t next = declarator(at, &name, &len), from;

		without_static(at, next);
		if (len && is_static)
			label(text + name, len);
		from = next;
		while (text[next] && !strchr("=,;", text[next])) /* attributes */
			next = strchr("([", text[next]) ? skip_group(next) : cfunc_skip(text, next);
		printf("%.*s", (int)(next - from), text + from);
		from = next;
		next = skip_initializer(next);
		if (!only)
			printf("%.*s", (int)(next - from), text + from);
		putchar(text[next]);
		if (text[next] != ',')
			break;
		at = next + 1;
	}
	line_of(end);
}

/* ---- A file -------------------------------------------------------------------------------- */

/* "static int f(int);": the '(' behind its name; 0 if it is none. */
static size_t prototype_params(size_t at, size_t end)
{
	size_t word = 0;

	for (; at < end && text[at] != '=' && text[at] != '['; at = cfunc_skip(text, at)) {
		if (text[at] == '{')
			return 0;
		if (text[at] == '(')
			return word && text[skip_blank(at + 1)] != '*' ? at : 0;
		if (is_word(text[at]))
			word = at;
	}
	return 0;
}

/* "struct a { .. };", "enum b { .. };", "typedef ..;", "extern ..;": nothing that takes room. */
static bool is_type(size_t at)
{
	if (same_word(at, "typedef") || same_word(at, "extern"))
		return true;
	if (!same_word(at, "struct") && !same_word(at, "union") && !same_word(at, "enum"))
		return false;
	at = skip_blank(cfunc_skip(text, at));
	while (is_word(text[at])) { /* attributes, a tag */
		bool attribute = isupper((unsigned char)text[at]) || same_word(at, "__attribute__");

		at = skip_blank(cfunc_skip(text, at));
		if (attribute && text[at] == '(')
			at = skip_blank(skip_group(at));
		else if (!attribute)
			break;
	}
	if (text[at] == '{')
		at = skip_blank(skip_group(at));
	while (isupper((unsigned char)text[at])) { /* PACKED; ALIGNED(64); */
		at = cfunc_skip(text, at);
		at = skip_blank(text[at] == '(' ? skip_group(at) : at);
	}
	return text[at] == ';';
}

static size_t declaration_end(size_t at)
{
	while (text[at] && text[at] != ';')
		at = strchr("({[", text[at]) ? skip_group(at) : cfunc_skip(text, at);
	return text[at] ? at + 1 : at;
}

static void declaration(size_t at, size_t end)
{
	size_t params = prototype_params(at, end), word = params;
	char name[256];
	struct cfunc f;

	if (!params && !is_type(at)) {
		data(at, end);
		return;
	}
	if (!same_word(at, "static")) {
		printf("%.*s", (int)(end - at), text + at);
		return;
	}
	while (word > at && !is_word(text[word - 1]))
		word--;
	while (word > at && is_word(text[word - 1]))
		word--;
	snprintf(name, sizeof(name), "%.*s", (int)(cfunc_skip(text, word) - word), text + word);
	if (cfunc_find(text, name, &f) && is_inline(&f)) {
		printf("%.*s", (int)(end - at), text + at);
		return;
	}
	params = skip_group(params);
	without_static(at, params);
	label(name, strlen(name));
	printf("%.*s", (int)(end - params), text + params);
}

static void split(void)
{
	size_t at = 0;

	printf("#line 1 \"%s\"\n", path);
	while (text[at]) {
		size_t end = skip_blank(at);
		char name[256];
		struct cfunc f;

		printf("%.*s", (int)(end - at), text + at);
		at = end;
		if (!text[at])
			return;
		if (cfunc_next(text, at, &f, name, sizeof(name)) && f.start == at) {
			function(&f, name);
			at = f.end;
		} else {
			end = declaration_end(at);
			declaration(at, end);
			at = end;
		}
	}
}

static void set_prefix(void)
{
	size_t i = 0;

	for (const char *c = path; *c && i + 1 < sizeof(prefix); c++)
		prefix[i++] = is_word(*c) ? *c : '.';
	prefix[i] = 0;
}

int main(int argc, char **argv)
{
	struct cfunc f;

	if (argc < 3 || (strcmp(argv[1], "open") && strcmp(argv[1], "only")))
		die(USAGE, "usage: split open|only FILE NAME...");
	only = !strcmp(argv[1], "only");
	path = argv[2];
	names = argv + 3;
	name_count = argc - 3;
	text = cfunc_read(path);
	if (!text)
		die(DOES_NOT_FIT, "cannot read %s: %s", path, strerror(errno));
	for (int i = 0; i < name_count; i++) {
		if (cfunc_find(text, names[i], &f) != 1)
			die(DOES_NOT_FIT, "%s does not define %s() once", path, names[i]);
		if (is_inline(&f))
			die(DOES_NOT_FIT, "%s(), in %s, is inline", names[i], path);
	}
	set_prefix();
	split();
	if (fflush(stdout) || ferror(stdout))
		die(IO_ERROR, "cannot write: %s", strerror(errno));
	return 0;
}
