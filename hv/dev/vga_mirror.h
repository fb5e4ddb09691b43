/*
 * vga_mirror.h - a text screen that changes, as a stream of lines
 *
 * Owns: what of a screen has been told, and when a row is worth telling.
 * Must not know: registers, memory, where lines go.
 *
 * A screen is no stream: rows scroll, are rewritten, are half written when one looks.  The rules:
 *   - A row is told when the cursor stands below it and there was nothing told at that place, or
 *     when it has been the same for VGA_MIRROR_SETTLE (a prompt, a menu), or when it scrolls away.
 *   - The row of the cursor goes on: a prompt that was told is told again with what was typed.
 *   - Another row is told again after it changed and has settled: not counters that run and
 *     wheels that turn.
 *   - What moves up is recognised: the least number of rows by which everything told fits.  If
 *     nothing fits, the guest may be in the middle of copying: a few more looks shortly after.
 *   - Rows without a letter are never told.  What scrolls through between two looks is lost, and so
 *     is a line that equals the one before it, when nothing but such lines moves.
 * The same screens at the same times always make the same lines.
 */
#ifndef ESPEJO_DEV_VGA_MIRROR_H
#define ESPEJO_DEV_VGA_MIRROR_H

#include "compiler.h"

#define VGA_MIRROR_ROWS 60
#define VGA_MIRROR_COLUMNS 80 /* what is further right is not mirrored */
#define VGA_MIRROR_SETTLE 400000000ull /* ns */
#define VGA_MIRROR_AGAIN 1000000ull /* ns to the next look at a screen that fits nothing */
#define VGA_MIRROR_TRIES 3

struct vga_screen {
	unsigned rows, columns; /* at most what is mirrored */
	int cursor; /* its row; -1: none in sight */
	u8 cell[VGA_MIRROR_ROWS][VGA_MIRROR_COLUMNS]; /* printable ASCII; blank beyond columns */
};

struct vga_mirror {
	void (*line)(void *ctx, const char *text, size_t len); /* without a newline, never empty */
	void *ctx;
	struct vga_screen shown; /* as looked at last */
	u8 told[VGA_MIRROR_ROWS]; /* enum told of vga_mirror.c */
	u64 since[VGA_MIRROR_ROWS]; /* when the row became what it is */
	u8 tries;
	struct vga_screen next; /* for whoever calls vga_mirror_look to fill in */
};

/* An empty screen. */
void vga_mirror_init(struct vga_mirror *m, void (*line)(void *ctx, const char *text, size_t len),
		     void *ctx);

/*
 * The screen is m->next now (ns).  Tells the lines that are due; all that were not told, if last.
 * When to look again even if nothing is written; 0: no need.
 */
u64 vga_mirror_look(struct vga_mirror *m, u64 now, bool last);

/* A character of code page 437, as ASCII that resembles it. */
u8 vga_mirror_ascii(u8 c);

#endif
