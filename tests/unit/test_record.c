/*
 * test_record.c - what the checker makes of a serial line: garbage, forgeries, half lines,
 * megabytes
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "../../checker/record.h"

void test_record_register(void);

static void parse(struct record_log *log, const char *text, const char *one)
{
	record_parse(log, text, strlen(text), one);
}

static const char *only(const struct record_log *log, const char *speaker, const char *nonce,
			const char *kind)
{
	size_t at = 0;

	return record_next(log, &at, speaker, nonce, kind);
}

static void test_speakers(void)
{
	struct record_log log;

	parse(&log,
	      "[a] @n1 share x=1\r\nespejo: [b] no\n[b] [a] @n1 share x=2\n[c]\n[d]x\n@n1 share "
	      "x=3\n",
	      NULL);
	CU_ASSERT_EQUAL(log.count, 6);
	CU_ASSERT_STRING_EQUAL(only(&log, "a", "n1", "share"), "x=1");
	CU_ASSERT_PTR_NULL(only(&log, "b", "n1", "share")); /* says that it were a */
	CU_ASSERT_STRING_EQUAL(log.line[1].speaker, "");
	CU_ASSERT_STRING_EQUAL(log.line[4].text, "[d]x");
	record_free(&log);
	parse(&log, "@n1 share x=3\n", "one");
	CU_ASSERT_STRING_EQUAL(only(&log, "one", "n1", "share"), "x=3");
	record_free(&log);
}

static void test_forgeries(void)
{
	struct record_log log;

	parse(&log,
	      "[a] @ share x=1\n[a] @n2 share x=1\n[a] @n share x=1\n[a] n1 share x=1\n[a] "
	      "@n1share x=1\n"
	      "[a] @n1 shared x=1\n[a]  @n1 share x=1\n[a] @n1\n",
	      NULL);
	CU_ASSERT_PTR_NULL(only(&log, "a", "n1", "share"));
	CU_ASSERT_PTR_NULL(only(&log, "a", "", "share")); /* no nonce was given: nothing is true */
	CU_ASSERT_PTR_NOT_NULL(only(&log, "a", "n1", ""));
	record_free(&log);
}

static void test_half_a_line(void)
{
	struct record_log log;

	parse(&log, "[a] @n1 end x=1", NULL);
	CU_ASSERT_EQUAL(log.count, 0);
	CU_ASSERT_EQUAL(log.unfinished, 15);
	CU_ASSERT_PTR_NULL(only(&log, "a", "n1", "end"));
	record_free(&log);
	parse(&log, "", NULL);
	CU_ASSERT(log.count == 0 && log.unfinished == 0);
	record_free(&log);
}

static void test_garbage(void)
{
	static unsigned char noise[1 << 22];
	struct record_log log;
	uint64_t x = 88172645463325252ull;

	for (size_t i = 0; i < sizeof(noise); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		noise[i] = (unsigned char)x;
	}
	record_parse(&log, (const char *)noise, sizeof(noise), NULL);
	CU_ASSERT(log.count > 1000);
	for (size_t i = 0; i < log.count; i++)
		CU_ASSERT_FATAL(strlen(log.line[i].text) <= RECORD_LINE_MAX);
	CU_ASSERT_PTR_NULL(only(&log, "", "n1", ""));
	record_free(&log);
	/* One line of megabytes, zero bytes in it. */
	memset(noise, '[', sizeof(noise));
	noise[100] = '\0';
	noise[sizeof(noise) - 1] = '\n';
	record_parse(&log, (const char *)noise, sizeof(noise), NULL);
	CU_ASSERT_EQUAL(log.count, 1);
	CU_ASSERT_EQUAL(strlen(log.line[0].text), RECORD_LINE_MAX);
	record_free(&log);
}

static void test_numbers(void)
{
	const char *text =
	    "a=12 b=0x1f c= d=12x e=0x f=-1 g=18446744073709551615 h=18446744073709551616 "
	    "i=0x10000000000000000 aa=5 k=99999999999999999999999999999999999999";
	uint64_t v;

	CU_ASSERT(record_number(text, "a", &v) && v == 12);
	CU_ASSERT(record_number(text, "b", &v) && v == 0x1f);
	CU_ASSERT(record_number(text, "g", &v) && v == UINT64_MAX);
	CU_ASSERT(record_number(text, "aa", &v) && v == 5);
	for (const char *bad = "cdefhikz"; *bad; bad++) {
		char key[2] = { *bad, '\0' };

		CU_ASSERT_FALSE(record_number(text, key, &v));
	}
	CU_ASSERT_FALSE(record_number("", "a", &v));
	CU_ASSERT_FALSE(record_number("a", "a", &v));
}

static void test_words(void)
{
	char word[4];

	CU_ASSERT(record_word("x=1  w=abc", "w", word, sizeof(word)));
	CU_ASSERT_STRING_EQUAL(word, "abc");
	CU_ASSERT_FALSE(record_word("w=abcd", "w", word, sizeof(word)));
}

static void test_files(void)
{
	struct record_log log;

	CU_ASSERT_FALSE(record_load(&log, "/nonexistent/file", NULL));
	CU_ASSERT(record_load(&log, "/dev/null", NULL));
	CU_ASSERT_EQUAL(log.count, 0);
	record_free(&log);
}

void test_record_register(void)
{
	CU_pSuite s = CU_add_suite("record", NULL, NULL);

	CU_add_test(s, "speakers", test_speakers);
	CU_add_test(s, "forgeries", test_forgeries);
	CU_add_test(s, "half a line, nothing", test_half_a_line);
	CU_add_test(s, "garbage, megabytes", test_garbage);
	CU_add_test(s, "numbers", test_numbers);
	CU_add_test(s, "words", test_words);
	CU_add_test(s, "files", test_files);
}
