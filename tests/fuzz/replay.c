/*
 * replay.c - every input of the corpus once more, without a fuzzer, as TAP
 *
 * Each target is compiled with its own name for its entry point; the list of them is made by the
 * makefile.  Argument: the corpus.  A target without inputs is tried with nothing, and with noise.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "types.h"

#define TARGET(name) int fuzz_##name(const u8 *data, size_t size);
#include "fuzz_list.h"
#undef TARGET

#define INPUT_MAX 65536
#define NOISES 200

static const struct {
	const char *name;
	int (*run)(const u8 *data, size_t size);
} targets[] = {
#define TARGET(name) { #name, fuzz_##name },
#include "fuzz_list.h"
#undef TARGET
};

#define COUNT ((unsigned)(sizeof(targets) / sizeof(targets[0])))

static unsigned tried; /* inputs of the target whose turn it is */

/* From a copy of its exact size, so that reading beyond it is seen. */
static void run(unsigned target, const u8 *data, size_t size)
{
	u8 *copy = malloc(size ? size : 1);

	for (size_t i = 0; i < size; i++)
		copy[i] = data[i];
	targets[target].run(copy, size);
	free(copy);
	tried++;
}

static void run_file(unsigned target, const char *path)
{
	static u8 data[INPUT_MAX];
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		exit(1);
	}
	fprintf(stderr, "%s\n", path); /* what it was, if this is the last line */
	run(target, data, fread(data, 1, sizeof(data), file));
	fclose(file);
}

static void run_corpus(unsigned target, const char *corpus)
{
	char path[1024];
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
		run(target, data, n * sizeof(data) / NOISES);
	}
}

int main(int argc, char **argv)
{
	printf("1..%u\n", COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		tried = 0;
		run_corpus(i, argc > 1 ? argv[1] : "tests/fuzz/corpus");
		run_noise(i);
		printf("ok %u - %s: %u inputs\n", i + 1, targets[i].name, tried);
	}
	return 0;
}
