/*
 * lab.h - an exercise that is not solved yet
 *
 * Owns: the mark that tools/mkskel leaves in place of a function's body.
 * Must not know: which exercises there are; labs/NN-name/holes lists them.
 */
#ifndef ESPEJO_LIB_LAB_H
#define ESPEJO_LIB_LAB_H

#include "compiler.h"

/*
 * Stops everything: the exercise `id` (such as "3.1") was reached before it was
 * solved.  Prints the exercise, the function to write and its place.
 */
NORETURN void lab_todo_at(const char *id, const char *file, int line, const char *function);

#define lab_todo(id) lab_todo_at(id, __FILE__, __LINE__, __func__)

#endif
