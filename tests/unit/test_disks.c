/*
 * test_disks.c - disks by name, and who uses what of them: hv/type1/disks.c
 *
 * The file is part of this one, so that each test starts without disks.
 */
#include "fake_host.h"
#include "machine.h"

#include "type1/disks.c"

void test_disks_register(void);

#define SECTORS 1000

static u8 memory[SECTORS * STORE_SECTOR];
static struct store *one, *ten;
static char error[200];
static int result;

/* hd1 with a partition of sectors 100..299, and hd10, which cannot be written. */
static void begin(void)
{
	fake_host_reset();
	memset(disks, 0, sizeof(disks));
	count = 0;
	claims = NULL;
	memset(memory, 0, sizeof(memory));
	memory[446 + 16 + 4] = 0x83;
	memory[446 + 16 + 8] = 100;
	memory[446 + 16 + 12] = 200;
	memory[510] = 0x55;
	memory[511] = 0xaa;
	one = ram_store_new("hd1", memory, sizeof(memory), false);
	ten = ram_store_new("hd10", memory, 20 * STORE_SECTOR, true);
	disks_add(one, "made of memory");
	disks_add(ten, "");
	disks_read_partitions(NULL);
}

static void end(void)
{
	CU_ASSERT_PTR_NULL(claims);
	count = 0; /* other suites open disks too */
	store_close(one);
	store_close(ten);
	CU_ASSERT_TRUE(fake_host_clean());
}

static struct store *try_open(const char *name, bool write, const char *owner)
{
	error[0] = '\0';
	return disks_open(name, write, owner, &result, error, sizeof(error));
}

static bool refused(const char *name, bool write, int code, const char *sentence)
{
	bool is = !try_open(name, write, "me") && result == code && strstr(error, sentence);

	if (!is)
		printf("\n%s: %d %s\n", name, result, error);
	return is;
}

static void test_names(void)
{
	static const char *const nonsense[] = {
		"hd1p", "hd1px", "hd1p2x", "hd1x", "hd1:", "hd1:5", "hd1:5+", "hd1:5+x", "hd1:5+0",
		"hd1:+5", "hd1:-1+5", "hd1p99999999999999999999", "hd1:99999999999999999999+1",
	};
	struct store *s;

	begin();
	CU_ASSERT_TRUE(refused("hd2", false, -HOST_ENOENT, "hd2: there is no such disk"));
	CU_ASSERT_TRUE(refused("", false, -HOST_ENOENT, "no such disk"));
	CU_ASSERT_TRUE(refused("hd", false, -HOST_ENOENT, "no such disk"));
	CU_ASSERT_TRUE(refused("hd1p1", false, -HOST_ENOENT, "no such partition"));
	CU_ASSERT_TRUE(refused("hd1:999+2", false, -HOST_EINVAL, "has 1000 sectors"));
	CU_ASSERT_TRUE(refused("hd1:1000+1", false, -HOST_EINVAL, "has 1000 sectors"));
	CU_ASSERT_TRUE(refused("hd1:1+18446744073709551615", false, -HOST_EINVAL, "1000 sectors"));
	for (unsigned i = 0; i < ARRAY_SIZE(nonsense); i++)
		CU_ASSERT_TRUE(refused(nonsense[i], false, -HOST_EINVAL, "not a disk"));
	CU_ASSERT_TRUE(refused("hd10", true, -HOST_EINVAL, "hd10 cannot be written"));
	s = try_open("hd10", false, "me");
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->sectors, 20);
	CU_ASSERT_TRUE(s->read_only);
	store_close(s);
	s = try_open("hd1p2", true, "me");
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_STRING_EQUAL(s->name, "hd1p2");
	CU_ASSERT_EQUAL(s->sectors, 200);
	CU_ASSERT_FALSE(s->read_only);
	store_close(s);
	end();
}

static void nothing(struct store_request *request UNUSED)
{
}

