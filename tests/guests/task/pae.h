/* pae.h - see pae.c */
#ifndef TASK_PAE_H
#define TASK_PAE_H

#include "compiler.h"

/* All of memory is mapped one to one; cr3 is that of now, without PAE, and at the end. */
void pae(u32 cr3);

#endif
