/* console_input.c - see console_input.h */
#include "type1/console_input.h"

#include "lib/string.h"
#include "type1/apic.h"
#include "type1/console.h"
#include "type1/irqroute.h"
#include "type1/loop.h"
#include "type1/serial.h"
#include "type1/traps.h"
#include "type1/guests.h"

#define RING_SIZE 4096
#define LINE_SIZE 240
#define POLL_NS 10000000ull /* without an interrupt */
#define RETRY_NS 2000000ull /* when a guest's FIFO is full */
#define PATIENCE_NS 1000000000ull

#define CTRL(c) ((c) & 0x1f)
#define DELETE 0x7f

static const char help[] =
	"Ctrl-a, then  1-9: input to that VM   n, p: the next, the previous VM\n"
	"              s: the shell   Ctrl-a: a Ctrl-a as input   h: this help\n";

static struct {
	/* Filled by the interrupt, emptied by the loop, both on the boot CPU. */
	u8 ring[RING_SIZE];
	u32 head, tail;
	bool polled; /* no interrupt: look at the UART at times */
	struct host_timer again;

	bool prefix; /* Ctrl-a was typed */
	u64 blocked_ns; /* since when the guest takes nothing; 0: it does */
	void (*line)(char *text);
	char text[LINE_SIZE];
	size_t len;
	u8 last;
} input;

/* Bytes from the UART to the ring; the rest stays there. */
static void fetch(void)
{
	int c;

	while (input.head - input.tail < RING_SIZE && (c = serial_get()) >= 0)
		input.ring[input.head++ % RING_SIZE] = (u8)c;
}

static void interrupt(void)
{
	fetch();
	loop_wake_boot_cpu();
	apic_eoi();
}

/* The loop then calls console_take_input. */
static void again_fire(struct host_timer *timer)
{
	fetch();
	loop_wake_boot_cpu();
	if (input.polled)
		host_timer_set(timer, host_now() + POLL_NS);
}

void console_set_input(void (*line)(char *text))
{
	input.line = line;
}

void console_input_init(void)
{
	input.again.fire = again_fire;
	traps_set_handler(TRAPS_VECTOR_SERIAL, interrupt);
	input.polled = !irqroute_isa(SERIAL_IRQ, TRAPS_VECTOR_SERIAL, cpu_table[0]->apic_id);
	serial_interrupt_on();
	fetch();
	if (input.polled)
		host_timer_set(&input.again, host_now() + POLL_NS);
}

void console_input_poll(void)
{
	input.polled = true;
	host_timer_set(&input.again, host_now() + POLL_NS);
}

/* A character for the shell: a line editor of one line. */
static void edit(u8 c)
{
	u8 last = input.last;

	input.last = c;
	if (c == '\n' && last == '\r')
		return;
	if (c == '\r' || c == '\n') {
		console_printf("\n");
		input.text[input.len] = '\0';
		input.len = 0;
		if (input.line)
			input.line(input.text);
	} else if ((c == '\b' || c == DELETE) && input.len) {
		input.len--;
		console_printf("\b \b");
	} else if (c == CTRL('u')) {
		for (; input.len; input.len--)
			console_printf("\b \b");
	} else if (c >= ' ' && c < DELETE && input.len < LINE_SIZE - 1) {
		input.text[input.len++] = (char)c;
		console_printf("%c", c);
	}
}

/* The guest's console, if it has a machine. */
static void focus(const struct guest *g)
{
	if (!g || !g->vm) {
		host_log("espejo: there is no such VM");
		return;
	}
	host_log("espejo: input goes to %s (Ctrl-a s: back to the shell)",
		 g->definition.config.name);
	console_set_focus(g->vm);
}

/* The next guest, or the one before; from the shell: the first, the last. */
static void focus_step(bool back)
{
	const struct guest *now = console_focus() ? guests_of(console_focus()) : NULL;
	unsigned count = 0, at = 0;

	for (; guests_at(count); count++)
		if (guests_at(count) == now)
			at = count;
	if (back)
		at = (now ? at : 0) + count - 1;
	else if (now)
		at++;
	focus(count ? guests_at(at % count) : NULL);
}

static void command(u8 c)
{
	if (c >= '1' && c <= '9')
		focus(guests_numbered(c - '0'));
	else if (c == 'n' || c == 'p')
		focus_step(c == 'p');
	else if (c == 's')
		console_set_focus(NULL);
	else if (c == 'h' || c == '?')
		console_printf("%s", help);
}

/* console=raw: whatever it is, it is for the only VM, which waits for nothing and loses nothing. */
static bool take_raw(u8 c)
{
	const struct guest *g = guests_at(0);

	return g && g->vm && vm_console_input(g->vm, c);
}

/* False: the guest has no room, try the same byte later. */
static bool take(u8 c)
{
	struct vm *vm = console_focus();

	if (console_is_raw())
		return take_raw(c);
	if (input.prefix && c != CTRL('a')) {
		input.prefix = false;
		command(c);
		return true;
	}
	if (!input.prefix && c == CTRL('a')) {
		input.prefix = true;
		return true;
	}
	if (vm && vm->state == VM_RUNNING && !vm_console_input(vm, c))
		return false;
	if (!vm)
		edit(c);
	input.prefix = false;
	return true;
}

/* A guest that does not read gets no more than a second; then its input is thrown away.  But what
 * waits for the only VM stands in nobody's way. */
static bool out_of_patience(void)
{
	u64 now = host_now();

	if (console_is_raw())
		return false;
	if (!input.blocked_ns)
		input.blocked_ns = now;
	return now - input.blocked_ns >= PATIENCE_NS;
}

void console_take_input(void)
{
	while (input.head != input.tail) {
		if (take(input.ring[input.tail % RING_SIZE]))
			input.blocked_ns = 0;
		else if (!out_of_patience()) {
			host_timer_set(&input.again, host_now() + RETRY_NS);
			return;
		}
		input.tail++;
		fetch();
	}
}
