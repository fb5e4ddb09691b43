/* test_virtio_blk.c - a disk and its store: dev/virtio_blk.c */
#include "virtio_driver.h"

#include "dev/section.h"
#include "dev/virtio_blk.h"
#include "fake_host.h"

void test_virtio_blk_register(void);

#define SECTORS 64
#define HEADERS 0x40000ull /* 32 bytes for each request: header, then status */
#define BUFFERS 0x60000ull
#define STATUS_UNTOUCHED 0xee

/* A store that ends its requests at once, or when the test says so, and fails when told to. */
static struct {
	struct store store;
	u8 disk[SECTORS * STORE_SECTOR];
	bool slow;
	enum store_result result;
	struct store_request *waiting[128];
	unsigned count, writes, flushes, reads;
	unsigned dirty; /* writes since the last flush */
} disk;

static struct virtio_machine vm;
static struct virtio_blk blk;
static struct driver driver;
static unsigned requests;

/* ---- The store ----------------------------------------------------------- */

static void move(struct store_request *request)
{
	u8 *at = disk.disk + request->sector * STORE_SECTOR;

	for (unsigned i = 0; i < request->segments; i++) {
		struct store_segment *s = &request->segment[i];

		CU_ASSERT_FATAL(at + s->len <= disk.disk + sizeof(disk.disk));
		CU_ASSERT_FATAL(s->len % STORE_SECTOR == 0);
		if (request->operation == STORE_READ)
			memcpy(s->data, at, s->len);
		else
			memcpy(at, s->data, s->len);
		at += s->len;
	}
}

static void perform(struct store_request *request)
{
	request->result = disk.result;
	disk.reads += request->operation == STORE_READ;
	disk.writes += request->operation == STORE_WRITE;
	disk.flushes += request->operation == STORE_FLUSH;
	disk.dirty = request->operation == STORE_FLUSH ? 0 : disk.dirty;
	disk.dirty += request->operation == STORE_WRITE;
	if (request->operation == STORE_FLUSH) {
		CU_ASSERT_EQUAL(request->segments, 0);
		return;
	}
	if (disk.result == STORE_OK)
		move(request);
}

static bool disk_submit(struct store *store UNUSED, struct store_request *request)
{
	if (!disk.slow) {
		perform(request);
		return true;
	}
	CU_ASSERT_FATAL(disk.count < ARRAY_SIZE(disk.waiting));
	disk.waiting[disk.count++] = request;
	return false;
}

static const struct store_ops disk_ops = { .submit = disk_submit };

/* Request n of those that wait ends. */
static void finish(unsigned n)
{
	struct store_request *request = disk.waiting[n];

	disk.count--;
	memmove(&disk.waiting[n], &disk.waiting[n + 1], (disk.count - n) * sizeof(disk.waiting[0]));
	perform(request);
	request->done(request);
}

static void finish_all(void)
{
	while (disk.count) {
		while (disk.count)
			finish(disk.count / 2);
		vmachine_work(&vm);
	}
}

/* ---- The driver ---------------------------------------------------------- */

static void start(void)
{
	fake_host_reset();
	vmachine_init(&vm);
	memset(&disk, 0, sizeof(disk));
	disk.store = (struct store){ .ops = &disk_ops, .name = "hd0p1", .sectors = SECTORS };
	for (unsigned i = 0; i < sizeof(disk.disk); i++)
		disk.disk[i] = (u8)(i / STORE_SECTOR + i);
	CU_ASSERT_EQUAL(virtio_blk_init(&blk, &vm.m.bus, &vm.pci, 0x20, &disk.store, true), 0);
	driver_init(&driver, &vm, &blk.pci);
	requests = 0;
}

static void start_driver(u64 features)
{
	start();
	CU_ASSERT(driver_start(&driver, features, 128));
}

static void end(void)
{
	finish_all();
	virtio_blk_free(&blk);
	vmachine_free(&vm);
	CU_ASSERT(fake_host_clean());
}

static u64 status_at(unsigned n)
{
	return HEADERS + 32 * n + 16;
}

static u8 status_of(unsigned n)
{
	return *(u8 *)vmachine_at(&vm, status_at(n), 1);
}

