/* confine.c - see confine.h */
#define _GNU_SOURCE /* namespaces */

#include "type2/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"

#define NOBODY 65534
#define ROOT_PLACE "/tmp" /* any folder will do: what is there is not seen any more */
#define KEPT_MAX 4096
#define DESCRIPTORS 16 /* what poll(2) may be asked for; none can be opened */

/* ---- Namespaces ---------------------------------------------------------------------------- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* Our own user and group are the only ones there are. */
static void map_user(uid_t uid, gid_t gid)
{
	char map[64];

	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)NOBODY, (unsigned)uid);
	write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)NOBODY, (unsigned)gid);
	write_file("/proc/self/gid_map", map);
}

/* Root needs no namespace of users for it; others do, and some systems forbid them that. */
static bool unshare_all(int flags)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (!uid && !unshare(flags))
		return true;
	if (unshare(CLONE_NEWUSER | flags))
		return false;
	map_user(uid, gid);
	return true;
}

/* ---- The empty root ------------------------------------------------------------------------- */

/* The first root of all, an initramfs, cannot be exchanged: then it is covered. */
static bool change_root(void)
{
	if (!syscall(SYS_pivot_root, ".", "."))
		return !umount2(".", MNT_DETACH) && !chdir("/");
	return !mount(".", "/", NULL, MS_MOVE, NULL) && !chroot(".") && !chdir("/");
}

/* A file that is needed later, by its path from the root. */
struct kept {
	const char *path; /* NULL: none */
	ssize_t len;
	char text[KEPT_MAX];
};

static void keep(struct kept *kept)
{
	int fd = kept->path ? open(kept->path, O_RDONLY | O_CLOEXEC) : -1;

	kept->len = fd >= 0 ? read(fd, kept->text, sizeof(kept->text)) : 0;
	if (fd >= 0)
		close(fd);
}

/* Into the new root, which is the current folder; path has one folder. */
static void put_back(const struct kept *kept)
{
	char folder[64];
	int fd;

	if (!kept->path)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(kept->path, '/') - kept->path - 1),
		 kept->path + 1);
	mkdir(folder, 0755);
	fd = open(kept->path + 1, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	(void)!write(fd, kept->text, (size_t)MAX(kept->len, (ssize_t)0));
	close(fd);
}

static bool empty_root(const struct kept *kept)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("empty", ROOT_PLACE, "tmpfs", flags, "size=64k,mode=755") || chdir(ROOT_PLACE))
		return false;
	put_back(kept);
	return change_root() &&
	       !mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL);
}

/* ---- Privileges ----------------------------------------------------------------------------- */

/* Of the real root: nobody, in no group. */
static void drop_user(void)
{
	if (geteuid() || getuid())
		return;
	if (setgroups(0, NULL) && errno != EPERM)
		return;
	if (!setresgid(NOBODY, NOBODY, NOBODY))
		(void)!setresuid(NOBODY, NOBODY, NOBODY);
}

/* What could ever be had again; while we still may. */
static void drop_bounds(void)
{
	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
				     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
				     SECBIT_NO_CAP_AMBIENT_RAISE |
				     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (syscall(SYS_capset, &header, none))
		panic("capabilities cannot be given up: error %d", errno);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		panic("new privileges cannot be given up: error %d", errno);
}

const char *confine_namespaces(bool keep_network, const char *keep_file)
{
	struct kept kept = { .path = keep_file };

	int flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID;
	const char *had = "namespaces, an empty root";

	keep(&kept);
	if (!unshare_all(flags | (keep_network ? 0 : CLONE_NEWNET)))
		had = "no namespaces, as the system forbids them";
	else if (!empty_root(&kept))
		had = "namespaces, but no empty root";
	drop_bounds();
	drop_user();
	drop_capabilities();
	/* Who may be traced can be read by others of the same user. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return had;
}

void confine_limits(void)
{
	static const struct {
		int what;
		rlim_t most;
	} limits[] = { { RLIMIT_CORE, 0 },     { RLIMIT_NOFILE, DESCRIPTORS },
		       { RLIMIT_NPROC, 0 },    { RLIMIT_MEMLOCK, 0 },
		       { RLIMIT_MSGQUEUE, 0 }, { RLIMIT_SIGPENDING, 64 } };

	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = { limits[i].most, limits[i].most };

		setrlimit((__rlimit_resource_t)limits[i].what, &limit);
	}
}

void confine_die_with_parent(int lifeline)
{
	struct pollfd parent = { .fd = lifeline };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have been too late for that. */
	if (poll(&parent, 1, 0) > 0)
		_exit(1);
}
