/* test_file_store.c - hv/type2/file_store.c: many requests at once, locks, disk full, broken files
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host.h"
#include "type2/file_store.h"

#include <CUnit/CUnit.h>

void test_file_store_register(void);
extern char fake_log[256];
extern unsigned fake_logs;
int fake_process(void (*run)(void));

#define SECTORS 512u
#define FLIGHT 32

static char path[64];
static struct failure why;
static u32 ended;

static void done(struct store_request *request UNUSED)
{
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE);
}

static void make_file(u64 size)
{
	static bool started;
	int fd;

	if (!started)
		file_store_start_threads(4);
	started = true;
	strcpy(path, "/tmp/espejo-unit.XXXXXX");
	fd = mkstemp(path);
	CU_ASSERT_TRUE_FATAL(fd >= 0 && !ftruncate(fd, (off_t)size));
	close(fd);
}

static u8 submit_and_wait(struct store *store, struct store_request *request)
{
	u32 before = __atomic_load_n(&ended, __ATOMIC_ACQUIRE);

	request->done = done;
	if (!store_submit(store, request))
		while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) == before)
			host_relax();
	return request->result;
}

static struct store_request one(u8 operation, u64 sector, void *data, u32 len)
{
	struct store_request r = { .operation = operation, .sector = sector };

	r.segments = operation != STORE_FLUSH;
	r.segment[0] = (struct store_segment){ data, len };
	return r;
}

static void test_round_trip(void)
{
	static u8 data[FLIGHT][2][STORE_SECTOR], back[STORE_SECTOR];
	static struct store_request request[FLIGHT];
	struct store_request r;
	struct store *store;
	u32 before = ended;

	make_file(SECTORS * STORE_SECTOR + 100); /* what is no whole sector is not there */
	store = file_store_open("disk", path, false, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_EQUAL(store->sectors, SECTORS);
	CU_ASSERT_TRUE(store->volatile_cache);
	for (unsigned i = 0; i < FLIGHT; i++) {
		memset(data[i], (int)i + 1, sizeof(data[i]));
		request[i] = (struct store_request){
			.operation = STORE_WRITE, .sector = 16 * i, .segments = 2, .done = done
		};
		request[i].segment[0] = (struct store_segment){ data[i][0], STORE_SECTOR };
		request[i].segment[1] = (struct store_segment){ data[i][1], STORE_SECTOR };
		CU_ASSERT_FALSE(store_submit(store, &request[i]));
	}
	while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) != before + FLIGHT)
		host_relax();
	for (unsigned i = 0; i < FLIGHT; i++) {
		CU_ASSERT_EQUAL(request[i].result, STORE_OK);
		r = one(STORE_READ, 16 * i + 1, back, sizeof(back));
		CU_ASSERT_EQUAL(submit_and_wait(store, &r), STORE_OK);
		CU_ASSERT_EQUAL(memcmp(back, data[i][1], sizeof(back)), 0);
	}
	r = one(STORE_FLUSH, 0, NULL, 0);
	CU_ASSERT_EQUAL(submit_and_wait(store, &r), STORE_OK);
	store_close(store);
	unlink(path);
}

static void test_locks(void)
{
	struct store *a, *b;

	make_file(4096);
	a = file_store_open("a", path, false, &why);
	b = file_store_open("b", path, false, &why);
	CU_ASSERT_TRUE(a && !b);
	CU_ASSERT_EQUAL(why.status, FAILURE_TEMPORARY);
	b = file_store_open("b", path, true, &why);
	CU_ASSERT_PTR_NULL(b);
	store_close(a);
	a = file_store_open("a", path, true, &why);
	b = file_store_open("b", path, true, &why);
	CU_ASSERT_TRUE(a && b); /* many may read */
	CU_ASSERT_TRUE(a->read_only && !a->volatile_cache);
	store_close(a);
	store_close(b);
	unlink(path);
}

