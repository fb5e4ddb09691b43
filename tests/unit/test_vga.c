/*
 * test_vga.c - the VGA: its registers, its planes, and its screen told as lines
 *
 * Owns: dev/vga*.c on a bare bus.  First what is out of range, then what software does.
 */
#include "machine.h"

#include "dev/section.h"
#include "dev/vga.h"

void test_vga_register(void);

static struct machine m;
static struct vga vga;
static u8 *memory;

/* What the device asked for, and what it told. */
static struct {
	enum vga_window window;
	unsigned windows; /* changes */
	bool settled;
	unsigned settled_asked;
	char text[65536];
	size_t len;
} seen;

static void set_window(void *ctx UNUSED, enum vga_window state)
{
	seen.window = state;
	seen.windows++;
}

static bool is_settled(void *ctx UNUSED)
{
	seen.settled_asked++;
	return seen.settled;
}

static void add_line(void *ctx UNUSED, const char *text, size_t len)
{
	CU_ASSERT(len > sizeof(VGA_MARK) && len <= sizeof(VGA_MARK) + VGA_MIRROR_COLUMNS);
	CU_ASSERT_EQUAL(memcmp(text, VGA_MARK, sizeof(VGA_MARK) - 1), 0);
	CU_ASSERT_EQUAL(text[len - 1], '\n');
	CU_ASSERT_FATAL(seen.len + len < sizeof(seen.text));
	memcpy(seen.text + seen.len, text + sizeof(VGA_MARK) - 1, len - (sizeof(VGA_MARK) - 1));
	seen.len += len - (sizeof(VGA_MARK) - 1);
	seen.text[seen.len] = '\0';
}

static const struct vga_ops ops = { set_window, is_settled, add_line };

static void start(void)
{
	machine_init(&m);
	memset(&seen, 0, sizeof(seen));
	seen.settled = true;
	memory = aligned_alloc(PAGE_SIZE, VGA_MEMORY);
	memset(memory, 0, VGA_MEMORY);
	vga_init(&vga, &m.bus, memory, &ops, NULL);
}

static void start_text(void)
{
	start();
	vga_after_firmware(&vga);
	machine_run(&m, S); /* the blank screen has been looked at */
	seen.windows = 0;
	seen.len = 0;
	seen.text[0] = '\0';
}

static void finish(void)
{
	free(memory);
}

static void out(u16 port, u8 value)
{
	bus_out(&m.bus, port, 1, value);
}

static u8 in(u16 port)
{
	return (u8)bus_in(&m.bus, port, 1);
}

static void set(u16 port, u8 index, u8 value)
{
	out(port, index);
	out(port + 1, value);
}

static u8 get(u16 port, u8 index)
{
	out(port, index);
	return in(port + 1);
}

#define SEQ 0x3c4
#define GFX 0x3ce
#define CRTC 0x3d4

static u64 rd(u64 at, unsigned size)
{
	const struct mmio_range *r = bus_mmio_find(&m.bus, gpa(at));

	return r->read(r->dev, at - r->base.v, size);
}

static void wr(u64 at, unsigned size, u64 value)
{
	const struct mmio_range *r = bus_mmio_find(&m.bus, gpa(at));

	r->write(r->dev, at - r->base.v, size, value);
}

static void forget(void)
{
	seen.len = 0;
	seen.text[0] = '\0';
}

static bool told(const char *text)
{
	bool same = !strcmp(seen.text, text);

	if (!same)
		printf("\n  wanted \"%s\"\n  got    \"%s\"", text, seen.text);
	forget();
	return same;
}

/* ---- Registers ---------------------------------------------------------------------------- */

