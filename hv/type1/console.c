/* console.c - see console.h */
#include "type1/console.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console_input.h"
#include "type1/screen.h"
#include "type1/script.h"
#include "type1/serial.h"
#include "vm/vm.h"
#include "x86_ops.h"

#define LINE_SIZE 960 /* longer lines are cut into pieces; struct source then fits into 1 KiB */
#define PREFIX_SIZE (VM_NAME_MAX + 4)
#define QUIET_NS 20000000ull /* an unfinished line appears after that */
#define DEBUG_PORT 0xe9 /* QEMU's and Bochs's; nothing is there on a real machine */

/* One that writes: a VM, or the shell. */
struct source {
	struct source *next;
	struct vm *vm; /* NULL: the shell */
	char prefix[PREFIX_SIZE];
	size_t len;
	char line[LINE_SIZE]; /* its unfinished line, from the start */
};

_Static_assert(sizeof(struct source) <= 1024, "host_alloc gives 2 KiB for the next byte");

static struct {
	struct host_lock lock;
	struct source shell;
	struct source *sources; /* of VMs */
	struct source *open; /* whose unfinished line is on the terminal */
	struct source *focus;
	struct host_timer quiet;
	bool timers; /* host_timer_set works */
	bool raw; /* the serial line belongs to a VM */
	bool panic;
} console = { .focus = &console.shell };

static void lock(void)
{
	if (!console.panic)
		host_lock(&console.lock);
}

static void unlock(void)
{
	if (!console.panic)
		host_unlock(&console.lock);
}

/* ---- To the terminal ---------------------------------------------------------- */

static void emit(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (console.raw)
			x86_outb(DEBUG_PORT, (u8)text[i]);
		if (!console.raw && text[i] == '\n')
			serial_put('\r');
		if (!console.raw)
			serial_put((u8)text[i]);
		screen_put(text[i]);
	}
}

static void emit_string(const char *text)
{
	emit(text, strlen(text));
}

/* Leave the unfinished line that is on the terminal, if any. */
static void start_line(void)
{
	if (console.open)
		emit_string("\n");
	console.open = NULL;
}

/* Show all of s's unfinished line. */
static void open_line(struct source *s)
{
	if (console.open == s)
		return;
	start_line();
	emit_string(s->prefix);
	emit(s->line, s->len);
	console.open = s;
}

static void finish_line(struct source *s)
{
	open_line(s);
	start_line();
	s->len = 0;
}

static void quiet_fire(struct host_timer *timer)
{
	(void)timer;
	lock();
	if (console.focus->len)
		open_line(console.focus);
	unlock();
}

/* Something was written: the unfinished line of the focus may have to appear, the shell's own at
 * once, else after a moment, so that a busy neighbour does not make it appear again and again. */
static void written(const struct source *writer)
{
	struct source *s = console.focus;

	if (!s->len || console.open == s)
		return;
	if (console.panic || !console.timers || (s == &console.shell && s == writer))
		open_line(s);
	else
		host_timer_set(&console.quiet, host_now() + QUIET_NS);
}

static void put(struct source *s, char c)
{
	if (c == '\n') {
		finish_line(s);
		return;
	}
	if (c == '\r' || c == '\0')
		return;
	if (s->len == LINE_SIZE)
		finish_line(s);
	s->line[s->len++] = c;
	if (console.open == s)
		emit(&c, 1);
}

static void write_source(struct source *s, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(s, text[i]);
	written(s);
}

/* ---- Those who write ------------------------------------------------------------ */

/* vm's source; made at its first line.  NULL: memory is short. */
static struct source *source_of(struct vm *vm)
{
	struct source *s;

	for (s = console.sources; s; s = s->next)
		if (s->vm == vm)
			return s;
	s = host_alloc(sizeof(*s));
	if (!s)
		return NULL;
	s->vm = vm;
	fmt_string(s->prefix, sizeof(s->prefix), "[%s] ", vm->config.name);
	s->next = console.sources;
	console.sources = s;
	return s;
}

void host_console_write(struct vm *vm, const char *text, size_t len)
{
	struct source *s;

	script_hear(vm, text, len);
	vm->console_bytes += len;
	lock();
	for (size_t i = 0; console.raw && i < len; i++)
		serial_put((u8)text[i]);
	s = console.raw ? NULL : source_of(vm);
	if (s)
		write_source(s, text, len);
	unlock();
}

static void line_put(struct fmt_sink *s UNUSED, const char *text, size_t len)
{
	emit(text, len);
}

void host_log(const char *format, ...)
{
	struct fmt_sink line = { line_put };
	va_list args;

	lock();
	start_line();
	va_start(args, format);
	fmt_vput(&line, format, args);
	va_end(args);
	emit_string("\n");
	written(NULL);
	unlock();
}

static void sink_put(struct fmt_sink *s UNUSED, const char *text, size_t len)
{
	lock();
	write_source(&console.shell, text, len);
	unlock();
}

static struct fmt_sink sink = { sink_put };
struct fmt_sink *const console_sink = &sink;

void console_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(&sink, format, args);
	va_end(args);
}

/* ---- Focus ----------------------------------------------------------------------- */

void console_set_focus(struct vm *vm)
{
	struct source *s;

	lock();
	s = vm ? source_of(vm) : &console.shell;
	if (s && s != console.focus) {
		start_line();
		console.focus = s;
		if (s->len)
			open_line(s);
	}
	unlock();
}

struct vm *console_focus(void)
{
	return console.focus->vm;
}

void console_forget(struct vm *vm)
{
	struct source **link, *s;

	script_forget(vm);
	lock();
	for (link = &console.sources; (s = *link) && s->vm != vm;)
		link = &s->next;
	if (s) {
		if (s->len)
			finish_line(s);
		if (console.open == s)
			start_line();
		if (console.focus == s)
			console.focus = &console.shell;
		*link = s->next;
		written(NULL);
	}
	unlock();
	if (s)
		host_free(s, sizeof(*s));
}

/* ---- Life -------------------------------------------------------------------------- */

void console_init(void)
{
	serial_init();
}

void console_use_raw(void)
{
	lock();
	console.raw = true;
	unlock();
}

bool console_is_raw(void)
{
	return console.raw;
}

void console_use_vga(void)
{
	lock();
	screen_init_text();
	unlock();
}

void console_use_framebuffer(const struct screen_framebuffer *fb, void *memory)
{
	lock();
	screen_init_framebuffer(fb, memory);
	unlock();
}

void console_input_on(void)
{
	console.quiet.fire = quiet_fire;
	console.timers = true;
	console_input_init();
}

void console_panic(void)
{
	console.panic = true;
	start_line();
	console.focus = &console.shell;
}

bool console_panics(void)
{
	return console.panic;
}

void console_flush(void)
{
	lock();
	for (struct source *s = console.sources; s; s = s->next)
		if (s->len)
			finish_line(s);
	if (console.shell.len)
		finish_line(&console.shell);
	start_line();
	unlock();
	serial_drain();
}