static void test_bad_files(void)
{
	static const char qcow2[600] = "QFI\xfb";
	int fd;

	CU_ASSERT_PTR_NULL(file_store_open("x", "/nowhere/at/all", false, &why));
	CU_ASSERT_EQUAL(why.status, FAILURE_NO_INPUT);
	CU_ASSERT_PTR_NULL(file_store_open("x", "/tmp", true, &why));
	CU_ASSERT_EQUAL(why.status, FAILURE_NO_INPUT);
	make_file(511);
	CU_ASSERT_PTR_NULL(file_store_open("x", path, false, &why));
	CU_ASSERT_EQUAL(why.status, FAILURE_DATA);
	fd = open(path, O_WRONLY);
	CU_ASSERT_EQUAL(write(fd, qcow2, sizeof(qcow2)), (ssize_t)sizeof(qcow2));
	close(fd);
	CU_ASSERT_PTR_NULL(file_store_open("x", path, false, &why));
	CU_ASSERT_EQUAL(why.status, FAILURE_DATA);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "QCOW2"));
	unlink(path);
}

/* Writes fail, each cause is told once; what was there can still be read. */
static void fail_in(struct store *store, const char *cause)
{
	static u8 data[MiB(1)];
	struct store_request r;
	unsigned before = fake_logs;

	for (unsigned i = 0; i < 3; i++) {
		r = one(STORE_WRITE, 0, data, sizeof(data));
		CU_ASSERT_EQUAL(submit_and_wait(store, &r), STORE_ERROR);
	}
	CU_ASSERT_EQUAL(fake_logs, before + 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log, cause));
	r = one(STORE_READ, 0, data, STORE_SECTOR);
	CU_ASSERT_EQUAL(submit_and_wait(store, &r), STORE_OK);
}

static void test_too_large(void)
{
	struct rlimit old, small = { KiB(64), RLIM_INFINITY };
	struct store *store;

	make_file(MiB(1));
	store = file_store_open("disk0", path, false, &why);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	fail_in(store, "disk0: sector 0 cannot be written: File too large");
	setrlimit(RLIMIT_FSIZE, &old);
	store_close(store);
	unlink(path);
}

static void test_shorter(void)
{
	static u8 data[STORE_SECTOR];
	struct store *store;
	struct store_request r;

	make_file(MiB(1));
	store = file_store_open("disk0", path, true, &why);
	CU_ASSERT_EQUAL(truncate(path, 512), 0);
	r = one(STORE_READ, 8, data, sizeof(data));
	CU_ASSERT_EQUAL(submit_and_wait(store, &r), STORE_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log, "the file has become shorter"));
	store_close(store);
	unlink(path);
}

/* A file system of 64 KiB, in a process of its own that may have one; else 77. */
static void fill_disk(void)
{
	struct store *store;
	static u8 data[MiB(1)];
	struct store_request r;
	int fd;

	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		_exit(77);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("small", "/tmp", "tmpfs", 0, "size=64k"))
		_exit(77);
	file_store_start_threads(2);
	fd = open("/tmp/image", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, MiB(1)))
		_exit(77); /* a user without a name there */
	store = file_store_open("disk0", "/tmp/image", false, &why);
	if (!store)
		_exit(3);
	r = one(STORE_WRITE, 0, data, sizeof(data));
	if (submit_and_wait(store, &r) != STORE_ERROR)
		_exit(4);
	if (!strstr(fake_log, "disk0: sector 0 cannot be written: No space left on device"))
		_exit(5);
	r = one(STORE_READ, 0, data, STORE_SECTOR);
	if (submit_and_wait(store, &r) != STORE_OK)
		_exit(6);
}

static void test_disk_full(void)
{
	int status = fake_process(fill_disk);

	if (status == 77)
		printf("(no file system of its own here: not tried) ");
	else
		CU_ASSERT_EQUAL(status, 0);
}

void test_file_store_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: files as disks", NULL, NULL);

	CU_add_test(suite, "the disk is full", test_disk_full); /* forks: before any thread */
	CU_add_test(suite, "many requests at once", test_round_trip);
	CU_add_test(suite, "locks", test_locks);
	CU_add_test(suite, "files that are no disks", test_bad_files);
	CU_add_test(suite, "beyond what may be written", test_too_large);
	CU_add_test(suite, "a file that becomes shorter", test_shorter);
}
