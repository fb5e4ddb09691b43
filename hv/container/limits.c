/*
 * limits.c - how much a container may use: container.h has the contract
 *
 * Owns: its control group; and what stands in for it where Linux lets us make none.
 * Must not know: who uses it up.
 */
#define _GNU_SOURCE
#include "container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define CPU_PERIOD_US 100000

static char group[4200]; /* our control group's directory, "" for none */

/* Where version 2 is mounted and where we are in it: PREFIX of /proc/self/mounts and .../cgroup. */
static bool own_group(char *path, size_t size)
{
	char line[4200], at[2048] = "", place[2048] = "";
	FILE *mounts = fopen("/proc/self/mounts", "re");
	FILE *groups = fopen("/proc/self/cgroup", "re");

	while (mounts && !at[0] && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %2047s cgroup2 ", at) != 1 || !strstr(line, " cgroup2 "))
			at[0] = '\0';
	while (groups && fgets(line, sizeof(line), groups))
		sscanf(line, "0::%2047s", place);
	if (mounts)
		fclose(mounts);
	if (groups)
		fclose(groups);
	snprintf(path, size, "%s%s", at, strcmp(place, "/") ? place : "");
	return at[0] && place[0];
}

/* One of the group's files. */
static bool set(const char *name, const char *text)
{
	char path[4300];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return container_write(path, text);
}

static bool set_limits(const struct container *c)
{
	char text[64];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)c->memory);
	/* Else memory would only become slower; a kernel without swap lacks the file. */
	if (c->memory && (!set("memory.max", text) ||
			  (!set("memory.swap.max", "0") && errno != ENOENT && errno != EACCES)))
		return false;
	snprintf(text, sizeof(text), "%u %u", c->cpu_percent * (CPU_PERIOD_US / 100),
		 CPU_PERIOD_US);
	if (c->cpu_percent && !set("cpu.max", text))
		return false;
	/* PID 1 of the container counts as well. */
	snprintf(text, sizeof(text), "%u", c->pids + 1);
	return !c->pids || set("pids.max", text);
}

static void missing(const struct container *c)
{
	fprintf(stderr, "container: no control group (%s):", strerror(errno));
	if (c->memory)
		fputs(" memory is limited for each process by itself;", stderr);
	if (c->pids)
		fputs(" processes are limited by RLIMIT_NPROC;", stderr);
	if (c->cpu_percent)
		fputs(" the CPU is not limited;", stderr);
	fputs("\n", stderr);
}

int limits_group(const struct container *c)
{
	char parent[4097];
	int fd = -1;

	if (!c->memory && !c->cpu_percent && !c->pids)
		return -1;
	errno = ENOENT;
	if (own_group(parent, sizeof(parent))) {
		/* Those that the parent does not hand on will be missed below. */
		snprintf(group, sizeof(group), "%s", parent);
		(void)!set("cgroup.subtree_control", "+memory +cpu +pids");
		snprintf(group, sizeof(group), "%s/container-%d", parent, getpid());
		if (!mkdir(group, 0755)) {
			if (set_limits(c))
				fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (fd >= 0)
				return fd;
			int error = errno;
			rmdir(group);
			errno = error;
		}
		group[0] = '\0';
	}
	missing(c);
	return -1;
}

void limits_remove(void)
{
	if (group[0])
		rmdir(group);
}

void limits_apply(const struct container *c)
{
	struct rlimit memory = { c->memory, c->memory };
	struct rlimit pids = { c->pids + 1, c->pids + 1 };

	if (group[0])
		return;
	if ((c->memory && setrlimit(RLIMIT_AS, &memory)) ||
	    (c->pids && setrlimit(RLIMIT_NPROC, &pids)))
		container_die(EX_OSERR, "limits");
}
