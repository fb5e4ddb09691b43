/*
 * neighbour.c - an honest guest that others may harm
 *
 * It keeps a secret and a counter in memory, in one page of its own, and counts.  secret= on its
 * command line is the secret, eight hexadecimal digits.  It counts in a register as well, and looks
 * from time to time whether both say the same.  A key typed to it starts it, "q" ends it.
 */
#include "frame.h"

#define PAGE 4096u
#define PAGES 512u /* of the 2 MiB that the page is one of */
#define ROUNDS 100000u

struct page {
	char tag[8]; /* "SECRET= " */
	char secret[8];
	u32 counter;
};

/* Somewhere between 2 and 4 MiB: where, depends on the secret. */
static volatile struct page *place(const char *secret)
{
	u32 n = 0;

	for (unsigned i = 0; i < 8; i++)
		n = n * 31 + (u8)secret[i];
	return (volatile struct page *)(MiB(2) + n % PAGES * PAGE);
}

void guest(void)
{
	const char *secret = option("secret");
	volatile struct page *page;
	bool broken = false;
	u32 count = 0;

	if (!secret) {
		say("neighbour: secret= is missing\n");
		return;
	}
	wait_for_key();
	page = place(secret);
	for (unsigned i = 0; i < 8; i++) {
		page->tag[i] = "SECRET= "[i];
		page->secret[i] = secret[i];
	}
	page->counter = 0;
	say("neighbour: I count\n");
	while (typed() != 'q') {
		for (unsigned i = 0; i < ROUNDS; i++) {
			count++;
			__asm__ volatile("incl %0" : "+m"(page->counter));
		}
		if (page->counter != count && !broken) {
			say("neighbour: my counter is broken\n");
			broken = true;
		}
	}
	if (broken)
		finish(1);
	say("neighbour: my counter is unbroken\n");
}
