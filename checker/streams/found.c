/* found.c - see found.h */
#include "found.h"

#include <stdlib.h>
#include <string.h>

#define UNIT_WEIGHT 100
#define VALUE_WEIGHT 10

/* ---- Differences ------------------------------------------------------------------------ */

static bool number_of(const char *text, uint64_t *number)
{
	char *end;

	if (record_number(text, "first", number))
		return true;
	*number = strtoull(text, &end, 10);
	return end != text && (*end == ' ' || !*end);
}

static const char *find(const struct found_run *run, const char *kind, uint64_t number)
{
	const char *text;
	uint64_t other;
	size_t at = 0;

	while ((text = record_next(run->log, &at, run->speaker, run->nonce, kind)))
		if (number_of(text, &other) && other == number)
			return text;
	return NULL;
}

/* The one that is expected at *at, as both runs have the same order; else wherever it is. */
static const char *find_near(const struct found_run *run, const char *kind, uint64_t number,
			     size_t *at)
{
	size_t next = *at;
	const char *text = record_next(run->log, &next, run->speaker, run->nonce, kind);
	uint64_t other;

	if (text && number_of(text, &other) && other == number) {
		*at = next;
		return text;
	}
	return find(run, kind, number);
}

unsigned found_differ(const struct found_run *bare, const struct found_run *virtual,
		      const char *kind,
		      void (*each)(void *context, uint64_t number, const char *bare_text,
				   const char *virtual_text),
		      void *context)
{
	size_t at = 0, near = 0;
	unsigned count = 0;
	const char *text, *other;
	uint64_t number;

	while ((text = record_next(bare->log, &at, bare->speaker, bare->nonce, kind))) {
		if (!number_of(text, &number))
			continue;
		other = find_near(virtual, kind, number, &near);
		if (other && !strcmp(text, other))
			continue;
		count++;
		each(context, number, text, other);
	}
	at = near = 0;
	while ((text = record_next(virtual->log, &at, virtual->speaker, virtual->nonce, kind))) {
		if (!number_of(text, &number) || find_near(bare, kind, number, &near))
			continue;
		count++;
		each(context, number, NULL, text);
	}
	return count;
}

/* ---- Shrinking ---------------------------------------------------------------------------- */

static bool is_default(const struct stream_case *c, unsigned value)
{
	struct stream_case plain;

	case_init(&plain);
	return c->value[value] == plain.value[value];
}

unsigned found_weight(const struct stream_case *c)
{
	unsigned weight = case_size(c);

	for (unsigned i = 0; i < c->units; i++)
		weight += UNIT_WEIGHT * (c->unit[i].count ? c->unit[i].count : 1u);
	for (unsigned i = 0; i < CASE_VALUE_COUNT; i++)
		weight += is_default(c, i) ? 0 : VALUE_WEIGHT;
	return weight;
}

static void leave_out(struct stream_case *c, unsigned first, unsigned count)
{
	memmove(&c->unit[first], &c->unit[first + count],
		(c->units - first - count) * sizeof(c->unit[0]));
	c->units -= count;
}

static void make_default(struct stream_case *c, unsigned first, unsigned last)
{
	struct stream_case plain;

	case_init(&plain);
	/* Another mode would make another program of the units. */
	for (unsigned i = first; i <= last; i++)
		if (i != CASE_mode)
			c->value[i] = plain.value[i];
}

/* Attempts that leave units out: all but one, all but two neighbours, one, the halves. */
static bool fewer_units(struct stream_case *c, unsigned n)
{
	unsigned units = c->units;

	if (n < units) {
		leave_out(c, n + 1, units - n - 1);
		leave_out(c, 0, n);
		return units > 1;
	}
	n -= units;
	if (n + 1 < units) {
		leave_out(c, n + 2, units - n - 2);
		leave_out(c, 0, n);
		return units > 2;
	}
	n -= units - 1;
	if (n < units) {
		leave_out(c, n, 1);
		return units > 1;
	}
	n -= units;
	if (n == 0)
		leave_out(c, 0, units / 2);
	else
		leave_out(c, (units + 1) / 2, units / 2);
	return units > 1;
}

static unsigned unit_attempts(const struct stream_case *c)
{
	return 3 * c->units + 1;
}

static const struct {
	u8 first, last;
} groups[] = {
	{ 0, CASE_VALUE_COUNT - 1 },  { CASE_rax, CASE_r15 },		{ CASE_r8, CASE_r15 },
	{ CASE_entry, CASE_pending }, { CASE_ds, CASE_kernel_gs_base }, { CASE_cr0, CASE_xcr0 },
	{ CASE_dr0, CASE_dr7 },	      { CASE_code0, CASE_data3 },	{ CASE_fpu, CASE_memory },
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* One value, or a group of them; and the same with a single unit left. */
static bool fewer_values(struct stream_case *c, unsigned n)
{
	if (n < GROUPS)
		make_default(c, groups[n].first, groups[n].last);
	else
		make_default(c, n - GROUPS, n - GROUPS);
	return true;
}

bool found_attempt(const struct stream_case *c, unsigned n, struct stream_case *smaller)
{
	unsigned units = unit_attempts(c);

	if (n >= units + GROUPS + CASE_VALUE_COUNT)
		return false;
	*smaller = *c;
	if (n < units ? !fewer_units(smaller, n) : !fewer_values(smaller, n - units))
		*smaller = *c; /* nothing was left out: its weight says so */
	return true;
}
