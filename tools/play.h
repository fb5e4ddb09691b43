/*
 * play.h - a script that types into the machine's serial line
 *
 * Owns: the script's format and its place in it.
 * Must not know: emulators; supervise.c carries the bytes.
 *
 * The script has one command a line; "#" starts a comment line:
 *	wait REGEX	until the serial text since the last match matches
 *	send TEXT	types TEXT and Enter; \e \t \\ \xHH stand for themselves
 *	type TEXT	the same without Enter
 *	ctrl KEY	types Ctrl-KEY
 */
#ifndef ESPEJO_TOOLS_PLAY_H
#define ESPEJO_TOOLS_PLAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Starts the script: the commands before its first "wait" are carried out at
 * once by calls of type().  Returns false with a sentence in *why when the file
 * cannot be read or holds anything else; it is read as a whole before it starts.
 */
bool play_start(const char *path, void (*type)(const char *text, size_t len), const char **why);

/* Hands on what the machine wrote. */
void play_feed(const char *text, size_t len);

/* The pattern that is waited for; NULL when no script waits. */
const char *play_waits_for(void);

#endif
