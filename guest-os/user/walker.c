/*
 * walker.c - walker [KiB [rounds]]: walks through memory of this size (1024), a page at a time,
 * and finds again what it left there
 */
#include "user.h"

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(u64))

/* Leave a mark in each page; count the pages that do not hold the mark of the round before. */
static u64 walk(u64 *memory, u64 pages, u64 round)
{
	u64 wrong = 0;

	for (u64 i = 0; i < pages; i++) {
		u64 *word = &memory[i * WORDS_PER_PAGE + i % WORDS_PER_PAGE];

		wrong += *word != (round ? round << 32 | i : 0);
		*word = (round + 1) << 32 | i;
	}
	return wrong;
}

int main(int argc, char **argv)
{
	u64 pages = MAX(user_number(argc, argv, 1, 1024) * 1024 / PAGE_SIZE, 1ull);
	u64 rounds = user_number(argc, argv, 2, 4), wrong = 0;
	u64 *memory = user_sbrk(pages * PAGE_SIZE);

	if (!memory) {
		user_print("walker: no memory for %lu pages\n", pages);
		return 1;
	}
	for (u64 round = 0; round < rounds; round++)
		wrong += walk(memory, pages, round);
	user_print("walker: %lu pages, %lu rounds, %lu wrong\n", pages, rounds, wrong);
	return wrong != 0;
}