static void test_absent_registers(void)
{
	static const struct {
		u16 port;
		unsigned first, last;
	} absent[] = { { SEQ, 5, 255 }, { CRTC, 25, 63 }, { GFX, 9, 15 } };

	start_text();
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++)
		for (unsigned n = absent[i].first; n <= absent[i].last; n++) {
			if (absent[i].port == SEQ && (n & 7) < 5)
				continue;
			set(absent[i].port, (u8)n, 0xff);
			CU_ASSERT_EQUAL(get(absent[i].port, (u8)n), 0);
		}
	in(0x3da);
	for (unsigned n = 21; n < 32; n++) {
		out(0x3c0, (u8)n);
		out(0x3c0, 0xff);
		out(0x3c0, (u8)n);
		CU_ASSERT_EQUAL(in(0x3c1), 0);
		in(0x3da);
	}
	/* The other place of the CRTC floats, and swallows. */
	CU_ASSERT_EQUAL(in(0x3b4), 0xff);
	CU_ASSERT_EQUAL(in(0x3ba), 0xff);
	set(0x3b4, 0x0c, 0x12);
	CU_ASSERT_EQUAL(get(CRTC, 0x0c), 0);
	CU_ASSERT_EQUAL(in(0x3cb), 0xff);
	out(0x3c2, 0x66); /* mono */
	CU_ASSERT_EQUAL(in(CRTC), 0xff);
	CU_ASSERT_EQUAL(in(0x3da), 0xff);
	CU_ASSERT_EQUAL(get(0x3b4, 0x01), 0x4f);
	finish();
}

static void test_registers(void)
{
	start_text();
	CU_ASSERT_EQUAL(in(0x3cc), 0x67);
	CU_ASSERT_EQUAL(get(CRTC, 0x13), 0x28);
	CU_ASSERT_EQUAL(get(GFX, 0x06), 0x0e);
	/* Words write index and data, as drivers do. */
	bus_out(&m.bus, CRTC, 2, 0x340e);
	bus_out(&m.bus, CRTC, 2, 0x120f);
	CU_ASSERT_EQUAL(get(CRTC, 0x0e), 0x34);
	CU_ASSERT_EQUAL(bus_in(&m.bus, CRTC, 2), 0x340e);
	/* The first eight are protected by bit 7 of 0x11, but for one bit. */
	CU_ASSERT_EQUAL(get(CRTC, 0x11), 0x8e);
	set(CRTC, 0x00, 0x11);
	CU_ASSERT_EQUAL(get(CRTC, 0x00), 0x5f);
	set(CRTC, 0x07, 0x00);
	CU_ASSERT_EQUAL(get(CRTC, 0x07), 0x0f);
	set(CRTC, 0x11, 0x0e);
	set(CRTC, 0x00, 0x11);
	CU_ASSERT_EQUAL(get(CRTC, 0x00), 0x11);
	/* Bits that do not exist. */
	set(SEQ, 2, 0xff);
	CU_ASSERT_EQUAL(get(SEQ, 2), 0x0f);
	set(GFX, 5, 0xff);
	CU_ASSERT_EQUAL(get(GFX, 5), 0x7b);
	finish();
}

static void test_attribute(void)
{
	start_text();
	in(0x3da); /* the next write is an index */
	out(0x3c0, 0x13);
	out(0x3c0, 0x05);
	out(0x3c0, 0x33);
	CU_ASSERT_EQUAL(in(0x3c0), 0x33);
	CU_ASSERT_EQUAL(in(0x3c1), 0x05);
	out(0x3c0, 0x07); /* data: and 0x3da makes the next an index again */
	CU_ASSERT_EQUAL(in(0x3c1), 0x07);
	out(0x3c0, 0x10);
	in(0x3da);
	out(0x3c0, 0x12);
	CU_ASSERT_EQUAL(in(0x3c0), 0x12);
	finish();
}

static void test_dac(void)
{
	start_text();
	CU_ASSERT_EQUAL(in(0x3c6), 0xff);
	out(0x3c8, 254);
	for (unsigned i = 0; i < 9; i++)
		out(0x3c9, (u8)(0xc1 + i)); /* six bits; over the end */
	CU_ASSERT_EQUAL(in(0x3c8), 1);
	CU_ASSERT_EQUAL(in(0x3c7), 0);
	out(0x3c7, 255);
	CU_ASSERT_EQUAL(in(0x3c7), 3);
	CU_ASSERT_EQUAL(in(0x3c9), 4);
	CU_ASSERT_EQUAL(in(0x3c9), 5);
	CU_ASSERT_EQUAL(in(0x3c9), 6);
	CU_ASSERT_EQUAL(in(0x3c9), 7);
	out(0x3c7, 7); /* grey of the palette */
	CU_ASSERT_EQUAL(in(0x3c9), 0x2a);
	finish();
}

