/*
 * container.c - build/container: runs a command in namespaces of its own
 *
 * Owns: the command line, the birth of the container's first process, its end.
 * Must not know: what the command does.
 *
 * Three processes: we stay outside and wait; the container's PID 1 buries the orphans, which is
 * what a PID 1 is for; the command is its child, so that it is an ordinary process, which signals
 * can end.
 *
 * Status: that of the command; 128+n if signal n killed it; 127 it is not there, 126 it cannot be
 * executed; our own failures by sysexits(3), with a sentence.
 */
#define _GNU_SOURCE
#include "container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL 128
#define UID_NOBODY 65534

static volatile pid_t first; /* the container's PID 1, as we see it */

void container_die(int status, const char *sentence, ...)
{
	int error = errno;
	va_list args;

	fputs("container: ", stderr);
	va_start(args, sentence);
	vfprintf(stderr, sentence, args);
	va_end(args);
	fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
	exit(status);
}

bool container_write(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ssize_t length = (ssize_t)strlen(text);
	bool written = fd >= 0 && write(fd, text, (size_t)length) == length;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return written;
}

/* ---- The command line ---------------------------------------------------------------------- */

static void usage(void)
{
	fputs("usage: container [--memory 64M] [--cpu 50%] [--pids 32] [--hostname NAME]\n"
	      "                 [--net host] [--device /dev/NAME] ROOTDIR COMMAND [ARGUMENT]...\n",
	      stderr);
	exit(EX_USAGE);
}

/* A number with one of the units behind it, which each are 1024 times the one before. */
static u64 number(const char *option, const char *text, const char *units, u64 most)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end && units && strchr(units, *end)) {
		for (const char *u = units; value <= most && u <= strchr(units, *end); u++)
			value <<= 10;
		end++;
	} else if (!units && *end == '%') {
		end++;
	}
	if (errno || *end || end == text || *text == '-' || !value || value > most) {
		errno = 0;
		container_die(EX_USAGE, "%s: not a number from 1 to %llu: '%s'", option,
			      (unsigned long long)most, text);
	}
	return value;
}

static void option(struct container *c, const char *name, const char *value)
{
	if (!strcmp(name, "--memory"))
		c->memory = number(name, value, "KMG", 1ull << 40);
	else if (!strcmp(name, "--cpu"))
		c->cpu_percent = (unsigned)number(name, value, NULL, 100000);
	else if (!strcmp(name, "--pids"))
		c->pids = (unsigned)number(name, value, "", 1u << 22);
	else if (!strcmp(name, "--hostname"))
		c->hostname = value;
	else if (!strcmp(name, "--net") && !strcmp(value, "host"))
		c->host_network = true;
	else if (!strcmp(name, "--device") && c->device_count < CONTAINER_DEVICES_MAX &&
		 !strncmp(value, "/dev/", 5) && !strchr(value + 5, '/') && value[5] != '.')
		c->device[c->device_count++] = value;
	else
		usage();
}

static void parse(struct container *c, char *arg[])
{
	struct stat s;

	while (arg[0] && arg[0][0] == '-') {
		if (!arg[1])
			usage();
		option(c, arg[0], arg[1]);
		arg += 2;
	}
	if (!arg[0] || !arg[1])
		usage();
	if (!realpath(arg[0], c->root) || stat(c->root, &s))
		container_die(EX_NOINPUT, "no root directory %s", arg[0]);
	errno = ENOTDIR;
	if (!S_ISDIR(s.st_mode))
		container_die(EX_NOINPUT, "no root directory %s", arg[0]);
	errno = 0;
	if (!strcmp(c->root, "/"))
		container_die(EX_USAGE, "the host's own root is no root of a container");
	c->command = arg + 1;
}

/* ---- Inside -------------------------------------------------------------------------------- */

static void execute(const struct container *c) NORETURN;
static void execute(const struct container *c)
{
	filter_install();
	execvp(c->command[0], c->command);
	container_die(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE, "%s",
		      c->command[0]);
}

static int status_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? STATUS_SIGNAL + WTERMSIG(wait_status) :
					  WEXITSTATUS(wait_status);
}

/* PID 1.  The container ends with its command: what else runs dies with PID 1, by the kernel. */
static void init(const struct container *c, int mapped) NORETURN;
static void init(const struct container *c, int mapped)
{
	pid_t command, ended;
	int status;
	char byte;

	/* Until our user is mapped we are nobody, and may do nothing. */
	if (read(mapped, &byte, 1) != 1)
		exit(EX_OSERR);
	close(mapped);
	/*
	 * To end with who waits for us: set last, since a change of user forgets it.  Not dumpable:
	 * nothing in /proc/1 leads to our program, which lies outside.
	 */
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    prctl(PR_SET_DUMPABLE, 0))
		container_die(EX_OSERR, "cannot become the container's root");
	if (c->hostname && sethostname(c->hostname, strlen(c->hostname)))
		container_die(EX_OSERR, "host name '%s'", c->hostname);
	root_enter(c);
	limits_apply(c);
	command = fork();
	if (command < 0)
		container_die(EX_OSERR, "fork");
	if (!command)
		execute(c);
	do {
		ended = wait(&status);
	} while (ended != command && (ended > 0 || errno == EINTR));
	exit(status_of(status));
}

/* ---- Outside ------------------------------------------------------------------------------- */

/*
 * The container's root is us; if we are root, it is nobody: what escapes then owns no file.
 * Source: user_namespaces(7), "User and group ID mappings".
 */
static void map_user(pid_t child)
{
	static const char *const file[] = { "uid_map", "gid_map" };
	unsigned id[] = { geteuid(), getegid() };
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/setgroups", child);
	if (!container_write(path, "deny"))
		container_die(EX_OSERR, "%s", path);
	for (unsigned i = 0; i < ARRAY_SIZE(file); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", child, file[i]);
		snprintf(text, sizeof(text), "0 %u 1\n", geteuid() ? id[i] : UID_NOBODY);
		if (!container_write(path, text))
			container_die(EX_OSERR, "%s", path);
	}
}

static void stop(int signal)
{
	(void)signal;
	if (first > 0)
		kill(first, SIGKILL);
}

/* fork() into new namespaces, and into the control group if there is one. */
static pid_t birth(const struct container *c, int group)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC,
		.exit_signal = SIGCHLD,
	};

	if (!c->host_network)
		args.flags |= CLONE_NEWNET;
	if (group >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (u64)group;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

int main(int argc, char *argv[])
{
	struct sigaction action = { .sa_handler = stop };
	struct container c = { 0 };
	int gate[2], status, group;

	if (argc < 3)
		usage();
	parse(&c, argv + 1);
	group = limits_group(&c);
	if (pipe2(gate, O_CLOEXEC))
		container_die(EX_OSERR, "pipe");
	first = birth(&c, group);
	if (first < 0) {
		limits_remove();
		container_die(EX_UNAVAILABLE, "Linux gives us no namespaces here");
	}
	if (!first) {
		close(gate[1]);
		init(&c, gate[0]);
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	map_user(first);
	if (write(gate[1], "", 1) != 1)
		stop(0);
	while (waitpid(first, &status, 0) < 0 && errno == EINTR)
		;
	limits_remove();
	return status_of(status);
}
