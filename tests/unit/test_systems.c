/*
 * test_systems.c - the judge of the system parts (checker/systems.h), and the model of page
 * tables that its probe uses as the manual (checker/guests/systems/pagemodel.h)
 */
#include <CUnit/Basic.h>
#include <string.h>

#include "../../checker/guests/systems/pagemodel.h"
#include "../../checker/systems.h"

void test_systems_register(void);

/* ---- The judge --------------------------------------------------------------------------- */

static struct report report;

/* Both runs, as they would come from the machines; "@n " is put before each line. */
static void compare(const char *bare_text, const char *virtual_text)
{
	struct record_log bare, virtual;
	struct systems_run b = { &bare, "one", "n" }, v = { &virtual, "one", "n" };

	report_init(&report, "p", "1");
	record_parse(&bare, bare_text, strlen(bare_text), "one");
	record_parse(&virtual, virtual_text, strlen(virtual_text), "one");
	systems_compare(&report, "g", "r", &b, &v, "file");
	record_free(&bare);
	record_free(&virtual);
}

static const struct report_check *check_of(const char *name)
{
	for (size_t i = 0; i < report.count; i++)
		if (!strcmp(report.check[i].name, name))
			return &report.check[i];
	return NULL;
}

/* The check's result and the first word of its reason. */
static bool is(const char *name, enum report_result result, const char *verdict)
{
	const struct report_check *c = check_of(name);

	return c && c->result == result && !strncmp(c->reason, verdict, strlen(verdict));
}

#define END1 "@n end cases=1\n"

static void cases(void)
{
	compare("@n case a got=1 manual=1\n" END1, "@n case a got=1 manual=1\n" END1);
	CU_ASSERT(is("g/a", REPORT_PASS, "SAME"));
	CU_ASSERT(is("g/complete.r", REPORT_PASS, "1 run of 1 expected"));
	report_free(&report);
	compare("@n case a got=2 manual=1\n" END1, "@n case a got=1 manual=1\n" END1);
	CU_ASSERT(is("g/a", REPORT_PASS, "BETTER"));
	report_free(&report);
	compare("@n case a got=2 manual=1\n" END1, "@n case a got=2 manual=1\n" END1);
	CU_ASSERT(is("g/a", REPORT_PASS, "DEVIATES"));
	report_free(&report);
	compare("@n case a got=1 manual=1\n" END1, "@n case a got=2 manual=1\n" END1);
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
	compare("@n case a got=2 manual=1\n" END1, "@n case a got=3 manual=1\n" END1);
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
	/* Without a manual bare decides; without bare the manual does. */
	compare("@n case a got=1\n" END1, "@n case a got=2\n" END1);
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
	compare("@n case b got=1\n" END1,
		"@n case b got=1\n@n case a got=1 manual=1\n@n end cases=2\n");
	CU_ASSERT(is("g/a", REPORT_PASS, "SAME"));
	CU_ASSERT(is("g/complete.r", REPORT_PASS, "2 run of 2 expected, 1 of them not tried bare"));
	report_free(&report);
}

static void cut_off(void)
{
	compare("@n case a got=1\n" END1, "@n case a got=1\n");
	CU_ASSERT(is("g/complete.r", REPORT_FAIL, "1 run of 1"));
	report_free(&report);
	compare("@n case a got=1\n", "@n case a got=1\n" END1);
	CU_ASSERT(is("g/complete.r", REPORT_ERROR, ""));
	report_free(&report);
	compare("@n case a got=1\n@n case b got=1\n@n end cases=2\n", "@n case a got=1\n" END1);
	CU_ASSERT(is("g/complete.r", REPORT_FAIL, "1 run of 2"));
	CU_ASSERT(is("g/b", REPORT_FAIL, "WORSE"));
	report_free(&report);
	/* A count that is not what was run; a record of somebody else; no records at all. */
	compare("@n case a got=1\n" END1, "@n case a got=1\n@n end cases=2\n");
	CU_ASSERT(is("g/complete.r", REPORT_FAIL, ""));
	report_free(&report);
	compare("@n case a got=1\n" END1, "@m case a got=1\n@m end cases=1\n");
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
	compare("@n end cases=0\n", "@n end cases=0\n");
	CU_ASSERT(is("g/complete.r", REPORT_ERROR, ""));
	report_free(&report);
}

