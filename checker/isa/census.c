/* census.c - see census.h: reading records, bare against virtual */
#include "census.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_SIZE 64
#define ALL_MODES ((1u << ISA_MODES) - 1)

/* ---- Records ------------------------------------------------------------------------ */

/* Hexadecimal digits, at least one, at most 8; the end, or NULL. */
static const char *take_hex(const char *p, unsigned *value)
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = 0;

	*value = 0;
	for (; n < 8 && *p && strchr(digits, *p); n++, p++)
		*value = *value << 4 | (unsigned)(strchr(digits, *p) - digits);
	return n ? p : NULL;
}

static const char *take_kind(const char *p, struct isa_outcome *o)
{
	static const char digits[] = "0123456789abcdef";
	char pair[3] = "";

	o->tried = true;
	o->executed = *p == 'x';
	if (o->executed)
		return p + 1;
	for (unsigned i = 0; i < 2; i++) {
		if (!p[i] || !strchr(digits, p[i]))
			return NULL;
		pair[i] = p[i];
	}
	take_hex(pair, &o->vector);
	return p + 2;
}

static const char *take_hash(const char *p, struct isa_outcome *o)
{
	for (unsigned i = 0; i < 3; i++) {
		if (!p[i] || strchr(" /=", p[i]))
			return NULL;
		o->hash[i] = p[i];
	}
	return p + 3;
}

/* One OUTCOME; what follows it, or NULL. */
static const char *take_outcome(const char *p, struct isa_outcome *o)
{
	*o = (struct isa_outcome){ 0 };
	if (*p == '-')
		return p + 1;
	p = take_kind(p, o);
	if (p && *p == '^') {
		o->resume = true;
		p++;
	}
	if (p && *p == '(') {
		p = take_hex(p + 1, &o->error);
		p = p && *p == ')' ? p + 1 : NULL;
	}
	if (p && *p == '.')
		p = take_hash(p + 1, o);
	if (p && *p == '!')
		p = take_hex(p + 1, &o->system);
	if (p && *p == '~') {
		o->changing = true;
		p++;
	}
	return p;
}

static const char *take_state(const char *p, unsigned *state)
{
	static const char *const names[] = ISA_STATE_NAMES;
	size_t n = strcspn(p, "= ");

	for (unsigned i = 1; i < ISA_STATES && p[n] == '='; i++)
		if (strlen(names[i]) == n && !strncmp(names[i], p, n)) {
			*state = i;
			return p + n + 1;
		}
	return NULL;
}

/* STATE=OUTCOME/MODES */
static const char *take_varied(const char *p, struct isa_result *result)
{
	struct isa_varied v;

	p = take_state(p, &v.state);
	p = p ? take_outcome(p, &v.outcome) : NULL;
	p = p && *p == '/' && v.outcome.tried ? take_hex(p + 1, &v.modes) : NULL;
	if (!p || !v.modes || v.modes > ALL_MODES || result->varied_count == ISA_VARIED_MAX)
		return NULL;
	result->varied[result->varied_count++] = v;
	return p;
}

/* The words behind N and HAS.  False: not what a record is. */
static bool take_words(const char *p, struct isa_result *result)
{
	for (unsigned mode = 0; mode < ISA_MODES; mode++) {
		if (*p++ != ' ')
			return false;
		if (mode && *p == '=') {
			result->mode[mode] = result->mode[mode - 1];
			p++;
			continue;
		}
		p = take_outcome(p, &result->mode[mode]);
		if (!p)
			return false;
	}
	while (*p == ' ') {
		p = take_varied(p + 1, result);
		if (!p)
			return false;
	}
	return !*p;
}

bool isa_read_form(const char *text, struct isa_result *result)
{
	*result = (struct isa_result){ .seen = true };
	if ((text[0] != '0' && text[0] != '1') || !text[1])
		return false;
	result->has = text[0] == '1';
	return take_words(text + 1, result);
}

