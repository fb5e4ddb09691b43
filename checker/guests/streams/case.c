/* case.c - see case.h */
#include "case.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define LINE_MAX 160
#define MODE_LIMIT MODE_COUNT

static const struct {
	const char *name;
	u64 other;
} values[CASE_VALUE_COUNT] = {
#define X(name, other) { #name, other },
	CASE_VALUES(X)
#undef X
};

void case_init(struct stream_case *c)
{
	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < CASE_VALUE_COUNT; i++)
		c->value[i] = values[i].other;
}

unsigned case_size(const struct stream_case *c)
{
	unsigned size = 0;

	for (unsigned i = 0; i < c->units; i++)
		size += c->unit[i].len;
	return size;
}

const char *case_value_name(unsigned value)
{
	return value < CASE_VALUE_COUNT ? values[value].name : "?";
}

/* ---- Reading ------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The word at *p into word, cut to size; *p moves to the next one. */
static bool take_word(const char **p, char *word, size_t size)
{
	size_t n = 0;

	while (**p == ' ')
		++*p;
	for (; **p && **p != ' ' && **p != '\n'; ++*p)
		if (n + 1 < size)
			word[n++] = **p;
	word[n] = '\0';
	return n > 0;
}

static bool to_number(const char *word, u64 *number)
{
	if (word[0] != '0' || word[1] != 'x' || !word[2] || strlen(word) > 18)
		return false;
	*number = 0;
	for (word += 2; *word; word++) {
		if (digit(*word) < 0)
			return false;
		*number = *number << 4 | (u64)digit(*word);
	}
	return true;
}

static bool read_value(struct stream_case *c, const char *key, const char *p)
{
	char word[LINE_MAX];

	for (unsigned i = 0; i < CASE_VALUE_COUNT; i++)
		if (!strcmp(key, values[i].name))
			return take_word(&p, word, sizeof(word)) && to_number(word, &c->value[i]);
	return false;
}

static bool read_unit(struct stream_case *c, const char *p)
{
	struct case_unit *unit = &c->unit[c->units];
	char word[LINE_MAX];

	if (c->units == CASE_UNITS || !take_word(&p, word, sizeof(word)) || digit(*word) < 0)
		return false;
	*unit = (struct case_unit){ .count = (u8)digit(*word), .sensitive = word[1] == '!' };
	while (take_word(&p, word, sizeof(word)) && *word != '#') {
		if (unit->len == CASE_UNIT_MAX || strlen(word) != 2 || digit(word[0]) < 0 ||
		    digit(word[1]) < 0)
			return false;
		unit->byte[unit->len++] = (u8)(digit(word[0]) << 4 | digit(word[1]));
	}
	c->units++;
	return unit->len > 0;
}

static bool plausible(const struct stream_case *c)
{
	return c->value[CASE_mode] < MODE_LIMIT && c->value[CASE_pending] < 256 &&
	       c->value[CASE_entry] + case_size(c) + 16 < STREAM_CODE_PAGES * PAGE_SIZE;
}

static const char *next_line(const char *p)
{
	while (*p && *p != '\n')
		p++;
	return *p ? p + 1 : p;
}

/* One line into the case; 1: that was its end, -1: it cannot be. */
static int read_line(struct stream_case *c, const char *p, bool *begun)
{
	char key[LINE_MAX];

	if (!take_word(&p, key, sizeof(key)) || *key == '#')
		return 0;
	if (!strcmp(key, "case")) {
		if (*begun)
			return -1;
		*begun = true;
		return take_word(&p, c->name, sizeof(c->name)) ? 0 : -1;
	}
	if (!*begun)
		return -1;
	if (!strcmp(key, "end"))
		return c->units && plausible(c) ? 1 : -1;
	if (!strcmp(key, "unit"))
		return read_unit(c, p) ? 0 : -1;
	return read_value(c, key, p) ? 0 : -1;
}

int case_read(struct stream_case *c, const char **text)
{
	bool begun = false;

	case_init(c);
	for (; **text; *text = next_line(*text)) {
		int result = read_line(c, *text, &begun);

		if (result > 0)
			*text = next_line(*text);
		if (result)
			return result;
	}
	return begun ? -1 : 0;
}

/* ---- Writing --------------------------------------------------------------------------- */

struct sheet {
	char *text;
	size_t size, len;
};

static void put(struct sheet *s, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(struct sheet *s, const char *format, ...)
{
	size_t at = MIN(s->len, s->size);
	va_list args;

	va_start(args, format);
	s->len += fmt_vstring(s->text + at, s->size - at, format, args);
	va_end(args);
}

size_t case_write(const struct stream_case *c, char *text, size_t size)
{
	struct sheet s = { text, size, 0 };

	put(&s, "case %s\n", c->name);
	for (unsigned i = 0; i < CASE_VALUE_COUNT; i++)
		if (c->value[i] != values[i].other)
			put(&s, "%s 0x%llx\n", values[i].name, (unsigned long long)c->value[i]);
	for (unsigned i = 0; i < c->units; i++) {
		const struct case_unit *unit = &c->unit[i];

		put(&s, "unit %x%s", unit->count, unit->sensitive ? "!" : "");
		for (unsigned b = 0; b < unit->len; b++)
			put(&s, " %02x", unit->byte[b]);
		put(&s, "\n");
	}
	put(&s, "end\n");
	return s.len;
}
