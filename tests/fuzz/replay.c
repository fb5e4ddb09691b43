/*
 * replay.c - every input of the corpus once more, without a fuzzer, as TAP
 *
 * Each target is compiled with its own name for its entry point; the list of them is made by the
 * makefile.  Arguments: the corpus, all of which and some noise is tried; or a target and files for
 * it.  Each target has a process of its own, for it keeps what is slow to make.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "types.h"

#define TARGET(name) int fuzz_##name(const u8 *data, size_t size);
#include "fuzz_list.h"
#undef TARGET

#define INPUT_MAX 65536
#define NOISES 50
#define PATH_MAX_HERE 1024

static const struct {
	const char *name;
	int (*run)(const u8 *data, size_t size);
} targets[] = {
#define TARGET(name) { #name, fuzz_##name },
#include "fuzz_list.h"
#undef TARGET
};

#define COUNT ((unsigned)(sizeof(targets) / sizeof(targets[0])))

/* What the child of the target whose turn it is tells us, even if it dies. */
static struct {
	unsigned tried;
	char input[PATH_MAX_HERE];
} *report;

/* From a copy of its exact size, so that reading beyond it is seen. */
static void run(unsigned target, const u8 *data, size_t size)
{
	u8 *copy = malloc(size ? size : 1);

	for (size_t i = 0; i < size; i++)
		copy[i] = data[i];
	targets[target].run(copy, size);
	free(copy);
	report->tried++;
}

static void run_file(unsigned target, const char *path)
{
	static u8 data[INPUT_MAX];
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		exit(1);
	}
	snprintf(report->input, sizeof(report->input), "%s", path);
	run(target, data, fread(data, 1, sizeof(data), file));
	fclose(file);
}

static void run_corpus(unsigned target, const char *corpus)
{
	char path[PATH_MAX_HERE];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", corpus, targets[target].name);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", corpus, targets[target].name,
			 entry->d_name);
		run_file(target, path);
	}
	if (dir)
		closedir(dir);
}

static void run_noise(unsigned target)
{
	static u8 data[512];
	u32 seed = 1;

	for (unsigned n = 0; n < NOISES; n++) {
		for (unsigned i = 0; i < sizeof(data); i++) {
			seed = seed * 1664525 + 1013904223;
			data[i] = (u8)(seed >> 24);
		}
		snprintf(report->input, sizeof(report->input), "noise %u", n);
		run(target, data, n * sizeof(data) / NOISES);
	}
}

/* True: all is well. */
static bool in_child(unsigned target, const char *corpus)
{
	int status;
	pid_t child;

	report->tried = 0;
	fflush(NULL);
	child = fork();
	if (!child) {
		run_corpus(target, corpus);
		run_noise(target);
		snprintf(report->input, sizeof(report->input), "its end");
		exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

static int run_all(const char *corpus)
{
	bool good = true;

	printf("1..%u\n", COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		bool passed = in_child(i, corpus);

		good &= passed;
		printf("%sok %u - %s: %u inputs", passed ? "" : "not ", i + 1, targets[i].name,
		       report->tried);
		printf(passed ? "\n" : ", then it died of %s\n", report->input);
	}
	return !good;
}

static int run_files(const char *name, int count, char **path)
{
	unsigned target = 0;

	while (target < COUNT && strcmp(targets[target].name, name) != 0)
		target++;
	if (target == COUNT) {
		fprintf(stderr, "there is no target %s\n", name);
		return 1;
	}
	for (int i = 0; i < count; i++)
		run_file(target, path[i]);
	return 0;
}

int main(int argc, char **argv)
{
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	if (argc > 2)
		return run_files(argv[1], argc - 2, argv + 2);
	return run_all(argc > 1 ? argv[1] : "tests/fuzz/corpus");
}
