/*
 * fuzz_shell.c - what an operator, or a script, types
 *
 * Input: lines.  One guest was never started, one has a machine.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "fake_type1.h"
#include "fake_virt.h"
#include "type1/shell.h"
#include "type1/words.h"

#define LINES 32

static struct vm *vm;

static void try_words(const char *line)
{
	char *copy = strdup(line), *word[WORDS_MAX];
	size_t len = 0;
	int count = words_split(copy, word);

	check(count >= -1 && count <= WORDS_MAX);
	for (int i = 0; i < count; i++)
		len += strlen(word[i]);
	check(count < 0 || len <= strlen(line));
	free(copy);
}

static void type(const char *line)
{
	char *copy = strdup(line);
	int result;

	fake_type1.said[0] = fake_type1.done[0] = '\0';
	if (!setjmp(fake_type1.ended)) {
		result = shell_command(copy);
		check(!result || (result == -1 && fake_type1.said[0]));
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *volatile text = malloc(size + 1);
	char *volatile next = text;

	if (!vm)
		vm = fake_vm_make(MiB(2), 2);
	memset(&fake_type1, 0, sizeof(fake_type1));
	fake_type1_guest("a", NULL);
	fake_type1_guest("b", vm);
	memcpy(text, data, size);
	text[size] = '\0';
	for (volatile unsigned i = 0; next && i < LINES; i++) {
		char *end = strchr(next, '\n');

		if (end)
			*end++ = '\0';
		try_words(next);
		type(next);
		next = end;
	}
	free(text);
	return 0;
}
