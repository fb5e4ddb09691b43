/*
 * shell_memory.c - the commands that look at addresses: walk, peek, crash
 *
 * Owns: the picture of a page walk, and the bug of the kernel that is made on purpose.
 * Must not know: how tables are made (space.c).
 */
#include "shell_memory.h"

#include "compiler.h"
#include "print.h"
#include "process.h"
#include "shell.h"
#include "space.h"
#include "trap.h"
#include "x86_ops.h"

static const struct bit {
	u64 bit;
	const char *name;
} bits[] = {
	{ PTE_P, "P" },	    { PTE_W, "W" }, { PTE_U, "U" }, { PTE_PWT, "PWT" },
	{ PTE_PCD, "PCD" }, { PTE_A, "A" }, { PTE_D, "D" }, { PTE_NX, "NX" },
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hexadecimal number, with 0x in front or without.  False, and a word about it: the text is none.
 */
static bool address(const char *text, u64 *va)
{
	const char *at = text + (text[0] == '0' && text[1] == 'x' ? 2 : 0);
	bool any = *at;

	for (*va = 0; *at && digit(*at) >= 0; at++)
		*va = *va << 4 | (u64)digit(*at);
	if (!any || *at)
		print("not an address: %s\n", text);
	return any && !*at;
}

/* Whose: a process that is there, or without a word the kernel.  NULL, and a word about it. */
static const struct space *space_of(const char *word)
{
	int pid = word ? shell_number(word) : PROCESS_KERNEL;

	if (pid == PROCESS_KERNEL)
		return &space_kernel;
	for (const struct process *p = process_table; p < process_table + PROCESS_MAX; p++)
		if (p->pid == pid && p->space.pml4)
			return &p->space;
	print("walk: no such process\n");
	return NULL;
}

static void show(const struct space_step *step, unsigned level, bool large)
{
	print("level %u: table %#lx, entry %3u: %016lx", level, step->table, step->index,
	      step->entry);
	for (size_t i = 0; i < ARRAY_SIZE(bits) && step->entry & PTE_P; i++)
		if (step->entry & bits[i].bit)
			print(" %s", bits[i].name);
	print(large ? " PS\n" : "\n");
}

bool shell_memory_walk(unsigned count, char **words)
{
	const struct space *space;
	struct space_step step[SPACE_LEVELS] = { 0 };
	unsigned n, level;
	u64 va, size, last, pa;

	if (count < 2 || !address(words[1], &va) ||
	    !(space = space_of(count > 2 ? words[2] : NULL)))
		return false;
	n = space_walk(space, va, step);
	if (n < 1 || n > SPACE_LEVELS) {
		print("walk: space_walk returned %u\n", n);
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		level = SPACE_LEVELS - i;
		show(&step[i], level, i == n - 1 && level > 1 && step[i].entry & PTE_PS);
	}
	last = step[n - 1].entry;
	size = 1ul << (PAGE_SHIFT + 9 * (SPACE_LEVELS - n));
	pa = (last & PTE_ADDR & ~(size - 1)) | (va & (size - 1));
	if (last & PTE_P)
		print("%#lx is physical %#lx, in a page of %lu KiB\n", va, pa, size >> 10);
	else
		print("%#lx is not mapped\n", va);
	return true;
}

static void look(u64 va)
{
	print("%#lx holds %#x\n", va, *(const volatile u8 *)va);
}

/* As the kernel may: what it may not read is told, and nothing else happens. */
bool shell_memory_peek(unsigned count, char **words)
{
	struct process_end end = { .how = END_FAULT };
	char text[128];
	u64 va;

	if (count < 2 || !address(words[1], &va))
		return false;
	if (!trap_try(look, va, &end.frame))
		return true;
	end.cr2 = x86_read_cr2();
	process_describe_end(&end, text, sizeof(text));
	print("peek: %s\n", text);
	return false;
}

bool shell_memory_crash(unsigned count UNUSED, char **words UNUSED)
{
	look(0);
	return false;
}
