/*
 * fmt.h - formatted text, the subset of printf that is used here
 *
 * Conversions: %d %i %u %x %X %o %c %s %p %%, flags '-' '0' '+' ' ' '#', width and
 * precision (numbers or *), lengths hh h l ll z j t.  No floating point.
 * Anything else is printed as it stands.
 */
#ifndef ESPEJO_LIB_FMT_H
#define ESPEJO_LIB_FMT_H

#include <stdarg.h>

#include "compiler.h"

/* Called with the text in pieces, in order. */
struct fmt_sink {
	void (*put)(struct fmt_sink *sink, const char *text, size_t len);
};

/* Returns the number of bytes put. */
size_t fmt_vput(struct fmt_sink *sink, const char *format, va_list args);

/*
 * Format into buf[size], always terminated if size > 0.  Returns the length
 * that the whole text has, which is >= size when it was cut (as C's snprintf).
 */
size_t fmt_vstring(char *buf, size_t size, const char *format, va_list args);
size_t fmt_string(char *buf, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

/* The byte that two hexadecimal digits at text, of any case, stand for; -1: there are none. */
int fmt_hex_byte(const char *text);

#endif
