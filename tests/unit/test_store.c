/*
 * test_store.c - stores over memory and over other stores: hv/store/
 *
 * The base of an overlay or a part is a fake disk that answers whenever and in whatever order the
 * test likes, and fails where the test says.  Random requests are compared with an array.
 */
#include "fake_host.h"
#include "machine.h"

#include "store.h"

void test_store_register(void);

#define SECTORS 1003 /* not a whole number of clusters */
#define FLIGHT 24

/* ---- A disk that answers late --------------------------------------------------------------- */

static struct {
	struct store store;
	u8 data[SECTORS * STORE_SECTOR];
	struct store_request *waiting[256];
	unsigned count;
	bool at_once; /* some requests end inside submit */
	u64 bad; /* reading this sector fails */
	unsigned flushes, reads, writes;
} disk;

static u32 state;

static u32 any(u32 below)
{
	state = state * 1664525 + 1013904223;
	return (u32)(((u64)(state >> 4) * below) >> 28);
}

static void disk_do(struct store_request *r)
{
	u64 sectors = store_request_sectors(r);
	struct store_cursor cursor = { 0 };
	u8 *at = disk.data + r->at * STORE_SECTOR;

	disk.flushes += r->operation == STORE_FLUSH;
	disk.reads += r->operation == STORE_READ;
	disk.writes += r->operation == STORE_WRITE;
	if (r->operation == STORE_READ)
		store_copy_in(r, &cursor, at, sectors * STORE_SECTOR);
	else if (r->operation == STORE_WRITE)
		store_copy_out(r, &cursor, at, sectors * STORE_SECTOR);
	r->result = disk.bad >= r->at && disk.bad < r->at + sectors ? STORE_ERROR : STORE_OK;
}

static bool disk_submit(struct store *store UNUSED, struct store_request *r)
{
	if (disk.at_once && any(2)) {
		disk_do(r);
		return true;
	}
	CU_ASSERT_FATAL(disk.count < ARRAY_SIZE(disk.waiting));
	disk.waiting[disk.count++] = r;
	return false;
}

/* One request, not the oldest as a rule, ends. */
static void disk_end_one(void)
{
	unsigned i = any(disk.count);
	struct store_request *r = disk.waiting[i];

	disk.waiting[i] = disk.waiting[--disk.count];
	disk_do(r);
	r->done(r);
}

static const struct store_ops disk_ops = { .submit = disk_submit };

static void disk_reset(void)
{
	fake_host_reset();
	memset(&disk, 0, sizeof(disk));
	disk.store = (struct store){ .ops = &disk_ops, .name = "fake", .sectors = SECTORS,
				     .volatile_cache = true };
	disk.bad = ~0ull;
	for (size_t i = 0; i < sizeof(disk.data); i++)
		disk.data[i] = (u8)any(256);
}

/* ---- Requests ------------------------------------------------------------------------------- */

struct asked {
	struct store_request request;
	u8 *memory; /* exactly as large as the request, so that ASan sees what goes beyond */
	u64 sectors;
	bool busy;
	u8 *expected; /* of a read: the model when it began */
};

static struct asked asked[FLIGHT];
static unsigned ended;

static void done(struct store_request *request)
{
	struct asked *a = container_of(request, struct asked, request);

	CU_ASSERT_TRUE(a->busy);
	a->busy = false;
	ended++;
}

/* A request in random pieces, each of which has its own memory within a->memory. */
static void prepare(struct asked *a, unsigned operation, u64 sector, u64 sectors)
{
	u64 at = 0;

	memset(&a->request, 0, sizeof(a->request));
	a->request.operation = (u8)operation;
	a->request.sector = sector;
	a->request.done = done;
	a->sectors = sectors;
	a->memory = malloc(sectors * STORE_SECTOR);
	while (at < sectors) {
		u64 n = 1 + any(12);

		if (a->request.segments == STORE_SEGMENTS_MAX - 1 || n > sectors - at)
			n = sectors - at;
		a->request.segment[a->request.segments++] = (struct store_segment){
			a->memory + at * STORE_SECTOR, (u32)(n * STORE_SECTOR)
		};
		at += n;
	}
	for (u64 i = 0; i < sectors * STORE_SECTOR; i++)
		a->memory[i] = operation == STORE_WRITE ? (u8)any(256) : 0xee;
}