/* Retrace comes 70 times a second and ends; waiting for it always ends. */
static void test_status(void)
{
	unsigned begins = 0, shown = 0;
	u8 last = 0;

	start_text();
	for (u64 t = 0; t < S; t += 10 * US) {
		u8 status;

		m.now += 10 * US;
		status = in(0x3da);
		CU_ASSERT_EQUAL(status & ~9, 0);
		CU_ASSERT(!(status & 8) || (status & 1));
		begins += (status & 8) && !(last & 8);
		shown += !(status & 1);
		last = status;
	}
	CU_ASSERT_EQUAL(begins, 70);
	CU_ASSERT(shown > 60000 && shown < 80000); /* 400 of 449 lines, 80 % of each */
	finish();
}

/* ---- Planes --------------------------------------------------------------------------------- */

static void graphics(u8 map)
{
	set(SEQ, 4, 0x06);
	set(SEQ, 2, 0x0f);
	set(GFX, 5, 0);
	set(GFX, 6, (u8)(map << 2 | 1));
}

static void test_not_decoded(void)
{
	static const struct {
		u8 map;
		u64 first, end;
	} maps[] = {
		{ 0, 0xa0000, 0xc0000 },
		{ 1, 0xa0000, 0xb0000 },
		{ 2, 0xb0000, 0xb8000 },
		{ 3, 0xb8000, 0xc0000 },
	};

	start_text();
	for (unsigned i = 0; i < ARRAY_SIZE(maps); i++) {
		graphics(maps[i].map);
		for (u64 at = 0xa0000; at < 0xc0000; at += 0x7ff) {
			bool is = at >= maps[i].first && at < maps[i].end;

			wr(at, 1, 0x5a);
			CU_ASSERT_EQUAL(rd(at, 1), is ? 0x5a : 0xff);
			wr(at, 1, 0);
		}
		CU_ASSERT_EQUAL(rd(maps[i].end - 1, 4) & 0xff, 0); /* over the end */
		wr(maps[i].end - 1, 8, 0);
		wr(0xbffff, 8, ~0ull);
		wr(0xbffff, 8, 0);
	}
	out(0x3c2, 0x65); /* memory off */
	CU_ASSERT_EQUAL(rd(0xb8000, 4), 0xffffffff);
	finish();
}

static void test_map_mask(void)
{
	start_text();
	graphics(1);
	for (u8 mask = 0; mask < 16; mask++) {
		set(SEQ, 2, 0x0f);
		wr(0xa0123, 1, 0);
		set(SEQ, 2, mask);
		wr(0xa0123, 1, 0x99);
		for (u8 plane = 0; plane < 4; plane++) {
			set(GFX, 4, plane);
			CU_ASSERT_EQUAL(rd(0xa0123, 1), mask >> plane & 1 ? 0x99 : 0);
		}
	}
	finish();
}

static u32 planes_at(u64 at)
{
	u32 value = 0;

	set(GFX, 5, 0);
	for (u8 plane = 0; plane < 4; plane++) {
		set(GFX, 4, plane);
		value |= (u32)rd(at, 1) << (8 * plane);
	}
	return value;
}

static void set_planes(u64 at, u32 value)
{
	set(GFX, 1, 0), set(GFX, 3, 0), set(GFX, 5, 0), set(GFX, 8, 0xff);
	for (u8 plane = 0; plane < 4; plane++) {
		set(SEQ, 2, (u8)(1 << plane));
		wr(at, 1, value >> (8 * plane) & 0xff);
	}
	set(SEQ, 2, 0x0f);
}

