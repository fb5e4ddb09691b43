/*
 * cfunc.h - finds a function's definition in the text of a C file
 *
 * Owns: a scanner that knows comments, literals, preprocessor lines and nesting.
 * Must not know: what is done with the function (mutate.c, mkskel.c).
 * It relies on the house style: a definition starts in the first column.
 */
#ifndef ESPEJO_TOOLS_CFUNC_H
#define ESPEJO_TOOLS_CFUNC_H

#include <stdbool.h>
#include <stddef.h>

/* Offsets into the text. */
struct cfunc {
	size_t start;  /* first byte of the signature (its first line) */
	size_t params; /* the '(' of the parameter list */
	size_t body;   /* the '{' */
	size_t end;    /* just after the closing '}' */
};

/*
 * Finds the one definition of the function NAME.  Returns the number of
 * definitions found; f is that of the first and valid if the result is not 0.
 */
size_t cfunc_find(const char *text, const char *name, struct cfunc *f);

/*
 * The next definition of any function at or after offset `from`; its name goes
 * to name[size].  Returns false when there is none.
 */
bool cfunc_next(const char *text, size_t from, struct cfunc *f, char *name, size_t size);

/*
 * The offset just after the token at text[at]: a whole comment, literal,
 * preprocessor line (if at starts a line), identifier, or one other byte.
 */
size_t cfunc_skip(const char *text, size_t at);

/* Whether the token at text[at] is white space, a comment or a preprocessor line. */
bool cfunc_is_blank(const char *text, size_t at);

/* Reads a whole file, terminated by 0; NULL with errno when that fails. */
char *cfunc_read(const char *path);

#endif
