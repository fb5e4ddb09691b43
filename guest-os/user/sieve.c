/* sieve.c - sieve [limit]: counts the primes below the limit (100000), by Eratosthenes' sieve */
#include "user.h"

static u64 sieve(u8 *composite, u64 limit)
{
	u64 primes = 0;

	for (u64 i = 2; i < limit; i++) {
		if (composite[i])
			continue;
		primes++;
		for (u64 j = i * i; j < limit; j += i)
			composite[j] = 1;
	}
	return primes;
}

int main(int argc, char **argv)
{
	u64 limit = user_number(argc, argv, 1, 100000);
	u8 *composite = user_sbrk(limit);

	if (!composite) {
		user_print("sieve: no memory for %lu numbers\n", limit);
		return 1;
	}
	user_print("sieve: %lu primes below %lu\n", sieve(composite, limit), limit);
	return 0;
}
