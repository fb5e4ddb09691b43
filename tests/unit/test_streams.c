/*
 * test_streams.c - differential streams: the text of a case, what is generated, what is found in
 * two runs, how a case is made smaller
 */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "../../checker/guests/streams/generate.h"
#include "../../checker/streams/found.h"

void test_streams_register(void);

#define TEXT_SIZE 8192

static int reads(const char *text, struct stream_case *c)
{
	return case_read(c, &text);
}

static void test_text(void)
{
	struct stream_case c;
	const char *two =
	    "# a comment\n\ncase a\nrax 0x12\nunit 2! 0f a2\nend\ncase b\nunit 1 90 # nop\nend\n";
	char text[TEXT_SIZE];

	CU_ASSERT_EQUAL(case_read(&c, &two), 1);
	CU_ASSERT_STRING_EQUAL(c.name, "a");
	CU_ASSERT_EQUAL(c.value[CASE_rax], 0x12);
	CU_ASSERT_EQUAL(c.units, 1);
	CU_ASSERT(c.unit[0].sensitive && c.unit[0].count == 2 && c.unit[0].len == 2);
	CU_ASSERT_EQUAL(c.unit[0].byte[1], 0xa2);
	case_write(&c, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "case a\nrax 0x12\nunit 2! 0f a2\nend\n");
	CU_ASSERT_EQUAL(case_read(&c, &two), 1);
	CU_ASSERT_EQUAL(c.value[CASE_rax], 0);
	CU_ASSERT(c.unit[0].len == 1 && !c.unit[0].sensitive);
	CU_ASSERT_EQUAL(case_read(&c, &two), 0);
}

/* What is no case is none, and nothing is written where it should not be. */
static void test_bad_text(void)
{
	static const char *const bad[] = {
		"case a\nend\n",       /* no units */
		"case a\nunit 1 90\n", /* no end */
		"unit 1 90\nend\n",
		"case a\ncase b\nunit 1 90\nend\n",
		"case a\nunit 1\nend\n",
		"case a\nunit 1 9\nend\n",
		"case a\nunit 1 9g\nend\n",
		"case a\nunit x 90\nend\n",
		"case a\nrax 12\nunit 1 90\nend\n",
		"case a\nrax 0x\nunit 1 90\nend\n",
		"case a\nrax 0x11111111111111111\nunit 1 90\nend\n",
		"case a\nnothing 0x1\nunit 1 90\nend\n",
		"case a\nmode 0x4\nunit 1 90\nend\n",
		"case a\nentry 0x1fff\nunit 1 90\nend\n",
		"case a\npending 0x100\nunit 1 90\nend\n",
		"case\nunit 1 90\nend\n",
		"garbage",
	};
	char text[TEXT_SIZE] = "case a\n";
	struct stream_case c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(reads(bad[i], &c), -1);
	CU_ASSERT_EQUAL(reads("", &c), 0);
	for (unsigned i = 0; i <= CASE_UNITS; i++)
		strcat(text, "unit 1 90\n");
	strcat(text, "end\n");
	CU_ASSERT_EQUAL(reads(text, &c), -1);
	strcpy(text, "case a\nunit 1");
	for (unsigned i = 0; i <= CASE_UNIT_MAX; i++)
		strcat(text, " 90");
	strcat(text, "\nend\n");
	CU_ASSERT_EQUAL(reads(text, &c), -1);
}

static bool contains(const struct case_unit *unit, u8 first, u8 second)
{
	for (unsigned i = 0; i + 1 < unit->len; i++)
		if (unit->byte[i] == first && unit->byte[i + 1] == second)
			return true;
	return false;
}

/* A case can be written and read again; random bytes have nothing in them that is forbidden. */
static void check_case(const struct stream_case *c, unsigned kind)
{
	struct stream_case again;
	char text[TEXT_SIZE];

	CU_ASSERT_FATAL(case_write(c, text, sizeof(text)) < sizeof(text));
	CU_ASSERT_EQUAL(reads(text, &again), 1);
	CU_ASSERT(!memcmp(again.value, c->value, sizeof(c->value)));
	CU_ASSERT(!memcmp(again.unit, c->unit, sizeof(c->unit)));
	for (unsigned i = 0; i < c->units; i++) {
		CU_ASSERT(c->unit[i].len < CASE_UNIT_MAX);
		CU_ASSERT(kind != KIND_RAW || !contains(&c->unit[i], 0x0f, 0xa2));
		CU_ASSERT(kind != KIND_RAW || !contains(&c->unit[i], 0x0f, 0xc7));
		CU_ASSERT(kind != KIND_RAW || !contains(&c->unit[i], 0xeb, 0xfe));
		CU_ASSERT(!c->unit[i].count || c->unit[i].len);
	}
	CU_ASSERT(kind != KIND_RAW || c->value[CASE_mode] == MODE_USER_64 ||
		  c->value[CASE_mode] == MODE_USER_32);
}