/* Each write mode against numbers worked out by hand. */
static void test_write_modes(void)
{
	start_text();
	graphics(1);
	set_planes(0xa0000, 0x44332211);
	CU_ASSERT_EQUAL(planes_at(0xa0000), 0x44332211);
	/* 0: rotated right by 4, set/reset in planes 0 and 1, bit mask 0x0f, latches of 0xa0000 */
	set(GFX, 0, 0x05), set(GFX, 1, 0x03), set(GFX, 3, 4), set(GFX, 8, 0x0f);
	rd(0xa0000, 1);
	wr(0xa0001, 1, 0xa5);
	CU_ASSERT_EQUAL(planes_at(0xa0001), 0x4a3a201f);
	/* 1: the latches */
	rd(0xa0000, 1);
	set(GFX, 5, 1);
	wr(0xa0002, 1, 0xff);
	CU_ASSERT_EQUAL(planes_at(0xa0002), 0x44332211);
	/* 2: a colour of four bits, masked */
	set(GFX, 5, 2), set(GFX, 3, 0), set(GFX, 8, 0xf0);
	rd(0xa0000, 1);
	wr(0xa0003, 1, 0x0a);
	CU_ASSERT_EQUAL(planes_at(0xa0003), 0xf403f201);
	/* 3: the byte is a mask on top, set/reset the colour */
	set(GFX, 5, 3), set(GFX, 0, 0x09), set(GFX, 8, 0xff);
	rd(0xa0000, 1);
	set(GFX, 5, 3);
	wr(0xa0004, 1, 0x0f);
	CU_ASSERT_EQUAL(planes_at(0xa0004), 0x4f30201f);
	/* AND, OR, XOR with the latches */
	for (u8 function = 1; function < 4; function++) {
		static const u32 expected[] = { 0, 0x40302010, 0xf4f3f2f1, 0xb4c3d2e1 };

		set(GFX, 1, 0), set(GFX, 5, 0), set(GFX, 3, (u8)(function << 3));
		rd(0xa0000, 1);
		wr(0xa0005, 1, 0xf0);
		CU_ASSERT_EQUAL(planes_at(0xa0005), expected[function]);
	}
	finish();
}

static void test_read_mode_1(void)
{
	start_text();
	graphics(1);
	set_planes(0xa0000, 0x00ff0ff0);
	set(GFX, 5, 8);
	set(GFX, 2, 0x05), set(GFX, 7, 0x0f); /* planes 0 and 2 set, 1 and 3 clear */
	CU_ASSERT_EQUAL(rd(0xa0000, 1), 0xf0);
	set(GFX, 7, 0x04);
	CU_ASSERT_EQUAL(rd(0xa0000, 1), 0xff);
	set(GFX, 2, 0x00);
	CU_ASSERT_EQUAL(rd(0xa0000, 1), 0x00);
	set(GFX, 7, 0x00); /* nothing counts: all equal */
	CU_ASSERT_EQUAL(rd(0xa0000, 1), 0xff);
	finish();
}

/* 320x200 with 256 colours: a byte is a byte. */
static void test_chain4(void)
{
	start_text();
	graphics(1);
	set(SEQ, 4, 0x0e);
	for (u64 at = 0; at < 64000; at += 8)
		wr(0xa0000 + at, 8, at * 0x0101010101010101ull ^ 0x0706050403020100ull);
	for (u64 at = 0; at < 64000; at += 8)
		if (rd(0xa0000 + at, 8) != (at * 0x0101010101010101ull ^ 0x0706050403020100ull))
			CU_FAIL("a byte is another");
	finish();
}

/* A font goes to plane 2 and comes back; the text is not touched. */
static void test_font(void)
{
	start_text();
	memory[0] = 'T';
	set(SEQ, 2, 0x04), set(SEQ, 4, 0x07), set(GFX, 4, 2), set(GFX, 5, 0), set(GFX, 6, 0x04);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_CLOSED);
	for (u64 i = 0; i < 8192; i++)
		wr(0xa0000 + i, 1, (u8)(i * 3));
	for (u64 i = 0; i < 8192; i++)
		if (rd(0xa0000 + i, 1) != (u8)(i * 3))
			CU_FAIL("the font is another");
	set(SEQ, 2, 0x03), set(SEQ, 4, 0x02), set(GFX, 4, 0), set(GFX, 5, 0x10), set(GFX, 6, 0x0e);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_WATCHED);
	CU_ASSERT_EQUAL(rd(0xb8000, 2), 0x0754);
	finish();
}

