/*
 * test_isa.c - the census of instructions: records, classes, bare against virtual, what is written
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "../../checker/isa/write.h"

void test_isa_register(void);

static const struct isa_feature_info features[] = {
	{ "base", 1, 0, 3, 4 },
	{ "new", 7, 0, 1, 5 },
	{ "deep", 13, 1, 0, 1 },
};
static const struct isa_class_info classes[] = {
	{ "any", { "x", "x", "x", "x", "x", "x", "x", "x" } },
	{ "priv", { "x", "0d", "0d", "0d", "x", "0d", "x", "0d" } },
	{ "open", { "?", "?", "?", "?", "?", "?", "?", "-" } },
};
static const struct isa_form_info forms[] = {
	{ "SGDT m", 0, 0, 0 },
	{ "CLI", 0, 1, 0 },
	{ "NEW r", 1, 0, 0 },
	{ "DEEP r", 2, 0, ISA_FLAG_ALIAS },
	{ "CPUID <1>", 0, 2, ISA_FLAG_LOOSE },
};
static const struct isa_table table = { features, classes, forms, 5, 0x1234 };

#define HEAD "@N isa forms=5 sum=0x1234 states=0xffff\n"
#define SGDT "@N form 0 1 x.abc = = = x.abc = = = gdtr=x.abd/ff\n"
#define CLI "@N form 1 1 x.abc!2 0d.aaa = = x.abc!2 0d.aaa x.abc!2 0d.aaa iopl=x.abc!2/2e\n"
#define NEW "@N form 2 1 x.aaa = = = = = = = ts=07/ff\n"
#define DEEP "@N form 3 0 x.aaa = = = = = = =\n"
#define LAST "@N form 4 1 x.abc = = = = = = -\n"
#define GOOD HEAD SGDT CLI NEW DEEP LAST "@N end\n"

static void read_run(struct isa_run *run, const char *text)
{
	struct record_log log;

	record_parse(&log, text, strlen(text), "one");
	isa_read(run, &table, &log, "one", "N");
	record_free(&log);
}

static bool complete(const char *text)
{
	struct isa_run run;
	bool is;

	read_run(&run, text);
	is = isa_complete(&run);
	isa_free(&run);
	return is;
}

static void test_complete(void)
{
	CU_ASSERT(complete(GOOD));
	CU_ASSERT_FALSE(complete(""));
	CU_ASSERT_FALSE(complete(HEAD SGDT CLI NEW DEEP LAST));	      /* no end */
	CU_ASSERT_FALSE(complete(SGDT CLI NEW DEEP LAST "@N end\n")); /* no beginning */
	CU_ASSERT_FALSE(complete(HEAD SGDT CLI NEW DEEP "@N end\n"));
	CU_ASSERT_FALSE(complete(GOOD SGDT)); /* twice */
	CU_ASSERT_FALSE(complete(HEAD GOOD));
	CU_ASSERT_FALSE(complete("@N isa forms=5 sum=0x1235\n" SGDT CLI NEW DEEP LAST "@N end\n"));
	CU_ASSERT_FALSE(complete("@N isa forms=6 sum=0x1234\n" SGDT CLI NEW DEEP LAST "@N end\n"));
	/* Another's nonce, and a line that was cut off. */
	CU_ASSERT_FALSE(
	    complete(HEAD "@M form 0 1 x.abc = = = = = = =\n" CLI NEW DEEP LAST "@N end\n"));
	CU_ASSERT_FALSE(complete(HEAD SGDT CLI NEW DEEP LAST "@N end"));
}

/* Each instead of the last form. */
static void test_garbage(void)
{
	static const char *const lines[] = {
		"@N form 4 1 x.abc = = = = = =\n",     /* seven modes */
		"@N form 4 1 x.abc = = = = = = = =\n", /* nine */
		"@N form 4 1 = = = = = = = =\n",       /* as what? */
		"@N form 5 1 x.abc = = = = = = =\n",   /* no such form */
		"@N form -1 1 x.abc = = = = = = =\n",
		"@N form 99999999999999999999 1 x.abc = = = = = = =\n",
		"@N form 4 2 x.abc = = = = = = =\n",
		"@N form 4 1 x.ab = = = = = = =\n",
		"@N form 4 1 y.abc = = = = = = =\n",
		"@N form 4 1 0 = = = = = = =\n",
		"@N form 4 1 0d(.abc = = = = = = =\n",
		"@N form 4 1 0d(123456789).abc = = = = = = =\n",
		"@N form 4 1 x.abc! = = = = = = =\n",
		"@N form 4 1 x.abc = = = = = = = nonsense=x.abc/ff\n",
		"@N form 4 1 x.abc = = = = = = = base=x.abc/ff\n",
		"@N form 4 1 x.abc = = = = = = = ts=x.abc/100\n",
		"@N form 4 1 x.abc = = = = = = = ts=x.abc/0\n",
		"@N form 4 1 x.abc = = = = = = = ts=x.abc\n",
		"@N form 4 1 x.abc = = = = = = = ts=-/1\n",
		"@N form 4 1 x.abc = = = = = = = ts\n",
		"@N form 4 1\n",
		"@N form \n",
		"@N form 4\n",
	};
	char text[2000];

	for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		snprintf(text, sizeof(text), "%s%s%s", HEAD SGDT CLI NEW DEEP, lines[i],
			 "@N end\n");
		CU_ASSERT_FALSE(complete(text));
	}
}

