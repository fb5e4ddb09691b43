/*
 * console.h - standard input and output as a guest's serial line; messages to the operator
 *
 * Owns: bytes to and from the terminal, what is said on standard error.
 * Must not know: the terminal's mode (terminal.h), guests' insides.
 *
 * The guest's line is standard output, byte for byte.  What we have to say goes to standard error.
 */
#ifndef ESPEJO_TYPE2_CONSOLE_H
#define ESPEJO_TYPE2_CONSOLE_H

#include "host.h"

#define CONSOLE_ESCAPE 0x1d /* Ctrl-]: the operator's key, if standard input is a terminal */

/*
 * Standard descriptors that are closed become /dev/null's: else the next file that is opened would
 * get their numbers, and a disk image all that we have to say.  Before anything is opened.
 */
void console_open_standard(void);

/* is_terminal: what is read are keys, of which one is ours. */
void console_init(bool is_terminal);

/*
 * Hand what was typed to vm, as much as its FIFO takes; the rest waits here.  Milliseconds until
 * to try again, or -1: nothing waits.  Called by one thread, no lock held.
 */
int console_feed(struct vm *vm);
/* Standard input can be read: do.  False: it is at its end.  True in *escape: the operator's key.
 */
bool console_read(bool *escape);
/* Is there room for more, so that it is worth while to wait for input? */
bool console_wants_input(void);

#endif
