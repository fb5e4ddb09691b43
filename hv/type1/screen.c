/* screen.c - see screen.h */
#include "type1/screen.h"

#include "lib/string.h"
#include "type1/font.h"
#include "type1/layout.h"
#include "x86_ops.h"

#define VGA_TEXT 0xb8000
#define VGA_COLUMNS 80
#define VGA_ROWS 25
#define VGA_COLOUR 0x0700 /* light grey on black */
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f

#define MAX_COLUMNS 160
#define MAX_ROWS 100
#define CELL_WIDTH (FONT_WIDTH + 1)
#define CELL_HEIGHT (FONT_HEIGHT + 3)
#define ESCAPE 0x1b
#define TAB_STOP 8

static struct {
	unsigned columns, rows, column, row;
	u16 *text; /* VGA's memory, or NULL */
	u8 *pixels; /* framebuffer, or NULL */
	u32 pitch;
	unsigned pixel_bytes, scale;
	u32 white;
	u8 escape; /* 1: ESC was seen, 2: its parameters */
	/* What is shown, as VGA's memory has it: reading it back from the card is slow. */
	u16 cell[MAX_ROWS * MAX_COLUMNS];
} screen;

static void blank(u16 *cell, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		cell[i] = VGA_COLOUR | ' ';
}

/* What is on the screen: the card takes wide stores as well. */
static void show_all(void)
{
	memcpy(screen.text, screen.cell, VGA_COLUMNS * VGA_ROWS * sizeof(*screen.cell));
}

void screen_init_text(void)
{
	screen.text = (u16 *)(DIRECT_BASE + VGA_TEXT);
	screen.columns = VGA_COLUMNS;
	screen.rows = VGA_ROWS;
	blank(screen.cell, ARRAY_SIZE(screen.cell));
	show_all();
}

bool screen_init_framebuffer(const struct screen_framebuffer *fb, void *memory)
{
	if (fb->bits != 16 && fb->bits != 24 && fb->bits != 32)
		return false;
	if (fb->width < CELL_WIDTH || fb->height < CELL_HEIGHT)
		return false;
	screen.scale = fb->width >= 2 * VGA_COLUMNS * CELL_WIDTH ? 2 : 1;
	screen.pixels = memory;
	screen.text = NULL;
	screen.pitch = fb->pitch;
	screen.pixel_bytes = fb->bits / 8;
	screen.columns = MIN(fb->width / (CELL_WIDTH * screen.scale), MAX_COLUMNS);
	screen.rows = MIN(fb->height / (CELL_HEIGHT * screen.scale), MAX_ROWS);
	screen.white = (u32)(BITS(fb->red_bits - 1, 0) << fb->red_shift |
			     BITS(fb->green_bits - 1, 0) << fb->green_shift |
			     BITS(fb->blue_bits - 1, 0) << fb->blue_shift);
	screen.column = screen.row = 0;
	blank(screen.cell, ARRAY_SIZE(screen.cell));
	for (u32 y = 0; y < fb->height; y++)
		memset(screen.pixels + (u64)y * fb->pitch, 0, fb->width * screen.pixel_bytes);
	return true;
}

static void pixel(u8 *at, bool on)
{
	u32 colour = on ? screen.white : 0;

	memcpy(at, &colour, screen.pixel_bytes);
}

static void paint(unsigned row, unsigned column, char c)
{
	unsigned scale = screen.scale;

	for (unsigned y = 0; y < CELL_HEIGHT * scale; y++) {
		u8 bits = y / scale < FONT_HEIGHT ? font_row(c, y / scale) : 0;
		u8 *at = screen.pixels + (u64)(row * CELL_HEIGHT * scale + y) * screen.pitch +
			 (u64)column * CELL_WIDTH * scale * screen.pixel_bytes;

		/* The leftmost pixel is the highest bit; the last column is a gap. */
		for (unsigned x = 0; x < CELL_WIDTH * scale; x++, at += screen.pixel_bytes)
			pixel(at, bits << 1 >> (FONT_WIDTH - x / scale) & 1);
	}
}

static void set(unsigned row, unsigned column, char c)
{
	unsigned at = row * screen.columns + column;
	u16 cell = VGA_COLOUR | (u8)c;

	if (screen.cell[at] == cell)
		return;
	screen.cell[at] = cell;
	if (screen.text)
		WRITE_ONCE(screen.text[at], cell);
	else
		paint(row, column, c);
}

static void scroll_text(void)
{
	unsigned kept = VGA_COLUMNS * (VGA_ROWS - 1);

	memmove(screen.cell, screen.cell + VGA_COLUMNS, kept * sizeof(*screen.cell));
	blank(screen.cell + kept, VGA_COLUMNS);
	show_all();
}

/* To paint a character takes long: only those that change. */
static void scroll_pixels(void)
{
	unsigned last = screen.rows - 1;

	for (unsigned row = 0; row <= last; row++)
		for (unsigned column = 0; column < screen.columns; column++)
			set(row, column,
			    row < last ? (char)screen.cell[(row + 1) * screen.columns + column] :
					 ' ');
}

static void newline(void)
{
	screen.column = 0;
	if (screen.row + 1 < screen.rows)
		screen.row++;
	else if (screen.text)
		scroll_text();
	else
		scroll_pixels();
}

static void show_cursor(void)
{
	unsigned at = screen.row * VGA_COLUMNS + screen.column;

	if (!screen.text)
		return;
	x86_outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
	x86_outb(CRTC_DATA, (u8)(at >> 8));
	x86_outb(CRTC_INDEX, CRTC_CURSOR_LOW);
	x86_outb(CRTC_DATA, (u8)at);
}

static void put_printable(char c)
{
	if (screen.column == screen.columns)
		newline();
	set(screen.row, screen.column++, c);
}

/* Guests colour their text: escape sequences are swallowed, for there is one colour here. */
static bool in_escape(char c)
{
	bool inside = screen.escape || c == ESCAPE;

	if (c == ESCAPE)
		screen.escape = 1;
	else if (screen.escape == 1)
		screen.escape = c == '[' ? 2 : 0;
	else if (screen.escape && c >= '@' && c <= '~')
		screen.escape = 0;
	return inside;
}

void screen_put(char c)
{
	if (!screen.columns || in_escape(c))
		return;
	if (c == '\n')
		newline();
	else if (c == '\r')
		screen.column = 0;
	else if (c == '\b' && screen.column)
		screen.column--;
	else if (c == '\t')
		do
			put_printable(' ');
		while (screen.column % TAB_STOP);
	else if (c >= ' ' && c <= '~')
		put_printable(c);
	show_cursor();
}
