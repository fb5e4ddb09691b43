/*
 * print.c - text for the reader of the console
 *
 * Owns: the way from a format to the consoles, and the last words of a panic.
 * Must not know: who speaks.
 */
#include "print.h"

#include "lib/fmt.h"
#include "power.h"
#include "uart.h"
#include "virtio_console.h"

static bool mirrored;

void print_mirror(bool mirror)
{
	mirrored = mirror;
}

static void put(struct fmt_sink *sink UNUSED, const char *text, size_t len)
{
	uart_write(text, len);
	if (mirrored)
		virtio_console_write(text, len);
}

static struct fmt_sink console = { put };

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vput(&console, format, args);
	va_end(args);
}

void print_panic(const char *file, int line, const char *format, ...)
{
	va_list args;

	print("\nguest-os: panic at %s:%d: ", file, line);
	va_start(args, format);
	fmt_vput(&console, format, args);
	va_end(args);
	print("\n");
	power_stop(POWER_PANIC);
}