/* More states than there is room for. */
static void test_flood(void)
{
	struct isa_run run;
	char text[1000] = HEAD "@N form 4 1 x.abc = = = = = = =";
	size_t n = strlen(text);

	while (n + 20 < sizeof(text))
		n += (size_t)sprintf(text + n, " ts=07/1");
	strcpy(text + n, "\n@N end\n");
	read_run(&run, text);
	CU_ASSERT_EQUAL(run.broken, 1);
	CU_ASSERT_EQUAL(run.count, 0);
	isa_free(&run);
}

static void test_read(void)
{
	struct isa_run run;
	const struct isa_outcome *o;
	char text[40];

	read_run(&run,
		 HEAD "@N form 1 0 - 0d^(18).abc!20 x.a/c x.abd!1~ = = 20.aaa -\n"
		      "@N form 1 0 - 0d^(18).abc!20 x.abc~ x.abd!1~ = = 20.aaa - tr=x.aaa/81\n");
	CU_ASSERT_EQUAL(run.broken, 1);
	CU_ASSERT_EQUAL(run.count, 1);
	CU_ASSERT_EQUAL(run.states, 0xffff);
	CU_ASSERT_FALSE(run.result[1].has);
	CU_ASSERT_FALSE(run.result[1].mode[0].tried);
	o = &run.result[1].mode[1];
	CU_ASSERT(o->tried && !o->executed && o->resume && o->vector == 13 && o->error == 0x18 &&
		  o->system == 0x20 && !strcmp(o->hash, "abc"));
	isa_put_outcome(o, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "0d(18)!20");
	o = &run.result[1].mode[4];
	CU_ASSERT(o->executed && o->changing && o->system == 1);
	CU_ASSERT_EQUAL(run.result[1].varied_count, 1);
	CU_ASSERT_EQUAL(run.result[1].varied[0].state, ISA_TR);
	CU_ASSERT_EQUAL(run.result[1].varied[0].modes, 0x81);
	isa_free(&run);
}

/* ---- Classes -------------------------------------------------------------------------- */

static struct isa_verdict derive(const char *record)
{
	struct isa_verdict verdict;
	struct isa_run run;
	char text[400];

	snprintf(text, sizeof(text), HEAD "@N form 0 1 %s\n", record);
	read_run(&run, text);
	CU_ASSERT_EQUAL(run.count, 1);
	isa_derive(&run.result[0], &verdict);
	isa_free(&run);
	return verdict;
}

static bool is(const char *record, enum isa_kind kind, const char *rules)
{
	struct isa_verdict v = derive(record);
	char text[8];

	isa_put_rules(v.rules, text, sizeof(text));
	return v.kind == kind && !strcmp(text, rules);
}

