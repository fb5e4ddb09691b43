/* words.c - see words.h */
#include "type1/words.h"

#include "lib/string.h"

#define NO_DIGIT 99

static char unescape(char c)
{
	return c == 'n' ? '\n' : c == 'r' ? '\r' : c;
}

/* One word from *at on, which is moved behind it; NULL: an open quote. */
static char *take_word(char **at)
{
	char *from = *at, *to = from, *start = from;
	bool quoted = false;

	for (; *from && (quoted || *from != ' '); from++) {
		if (*from == '"')
			quoted = !quoted;
		else if (*from == '\\' && from[1])
			*to++ = unescape(*++from);
		else
			*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	return quoted ? NULL : start;
}

int words_split(char *text, char *words[WORDS_MAX])
{
	int n = 0;

	for (;;) {
		while (*text == ' ')
			text++;
		if (!*text)
			return n;
		if (n == WORDS_MAX)
			return -1;
		words[n] = take_word(&text);
		if (!words[n++])
			return -1;
	}
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : NO_DIGIT;
}

bool words_take_number(const char **text, u64 *value)
{
	const char *s = *text, *first;
	unsigned base = 10;

	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	first = s;
	for (*value = 0; digit(*s) < base; s++) {
		if (*value > (~0ull - digit(*s)) / base)
			return false;
		*value = *value * base + digit(*s);
	}
	*text = s;
	return s != first;
}

bool words_number(const char *text, u64 *value)
{
	return words_take_number(&text, value) && !*text;
}

bool words_is_name(const char *text)
{
	size_t len = strlen(text);
	u64 number;

	if (!len || len >= WORDS_NAME_MAX || words_number(text, &number))
		return false;
	for (const char *c = text; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.'))
			return false;
	return true;
}
