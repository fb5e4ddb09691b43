/*
 * test_report.c - the checker's reports: scores, statuses, what hostile text does to JSON and XML
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../checker/report.h"

void test_report_register(void);

/* What a writer writes, as a string to be freed. */
static char *written(const struct report *r, void (*write)(const struct report *report, FILE *to))
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	write(r, file);
	fclose(file);
	return text;
}

static bool writes(const struct report *r, void (*write)(const struct report *report, FILE *to),
		   const char *what)
{
	char *text = written(r, write);
	bool found = strstr(text, what) != NULL;

	free(text);
	return found;
}

static void test_empty(void)
{
	struct report r;
	unsigned got, of;

	report_init(&r, "p", "1");
	CU_ASSERT_EQUAL(report_status(&r), 2); /* nothing was checked: that is no pass */
	CU_ASSERT_EQUAL(report_score(&r, REPORT_ISOLATION), 0);
	report_points(&r, REPORT_ISOLATION, &got, &of);
	CU_ASSERT(!got && !of);
	CU_ASSERT(writes(&r, report_write_text, "not checked"));
	report_add(&r, REPORT_FIDELITY, REPORT_SKIP, 5, "a/b", "", "why");
	CU_ASSERT_EQUAL(report_status(&r), 2);
	report_free(&r);
}

static void test_scores(void)
{
	struct report r;
	unsigned got, of;

	report_init(&r, "p", "1");
	report_add(&r, REPORT_FIDELITY, REPORT_PASS, 999, "a/1", "", "x");
	CU_ASSERT_EQUAL(report_status(&r), 0);
	CU_ASSERT_EQUAL(report_score(&r, REPORT_FIDELITY), 100);
	report_add(&r, REPORT_FIDELITY, REPORT_SKIP, 7, "a/2", "", "x");
	CU_ASSERT_EQUAL(report_score(&r, REPORT_FIDELITY), 100);
	report_add(&r, REPORT_FIDELITY, REPORT_FAIL, 1, "a/3", "f", "x");
	CU_ASSERT_EQUAL(report_score(&r, REPORT_FIDELITY), 99); /* never rounded up to 100 */
	CU_ASSERT_EQUAL(report_status(&r), 1);
	report_add(&r, REPORT_PERFORMANCE, REPORT_ERROR, 10, "b/1", "", "x");
	CU_ASSERT_EQUAL(report_status(&r), 2); /* an error outweighs a failure */
	report_points(&r, REPORT_PERFORMANCE, &got, &of);
	CU_ASSERT(got == 0 && of == 10);
	CU_ASSERT_EQUAL(report_count(&r, REPORT_FIDELITY, REPORT_PASS), 1);
	CU_ASSERT_EQUAL(report_count(&r, REPORT_PROPERTIES, REPORT_ERROR), 1);
	report_free(&r);
}

/* What a guest says must not end a string, open an element, or move the terminal's cursor. */
static void test_hostile_text(void)
{
	struct report r;
	char *text;

	report_init(&r, "a\"b\\c<d>&", "1");
	report_add(&r, REPORT_ISOLATION, REPORT_FAIL, 1, "x/\"><![CDATA[", "a'b",
		   "\x1b[2J\x01\x7f\xff\xc3\n]]>\"\\%s", "%n%s");
	CU_ASSERT(writes(&r, report_write_json, "\"platform\": \"a\\\"b\\\\c<d>&\""));
	CU_ASSERT(writes(&r, report_write_json,
			 "?[2J????"
			 "?]]>\\\"\\\\%n%s"));
	CU_ASSERT(writes(&r, report_write_junit, "name=\"x/&quot;&gt;&lt;![CDATA[\""));
	text = written(&r, report_write_junit);
	for (const char *c = text; *c; c++)
		CU_ASSERT_FATAL(*c == '\n' || (*c >= ' ' && *c <= '~'));
	free(text);
	text = written(&r, report_write_text);
	CU_ASSERT_PTR_NULL(strchr(text, 0x1b));
	free(text);
	report_free(&r);
}

static void test_long(void)
{
	struct report r;
	char *huge = malloc(1 << 20);

	memset(huge, 'x', (1 << 20) - 1);
	huge[(1 << 20) - 1] = '\0';
	report_init(&r, huge, huge);
	for (unsigned i = 0; i < 3000; i++)
		report_add(&r, REPORT_ISOLATION, REPORT_PASS, 1, "n/n", "", "%s", huge);
	CU_ASSERT_EQUAL(r.count, 3000);
	CU_ASSERT(strlen(r.check[2999].reason) < 1000);
	CU_ASSERT_EQUAL(report_score(&r, REPORT_ISOLATION), 100);
	report_free(&r);
	free(huge);
}

