/*
 * symbols.h - which function of a kernel an address belongs to
 *
 * Owns: reading the symbol table of an ELF file, seen as bytes that nobody vouches for.
 * Must not know: guests; no hardware, so that it runs in a host test as well.
 *
 * Source: [ELF] "Section Header", "Symbol Table" (System V ABI, chapter 4).
 */
#ifndef ESPEJO_TYPE1_SYMBOLS_H
#define ESPEJO_TYPE1_SYMBOLS_H

#include "compiler.h"

struct blob;

/*
 * "name+0x12" of the function in which address lies, into text; false: the file has no symbols, or
 * none there.  In an ELF32 file the lower halves of addresses count: a 64-bit kernel that was
 * narrowed for its loader is found too.
 */
bool symbols_find(const struct blob *file, u64 address, char *text, size_t size);

#endif
