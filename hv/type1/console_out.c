/* console_out.c - see console_out.h; pure, tested on the host */
#include "type1/console_out.h"

#include "host.h"
#include "type1/serial.h"

static struct {
	bool queue; /* bytes may wait */
	u32 head; /* the oldest one that waits */
	u32 waiting[CONSOLE_OUT_WRITERS]; /* of each writer */
	u64 moved_ns; /* when one went out last, or began to wait */
	u8 byte[CONSOLE_OUT_SIZE];
	u8 writer[CONSOLE_OUT_SIZE];
} out;

u32 console_out_waiting;

_Static_assert((CONSOLE_OUT_SIZE & (CONSOLE_OUT_SIZE - 1)) == 0, "positions wrap");
_Static_assert(CONSOLE_OUT_WRITERS <= 256, "a number fits into a byte");

/* The oldest byte has gone. */
static void drop_oldest(void)
{
	out.waiting[out.writer[out.head % CONSOLE_OUT_SIZE]]--;
	out.head++;
	WRITE_ONCE(console_out_waiting, console_out_waiting - 1);
}

static void send_oldest(void)
{
	serial_put(out.byte[out.head % CONSOLE_OUT_SIZE]);
	drop_oldest();
}

unsigned console_out_room(void)
{
	return CONSOLE_OUT_SIZE - console_out_waiting;
}

void console_out_flush(void)
{
	while (console_out_waits())
		send_oldest();
}

void console_out_queue(void)
{
	out.queue = true;
}

void console_out_sync(void)
{
	out.queue = false;
	console_out_flush();
}

static void append(unsigned writer, u8 byte)
{
	u32 at;

	check(writer < CONSOLE_OUT_WRITERS);
	if (!console_out_waits())
		out.moved_ns = host_now();
	if (!console_out_room())
		send_oldest();
	at = (out.head + console_out_waiting) % CONSOLE_OUT_SIZE;
	out.byte[at] = byte;
	out.writer[at] = (u8)writer;
	out.waiting[writer]++;
	WRITE_ONCE(console_out_waiting, console_out_waiting + 1);
}

void console_out_put(unsigned writer, u8 byte)
{
	if (likely(!console_out_waits() && serial_offer(byte)))
		return;
	if (out.queue)
		append(writer, byte);
	else
		serial_put(byte);
}

void console_out_pump(void)
{
	u32 before = console_out_waiting;

	while (console_out_waits() && serial_offer(out.byte[out.head % CONSOLE_OUT_SIZE]))
		drop_oldest();
	if (console_out_waiting != before)
		out.moved_ns = host_now();
}

bool console_out_dead(void)
{
	return console_out_waits() && host_now() - out.moved_ns >= CONSOLE_OUT_DEAD_NS;
}

bool console_out_over(unsigned writer, size_t more)
{
	u32 waiting = out.waiting[writer];

	bool much = waiting + more > CONSOLE_OUT_QUOTA || console_out_room() < CONSOLE_OUT_SIZE / 2;

	return waiting && much && !console_out_dead();
}
