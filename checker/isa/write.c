/* write.c - see write.h */
#include "write.h"

#include <string.h>

#define OUTCOME_SIZE 40
#define LIST_SIZE 200

static const char *const mode_names[] = ISA_MODE_NAMES;
static const char *const mode_titles[] = {
	"64-bit, CPL 0",
	"64-bit, CPL 3",
	"compatibility, 32 bits, CPL 3",
	"compatibility, 16 bits, CPL 3",
	"32-bit, CPL 0",
	"32-bit, CPL 3",
	"real mode",
	"virtual-8086",
};

static const char *const kind_titles[ISA_KINDS] = {
	[ISA_FAULTS] = "faults in each mode: it is not there, or its operands ask for it",
	[ISA_INNOCUOUS] =
	    "executes in user mode and neither shows nor changes anything of the system",
	[ISA_PRIVILEGED] = "faults in user mode only; that it is sensitive was not seen",
	[ISA_SENSITIVE] = "sensitive and privileged, as theorem 1 of Popek and Goldberg wants it",
	[ISA_VIOLATES] = "sensitive, and executes in user mode: against theorem 1",
};

static size_t mnemonic(const char *name)
{
	return strcspn(name, " ");
}

static bool violates_newly(const struct isa_census *c, size_t i)
{
	return c->row[i].bare.kind == ISA_VIOLATES && isa_family(c->table->form[i].name) < 0;
}

/* Is there an earlier form of this mnemonic that does, too? */
static bool named_before(const struct isa_census *c, size_t i)
{
	const char *name = c->table->form[i].name;
	size_t n = mnemonic(name);

	for (size_t k = 0; k < i; k++)
		if (violates_newly(c, k) && mnemonic(c->table->form[k].name) == n &&
		    !strncmp(c->table->form[k].name, name, n))
			return true;
	return false;
}

void isa_newer(const struct isa_census *c, char *to, size_t size)
{
	size_t n = 0;

	*to = '\0';
	for (size_t i = 0; i < c->table->form_count; i++) {
		const char *name = c->table->form[i].name;
		int length = (int)mnemonic(name);

		if (!violates_newly(c, i) || named_before(c, i) || n + (size_t)length + 3 > size)
			continue;
		n += (size_t)snprintf(to + n, size - n, "%s%.*s", n ? ", " : "", length, name);
	}
}

static unsigned families_found(const struct isa_census *c)
{
	unsigned found = 0;

	for (unsigned i = 0; i < ISA_ROBIN_IRVINE; i++)
		found += c->family[i];
	return found;
}

/* Its rules, its states, what is said of it. */
static void put_notes(const struct isa_row *row, char *to, size_t size)
{
	char rules[8], trapped[LIST_SIZE], unlocked[LIST_SIZE];

	isa_put_rules(row->bare.rules, rules, sizeof(rules));
	isa_put_states(row->bare.trapped, trapped, sizeof(trapped));
	isa_put_states(row->bare.unlocked, unlocked, sizeof(unlocked));
	snprintf(to, size, "%s%s%s%s%s%s%s%s%s", rules, *trapped ? " traps:" : "", trapped,
		 *unlocked ? " unlocked:" : "", unlocked, row->deviates ? " bare-deviates" : "",
		 *row->reason ? " (" : "", row->reason, *row->reason ? ")" : "");
}

/* ---- Text --------------------------------------------------------------------------- */

static unsigned deviating(const struct isa_census *c)
{
	unsigned count = 0;

	for (size_t i = 0; i < c->table->form_count; i++)
		count += c->row[i].deviates != 0;
	return count;
}

/* Forms whose feature only the bare machine offers, whatever they do. */
static unsigned masked(const struct isa_census *c)
{
	unsigned count = 0;

	for (size_t i = 0; i < c->table->form_count; i++)
		count += c->bare->result[i].has && c->virtual->result[i].seen &&
			 !c->virtual->result[i].has;
	return count;
}

