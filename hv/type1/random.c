/* random.c - see random.h */
#include "type1/random.h"

#include "lib/string.h"
#include "x86_ops.h"

#define BLOCK_WORDS 16
#define DOUBLE_ROUNDS 10
#define COUNTER 12 /* of the state: a counter and three words of nonce */
#define SEED_WORDS RANDOM_KEY_WORDS
#define CPUID_RDRAND BIT(30) /* ecx of leaf 1 */
#define ATTEMPTS 10 /* as [SDM] advises */

/* "expand 32-byte k", and then the key, as RFC 8439 2.3 has it. */
static const u32 constant[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

static u32 seed[SEED_WORDS];

/* ---- ChaCha20 ------------------------------------------------------------------------------- */

static u32 rotate(u32 v, unsigned bits)
{
	return v << bits | v >> (32 - bits);
}

static void quarter_round(u32 *a, u32 *b, u32 *c, u32 *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

static void block(const u32 state[BLOCK_WORDS], u32 result[BLOCK_WORDS])
{
	memcpy(result, state, BLOCK_WORDS * sizeof(*result));
	for (unsigned round = 0; round < DOUBLE_ROUNDS; round++) {
		/* Columns, then diagonals. */
		for (unsigned i = 0; i < 4; i++)
			quarter_round(&result[i], &result[4 + i], &result[8 + i], &result[12 + i]);
		for (unsigned i = 0; i < 4; i++)
			quarter_round(&result[i], &result[4 + (i + 1) % 4],
				      &result[8 + (i + 2) % 4], &result[12 + (i + 3) % 4]);
	}
	for (unsigned i = 0; i < BLOCK_WORDS; i++)
		result[i] += state[i];
}

/* The block of a key whose counter and nonce say what it is for. */
static void keyed_block(const u32 key[RANDOM_KEY_WORDS], u32 counter, u64 nonce,
			u32 result[BLOCK_WORDS])
{
	u32 state[BLOCK_WORDS] = { 0 };

	memcpy(state, constant, sizeof(constant));
	memcpy(state + 4, key, RANDOM_KEY_WORDS * sizeof(*key));
	state[COUNTER] = counter;
	state[COUNTER + 1] = (u32)nonce;
	state[COUNTER + 2] = (u32)(nonce >> 32);
	block(state, result);
}

/* ---- Streams -------------------------------------------------------------------------------- */

void random_stream_init(struct random_stream *stream, u64 number)
{
	u32 derived[BLOCK_WORDS];

	keyed_block(seed, 0, number, derived);
	memcpy(stream->key, derived, sizeof(stream->key));
}

void random_bytes(struct random_stream *stream, void *buf, size_t len)
{
	u8 *at = buf;

	/* Of each block the first half is the next key, the second is given out. */
	while (len) {
		u32 result[BLOCK_WORDS];
		size_t part = MIN(len, sizeof(result) - sizeof(stream->key));

		keyed_block(stream->key, 0, 0, result);
		memcpy(stream->key, result, sizeof(stream->key));
		memcpy(at, result + RANDOM_KEY_WORDS, part);
		at += part;
		len -= part;
	}
}

/* ---- The seed ------------------------------------------------------------------------------- */

static bool rdrand(u64 *value)
{
	for (unsigned i = 0; i < ATTEMPTS; i++)
		if (x86_rdrand(value))
			return true;
	return false;
}

/* False: the CPU cannot, or what it gives is no random number (some give the same one for ever). */
static bool seed_by_cpu(void)
{
	u64 value, last = 0;
	bool changes = false;

	if (!(host_cpuid(1, 0).ecx & CPUID_RDRAND))
		return false;
	for (unsigned i = 0; i < SEED_WORDS; i += 2) {
		if (!rdrand(&value))
			return false;
		changes |= i && value != last;
		last = value;
		seed[i] = (u32)value;
		seed[i + 1] = (u32)(value >> 32);
	}
	return changes;
}

void random_init(u64 declared, bool insist)
{
	if (!insist && seed_by_cpu()) {
		host_log("espejo: random numbers: the seed is the CPU's");
		return;
	}
	memset(seed, 0, sizeof(seed));
	seed[0] = (u32)declared;
	seed[1] = (u32)(declared >> 32);
	host_log("espejo: random numbers: the seed is %#llx, as %s", (unsigned long long)declared,
		 insist ? "declared" : "the CPU has no RDRAND that works");
}
