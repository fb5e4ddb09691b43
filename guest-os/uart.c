/*
 * uart.c - the serial console
 *
 * Owns: the 16550 at COM1: polled output, interrupt-driven input into a ring.
 * Must not know: what is said through it.
 *
 * Source: National Semiconductor PC16550D data sheet, "Registers" (8).
 */
#include "uart.h"

#include "compiler.h"
#include "pic.h"
#include "sched.h"
#include "trap.h"
#include "x86_ops.h"

#define UART_DATA (UART_BASE + 0)
#define UART_IER (UART_BASE + 1)
#define UART_FCR (UART_BASE + 2)
#define UART_LCR (UART_BASE + 3)
#define UART_MCR (UART_BASE + 4)
#define UART_LSR (UART_BASE + 5)

#define IER_RECEIVED BIT(0)
#define FCR_ENABLE BIT(0)
#define FCR_CLEAR (BIT(1) | BIT(2))
#define LCR_8_BITS 3
#define LCR_DIVISOR BIT(7)
#define MCR_DTR_RTS 3
#define MCR_OUT2 BIT(3) /* lets the interrupt reach the PIC */
#define LSR_RECEIVED BIT(0)
#define LSR_THR_EMPTY BIT(5)
#define LSR_ALL_SENT BIT(6) /* the manuals call it TEMT */

#define FIFO_SIZE 16
#define CTRL_C 3

/* head and tail count for ever; their difference is what is in the ring. */
static char ring[256];
static unsigned head, tail;
static bool broken;

void uart_init(void)
{
	x86_outb(UART_IER, 0);
	x86_outb(UART_LCR, LCR_8_BITS | LCR_DIVISOR);
	x86_outb(UART_DATA, 1); /* divisor 1: 115200 baud */
	x86_outb(UART_IER, 0);
	x86_outb(UART_LCR, LCR_8_BITS);
	x86_outb(UART_FCR, FCR_ENABLE | FCR_CLEAR);
	x86_outb(UART_MCR, MCR_DTR_RTS | MCR_OUT2);
}

static void receive(struct trap_frame *frame UNUSED)
{
	while (x86_inb(UART_LSR) & LSR_RECEIVED) {
		char c = (char)x86_inb(UART_DATA);

		if (c == CTRL_C)
			broken = true;
		else if (head - tail < sizeof(ring))
			ring[head++ % sizeof(ring)] = c;
	}
	pic_eoi(UART_IRQ);
	sched_wake(SCHED_INPUT);
}

void uart_listen(void)
{
	trap_set(PIC_VECTOR + UART_IRQ, receive);
	x86_outb(UART_IER, IER_RECEIVED);
	pic_unmask(UART_IRQ);
}

/* An empty transmitter takes a whole FIFO: one look at the status for every 16 bytes. */
void uart_write(const char *text, size_t len)
{
	while (len) {
		size_t n = MIN(len, (size_t)FIFO_SIZE);

		while (!(x86_inb(UART_LSR) & LSR_THR_EMPTY))
			x86_pause();
		for (size_t i = 0; i < n; i++)
			x86_outb(UART_DATA, (u8)text[i]);
		text += n;
		len -= n;
	}
}

void uart_drain(void)
{
	while (!(x86_inb(UART_LSR) & LSR_ALL_SENT))
		x86_pause();
}

int uart_read(void)
{
	return tail == head ? -1 : (u8)ring[tail++ % sizeof(ring)];
}

bool uart_take_break(void)
{
	bool was = broken;

	broken = false;
	return was;
}
