/*
 * vga_screen.c - when to look at the text screen, and what is on it
 *
 * Owns: the watching of the window, the clock that a write starts, the screen as the CRTC would
 * show it.
 * Must not know: which lines to tell (vga_mirror.c).
 */
#include "dev/vga_parts.h"

#include "lib/string.h"

#define RETRY 1000000ull /* ns, until another CPU has left the guest */
#define LINES_UNSEEN_MAX 10 /* who writes more at once does not get away with it */

static void set_window(struct vga *vga, enum vga_window state)
{
	if (vga->window == state)
		return;
	vga->window = (u8)state;
	vga->ops->window(vga->ctx, state);
}

void vga_screen_window(struct vga *vga)
{
	if (!vga_memory_is_plain(vga))
		set_window(vga, VGA_WINDOW_CLOSED);
	else if (vga->window == VGA_WINDOW_CLOSED)
		set_window(vga, VGA_WINDOW_WATCHED);
}

void vga_screen_changed(struct vga *vga)
{
	u64 when = vga->bus->now(vga->bus) + VGA_PERIOD;

	if (!vga->look.armed || vga->look.when_ns > when)
		bus_alarm_set(&vga->look, when);
}

void vga_written(struct vga *vga)
{
	if (vga->window == VGA_WINDOW_WATCHED)
		set_window(vga, VGA_WINDOW_OPEN);
	vga_screen_changed(vga);
}

static unsigned crtc16(const struct vga *vga, unsigned high, unsigned low)
{
	return (unsigned)vga->reg.crtc[high] << 8 | vga->reg.crtc[low];
}

static unsigned pitch_of(const struct vga *vga)
{
	return vga->reg.crtc[CRTC_OFFSET] * 2u; /* characters from one row to the next */
}

/* Scan lines of the screen by those of a character. */
static unsigned screen_rows(const struct vga *vga)
{
	unsigned overflow = vga->reg.crtc[CRTC_OVERFLOW];
	unsigned lines = vga->reg.crtc[CRTC_DISPLAY_END] | (overflow >> 1 & 1) << 8 |
			 (overflow >> 6 & 1) << 9;
	unsigned twice = vga->reg.crtc[CRTC_SCAN_LINES] >> 7;
	unsigned rows = (lines + 1) / ((vga->reg.crtc[CRTC_SCAN_LINES] & 0x1fu) + 1) >> twice;

	return MIN(rows, VGA_MIRROR_ROWS);
}

/* Addresses count characters, each two bytes of text memory. */
static void read_screen(struct vga *vga)
{
	struct vga_screen *s = &vga->mirror.next;
	unsigned pitch = pitch_of(vga);
	unsigned start = crtc16(vga, CRTC_START_HIGH, CRTC_START_LOW);
	unsigned cursor = crtc16(vga, CRTC_CURSOR_HIGH, CRTC_CURSOR_LOW);

	s->rows = screen_rows(vga);
	s->columns = MIN(vga->reg.crtc[CRTC_DISPLAY_COLUMNS] + 1u, VGA_MIRROR_COLUMNS);
	s->cursor = -1;
	if (!(vga->reg.crtc[CRTC_CURSOR_START] & CRTC_CURSOR_OFF) && pitch && cursor >= start &&
	    (cursor - start) / pitch < s->rows)
		s->cursor = (int)((cursor - start) / pitch);
	memset(s->cell, ' ', sizeof(s->cell));
	for (unsigned row = 0; row < s->rows; row++) {
		for (unsigned column = 0; column < s->columns; column++) {
			unsigned at = (start + row * pitch + column) * 2 & (VGA_PLANE - 1);

			s->cell[row][column] = vga_mirror_ascii(READ_ONCE(vga->memory[at]));
		}
	}
}

static u64 look(struct vga *vga, bool last)
{
	if (vga->reg.graphics[GFX_MISC] & GFX_MISC_GRAPHICS)
		return 0;
	read_screen(vga);
	return vga_mirror_look(&vga->mirror, vga->bus->now(vga->bus), last);
}

void vga_screen_look(void *dev)
{
	struct vga *vga = dev;
	u64 again = vga->bus->now(vga->bus) + RETRY;

	if (vga->window == VGA_WINDOW_OPEN)
		set_window(vga, VGA_WINDOW_WATCHED);
	if (vga->window == VGA_WINDOW_CLOSED || vga->ops->settled(vga->ctx)) {
		vga->lines = 0;
		again = look(vga, false);
	}
	if (again)
		bus_alarm_set(&vga->look, again);
}

/* Rows that the cursor went forward; one if it did not, as when the last row has scrolled up. */
static unsigned lines_between(unsigned from, unsigned to, unsigned pitch)
{
	if (to / pitch == from / pitch)
		return to <= from;
	return to > from ? (to - from) / pitch + 1 : 0;
}

void vga_screen_cursor(struct vga *vga)
{
	unsigned at = crtc16(vga, CRTC_CURSOR_HIGH, CRTC_CURSOR_LOW), pitch = pitch_of(vga);
	u64 again;

	if (pitch)
		vga->lines += lines_between(vga->cursor, at, pitch);
	vga->cursor = at;
	if (vga->lines < LINES_UNSEEN_MAX)
		return;
	vga->lines = 0;
	again = look(vga, false);
	if (again && (!vga->look.armed || vga->look.when_ns > again))
		bus_alarm_set(&vga->look, again);
}

void vga_finish(struct vga *vga)
{
	look(vga, true);
}
