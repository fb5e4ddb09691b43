/*
 * string.h - the five functions of <string.h> that freestanding code needs
 *
 * The C standard's contracts; the compiler may emit calls to the first four.
 * Hosted code (the unit tests) gets the C library's.
 */
#ifndef ESPEJO_LIB_STRING_H
#define ESPEJO_LIB_STRING_H

#include "types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

#endif
