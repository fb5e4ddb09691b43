/*
 * lines.h - a serial line and the lines of a screen on one console
 *
 * Owns: that whole lines of the one do not get into the middle of a line of the other.
 * Must not know: devices, consoles.
 *
 * Bytes pass at once.  A line that comes while one of bytes is not at its end is held back until it
 * is; or, if that takes LINES_PATIENCE (a prompt), or too many wait, until the unfinished line has
 * been broken.
 */
#ifndef ESPEJO_DEV_LINES_H
#define ESPEJO_DEV_LINES_H

#include "dev/bus.h"

#define LINES_HELD 4096
#define LINES_PATIENCE 200000000ull /* ns of the machine's clock */

struct lines {
	void (*out)(void *ctx, const char *text, size_t len);
	void *ctx;
	struct alarm patience;
	bool inside; /* the last byte did not end a line */
	size_t held_len;
	char held[LINES_HELD];
};

void lines_init(struct lines *l, struct bus *bus,
		void (*out)(void *ctx, const char *text, size_t len), void *ctx);
/* A byte of the serial line. */
void lines_byte(struct lines *l, u8 byte);
/* A line of the screen, its newline included; at most LINES_HELD bytes. */
void lines_line(struct lines *l, const char *text, size_t len);
/* What is held, now: the machine is at its end. */
void lines_flush(struct lines *l);

#endif
