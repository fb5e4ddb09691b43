/* console.c - see console.h */
#include "type1/console.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "type1/console_input.h"
#include "type1/console_out.h"
#include "type1/screen.h"
#include "type1/script.h"
#include "type1/serial.h"
#include "vm/vm.h"
#include "x86_ops.h"

#define LINE_SIZE 960 /* longer lines are cut into pieces; struct source then fits into 1 KiB */
#define PREFIX_SIZE (VM_NAME_MAX + 4)
#define QUIET_NS 20000000ull /* an unfinished line appears after that */
#define OPERATOR_ROOM (4 * LINE_SIZE) /* what the hypervisor itself writes at once, at most */
#define DEBUG_PORT 0xe9 /* QEMU's and Bochs's; nothing is there on a real machine */
#define HYPERVISOR 0 /* as a writer */

/* One that writes: a VM, or the shell. */
struct source {
	struct source *next;
	struct vm *vm; /* NULL: the shell */
	char prefix[PREFIX_SIZE];
	u8 writer; /* console_out.h's number; the shell writes as the hypervisor */
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
	struct host_timer drain; /* what waits goes on */
	bool draining; /* it is set */
	bool timers; /* host_timer_set works */
	bool raw; /* the serial line belongs to a VM */
	bool panic;
} console = { .focus = &console.shell };

/* Whoever comes by lets go out what can. */
static void lock(void)
{
	if (console.panic)
		return;
	host_lock(&console.lock);
	if (unlikely(console_out_waits()))
		console_out_pump();
}

static void unlock(void)
{
	if (console.panic)
		return;
	if (unlikely(console_out_waits() && !console.draining)) {
		console.draining = true;
		host_timer_set(&console.drain, host_now() + CONSOLE_OUT_PERIOD_NS);
	}
	host_unlock(&console.lock);
}

static void drain_fire(struct host_timer *timer UNUSED)
{
	lock();
	console.draining = false;
	unlock();
}

/* What the hypervisor says waits for the line, but others may have the console meanwhile. */
static void lock_with_room(void)
{
	lock();
	while (!console.panic && console_out_room() < OPERATOR_ROOM && !console_out_dead()) {
		unlock();
		x86_pause();
		lock();
	}
}

/* ---- To the terminal ---------------------------------------------------------- */

/* A raw line is the VM's: what we say elsewhere comes behind what it has said by now. */
static void emit(unsigned writer, const char *text, size_t len)
{
	if (console.raw) {
		console_out_flush();
		serial_drain();
	}
	for (size_t i = 0; i < len; i++) {
		if (console.raw)
			x86_outb(DEBUG_PORT, (u8)text[i]);
		if (!console.raw && text[i] == '\n')
			console_out_put(writer, '\r');
		if (!console.raw)
			console_out_put(writer, (u8)text[i]);
		screen_put(text[i]);
	}
}

/* Leave the unfinished line that is on the terminal, if any. */
static void start_line(void)
{
	if (console.open)
		emit(console.open->writer, "\n", 1);
	console.open = NULL;
}

/* Show all of s's unfinished line. */
static void open_line(struct source *s)
{
	if (console.open == s)
		return;
	start_line();
	emit(s->writer, s->prefix, strlen(s->prefix));
	emit(s->writer, s->line, s->len);
	console.open = s;
}

static void finish_line(struct source *s)
{
	open_line(s);
	start_line();
	s->len = 0;
}

/* Not while others still have text to come. */
static void quiet_fire(struct host_timer *timer)
{
	lock();
	if (console_out_waits())
		host_timer_set(timer, host_now() + QUIET_NS);
	else if (console.focus->len)
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
		emit(s->writer, &c, 1);
}

static void write_source(struct source *s, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(s, text[i]);
	written(s);
}

/* ---- Those who write ------------------------------------------------------------ */

/* vm's source, or NULL. */
static struct source *find_source(const struct vm *vm)
{
	struct source *s = console.sources;

	while (s && s->vm != vm)
		s = s->next;
	return s;
}

/* The lowest number that no source has; when there are too many, some share the last one. */
static u8 free_writer(void)
{
	unsigned writer = HYPERVISOR + 1;
	struct source *s = console.sources;

	while (s && writer < CONSOLE_OUT_WRITERS - 1) {
		bool taken = s->writer == writer;

		writer += taken;
		s = taken ? console.sources : s->next;
	}
	return (u8)writer;
}

/* vm's source; made at its first line, from which on lines may wait.  NULL: memory is short. */
static struct source *source_of(struct vm *vm)
{
	struct source *s = find_source(vm);

	if (s)
		return s;
	s = host_alloc(sizeof(*s));
	if (!s)
		return NULL;
	s->vm = vm;
	s->writer = free_writer();
	if (console.timers && !console.panic)
		console_out_queue();
	fmt_string(s->prefix, sizeof(s->prefix), "[%s] ", vm->config.name);
	s->next = console.sources;
	console.sources = s;
	return s;
}

/* Has s said more than the line can take?  A line that is not shown yet counts. */
static bool is_over(const struct source *s)
{
	return console_out_over(s->writer, console.open == s ? 0 : s->len);
}

/* All its vCPUs come to their CPUs' loops, which ask console_holds. */
static void call_out(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_request(vm->vcpu[i], REQUEST_HOST);
}

void host_console_write(struct vm *vm, const char *text, size_t len)
{
	struct source *s;
	bool over;

	script_hear(vm, text, len);
	vm->console_bytes += len;
	lock();
	s = source_of(vm);
	for (size_t i = 0; console.raw && i < len; i++)
		console_out_put(s ? s->writer : HYPERVISOR, (u8)text[i]);
	if (s && !console.raw)
		write_source(s, text, len);
	over = s && console_out_waits() && is_over(s);
	unlock();
	if (over)
		call_out(vm);
}

bool console_holds(const struct vm *vm)
{
	const struct source *s;
	bool holds;

	if (likely(!console_out_waits()))
		return false;
	lock();
	s = find_source(vm);
	holds = s && is_over(s);
	unlock();
	if (holds)
		host_take_interrupts(); /* no guest may be entered for a while, and no CPU idle */
	return holds;
}

static void line_put(struct fmt_sink *s UNUSED, const char *text, size_t len)
{
	emit(HYPERVISOR, text, len);
}

void host_log(const char *format, ...)
{
	struct fmt_sink line = { line_put };
	va_list args;

	lock_with_room();
	start_line();
	va_start(args, format);
	fmt_vput(&line, format, args);
	va_end(args);
	emit(HYPERVISOR, "\n", 1);
	written(NULL);
	unlock();
}

static void sink_put(struct fmt_sink *s UNUSED, const char *text, size_t len)
{
	lock_with_room();
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
	console.drain.fire = drain_fire;
	console.timers = true;
	console_input_init();
}

void console_panic(void)
{
	console.panic = true;
	console_out_sync();
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
	console_out_flush();
	unlock();
	serial_drain();
}
