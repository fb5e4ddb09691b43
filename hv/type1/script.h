/*
 * script.h - commands from a file: the operator who is not there
 *
 * Owns: a module with role=script, run line by line; waiting in it.
 * Must not know: what the commands mean (shell.h).
 *
 * A script is what makes a run repeatable: it waits for what guests say, in the
 * machine's time, and types at them.  Besides the shell's commands it has
 *
 *   expect VM "text" [SECONDS]   until the VM's console has said text, after what the last
 *                                expect found; 30 s unless told
 *   send VM "text\r"             type at the VM
 *   wait VM STATE [SECONDS]      until its state is STATE, or `ended`: halted, off or dead
 *   sleep MILLISECONDS
 *   echo TEXT...
 *   # comment
 *
 * A command that fails, or a wait that takes too long, ends the run with status 1 and a
 * sentence that names the line.
 */
#ifndef ESPEJO_TYPE1_SCRIPT_H
#define ESPEJO_TYPE1_SCRIPT_H

#include "compiler.h"

struct vm;

/* text[len] stays the caller's, and stays.  Before the first script_poll. */
void script_start(const char *text, size_t len);
bool script_active(void);

/* Go on as far as possible; called by the boot CPU's loop, which has no vCPU then. */
void script_poll(void);

/* What a VM says; any CPU, any lock held. */
void script_hear(const struct vm *vm, const char *text, size_t len);
/* vm will be freed. */
void script_forget(const struct vm *vm);

#endif