static void put_header(u32 type, u64 sector)
{
	struct virtio_blk_header header = { type, 0, sector };

	memcpy(vmachine_at(&vm, HEADERS + 32 * requests, 16), &header, 16);
	*(u8 *)vmachine_at(&vm, status_at(requests), 1) = STATUS_UNTOUCHED;
}

/* A request with data in the pieces: its number.  The device is not told. */
static unsigned ask(u32 type, u64 sector, const struct piece *data, unsigned count)
{
	struct piece pieces[130];

	put_header(type, sector);
	pieces[0] = (struct piece){ HEADERS + 32 * requests, 16, false };
	memcpy(&pieces[1], data, count * sizeof(*data));
	pieces[count + 1] = (struct piece){ status_at(requests), 1, true };
	ring_add(&driver.ring[0], pieces, count + 2);
	return requests++;
}

static unsigned ask_one(u32 type, u64 sector, u64 address, u32 len)
{
	const struct piece data = { address, len, type != VIRTIO_BLK_OUT };

	return ask(type, sector, &data, 1);
}

/* The next answer: its status and length. */
static bool answered(u32 *len)
{
	u32 id;

	return ring_take(&driver.ring[0], &id, len);
}

static enum virtio_blk_status now(u32 type, u64 sector, u64 address, u32 len)
{
	unsigned n = ask_one(type, sector, address, len);
	u32 written;

	driver_kick(&driver, 0);
	finish_all();
	CU_ASSERT(answered(&written));
	return status_of(n);
}

/* ---- Bad requests -------------------------------------------------------- */

static void test_bad_places(void)
{
	u32 written;

	start_driver(0);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, SECTORS, BUFFERS, 512), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, SECTORS - 1, BUFFERS, 1024), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, ~0ull, BUFFERS, 512), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, ~0ull >> 9, BUFFERS, 1024), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_OUT, SECTORS, BUFFERS, 512), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_OUT, 0, BUFFERS, 511), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, 0, BUFFERS, 513), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(disk.reads + disk.writes, 0);
	/* What was not read is not said to be. */
	ask_one(VIRTIO_BLK_IN, SECTORS, BUFFERS, 512);
	driver_kick(&driver, 0);
	CU_ASSERT(answered(&written));
	CU_ASSERT_EQUAL(written, 0);
	end();
}

static void test_unknown(void)
{
	static const u32 types[] = { 2, 3, 5, 10, 11, 13, 14, 0x80000000, ~0u };

	start_driver(0);
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		CU_ASSERT_EQUAL(now(types[i], 0, BUFFERS, 512), VIRTIO_BLK_UNSUPP);
	CU_ASSERT(!(blk.virtio.status & VIRTIO_NEEDS_RESET));
	end();
}

static void needs_reset(const struct piece *pieces, unsigned count)
{
	ring_add(&driver.ring[0], pieces, count);
	driver_kick(&driver, 0);
	CU_ASSERT(blk.virtio.status & VIRTIO_NEEDS_RESET);
	CU_ASSERT(!virtio_busy(&blk.virtio));
	CU_ASSERT(driver_start(&driver, 0, 128));
}

static void test_unanswerable(void)
{
	const struct piece no_status[] = { { HEADERS, 16, false }, { BUFFERS, 512, false } };
	const struct piece short_header[] = { { HEADERS, 15, false }, { BUFFERS, 513, true } };
	const struct piece no_header[] = { { BUFFERS, 513, true } };

	start_driver(0);
	needs_reset(no_status, 2);
	needs_reset(short_header, 2);
	needs_reset(no_header, 1);
	end();
}

static void test_read_only(void)
{
	start();
	virtio_blk_free(&blk);
	vmachine_free(&vm);
	vmachine_init(&vm);
	disk.store.read_only = true;
	CU_ASSERT_EQUAL(virtio_blk_init(&blk, &vm.m.bus, &vm.pci, 0x20, &disk.store, false), 0);
	driver_init(&driver, &vm, &blk.pci);
	CU_ASSERT(driver_features(&driver) & VIRTIO_BLK_F_RO);
	CU_ASSERT(driver_start(&driver, 0, 128));
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_OUT, 0, BUFFERS, 512), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(disk.writes, 0);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, 0, BUFFERS, 512), VIRTIO_BLK_OK);
	end();
}

