/*
 * uart.h - the 16550A serial port
 *
 * Owns: the registers of one UART, its FIFOs and its interrupt line.
 * Must not know: where the line leads; it ends in the callbacks of struct uart_line.
 *
 * Source: National Semiconductor, "PC16550D Universal Asynchronous Receiver/
 * Transmitter with FIFOs", 8 "Registers".
 *
 * Time: what is sent is on the line at once, so the transmitter is always empty;
 * only the receiver's time-out depends on the programmed speed.
 */
#ifndef ESPEJO_DEV_UART_H
#define ESPEJO_DEV_UART_H

#include "dev/bus.h"

struct state_buf;

#define UART_FIFO_SIZE 16
#define UART_COM1_PORT 0x3f8
#define UART_COM1_IRQ 4

/* The other end.  Callbacks may be NULL; they run with the device lock held. */
struct uart_line {
	void (*tx)(void *ctx, u8 byte); /* the guest sent a byte */
	void (*room)(void *ctx);	/* the guest read: uart_room has become larger */
	void *ctx;
};

struct uart {
	struct bus *bus;
	struct wire irq;
	struct uart_line line;
	struct alarm timeout;
	u16 base;

	u8 ier, fcr, lcr, mcr, lsr, msr, scr;
	u16 divisor;
	bool thre_pending;    /* THRE interrupt asked for, and not yet told by IIR */
	bool timeout_pending; /* bytes have waited for four character times */
	u8 fifo[UART_FIFO_SIZE];
	u8 fifo_error[UART_FIFO_SIZE]; /* LSR's PE, FE, BI of each byte */
	u8 fifo_head, fifo_count;
};

/* Claims ports base..base+7 and resets.  line is copied. */
void uart_init(struct uart *u, struct bus *bus, u16 base, struct wire irq,
	       const struct uart_line *line);
/* Power-on state (words of 5 bits!); the line stays connected. */
void uart_reset(struct uart *u);
/* What firmware leaves, and kernels that only write to the port rely on: words of 8 bits. */
void uart_after_firmware(struct uart *u);

/*
 * A byte arrives on the line.  False: there is no room (FIFO full, or loopback), the
 * caller keeps it and tries again when line.room was called.  So input is never lost.
 * Bits beyond the word length are cut off, as the receiver would not have sampled them.
 */
bool uart_receive(struct uart *u, u8 byte);
/* How many bytes uart_receive would take now. */
unsigned uart_room(const struct uart *u);

void uart_save(const struct uart *u, struct state_buf *buf);
/* After state_next_section gave DEVICE_SECTION_UART: 0, or -1, buf->error set, u unchanged. */
int uart_load(struct uart *u, struct state_buf *buf);

#endif
