/*
 * root.c - the files of a container: container.h has the contract
 *
 * Owns: what is mounted inside.
 * Must not know: who may mount; the user namespace says yes to what is the container's own.
 */
#define _GNU_SOURCE
#include "container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

/* A node of the host's /dev under the same name in ours: none can be made in a user namespace. */
static void node(const char *device)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), ".%s", device);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || close(fd) || mount(device, path, NULL, MS_BIND, NULL))
		container_die(EX_OSERR, "device %s", device);
}

/* A directory that the image lacks is left out. */
static bool directory(const char *path)
{
	struct stat s;

	if (stat(path, &s))
		mkdir(path, 0755);
	return !stat(path, &s) && S_ISDIR(s.st_mode);
}

static void devices(const struct container *c)
{
	static const char *const usual[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
					     "/dev/urandom" };

	if (!directory("./dev"))
		return;
	if (mount("dev", "./dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k"))
		container_die(EX_OSERR, "/dev");
	for (unsigned i = 0; i < ARRAY_SIZE(usual); i++)
		node(usual[i]);
	for (unsigned i = 0; i < c->device_count; i++)
		node(c->device[i]);
}

void root_enter(const struct container *c)
{
	/* What we mount stays with us; what is mounted in the image comes along. */
	if (mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) ||
	    mount(c->root, c->root, NULL, MS_BIND | MS_REC, NULL) || chdir(c->root))
		container_die(EX_OSERR, "root directory %s", c->root);
	devices(c);
	/* While the old /proc is there: Linux lets nobody show more than he was shown. */
	if (directory("./proc") &&
	    mount("proc", "./proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		container_die(EX_OSERR, "/proc");
	/* The old root lies upon the new one, and is taken away. */
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		container_die(EX_OSERR, "pivot_root");
}