static void test_store_fails(void)
{
	start_driver(0);
	disk.store.volatile_cache = true;
	disk.result = STORE_ERROR;
	for (unsigned slow = 0; slow < 2; slow++) {
		disk.slow = slow;
		CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, 0, BUFFERS, 512), VIRTIO_BLK_IOERR);
		CU_ASSERT_EQUAL(now(VIRTIO_BLK_OUT, 0, BUFFERS, 512), VIRTIO_BLK_IOERR);
		CU_ASSERT_EQUAL(now(VIRTIO_BLK_FLUSH, 0, BUFFERS, 1), VIRTIO_BLK_IOERR);
	}
	end();
}

static void test_no_memory(void)
{
	start();
	virtio_blk_free(&blk);
	for (unsigned left = 0; left < 2; left++) {
		fake_host.allocations_left = left;
		CU_ASSERT_EQUAL(virtio_blk_init(&blk, &vm.m.bus, &vm.pci, 0x28, &disk.store, false),
				-HOST_ENOMEM);
		CU_ASSERT(fake_host_clean());
	}
	/* With one slot, requests go one by one. */
	fake_host.allocations_left = 2;
	CU_ASSERT_EQUAL(virtio_blk_init(&blk, &vm.m.bus, &vm.pci, 0x28, &disk.store, false), 0);
	driver_init(&driver, &vm, &blk.pci);
	CU_ASSERT(driver_start(&driver, 0, 128));
	disk.slow = true;
	for (unsigned i = 0; i < 5; i++)
		ask_one(VIRTIO_BLK_IN, i, BUFFERS + 512 * i, 512);
	driver_kick(&driver, 0);
	CU_ASSERT_EQUAL(disk.count, 1);
	finish_all();
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(status_of(i), VIRTIO_BLK_OK);
	end();
}

/* ---- Good ones ----------------------------------------------------------- */

static void test_configuration(void)
{
	start();
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE, 8), SECTORS);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 8, 4), 65536);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 12, 4), VIRTIO_BLK_SEG_MAX);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 20, 4), 512);
	CU_ASSERT_EQUAL(pci_get(&blk.pci.function, PCI_DEVICE_ID, 2), 0x1042);
	CU_ASSERT(!(driver_features(&driver) & VIRTIO_BLK_F_RO));
	end();
}

static void test_read_write(void)
{
	u32 written;
	unsigned n;

	start_driver(0);
	n = ask_one(VIRTIO_BLK_IN, 5, BUFFERS, 1024);
	driver_kick(&driver, 0);
	CU_ASSERT(answered(&written));
	CU_ASSERT_EQUAL(written, 1025);
	CU_ASSERT_EQUAL(status_of(n), VIRTIO_BLK_OK);
	CU_ASSERT_EQUAL(memcmp(vmachine_at(&vm, BUFFERS, 1024), disk.disk + 5 * 512, 1024), 0);
	memset(vmachine_at(&vm, BUFFERS, 512), 0x77, 512);
	n = ask_one(VIRTIO_BLK_OUT, SECTORS - 1, BUFFERS, 512);
	driver_kick(&driver, 0);
	CU_ASSERT(answered(&written));
	CU_ASSERT_EQUAL(written, 1);
	CU_ASSERT_EQUAL(status_of(n), VIRTIO_BLK_OK);
	CU_ASSERT_EQUAL(
	    memcmp(disk.disk + (SECTORS - 1) * 512, vmachine_at(&vm, BUFFERS, 512), 512), 0);
	end();
}

static void test_identification(void)
{
	u32 written;
	const struct piece small = { BUFFERS, 5, true };

	start_driver(0);
	ask_one(VIRTIO_BLK_GET_ID, 0, BUFFERS, 20);
	driver_kick(&driver, 0);
	CU_ASSERT(answered(&written));
	CU_ASSERT_EQUAL(written, 21);
	CU_ASSERT_STRING_EQUAL(vmachine_at(&vm, BUFFERS, 20), "hd0p1");
	memset(vmachine_at(&vm, BUFFERS, 20), 0xaa, 20);
	ask(VIRTIO_BLK_GET_ID, 0, &small, 1);
	driver_kick(&driver, 0);
	CU_ASSERT_EQUAL(memcmp(vmachine_at(&vm, BUFFERS, 6), "hd0p1\xaa", 6), 0);
	end();
}