static void text_head(const struct isa_census *c, FILE *to)
{
	char newer[2000];

	isa_newer(c, newer, sizeof(newer));
	fprintf(to, "Census of instructions: %s\n\n", c->platform);
	fprintf(to, "forms %zu, run bare %zu, virtual %zu\n", c->table->form_count, c->bare->count,
		c->virtual->count);
	fputs("bare:", to);
	for (unsigned k = 0; k < ISA_KINDS; k++)
		fprintf(to, " %s %u", isa_kind_name(k), c->kinds[k]);
	fputs("\nvirtual against bare:", to);
	for (unsigned k = 0; k < ISA_COMPARED; k++)
		fprintf(to, " %s %u", isa_compared_name(k), c->compared[k]);
	fprintf(to,
		"\nSensitive and not privileged on the bare machine: %u forms; %u of them differ "
		"behind "
		"the hypervisor.\n",
		c->kinds[ISA_VIOLATES], c->remaining);
	fprintf(to, "Robin and Irvine's families: %u of %u found:", families_found(c),
		ISA_ROBIN_IRVINE);
	for (unsigned i = 0; i < ISA_ROBIN_IRVINE; i++)
		fprintf(to, " %s%s", isa_family_name(i), c->family[i] ? "" : "(not found)");
	fprintf(to, "\nBeyond them: %s\n", newer);
	fprintf(to,
		"The bare machine is not as the manuals say (\"bare-deviates\") in %u forms; CPUID "
		"hides the "
		"feature of %u forms from the virtual machine.\n\n",
		deviating(c), masked(c));
	for (unsigned k = 0; k < ISA_KINDS; k++)
		fprintf(to, "%s: %s\n", isa_kind_name(k), kind_titles[k]);
	fputs("A depends on or changes the mode, B reads or changes a register of the system, C "
	      "depends on the\nprotection system, D input or output, E differs from time to time.  "
	      "x: executed; else the vector (error),\n! what of the system changed (a mask, "
	      "tokens.h).  Modes: ",
	      to);
	for (unsigned m = 0; m < ISA_MODES; m++)
		fprintf(to, "%s %s%s", mode_names[m], mode_titles[m],
			m + 1 < ISA_MODES ? "; " : "\n\n");
}

void isa_write_text(const struct isa_census *c, FILE *to)
{
	char outcome[OUTCOME_SIZE], notes[4 * LIST_SIZE];

	text_head(c, to);
	fprintf(to, "%-32s %-10s", "form", "bare");
	for (unsigned m = 0; m < ISA_MODES; m++)
		fprintf(to, " %-8s", mode_names[m]);
	fputs(" virtual  why\n", to);
	for (size_t i = 0; i < c->table->form_count; i++) {
		const struct isa_row *row = &c->row[i];

		fprintf(to, "%-32s %-10s", c->table->form[i].name, isa_kind_name(row->bare.kind));
		for (unsigned m = 0; m < ISA_MODES; m++) {
			isa_put_outcome(&c->bare->result[i].mode[m], outcome, sizeof(outcome));
			fprintf(to, " %-8s", outcome);
		}
		put_notes(row, notes, sizeof(notes));
		fprintf(to, " %-8s %s\n", isa_compared_name(row->compared), notes);
	}
}

/* ---- HTML ---------------------------------------------------------------------------- */

/* Names come from the table, reasons from a file of the checker's: but they may hold < and &. */
static void html_text(const char *text, FILE *to)
{
	for (; *text; text++)
		if (*text == '<')
			fputs("&lt;", to);
		else if (*text == '&')
			fputs("&amp;", to);
		else
			fputc(*text, to);
}

static void html_outcome(const struct isa_outcome *bare, const struct isa_outcome *virtual,
			 bool differs, FILE *to)
{
	char b[OUTCOME_SIZE], v[OUTCOME_SIZE];
	const char *class = !bare->tried	? "n"
			    : bare->executed	? "x"
			    : bare->vector == 6 ? "u"
						: "t";

	isa_put_outcome(bare, b, sizeof(b));
	isa_put_outcome(virtual, v, sizeof(v));
	fprintf(to, "<td class=\"%s%s\">%s", class, differs ? " d" : "", b);
	if (differs && strcmp(b, v))
		fprintf(to, " / %s", v);
	fputs("</td>", to);
}

