/*
 * random.h - random numbers: the machine's, and a stream for each VM
 *
 * Owns: the seed, and ChaCha20 as the generator that stretches it.
 * Must not know: who needs them.
 *
 * The seed is RDRAND's where the CPU has it and it works.  Else it is what the operator declares,
 * and everything that follows is known to whoever knows that.  Each stream has its own key, made
 * from the seed and the stream's number: no VM learns from its stream anything about another's.
 * After each block that is used, the stream's key is replaced, so that what was given out cannot be
 * found in memory later.
 *
 * Sources: RFC 8439, "The ChaCha20 Block Function" (2.3); [SDM] "Random Number Generator
 * Instructions" (7.3.17); D. J. Bernstein, "Fast-key-erasure random-number generators" (2017).
 */
#ifndef ESPEJO_TYPE1_RANDOM_H
#define ESPEJO_TYPE1_RANDOM_H

#include "host.h"

#define RANDOM_KEY_WORDS 8

/* A stream belongs to its user, who keeps others away. */
struct random_stream {
	u32 key[RANDOM_KEY_WORDS];
};

/*
 * Once, before any stream.  declared: the operator's seed, which counts if RDRAND does not work, or
 * always if insist.  What was taken is logged.
 */
void random_init(u64 declared, bool insist);

/* Number 0 is the hypervisor's own.  The same number is never given a second time. */
void random_stream_init(struct random_stream *stream, u64 number);
void random_bytes(struct random_stream *stream, void *buf, size_t len);

#endif
