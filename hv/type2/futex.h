/*
 * futex.h - sleeping until a word in memory changes
 *
 * Owns: the system call.  Must not know: what the word means.
 * Source: Linux, futex(2).
 */
#ifndef ESPEJO_TYPE2_FUTEX_H
#define ESPEJO_TYPE2_FUTEX_H

#include "compiler.h"

#define FUTEX_ANYBODY (~0u)

/* Sleep if *word is still seen; until woken with one of these bits, or without a reason. */
void futex_wait(u32 *word, u32 seen, u32 bits);
/* Wake all who sleep on word with one of these bits.  The memory may be gone already. */
void futex_wake(u32 *word, u32 bits);

#endif
