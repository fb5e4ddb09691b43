/* worker.c - worker KIND N: does one thing N times, to be measured from outside */
#include "user.h"

#include "layout.h"
#include "lib/string.h"

#define MEMORY (4ul << 20)
#define PAGES 64u
#define SLEEP_US 1000
#define MIX 6364136223846793005ull /* Knuth's multiplier for 64 bits */

static int work_cpu(u64 n)
{
	u64 hash = 1;

	for (u64 i = 0; i < n; i++)
		hash = hash * MIX + (hash >> 33);
	return !hash;
}

/* Words of a few MiB, in an order that no cache and no TLB foresees. */
static int work_memory(u64 n)
{
	u64 *word = user_sbrk(MEMORY), at = 1;

	if (!word)
		return 1;
	for (u64 i = 0; i < n; i++) {
		at = at * MIX + 1;
		word[(at >> 20) % (MEMORY / sizeof(*word))]++;
	}
	return 0;
}

static int work_syscall(u64 n)
{
	int pid = user_getpid();

	for (u64 i = 0; i < n; i++)
		if (user_getpid() != pid)
			return 1;
	return 0;
}

/* Pages come at their first touch, and are given back. */
static int work_fault(u64 n)
{
	u8 *page = user_sbrk(PAGES * PAGE_SIZE);

	if (!page)
		return 1;
	for (u64 i = 0; i < n; i++) {
		u8 *at = page + i % PAGES * PAGE_SIZE;

		*(volatile u8 *)at = 1;
		if (user_unmap(at))
			return 1;
	}
	return 0;
}

/* Two that give way to each other: the other one is started with a third argument. */
static int work_switch(u64 n, char **argv)
{
	const char *words[] = { argv[0], argv[1], argv[2], "partner" };
	int partner = user_spawn(words, 4);

	for (u64 i = 0; i < n; i++)
		user_yield();
	return partner < 0 || user_wait(partner);
}

static int work_timer(u64 n)
{
	for (u64 i = 0; i < n; i++)
		user_sleep(SLEEP_US);
	return 0;
}

int main(int argc, char **argv)
{
	u64 n = user_number(argc, argv, 2, 1000);

	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "cpu"))
		return work_cpu(n);
	if (!strcmp(argv[1], "memory"))
		return work_memory(n);
	if (!strcmp(argv[1], "syscall"))
		return work_syscall(n);
	if (!strcmp(argv[1], "fault"))
		return work_fault(n);
	if (!strcmp(argv[1], "timer"))
		return work_timer(n);
	if (strcmp(argv[1], "switch"))
		return 2;
	if (argc < 4)
		return work_switch(n, argv);
	for (u64 i = 0; i < n; i++)
		user_yield();
	return 0;
}