static void test_derive(void)
{
	/*	   l0	   l3	   c3 d3   p0	   p3	 r	 v */
	CU_ASSERT(is("x.abc = = = = = = =", ISA_INNOCUOUS, ""));
	CU_ASSERT(is("06.aaa = = = = = = =", ISA_FAULTS, ""));
	CU_ASSERT(is("00.aaa = = = = = = =", ISA_FAULTS, ""));
	CU_ASSERT(is("x.abc 0d.aaa = = x.abc 0d.aaa x.abc 0d.aaa", ISA_PRIVILEGED, ""));
	CU_ASSERT(is("x.abc!8 0d.aaa = = x.abc!8 0d.aaa x.abc!8 0d.aaa", ISA_SENSITIVE, "B"));
	CU_ASSERT(is("x.abc!10000 0d.aaa = = = = = =", ISA_SENSITIVE, "D"));
	/* Waiting for an interrupt gives the CPU away. */
	CU_ASSERT(is("20.abc 0d.aaa = = = = = =", ISA_SENSITIVE, "B"));
	/* A fault by privileged state tells the program nothing: SSE is innocuous. */
	CU_ASSERT(is("x.abc = = = = = = = ts=07/ff sse=06/ff", ISA_INNOCUOUS, ""));
	/* STR, SMSW: another result, no fault. */
	CU_ASSERT(is("x.abc = = = = = 06.aaa = tr=x.abd/3f", ISA_VIOLATES, "B"));
	/* IN in user mode at IOPL 3 only. */
	CU_ASSERT(is("x.abc 0d.aaa = = = = = = pic=x.abd/1 iopl=x.abc/2", ISA_SENSITIVE, "D"));
	/* LAR, MOV DS: the type of a segment. */
	CU_ASSERT(is("x.abc = = = = = 06.aaa = dpl=x.abd/3f", ISA_VIOLATES, "C"));
	CU_ASSERT(is("x.abc = = = = = = = dpl=0d/3f", ISA_VIOLATES, "C"));
	/* PUSH CS, POPF: CPL 0 and 3 leave different things. */
	CU_ASSERT(is("x.abc x.abd = = x.abc = = =", ISA_VIOLATES, "A"));
	CU_ASSERT(is("06.aaa = x.abd = x.abc x.abd x.abc =", ISA_VIOLATES, "A"));
	/* 16 and 32 bits, real mode and others differ anyway. */
	CU_ASSERT(is("x.abc = x.abd x.abe x.abc = x.abe =", ISA_INNOCUOUS, ""));
	/* INT n through a gate; SYSCALL. */
	CU_ASSERT(is("41.abc 41.abc!1 = = 41.abc 41.abc!1 41.abc 0d.aaa", ISA_VIOLATES, "A"));
	CU_ASSERT(is("x.abc x.abc!1 06.aaa = = = = =", ISA_VIOLATES, "A"));
	/* RDTSC, RDRAND. */
	CU_ASSERT(is("x.abc~ = = = = = = = tsd=0d/ae", ISA_VIOLATES, "E"));
	CU_ASSERT_EQUAL(derive("x.abc~ = = = = = = = tsd=0d/ae").trapped, 1u << ISA_TSD);
	CU_ASSERT_EQUAL(derive("x.abc 0d.aaa = = = = = = iopl=x.abc/2").unlocked, 1u << ISA_IOPL);
	CU_ASSERT_EQUAL(derive("x.abc x.abd = = x.abc = = =").modes, 1u << ISA_L3);
	CU_ASSERT_STRING_EQUAL(isa_kind_name(ISA_VIOLATES), "violates");
}

static void test_names(void)
{
	char text[40];

	isa_put_states(1u << ISA_TSD | 1u << ISA_UMIP, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "umip,tsd");
	isa_put_states(~0u, text, 8);
	CU_ASSERT(strlen(text) < 8);
	CU_ASSERT_STRING_EQUAL(isa_family_name((unsigned)isa_family("VERW m")), "VERR/VERW");
	CU_ASSERT_STRING_EQUAL(isa_family_name((unsigned)isa_family("VERR r")), "VERR/VERW");
	CU_ASSERT_STRING_EQUAL(isa_family_name((unsigned)isa_family("INT i8")), "INT");
	CU_ASSERT(isa_family("INTO") < 0);
	CU_ASSERT(isa_family("IRET") < 0);
	CU_ASSERT(isa_family("PUSHA") < 0);
}

/* ---- Bare and virtual ----------------------------------------------------------------- */

#define DECLARED "# comment\ncpuid.7.ebx 0x20 not ours\ncpuid.d.eax 0x2 no\nisa.CLI because\n"

static enum isa_compared compare_as(size_t form, const char *bare, const char *virtual,
				    const char *declared, bool hidden)
{
	struct isa_run b, v;
	enum isa_compared compared;
	char text[400];
	unsigned modes;

	snprintf(text, sizeof(text), HEAD "@N form %zu %s\n", form, bare);
	read_run(&b, text);
	snprintf(text, sizeof(text), HEAD "@N form %zu %s\n", form, virtual);
	read_run(&v, text);
	compared = isa_compare(&table, form, &b, &v, declared, hidden, &modes);
	CU_ASSERT_EQUAL(!modes, compared == ISA_SAME);
	isa_free(&b);
	isa_free(&v);
	return compared;
}

static enum isa_compared compare(size_t form, const char *bare, const char *virtual)
{
	return compare_as(form, bare, virtual, NULL, false);
}

