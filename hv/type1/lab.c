/*
 * lab.c - see lib/lab.h: the machine meets an exercise that nobody has solved yet
 *
 * Owns: such an end of the Type 1.  Must not know: exercises.
 */
#include "lib/lab.h"

#include "host.h"
#include "type1/console.h"
#include "type1/power.h"
#include "x86_ops.h"

void lab_todo_at(const char *id, const char *folder, const char *file, int line,
		 const char *function)
{
	x86_cli();
	console_panic(); /* whoever holds the console's lock may be us */
	console_printf("espejo: " LAB_TODO_FORMAT, id, file, line, function, folder);
	host_exit(LAB_STATUS);
}
