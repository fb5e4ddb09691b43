/*
 * words.h - words, numbers and names in what people type and files say
 *
 * Owns: how a line is cut into words, and what counts as a number or a name: one rule for the
 * shell, scripts and command lines.
 * Must not know: what any word means; no hardware, so that it runs in a host test as well.
 */
#ifndef ESPEJO_TYPE1_WORDS_H
#define ESPEJO_TYPE1_WORDS_H

#include "compiler.h"

#define WORDS_MAX 16
#define WORDS_NAME_MAX 16 /* with its end */
#define WORDS_NAME_RULE "1 to 15 letters, digits, '.', '-' or '_', and no number"

/* Split text into words in place; "quoted words" may have spaces and \n \r \" \\.  Their number,
 * or -1: too many, or a quote is open. */
int words_split(char *text, char *words[WORDS_MAX]);

/*
 * The number at *text, which is moved behind it: decimal, or hexadecimal in small letters behind
 * 0x.  False: there is none, or it is beyond 64 bits.
 */
bool words_take_number(const char **text, u64 *value);
/* The same, and nothing is behind it. */
bool words_number(const char *text, u64 *value);

/* Is it a name: WORDS_NAME_RULE?  Such a one can be typed and prefixed without harm. */
bool words_is_name(const char *text);

#endif
