/* memory.c - see evil.h: canaries */
#include "evil.h"

#define ZONE 4096u
#define MARK 0xa5c3e1f00f1e3c5aull
/* At the end of RAM: nobody touches them before memory_fresh gives them out. */
#define FRESH MiB(2)

static u8 buffers[BUFFERS][ZONE + BUFFER_SIZE] ALIGNED(4096);
static u8 last_zone[ZONE] ALIGNED(4096);
static u64 fresh_given;

u8 *memory_buffer(unsigned n)
{
	return &buffers[n][ZONE];
}

static u64 mark_at(const u64 *p)
{
	return MARK ^ (u64)(uintptr_t)p;
}

static u64 *canary_begin(void)
{
	return (u64 *)(uintptr_t)ALIGN_UP(rt_image_limit(), 4096ull);
}

static u64 *canary_end(void)
{
	return (u64 *)(uintptr_t)(ALIGN_DOWN(rt_memory_end(), MiB(2)) - FRESH);
}

/* The first of [p, end) that has lost its mark, which it gets again. */
static u64 check_range(u64 *p, const u64 *end)
{
	u64 first = 0;

	for (; p < end; p++) {
		u64 seen = *(volatile u64 *)p;

		if (seen == mark_at(p))
			continue;
		if (!first)
			first = (u64)(uintptr_t)p;
		*p = mark_at(p);
	}
	return first;
}

u64 memory_spoilt(void)
{
	u64 first = check_range(canary_begin(), canary_end()), zone;

	for (unsigned n = 0; n < BUFFERS; n++) {
		zone = check_range((u64 *)(void *)buffers[n], (u64 *)(void *)&buffers[n][ZONE]);
		first = first ? first : zone;
	}
	zone = check_range((u64 *)(void *)last_zone, (u64 *)(void *)(last_zone + ZONE));
	return first ? first : zone;
}

void memory_mark(void)
{
	(void)memory_spoilt();
}

u64 memory_fresh(void)
{
	u64 at = ALIGN_DOWN(rt_memory_end(), MiB(2)) - FRESH + fresh_given;

	if (fresh_given >= FRESH)
		return 0;
	fresh_given += 4096;
	return at;
}

u64 memory_end(void)
{
	return rt_number("ram", rt_memory_end());
}
