/*
 * say.h - what the task guest says, on COM1: as lines, or as records of the checker
 */
#ifndef TASK_SAY_H
#define TASK_SAY_H

#include "compiler.h"

static inline void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/*
 * Set up the line.  With a nonce (its end is a space or 0) all that is said from now on is cut into
 * words, each of which becomes a record "@NONCE case task-NAME.N got=WORD"; NULL: it stays as it
 * is.
 */
void say_begin(const char *nonce);
/* A case of that name begins. */
void say_case(const char *name);
void say(const char *text);
/* " NAME=VALUE" */
void say_hex(const char *name, u32 value);
/* All is said, and has left the machine. */
void say_end(void);

#endif
