/*
 * secret.h - how a probe recognises memory of another one
 *
 * The neighbour's memory is full of words with this upper half; nobody else ever writes it.  The
 * host's side (checker/outside.c) looks for it in the machine's memory.
 */
#ifndef CHECKER_SECRET_H
#define CHECKER_SECRET_H

#define SECRET_TAG 0x5ec7e71eull
#define SECRET_SHIFT 32

#endif
