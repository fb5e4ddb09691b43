/*
 * write.h - the census of instructions as a table, as a page, as data
 *
 * Owns: census.txt, census.html (complete in itself, no scripts), census.json.
 * Must not know: how anything was found out (census.h).
 */
#ifndef CHECKER_ISA_WRITE_H
#define CHECKER_ISA_WRITE_H

#include "census.h"

#include <stdio.h>

struct isa_row {
	struct isa_verdict bare, virtual;
	enum isa_compared compared;
	unsigned modes;	   /* that differ between bare and virtual */
	unsigned deviates; /* modes in which the bare machine is not as the manuals say */
	char reason[160];
};

struct isa_census {
	const struct isa_table *table;
	const struct isa_run *bare, *virtual;
	struct isa_row *row; /* table->form_count of them */
	const char *platform;
	unsigned kinds[ISA_KINDS]; /* on the bare machine */
	unsigned compared[ISA_COMPARED];
	unsigned remaining;	       /* violate bare, and the virtual machine is WORSE */
	bool family[ISA_ROBIN_IRVINE]; /* found to violate on the bare machine */
};

void isa_write_text(const struct isa_census *census, FILE *to);
void isa_write_html(const struct isa_census *census, FILE *to);
void isa_write_json(const struct isa_census *census, FILE *to);
/* "a, b, c": mnemonics that violate and belong to none of Robin and Irvine's families, each once;
 * cut to size. */
void isa_newer(const struct isa_census *census, char *to, size_t size);

#endif