static bool take_form(struct isa_run *run, const char *text)
{
	struct isa_result result;
	unsigned long index;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	index = strtoul(text, &end, 10);
	if (index >= run->table->form_count || *end != ' ' || !isa_read_form(end + 1, &result))
		return false;
	if (run->result[index].seen) {
		run->twice++;
		return true;
	}
	run->result[index] = result;
	run->count++;
	return true;
}

static void take_head(struct isa_run *run, const char *text)
{
	uint64_t forms = 0, sum = 0, states = 0, modes = ALL_MODES;

	run->twice += run->begun;
	run->begun = true;
	record_number(text, "forms", &forms);
	record_number(text, "sum", &sum);
	record_number(text, "states", &states);
	record_number(text, "modes", &modes);
	run->other_table |= forms != run->table->form_count || sum != run->table->sum;
	run->states = (unsigned)states;
	run->modes = (unsigned)modes & ALL_MODES;
}

void isa_read(struct isa_run *run, const struct isa_table *table, const struct record_log *log,
	      const char *speaker, const char *nonce)
{
	size_t at = 0;
	const char *text;

	*run = (struct isa_run){ .table = table };
	run->result = calloc(table->form_count + 1, sizeof(*run->result));
	if (!run->result) {
		fputs("checker: out of memory\n", stderr);
		exit(2);
	}
	while ((text = record_next(log, &at, speaker, nonce, ""))) {
		if (!strcmp(text, "end"))
			run->ended = true;
		else if (!strncmp(text, "isa ", 4))
			take_head(run, text);
		else if (!strncmp(text, ISA_RECORD " ", sizeof(ISA_RECORD)))
			run->broken += !take_form(run, text + sizeof(ISA_RECORD));
	}
}

void isa_free(struct isa_run *run)
{
	free(run->result);
	*run = (struct isa_run){ 0 };
}

bool isa_complete(const struct isa_run *run)
{
	return run->begun && run->ended && !run->other_table && !run->broken && !run->twice &&
	       run->count == run->table->form_count;
}

void isa_put_outcome(const struct isa_outcome *o, char *to, size_t size)
{
	int n;

	if (!o->tried) {
		snprintf(to, size, "-");
		return;
	}
	n = o->executed ? snprintf(to, size, "x") : snprintf(to, size, "%02x", o->vector);
	if (o->error)
		n += snprintf(to + n, size - (size_t)n, "(%x)", o->error);
	if (o->system)
		snprintf(to + n, size - (size_t)n, "!%x", o->system);
}

/* ---- Manual, bare, virtual ---------------------------------------------------------------- */

const char *isa_manual(const struct isa_table *table, size_t form, enum isa_mode mode, bool has)
{
	const struct isa_form_info *info = &table->form[form];
	const char *expected = table->class[info->class].mode[mode];

	if (*expected == '?' || *expected == '-')
		return NULL;
	if (!has)
		return info->flags & ISA_FLAG_ALIAS ? NULL : "06";
	return expected;
}

bool isa_fits(const struct isa_outcome *o, const char *manual)
{
	char text[3];

	if (!o->tried)
		return false;
	snprintf(text, sizeof(text), "%02x", o->vector & 0xff);
	return o->executed ? !strcmp(manual, "x") : !strcmp(manual, text);
}

static bool same_outcome(const struct isa_outcome *b, const struct isa_outcome *v, bool loose)
{
	if (b->tried != v->tried || b->executed != v->executed || b->vector != v->vector ||
	    b->error != v->error || b->system != v->system)
		return false;
	return loose || b->changing || v->changing || !memcmp(b->hash, v->hash, sizeof(b->hash));
}

/* What came of this mode in that state; the first outcome, if nothing else did. */
static const struct isa_outcome *in_state(const struct isa_result *r, unsigned state, unsigned mode)
{
	for (unsigned i = 0; i < r->varied_count; i++)
		if (r->varied[i].state == state && r->varied[i].modes >> mode & 1)
			return &r->varied[i].outcome;
	return NULL;
}

