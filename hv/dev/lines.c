/* lines.c - see lines.h; pure, tested on the host */
#include "dev/lines.h"

#include "host.h"
#include "lib/string.h"

void lines_flush(struct lines *l)
{
	bus_alarm_cancel(&l->patience);
	if (!l->held_len)
		return;
	if (l->inside)
		l->out(l->ctx, "\n", 1);
	l->inside = false;
	l->out(l->ctx, l->held, l->held_len);
	l->held_len = 0;
}

static void patience_over(void *dev)
{
	lines_flush(dev);
}

void lines_init(struct lines *l, struct bus *bus,
		void (*out)(void *ctx, const char *text, size_t len), void *ctx)
{
	l->out = out;
	l->ctx = ctx;
	l->inside = false;
	l->held_len = 0;
	bus_alarm_init(bus, &l->patience, patience_over, l);
}

void lines_byte(struct lines *l, u8 byte)
{
	const char c = (char)byte;

	l->out(l->ctx, &c, 1);
	l->inside = c != '\n';
	if (!l->inside && l->held_len)
		lines_flush(l);
}

void lines_line(struct lines *l, const char *text, size_t len)
{
	struct bus *bus = l->patience.bus;

	check(len <= LINES_HELD);
	if (!l->inside) {
		l->out(l->ctx, text, len);
		return;
	}
	if (l->held_len + len > LINES_HELD) {
		lines_flush(l);
		l->out(l->ctx, text, len);
		return;
	}
	if (!l->held_len)
		bus_alarm_set(&l->patience, bus->now(bus) + LINES_PATIENCE);
	memcpy(l->held + l->held_len, text, len);
	l->held_len += len;
}