static void test_odd_sum(void)
{
	const struct piece in[] = { { BUFFERS, 1, true },
				    { BUFFERS + 100, 1000, true },
				    { LARGE_PAGE_SIZE - 7, 9000, true } };
	unsigned n;

	start_driver(0);
	n = ask(VIRTIO_BLK_IN, 3, in, 3);
	driver_kick(&driver, 0);
	CU_ASSERT_EQUAL(status_of(n), VIRTIO_BLK_IOERR);
	CU_ASSERT_EQUAL(disk.reads, 0);
	end();
}

/* The bytes of the pieces, however the driver cut them. */
static void gather(u8 *to, const struct piece *pieces, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		for (u32 k = 0; k < pieces[i].len; k++)
			*to++ = *(u8 *)vmachine_at(&vm, pieces[i].address + k, 1);
}

static void test_bounced(void)
{
	struct piece pieces[] = { { BUFFERS, 1, true },
				  { BUFFERS + 100, 1000, true },
				  { LARGE_PAGE_SIZE - 7, 7000, true },
				  { BUFFERS + 0x8000, 20 * 512 - 8001, true } };
	u8 got[20 * 512];

	start_driver(0);
	for (unsigned slow = 0; slow < 2; slow++) {
		unsigned n[3];

		disk.slow = slow;
		for (unsigned i = 0; i < 4; i++)
			pieces[i].write = true;
		/* Three at once: one waits for the other. */
		for (unsigned i = 0; i < 3; i++)
			n[i] = ask(VIRTIO_BLK_IN, 3 + i, pieces, 4);
		driver_kick(&driver, 0);
		CU_ASSERT(disk.count <= 1);
		finish_all();
		for (unsigned i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(status_of(n[i]), VIRTIO_BLK_OK);
		gather(got, pieces, 4);
		CU_ASSERT_EQUAL(memcmp(got, disk.disk + 5 * 512, sizeof(got)), 0);
		for (unsigned i = 0; i < 4; i++)
			pieces[i].write = false;
		n[0] = ask(VIRTIO_BLK_OUT, 30, pieces, 4);
		driver_kick(&driver, 0);
		finish_all();
		CU_ASSERT_EQUAL(status_of(n[0]), VIRTIO_BLK_OK);
		CU_ASSERT_EQUAL(memcmp(got, disk.disk + 30 * 512, sizeof(got)), 0);
		memset(disk.disk + 30 * 512, 0, sizeof(got));
	}
	end();
}

/* Header, data and status in one descriptor each way, or cut everywhere. */
static void test_framing(void)
{
	const struct piece cut[] = { { HEADERS, 3, false },
				     { HEADERS + 3, 13, false },
				     { BUFFERS, 512, true },
				     { BUFFERS + 512, 512 + 1, true } };
	u32 written;

	start_driver(0);
	put_header(VIRTIO_BLK_IN, 7);
	*(u8 *)vmachine_at(&vm, BUFFERS + 1024, 1) = STATUS_UNTOUCHED;
	ring_add(&driver.ring[0], cut, 4);
	driver_kick(&driver, 0);
	CU_ASSERT(answered(&written));
	CU_ASSERT_EQUAL(written, 1025);
	CU_ASSERT_EQUAL(*(u8 *)vmachine_at(&vm, BUFFERS + 1024, 1), VIRTIO_BLK_OK);
	CU_ASSERT_EQUAL(memcmp(vmachine_at(&vm, BUFFERS, 1024), disk.disk + 7 * 512, 1024), 0);
	end();
}

/* ---- Flushing ------------------------------------------------------------ */

static void test_write_through(void)
{
	start_driver(0); /* FLUSH is not negotiated */
	disk.store.volatile_cache = true;
	for (unsigned slow = 0; slow < 2; slow++) {
		disk.slow = slow;
		CU_ASSERT_EQUAL(now(VIRTIO_BLK_OUT, 0, BUFFERS, 512), VIRTIO_BLK_OK);
		CU_ASSERT_EQUAL(disk.dirty, 0);
		CU_ASSERT_EQUAL(now(VIRTIO_BLK_OUT, 0, BUFFERS + 1, 1024 - 512), VIRTIO_BLK_OK);
		CU_ASSERT_EQUAL(disk.dirty, 0);
	}
	CU_ASSERT_EQUAL(disk.flushes, 4);
	end();
}

static void test_write_back(void)
{
	start_driver(VIRTIO_BLK_F_FLUSH);
	disk.store.volatile_cache = true;
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_OUT, 0, BUFFERS, 512), VIRTIO_BLK_OK);
	CU_ASSERT_EQUAL(disk.dirty, 1);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_FLUSH, 0, BUFFERS, 1), VIRTIO_BLK_OK);
	CU_ASSERT_EQUAL(disk.dirty, 0);
	/* The mode is the driver's choice if it asked for it, and only then. */
	driver_write(&driver, VIRTIO_PCI_DEVICE + 32, 1, 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 32, 1), 1);
	CU_ASSERT(driver_start(&driver, VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_CONFIG_WCE, 128));
	driver_write(&driver, VIRTIO_PCI_DEVICE + 32, 1, 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 32, 1), 0);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_OUT, 0, BUFFERS, 512), VIRTIO_BLK_OK);
	CU_ASSERT_EQUAL(disk.dirty, 0);
	driver_status(&driver, 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_DEVICE + 32, 1), 1);
	end();
}

