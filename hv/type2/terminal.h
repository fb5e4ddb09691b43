/*
 * terminal.h - the user's terminal, as a guest's
 *
 * Owns: its mode, while we run and after us.
 * Must not know: bytes (console.h).
 */
#ifndef ESPEJO_TYPE2_TERMINAL_H
#define ESPEJO_TYPE2_TERMINAL_H

#include "compiler.h"

/* If standard input is a terminal: every key goes through, no echo.  True: it is one. */
bool terminal_raw(void);
/* As it was.  Safe at any moment, also twice. */
void terminal_restore(void);

#endif
