/*
 * test_lines.c - a serial line and a screen on one console: dev/lines.c
 */
#include "machine.h"

#include "dev/lines.h"

void test_lines_register(void);

static struct machine m;
static struct lines lines;
static char text[65536];

static void out(void *ctx UNUSED, const char *from, size_t len)
{
	strncat(text, from, len);
}

static void start(void)
{
	machine_init(&m);
	text[0] = '\0';
	lines_init(&lines, &m.bus, out, NULL);
}

static void bytes(const char *s)
{
	for (; *s; s++)
		lines_byte(&lines, (u8)*s);
}

static void line(const char *s)
{
	lines_line(&lines, s, strlen(s));
}

static void test_too_many(void)
{
	char wide[100];

	start();
	memset(wide, 'w', sizeof(wide));
	wide[98] = '\n';
	wide[99] = '\0';
	bytes("unfinished");
	for (unsigned i = 0; i < 200; i++)
		line(wide);
	CU_ASSERT_EQUAL(strncmp(text, "unfinished\nwww", 14), 0);
	machine_run(&m, S);
	CU_ASSERT_EQUAL(strlen(text), 11 + 200 * 99);
	CU_ASSERT_PTR_NULL(m.bus.alarms);
}

static void too_long(void *unused UNUSED)
{
	static char s[LINES_HELD + 1];

	start();
	lines_line(&lines, s, sizeof(s));
}

static void test_our_mistake(void)
{
	CU_ASSERT(panics(too_long, NULL));
}

static void test_whole(void)
{
	start();
	line("vga: 1\n");
	bytes("ser");
	line("vga: 2\n");
	line("vga: 3\n");
	CU_ASSERT_STRING_EQUAL(text, "vga: 1\nser");
	bytes("ial\r\nnext");
	CU_ASSERT_STRING_EQUAL(text, "vga: 1\nserial\r\nvga: 2\nvga: 3\nnext");
	CU_ASSERT_PTR_NULL(m.bus.alarms);
	lines_flush(&lines); /* nothing waits: nothing is broken */
	CU_ASSERT_STRING_EQUAL(text, "vga: 1\nserial\r\nvga: 2\nvga: 3\nnext");
}

/* A prompt may stand for ever. */
static void test_patience(void)
{
	start();
	bytes("login: ");
	line("vga: 1\n");
	machine_run(&m, 199 * MS);
	CU_ASSERT_STRING_EQUAL(text, "login: ");
	machine_run(&m, 2 * MS);
	CU_ASSERT_STRING_EQUAL(text, "login: \nvga: 1\n");
	line("vga: 2\n");
	bytes("root\n");
	CU_ASSERT_STRING_EQUAL(text, "login: \nvga: 1\nvga: 2\nroot\n");
	bytes("x");
	line("vga: 3\n");
	lines_flush(&lines);
	CU_ASSERT_STRING_EQUAL(text, "login: \nvga: 1\nvga: 2\nroot\nx\nvga: 3\n");
	CU_ASSERT_PTR_NULL(m.bus.alarms);
}

void test_lines_register(void)
{
	CU_pSuite suite = CU_add_suite("lines", NULL, NULL);

	CU_add_test(suite, "more than can be held", test_too_many);
	CU_add_test(suite, "our own mistake", test_our_mistake);
	CU_add_test(suite, "lines stay whole", test_whole);
	CU_add_test(suite, "a line that does not end", test_patience);
}