/* A flush that is answered had all answered writes before it. */
static void test_flush_waits(void)
{
	unsigned n;

	start_driver(VIRTIO_BLK_F_FLUSH);
	disk.slow = disk.store.volatile_cache = true;
	n = ask_one(VIRTIO_BLK_FLUSH, 0, BUFFERS, 1);
	driver_kick(&driver, 0);
	CU_ASSERT_EQUAL(status_of(n), STATUS_UNTOUCHED);
	finish_all();
	CU_ASSERT_EQUAL(status_of(n), VIRTIO_BLK_OK);
	end();
}

/* ---- Many ---------------------------------------------------------------- */

static void test_many(void)
{
	u32 written;
	unsigned got = 0;

	start_driver(VIRTIO_F_INDIRECT_DESC);
	disk.slow = true;
	for (unsigned i = 0; i < 100; i++) {
		const struct piece pieces[] = { { HEADERS + 32 * i, 16, false },
						{ BUFFERS + 512 * i, 512, true },
						{ status_at(i), 1, true } };

		put_header(VIRTIO_BLK_IN, i % SECTORS);
		requests++;
		ring_add_indirect(&driver.ring[0], 0x100000 + 256 * i, pieces, 3);
	}
	driver_kick(&driver, 0);
	CU_ASSERT_EQUAL(disk.count, VIRTIO_BLK_SLOTS); /* the others wait in the ring */
	finish(63);				       /* in any order */
	finish(0);
	finish(31);
	vmachine_work(&vm);
	CU_ASSERT_EQUAL(disk.count, VIRTIO_BLK_SLOTS);
	finish_all();
	while (answered(&written))
		got++;
	CU_ASSERT_EQUAL(got, 100);
	for (unsigned i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL(status_of(i), VIRTIO_BLK_OK);
		CU_ASSERT_EQUAL(memcmp(vmachine_at(&vm, BUFFERS + 512 * i, 512),
				       disk.disk + 512 * (i % SECTORS), 512),
				0);
	}
	CU_ASSERT_EQUAL(driver.ring[0].kicks, 1);
	end();
}

/* Nobody moves more than a bounded part in one go. */
static void test_bounded(void)
{
	start_driver(0);
	for (unsigned i = 0; i < 40; i++)
		ask_one(VIRTIO_BLK_IN, 0, BUFFERS, SECTORS * 512);
	driver_write(&driver, VIRTIO_PCI_NOTIFY, 2, 0);
	CU_ASSERT_EQUAL(disk.reads, 32); /* of 32 KiB each */
	CU_ASSERT(vm.m.bus.works_posted != 0);
	vmachine_work(&vm);
	CU_ASSERT_EQUAL(disk.reads, 40);
	end();
}

/*
 * depth requests always outstanding, each a sector: notifications and interrupts per request.
 * batch: how many the store ends before it tells.
 */
