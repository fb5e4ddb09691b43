/* test_words.c - words, numbers and names: type1/words.c */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "type1/words.h"

void test_words_register(void);

/* ---- Words --------------------------------------------------------------------- */

struct split {
	const char *text;
	int words; /* -1: refused */
	const char *word[4];
};

static const struct split splits[] = {
	{ "", 0, { 0 } },
	{ "   ", 0, { 0 } },
	{ "help", 1, { "help" } },
	{ "  vm   list  ", 2, { "vm", "list" } },
	{ "send a \"two words\"", 3, { "send", "a", "two words" } },
	{ "a\"b c\"d", 1, { "ab cd" } },
	{ "\"\"", 1, { "" } },
	{ "\"\" x", 2, { "", "x" } },
	{ "\"a\\nb\\r\"", 1, { "a\nb\r" } },
	{ "\"a\\\"b\\\\c\"", 1, { "a\"b\\c" } },
	{ "a\\ b", 1, { "a b" } },
	{ "a\\", 1, { "a\\" } },
	{ "\"", -1, { 0 } },
	{ "a \"b", -1, { 0 } },
	{ "\"a\\\"", -1, { 0 } },
	{ "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", -1, { 0 } },
};

static void test_split(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(splits); i++) {
		const struct split *s = &splits[i];
		char *text = strdup(s->text), *word[WORDS_MAX];
		int words = words_split(text, word);

		if (words != s->words)
			printf("\n[%s]: %d words\n", s->text, words);
		CU_ASSERT_EQUAL_FATAL(words, s->words);
		for (int n = 0; n < words && n < 4; n++)
			CU_ASSERT_STRING_EQUAL(word[n], s->word[n]);
		free(text);
	}
}

static void test_sixteen_words(void)
{
	char text[] = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", *word[WORDS_MAX];

	CU_ASSERT_EQUAL(words_split(text, word), 16);
	CU_ASSERT_STRING_EQUAL(word[15], "16");
}

/* Whatever is typed, the words lie inside it: the sanitizer looks. */
static void test_noise(void)
{
	static const char letters[] = "ab \"\\nr";
	u64 seed = 1;

	for (unsigned i = 0; i < 20000; i++) {
		size_t len = i % 24;
		char *text = malloc(len + 1), *word[WORDS_MAX];
		int words;

		for (size_t n = 0; n < len; n++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			text[n] = letters[(seed >> 33) % (sizeof(letters) - 1)];
		}
		text[len] = '\0';
		words = words_split(text, word);
		for (int n = 0; n < words; n++)
			CU_ASSERT_FATAL(word[n] >= text && word[n] + strlen(word[n]) <= text + len);
		free(text);
	}
}

/* ---- Numbers -------------------------------------------------------------------- */

static void test_numbers(void)
{
	static const struct {
		const char *text;
		bool ok;
		u64 value;
	} numbers[] = {
		{ "0", true, 0 },
		{ "42", true, 42 },
		{ "0x0", true, 0 },
		{ "0xffffffffffffffff", true, ~0ull },
		{ "18446744073709551615", true, ~0ull },
		{ "18446744073709551616", false, 0 },
		{ "18446744073709551619", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "0x10000000000000000", false, 0 },
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "-1", false, 0 },
		{ "12a", false, 0 },
		{ "0x12g", false, 0 },
		{ "1 ", false, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		u64 value;
		bool ok = words_number(numbers[i].text, &value);

		if (ok != numbers[i].ok)
			printf("\n[%s]: %d\n", numbers[i].text, ok);
		CU_ASSERT_EQUAL(ok, numbers[i].ok);
		if (numbers[i].ok)
			CU_ASSERT_EQUAL(value, numbers[i].value);
	}
}

/* What follows a number is left where it stands. */
static void test_number_within(void)
{
	const char *text = "2048+0x10p";
	u64 value;

	CU_ASSERT_TRUE(words_take_number(&text, &value));
	CU_ASSERT_EQUAL(value, 2048);
	CU_ASSERT_STRING_EQUAL(text, "+0x10p");
	CU_ASSERT_FALSE(words_take_number(&text, &value));
	CU_ASSERT_STRING_EQUAL(text, "+0x10p");
	text++;
	CU_ASSERT_TRUE(words_take_number(&text, &value));
	CU_ASSERT_EQUAL(value, 16);
	CU_ASSERT_STRING_EQUAL(text, "p");
}

static void test_names(void)
{
	static const char *const good[] = { "a", "A-Z_9.x", "7up", "fifteen_letters", "1.", "0x" };
	static const char *const bad[] = { "", "sixteen_letters_", "a b", "a\n", "a/b", "a,b", "7",
					   "100000", "0x1f", "\xe9", "[a]" };

	for (unsigned i = 0; i < ARRAY_SIZE(good); i++)
		CU_ASSERT_TRUE(words_is_name(good[i]));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_FALSE(words_is_name(bad[i]));
}

void test_words_register(void)
{
	CU_pSuite suite = CU_add_suite("words", NULL, NULL);

	CU_add_test(suite, "words", test_split);
	CU_add_test(suite, "sixteen words and no more", test_sixteen_words);
	CU_add_test(suite, "noise", test_noise);
	CU_add_test(suite, "numbers", test_numbers);
	CU_add_test(suite, "a number within a text", test_number_within);
	CU_add_test(suite, "names", test_names);
}