static void begin(struct store *store, struct asked *a)
{
	a->busy = true;
	if (store_submit(store, &a->request))
		done(&a->request);
}

static void drain(void)
{
	while (disk.count)
		disk_end_one();
}

/* Read or write from one piece of memory, to its end. */
static unsigned io(struct store *store, unsigned operation, u64 sector, void *data, u64 sectors)
{
	static struct asked one;

	memset(&one, 0, sizeof(one));
	one.request.operation = (u8)operation;
	one.request.sector = sector;
	one.request.done = done;
	one.request.segments = sectors ? 1 : 0;
	one.request.segment[0] = (struct store_segment){ data, (u32)(sectors * STORE_SECTOR) };
	begin(store, &one);
	drain();
	CU_ASSERT_FALSE(one.busy);
	return one.request.result;
}

/* ---- Against an array ----------------------------------------------------------------------- */

static u8 model[SECTORS * STORE_SECTOR];

static bool overlaps(const struct asked *a, u64 sector, u64 sectors)
{
	return a->busy && a->request.sector < sector + sectors &&
	       sector < a->request.sector + a->sectors;
}

/*
 * Requests in flight together may share clusters but not sectors, when one of them writes: then the
 * result would be anybody's guess.
 */
static bool may_begin(unsigned operation, u64 sector, u64 sectors)
{
	for (unsigned i = 0; i < FLIGHT; i++)
		if (overlaps(&asked[i], sector, sectors) &&
		    (operation == STORE_WRITE || asked[i].request.operation == STORE_WRITE))
			return false;
	return true;
}

static void finish(struct asked *a)
{
	if (a->request.operation == STORE_READ)
		CU_ASSERT_FALSE(memcmp(a->memory, a->expected, a->sectors * STORE_SECTOR));
	CU_ASSERT_EQUAL(a->request.result, STORE_OK);
	free(a->memory);
	free(a->expected);
	a->memory = a->expected = NULL;
}

static void begin_random(struct store *store, struct asked *a)
{
	unsigned operation = any(2) ? STORE_WRITE : STORE_READ;
	/* Near each other, so that they meet in clusters. */
	u64 sector = any(2) ? any(64) : any(SECTORS);
	u64 wanted = 1 + any(any(4) ? 9 : 120), sectors = MIN(wanted, SECTORS - sector);

	if (!may_begin(operation, sector, sectors))
		return;
	prepare(a, operation, sector, sectors);
	if (operation == STORE_WRITE) {
		memcpy(model + sector * STORE_SECTOR, a->memory, sectors * STORE_SECTOR);
	} else {
		a->expected = malloc(sectors * STORE_SECTOR);
		memcpy(a->expected, model + sector * STORE_SECTOR, sectors * STORE_SECTOR);
	}
	begin(store, a);
}

/* Store is the whole model's equal, after many requests, FLIGHT of them at a time. */
static void exercise(struct store *store, unsigned steps)
{
	for (unsigned step = 0; step < steps; step++) {
		struct asked *a = &asked[any(FLIGHT)];

		if (!a->busy && a->memory)
			finish(a);
		else if (!a->busy)
			begin_random(store, a);
		if (disk.count && any(2))
			disk_end_one();
	}
	drain();
	for (unsigned i = 0; i < FLIGHT; i++) {
		CU_ASSERT_FALSE(asked[i].busy);
		if (asked[i].memory)
			finish(&asked[i]);
	}
}

static void compare_all(struct store *store)
{
	static u8 all[SECTORS * STORE_SECTOR];

	CU_ASSERT_EQUAL(io(store, STORE_READ, 0, all, store->sectors), STORE_OK);
	CU_ASSERT_FALSE(memcmp(all, model, store->sectors * STORE_SECTOR));
}

static void test_overlay_random(void)
{
	static u8 before[SECTORS * STORE_SECTOR];

	for (unsigned seed = 1; seed <= 40; seed++) {
		struct store *overlay;

		state = seed;
		disk_reset();
		disk.at_once = seed % 2;
		memcpy(before, disk.data, sizeof(before));
		memcpy(model, disk.data, sizeof(model));
		overlay = overlay_store_new("overlay", &disk.store, MiB(1));
		CU_ASSERT_PTR_NOT_NULL_FATAL(overlay);
		exercise(overlay, 1500);
		compare_all(overlay);
		CU_ASSERT_FALSE(memcmp(before, disk.data, sizeof(before)));
		CU_ASSERT_EQUAL(disk.writes, 0);
		CU_ASSERT_EQUAL(overlay_store_used(overlay), fake_host.pages_out);
		store_close(overlay);
		CU_ASSERT_TRUE(fake_host_clean());
	}
}

