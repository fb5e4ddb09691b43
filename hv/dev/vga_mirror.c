/* vga_mirror.c - see vga_mirror.h; pure, tested on the host */
#include "dev/vga_mirror.h"

#include "lib/string.h"

enum told {
	NEW, /* nothing was told at its place */
	CHANGED, /* something else was */
	TOLD,
};

#define ROW VGA_MIRROR_COLUMNS

u8 vga_mirror_ascii(u8 c)
{
	/* Accents fall, frames become lines, shades become marks. */
	static const char high[8][17] = {
		"CueaaaaceeeiiiAA", "EaAooouuyOUcLYPf", "aiounNao?--24!<>", "###|++++++|+++++",
		"++++-++++++++=++", "+++++++++++#_||^", "aBGpSsutFTOdofen", "=+><()/=o..Vn2# ",
	};

	if (c < 0x20)
		return c ? '.' : ' ';
	if (c == 0x7f)
		return '.';
	return c < 0x80 ? c : (u8)high[c >> 4 & 7][c & 15];
}

static bool same(const u8 *a, const u8 *b)
{
	return !memcmp(a, b, ROW);
}

static bool blank(const u8 *row)
{
	for (unsigned i = 0; i < ROW; i++)
		if (row[i] != ' ')
			return false;
	return true;
}

void vga_mirror_init(struct vga_mirror *m, void (*line)(void *ctx, const char *text, size_t len),
		     void *ctx)
{
	memset(m, 0, sizeof(*m));
	m->line = line;
	m->ctx = ctx;
	memset(m->shown.cell, ' ', sizeof(m->shown.cell));
	m->shown.cursor = -1;
}

static void tell(struct vga_mirror *m, const u8 *row)
{
	size_t len = ROW;

	while (len && row[len - 1] == ' ')
		len--;
	if (len && m->line)
		m->line(m->ctx, (const char *)row, len);
}

/* How the screen looks if it moved up by some rows. */
struct fit {
	unsigned equal; /* rows with text that are as they were */
	unsigned broken; /* told ones that are not, but for the one where the cursor was */
};

static struct fit fit(const struct vga_mirror *m, unsigned moved)
{
	struct fit f = { 0, 0 };

	for (unsigned i = 0; i + moved < m->shown.rows; i++) {
		const u8 *old = m->shown.cell[i + moved];

		if (blank(old))
			continue;
		if (same(old, m->next.cell[i]))
			f.equal++;
		else if (m->told[i + moved] == TOLD && (int)(i + moved) != m->shown.cursor)
			f.broken++;
	}
	return f;
}

static bool covers_most(const struct vga_mirror *m, const struct fit *f)
{
	return 4 * f->equal >= m->shown.rows;
}

/* By how many rows it moved up.  False: nothing fits. */
static bool find_move(const struct vga_mirror *m, unsigned *moved)
{
	struct fit f;

	for (*moved = 0; *moved < m->shown.rows; ++*moved) {
		f = fit(m, *moved);
		if (!f.broken && (f.equal || !*moved))
			return true;
	}
	/* A full screen that has nothing in common with the last one ran through. */
	f = fit(m, 0);
	*moved = covers_most(m, &f) || m->next.cursor + 1 < (int)m->next.rows ? 0 : m->shown.rows;
	return false;
}

/* Rows that left at the top, and were not told. */
static void tell_lost(struct vga_mirror *m, unsigned moved)
{
	for (unsigned i = 0; i < moved; i++)
		if (m->told[i] != TOLD)
			tell(m, m->shown.cell[i]);
}

/* The row of the cursor goes on: what was told of it, because it had settled, was a part. */
static u8 new_state(const struct vga_mirror *m, unsigned from, const u8 *row)
{
	bool was_blank = blank(m->shown.cell[from]);

	if (same(m->shown.cell[from], row))
		return m->told[from];
	if ((int)from == m->shown.cursor || was_blank || blank(row))
		return NEW;
	return m->told[from] == NEW ? NEW : CHANGED;
}

/* The screen that was looked at becomes the one that is shown. */
static void take(struct vga_mirror *m, unsigned moved, u64 now)
{
	for (unsigned i = 0; i < m->next.rows; i++) {
		unsigned from = i + moved;
		bool kept = from < m->shown.rows && same(m->shown.cell[from], m->next.cell[i]);

		m->told[i] = from < m->shown.rows ? new_state(m, from, m->next.cell[i]) : NEW;
		m->since[i] = kept ? m->since[from] : now;
	}
	m->shown = m->next;
}

static void resize(struct vga_mirror *m)
{
	tell_lost(m, m->shown.rows);
	memset(m->shown.cell, ' ', sizeof(m->shown.cell));
	memset(m->told, NEW, sizeof(m->told));
	m->shown.rows = m->next.rows;
	m->shown.columns = m->next.columns;
}

u64 vga_mirror_look(struct vga_mirror *m, u64 now, bool last)
{
	unsigned moved = 0;
	u64 again = 0;

	if (m->next.rows != m->shown.rows || m->next.columns != m->shown.columns)
		resize(m);
	if (!find_move(m, &moved) && !last && m->tries++ < VGA_MIRROR_TRIES)
		return now + VGA_MIRROR_AGAIN;
	m->tries = 0;
	tell_lost(m, moved);
	take(m, moved, now);
	for (unsigned i = 0; i < m->shown.rows; i++) {
		u64 settled = m->since[i] + VGA_MIRROR_SETTLE;

		if (m->told[i] == TOLD || blank(m->shown.cell[i]))
			continue;
		if (last || settled <= now || (m->told[i] == NEW && (int)i < m->shown.cursor)) {
			tell(m, m->shown.cell[i]);
			m->told[i] = TOLD;
		} else if (!again || settled < again) {
			again = settled;
		}
	}
	return again;
}