/* Is the difference to the first state the same?  states: those that both have. */
static bool same_states(const struct isa_result *b, const struct isa_result *v, unsigned states,
			unsigned mode, bool loose)
{
	for (unsigned s = 1; s < ISA_STATES; s++) {
		const struct isa_outcome *in_b = in_state(b, s, mode), *in_v = in_state(v, s, mode);

		if (!(states >> s & 1) || (!in_b && !in_v))
			continue;
		if (!in_b || !in_v || !same_outcome(in_b, in_v, loose))
			return false;
	}
	return true;
}

static bool is_undefined(const struct isa_outcome *o)
{
	return o->tried && !o->executed && o->vector == 6;
}

/* "#13 because": such a fault.  Only that is excused. */
static bool declared_fault(const struct isa_outcome *o, const char *declared)
{
	char *end;
	unsigned long vector = *declared == '#' ? strtoul(declared + 1, &end, 10) : 0;

	return *declared == '#' && *end == ' ' && o->tried && !o->executed && o->vector == vector;
}

enum isa_compared isa_compare(const struct isa_table *table, size_t form,
			      const struct isa_run *bare, const struct isa_run *virtual,
			      const char *declared, bool hidden, unsigned *modes)
{
	const struct isa_result *b = &bare->result[form], *v = &virtual->result[form];
	unsigned states = bare->states & virtual->states;
	bool loose = table->form[form].flags & ISA_FLAG_LOOSE;
	enum isa_compared worst = ISA_SAME;

	*modes = b->seen && v->seen ? 0 : ALL_MODES;
	if (*modes)
		return ISA_WORSE;
	for (unsigned mode = 0; mode < ISA_MODES; mode++) {
		const struct isa_outcome *ob = &b->mode[mode], *ov = &v->mode[mode];
		const char *manual = isa_manual(table, form, mode, v->has);
		bool same = same_outcome(ob, ov, loose), fits = manual && isa_fits(ov, manual);
		enum isa_compared now;

		if (same && ob->resume == ov->resume && same_states(b, v, states, mode, loose))
			continue;
		*modes |= 1u << mode;
		if (same && !ob->resume && ov->resume)
			now = ISA_BETTER; /* faults push RF set: [SDM] "Resume Flag" (18.3.1.1) */
		else if (b->has && !v->has && is_undefined(ov))
			now = hidden ? ISA_HIDDEN : ISA_WORSE;
		else if (!same && fits && !isa_fits(ob, manual))
			now = ISA_BETTER;
		else
			now = ISA_WORSE;
		if (now == ISA_WORSE && declared && declared_fault(ov, declared))
			now = ISA_DECLARED;
		worst = now > worst ? now : worst;
	}
	return worst;
}

const char *isa_compared_name(enum isa_compared compared)
{
	static const char *const names[ISA_COMPARED] = { "SAME", "BETTER", "HIDDEN", "DECLARED",
							 "WORSE" };

	return names[compared];
}

bool isa_declared(const char *text, const char *name, char *reason, size_t size, uint64_t *mask)
{
	size_t n = strlen(name), len;

	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		const char *rest = line + n + 1;
		char *end;

		len = strcspn(line, "\n");
		if (*line == '#' || len <= n || strncmp(line, name, n) || line[n] != ' ')
			continue;
		*mask = 0;
		if (!strncmp(rest, "0x", 2)) {
			*mask = strtoull(rest, &end, 16);
			rest = end + (*end == ' ');
		}
		snprintf(reason, size, "%.*s", (int)(line + len - rest), rest);
		return true;
	}
	return false;
}

bool isa_may_hide(const struct isa_table *table, size_t form, const char *text)
{
	static const char *const registers[] = { "eax", "ebx", "ecx", "edx" };
	const struct isa_feature_info *f = &table->feature[table->form[form].feature];
	char name[WORD_SIZE], reason[WORD_SIZE];
	uint64_t mask;

	snprintf(name, sizeof(name), "cpuid.%x.%s", f->leaf, registers[f->reg & 3]);
	return !f->subleaf && isa_declared(text, name, reason, sizeof(reason), &mask) &&
	       mask >> f->bit & 1;
}
