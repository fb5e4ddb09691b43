/* counter.c - counter [ms [lines]]: a line every so many ms (1000), so often (0: for ever) */
#include "user.h"

int main(int argc, char **argv)
{
	u64 us = user_number(argc, argv, 1, 1000) * 1000;
	u64 lines = user_number(argc, argv, 2, 0);

	for (u64 i = 1; !lines || i <= lines; i++) {
		user_print("counter: %lu\n", i);
		if (i != lines)
			user_sleep(us);
	}
	return 0;
}
