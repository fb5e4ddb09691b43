/*
 * container.c - a process that believes it is alone: what Linux offers instead of a machine
 *
 * Owns: the container.  Read main() and init(), at the end, first: what it gets, in which order.
 * Must not know: virtual machines.  It is read next to them: what a hypervisor does by page tables
 * and exits of its own is done here by a kernel that both sides share, one resource at a time.
 *
 *   own processes, mounts, names, IPC, network, users    clone3    namespaces(7)
 *   own files                                            pivot_root(2)
 *   so much and no more                                  cgroups(7); Linux, "Control Group v2"
 *   so many questions to the kernel and no more          seccomp(2), capabilities(7)
 *
 * Three processes: we stay outside and wait; PID 1 inside buries the orphans, which is what a PID 1
 * is for; the command is its child, so that it is an ordinary process, which signals can end.
 *
 * Status: that of the command; 128+n if signal n killed it; 127 it is not there, 126 it cannot be
 * executed; our own failures by sysexits(3), with a sentence.
 */
#define _GNU_SOURCE
#include "container/options.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL 128
#define NOBODY 65534
#define CGROUPS "/sys/fs/cgroup/"
#define CPU_PERIOD_US 100000
#define NAMESPACES                                                                  \
	(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

static void must(bool done, const char *what, const char *which)
{
	if (!done)
		options_die(EX_OSERR, "%s%s", what, which);
}

/* A text into a file that is there; false with errno. */
static PRINTF_LIKE(3, 4) bool put(int directory, const char *file, const char *text, ...)
{
	int fd = openat(directory, file, O_WRONLY | O_CLOEXEC);
	va_list args;
	bool done;

	va_start(args, text);
	done = fd >= 0 && vdprintf(fd, text, args) > 0;
	va_end(args);
	if (fd >= 0)
		close(fd);
	return done;
}

/* ---- Namespaces ---------------------------------------------------------------------------- */

/* fork() into new namespaces, and into the control group if there is one. */
static pid_t birth(const struct options *o, int group)
{
	struct clone_args args = {
		.flags = NAMESPACES | (o->host_network ? 0 : CLONE_NEWNET) |
			 (group < 0 ? 0 : CLONE_INTO_CGROUP),
		.exit_signal = SIGCHLD,
		.cgroup = group < 0 ? 0 : (u64)group,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/*
 * Who the container's people are outside.  It has one user and one group, both with the number 0:
 * they are the user and the group who started us; if that is root, they are NOBODY, as what escapes
 * then owns no file.  We write that into the child's directory in /proc (put), while the child
 * waits.  Linux takes a map of groups from an ordinary user only if the child has lost setgroups(2)
 * for good, which is another file there.  False with errno.
 * Source: user_namespaces(7), "User and group ID mappings: uid_map and gid_map" and what follows.
 */
static bool map_user(pid_t child)
{
	char path[32];
	int proc;

	snprintf(path, sizeof(path), "/proc/%d", child);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return put(proc, "setgroups", "deny") &&
	       put(proc, "uid_map", "0 %u 1", geteuid() ? geteuid() : NOBODY) &&
	       put(proc, "gid_map", "0 %u 1", geteuid() ? getegid() : NOBODY);
}

/* ---- Files --------------------------------------------------------------------------------- */

/* A place that the image lacks and that cannot be made there is left out. */
static bool mounted(const char *type, const char *place, unsigned long flags, const char *data)
{
	mkdir(place, 0755);
	if (!mount(type, place, type, flags, data))
		return true;
	must(errno == ENOENT || errno == ENOTDIR, "/", place);
	return false;
}

/* A node of the host's /dev under the same name in ours: none can be made in a user namespace. */
static void node(const char *device)
{
	int fd = open(device + 1, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	must(fd >= 0 && !close(fd) && !mount(device, device + 1, NULL, MS_BIND, NULL), "device ",
	     device);
}

static const char *const usual_device[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
					    "/dev/urandom" };

/*
 * o->root becomes "/" in our mount namespace, which until now is a copy of the host's, and nothing
 * of the host's files is left in it, for whoever can mount and unmount either.
 *
 *  - No mount or unmount of ours may reach the host; so the copies, all of them, become private.
 *  - pivot_root(2) wants a mount point as new root: o->root is bound to itself, with all that is
 *    mounted in it, and we go there.
 *  - "dev" is a new tmpfs (mode 755, 64k; no set-user-ID, nothing executed) with nodes (node) for
 *    each usual_device and each o->device; "proc" is a new proc (the same, and no devices).  An
 *    image may have no place for one of them: mounted() knows.
 *  - Linux mounts a proc only for who can still see another one in full.
 *  - The old root can go on top of the new one, both being "."; it is detached there, and we go
 *    to "/".
 *
 * Whatever fails ends us with a sentence (must).  glibc has no pivot_root: use syscall(2).
 * Source: pivot_root(2), "NOTES"; mount(2), "Creating a bind mount"; mount_namespaces(7).
 */
static void enter_root(const struct options *o)
{
	/* What we mount stays with us; what is mounted in the image comes along. */
	must(!mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) &&
	     !mount(o->root, o->root, NULL, MS_BIND | MS_REC, NULL) && !chdir(o->root),
	     "root directory ", o->root);
	if (mounted("tmpfs", "dev", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k")) {
		for (unsigned i = 0; i < ARRAY_SIZE(usual_device); i++)
			node(usual_device[i]);
		for (unsigned i = 0; i < o->device_count; i++)
			node(o->device[i]);
	}
	/* While the old /proc is there: Linux lets nobody show more than he was shown. */
	mounted("proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	/* The old root lies upon the new one, and is taken away. */
	must(!syscall(SYS_pivot_root, ".", ".") && !umount2(".", MNT_DETACH) && !chdir("/"),
	     "pivot_root", "");
}

/* ---- How much ------------------------------------------------------------------------------ */

static char group_path[64]; /* our control group, "" for none */

static bool set_limits(const struct options *o, int group)
{
	/* With swap, memory would only become slower; some kernels have none. */
	return (!o->memory || (put(group, "memory.max", "%llu", (unsigned long long)o->memory) &&
			       (put(group, "memory.swap.max", "0") || errno == ENOENT))) &&
	       (!o->cpu_percent || put(group, "cpu.max", "%u %u",
				       o->cpu_percent * (CPU_PERIOD_US / 100), CPU_PERIOD_US)) &&
	       (!o->pids || put(group, "pids.max", "%u", o->pids + 1)); /* PID 1 counts too */
}

static void say_no_group(const struct options *o)
{
	fprintf(stderr, "container: no control group (%s):%s%s%s\n", strerror(errno),
		o->memory ? " memory is limited for each process by itself;" : "",
		o->pids ? " processes are limited by RLIMIT_NPROC;" : "",
		o->cpu_percent ? " the CPU is not limited;" : "");
}

/*
 * The control group in which the container will be born, with o's limits (set_limits): its open
 * directory.  -1: there is none, since no limit is asked for, or since we may make none; the
 * latter is said (say_no_group, while errno tells why), and nothing unfinished stays behind.
 *
 * Its directory is CGROUPS "container-" and our process's number, right below the root, as no
 * other group may have processes beside groups with limits.  One of that name, without anybody in
 * it, is left from a container that was killed: it goes.  A limit's file is there only if the
 * root's cgroup.subtree_control has handed down its controller ("+memory", "+cpu", "+pids"; a word
 * at a time, since some kernel lacks one of them): one that is missing shows in set_limits.
 * group_path is the path while there is a group, else ""; init() and main() go by that.
 * Source: Linux, "Control Group v2", "Enabling and Disabling", "No Internal Process Constraint".
 */
static int make_group(const struct options *o)
{
	int fd;

	if (!o->memory && !o->cpu_percent && !o->pids)
		return -1;
	(void)put(AT_FDCWD, CGROUPS "cgroup.subtree_control", "+memory");
	(void)put(AT_FDCWD, CGROUPS "cgroup.subtree_control", "+cpu");
	(void)put(AT_FDCWD, CGROUPS "cgroup.subtree_control", "+pids");
	snprintf(group_path, sizeof(group_path), CGROUPS "container-%d", getpid());
	rmdir(group_path);
	fd = mkdir(group_path, 0755) ? -1 : open(group_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && set_limits(o, fd))
		return fd;
	say_no_group(o);
	rmdir(group_path);
	group_path[0] = '\0';
	return -1;
}

/* What stands in for it, in the container.  Source: setrlimit(2). */
static void limit_each(const struct options *o)
{
	struct rlimit memory = { o->memory, o->memory }, pids = { o->pids + 1, o->pids + 1 };

	must((!o->memory || !setrlimit(RLIMIT_AS, &memory)) &&
	     (!o->pids || !setrlimit(RLIMIT_NPROC, &pids)), "limits", "");
}

/* ---- Which questions to the kernel --------------------------------------------------------- */

/*
 * A guest of a hypervisor meets an interface of a CPU and a few devices.  A container meets one of
 * some 350 system calls, of a kernel that everybody shares: this program, which the kernel runs
 * before each of them, makes it smaller.  Source: Linux, "Seccomp BPF".
 */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* If not, skip so many of the next ones. */
#define IF(test, value, next) BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), 0, (next))
#define IF_IT_IS(value, error) IF(BPF_JEQ, value, 1), ANSWER(error)
#define REFUSE(call) IF_IT_IS(SYS_##call, EPERM)

static struct sock_filter filter[] = {
	/* The numbers below are those of 64-bit calls; other ways into the kernel are shut. */
	LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), LOAD(nr),
	/* Calls younger than this file, and x32's (bit 30), do not exist. */
	IF(BPF_JGT, SYS_futex_waitv, 1), ANSWER(ENOSYS),
	/* clone3's flags lie in memory, where a filter cannot look; libraries then use clone. */
	IF_IT_IS(SYS_clone3, ENOSYS),
	/* other file systems, another root */
	REFUSE(mount), REFUSE(umount2), REFUSE(pivot_root), REFUSE(chroot), REFUSE(open_tree),
	REFUSE(move_mount), REFUSE(fsopen), REFUSE(fsconfig), REFUSE(fsmount), REFUSE(fspick),
	REFUSE(mount_setattr), REFUSE(open_by_handle_at), REFUSE(quotactl), REFUSE(quotactl_fd),
	REFUSE(swapon), REFUSE(swapoff), REFUSE(acct),
	/* other namespaces, other processes */
	REFUSE(unshare), REFUSE(setns), REFUSE(ptrace), REFUSE(kcmp), REFUSE(pidfd_getfd),
	REFUSE(process_vm_readv), REFUSE(process_vm_writev), REFUSE(process_madvise),
	/* the kernel itself, its keys and its messages */
	REFUSE(init_module), REFUSE(finit_module), REFUSE(delete_module), REFUSE(kexec_load),
	REFUSE(kexec_file_load), REFUSE(reboot), REFUSE(bpf), REFUSE(perf_event_open),
	REFUSE(add_key), REFUSE(request_key), REFUSE(keyctl), REFUSE(syslog), REFUSE(userfaultfd),
	REFUSE(lookup_dcookie), REFUSE(io_uring_setup), REFUSE(io_uring_enter),
	REFUSE(io_uring_register),
	/* the machine */
	REFUSE(iopl), REFUSE(ioperm), REFUSE(settimeofday), REFUSE(clock_settime),
	REFUSE(adjtimex), REFUSE(clock_adjtime),
	/* to type on the terminal that we have in common with a shell outside */
	IF(BPF_JEQ, SYS_ioctl, 6), LOAD(args[1]), IF_IT_IS(TIOCSTI, EPERM),
	IF_IT_IS(TIOCLINUX, EPERM), ALLOW,
	/* namespaces again; the lower half of the flags, which is all that clone has */
	IF(BPF_JEQ, SYS_clone, 3), LOAD(args[0]), IF(BPF_JSET, NAMESPACES | CLONE_NEWNET, 1),
	ANSWER(EPERM), ALLOW,
};

/* Not reversible.  Without the bounding set, no program that root executes gets a capability. */
static void give_up(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	for (unsigned cap = 0; !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); cap++)
		;
	must(errno == EINVAL && !syscall(SYS_capset, &header, none), "cannot drop capabilities",
	     "");
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	     !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program),
	     "cannot install the filter of system calls", "");
}

/* ---- The container ------------------------------------------------------------------------- */

static NORETURN void execute(char *command[])
{
	const char *terminal = getenv("TERM"); /* all of the host's environment that it is told */

	must(!clearenv() && !setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1) &&
	     !setenv("HOME", "/", 1) && !setenv("TERM", terminal ? terminal : "dumb", 1),
	     "environment", "");
	give_up();
	execvp(command[0], command);
	options_die(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE, "%s", command[0]);
}