static void test_formats(void)
{
	struct report r;

	report_init(&r, "p", "7");
	report_add(&r, REPORT_FIDELITY, REPORT_PASS, 3, "g/a", "", "SAME");
	report_add(&r, REPORT_ISOLATION, REPORT_ERROR, 2, "g/b", "file", "broke");
	CU_ASSERT(writes(&r, report_write_json, "\"seed\": \"7\""));
	CU_ASSERT(writes(&r, report_write_json, "\"result\": \"error\", \"points\": 2"));
	CU_ASSERT(writes(&r, report_write_junit, "<property name=\"max-points\" value=\"3\"/>"));
	CU_ASSERT(writes(&r, report_write_junit, "<error message=\"broke (see file)\"/>"));
	CU_ASSERT(writes(&r, report_write_list, "pass fidelity g/a\nerror isolation g/b\n"));
	CU_ASSERT(writes(&r, report_write_text, "error isolation g/b: broke (see file)"));
	report_free(&r);
}

/* Everything that a guest may put into a name or a reason. */
static void fill(struct report *r)
{
	report_init(r, "a \"platform\" <&>", "7");
	report_set_command(r, "checker/pgcheck --seed 7");
	report_add_source(r, "a/*", "[SDM] vol. 3 \"A\"");
	report_add_source(r, "a/bad", "never: the first that fits counts");
	report_add(r, REPORT_FIDELITY, REPORT_PASS, 3, "a/good", "", "fine");
	report_add(r, REPORT_FIDELITY, REPORT_FAIL, 1, "a/bad", "file.out", "got \"%s\"",
		   "\x1b\x80<#\n");
	report_add(r, REPORT_ISOLATION, REPORT_SKIP, 9, "b/none", "", "not # here");
	report_add(r, REPORT_PERFORMANCE, REPORT_ERROR, 2, "c/broken", "", "no emulator");
	report_add_number(r, "cost", "x", 12.5, 20, "instructions");
	report_add_number(r, "ratio", "y", 1, -1, "virtual / bare");
}

/* A failure says what it rests on and how to repeat it; what passed says nothing. */
static void test_text(void)
{
	struct report r;
	char *text;

	fill(&r);
	text = written(&r, report_write_text);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "fail  fidelity a/bad: got \"\?\?<#\?\" (see file.out)\n"
			 "        rests on: [SDM] vol. 3 \"A\"\n"
			 "        repeat:   checker/pgcheck --seed 7 --filter 'a/bad'\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "--filter 'c/broken'"));
	CU_ASSERT_PTR_NULL(strstr(text, "--filter 'b/none'"));
	CU_ASSERT_PTR_NULL(strstr(text, "a/good"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "isolation    not checked"));
	free(text);
	report_free(&r);
}

static void test_more_formats(void)
{
	struct report r;

	fill(&r);
	CU_ASSERT(writes(&r, report_write_tap,
			 "TAP version 13\n1..4\nok 1 - fidelity a/good\n"
			 "not ok 2 - fidelity a/bad\n  ---\n  result: fail\n"));
	CU_ASSERT(writes(&r, report_write_tap, "ok 3 - isolation b/none # SKIP not \\# here\n"));
	CU_ASSERT(writes(&r, report_write_tap,
			 "not ok 4 - performance c/broken\n  ---\n  result: error\n"));
	CU_ASSERT(writes(&r, report_write_json, "\"reason\": \"got \\\"\?\?<#?\\\"\""));
	CU_ASSERT(writes(&r, report_write_json, "\"source\": \"[SDM] vol. 3 \\\"A\\\"\""));
	CU_ASSERT(writes(&r, report_write_json,
			 "{ \"series\": \"cost\", \"name\": \"x\", \"value\": 12.500000, "
			 "\"limit\": 20.000000, \"unit\": \"instructions\" }"));
	CU_ASSERT(
	    writes(&r, report_write_json, "\"value\": 1.000000, \"unit\": \"virtual / bare\" }"));
	report_free(&r);
}

/* A filter hides no failure of the harness. */
static void test_filter(void)
{
	struct report r;

	report_init(&r, "p", "1");
	report_set_filter(&r, "a/b*");
	report_add(&r, REPORT_FIDELITY, REPORT_PASS, 1, "a/b1", "", "%s", "");
	report_add(&r, REPORT_FIDELITY, REPORT_FAIL, 1, "a/c", "", "%s", "");
	report_add(&r, REPORT_FIDELITY, REPORT_ERROR, 1, "run/x", "", "%s", "");
	CU_ASSERT_EQUAL(r.count, 2);
	CU_ASSERT_EQUAL(report_status(&r), 2);
	CU_ASSERT_STRING_EQUAL(report_source_of(&r, "a/b1"), "");
	report_free(&r);
}

void test_report_register(void)
{
	CU_pSuite s = CU_add_suite("report", NULL, NULL);

	CU_add_test(s, "an empty report", test_empty);
	CU_add_test(s, "scores and statuses", test_scores);
	CU_add_test(s, "hostile text", test_hostile_text);
	CU_add_test(s, "long text, many checks", test_long);
	CU_add_test(s, "formats", test_formats);
	CU_add_test(s, "what a failure rests on", test_text);
	CU_add_test(s, "TAP, and numbers", test_more_formats);
	CU_add_test(s, "filter", test_filter);
}
