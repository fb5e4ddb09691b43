/* program.h - the programs in the image; see program.c */
#ifndef GUEST_OS_PROGRAM_H
#define GUEST_OS_PROGRAM_H

#include "space.h"

struct program {
	const char *name;
	const u8 *image, *end; /* an ELF file */
};

/* The n-th program, NULL behind the last; the program of this name, NULL if there is none. */
const struct program *program_at(unsigned n);
const struct program *program_find(const char *name);

/*
 * Put the program's segments into an empty space, with the rights they ask for, and a stack that
 * grows on demand.  *entry is where it starts, *heap the first page behind it.  0, -ENOMEM, or
 * -ENOEXEC: the file is no static 64-bit executable within user memory, or wants pages both
 * writable and executable.
 */
int program_load(const struct program *program, struct space *space, u64 *entry, u64 *heap);

#endif
