/* console.c - see console.h */
#include "type2/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "lib/string.h"
#include "type2/failure.h"
#include "vm/vm.h"

#define LINE_MAX_BYTES 512
#define TYPED 4096
#define RETRY_MS 2
#define PREFIX "espejo-vm: "

static bool keys, stdout_gone;
static u8 typed[TYPED];
static unsigned typed_head, typed_tail; /* tail - head wait */

void console_open_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(FAILURE_OS); /* there is nobody to tell */
}

void console_init(bool is_terminal)
{
	keys = is_terminal;
}

/* ---- Output -------------------------------------------------------------------------------- */

/* All of it, however slow the reader is; false: there is none any more. */
static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t done = write(fd, text, len);

		if (done >= 0) {
			text += done;
			len -= (size_t)done;
		} else if (errno == EAGAIN) {
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* In one write, so that lines of several threads do not mix. */
static void say(const char *format, va_list args)
{
	char line[LINE_MAX_BYTES] = PREFIX;
	size_t len = sizeof(PREFIX) - 1;

	len += fmt_vstring(line + len, sizeof(line) - len - 1, format, args);
	len = MIN(len, sizeof(line) - 1);
	line[len++] = '\n';
	write_all(STDERR_FILENO, line, len);
}

void host_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

/* A guest goes on without its reader, as a PC does with its cable pulled. */
void host_console_write(struct vm *vm UNUSED, const char *text, size_t len)
{
	if (!stdout_gone && !write_all(STDOUT_FILENO, text, len))
		stdout_gone = true;
}

void host_panic(const char *file, int line, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	fmt_vstring(text, sizeof(text), format, args);
	va_end(args);
	host_log("panic at %s:%d: %s", file, line, text);
	/* The first process of its namespace does not hear a signal of its own; a fault it does. */
	if (getpid() == 1)
		__builtin_trap();
	abort();
}

/* ---- Input --------------------------------------------------------------------------------- */

bool console_wants_input(void)
{
	return typed_tail - typed_head < TYPED;
}

bool console_read(bool *escape)
{
	u8 bytes[256];
	size_t room = TYPED - (typed_tail - typed_head);
	ssize_t len = read(STDIN_FILENO, bytes, MIN(room, sizeof(bytes)));

	*escape = false;
	if (len < 0)
		return errno == EINTR || errno == EAGAIN;
	for (ssize_t i = 0; i < len; i++) {
		if (keys && bytes[i] == CONSOLE_ESCAPE)
			*escape = true;
		else
			typed[typed_tail++ % TYPED] = bytes[i];
	}
	return len > 0;
}

int console_feed(struct vm *vm)
{
	while (typed_head != typed_tail && vm_console_input(vm, typed[typed_head % TYPED]))
		typed_head++;
	return typed_head == typed_tail ? -1 : RETRY_MS;
}