static void test_compare(void)
{
	static const char good[] = "1 x.abc = = = = = = =";

	CU_ASSERT_EQUAL(compare(0, good, good), ISA_SAME);
	CU_ASSERT_EQUAL(compare(0, good, "1 x.abc = = = = = = x.abd"), ISA_WORSE);
	CU_ASSERT_EQUAL(compare(0, good, "1 x.abc = = = = = = 06.abc"), ISA_WORSE);
	CU_ASSERT_EQUAL(compare(0, good, "1 x.abc = = = = = = -"), ISA_WORSE);
	CU_ASSERT_EQUAL(compare(0, good, "1 x.abc!4 = = = = = = ="), ISA_WORSE);
	CU_ASSERT_EQUAL(compare(0, "1 0d(8).abc = = = = = = =", "1 0d.abc = = = = = = ="),
			ISA_WORSE);
	CU_ASSERT_EQUAL(compare(0, good, "bad"), ISA_WORSE); /* no record at all */
	/* In another state. */
	CU_ASSERT_EQUAL(compare(0, good, "1 x.abc = = = = = = = ts=07/1"), ISA_WORSE);
	CU_ASSERT_EQUAL(compare(0, "1 x.abc = = = = = = = ts=07/1", good), ISA_WORSE);
	CU_ASSERT_EQUAL(
	    compare(0, "1 x.abc = = = = = = = ts=07/1", "1 x.abc = = = = = = = ts=06/1"),
	    ISA_WORSE);
	CU_ASSERT_EQUAL(
	    compare(0, "1 x.abc = = = = = = = ts=07/3", "1 x.abc = = = = = = = ts=07/1 ts=07/2"),
	    ISA_SAME);
	/* A state that one of the two CPUs does not have (16 and on are not in HEAD's mask). */
	CU_ASSERT_EQUAL(compare(0, "1 x.abc = = = = = = = tsd=0d/2", good), ISA_SAME);
	/* What changes each time, and what is declared to differ. */
	CU_ASSERT_EQUAL(compare(0, "1 x.abc~ = = = = = = =", "1 x.xyz = = = = = = ="), ISA_SAME);
	CU_ASSERT_EQUAL(compare(4, "1 x.abc = = = = = = -", "1 x.xyz = = = = = = -"), ISA_SAME);
	CU_ASSERT_EQUAL(compare(4, "1 x.abc = = = = = = -", "1 06.abc = = = = = = -"), ISA_WORSE);
	CU_ASSERT_EQUAL(compare_as(1, good, "1 06.abc = = = = = = =", "#6 because", false),
			ISA_DECLARED);
	CU_ASSERT_EQUAL(compare_as(1, "1 06.abc = = = = = = =", good, "#6 because", false),
			ISA_WORSE);
	CU_ASSERT_EQUAL(compare_as(1, good, "1 0d.abc = = = = = = =", "#6 because", false),
			ISA_WORSE);
	CU_ASSERT_EQUAL(compare_as(1, good, "1 06.abc = = = = = = =", "because", false), ISA_WORSE);
	CU_ASSERT_EQUAL(compare_as(1, good, "1 06.abc = = = = = = =", "#6", false), ISA_WORSE);
	CU_ASSERT_EQUAL(compare_as(1, good, "1 x.abd = = = = = = =", "#6 because", false),
			ISA_WORSE);
}

static void test_better(void)
{
	static const char bare[] = "1 x.abc = = = = = = =";
	static const char manual[] = "1 x.abc 0d.aaa = = x.abc 0d.aaa x.abc 0d.aaa";

	CU_ASSERT_EQUAL(compare(1, bare, manual), ISA_BETTER);
	CU_ASSERT_EQUAL(compare(1, manual, bare), ISA_WORSE);
	/* Only half of it. */
	CU_ASSERT_EQUAL(compare(1, bare, "1 x.abc 0d.aaa x.abd = x.abc 0d.aaa x.abc 0d.aaa"),
			ISA_WORSE);
	/* RF. */
	CU_ASSERT_EQUAL(compare(0, "1 06.abc = = = = = = =", "1 06^.abc = = = = = = ="),
			ISA_BETTER);
	CU_ASSERT_EQUAL(compare(0, "1 06^.abc = = = = = = =", "1 06.abc = = = = = = ="), ISA_WORSE);
	/* Hidden, if it may be; and honestly: it must not execute any more. */
	CU_ASSERT_EQUAL(compare_as(2, bare, "0 06.abc = = = = = = =", NULL, true), ISA_HIDDEN);
	CU_ASSERT_EQUAL(compare_as(2, bare, "0 06.abc = = = = = = =", NULL, false), ISA_WORSE);
	CU_ASSERT_EQUAL(compare_as(2, bare, "0 0d.abc = = = = = = =", NULL, true), ISA_WORSE);
	CU_ASSERT_EQUAL(compare_as(2, bare, "1 06.abc = = = = = = =", NULL, true), ISA_WORSE);
}

