/* judge_cases.c - see judge_cases.h */
#include "judge_cases.h"

#include <stdio.h>
#include <string.h>

static struct mechanism *find(struct cases *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->mechanism[i].name, name))
			return &c->mechanism[i];
	return NULL;
}

static struct mechanism *add(struct cases *c, const char *name, const char *guest)
{
	struct mechanism *m;

	if (c->count == CASES_MECHANISMS) {
		c->broken++;
		return NULL;
	}
	m = &c->mechanism[c->count++];
	*m = (struct mechanism){ .guest = guest };
	snprintf(m->name, sizeof(m->name), "%s", name);
	return m;
}

/* "planned 81": the number behind the kind; false: none. */
static bool read_count(const struct record_log *log, const char *guest, const char *nonce,
		       const char *kind, size_t *count)
{
	size_t at = 0;
	const char *text = record_next(log, &at, guest, nonce, kind);

	return text && sscanf(text, "%zu", count) == 1;
}

static size_t read_plan(struct cases *c, const struct record_log *log, const char *guest,
			const char *nonce)
{
	const char *text;
	size_t at = 0, planned = 0;
	char name[CASES_NAME];

	while ((text = record_next(log, &at, guest, nonce, "plan"))) {
		if (!record_word(text, "name", name, sizeof(name)))
			continue;
		planned++;
		if (!find(c, name))
			add(c, name, guest);
	}
	return planned;
}

/* One record; false: nobody planned it. */
static bool read_attack(struct cases *c, const char *text, const char *guest)
{
	struct mechanism now = { .guest = guest, .done = true }, *m;

	if (!record_word(text, "name", now.name, sizeof(now.name)))
		return false;
	m = find(c, now.name);
	if (!m || (m->done && m->guest == guest))
		return false;
	now.whole =
	    record_number(text, "cases", &now.cases) && record_number(text, "tries", &now.tries) &&
	    record_number(text, "faults", &now.faults) && record_number(text, "bad", &now.bad) &&
	    record_number(text, "where", &now.where) &&
	    record_word(text, "what", now.what, sizeof(now.what)) && now.cases <= now.tries &&
	    now.faults <= now.tries;
	/* Of two guests' the worse counts, and of two that are good the one with more cases. */
	if (!m->done || (!now.whole && m->whole) || now.bad > m->bad ||
	    (m->whole && now.whole && now.bad == m->bad && now.cases > m->cases))
		*m = now;
	return true;
}

void cases_read(struct cases *c, const struct record_log *log, const char *guest, const char *nonce)
{
	size_t planned = 0, attacked = 0, plans = read_plan(c, log, guest, nonce), at = 0, done = 0;
	const char *text;

	while ((text = record_next(log, &at, guest, nonce, "attack")))
		if (read_attack(c, text, guest))
			done++;
		else
			c->broken++;
	if (!read_count(log, guest, nonce, "planned", &planned) || !planned || planned != plans ||
	    !read_count(log, guest, nonce, "attacked", &attacked) || attacked != planned ||
	    done != planned)
		c->broken++;
}

void cases_add(struct cases *c, const char *name, const char *guest, bool done)
{
	struct mechanism *m = find(c, name);

	if (!m)
		m = add(c, name, guest);
	if (m && (!m->done || !done))
		*m = (struct mechanism){
			.guest = guest, .done = done, .whole = done, .cases = done, .tries = done
		};
	if (m)
		snprintf(m->name, sizeof(m->name), "%s", name);
}

struct cases_sum cases_sum(const struct cases *c)
{
	struct cases_sum s = { .planned = c->count };

	for (size_t i = 0; i < c->count; i++) {
		const struct mechanism *m = &c->mechanism[i];

		if (!m->done || !m->whole || !m->cases)
			continue;
		s.mechanisms++;
		s.cases += m->cases;
		s.tries += m->tries;
		if (!s.largest || m->cases > s.largest->cases)
			s.largest = m;
	}
	if (s.largest)
		s.percent = 100.0 * (double)s.largest->cases / (double)s.cases;
	s.enough = !c->broken && s.cases >= CASES_LEAST && s.mechanisms >= CASES_LEAST_MECHANISMS &&
		   s.percent <= CASES_MOST_PERCENT;
	return s;
}
