/* record.c - see record.h */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256u << 20)

static void *need(void *p)
{
	if (p)
		return p;
	fputs("checker: out of memory\n", stderr);
	exit(2);
}

/* Carriage returns, colours and other control bytes are not text. */
static size_t clean(char *line, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] >= ' ' && line[i] != 0x7f)
			line[to++] = line[i];
	if (to > RECORD_LINE_MAX)
		to = RECORD_LINE_MAX;
	line[to] = '\0';
	return to;
}

static struct record_line split(char *line, const char *one)
{
	char *end;

	if (one)
		return (struct record_line){ one, line };
	if (line[0] != '[' || !(end = strchr(line, ']')) || end[1] != ' ')
		return (struct record_line){ "", line };
	*end = '\0';
	return (struct record_line){ line + 1, end + 2 };
}

void record_parse(struct record_log *log, const char *bytes, size_t size, const char *one)
{
	size_t lines = 0;
	char *p, *end;

	log->bytes = need(malloc(size + 1));
	if (size)
		memcpy(log->bytes, bytes, size);
	for (size_t i = 0; i < size; i++)
		lines += bytes[i] == '\n';
	log->line = need(calloc(lines + 1, sizeof(*log->line)));
	log->count = 0;
	end = log->bytes + size;
	for (p = log->bytes; p < end;) {
		char *newline = memchr(p, '\n', (size_t)(end - p));

		if (!newline)
			break;
		clean(p, (size_t)(newline - p));
		log->line[log->count++] = split(p, one);
		p = newline + 1;
	}
	log->unfinished = (size_t)(end - p);
}

bool record_load(struct record_log *log, const char *path, const char *one)
{
	FILE *file = fopen(path, "rb");
	size_t size = 0, room = 1 << 16, n;
	char *bytes;

	*log = (struct record_log){ 0 };
	if (!file)
		return false;
	bytes = need(malloc(room));
	while (size < FILE_MAX && (n = fread(bytes + size, 1, room - size, file)) > 0) {
		size += n;
		if (size == room)
			bytes = need(realloc(bytes, room *= 2));
	}
	fclose(file);
	record_parse(log, bytes, size, one);
	free(bytes);
	return true;
}

void record_free(struct record_log *log)
{
	free(log->line);
	free(log->bytes);
	*log = (struct record_log){ 0 };
}

/* Behind WORD at the start of text, if a space or the end follows; else NULL. */
static const char *behind_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(text, word, n) || (text[n] && text[n] != ' '))
		return NULL;
	return text[n] ? text + n + 1 : text + n;
}

const char *record_next(const struct record_log *log, size_t *at, const char *speaker,
			const char *nonce, const char *kind)
{
	while (*at < log->count) {
		const struct record_line *line = &log->line[(*at)++];
		const char *text = line->text;

		if (strcmp(line->speaker, speaker) || *text != '@' || !*nonce)
			continue;
		text = behind_word(text + 1, nonce);
		if (text && *kind)
			text = behind_word(text, kind);
		if (text)
			return text;
	}
	return NULL;
}

/* Where the value of KEY= begins, and its length; NULL: there is none. */
static const char *find_value(const char *text, const char *key, size_t *len)
{
	size_t n = strlen(key);

	for (const char *p = text; *p;) {
		size_t word = strcspn(p, " ");

		if (word > n && !strncmp(p, key, n) && p[n] == '=') {
			*len = word - n - 1;
			return p + n + 1;
		}
		p += word;
		p += strspn(p, " ");
	}
	return NULL;
}

bool record_word(const char *text, const char *key, char *word, size_t size)
{
	size_t len;
	const char *value = find_value(text, key, &len);

	if (!value || len >= size)
		return false;
	memcpy(word, value, len);
	word[len] = '\0';
	return true;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

bool record_number(const char *text, const char *key, uint64_t *value)
{
	char word[32], *p = word;
	unsigned base = 10;

	if (!record_word(text, key, word, sizeof(word)))
		return false;
	if (p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
	}
	if (!*p)
		return false;
	for (*value = 0; *p; p++) {
		unsigned d = (unsigned)digit(*p);

		if (d >= base || *value > (UINT64_MAX - d) / base)
			return false;
		*value = *value * base + d;
	}
	return true;
}

const char *record_begins(const struct record_log *log, const char *speaker, const char *with)
{
	size_t n = strlen(with);

	for (size_t i = 0; i < log->count; i++)
		if (!strcmp(log->line[i].speaker, speaker) && !strncmp(log->line[i].text, with, n))
			return log->line[i].text + n;
	return NULL;
}
