/*
 * test_console.c - lines and bytes on their way to a line that is slow
 *
 * Console and queue are part of this file, so that each test gets new ones; the line is made up: it
 * takes as many bytes as a test allows.
 */

/* Others have fakes of these. */
#define host_log tested_log
#define host_console_write tested_write
#define console_printf tested_printf
#define console_sink tested_sink
#define console_set_focus tested_set_focus
#define console_forget tested_forget
#define console_flush tested_flush

#include "fake_host.h"
#include "machine.h"

#include "type1/console.c"
#include "type1/console_out.c"

void test_console_register(void);

static struct {
	unsigned ready; /* bytes that it takes */
	unsigned waited; /* bytes that were waited for */
	unsigned len;
	u8 said[4 * CONSOLE_OUT_SIZE];
} line;

bool serial_offer(u8 byte)
{
	if (!line.ready)
		return false;
	line.ready--;
	line.said[line.len++] = byte;
	return true;
}

bool serial_init(void)
{
	return true;
}

void serial_drain(void)
{
	CU_ASSERT_FALSE(console_out_waits());
}

void screen_init_text(void)
{
}

bool screen_init_framebuffer(const struct screen_framebuffer *fb UNUSED, void *memory UNUSED)
{
	return true;
}

void screen_put(char c UNUSED)
{
}

void console_input_init(void)
{
}

void serial_put(u8 byte)
{
	line.waited++;
	line.said[line.len++] = byte;
}

static void start(bool queue)
{
	fake_host_reset();
	memset(&line, 0, sizeof(line));
	memset(&out, 0, sizeof(out));
	console_out_waiting = 0;
	if (queue)
		console_out_queue();
}

static void say(unsigned writer, const char *text)
{
	for (; *text; text++)
		console_out_put(writer, (u8)*text);
}

static void say_many(unsigned writer, unsigned n)
{
	while (n--)
		console_out_put(writer, (u8)(line.len + console_out_waiting));
}

static void said(const char *text)
{
	CU_ASSERT_EQUAL(line.len, strlen(text));
	CU_ASSERT_EQUAL(memcmp(line.said, text, line.len), 0);
}

