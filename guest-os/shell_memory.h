/* shell_memory.h - the commands that look at addresses; see shell_memory.c */
#ifndef GUEST_OS_SHELL_MEMORY_H
#define GUEST_OS_SHELL_MEMORY_H

#include "types.h"

/* Each gets its words, the command's name first, and returns whether it did what was asked. */
bool shell_memory_walk(unsigned count, char **words);
bool shell_memory_peek(unsigned count, char **words);
bool shell_memory_crash(unsigned count, char **words);

#endif