static void html_row(const struct isa_census *c, size_t i, FILE *to)
{
	const struct isa_row *row = &c->row[i];
	char notes[4 * LIST_SIZE];

	fprintf(to, "<tr class=\"k%u c%u\"><th scope=\"row\">", row->bare.kind, row->compared);
	html_text(c->table->form[i].name, to);
	fprintf(to, "</th><td>%s</td>", isa_kind_name(row->bare.kind));
	for (unsigned m = 0; m < ISA_MODES; m++)
		html_outcome(&c->bare->result[i].mode[m], &c->virtual->result[i].mode[m],
			     row->modes >> m & 1, to);
	put_notes(row, notes, sizeof(notes));
	fprintf(to, "<td class=\"v\">%s</td><td>", isa_compared_name(row->compared));
	html_text(notes, to);
	fputs("</td></tr>\n", to);
}

static void html_head(const struct isa_census *c, FILE *to)
{
	char newer[2000];

	isa_newer(c, newer, sizeof(newer));
	fputs(
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Census of "
	    "instructions</title>\n<style>\nbody{font:15px/1.4 sans-serif;margin:2em;color:#222}\n"
	    "table{border-collapse:collapse;font-size:13px}\nth,td{border:1px solid "
	    "#ddd;padding:1px "
	    "6px;text-align:left}\nthead th{position:sticky;top:0;background:#fff}\n"
	    "td.x{background:#e3f3e3}td.t{background:#fbe9d7}td.u{background:#eee}td.n{color:#aaa}"
	    "\n"
	    "td.d{outline:2px solid #06c}\n.k4 th{background:#f8c9c9}.k3 th{background:#cfe0fb}\n"
	    ".c4 .v{background:#c00;color:#fff}.c1 .v,.c2 .v,.c3 .v{background:#fff3b0}\n"
	    "</style></head><body>\n<h1>Census of instructions</h1>\n<p>",
	    to);
	html_text(c->platform, to);
	fprintf(to, ": %zu forms, %zu run bare, %zu run virtual.</p>\n<ul>\n", c->table->form_count,
		c->bare->count, c->virtual->count);
	for (unsigned k = 0; k < ISA_KINDS; k++)
		fprintf(to, "<li>%s: %u (%s)</li>\n", isa_kind_name(k), c->kinds[k],
			kind_titles[k]);
	fprintf(to,
		"</ul>\n<p>Sensitive and not privileged on the bare machine (red): %u forms. "
		"Behind the "
		"hypervisor <strong>%u</strong> of them differ.</p>\n<p>Robin and Irvine's "
		"families found: "
		"%u of %u. Beyond them: ",
		c->kinds[ISA_VIOLATES], c->remaining, families_found(c), ISA_ROBIN_IRVINE);
	html_text(newer, to);
	fprintf(to,
		".</p>\n<p>The bare machine is not as the manuals say in %u forms "
		"(bare-deviates).</p>\n",
		deviating(c));
	fputs("<p>A depends on or changes the mode; B reads or changes a register of the "
	      "system; C "
	      "depends on the protection system; D input or output; E differs from time to time. "
	      "Cells: x executed, else the vector; framed: the virtual machine differs.</p>\n"
	      "<table><thead><tr><th>form</th><th>bare</th>",
	      to);
	for (unsigned m = 0; m < ISA_MODES; m++)
		fprintf(to, "<th title=\"%s\">%s</th>", mode_titles[m], mode_names[m]);
	fputs("<th>virtual</th><th>why</th></tr></thead><tbody>\n", to);
}