/* Two on one base do not see each other, and one may be the base of another. */
static void test_overlay_stacked(void)
{
	struct store *one, *two, *upper;
	u8 sector[STORE_SECTOR], read[STORE_SECTOR];

	disk_reset();
	one = overlay_store_new("one", &disk.store, MiB(1));
	two = overlay_store_new("two", &disk.store, MiB(1));
	memset(sector, 1, sizeof(sector));
	CU_ASSERT_EQUAL(io(one, STORE_WRITE, 3, sector, 1), STORE_OK);
	CU_ASSERT_EQUAL(io(two, STORE_READ, 3, read, 1), STORE_OK);
	CU_ASSERT_FALSE(memcmp(read, disk.data + 3 * STORE_SECTOR, sizeof(read)));
	upper = overlay_store_new("upper", one, MiB(1));
	CU_ASSERT_EQUAL(io(upper, STORE_READ, 3, read, 1), STORE_OK);
	CU_ASSERT_FALSE(memcmp(read, sector, sizeof(read)));
	memcpy(model, disk.data, sizeof(model));
	memcpy(model + 3 * STORE_SECTOR, sector, sizeof(sector));
	exercise(upper, 1500);
	compare_all(upper);
	store_close(upper);
	store_close(two);
	store_close(one);
	CU_ASSERT_TRUE(fake_host_clean());
}

static void test_overlay_full(void)
{
	struct store *overlay;
	static u8 data[64 * STORE_SECTOR];
	unsigned done_count = 0;

	disk_reset();
	CU_ASSERT_PTR_NULL(overlay_store_new("none", &disk.store, 100));
	/* A root and ten clusters. */
	overlay = overlay_store_new("small", &disk.store, 11 * PAGE_SIZE);
	for (u64 sector = 0; sector < 20 * 8; sector += 8)
		done_count += io(overlay, STORE_WRITE, sector, data, 8) == STORE_OK;
	CU_ASSERT_EQUAL(done_count, 10);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_host.log, "small: sector 80 cannot be written"));
	CU_ASSERT_PTR_NULL(strstr(fake_host.log, "sector 88"));
	/* What is there may be written again, and everything can be read. */
	CU_ASSERT_EQUAL(io(overlay, STORE_WRITE, 0, data, 64), STORE_OK);
	CU_ASSERT_EQUAL(io(overlay, STORE_READ, 100, data, 64), STORE_OK);
	store_close(overlay);
	/* Without memory: a sentence, nothing lost, and it goes on when there is some again. */
	overlay = overlay_store_new("poor", &disk.store, MiB(1));
	fake_host.allocations_left = 0;
	CU_ASSERT_EQUAL(io(overlay, STORE_READ, 0, data, 1), STORE_ERROR);
	fake_host.allocations_left = 1;
	CU_ASSERT_EQUAL(io(overlay, STORE_WRITE, 0, data, 1), STORE_ERROR);
	fake_host.allocations_left = ~0ull;
	CU_ASSERT_EQUAL(io(overlay, STORE_WRITE, 0, data, 1), STORE_OK);
	store_close(overlay);
	CU_ASSERT_TRUE(fake_host_clean());
}

/* A limit of the disk's size lets all of it be written, for tables come on top. */
static void test_overlay_whole(void)
{
	static u8 data[100 * STORE_SECTOR];
	struct store *overlay;

	disk_reset();
	overlay = overlay_store_new("whole", &disk.store, SECTORS * STORE_SECTOR);
	for (u64 at = 0; at < SECTORS; at += 100)
		CU_ASSERT_EQUAL(io(overlay, STORE_WRITE, at, data, MIN(100, SECTORS - at)),
				STORE_OK);
	CU_ASSERT_TRUE(overlay_store_used(overlay) > SECTORS * STORE_SECTOR);
	store_close(overlay);
	CU_ASSERT_TRUE(fake_host_clean());
}