static int status_of(int waited)
{
	return WIFSIGNALED(waited) ? STATUS_SIGNAL + WTERMSIG(waited) : WEXITSTATUS(waited);
}

/* PID 1.  The container ends with its command: what else runs dies with PID 1, by the kernel. */
static NORETURN void init(const struct options *o, int gate)
{
	struct pollfd outside = { .fd = gate };
	pid_t command, ended;
	int status;
	char byte;

	/* Until our user is mapped we are nobody, and may do nothing. */
	if (read(gate, &byte, 1) != 1)
		exit(EX_OSERR);
	/*
	 * To end with who waits for us: set last, since a change of user forgets it; and he may be
	 * gone already.  Not dumpable: nothing in /proc/1 leads to our program, which lies outside.
	 */
	must(!setresgid(0, 0, 0) && !setresuid(0, 0, 0) && !prctl(PR_SET_PDEATHSIG, SIGKILL) &&
	     !prctl(PR_SET_DUMPABLE, 0) && !poll(&outside, 1, 0),
	     "cannot become the container's root", "");
	/* An open directory of the host's would be a way out. */
	must(!close_range(STDERR_FILENO + 1, ~0u, 0), "open files", "");
	must(!o->hostname || !sethostname(o->hostname, strlen(o->hostname)), "host name ",
	     o->hostname);
	enter_root(o);
	if (!group_path[0])
		limit_each(o);
	command = fork();
	must(command >= 0, "fork", "");
	if (!command)
		execute(o->command);
	do {
		ended = wait(&status);
	} while (ended != command && (ended > 0 || errno == EINTR));
	exit(status_of(status));
}

