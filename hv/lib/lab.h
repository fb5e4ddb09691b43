/*
 * lab.h - an exercise that is not solved yet
 *
 * Owns: the marks that tools/mkskel leaves in place of a function's body.
 * Must not know: which exercises there are, and how this program ends: each has a lab_todo_at().
 */
#ifndef ESPEJO_LIB_LAB_H
#define ESPEJO_LIB_LAB_H

#include "compiler.h"

#define LAB_STATUS 80 /* of the end of machine or program; nothing else of Espejo uses it */
#define LAB_TODO_FORMAT "lab %s is next: %s:%d in %s(); handout %s/README.md\n"

/*
 * Stops everything: the exercise `id` (such as "3.1") was reached before it was solved.  Prints the
 * exercise, the place of the function to write, and the lab's folder.
 */
NORETURN void lab_todo_at(const char *id, const char *folder, const char *file, int line,
			  const char *function);

#define lab_todo(id, folder) lab_todo_at(id, folder, __FILE__, __LINE__, __func__)

/* Another lab's exercise, here as object code, which the linker puts in the place of this body. */
#define lab_given(id) lab_todo(id, "given")

#endif
