/*
 * derive.c - see census.h: from what forms did to the classes of Popek and Goldberg
 *
 * Must not know: any form by name, but for Robin and Irvine's list, with which the outcome is
 * compared.
 */
#include "census.h"

#include <stdio.h>
#include <string.h>

#define MASK(n) (1u << (n))
#define USER_MODES (MASK(ISA_L3) | MASK(ISA_C3) | MASK(ISA_D3) | MASK(ISA_P3) | MASK(ISA_V))
#define WAKE_VECTOR 0x20
#define IO_STATES MASK(ISA_PIC)
#define PROTECTION_STATES MASK(ISA_DPL)

/* The mode of the same width in which system software runs. */
static enum isa_mode supervisor_of(enum isa_mode user)
{
	switch (user) {
	case ISA_L3:
		return ISA_L0;
	case ISA_V:
	case ISA_D3:
		return ISA_R;
	default:
		return ISA_P0;
	}
}

/* Came to an end, or waited until an interrupt came. */
static bool does(const struct isa_outcome *o)
{
	return o->tried && (o->executed || o->vector == WAKE_VECTOR);
}

static bool faults(const struct isa_outcome *o)
{
	return o->tried && !does(o);
}

/* INT n: the only exception that a form asks for by number, and that says so by the changed CPL. */
static bool enters_supervisor(const struct isa_outcome *o)
{
	return o->tried && o->system & MASK(ISA_SYS_CPL);
}

static unsigned rules_of_system(unsigned system)
{
	unsigned rules = 0;

	if (system & MASK(ISA_SYS_CPL))
		rules |= ISA_RULE_A;
	if (system & MASK(ISA_SYS_IO))
		rules |= ISA_RULE_D;
	if (system & ~(MASK(ISA_SYS_CPL) | MASK(ISA_SYS_IO)))
		rules |= ISA_RULE_B;
	return rules;
}

/*
 * Which rules (a mask of enum isa_rule) make the form sensitive in this mode, because of the state
 * that the system is in: 0 if none does.
 *
 * The form was executed in every state of enum isa_state.  What came of it in the first one is
 * r->mode[mode]; the entries of r->varied are those states in which something else came of it, each
 * with the modes (bits, 1 << mode) where it did.  An entry that is none of this mode says nothing.
 *
 * PROTECTION_STATES and IO_STATES are masks of states.  Another state of protection, another
 * outcome: that is rule C by itself, faults included.  With any other state the form must have
 * done something both times (does()), for one that is merely switched off, or on, shows nothing:
 * then it is rule D if the state is one of an input or output device, else rule B, a register of
 * the system.  The rules are explained in census.h.
 */
static unsigned rules_of_states(const struct isa_result *r, enum isa_mode mode)
{
	unsigned rules = 0;

	for (unsigned i = 0; i < r->varied_count; i++) {
		const struct isa_varied *v = &r->varied[i];
		bool both = does(&r->mode[mode]) && does(&v->outcome);

		if (!(v->modes & MASK(mode)))
			continue;
		if (MASK(v->state) & PROTECTION_STATES)
			rules |= ISA_RULE_C;
		else if (both && MASK(v->state) & IO_STATES)
			rules |= ISA_RULE_D;
		else if (both)
			rules |= ISA_RULE_B;
	}
	return rules;
}

static unsigned rules_in(const struct isa_result *r, enum isa_mode mode)
{
	const struct isa_outcome *o = &r->mode[mode];

	if (!does(o) && !enters_supervisor(o))
		return 0;
	return rules_of_system(o->system) | rules_of_states(r, mode) |
	       (o->changing ? ISA_RULE_E : 0) | (o->vector == WAKE_VECTOR ? ISA_RULE_B : 0);
}

/* The two modes differ in CPL alone: what else would tell them apart? */
static bool reveals_mode(const struct isa_result *r, enum isa_mode user)
{
	const struct isa_outcome *u = &r->mode[user], *s = &r->mode[supervisor_of(user)];

	if (user == ISA_C3 || user == ISA_D3 || !u->executed || !s->executed)
		return false;
	return !u->changing && !s->changing && memcmp(u->hash, s->hash, sizeof(u->hash));
}