static void run_load(unsigned depth, unsigned batch, unsigned total, unsigned *kicks,
		     unsigned *interrupts)
{
	unsigned asked = 0, got = 0;
	u32 written;

	start_driver(VIRTIO_F_EVENT_IDX);
	driver_msix(&driver);
	vm.msis = 0;
	disk.slow = true;
	for (unsigned rounds = 0; got < total && rounds < 10 * total; rounds++) {
		while (asked < total && asked - got < depth) {
			requests = asked++ % 40;
			ask_one(VIRTIO_BLK_IN, requests, BUFFERS + 512 * requests, 512);
			driver_kick(&driver, 0); /* after each one: the worst driver */
		}
		for (unsigned i = 0; i < batch && disk.count; i++)
			finish(0);
		vmachine_work(&vm);
		while (answered(&written))
			got++;
	}
	CU_ASSERT_EQUAL(got, total);
	*kicks = driver.ring[0].kicks;
	*interrupts = vm.msis;
	end();
}

static void test_exits(void)
{
	unsigned kicks, interrupts;

	run_load(1, 1, 200, &kicks, &interrupts);
	CU_ASSERT(kicks <= 200 && interrupts <= 200);
	run_load(16, 1, 1600, &kicks, &interrupts);
	CU_ASSERT(kicks < 100);
	run_load(16, 16, 1600, &kicks, &interrupts);
	CU_ASSERT(kicks + interrupts < 800);
}

/* ---- Resets, saved states ------------------------------------------------ */

static void test_reset_in_flight(void)
{
	const struct piece odd[] = { { BUFFERS, 500, true }, { BUFFERS + 4096, 12, true } };

	start_driver(0);
	disk.slow = true;
	ask_one(VIRTIO_BLK_IN, 0, BUFFERS, 512);
	ask(VIRTIO_BLK_IN, 0, odd, 2); /* has the bounce page, */
	ask(VIRTIO_BLK_IN, 0, odd, 2); /* waits for it */
	driver_kick(&driver, 0);
	CU_ASSERT_EQUAL(disk.count, 2);
	driver_status(&driver, 0);
	CU_ASSERT_NOT_EQUAL(driver_read(&driver, VIRTIO_PCI_STATUS, 1), 0);
	finish(0);
	vmachine_work(&vm);
	CU_ASSERT_NOT_EQUAL(driver_read(&driver, VIRTIO_PCI_STATUS, 1), 0);
	vm.accesses = 0;
	finish_all();
	CU_ASSERT_EQUAL(vm.accesses, 0);
	CU_ASSERT_EQUAL(driver_read(&driver, VIRTIO_PCI_STATUS, 1), 0);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(status_of(i), STATUS_UNTOUCHED);
	CU_ASSERT(driver_start(&driver, 0, 128));
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, 0, BUFFERS, 512), VIRTIO_BLK_OK);
	end();
}

static void check_saved(void)
{
	u8 data[256];
	struct state_buf buf = { .data = data, .size = sizeof(data) };
	u32 version, length;

	virtio_blk_save(&blk, &buf);
	CU_ASSERT_PTR_NULL(buf.error);
	buf.at = 0;
	CU_ASSERT_EQUAL(state_next_section(&buf, &version, &length), DEVICE_SECTION_VIRTIO_BLK);
	CU_ASSERT_EQUAL(virtio_blk_load(&blk, &buf), 0);
	CU_ASSERT(blk.virtio.status & VIRTIO_NEEDS_RESET);
}