/* Text through the registers and through the window is one memory. */
static void test_text_is_planes(void)
{
	start_text();
	wr(0xb8000, 4, 0x1f421f41);
	CU_ASSERT_EQUAL(memcmp(memory, "A\x1f" "B\x1f", 4), 0);
	memory[0x7ffe] = 0x33;
	CU_ASSERT_EQUAL(rd(0xbfffe, 1), 0x33);
	graphics(3);
	set(GFX, 4, 0);
	CU_ASSERT_EQUAL(rd(0xb8000, 4), 0x00420041); /* plane 0: characters at even addresses */
	set(GFX, 4, 1);
	CU_ASSERT_EQUAL(rd(0xb8000, 4), 0x001f001f);
	finish();
}

/* ---- The window ------------------------------------------------------------------------------ */

static void test_window_plain(void)
{
	static const struct {
		u16 port;
		u8 index, value;
	} other[] = {
		{ SEQ, 2, 0x01 }, { SEQ, 2, 0x0f }, { SEQ, 4, 0x06 }, { SEQ, 4, 0x0a },
		{ GFX, 1, 0x01 }, { GFX, 3, 0x08 }, { GFX, 4, 0x02 }, { GFX, 5, 0x00 },
		{ GFX, 5, 0x11 }, { GFX, 5, 0x18 }, { GFX, 6, 0x06 }, { GFX, 8, 0x7f },
	};

	start();
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_CLOSED);
	finish();
	start_text();
	for (unsigned i = 0; i < ARRAY_SIZE(other); i++) {
		u8 old = get(other[i].port, other[i].index);

		CU_ASSERT_EQUAL(vga.window, VGA_WINDOW_WATCHED);
		set(other[i].port, other[i].index, other[i].value);
		CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_CLOSED);
		set(other[i].port, other[i].index, old);
		CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_WATCHED);
	}
	out(0x3c2, 0x65);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_CLOSED);
	vga_after_firmware(&vga);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_WATCHED);
	vga_reset(&vga);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_CLOSED);
	finish();
}

/* What the guest stores by itself. */
static void type(unsigned row, unsigned column, const char *text)
{
	if (vga.window == VGA_WINDOW_WATCHED)
		vga_written(&vga);
	for (; *text; text++, column++) {
		memory[(row * 80 + column) * 2] = (u8)*text;
		memory[(row * 80 + column) * 2 + 1] = 7;
	}
}

static void cursor(unsigned row, unsigned column)
{
	set(CRTC, 0x0e, (u8)((row * 80 + column) >> 8));
	set(CRTC, 0x0f, (u8)(row * 80 + column));
}

/* At rest, nothing happens at all; a burst of writes is one exit and one look. */
static void test_cost(void)
{
	unsigned rearms;

	start_text();
	rearms = m.rearms;
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	machine_run(&m, 1000 * S);
	CU_ASSERT_EQUAL(m.rearms, rearms);
	CU_ASSERT_EQUAL(seen.windows, 0);
	type(0, 0, "one");
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_OPEN);
	for (unsigned i = 1; i < 20; i++)
		type(i, 0, "more");
	CU_ASSERT_EQUAL(seen.windows, 1);
	machine_run(&m, 20 * MS);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_WATCHED);
	CU_ASSERT_EQUAL(seen.windows, 2);
	finish();
}

/* Another CPU may still be writing: the screen is looked at when it cannot any more. */
static void test_unsettled(void)
{
	start_text();
	seen.settled = false;
	type(0, 0, "early");
	cursor(5, 0);
	machine_run(&m, 20 * MS);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_WATCHED);
	CU_ASSERT(told(""));
	memcpy(&memory[0], "l\7a\7t\7e\7 \7", 10); /* without an exit */
	seen.settled = true;
	machine_run(&m, 2 * MS);
	CU_ASSERT(told("late\n"));
	finish();
}

