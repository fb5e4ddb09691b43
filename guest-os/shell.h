/* shell.h - the user's way in; see shell.c */
#ifndef GUEST_OS_SHELL_H
#define GUEST_OS_SHELL_H

#include "compiler.h"

/* Read commands and execute them, for ever. */
NORETURN void shell_run(void);

/*
 * Start the program that text names: its words, divided by this character.  Changes text.
 * Returns the pid; on failure says why and returns the negative reason.
 */
int shell_spawn(char *text, char divider);

#endif
