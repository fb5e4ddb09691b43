/* options.c - see options.h */
#define _GNU_SOURCE
#include "container/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

void options_die(int status, const char *sentence, ...)
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

static void usage(void) NORETURN;
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
	const char *unit;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	for (const char *u = units; unit && u <= unit && *unit != '%' && value <= most; u++)
		value <<= 10;
	if (errno || end == text || end[unit != NULL] || *text == '-' || !value || value > most) {
		errno = 0;
		options_die(EX_USAGE, "%s: not a number from 1 to %llu: '%s'", option,
			    (unsigned long long)most, text);
	}
	return value;
}

static bool is_device(const char *path)
{
	return !strncmp(path, "/dev/", 5) && !strchr(path + 5, '/') && path[5] && path[5] != '.';
}

static void option(struct options *o, const char *name, const char *value)
{
	if (!strcmp(name, "--memory"))
		o->memory = number(name, value, "KMG", 1ull << 40);
	else if (!strcmp(name, "--cpu"))
		o->cpu_percent = (unsigned)number(name, value, "%", 100000);
	else if (!strcmp(name, "--pids"))
		o->pids = (unsigned)number(name, value, "", 1u << 22);
	else if (!strcmp(name, "--hostname"))
		o->hostname = value;
	else if (!strcmp(name, "--net") && !strcmp(value, "host"))
		o->host_network = true;
	else if (!strcmp(name, "--device") && o->device_count < OPTIONS_DEVICES_MAX &&
		 is_device(value))
		o->device[o->device_count++] = value;
	else
		usage();
}

void options_parse(struct options *o, char *arg[])
{
	struct stat s;

	for (; arg[0] && arg[0][0] == '-'; arg += 2) {
		if (!arg[1])
			usage();
		option(o, arg[0], arg[1]);
	}
	if (!arg[0] || !arg[1])
		usage();
	o->command = arg + 1;
	if (!realpath(arg[0], o->root) || stat(o->root, &s))
		options_die(EX_NOINPUT, "no root directory %s", arg[0]);
	errno = ENOTDIR;
	if (!S_ISDIR(s.st_mode))
		options_die(EX_NOINPUT, "no root directory %s", arg[0]);
	errno = 0;
	if (!strcmp(o->root, "/"))
		options_die(EX_USAGE, "the host's own root is no root of a container");
}