/* ---- The mirror ---------------------------------------------------------------------- */

static void scroll(unsigned rows)
{
	if (vga.window == VGA_WINDOW_WATCHED)
		vga_written(&vga);
	memmove(memory, memory + 160 * rows, 160 * (25 - rows));
	for (unsigned i = (25 - rows) * 80; i < 25 * 80; i++)
		memory[2 * i] = ' ';
}

static void pass(void)
{
	machine_run(&m, 21 * MS);
}

/* Strange registers: nothing is read beyond the memory, nothing is told. */
static void test_strange_screens(void)
{
	static const u8 values[] = { 0, 1, 0x1f, 0x7f, 0x80, 0xff };

	start_text();
	set(CRTC, 0x11, 0x0e);
	for (unsigned reg = 0; reg < 25; reg++)
		for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
			set(CRTC, (u8)reg, values[i]);
			wr(0xb8000 + reg * 160, 1, 'x');
			machine_run(&m, 50 * MS);
		}
	srand(5);
	for (unsigned i = 0; i < 3000; i++) {
		set(CRTC, (u8)(rand() % 25), (u8)rand());
		wr(0xb8000 + (u64)(rand() % 32768), 1, (u8)rand());
		machine_run(&m, 25 * MS);
		seen.len = 0;
	}
	vga_after_firmware(&vga);
	machine_run(&m, S);
	forget();
	type(3, 0, "well");
	machine_run(&m, S);
	CU_ASSERT(told("well\n"));
	finish();
}

static void test_lines(void)
{
	start_text();
	type(0, 0, "first line");
	type(1, 0, "  second  ");
	type(2, 0, "not yet");
	cursor(2, 7);
	pass();
	CU_ASSERT(told("first line\n  second\n"));
	type(2, 7, ", now");
	type(3, 0, "prompt> ");
	cursor(3, 8);
	pass();
	CU_ASSERT(told("not yet, now\n"));
	machine_run(&m, 399 * MS);
	CU_ASSERT(told("prompt>\n")); /* nothing happened for a while */
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	type(3, 8, "command");
	type(4, 0, "answer");
	cursor(5, 0);
	pass();
	CU_ASSERT(told("prompt> command\nanswer\n")); /* told again, as it has changed */
	machine_run(&m, 100 * S);
	CU_ASSERT(told(""));
	finish();
}

static void test_scroll(void)
{
	char line[32], all[4096] = "";
	unsigned row = 0;

	start_text();
	for (unsigned i = 0; i < 100; i++) {
		if (row == 24) {
			scroll(1);
			row--;
		}
		sprintf(line, "line %u", i);
		type(row++, 0, line);
		cursor(row, 0);
		strcat(all, line);
		strcat(all, "\n");
		if (i % 7 == 3)
			pass();
	}
	machine_run(&m, S);
	CU_ASSERT(told(all));
	finish();
}

/* A thousand lines at once, the cursor set behind each: none is lost, whatever the clock says. */
static void test_burst(void)
{
	static char all[32768];
	char line[32];
	unsigned row = 0, told_ok = 0;

	start_text();
	all[0] = '\0';
	for (unsigned i = 0; i < 1000; i++) {
		if (row == 24) {
			scroll(1);
			row--;
		}
		sprintf(line, "line number %u", i);
		type(row++, 0, line);
		cursor(row, 0);
		strcat(all, line);
		strcat(all, "\n");
	}
	CU_ASSERT(seen.len > strlen(all) / 2); /* no time has passed */
	machine_run(&m, S);
	told_ok = told(all);
	CU_ASSERT(told_ok);
	finish();
}