#define BATCH(off) "@n batch a n=200 off=" off "\n"
#define END200 "@n end cases=200\n"
#define KIND(got, count, set)                                                                      \
	"@n off a.1 got=" got " manual=0x3 count=" count " first=7 set=" set "\n"

static void batches(void)
{
	compare(BATCH("0") END200, BATCH("0") END200);
	CU_ASSERT(is("g/a", REPORT_PASS, "SAME"));
	report_free(&report);
	compare(BATCH("2") KIND("0xe", "2", "0x5") END200, BATCH("0") END200);
	CU_ASSERT(is("g/a", REPORT_PASS, "BETTER"));
	report_free(&report);
	compare(BATCH("2") KIND("0xe", "2", "0x5") END200,
		BATCH("2") KIND("0xe", "2", "0x5") END200);
	CU_ASSERT(is("g/a", REPORT_PASS, "DEVIATES"));
	report_free(&report);
	/* In as many cases, but others; otherwise; where bare does as the manual says. */
	compare(BATCH("2") KIND("0xe", "2", "0x5") END200,
		BATCH("2") KIND("0xe", "2", "0x6") END200);
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
	compare(BATCH("2") KIND("0xe", "2", "0x5") END200,
		BATCH("2") KIND("0xd", "2", "0x5") END200);
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
	compare(BATCH("0") END200, BATCH("2") KIND("0xe", "2", "0x5") END200);
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
	/* Deviations that are not told, fewer cases. */
	compare(BATCH("0") END200, BATCH("2") END200);
	CU_ASSERT(is("g/complete.r", REPORT_FAIL, ""));
	report_free(&report);
	compare(BATCH("0") END200, "@n batch a n=100 off=0\n@n end cases=100\n");
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	CU_ASSERT(is("g/complete.r", REPORT_FAIL, "100 run of 200"));
	report_free(&report);
}

#define SMALL(off, count, in)                                                                      \
	"@n batch a n=100 off=" off "\n"                                                           \
	"@n off a.1 got=0xe manual=0x3 count=" count " first=7 in=" in                             \
	" in2=0x0\n@n end cases=100\n"

/* Where every case is told: in fewer than bare is better, in one more is worse. */
static void small_batches(void)
{
	compare(SMALL("2", "2", "0x5"), SMALL("1", "1", "0x4"));
	CU_ASSERT(is("g/a", REPORT_PASS, "BETTER"));
	report_free(&report);
	compare(SMALL("1", "1", "0x4"), SMALL("2", "2", "0x5"));
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
	compare(SMALL("1", "1", "0x4"), SMALL("1", "1", "0x8"));
	CU_ASSERT(is("g/a", REPORT_FAIL, "WORSE"));
	report_free(&report);
}

static void garbage(void)
{
	compare(
	    "@n case a got=1\n" END1,
	    "@n case\n@n batch\n@n batch a n=x off=1\n@n batch a n=1 off=2\n@n off\n@n off a.1\n"
	    "@n case a got=1\n@n off a.1 got=0x1 manual=0x2 count=1 first=1 set=0x1\n" END1 END1);
	CU_ASSERT(is("g/complete.r", REPORT_FAIL, ""));
	CU_ASSERT(is("g/a", REPORT_PASS, "SAME"));
	report_free(&report);
}

/* ---- The model --------------------------------------------------------------------------- */

#define P 0x1ull
#define W 0x2ull
#define U 0x4ull
#define A 0x20ull
#define D 0x40ull
#define PS 0x80ull
#define NX 0x8000000000000000ull
#define KEY(n) ((u64)(n) << 59)

static const struct pagemodel four = {
	.kind = PAGEMODEL_4, .wp = true, .nxe = true, .maxphyaddr = 40
};
static const struct pagemodel_access read_user = { .user = true }, read_kernel = { 0 },
				     write_user = { .user = true, .write = true },
				     write_kernel = { .write = true },
				     fetch_kernel = { .fetch = true },
				     fetch_user = { .user = true, .fetch = true },
				     implicit = { .user = true, .implicit = true, .ac = true };

