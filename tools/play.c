/*
 * play.c - a script that types into the machine's serial line
 *
 * Owns and must not know: see play.h.
 */
#define _GNU_SOURCE
#include "play.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT, SEND, TYPE, CTRL };
enum { WINDOW_SIZE = 65536, WHY_SIZE = 512 };

struct step {
	int what;
	char *text;
	regex_t pattern;
	struct step *next;
};

static struct step *step; /* the next one; a WAIT between calls */
static void (*type_text)(const char *text, size_t len);
static char window[WINDOW_SIZE]; /* serial text that no pattern has matched yet */
static size_t window_len;
static char reason[WHY_SIZE];

static bool parse(char *line, struct step *s)
{
	static const char *const words[] = {
		[WAIT] = "wait", [SEND] = "send", [TYPE] = "type", [CTRL] = "ctrl"
	};
	size_t len = strcspn(line, " ");
	int error;

	s->text = strdup(line[len] ? line + len + 1 : "");
	for (s->what = WAIT; s->what <= CTRL; s->what++)
		if (strlen(words[s->what]) == len && !strncmp(words[s->what], line, len))
			break;
	if (s->what > CTRL || (s->what != SEND && !*s->text)) {
		snprintf(reason, sizeof(reason), "not a command: %s", line);
		return false;
	}
	error = s->what == WAIT ? regcomp(&s->pattern, s->text, REG_EXTENDED | REG_NEWLINE) : 0;
	if (error) {
		int n = snprintf(reason, sizeof(reason), "pattern \"%.200s\": ", s->text);

		regerror(error, &s->pattern, reason + n, sizeof(reason) - (size_t)n);
	}
	return !error;
}

static bool read_steps(FILE *file)
{
	struct step **end = &step;
	size_t room = 0;
	char *line = NULL;
	bool good = true;

	while (good && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (!*line || *line == '#')
			continue;
		*end = calloc(1, sizeof(**end));
		good = parse(line, *end);
		end = &(*end)->next;
	}
	free(line);
	return good;
}

static void type_escaped(const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if (c == '\\' && text[1]) {
			c = *++text;
			if (c == 'x' && text[1] && text[2]) {
				c = (char)strtol((char[]){ text[1], text[2], 0 }, NULL, 16);
				text += 2;
			} else {
				c = c == 'e' ? '\033' : c == 't' ? '\t' : c;
			}
		}
		type_text(&c, 1);
	}
}

/* Carries out the steps before the next "wait". */
static void advance(void)
{
	for (; step && step->what != WAIT; step = step->next) {
		if (step->what == CTRL)
			type_text(&(char){ (char)(step->text[0] & 0x1f) }, 1);
		else
			type_escaped(step->text);
		if (step->what == SEND)
			type_text("\r", 1);
	}
}

bool play_start(const char *path, void (*type)(const char *text, size_t len), const char **why)
{
	FILE *file = fopen(path, "r");
	bool good;

	*why = reason;
	if (!file) {
		snprintf(reason, sizeof(reason), "%s", strerror(errno));
		return false;
	}
	type_text = type;
	good = read_steps(file);
	fclose(file);
	if (good)
		advance();
	return good;
}

static void keep(char c)
{
	if (!c || c == '\r')
		return;
	if (window_len == WINDOW_SIZE - 1) {
		window_len /= 2;
		memmove(window, window + WINDOW_SIZE / 2, window_len);
	}
	window[window_len++] = c;
}

void play_feed(const char *text, size_t len)
{
	regmatch_t match;

	if (!step)
		return;
	for (size_t i = 0; i < len; i++)
		keep(text[i]);
	window[window_len] = 0;
	while (step && !regexec(&step->pattern, window, 1, &match, 0)) {
		window_len -= (size_t)match.rm_eo;
		memmove(window, window + match.rm_eo, window_len + 1);
		step = step->next;
		advance();
	}
}

const char *play_waits_for(void)
{
	return step ? step->text : NULL;
}