/* Of what say_many said, each byte is its own place. */
static void said_in_order(unsigned len)
{
	unsigned wrong = 0;

	CU_ASSERT_EQUAL(line.len, len);
	for (unsigned i = 0; i < line.len; i++)
		wrong += line.said[i] != (u8)i;
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_fast(void)
{
	start(true);
	line.ready = ~0u;
	say(1, "nothing ");
	say(0, "waits");
	said("nothing waits");
	CU_ASSERT_FALSE(console_out_waits());
	CU_ASSERT_EQUAL(line.waited, 0);
	CU_ASSERT_FALSE(console_out_over(1, 100000));
}

static void test_before(void)
{
	start(false);
	line.ready = 2;
	say(0, "each byte is waited for");
	said("each byte is waited for");
	CU_ASSERT_EQUAL(line.waited, strlen("each byte is waited for") - 2);
	CU_ASSERT_FALSE(console_out_waits());
}

static void test_order(void)
{
	start(true);
	line.ready = 4;
	say(1, "one, ");
	line.ready = 10; /* but what came first goes first */
	say(2, "two");
	said("one,");
	console_out_pump();
	said("one, two");
	CU_ASSERT_FALSE(console_out_waits());
	say(3, "!!!");
	said("one, two!!!");
	CU_ASSERT_EQUAL(line.waited, 0);
	CU_ASSERT_EQUAL(line.ready, 3);
}

static void test_quota(void)
{
	start(true);
	say_many(1, CONSOLE_OUT_QUOTA);
	CU_ASSERT_FALSE(console_out_over(1, 0));
	CU_ASSERT_TRUE(console_out_over(1, 1));
	say_many(1, 1);
	CU_ASSERT_TRUE(console_out_over(1, 0));
	CU_ASSERT_FALSE(console_out_over(2, CONSOLE_OUT_QUOTA + 1)); /* nothing of it waits */
	say_many(2, 1);
	CU_ASSERT_FALSE(console_out_over(2, CONSOLE_OUT_QUOTA - 1));
	CU_ASSERT_TRUE(console_out_over(2, CONSOLE_OUT_QUOTA));
	line.ready = 1;
	console_out_pump();
	CU_ASSERT_FALSE(console_out_over(1, 0));
	line.ready = CONSOLE_OUT_QUOTA;
	console_out_pump();
	CU_ASSERT_FALSE(console_out_over(1, CONSOLE_OUT_QUOTA));
	CU_ASSERT_TRUE(console_out_over(2, CONSOLE_OUT_QUOTA));
	said_in_order(CONSOLE_OUT_QUOTA + 1);
}

/* Many writers, each below its quota. */
static void test_half_full(void)
{
	start(true);
	for (unsigned i = 0; i < CONSOLE_OUT_SIZE / 2; i++)
		say_many(1 + i % (CONSOLE_OUT_WRITERS - 1), 1);
	CU_ASSERT_FALSE(console_out_over(1, 0));
	say_many(0, 1);
	CU_ASSERT_TRUE(console_out_over(1, 0));
	line.ready = CONSOLE_OUT_SIZE / 2;
	console_out_pump();
	CU_ASSERT_FALSE(console_out_over(1, 0));
	CU_ASSERT_EQUAL(console_out_room(), CONSOLE_OUT_SIZE - 1);
}

static void test_full(void)
{
	start(true);
	say_many(1, CONSOLE_OUT_SIZE);
	CU_ASSERT_EQUAL(console_out_room(), 0);
	CU_ASSERT_EQUAL(line.waited, 0);
	say_many(0, CONSOLE_OUT_SIZE + 7);
	CU_ASSERT_EQUAL(line.waited, CONSOLE_OUT_SIZE + 7);
	CU_ASSERT_EQUAL(console_out_room(), 0);
	CU_ASSERT_FALSE(console_out_over(1, 0)); /* all of its bytes are out */
	CU_ASSERT_TRUE(console_out_over(0, 0));
	console_out_flush();
	said_in_order(2 * CONSOLE_OUT_SIZE + 7);
	CU_ASSERT_FALSE(console_out_waits());
}

static void test_dead(void)
{
	start(true);
	say_many(1, CONSOLE_OUT_QUOTA + 1);
	fake_host_run(CONSOLE_OUT_DEAD_NS - 1);
	CU_ASSERT_FALSE(console_out_dead());
	CU_ASSERT_TRUE(console_out_over(1, 0));
	line.ready = 1;
	console_out_pump();
	say_many(1, 1);
	fake_host_run(CONSOLE_OUT_DEAD_NS - 1);
	CU_ASSERT_FALSE(console_out_dead());
	fake_host_run(1);
	CU_ASSERT_TRUE(console_out_dead());
	CU_ASSERT_FALSE(console_out_over(1, 0));
	console_out_pump(); /* looking is no life */
	CU_ASSERT_TRUE(console_out_dead());
	line.ready = 1;
	console_out_pump();
	say_many(1, 1);
	CU_ASSERT_FALSE(console_out_dead());
	CU_ASSERT_TRUE(console_out_over(1, 0));
	line.ready = ~0u;
	console_out_pump();
	fake_host_run(2 * CONSOLE_OUT_DEAD_NS);
	CU_ASSERT_FALSE(console_out_dead()); /* nothing waits for it */
	line.ready = 0;
	say_many(1, 1);
	CU_ASSERT_FALSE(console_out_dead());
}

static void test_sync(void)
{
	start(true);
	say(1, "what waits, ");
	CU_ASSERT_EQUAL(line.len, 0);
	console_out_sync();
	say(0, "then the last words");
	said("what waits, then the last words");
	CU_ASSERT_FALSE(console_out_waits());
}

static void nobody(void *unused UNUSED)
{
	console_out_put(CONSOLE_OUT_WRITERS, 'x');
}

static void test_writers(void)
{
	start(true);
	CU_ASSERT_TRUE(panics(nobody, NULL));
	say_many(CONSOLE_OUT_WRITERS - 1, 1);
	CU_ASSERT_TRUE(console_out_waits());
}

/* ---- Lines ------------------------------------------------------------------------ */

static struct vcpu cpu[2];
static struct vm vm[2] = {
	{ .config.name = "a", .vcpu_count = 1, .vcpu = { &cpu[0] } },
	{ .config.name = "b", .vcpu_count = 1, .vcpu = { &cpu[1] } },
};

static void no_kick(struct vcpu *v UNUSED)
{
}

static void open_console(void)
{
	start(false);
	memset(&console, 0, sizeof(console));
	console.focus = &console.shell;
	cpu[0].requests = cpu[1].requests = 0;
	fake_host.on_kick = no_kick;
	console_init();
	console_input_on();
	console_set_focus(NULL);
}

static void close_console(void)
{
	for (unsigned i = 0; i < 2; i++)
		console_forget(&vm[i]);
	while (fake_host.timers)
		host_timer_cancel(fake_host.timers);
	CU_ASSERT_TRUE(fake_host_clean());
}

static void write_line(unsigned i, const char *text)
{
	host_console_write(&vm[i], text, strlen(text));
}

static void test_lines_in_order(void)
{
	open_console();
	write_line(0, "first");
	write_line(1, "second\n");
	write_line(0, " or third\n");
	host_log("and the %s", "last");
	said("");
	CU_ASSERT_FALSE(console_holds(&vm[0]) || console_holds(&vm[1]));
	line.ready = 15;
	fake_host_run(CONSOLE_OUT_PERIOD_NS);
	said("[b] second\r\n[a]");
	line.ready = ~0u;
	fake_host_run(CONSOLE_OUT_PERIOD_NS);
	said("[b] second\r\n[a] first or third\r\nand the last\r\n");
	CU_ASSERT_EQUAL(line.waited, 0);
	CU_ASSERT_PTR_NULL(fake_host.timers);
	close_console();
}

/* It is called out when it has said too much, and held until that has gone. */
static void test_flood(void)
{
	unsigned lines = 0;

	open_console();
	while (!console_holds(&vm[0])) {
		CU_ASSERT_EQUAL(cpu[0].requests, 0);
		write_line(0, "a line of thirty characters...\n");
		CU_ASSERT_TRUE_FATAL(++lines < 100);
	}
	CU_ASSERT_EQUAL(lines, CONSOLE_OUT_QUOTA / 36 + 1);
	CU_ASSERT_EQUAL(cpu[0].requests, REQUEST_HOST);
	CU_ASSERT_TRUE(fake_host.interrupts_taken > 0);
	write_line(1, "its neighbour may speak\n");
	CU_ASSERT_FALSE(console_holds(&vm[1]));
	CU_ASSERT_EQUAL(cpu[1].requests, 0);
	line.ready = lines * 36 - CONSOLE_OUT_QUOTA;
	fake_host_run(CONSOLE_OUT_PERIOD_NS);
	CU_ASSERT_FALSE(console_holds(&vm[0]));
	CU_ASSERT_EQUAL(line.waited, 0);
	line.ready = ~0u;
	fake_host_run(CONSOLE_OUT_PERIOD_NS);
	CU_ASSERT_EQUAL(line.len, lines * 36 + strlen("[b] its neighbour may speak\r\n"));
	close_console();
}

/* What is not shown yet counts as well, but not where nothing waits. */
static void test_unfinished(void)
{
	open_console();
	for (unsigned i = 0; i < CONSOLE_OUT_QUOTA; i++)
		write_line(0, "x");
	CU_ASSERT_FALSE(console_holds(&vm[0]));
	write_line(1, "something\n");
	CU_ASSERT_FALSE(console_holds(&vm[0]) || console_holds(&vm[1]));
	write_line(0, "\n");
	CU_ASSERT_TRUE(console_holds(&vm[0]));
	line.ready = 100;
	fake_host_run(CONSOLE_OUT_PERIOD_NS);
	CU_ASSERT_FALSE(console_holds(&vm[0]));
	for (unsigned i = 0; i < 200; i++)
		write_line(0, "x");
	CU_ASSERT_TRUE(console_holds(&vm[0]));
	fake_host_run(CONSOLE_OUT_DEAD_NS);
	CU_ASSERT_FALSE(console_holds(&vm[0])); /* the line is dead */
	close_console();
}

/* A prompt comes back only when nobody else has text to come. */
static void test_quiet(void)
{
	open_console();
	console_set_focus(&vm[0]);
	write_line(0, "$ ");
	write_line(1, "text\n");
	fake_host_run(3 * QUIET_NS);
	line.ready = ~0u;
	fake_host_run(CONSOLE_OUT_PERIOD_NS);
	said("[b] text\r\n");
	fake_host_run(QUIET_NS);
	said("[b] text\r\n[a] $ ");
	close_console();
}

static void test_panic(void)
{
	open_console();
	write_line(0, "before\n");
	write_line(0, "unfinished");
	said("");
	console_panic();
	said("[a] before\r\n");
	console_printf("at once\n");
	host_log("always");
	said("[a] before\r\nat once\r\nalways\r\n");
	console_flush();
	said("[a] before\r\nat once\r\nalways\r\n[a] unfinished\r\n");
	close_console();
}

static void test_end(void)
{
	open_console();
	write_line(0, "before\n");
	write_line(1, "unfinished");
	host_log("late");
	said("");
	console_flush();
	said("[a] before\r\nlate\r\n[b] unfinished\r\n");
	close_console();
}

/* The operator has asked for more than fits: it is waited for, not lost. */
static void test_operator(void)
{
	open_console();
	write_line(0, "guests run\n");
	line.ready = ~0u;
	fake_host_run(CONSOLE_OUT_PERIOD_NS);
	line.ready = 0;
	for (unsigned i = 0; i < 4000; i++) {
		line.ready = console_out_room() < OPERATOR_ROOM + 100 ? 200 : 0;
		console_printf("line %4u\n", i);
	}
	console_flush();
	CU_ASSERT_EQUAL(line.len, strlen("[a] guests run\r\n") + 4000 * strlen("line 1234\r\n"));
	CU_ASSERT_EQUAL(memcmp(line.said + line.len - 11, "line 3999\r\n", 11), 0);
	close_console();
}

static void test_numbers(void)
{
	open_console();
	write_line(0, "x");
	write_line(1, "x");
	CU_ASSERT_EQUAL(find_source(&vm[0])->writer, 1);
	CU_ASSERT_EQUAL(find_source(&vm[1])->writer, 2);
	console_forget(&vm[0]);
	CU_ASSERT_PTR_NULL(find_source(&vm[0]));
	write_line(0, "x");
	CU_ASSERT_EQUAL(find_source(&vm[0])->writer, 1);
	close_console();
}

/* console=raw: byte for byte. */
static void test_raw(void)
{
	open_console();
	console_use_raw();
	write_line(0, "a\nb\r\n\001");
	line.ready = ~0u;
	fake_host_run(CONSOLE_OUT_PERIOD_NS);
	said("a\nb\r\n\001");
	line.ready = 0;
	for (unsigned i = 0; i <= CONSOLE_OUT_QUOTA; i++) {
		CU_ASSERT_FALSE(console_holds(&vm[0]));
		write_line(0, "x");
	}
	CU_ASSERT_TRUE(console_holds(&vm[0]));
	CU_ASSERT_EQUAL(cpu[0].requests, REQUEST_HOST);
	close_console();
}

static void lines_register(void)
{
	CU_pSuite s = CU_add_suite("console: lines on a slow serial line", NULL, NULL);

	CU_add_test(s, "order", test_lines_in_order);
	CU_add_test(s, "text without end", test_flood);
	CU_add_test(s, "unfinished lines", test_unfinished);
	CU_add_test(s, "a prompt among others' text", test_quiet);
	CU_add_test(s, "a panic", test_panic);
	CU_add_test(s, "the end", test_end);
	CU_add_test(s, "the operator's own", test_operator);
	CU_add_test(s, "writers' numbers", test_numbers);
	CU_add_test(s, "byte for byte", test_raw);
}

void test_console_register(void)
{
	CU_pSuite s = CU_add_suite("console_out: bytes that wait for the serial line", NULL, NULL);

	CU_add_test(s, "a line that is always ready", test_fast);
	CU_add_test(s, "before there are guests", test_before);
	CU_add_test(s, "order", test_order);
	CU_add_test(s, "a writer's quota", test_quota);
	CU_add_test(s, "many writers", test_half_full);
	CU_add_test(s, "the ring is full", test_full);
	CU_add_test(s, "a line that does not move", test_dead);
	CU_add_test(s, "the end", test_sync);
	CU_add_test(s, "writers' numbers", test_writers);
	lines_register();
}
