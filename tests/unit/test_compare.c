/*
 * test_compare.c - bare against virtual: transcripts and census
 */
#include <CUnit/Basic.h>
#include <string.h>

#include "../../checker/compare.h"

void test_compare_register(void);

#define GOOD "boot\n1..2\n# machine: a\nok 1 x\nok 2 y\n# time: 5\n# end selftest: 2 passed of 2\n"

static void run(struct report *r, const char *bare, const char *virtual)
{
	struct record_log b, v;
	struct transcript tb, tv;

	record_parse(&b, bare, strlen(bare), "one");
	record_parse(&v, virtual, strlen(virtual), "one");
	compare_read(&tb, &b, "one");
	compare_read(&tv, &v, "one");
	report_init(r, "p", "1");
	compare_transcripts(r, &tb, &tv, "f");
	compare_free(&tb);
	compare_free(&tv);
	record_free(&b);
	record_free(&v);
}

/* Results of the first checks, a letter each. */
static bool results(struct report *r, const char *letters)
{
	bool same = r->count == strlen(letters);

	for (size_t i = 0; same && i < r->count; i++)
		same = *report_result_name(r->check[i].result) == letters[i];
	report_free(r);
	return same;
}

static bool gives(const char *bare, const char *virtual, const char *letters)
{
	struct report r;

	run(&r, bare, virtual);
	return results(&r, letters);
}

static void test_transcripts(void)
{
	CU_ASSERT(gives(GOOD, GOOD, "ppp"));
	/* Declared lines may differ and be fewer. */
	CU_ASSERT(gives(GOOD, "1..2\nok 1 x\nok 2 y\n# end selftest: 2 passed of 2\n", "ppp"));
	CU_ASSERT(
	    gives(GOOD, "1..2\nok 1 x\nnot ok 2 y: z\n# end selftest: 1 passed of 2\n", "ppf"));
	CU_ASSERT(gives(GOOD, "", "fff"));
	CU_ASSERT(gives(GOOD, "1..2\nok 1 x\n", "fpf"));
	CU_ASSERT(gives(GOOD, "1..2\nok 1 x\nok 2 y\n", "fpp"));	   /* no end line */
	CU_ASSERT(gives(GOOD, "1..1\nok 1 x\n# end selftest\n", "fpf"));   /* another plan */
	CU_ASSERT(gives(GOOD, "ok 1 x\nok 2 y\n# end selftest\n", "fff")); /* no plan */
	CU_ASSERT(
	    gives(GOOD, "1..2\n1..2\nok 1 x\nok 2 y\n# end selftest\n", "fpp")); /* began twice */
	CU_ASSERT(gives(GOOD, "1..2\nok 1 x\nnoise\nok 2 y\n# end selftest\n", "fpff"));
	CU_ASSERT(gives(GOOD, "1..99999999999999999999\nok 1 x\nok 2 y\n# end selftest\n", "fff"));
	/* A bare run that is none is the harness's failure, and no pass. */
	CU_ASSERT(gives("", GOOD, "eff"));
	CU_ASSERT(gives("", "", "e"));
}

static bool census(const char *bare, const char *virtual, const char *declared, const char *letters)
{
	struct record_log b, v;
	struct report r;

	record_parse(&b, bare, strlen(bare), "one");
	record_parse(&v, virtual, strlen(virtual), "one");
	report_init(&r, "p", "1");
	compare_census(&r, &(struct census){ &b, "one", "b" }, &(struct census){ &v, "one", "v" },
		       declared, "f");
	record_free(&b);
	record_free(&v);
	return results(&r, letters);
}

static void test_cases(void)
{
	CU_ASSERT(census("@b case x got=1\n@b end\n", "@v case x got=1\n@v end\n", "", "pp"));
	CU_ASSERT(census("@b case x got=1\n@b end\n", "@v case x got=2\n@v end\n", "", "pf"));
	/* The emulator is wrong, and we are right; and the other way round. */
	CU_ASSERT(census("@b case x got=1 manual=2\n@b end\n", "@v case x got=2 manual=2\n@v end\n",
			 "", "pp"));
	CU_ASSERT(census("@b case x got=1 manual=2\n@b end\n", "@v case x got=1 manual=2\n@v end\n",
			 "", "pf"));
	CU_ASSERT(census("@b case x got=1 manual=2\n@b end\n", "@v case x got=1 manual=2\n@v end\n",
			 "# x no\nxy no\nx QEMU's\n", "pp"));
	/* Missing, cut off, forged, only virtual. */
	CU_ASSERT(census("@b case x got=1\n@b case y got=1\n@b end\n", "@v case x got=1\n@v end\n",
			 "", "ppf"));
	CU_ASSERT(census("@b case x got=1\n@b end\n", "@v case x got=1\n", "", "fp"));
	CU_ASSERT(census("@b case x got=1\n@b end\n", "@b case x got=1\n@b end\n", "", "ff"));
	CU_ASSERT(census("@b case x got=1\n@b end\n",
			 "@v case x got=1\n@v case z got=1 manual=1\n@v end\n", "", "ppp"));
	CU_ASSERT(census("@b case x got=1\n@b end\n", "@v case x got=1\n@v case z got=1\n@v end\n",
			 "", "ppf"));
	CU_ASSERT(census("@b case x got=1\n", "@v case x got=1\n@v end\n", "", "ep"));
	/* A record that cannot be read is not left out on both sides. */
	CU_ASSERT(
	    census("@b case x got=1\n@b case y\n@b end\n", "@v case x got=1\n@v end\n", "", "ep"));
	CU_ASSERT(
	    census("@b case x got=1\n@b end\n", "@v case x got=1\n@v case y\n@v end\n", "", "fp"));
	CU_ASSERT(census("", "", "", "e"));
}

static void test_flags(void)
{
	CU_ASSERT(census("@b flags x got=0xf\n@b end\n", "@v flags x got=0xf\n@v end\n", "", "pp"));
	CU_ASSERT(census("@b flags x got=0xf\n@b end\n", "@v flags x got=0x7\n@v end\n", "", "pf"));
	CU_ASSERT(census("@b flags x got=0xf\n@b end\n", "@v flags x got=0x7\n@v end\n",
			 "x 0x8 why\n", "pp"));
	CU_ASSERT(census("@b flags x got=0xf\n@b end\n", "@v flags x got=0x3\n@v end\n",
			 "x 0x8 why\n", "pf"));
	CU_ASSERT(census("@b flags x got=0x7\n@b end\n", "@v flags x got=0xf\n@v end\n",
			 "x 0x8 why\n", "pf"));
}

void test_compare_register(void)
{
	CU_pSuite s = CU_add_suite("compare", NULL, NULL);

	CU_add_test(s, "transcripts", test_transcripts);
	CU_add_test(s, "census cases", test_cases);
	CU_add_test(s, "census flags", test_flags);
}
