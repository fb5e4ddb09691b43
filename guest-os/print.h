/* print.h - text for the reader of the console; see print.c */
#ifndef GUEST_OS_PRINT_H
#define GUEST_OS_PRINT_H

#include "compiler.h"

/* Formatted text (lib/fmt.h) on the console. */
void print(const char *format, ...) PRINTF_LIKE(1, 2);

/* Whether everything also goes to the second console (virtio_console.h). */
void print_mirror(bool mirror);

/* A bug of this kernel, or a machine it can not run on: say so and stop the machine. */
#define panic(...) print_panic(__FILE__, __LINE__, __VA_ARGS__)
NORETURN void print_panic(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
