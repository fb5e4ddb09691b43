/*
 * screen.h - text on the machine's screen
 *
 * Owns: a grid of characters, on VGA text memory or painted into a framebuffer.
 * Must not know: what the text is.
 */
#ifndef ESPEJO_TYPE1_SCREEN_H
#define ESPEJO_TYPE1_SCREEN_H

#include "compiler.h"

/* A linear framebuffer, as the loader describes it. */
struct screen_framebuffer {
	u64 address; /* physical */
	u32 pitch, width, height; /* bytes from line to line; pixels */
	u8 bits; /* of a pixel: 16, 24 or 32 */
	u8 red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

/* VGA text mode, 80 by 25, at 0xb8000. */
void screen_init_text(void);

/*
 * Paint into memory, which maps the whole framebuffer.  False: a format we cannot paint, or
 * smaller than one character.
 */
bool screen_init_framebuffer(const struct screen_framebuffer *fb, void *memory);

/* Printable ASCII, '\n', '\r', '\t' and '\b'; the rest is dropped.  Nothing without an init. */
void screen_put(char c);

#endif
