/*
 * cfunc.c - finds a function's definition in the text of a C file
 *
 * Owns and must not know: see cfunc.h.
 */
#include "cfunc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A preprocessor directive with its continuation lines, and comments in it. */
static size_t skip_directive(const char *text, size_t at)
{
	while (text[at] && text[at] != '\n') {
		if (text[at] == '\\' && text[at + 1])
			at += 2;
		else if (text[at] == '/' && text[at + 1] == '*')
			at = cfunc_skip(text, at);
		else
			at++;
	}
	return at;
}

static size_t skip_literal(const char *text, size_t at)
{
	char quote = text[at++];

	while (text[at] && text[at] != quote && text[at] != '\n')
		at += text[at] == '\\' && text[at + 1] ? 2 : 1;
	return text[at] == quote ? at + 1 : at;
}

static bool starts_line(const char *text, size_t at)
{
	while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'))
		at--;
	return at == 0 || text[at - 1] == '\n';
}

static bool is_directive(const char *text, size_t at)
{
	return text[at] == '#' && starts_line(text, at);
}

size_t cfunc_skip(const char *text, size_t at)
{
	const char *close;

	if (is_directive(text, at))
		return skip_directive(text, at);
	if (text[at] == '/' && text[at + 1] == '/')
		return at + strcspn(text + at, "\n");
	if (text[at] == '/' && text[at + 1] == '*') {
		close = strstr(text + at + 2, "*/");
		return close ? (size_t)(close - text) + 2 : at + strlen(text + at);
	}
	if (text[at] == '"' || text[at] == '\'')
		return skip_literal(text, at);
	if (!is_word(text[at]))
		return at + 1;
	while (is_word(text[at]))
		at++;
	return at;
}

bool cfunc_is_blank(const char *text, size_t at)
{
	return isspace((unsigned char)text[at]) || is_directive(text, at) ||
	       (text[at] == '/' && (text[at + 1] == '/' || text[at + 1] == '*'));
}

static size_t skip_blank(const char *text, size_t at)
{
	while (text[at] && cfunc_is_blank(text, at))
		at = cfunc_skip(text, at);
	return at;
}

/* From an opening bracket to just after the matching one. */
static size_t skip_group(const char *text, size_t at)
{
	int depth = 0;

	while (text[at]) {
		if (strchr("({[", text[at]))
			depth++;
		else if (strchr(")}]", text[at]))
			depth--;
		at = cfunc_skip(text, at);
		if (!depth)
			break;
	}
	return at;
}

/*
 * Looks at one external declaration that starts at `start`.  Returns its end;
 * *defines says whether it is a function's definition.
 */
static size_t declaration(const char *text, size_t start, struct cfunc *f, bool *defines,
			  char *name, size_t size)
{
	size_t at = start, word = start, word_end = start;
	bool has_params = false, data = false;

	*defines = false;
	while (text[at] && text[at] != ';') {
		if (text[at] == '(' && !has_params && word_end > word &&
		    strncmp(text + word, "__attribute__", 13)) {
			f->params = at;
			has_params = true;
			snprintf(name, size, "%.*s", (int)(word_end - word), text + word);
			at = skip_group(text, at);
		} else if (text[at] == '{') {
			size_t end = skip_group(text, at);

			if (has_params && !data) {
				f->start = start;
				f->body = at;
				f->end = end;
				*defines = true;
				return end;
			}
			at = end;
		} else if (strchr("([", text[at])) {
			at = skip_group(text, at);
		} else {
			data = data || text[at] == '=';
			if (is_word(text[at]) && !has_params) {
				word = at;
				word_end = cfunc_skip(text, at);
			}
			at = cfunc_skip(text, at);
		}
	}
	return text[at] ? at + 1 : at;
}

bool cfunc_next(const char *text, size_t from, struct cfunc *f, char *name, size_t size)
{
	bool defines;

	while (text[from = skip_blank(text, from)]) {
		from = declaration(text, from, f, &defines, name, size);
		if (defines)
			return true;
	}
	return false;
}

size_t cfunc_find(const char *text, const char *name, struct cfunc *f)
{
	size_t count = 0, from = 0;
	struct cfunc g;
	char found[256];

	while (cfunc_next(text, from, &g, found, sizeof(found))) {
		from = g.end;
		if (strcmp(found, name))
			continue;
		if (!count++)
			*f = g;
	}
	return count;
}

char *cfunc_read(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t size = 0, room = 65536;
	char *text = file ? malloc(room) : NULL;

	while (text) {
		size += fread(text + size, 1, room - size - 1, file);
		if (size < room - 1)
			break;
		room *= 2;
		text = realloc(text, room);
	}
	if (file)
		fclose(file);
	if (text)
		text[size] = 0;
	return text;
}