/*
 * Adds to *v what the form did in this user mode.  *v may know of other modes already: what they
 * gave stays, and the verdict of one that found nothing is left alone.
 *
 * The form violates theorem 1 in this mode if a rule makes it sensitive although it does
 * something there: those of rules_in(), and rule A if it reveals_mode().  Then v->kind says so,
 * v->modes has this mode, and v->rules the rules.
 *
 * Violation or not: v->trapped gets each state (1 << state) in which the form faults in this mode
 * where it does something in the first state, v->unlocked each in which it is the other way
 * round.  Those are entries of r->varied; see rules_of_states() for what they are.
 */
static void derive_user(const struct isa_result *r, enum isa_mode mode, struct isa_verdict *v)
{
	unsigned rules = rules_in(r, mode) | (reveals_mode(r, mode) ? ISA_RULE_A : 0);

	if (rules) {
		v->kind = ISA_VIOLATES;
		v->modes |= MASK(mode);
		v->rules |= rules;
	}
	for (unsigned i = 0; i < r->varied_count; i++) {
		const struct isa_varied *varied = &r->varied[i];

		if (!(varied->modes & MASK(mode)))
			continue;
		if (does(&r->mode[mode]) && faults(&varied->outcome))
			v->trapped |= MASK(varied->state);
		if (faults(&r->mode[mode]) && does(&varied->outcome))
			v->unlocked |= MASK(varied->state);
	}
}

static bool only_faults(const struct isa_result *r)
{
	for (unsigned mode = 0; mode < ISA_MODES; mode++)
		if (does(&r->mode[mode]))
			return false;
	return true;
}

void isa_derive(const struct isa_result *r, struct isa_verdict *v)
{
	unsigned supervisor_rules = 0;
	bool traps = false, runs = false;

	*v = (struct isa_verdict){ .kind = ISA_INNOCUOUS };
	for (unsigned mode = 0; mode < ISA_MODES; mode++) {
		if (!(USER_MODES & MASK(mode))) {
			supervisor_rules |= rules_in(r, mode);
			continue;
		}
		derive_user(r, mode, v);
		runs |= does(&r->mode[mode]);
		traps |= faults(&r->mode[mode]) && does(&r->mode[supervisor_of(mode)]);
	}
	if (v->kind != ISA_INNOCUOUS)
		return;
	if (only_faults(r))
		v->kind = ISA_FAULTS;
	if (traps && !runs) {
		v->kind = supervisor_rules ? ISA_SENSITIVE : ISA_PRIVILEGED;
		v->rules = supervisor_rules;
	}
}

const char *isa_kind_name(enum isa_kind kind)
{
	static const char *const names[ISA_KINDS] = { "faults", "innocuous", "privileged",
						      "sensitive", "violates" };

	return names[kind];
}

void isa_put_rules(unsigned rules, char *to, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < sizeof(ISA_RULES) - 1 && n + 1 < size; i++)
		if (rules >> i & 1)
			to[n++] = ISA_RULES[i];
	to[n] = '\0';
}

void isa_put_states(unsigned states, char *to, size_t size)
{
	static const char *const names[] = ISA_STATE_NAMES;
	size_t n = 0;

	*to = '\0';
	for (unsigned i = 0; i < ISA_STATES && n < size; i++)
		if (states >> i & 1)
			n += (size_t)snprintf(to + n, size - n, "%s%s", n ? "," : "", names[i]);
}

/* ---- Robin and Irvine, section 3 -------------------------------------------------------- */

static const char *const families[ISA_ROBIN_IRVINE] = {
	"SGDT", "SIDT", "SLDT", "SMSW", "PUSHF", "POPF", "LAR", "LSL", "VERR/VERW",
	"POP",	"PUSH", "CALL", "JMP",	"INT",	 "RET",	 "STR", "MOV",
};

const char *isa_family_name(unsigned family)
{
	return families[family];
}

int isa_family(const char *form)
{
	size_t n = strcspn(form, " ");

	for (int i = 0; i < ISA_ROBIN_IRVINE; i++) {
		const char *name = families[i];

		for (; *name; name += strcspn(name, "/"), name += *name == '/')
			if (strcspn(name, "/") == n && !strncmp(name, form, n))
				return i;
	}
	return -1;
}
