/*
 * font.h - the shapes of printable ASCII, 5 pixels wide and 7 high (and one for descenders)
 *
 * Owns: the shapes, drawn for this project.  Must not know: where they are painted.
 */
#ifndef ESPEJO_TYPE1_FONT_H
#define ESPEJO_TYPE1_FONT_H

#include "types.h"

#define FONT_WIDTH 5
#define FONT_HEIGHT 8

/* One row of c, 0 at the top; bit 4 is the leftmost pixel.  Other bytes show as a box. */
u8 font_row(char c, unsigned row);

#endif
