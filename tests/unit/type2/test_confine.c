/* test_confine.c - hv/type2/confine.c: what is left of the world for a process that is confined */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"
#include "type2/confine.h"

#include <CUnit/CUnit.h>

void test_confine_register(void);
int fake_process(void (*run)(void));

#define NOT_HERE 77

/* In the confined process: the number of the first thing that is wrong. */
static void expect(bool good, int number)
{
	if (!good)
		_exit(number);
}

static unsigned entries_of_root(void)
{
	DIR *root = opendir("/");
	unsigned count = 0;

	while (root && readdir(root))
		count++;
	return count;
}

static bool no_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (data[i].effective | data[i].permitted | data[i].inheritable)
			return false;
	return prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 0;
}

/* Number 1 is loopback. */
static bool only_loopback(void)
{
	char name[IF_NAMESIZE];

	return !if_indextoname(2, name);
}

static void namespaces(void)
{
	const char *had = confine_namespaces(false, NULL);

	/* What can always be had. */
	expect(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, 1);
	expect(no_capabilities(), 2);
	expect(getuid() && geteuid() && setuid(0), 3);
	if (strcmp(had, "namespaces, an empty root"))
		_exit(NOT_HERE);
	expect(entries_of_root() == 2, 4); /* . and .. */
	expect(open("/etc/passwd", O_RDONLY) < 0 && errno == ENOENT, 5);
	expect(open("/proc/self/status", O_RDONLY) < 0, 6);
	expect(open("/file", O_RDWR | O_CREAT, 0600) < 0, 7);
	expect(chroot("/") && mkdir("/folder", 0700), 8);
	expect(only_loopback(), 9);
}

static void test_namespaces(void)
{
	int status = fake_process(namespaces);

	if (status == NOT_HERE)
		printf("(this system forbids namespaces: the rest was not tried) ");
	else
		CU_ASSERT_EQUAL(status, 0);
	if (status && status != NOT_HERE)
		printf("number %d ", status);
}

/* The one file that a helper needs is there, and no other. */
static void one_file(void)
{
	char kept[64], text[64] = "";
	int fd;

	strcpy(kept, "/tmp/espejo-unit-kept");
	fd = open(kept, O_RDWR | O_CREAT | O_TRUNC, 0600);
	expect(write(fd, "hello", 5) == 5, 1);
	close(fd);
	if (strcmp(confine_namespaces(true, kept), "namespaces, an empty root"))
		_exit(NOT_HERE);
	fd = open(kept, O_RDONLY);
	expect(fd >= 0 && read(fd, text, sizeof(text)) == 5 && !strcmp(text, "hello"), 2);
	expect(entries_of_root() == 3, 3);
	expect(open(kept, O_RDWR) < 0, 4);
}

static void test_one_file(void)
{
	int status = fake_process(one_file);

	CU_ASSERT_TRUE(status == 0 || status == NOT_HERE);
	unlink("/tmp/espejo-unit-kept");
}

static void limits(void)
{
	struct rlimit limit;

	confine_limits();
	expect(!getrlimit(RLIMIT_CORE, &limit) && !limit.rlim_max, 1);
	expect(!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_max <= 64, 2);
	expect(fcntl(0, F_DUPFD, 64) < 0, 3);
}

static void test_limits(void)
{
	CU_ASSERT_EQUAL(fake_process(limits), 0);
}

/* Its parent dies at once: it must not live on.  The pipe tells when it has ended. */
static int alive[2], lifeline[2];

static void parent(void)
{
	pid_t child = fork();

	if (child) {
		sleep(1);
		_exit(0);
	}
	close(lifeline[1]);
	close(alive[0]);
	confine_die_with_parent(lifeline[0]);
	for (;;)
		pause();
}

static void test_dies_with_parent(void)
{
	char byte;

	CU_ASSERT_FATAL(!pipe(alive) && !pipe(lifeline));
	CU_ASSERT_EQUAL(fake_process(parent), 0);
	close(alive[1]);
	close(lifeline[1]);
	CU_ASSERT_EQUAL(read(alive[0], &byte, 1), 0); /* nobody has the other end any more */
	close(alive[0]);
	close(lifeline[0]);
}

void test_confine_register(void)
{
	CU_pSuite suite = CU_add_suite("type2: confinement", NULL, NULL);

	CU_add_test(suite, "an empty world", test_namespaces);
	CU_add_test(suite, "but for one file", test_one_file);
	CU_add_test(suite, "limits", test_limits);
	CU_add_test(suite, "a child whose parent is killed", test_dies_with_parent);
}