static void test_generate(void)
{
	static struct stream_case c, again;
	unsigned sensitive = 0, in_device = 0;

	for (unsigned i = 0; i < 4000; i++) {
		bool any = false;

		generate_lenient = i & 8;
		generate_case(&c, i / 1000, i);
		generate_case(&again, i / 1000, i);
		CU_ASSERT(!memcmp(&c, &again, sizeof(c)));
		check_case(&c, i % KIND_COUNT);
		for (unsigned u = 0; u < c.units; u++)
			any |= c.unit[u].sensitive;
		sensitive += any;
		/* No event may be delivered to a stack in a device's memory. */
		if (c.value[CASE_device] == 2) {
			in_device++;
			CU_ASSERT(!c.value[CASE_stacks] && i % KIND_COUNT == KIND_DEVICE);
		}
	}
	CU_ASSERT(in_device > 100 && in_device < 300);
	/* At least half of them have something that a hypervisor may have to do with. */
	CU_ASSERT(sensitive > 2000);
	generate_case(&c, 1, 7);
	generate_case(&again, 2, 7);
	CU_ASSERT(memcmp(c.unit, again.unit, sizeof(c.unit)));
	CU_ASSERT_STRING_EQUAL(generate_kind_name(KIND_RAW), "raw");
	CU_ASSERT_STRING_EQUAL(generate_kind_name(KIND_COUNT), "?");
}

/* ---- Two runs ---------------------------------------------------------------------------- */

struct seen {
	uint64_t number[8];
	unsigned count, only_bare, only_virtual;
};

static void see(void *context, uint64_t number, const char *bare, const char *virtual)
{
	struct seen *seen = context;

	if (seen->count < 8)
		seen->number[seen->count] = number;
	seen->count++;
	seen->only_bare += !virtual;
	seen->only_virtual += !bare;
}

static struct seen differ(const char *kind, const char *bare, const char *virtual)
{
	struct record_log b, v;
	struct found_run bare_run = { &b, "one", "x" }, virtual_run = { &v, "one", "y" };
	struct seen seen = { 0 };

	record_parse(&b, bare, strlen(bare), "one");
	record_parse(&v, virtual, strlen(virtual), NULL);
	CU_ASSERT_EQUAL(found_differ(&bare_run, &virtual_run, kind, see, &seen), seen.count);
	record_free(&b);
	record_free(&v);
	return seen;
}

#define BARE "@x block first=0 a=0x1 b=0x2\n@x block first=8 a=0x3 b=0x4\n@x end cases=16\n"

static void test_differ(void)
{
	struct seen seen;

	seen = differ("block", BARE,
		      "[one] @y block first=0 a=0x1 b=0x2\n[one] @y block first=8 a=0x3 b=0x4\n");
	CU_ASSERT_EQUAL(seen.count, 0);
	seen = differ("block", BARE,
		      "[one] @y block first=0 a=0x1 b=0x2\n[one] @y block first=8 a=0x3 b=0x5\n");
	CU_ASSERT(seen.count == 1 && seen.number[0] == 8 && !seen.only_bare);
	/* Cut off; nothing; another speaker; another nonce; garbage. */
	seen = differ("block", BARE, "[one] @y block first=0 a=0x1 b=0x2\n");
	CU_ASSERT(seen.count == 1 && seen.number[0] == 8 && seen.only_bare == 1);
	CU_ASSERT_EQUAL(differ("block", BARE, "").only_bare, 2);
	CU_ASSERT_EQUAL(differ("block", BARE, "[two] @y block first=0 a=0x1 b=0x2\n").only_bare, 2);
	CU_ASSERT_EQUAL(differ("block", BARE, "[one] @x block first=0 a=0x1 b=0x2\n").only_bare, 2);
	CU_ASSERT_EQUAL(differ("block", BARE, "[one] @y block first=zero\n").only_bare, 2);
	seen = differ("case", "@x case 3 name=a hash=0x1\n",
		      "[one] @y case 4 name=b hash=0x1\n[one] @y case 3 name=a hash=0x1\n");
	CU_ASSERT(seen.count == 1 && seen.only_virtual == 1 && seen.number[0] == 4);
}

/* ---- Shrinking --------------------------------------------------------------------------------
 */

/* A made-up bug: it shows if CPUID is in the stream, and TF is set. */
static bool shows(const struct stream_case *c)
{
	bool found = false;

	for (unsigned i = 0; i < c->units; i++)
		found |= contains(&c->unit[i], 0x0f, 0xa2);
	return found && (c->value[CASE_rflags] & 0x100);
}

/* As the script does it: the best of all attempts that show it, again and again. */
static void shrink(struct stream_case *c)
{
	static struct stream_case smaller, best;
	bool found = true;

	while (found) {
		found = false;
		best = *c;
		for (unsigned n = 0; found_attempt(c, n, &smaller); n++) {
			if (!shows(&smaller) || found_weight(&smaller) >= found_weight(&best))
				continue;
			best = smaller;
			found = true;
		}
		*c = best;
	}
}

static void test_shrink(void)
{
	static struct stream_case c;
	unsigned tried = 0;

	for (unsigned i = KIND_STEP; i < 4000 && tried < 20; i += KIND_COUNT) {
		generate_case(&c, 1, i);
		if (!shows(&c))
			continue;
		tried++;
		shrink(&c);
		CU_ASSERT(shows(&c));
		CU_ASSERT_EQUAL(c.units, 1);
		CU_ASSERT_EQUAL(c.value[CASE_rax], 0);
		CU_ASSERT_EQUAL(c.value[CASE_cr4], CASE_CR4);
		CU_ASSERT_EQUAL(c.value[CASE_dr7], 0x400);
	}
	CU_ASSERT(tried > 10);
}

void test_streams_register(void)
{
	CU_pSuite suite = CU_add_suite("streams", NULL, NULL);

	CU_add_test(suite, "the text of a case", test_text);
	CU_add_test(suite, "text that is no case", test_bad_text);
	CU_add_test(suite, "cases that are generated", test_generate);
	CU_add_test(suite, "what differs in two runs", test_differ);
	CU_add_test(suite, "a case is made smaller", test_shrink);
}