int main(int argc, char *argv[])
{
	static const int heard[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	int gate[2], status, number;
	struct options o = { 0 };
	sigset_t signals;
	pid_t first;

	options_parse(&o, argv + MIN(argc, 1));
	must(!pipe2(gate, O_CLOEXEC), "pipe", "");
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&signals);
	for (unsigned i = 0; i < ARRAY_SIZE(heard); i++)
		sigaddset(&signals, heard[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	must(geteuid() || !setgroups(0, NULL) || errno == EPERM, "groups", "");
	first = birth(&o, make_group(&o));
	if (!first) {
		sigprocmask(SIG_UNBLOCK, &signals, NULL);
		close(gate[1]);
		init(&o, gate[0]);
	}
	if (first < 0) {
		perror("container: Linux gives us no namespaces here");
		rmdir(group_path);
		return EX_UNAVAILABLE;
	}
	if (!map_user(first) || write(gate[1], "", 1) != 1) {
		perror("container: no user for its root");
		close(gate[1]);
	}
	do { /* whatever we are told: end it, and wait for that */
		sigwait(&signals, &number);
		if (number != SIGCHLD)
			kill(first, SIGKILL);
	} while (!waitpid(first, &status, WNOHANG));
	rmdir(group_path);
	return status_of(status);
}