/* The error code, or -1; through open tables to an entry, all else being allowed. */
static int error_of(const struct pagemodel *m, u64 leaf, const struct pagemodel_access *access)
{
	const u64 entry[PAGEMODEL_LEVELS] = { leaf, P | W | U, P | W | U, P | W | U, P | W | U };
	struct pagemodel_result r;

	pagemodel_expect(m, entry, access, &r);
	return r.fault ? (int)r.error : -1;
}

static void model_rights(void)
{
	struct pagemodel m = four;

	CU_ASSERT_EQUAL(error_of(&m, P | W | U, &write_user), -1);
	CU_ASSERT_EQUAL(error_of(&m, 0, &write_user), 0x6);
	CU_ASSERT_EQUAL(error_of(&m, P | U, &write_user), 0x7);
	CU_ASSERT_EQUAL(error_of(&m, P | W, &read_user), 0x5);
	CU_ASSERT_EQUAL(error_of(&m, P, &write_kernel), 0x3);
	CU_ASSERT_EQUAL(error_of(&m, P | NX, &fetch_kernel), 0x11);
	CU_ASSERT_EQUAL(error_of(&m, P | NX, &read_kernel), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | 1ull << 51, &read_kernel), 0x9);
	m.wp = false;
	CU_ASSERT_EQUAL(error_of(&m, P, &write_kernel), -1);
	m.nxe = false;
	CU_ASSERT_EQUAL(error_of(&m, P | NX, &read_kernel), 0x9);
	CU_ASSERT_EQUAL(error_of(&m, 0, &fetch_user), 0x4);
	m.smep = true;
	CU_ASSERT_EQUAL(error_of(&m, P | U, &fetch_kernel), 0x11);
	CU_ASSERT_EQUAL(error_of(&m, P | U, &fetch_user), -1);
	m.smap = true;
	CU_ASSERT_EQUAL(error_of(&m, P | U, &read_kernel), 0x1);
	CU_ASSERT_EQUAL(error_of(&m, P | U, &implicit), 0x1);
	CU_ASSERT_EQUAL(error_of(&m, P, &implicit), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | U, &(struct pagemodel_access){ .ac = true }), -1);
}

static void model_keys(void)
{
	struct pagemodel m = four;

	m.pke = true;
	m.pkru = 1u << 10 | 2u << 6; /* key 5: no access; key 3: no writing */
	CU_ASSERT_EQUAL(error_of(&m, P | W | U | KEY(5), &read_user), 0x25);
	CU_ASSERT_EQUAL(error_of(&m, P | W | U | KEY(5), &read_kernel), 0x21);
	CU_ASSERT_EQUAL(error_of(&m, P | W | KEY(5), &read_kernel), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | W | U | KEY(5), &fetch_user), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | W | U | KEY(3), &read_user), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | W | U | KEY(3), &write_kernel), 0x23);
	m.wp = false;
	CU_ASSERT_EQUAL(error_of(&m, P | W | U | KEY(3), &write_kernel), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | W | U | KEY(3), &write_user), 0x27);
}

static void model_supervisor_keys(void)
{
	const u64 entry[PAGEMODEL_LEVELS] = { P | W | KEY(5), P | W | U, P | W | U, P | W | U };
	struct pagemodel m = four;
	struct pagemodel_result r;

	m.pks = true;
	m.pkrs = 1u << 10 | 2u << 6; /* key 5: no access; key 3: no writing */
	CU_ASSERT_EQUAL(error_of(&m, P | W | KEY(5), &read_kernel), 0x21);
	CU_ASSERT_EQUAL(error_of(&m, P | W | U | KEY(5), &read_kernel), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | W | KEY(5), &fetch_kernel), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | W | KEY(3), &read_kernel), -1);
	CU_ASSERT_EQUAL(error_of(&m, P | W | KEY(3), &write_kernel), 0x23);
	/* Of the user's access, which fails anyway, the key's bit is open. */
	pagemodel_expect(&m, entry, &read_user, &r);
	CU_ASSERT(r.fault && (r.error & ~r.error_open) == 0x5 && r.error_open == 0x20);
	m.wp = false;
	CU_ASSERT_EQUAL(error_of(&m, P | W | KEY(3), &write_kernel), -1);
}