/* By moving the start address, as Linux does. */
static void test_scroll_by_start(void)
{
	char line[32], all[4096] = "";

	start_text();
	for (unsigned i = 0; i < 90; i++) {
		sprintf(line, "number %u", i);
		type(i, 0, line);
		strcat(all, line);
		strcat(all, "\n");
		if (i >= 24) {
			set(CRTC, 0x0c, (u8)((i - 23) * 80 >> 8));
			set(CRTC, 0x0d, (u8)((i - 23) * 80));
		}
		cursor(i + 1, 0);
		if (i % 5 == 4)
			pass();
	}
	machine_run(&m, S);
	CU_ASSERT(told(all));
	finish();
}

/* More than a screen between two looks: what is left is told, once. */
static void test_too_fast(void)
{
	char line[32], all[4096] = "";

	start_text();
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 25; i++) {
			memset(line, 0, sizeof(line));
			sprintf(line, "%u-%u", round, i);
			if (i < 24)
				strcat(all, line), strcat(all, "\n");
			type(i, 0, i < 24 ? line : "    ");
		}
		cursor(24, 0);
		machine_run(&m, 40 * MS);
	}
	machine_run(&m, S);
	CU_ASSERT(told(all));
	finish();
}

/* Looked at in the middle of a copy: a moment later it fits. */
static void test_torn(void)
{
	char all[1024] = "", line[16];

	start_text();
	for (unsigned i = 0; i < 24; i++) {
		sprintf(line, "row %02u", i);
		type(i, 0, line);
		strcat(all, line), strcat(all, "\n");
	}
	cursor(24, 0);
	pass();
	CU_ASSERT(told(all));
	vga_written(&vga);
	memmove(memory, memory + 160, 160 * 9); /* half of it */
	machine_run(&m, 20 * MS);
	CU_ASSERT(told(""));
	vga_written(&vga);
	memmove(memory + 160 * 9, memory + 160 * 10, 160 * 15);
	type(23, 0, "row 24");
	pass();
	CU_ASSERT(told("row 24\n"));
	machine_run(&m, S);
	CU_ASSERT(told(""));
	finish();
}

/* A counter and a wheel on a full screen are told when they stand still. */
static void test_counters(void)
{
	char line[16];

	start_text();
	for (unsigned i = 0; i < 20; i++) {
		sprintf(line, "item %u", i);
		type(i, 2, line);
	}
	cursor(24, 79);
	machine_run(&m, S);
	forget();
	for (unsigned i = 0; i < 200; i++) {
		sprintf(line, "%u", i);
		type(5, 20, line);
		machine_run(&m, 100 * MS);
	}
	CU_ASSERT(told(""));
	machine_run(&m, S);
	CU_ASSERT(told("  item 5            199\n"));
	finish();
}

/* A kernel that does not move the cursor, and clears the screen in between. */
static void test_no_cursor(void)
{
	start_text();
	set(CRTC, 0x0a, 0x20);
	type(0, 0, "Hello");
	type(1, 0, "there");
	pass();
	CU_ASSERT(told(""));
	machine_run(&m, S);
	CU_ASSERT(told("Hello\nthere\n"));
	scroll(25);
	type(0, 0, "Anew ");
	machine_run(&m, S);
	CU_ASSERT(told("Anew\n"));
	type(1, 0, "last words");
	vga_finish(&vga);
	CU_ASSERT(told("last words\n"));
	vga_finish(&vga);
	CU_ASSERT(told(""));
	finish();
}

static void test_strange_letters(void)
{
	start_text();
	CU_ASSERT_EQUAL(vga_mirror_ascii(0), ' ');
	for (unsigned c = 0; c < 256; c++)
		CU_ASSERT(vga_mirror_ascii((u8)c) >= 0x20 && vga_mirror_ascii((u8)c) < 0x7f);
	type(0, 0, "\xc9\xcd\xbb \x1b[2J \x81" "ber");
	machine_run(&m, S);
	CU_ASSERT(told("+=+ .[2J uber\n")); /* no escape sequence gets to the console */
	finish();
}

static void test_graphics_tells_nothing(void)
{
	start_text();
	graphics(1);
	for (u64 i = 0; i < 4000; i++)
		wr(0xa0000 + i, 1, 'g');
	machine_run(&m, S);
	vga_finish(&vga);
	CU_ASSERT(told(""));
	finish();
}