static void test_manual(void)
{
	CU_ASSERT_STRING_EQUAL(isa_manual(&table, 1, ISA_L3, true), "0d");
	CU_ASSERT_STRING_EQUAL(isa_manual(&table, 2, ISA_L3, false), "06");
	CU_ASSERT_PTR_NULL(isa_manual(&table, 3, ISA_L3, false)); /* another instruction then */
	CU_ASSERT_PTR_NULL(isa_manual(&table, 4, ISA_L3, true));
	CU_ASSERT_PTR_NULL(isa_manual(&table, 4, ISA_V, true));
}

static void test_declared(void)
{
	char reason[40];
	uint64_t mask;

	CU_ASSERT(isa_declared(DECLARED, "cpuid.7.ebx", reason, sizeof(reason), &mask));
	CU_ASSERT_EQUAL(mask, 0x20);
	CU_ASSERT_STRING_EQUAL(reason, "not ours");
	CU_ASSERT(isa_declared(DECLARED, "isa.CLI", reason, sizeof(reason), &mask));
	CU_ASSERT_STRING_EQUAL(reason, "because");
	CU_ASSERT_FALSE(isa_declared(DECLARED, "isa.CL", reason, sizeof(reason), &mask));
	CU_ASSERT_FALSE(isa_declared(DECLARED, "comment", reason, sizeof(reason), &mask));
	CU_ASSERT_FALSE(isa_declared("isa.X", "isa.X", reason, sizeof(reason), &mask));
	CU_ASSERT(isa_may_hide(&table, 2, DECLARED));
	CU_ASSERT_FALSE(isa_may_hide(&table, 2, "cpuid.7.ebx 0x40 another\n"));
	CU_ASSERT_FALSE(isa_may_hide(&table, 3, DECLARED)); /* a subleaf's bit is not the leaf's */
}

/* ---- What is written -------------------------------------------------------------------- */

static char *written(void (*write)(const struct isa_census *census, FILE *to))
{
	struct isa_run bare, virtual;
	struct isa_row row[5] = { 0 };
	struct isa_census c = { .table = &table, .bare = &bare, .virtual = &virtual, .row = row };
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	read_run(&bare, GOOD);
	read_run(&virtual, HEAD SGDT);
	c.platform = "a \"b\" <c>";
	strcpy(row[1].reason, "x & \\y");
	for (unsigned i = 0; i < 5; i++)
		isa_derive(&bare.result[i], &row[i].bare);
	row[4].bare.kind = ISA_VIOLATES;
	row[4].compared = ISA_WORSE;
	row[4].modes = 1;
	write(&c, to);
	fclose(to);
	isa_free(&bare);
	isa_free(&virtual);
	return text;
}

static bool writes(void (*write)(const struct isa_census *census, FILE *to), const char *what)
{
	char *text = written(write);
	bool is = strstr(text, what);

	free(text);
	return is;
}

static void test_write(void)
{
	CU_ASSERT(writes(isa_write_text, "forms 5, run bare 5, virtual 1"));
	CU_ASSERT(writes(isa_write_text, "Beyond them: CPUID\n"));
	CU_ASSERT(writes(isa_write_html, "CPUID &lt;1></th>"));
	CU_ASSERT(writes(isa_write_html, "a \"b\" &lt;c>"));
	CU_ASSERT(writes(isa_write_html, "x &amp; \\y"));
	CU_ASSERT(writes(isa_write_html, "<td class=\"x d\">x / -</td>"));
	CU_ASSERT(writes(isa_write_html, "</html>\n"));
	CU_ASSERT(writes(isa_write_json, "{\"platform\": \"a \\\"b\\\" <c>\""));
	CU_ASSERT(writes(isa_write_json, "\"x & \\\\y\""));
	CU_ASSERT(writes(isa_write_json, "\n]}\n"));
}

void test_isa_register(void)
{
	CU_pSuite suite = CU_add_suite("isa", NULL, NULL);

	CU_add_test(suite, "complete runs", test_complete);
	CU_add_test(suite, "garbage", test_garbage);
	CU_add_test(suite, "a flood of states", test_flood);
	CU_add_test(suite, "reading", test_read);
	CU_add_test(suite, "classes", test_derive);
	CU_add_test(suite, "names", test_names);
	CU_add_test(suite, "bare and virtual", test_compare);
	CU_add_test(suite, "better and hidden", test_better);
	CU_add_test(suite, "manual", test_manual);
	CU_add_test(suite, "declared", test_declared);
	CU_add_test(suite, "what is written", test_write);
}