/* A cluster that cannot be read can be written as a whole, and not in part. */
static void test_overlay_bad_base(void)
{
	struct store *overlay;
	static u8 data[16 * STORE_SECTOR];

	disk_reset();
	disk.bad = 9;
	overlay = overlay_store_new("overlay", &disk.store, MiB(1));
	CU_ASSERT_EQUAL(io(overlay, STORE_READ, 8, data, 8), STORE_ERROR);
	CU_ASSERT_EQUAL(io(overlay, STORE_READ, 0, data, 8), STORE_OK);
	CU_ASSERT_EQUAL(io(overlay, STORE_WRITE, 10, data, 1), STORE_ERROR);
	CU_ASSERT_EQUAL(overlay_store_used(overlay), PAGE_SIZE);
	CU_ASSERT_EQUAL(io(overlay, STORE_WRITE, 8, data, 8), STORE_OK);
	CU_ASSERT_EQUAL(io(overlay, STORE_WRITE, 10, data, 1), STORE_OK);
	CU_ASSERT_EQUAL(io(overlay, STORE_READ, 8, data, 8), STORE_OK);
	store_close(overlay);
	CU_ASSERT_TRUE(fake_host_clean());
}

/* Writes that wait for a fill that fails try for themselves. */
static void test_overlay_waits(void)
{
	struct store *overlay;

	disk_reset();
	overlay = overlay_store_new("overlay", &disk.store, MiB(1));
	ended = 0;
	for (unsigned i = 0; i < 4; i++) {
		prepare(&asked[i], STORE_WRITE, 16 + i, 1);
		begin(overlay, &asked[i]);
	}
	/* All in one cluster: base is read once, and the others wait for it. */
	CU_ASSERT_EQUAL(disk.count, 1);
	disk.bad = 16;
	disk_end_one();
	CU_ASSERT_EQUAL(ended, 1);
	CU_ASSERT_EQUAL(asked[0].request.result, STORE_ERROR);
	CU_ASSERT_EQUAL(disk.count, 1);
	disk.bad = ~0ull;
	disk_end_one();
	CU_ASSERT_EQUAL(ended, 4);
	CU_ASSERT_EQUAL(disk.reads, 2);
	for (unsigned i = 1; i < 4; i++) {
		u8 read[STORE_SECTOR];

		CU_ASSERT_EQUAL(asked[i].request.result, STORE_OK);
		io(overlay, STORE_READ, 16 + i, read, 1);
		CU_ASSERT_FALSE(memcmp(read, asked[i].memory, sizeof(read)));
	}
	for (unsigned i = 0; i < 4; i++) {
		free(asked[i].memory);
		asked[i].memory = NULL;
	}
	store_close(overlay);
	CU_ASSERT_TRUE(fake_host_clean());
}

/* The tree of a large disk has several levels; only what is written costs memory. */
static void test_overlay_large(void)
{
	struct store *overlay;
	u8 sector[8 * STORE_SECTOR] = { 7 }, read[8 * STORE_SECTOR];
	const u64 places[] = { 0, 8, BIT(21), BIT(30) + 8, BIT(40), BIT(47) - 16 };

	disk_reset();
	disk.store.sectors = BIT(47);
	overlay = overlay_store_new("large", &disk.store, MiB(1));
	CU_ASSERT_PTR_NOT_NULL_FATAL(overlay);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		sector[0] = (u8)i;
		CU_ASSERT_EQUAL(io(overlay, STORE_WRITE, places[i], sector, 8), STORE_OK);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		CU_ASSERT_EQUAL(io(overlay, STORE_READ, places[i], read, 8), STORE_OK);
		CU_ASSERT_EQUAL(read[0], i);
	}
	CU_ASSERT_TRUE(overlay_store_used(overlay) < 40 * PAGE_SIZE);
	store_close(overlay);
	disk.store.sectors = ~0ull;
	CU_ASSERT_PTR_NULL(overlay_store_new("too large", &disk.store, MiB(1)));
	CU_ASSERT_TRUE(fake_host_clean());
}

/* ---- The others ----------------------------------------------------------------------------- */