/* ---- State ---------------------------------------------------------------------- */

static void save_vga(const void *dev, struct state_buf *buf)
{
	vga_save(dev, buf);
}

static int load_vga(void *dev, struct state_buf *buf)
{
	return vga_load(dev, buf);
}

static void poke(void)
{
	poke_ports(&m, 0x3b0, 0x3df);
	for (u64 at = 0xa0000; at < 0xc0000; at += 0x1234) {
		wr(at, 8, ~0ull);
		rd(at, 8);
	}
	machine_run(&m, 30 * MS);
	seen.len = 0;
}

static void test_state(void)
{
	const struct saved_device d = { &vga.reg,    sizeof(vga.reg), DEVICE_SECTION_VGA, save_vga,
					load_vga, poke };
	struct saved_device whole = d;

	start_text();
	whole.dev = &vga;
	whole.size = sizeof(vga);
	out(0x3c8, 3), out(0x3c9, 1);
	check_truncated(&whole);
	check_corrupt(&whole);
	vga.reg.sequencer[2] = 0x10;
	CU_ASSERT(refuses_itself(&whole));
	vga_after_firmware(&vga);
	vga.reg.dac_part = 3;
	CU_ASSERT(refuses_itself(&whole));
	finish();
}

/* Loading gives the window that the registers want. */
static void test_state_window(void)
{
	u8 data[1024];
	struct state_buf buf = { .data = data, .size = sizeof(data) };
	u32 version, length;

	start_text();
	vga_save(&vga, &buf);
	vga_reset(&vga);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_CLOSED);
	buf = (struct state_buf){ .data = data, .size = buf.at };
	CU_ASSERT_EQUAL(state_next_section(&buf, &version, &length), DEVICE_SECTION_VGA);
	CU_ASSERT_EQUAL(vga_load(&vga, &buf), 0);
	CU_ASSERT_EQUAL(seen.window, VGA_WINDOW_WATCHED);
	CU_ASSERT_EQUAL(get(CRTC, 1), 0x4f);
	finish();
}

void test_vga_register(void)
{
	CU_pSuite suite = CU_add_suite("vga", NULL, NULL);

	CU_add_test(suite, "registers that are not there", test_absent_registers);
	CU_add_test(suite, "addresses that are not decoded", test_not_decoded);
	CU_add_test(suite, "strange screens", test_strange_screens);
	CU_add_test(suite, "registers", test_registers);
	CU_add_test(suite, "attribute controller", test_attribute);
	CU_add_test(suite, "palette", test_dac);
	CU_add_test(suite, "retrace", test_status);
	CU_add_test(suite, "map mask", test_map_mask);
	CU_add_test(suite, "write modes", test_write_modes);
	CU_add_test(suite, "read mode 1", test_read_mode_1);
	CU_add_test(suite, "chain 4", test_chain4);
	CU_add_test(suite, "font", test_font);
	CU_add_test(suite, "text lies in the planes", test_text_is_planes);
	CU_add_test(suite, "when the window is open", test_window_plain);
	CU_add_test(suite, "costs nothing at rest", test_cost);
	CU_add_test(suite, "another CPU still writes", test_unsettled);
	CU_add_test(suite, "lines", test_lines);
	CU_add_test(suite, "scrolling", test_scroll);
	CU_add_test(suite, "many lines at once", test_burst);
	CU_add_test(suite, "scrolling by the start address", test_scroll_by_start);
	CU_add_test(suite, "faster than one can look", test_too_fast);
	CU_add_test(suite, "looked at in the middle of a copy", test_torn);
	CU_add_test(suite, "counters", test_counters);
	CU_add_test(suite, "no cursor, a cleared screen", test_no_cursor);
	CU_add_test(suite, "letters", test_strange_letters);
	CU_add_test(suite, "graphics", test_graphics_tells_nothing);
	CU_add_test(suite, "saved state", test_state);
	CU_add_test(suite, "saved state and the window", test_state_window);
}