/* The driver takes the device off the bus while a request is in flight. */
static void test_master_lost(void)
{
	start_driver(0);
	disk.slow = true;
	ask_one(VIRTIO_BLK_IN, 0, BUFFERS, 512);
	driver_kick(&driver, 0);
	pci_config_write(&vm.pci, 0x20, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	finish_all();
	CU_ASSERT_EQUAL(status_of(0), STATUS_UNTOUCHED);
	CU_ASSERT(blk.virtio.status & VIRTIO_NEEDS_RESET);
	check_saved();
	end();
}

/* A request without a status breaks the device, which can be saved all the same. */
static void test_broken_saved(void)
{
	const struct piece header = { HEADERS, 16, false };

	start_driver(0);
	ring_add(&driver.ring[0], &header, 1);
	driver_kick(&driver, 0);
	CU_ASSERT(blk.virtio.status & VIRTIO_NEEDS_RESET);
	check_saved();
	end();
}

static void other_cpu_leaves(void)
{
	blk.telling = 0;
}

/* Freeing waits for a CPU that is still telling. */
static void test_free_waits(void)
{
	start_driver(0);
	blk.telling = 1;
	fake_host.on_relax = other_cpu_leaves;
	end();
	CU_ASSERT_EQUAL(blk.telling, 0);
}

static void free_busy(void *unused UNUSED)
{
	virtio_blk_free(&blk);
}

static void test_machine_reset_in_flight(void)
{
	start_driver(0);
	disk.slow = true;
	ask_one(VIRTIO_BLK_IN, 0, BUFFERS, 512);
	driver_kick(&driver, 0);
	virtio_blk_reset(&blk);
	pci_reset(&vm.pci);
	CU_ASSERT(virtio_busy(&blk.virtio));
	CU_ASSERT(panics(free_busy, NULL));
	driver_init(&driver, &vm, &blk.pci);
	disk.slow = false;
	driver_status(&driver, 0); /* waits for the old one */
	CU_ASSERT_EQUAL(status_of(0), STATUS_UNTOUCHED);
	finish_all();
	CU_ASSERT(!virtio_busy(&blk.virtio));
	CU_ASSERT(driver_start(&driver, 0, 128));
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, 0, BUFFERS, 512), VIRTIO_BLK_OK);
	end();
}

static void save(const void *device, struct state_buf *buf)
{
	virtio_blk_save(device, buf);
}

static int load(void *device, struct state_buf *buf)
{
	return virtio_blk_load(device, buf);
}

static void poke(void)
{
	virtio_notify_all(&blk.virtio);
	vmachine_work(&vm);
}

static void test_saved(void)
{
	const struct saved_device d = { &blk, sizeof(blk), DEVICE_SECTION_VIRTIO_BLK,
					save, load,	   poke };
	u8 data[256];
	const char *error;
	size_t size;

	start_driver(VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_CONFIG_WCE);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, 0, BUFFERS, 512), VIRTIO_BLK_OK);
	driver_write(&driver, VIRTIO_PCI_DEVICE + 32, 1, 0);
	size = saved_write(&d, data, sizeof(data));
	disk.store.sectors--;
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), -1); /* another disk */
	disk.store.sectors++;
	driver_status(&driver, 0);
	CU_ASSERT_EQUAL(saved_read(&d, data, size, &error), 0);
	CU_ASSERT_EQUAL(blk.writeback, 0);
	CU_ASSERT_EQUAL(now(VIRTIO_BLK_IN, 1, BUFFERS, 512), VIRTIO_BLK_OK);
	check_truncated(&d);
	check_corrupt(&d);
	end();
}

void test_virtio_blk_register(void)
{
	CU_pSuite s = CU_add_suite("virtio_blk", NULL, NULL);

	CU_add_test(s, "sectors that are not there", test_bad_places);
	CU_add_test(s, "unknown requests", test_unknown);
	CU_add_test(s, "requests that cannot be answered", test_unanswerable);
	CU_add_test(s, "read-only", test_read_only);
	CU_add_test(s, "a store that fails", test_store_fails);
	CU_add_test(s, "no memory", test_no_memory);
	CU_add_test(s, "no whole sectors", test_odd_sum);
	CU_add_test(s, "configuration", test_configuration);
	CU_add_test(s, "read and write", test_read_write);
	CU_add_test(s, "identification", test_identification);
	CU_add_test(s, "data that is not cut into sectors", test_bounced);
	CU_add_test(s, "framing", test_framing);
	CU_add_test(s, "write-through", test_write_through);
	CU_add_test(s, "write-back", test_write_back);
	CU_add_test(s, "a flush takes its time", test_flush_waits);
	CU_add_test(s, "many at once", test_many);
	CU_add_test(s, "bounded work", test_bounded);
	CU_add_test(s, "notifications and interrupts at depth", test_exits);
	CU_add_test(s, "reset in flight", test_reset_in_flight);
	CU_add_test(s, "reset of the machine in flight", test_machine_reset_in_flight);
	CU_add_test(s, "bus mastering lost in flight", test_master_lost);
	CU_add_test(s, "broken and saved", test_broken_saved);
	CU_add_test(s, "freed while another CPU tells", test_free_waits);
	CU_add_test(s, "saved states", test_saved);
}
