/*
 * shell_commands.h - what the files of the shell have in common
 *
 * Owns: the form of a command; the commands that have files of their own.
 * Must not know: what the commands do.
 *
 * A command gets its words, word[0] its name, and returns 0, or -1 after a sentence on the console.
 */
#ifndef ESPEJO_TYPE1_SHELL_COMMANDS_H
#define ESPEJO_TYPE1_SHELL_COMMANDS_H

#include "type1/guests.h"

/* Say why not.  Always -1. */
int shell_fail(const char *format, ...) PRINTF_LIKE(1, 2);

/* The guest that word[index] names; NULL after a sentence. */
struct guest *shell_guest(int words, char *word[], int index);

/* shell_vm.c: machines come and go */
int shell_vm(int words, char *word[]);
extern const char shell_vm_help[];

/* shell_look.c: what a vCPU did, and where it is */
int shell_look_trace(int words, char *word[]);
int shell_look_trace_dump(int words, char *word[]);
int shell_look_walk(int words, char *word[]);
int shell_look_protect(int words, char *word[]);
int shell_look_dirty(int words, char *word[]);
int shell_look_dump(int words, char *word[]);
int shell_look_poke(int words, char *word[]);
int shell_look_state(int words, char *word[]);

/* shell_devices.c: disks and networks */
int shell_devices_disk(int words, char *word[]);
int shell_devices_net(int words, char *word[]);
extern const char shell_devices_net_help[];

#endif