void isa_write_html(const struct isa_census *c, FILE *to)
{
	html_head(c, to);
	for (size_t i = 0; i < c->table->form_count; i++)
		html_row(c, i, to);
	fputs("</tbody></table></body></html>\n", to);
}

/* ---- JSON ------------------------------------------------------------------------------- */

static void json_text(const char *text, FILE *to)
{
	fputc('"', to);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else if (*text >= ' ' && *text <= '~')
			fputc(*text, to);
		else
			fputc('?', to);
	fputc('"', to);
}

static void json_outcomes(const char *key, const struct isa_result *r, FILE *to)
{
	char outcome[OUTCOME_SIZE];

	fprintf(to, ", \"%s\": [", key);
	for (unsigned m = 0; m < ISA_MODES; m++) {
		isa_put_outcome(&r->mode[m], outcome, sizeof(outcome));
		fprintf(to, "%s\"%s\"", m ? ", " : "", outcome);
	}
	fputc(']', to);
}

static void json_manual(const struct isa_census *c, size_t i, FILE *to)
{
	fputs(", \"manual\": [", to);
	for (unsigned m = 0; m < ISA_MODES; m++) {
		const char *manual = isa_manual(c->table, i, m, c->bare->result[i].has);

		if (manual)
			fprintf(to, "%s\"%s\"", m ? ", " : "", manual);
		else
			fprintf(to, "%snull", m ? ", " : "");
	}
	fputc(']', to);
}

static void json_row(const struct isa_census *c, size_t i, FILE *to)
{
	const struct isa_row *row = &c->row[i];
	char rules[8], trapped[LIST_SIZE], unlocked[LIST_SIZE];

	isa_put_rules(row->bare.rules, rules, sizeof(rules));
	isa_put_states(row->bare.trapped, trapped, sizeof(trapped));
	isa_put_states(row->bare.unlocked, unlocked, sizeof(unlocked));
	fputs("{\"form\": ", to);
	json_text(c->table->form[i].name, to);
	fprintf(to,
		", \"feature\": \"%s\", \"kind\": \"%s\", \"rules\": \"%s\", \"trapped\": \"%s\", "
		"\"unlocked\": \"%s\", \"verdict\": \"%s\", \"deviates\": %u, \"reason\": ",
		c->table->feature[c->table->form[i].feature].name, isa_kind_name(row->bare.kind),
		rules, trapped, unlocked, isa_compared_name(row->compared), row->deviates);
	json_text(row->reason, to);
	json_manual(c, i, to);
	json_outcomes("bare", &c->bare->result[i], to);
	json_outcomes("virtual", &c->virtual->result[i], to);
	fputc('}', to);
}

void isa_write_json(const struct isa_census *c, FILE *to)
{
	fputs("{\"platform\": ", to);
	json_text(c->platform, to);
	fprintf(to,
		",\n\"forms\": %zu, \"bare\": %zu, \"virtual\": %zu, \"remaining\": %u, "
		"\"deviating\": %u, \"masked\": %u,\n\"modes\": [",
		c->table->form_count, c->bare->count, c->virtual->count, c->remaining, deviating(c),
		masked(c));
	for (unsigned m = 0; m < ISA_MODES; m++)
		fprintf(to, "%s\"%s\"", m ? ", " : "", mode_names[m]);
	fputs("],\n\"kinds\": {", to);
	for (unsigned k = 0; k < ISA_KINDS; k++)
		fprintf(to, "%s\"%s\": %u", k ? ", " : "", isa_kind_name(k), c->kinds[k]);
	fputs("},\n\"verdicts\": {", to);
	for (unsigned k = 0; k < ISA_COMPARED; k++)
		fprintf(to, "%s\"%s\": %u", k ? ", " : "", isa_compared_name(k), c->compared[k]);
	fputs("},\n\"rows\": [\n", to);
	for (size_t i = 0; i < c->table->form_count; i++) {
		json_row(c, i, to);
		fputs(i + 1 < c->table->form_count ? ",\n" : "\n]}\n", to);
	}
}
