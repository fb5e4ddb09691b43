/*
 * census.h - what the records of the instruction census say, and what follows from them
 *
 * Owns: reading records (tokens.h), the classes of Popek and Goldberg derived from them, bare
 *against virtual. Must not know: files, machines, how anything is printed (write.h).
 *
 * A form is privileged if it faults in user mode where it executes in supervisor mode.  It is
 *sensitive if, executed, it
 *
 *	A  depends on the mode, or changes it: CPL 0 and CPL 3 leave different things without a
 *fault B  reads or changes a register of the system C  depends on the protection system: another
 *type or DPL of a segment it names, another result D  does input or output E  depends on what lies
 *outside the machine's state: twice the same, twice different (time, random numbers)
 *
 * A to D are the rules by which Robin and Irvine ("Analysis of the Intel Pentium's Ability to
 *Support a Secure Virtual Machine Monitor", USENIX Security 2000, section 3) found 17 instructions
 *that are sensitive and not privileged, against which theorem 1 of Popek and Goldberg ("Formal
 *Requirements for Virtualizable Third Generation Architectures", CACM 1974, section 6) stands. Here
 *they are not listed but found: by executing each form in each mode and state.
 */
#ifndef CHECKER_ISA_CENSUS_H
#define CHECKER_ISA_CENSUS_H

#include "../record.h"
#include "tokens.h"

/* ---- The table ------------------------------------------------------------------------ */

struct isa_feature_info {
	const char *name;
	uint32_t leaf;
	unsigned subleaf, reg, bit;
};

struct isa_class_info {
	const char *name;
	const char *mode[ISA_MODES];
};

struct isa_form_info {
	const char *name;
	unsigned feature, class, flags;
};

struct isa_table {
	const struct isa_feature_info *feature;
	const struct isa_class_info *class;
	const struct isa_form_info *form;
	size_t form_count;
	uint32_t sum;
};

/* ---- Records ------------------------------------------------------------------------------ */

struct isa_outcome {
	bool tried, executed, changing; /* changing: not the same at a second time */
	bool resume;			/* RF in the flags that the exception pushed */
	unsigned vector, error, system;
	char hash[4];
};

#define ISA_VARIED_MAX 64
struct isa_varied {
	unsigned state, modes;
	struct isa_outcome outcome;
};

struct isa_result {
	bool seen, has;
	struct isa_outcome mode[ISA_MODES];
	struct isa_varied varied[ISA_VARIED_MAX];
	unsigned varied_count;
};

struct isa_run {
	const struct isa_table *table;
	struct isa_result *result; /* table->form_count of them */
	size_t count, broken, twice;
	unsigned states, modes; /* masks: those that this CPU has, those that were tried */
	bool begun, ended, other_table;
};

/* Reads the records of that speaker; whatever a hostile one says, the run is well-formed then. */
void isa_read(struct isa_run *run, const struct isa_table *table, const struct record_log *log,
	      const char *speaker, const char *nonce);
/* One form's record, from HAS on (tokens.h).  False: not what a record is. */
bool isa_read_form(const char *text, struct isa_result *result);
void isa_free(struct isa_run *run);
/* All forms, once each, to the end, of this very table. */
bool isa_complete(const struct isa_run *run);

/* As a record has it, without hash: "x", "0d(18)!20", "-".  size at least 32. */
void isa_put_outcome(const struct isa_outcome *outcome, char *to, size_t size);

/* ---- Classes --------------------------------------------------------------------------------- */

#define ISA_RULES "ABCDE"
enum isa_rule { ISA_RULE_A = 1, ISA_RULE_B = 2, ISA_RULE_C = 4, ISA_RULE_D = 8, ISA_RULE_E = 16 };

enum isa_kind {
	ISA_FAULTS, /* in each mode: it is not there, or its operands ask for it */
	ISA_INNOCUOUS,
	ISA_PRIVILEGED, /* and not seen to be sensitive */
	ISA_SENSITIVE,	/* and privileged: as theorem 1 wants it */
	ISA_VIOLATES,	/* sensitive, and executes in user mode */
	ISA_KINDS
};

struct isa_verdict {
	enum isa_kind kind;
	unsigned rules;	   /* why it is sensitive, user mode if it violates, else supervisor */
	unsigned modes;	   /* user modes in which it violates */
	unsigned trapped;  /* states in which user mode traps where else it executes */
	unsigned unlocked; /* and the reverse */
};

void isa_derive(const struct isa_result *result, struct isa_verdict *verdict);
const char *isa_kind_name(enum isa_kind kind);
/* "AB" of a mask; size at least 8. */
void isa_put_rules(unsigned rules, char *to, size_t size);
/* "msw,tr" of a mask. */
void isa_put_states(unsigned states, char *to, size_t size);

/* Robin and Irvine's 17, by mnemonics. */
#define ISA_ROBIN_IRVINE 17
/* Which of them this form belongs to, or -1. */
int isa_family(const char *form);
const char *isa_family_name(unsigned family);

/* ---- Manual, bare, virtual ------------------------------------------------------------- */

/* What the manuals expect ("x", two digits); NULL: nothing is claimed. */
const char *isa_manual(const struct isa_table *table, size_t form, enum isa_mode mode, bool has);
bool isa_fits(const struct isa_outcome *outcome, const char *manual);

enum isa_compared { ISA_SAME, ISA_BETTER, ISA_HIDDEN, ISA_DECLARED, ISA_WORSE, ISA_COMPARED };

/*
 * One form, the worst of its modes.  declared: the reason of the form's own line in the file of
 * declared differences, "#VECTOR WHY": it may raise that exception where the bare machine does
 * something else; or NULL.  hidden: may its feature be hidden?  modes: those that differ.
 */
enum isa_compared isa_compare(const struct isa_table *table, size_t form,
			      const struct isa_run *bare, const struct isa_run *virtual,
			      const char *declared, bool hidden, unsigned *modes);
const char *isa_compared_name(enum isa_compared compared);

/* A line "NAME [0xMASK] REASON" of the declared text: reason, and mask (0: none).  False: none. */
bool isa_declared(const char *text, const char *name, char *reason, size_t size, uint64_t *mask);
/* Is the CPUID bit of the form's feature declared as hidden? */
bool isa_may_hide(const struct isa_table *table, size_t form, const char *text);

#endif
