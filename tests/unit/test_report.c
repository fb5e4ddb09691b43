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

void test_report_register(void)
{
	CU_pSuite s = CU_add_suite("report", NULL, NULL);

	CU_add_test(s, "an empty report", test_empty);
	CU_add_test(s, "scores and statuses", test_scores);
	CU_add_test(s, "hostile text", test_hostile_text);
	CU_add_test(s, "long text, many checks", test_long);
	CU_add_test(s, "formats", test_formats);
}
