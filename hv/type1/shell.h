/*
 * shell.h - the operator's commands
 *
 * Owns: parsing and carrying out the lines typed at "hv> ".
 * Must not know: where lines come from (console.h, script.h).
 */
#ifndef ESPEJO_TYPE1_SHELL_H
#define ESPEJO_TYPE1_SHELL_H

#include "compiler.h"

#define SHELL_PROMPT "hv> "

/* Show the prompt and take lines from the console. */
void shell_init(void);

/*
 * One command; text is cut up.  0, or -1 after a sentence on the console that says what is wrong.
 * Called by the boot CPU's loop, which has no vCPU then.
 */
int shell_command(char *text);

#endif