static void model_five_levels(void)
{
	struct pagemodel m = four;
	u64 entry[PAGEMODEL_LEVELS] = { P | W | U, P | W | U, P | W | U, P | W | U, P | W | U };
	struct pagemodel_result r;

	m.kind = PAGEMODEL_5;
	pagemodel_expect(&m, entry, &write_user, &r);
	CU_ASSERT(!r.fault && r.entry[4] == (P | W | U | A) && r.entry[0] == (P | W | U | A | D));
	entry[4] = P | W;
	pagemodel_expect(&m, entry, &write_user, &r);
	CU_ASSERT(r.fault && r.error == 0x7);
	entry[4] = P | W | U | PS; /* maps nothing at that level */
	pagemodel_expect(&m, entry, &read_kernel, &r);
	CU_ASSERT(r.fault && r.error == 0x9 && !r.open[4] && !r.open[3]);
	entry[4] = 0;
	pagemodel_expect(&m, entry, &read_kernel, &r);
	CU_ASSERT(r.fault && r.error == 0);
}

static void model_flags(void)
{
	const u64 open[4] = { P | W | U, P | W | U, P | W | U, P | W | U };
	const u64 large[4] = { 0, P | W | U | PS, P | W | U, P | W | U };
	const u64 gap[4] = { P | W | U, P | W | U, 0, P | W | U };
	struct pagemodel_result r;

	pagemodel_expect(&four, open, &write_user, &r);
	CU_ASSERT(!r.fault && r.entry[0] == (open[0] | A | D) && r.entry[3] == (open[3] | A));
	pagemodel_expect(&four, open, &read_user, &r);
	CU_ASSERT(r.entry[0] == (open[0] | A) && !r.open[0]);
	pagemodel_expect(&four, large, &write_user, &r);
	CU_ASSERT(!r.fault && r.entry[1] == (large[1] | A | D) && r.entry[0] == 0);
	pagemodel_expect(&four, gap, &write_user, &r);
	CU_ASSERT(r.fault && r.error == 0x6 && r.entry[3] == gap[3]);
	CU_ASSERT(r.open[3] == A && !r.open[2] && !r.open[1] && !r.open[0]);
}

static void model_legacy(void)
{
	struct pagemodel m = { .kind = PAGEMODEL_32, .pse = true, .maxphyaddr = 36 };
	const u64 large[2] = { 0, P | W | U | PS }, wide[2] = { 0, P | W | U | PS | 1 << 17 },
		  table[2] = { P | W | U, P | W | U | PS | 1 << 21 };
	const u64 absent[3] = { P, P, 0 }, pae[3] = { P | W | U, P | W | U, P };
	struct pagemodel_result r;

	pagemodel_expect(&m, large, &write_user, &r);
	CU_ASSERT(!r.fault && r.entry[1] == (large[1] | A | D));
	pagemodel_expect(&m, wide, &write_user, &r); /* bit 36 of the address */
	CU_ASSERT(r.fault && r.error == 0xf);
	m.pse = false; /* then it is a table, and nothing is reserved */
	pagemodel_expect(&m, table, &write_user, &r);
	CU_ASSERT(!r.fault && r.entry[0] == (table[0] | A | D));
	m.kind = PAGEMODEL_PAE;
	pagemodel_expect(&m, absent, &read_kernel, &r);
	CU_ASSERT(r.fault && r.error == 0);
	pagemodel_expect(&m, pae, &write_user, &r); /* PDPTEs have neither rights nor flags */
	CU_ASSERT(!r.fault && r.entry[2] == P && r.entry[1] == (pae[1] | A));
}

void test_systems_register(void)
{
	CU_pSuite s = CU_add_suite("systems", NULL, NULL);

	CU_add_test(s, "cases", cases);
	CU_add_test(s, "cut off", cut_off);
	CU_add_test(s, "batches", batches);
	CU_add_test(s, "small batches", small_batches);
	CU_add_test(s, "garbage", garbage);
	CU_add_test(s, "model: rights", model_rights);
	CU_add_test(s, "model: keys", model_keys);
	CU_add_test(s, "model: keys of the supervisor", model_supervisor_keys);
	CU_add_test(s, "model: five levels", model_five_levels);
	CU_add_test(s, "model: accessed and dirty", model_flags);
	CU_add_test(s, "model: legacy modes", model_legacy);
}
