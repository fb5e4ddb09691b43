/*
 * test_judge_cases.c - attacks added up: plans that are cut off, records that lie, shares too large
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../checker/judge_cases.h"

void test_judge_cases_register(void);

#define NONCE "0123456789abcdef"
#define GUEST "hostile"

static struct cases cases;
static char text[65536];

static void say(const char *kind, const char *rest)
{
	size_t len = strlen(text);

	snprintf(text + len, sizeof(text) - len, "[" GUEST "] @" NONCE " %s %s\n", kind, rest);
}

static void say_attack(const char *name, unsigned long n, unsigned long tries, unsigned long bad)
{
	char rest[200];

	snprintf(rest, sizeof(rest),
		 "name=%s cases=%lu tries=%lu faults=0 bad=%lu what=it where=0x7", name, n, tries,
		 bad);
	say("attack", rest);
}

/* N mechanisms m0, m1, .. of so many cases each, well-formed. */
static void say_all(unsigned n, unsigned long each)
{
	char word[40];

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		snprintf(word, sizeof(word), "name=m%u", i);
		say("plan", word);
	}
	snprintf(word, sizeof(word), "%u", n);
	say("planned", word);
	for (unsigned i = 0; i < n; i++) {
		snprintf(word, sizeof(word), "m%u", i);
		say_attack(word, each, 2 * each, 0);
	}
	snprintf(word, sizeof(word), "%u", n);
	say("attacked", word);
}

static struct cases_sum sum_of_text(const char *guest)
{
	struct record_log log;

	record_parse(&log, text, strlen(text), NULL);
	cases_read(&cases, &log, guest, NONCE);
	record_free(&log);
	return cases_sum(&cases);
}

static struct cases_sum alone(void)
{
	memset(&cases, 0, sizeof(cases));
	return sum_of_text(GUEST);
}

static void test_enough(void)
{
	struct cases_sum s;

	say_all(50, 100);
	s = alone();
	CU_ASSERT(s.enough && s.cases == 5000 && s.mechanisms == 50 && s.tries == 10000);
	CU_ASSERT_DOUBLE_EQUAL(s.percent, 2, 0.001);
	say_all(50, 99);
	CU_ASSERT(!alone().enough); /* 4,950 */
	say_all(39, 1000);
	CU_ASSERT(!alone().enough); /* 39 */
	say_all(0, 0);
	CU_ASSERT(!alone().enough);
}

static void test_too_large(void)
{
	struct cases_sum s;
	char *at;

	say_all(60, 100);
	at = strstr(text, "name=m7 cases=100 tries=200");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memcpy(at, "name=m7 cases=400 tries=400", 27);
	s = alone();
	CU_ASSERT(!s.enough && !strcmp(s.largest->name, "m7") && s.percent > 5);
}

static void test_cut_off(void)
{
	say_all(60, 100);
	*strstr(text, "[" GUEST "] @" NONCE " attacked") = '\0';
	CU_ASSERT(!alone().enough);
	say_all(60, 100);
	*strstr(text, "[" GUEST "] @" NONCE " attack name=m59") = '\0';
	CU_ASSERT(!alone().enough);
	CU_ASSERT(!cases.mechanism[59].done && cases.mechanism[58].done);
	*strstr(text, "[" GUEST "] @" NONCE " planned") = '\0';
	CU_ASSERT(!alone().enough);
	CU_ASSERT_EQUAL(cases.count, 60);
}

/* An attack that nobody planned, twice the same, more cases than tries. */
static void test_lies(void)
{
	say_all(60, 100);
	say_attack("unplanned", 1000, 1000, 0);
	CU_ASSERT(!alone().enough && cases.broken == 1);
	say_all(60, 100);
	say_attack("m3", 100, 100, 0);
	CU_ASSERT(!alone().enough);
	text[0] = '\0';
	say("plan", "name=a");
	say("planned", "1");
	say_attack("a", 10, 9, 0);
	say("attacked", "1");
	CU_ASSERT_EQUAL(alone().mechanisms, 0);
	CU_ASSERT(cases.mechanism[0].done && !cases.mechanism[0].whole);
}

/* Another speaker's words, or without the nonce, are nobody's. */
static void test_speaker(void)
{
	struct record_log log;

	say_all(60, 100);
	memset(&cases, 0, sizeof(cases));
	record_parse(&log, text, strlen(text), NULL);
	cases_read(&cases, &log, "other", NONCE);
	CU_ASSERT(!cases.count && cases.broken == 1);
	cases_read(&cases, &log, GUEST, "fedcba9876543210");
	CU_ASSERT(!cases.count && cases.broken == 2);
	record_free(&log);
}

/* What two guests try is one mechanism: the bad one counts, else the one with more cases. */
static void test_twice(void)
{
	say_all(2, 100);
	alone();
	say_all(2, 30);
	CU_ASSERT_EQUAL(sum_of_text(GUEST).cases, 200);
	CU_ASSERT_EQUAL(cases.count, 2);
	memset(&cases, 0, sizeof(cases));
	cases_add(&cases, "end/a", "a", true);
	cases_add(&cases, "end/b", "b", false);
	CU_ASSERT(cases_sum(&cases).mechanisms == 1 && cases_sum(&cases).planned == 2);
	cases_add(&cases, "end/a", "c", false);
	CU_ASSERT_EQUAL(cases_sum(&cases).mechanisms, 0);
}

static void test_garbage(void)
{
	struct record_log log;
	char noise[4096];

	srand(7);
	memset(&cases, 0, sizeof(cases));
	for (unsigned i = 0; i < 300; i++) {
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (char)(rand() % 16 ? text[(size_t)rand() % 2000] : rand());
		record_parse(&log, noise, sizeof(noise), NULL);
		cases_read(&cases, &log, GUEST, NONCE);
		record_free(&log);
	}
	CU_ASSERT(!cases_sum(&cases).enough);
}

void test_judge_cases_register(void)
{
	CU_pSuite s = CU_add_suite("judge_cases", NULL, NULL);

	CU_add_test(s, "5,000 cases by 40 mechanisms", test_enough);
	CU_add_test(s, "one that is most of it", test_too_large);
	CU_add_test(s, "a guest that did not come to its end", test_cut_off);
	CU_add_test(s, "records that lie", test_lies);
	CU_add_test(s, "records of others", test_speaker);
	CU_add_test(s, "the same by two guests", test_twice);
	CU_add_test(s, "garbage", test_garbage);
}