static void test_ram(void)
{
	static u8 memory[SECTORS * STORE_SECTOR + 100];
	struct store *ram;

	disk_reset();
	memcpy(memory, disk.data, sizeof(disk.data));
	memcpy(model, disk.data, sizeof(disk.data));
	memset(memory + sizeof(disk.data), 0x77, 100);
	ram = ram_store_new("a module", memory, sizeof(memory), false);
	CU_ASSERT_EQUAL(ram->sectors, SECTORS);
	CU_ASSERT_STRING_EQUAL(ram->name, "a module");
	exercise(ram, 2000);
	compare_all(ram);
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(memory[sizeof(disk.data) + i], 0x77);
	CU_ASSERT_EQUAL(io(ram, STORE_FLUSH, 0, NULL, 0), STORE_OK);
	store_close(ram);
	fake_host.allocations_left = 0;
	CU_ASSERT_PTR_NULL(ram_store_new("a", memory, sizeof(memory), false));
	fake_host.allocations_left = ~0ull;
	CU_ASSERT_TRUE(fake_host_clean());
}

static void test_part(void)
{
	struct store *part, *inner;
	u8 read[STORE_SECTOR];

	disk_reset();
	CU_ASSERT_PTR_NULL(part_store_new("p", &disk.store, SECTORS + 1, 0));
	CU_ASSERT_PTR_NULL(part_store_new("p", &disk.store, 0, SECTORS + 1));
	CU_ASSERT_PTR_NULL(part_store_new("p", &disk.store, 1, ~0ull));
	part = part_store_new("p", &disk.store, 100, 500);
	inner = part_store_new("q", part, 10, 20);
	CU_ASSERT_EQUAL(io(inner, STORE_READ, 19, read, 1), STORE_OK);
	CU_ASSERT_FALSE(memcmp(read, disk.data + 129 * STORE_SECTOR, sizeof(read)));
	CU_ASSERT_EQUAL(io(inner, STORE_FLUSH, 0, NULL, 0), STORE_OK);
	CU_ASSERT_EQUAL(disk.flushes, 1);
	memcpy(model, disk.data + 100 * STORE_SECTOR, 500 * STORE_SECTOR);
	compare_all(part);
	store_close(inner);
	store_close(part);
	CU_ASSERT_TRUE(fake_host_clean());
}

/* What is wrong in a request is a bug of whoever asks. */
static const struct wrong {
	unsigned operation;
	u64 sector;
	u32 len;
	bool read_only, right;
} wrongs[] = {
	{ STORE_READ, SECTORS, 512, false, false },
	{ STORE_READ, SECTORS - 1, 1024, false, false },
	{ STORE_READ, ~0ull, 1024, false, false },
	{ STORE_READ, 0, 511, false, false },
	{ STORE_READ, 0, 0, false, false },
	{ STORE_WRITE, 0, 512, true, false },
	{ STORE_FLUSH, 0, 512, false, false },
	{ STORE_FLUSH + 1, 0, 512, false, false },
	{ STORE_READ, SECTORS - 1, 512, true, true },
	{ STORE_WRITE, 0, 512, false, true },
};

static void submit_wrong(void *argument)
{
	static struct store_request request;
	static u8 data[4096];
	const struct wrong *w = argument;

	disk.store.read_only = w->read_only;
	request = (struct store_request){
		.operation = (u8)w->operation, .sector = w->sector, .segments = 1, .done = done
	};
	request.segment[0] = (struct store_segment){ data, w->len };
	(void)!store_submit(&disk.store, &request);
}

static void test_checks(void)
{
	static struct store_request nothing;

	disk_reset();
	nothing = (struct store_request){
		.operation = STORE_READ, .sector = SECTORS, .done = done
	};
	CU_ASSERT_TRUE(store_submit(&disk.store, &nothing)); /* at the very end: done */
	for (unsigned i = 0; i < ARRAY_SIZE(wrongs); i++)
		CU_ASSERT_EQUAL(panics(submit_wrong, (void *)&wrongs[i]), !wrongs[i].right);
}

void test_store_register(void)
{
	CU_pSuite suite = CU_add_suite("store", NULL, NULL);

	CU_ADD_TEST(suite, test_checks);
	CU_ADD_TEST(suite, test_ram);
	CU_ADD_TEST(suite, test_part);
	CU_ADD_TEST(suite, test_overlay_random);
	CU_ADD_TEST(suite, test_overlay_stacked);
	CU_ADD_TEST(suite, test_overlay_full);
	CU_ADD_TEST(suite, test_overlay_whole);
	CU_ADD_TEST(suite, test_overlay_bad_base);
	CU_ADD_TEST(suite, test_overlay_waits);
	CU_ADD_TEST(suite, test_overlay_large);
}