static void test_requests(void)
{
	static struct store_request r;
	struct store *whole, *range;
	u8 sector[STORE_SECTOR];

	begin();
	range = try_open("hd1:300+20", true, "me");
	CU_ASSERT_PTR_NOT_NULL_FATAL(range);
	memset(sector, 0x5a, sizeof(sector));
	r = (struct store_request){ .operation = STORE_WRITE, .sector = 19, .segments = 1,
				    .done = nothing };
	r.segment[0] = (struct store_segment){ sector, sizeof(sector) };
	CU_ASSERT_TRUE(store_submit(range, &r));
	CU_ASSERT_EQUAL(memory[319 * STORE_SECTOR], 0x5a);
	CU_ASSERT_EQUAL(memory[318 * STORE_SECTOR], 0);
	CU_ASSERT_EQUAL(memory[320 * STORE_SECTOR], 0);
	store_close(range);
	whole = try_open("hd1", false, "me");
	CU_ASSERT_EQUAL(whole->sectors, SECTORS);
	store_close(whole);
	end();
}

/* Who writes is alone; any number may read. */
static void test_claims(void)
{
	struct store *a, *b, *c;

	begin();
	a = try_open("hd1p2", true, "VM one");
	CU_ASSERT_TRUE(refused("hd1", true, -HOST_EBUSY,
			       "hd1 cannot be opened for writing: VM one writes hd1p2 of it"));
	CU_ASSERT_TRUE(refused("hd1", false, -HOST_EBUSY, "hd1 cannot be opened for reading"));
	CU_ASSERT_TRUE(refused("hd1:299+1", true, -HOST_EBUSY, "VM one"));
	CU_ASSERT_TRUE(refused("hd1:0+101", true, -HOST_EBUSY, "VM one"));
	CU_ASSERT_TRUE(refused("hd1:150+1", false, -HOST_EBUSY, "VM one"));
	b = try_open("hd1:300+1", true, "VM two");
	c = try_open("hd1:0+100", false, "VM three");
	CU_ASSERT_PTR_NOT_NULL(b);
	CU_ASSERT_PTR_NOT_NULL(c);
	CU_ASSERT_TRUE(refused("hd1:99+1", true, -HOST_EBUSY, "VM three reads hd1:0+100 of it"));
	store_close(a);
	a = try_open("hd1:50+200", false, "VM four");
	CU_ASSERT_PTR_NOT_NULL(a);
	store_close(b);
	b = try_open("hd1", false, "VM five");
	CU_ASSERT_PTR_NOT_NULL(b);
	CU_ASSERT_TRUE(refused("hd1:999+1", true, -HOST_EBUSY, "VM five reads hd1"));
	store_close(c);
	store_close(a);
	store_close(b);
	fake_host.allocations_left = 0;
	CU_ASSERT_TRUE(refused("hd1", false, -HOST_ENOMEM, "hd1: memory is short"));
	fake_host.allocations_left = ~0ull;
	end();
}

static char shown[2048];

static void put(struct fmt_sink *sink UNUSED, const char *text, size_t len)
{
	strncat(shown, text, len);
}

static void test_show(void)
{
	struct fmt_sink sink = { put };
	struct store *s, *more[DISKS_MAX];

	begin();
	s = try_open("hd1p2", true, "VM one");
	shown[0] = '\0';
	disks_show(&sink);
	CU_ASSERT_STRING_EQUAL(shown, "hd1      1000 sectors, 0 MiB, made of memory\n"
				      "  hd1p2    100+200\n"
				      "  hd1p2 is written by VM one\n"
				      "hd10     20 sectors, 0 MiB, read only\n");
	store_close(s);
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		more[i] = ram_store_new("more", memory, sizeof(memory), false);
		disks_add(more[i], "");
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "disk more is not used"));
	for (unsigned i = 0; i < DISKS_MAX; i++)
		store_close(more[i]);
	end();
}

void test_disks_register(void)
{
	CU_pSuite suite = CU_add_suite("disks", NULL, NULL);

	CU_ADD_TEST(suite, test_names);
	CU_ADD_TEST(suite, test_requests);
	CU_ADD_TEST(suite, test_claims);
	CU_ADD_TEST(suite, test_show);
}
