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

/* Execute a command, its words divided by this character.  Changes line.  True: it did its work. */
bool shell_execute(char *line, char divider);

/* A decimal number; -1: the text is none, or too large. */
int shell_number(const char *text);

#endif
