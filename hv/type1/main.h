/*
 * main.h - the entry from boot.S
 *
 * Owns: its signature.
 */
#ifndef ESPEJO_TYPE1_MAIN_H
#define ESPEJO_TYPE1_MAIN_H

#include "compiler.h"

/* EAX and EBX as the loader left them.  On the boot CPU, with boot.S's page tables and stack. */
NORETURN void main_start(u32 magic, u32 address);

#endif
