/*
 * container.h - a process that believes it is alone: what Linux offers instead of a machine
 *
 * Owns: the parts of a container, in the order in which a container gets them.
 * Must not know: virtual machines.  It is read next to them: what a hypervisor does by page tables
 * and exits of its own is done here by a kernel that both sides share, one resource at a time.
 *
 *   own processes, mounts, names, IPC, network   namespaces         container.c
 *   own files                                    pivot_root         root.c
 *   so much and no more                          control groups     limits.c
 *   so many questions to the kernel and no more  seccomp, no_new_privs, no capabilities  filter.c
 *
 * Sources: Linux man-pages, namespaces(7), user_namespaces(7), cgroups(7), seccomp(2).
 */
#ifndef ESPEJO_CONTAINER_H
#define ESPEJO_CONTAINER_H

#include "compiler.h"

#define CONTAINER_DEVICES_MAX 4

/* What the command line asked for; 0 is no limit. */
struct container {
	u64 memory; /* bytes, of all processes together */
	unsigned cpu_percent; /* of one CPU */
	unsigned pids; /* processes and threads */
	const char *hostname;
	bool host_network; /* the host's instead of an empty one */
	const char *device[CONTAINER_DEVICES_MAX]; /* nodes of the host that are in /dev as well */
	unsigned device_count;
	char root[4096]; /* absolute */
	char **command;
};

/* Writes "container: ", the sentence and what errno says; ends with status (sysexits(3)). */
void container_die(int status, const char *sentence, ...) NORETURN PRINTF_LIKE(2, 3);

/* text into a new or existing file; false with errno. */
bool container_write(const char *file, const char *text) MUST_CHECK;

/*
 * A control group with c's limits.  Returns a descriptor of its directory, in which a process is
 * born by CLONE_INTO_CGROUP, or -1 where no group can be made: then limits_apply has to do, and
 * what that cannot do has been said on standard error.
 * Source: cgroups(7), "Cgroups version 2"; Linux, "Control Group v2", "memory.max" and its like.
 */
int limits_group(const struct container *c);
/* Removes the group; all its processes have ended. */
void limits_remove(void);
/* The same by limits of each process, in the container.  Source: setrlimit(2). */
void limits_apply(const struct container *c);

/*
 * Mounts of our own, in a new mount namespace: c->root becomes "/", with a /proc that shows this
 * PID namespace only and a /dev with a few harmless nodes; of the old root nothing is left.
 * Source: pivot_root(2), "NOTES", on pivot_root(".", ".").
 */
void root_enter(const struct container *c);

/*
 * From here on no program gains a privilege by being executed, no capability is left, and system
 * calls that change the kernel, or look into others, answer EPERM.  Not reversible.
 * Source: seccomp(2); prctl(2), PR_SET_NO_NEW_PRIVS; capabilities(7).
 */
void filter_install(void);

#endif
