/* serial.c - see serial.h */
#include "type1/serial.h"

#include "x86_ops.h"

#define COM1 0x3f8
#define DATA (COM1 + 0) /* and the divisor's low byte */
#define IER (COM1 + 1) /* and its high byte */
#define IIR (COM1 + 2)
#define FCR (COM1 + 2)
#define LCR (COM1 + 3)
#define MCR (COM1 + 4)
#define LSR (COM1 + 5)
#define SCR (COM1 + 7)

#define LCR_8BITS 3
#define LCR_DLAB 0x80
#define FCR_ENABLE_CLEAR 7 /* FIFOs on, both cleared; trigger at one byte */
#define MCR_DTR_RTS_OUT2 0x0b /* OUT2 lets the interrupt out on a PC */
#define LSR_DATA BIT(0)
#define LSR_THRE BIT(5)
#define LSR_TEMT BIT(6)
#define IER_RECEIVED BIT(0)
#define FIFO_DEPTH 16
/* Polls for a FIFO of characters at 115200 baud and any speed of the bus; then bytes are lost. */
#define PATIENCE 200000

static bool present;
static bool stuck; /* it was waited for in vain: not again before it is ready by itself */
static unsigned room; /* bytes that fit into the FIFO without looking */

bool serial_init(void)
{
	/* 8 bits first: Bochs cuts bytes to the word length that is set. */
	x86_outb(LCR, LCR_8BITS);
	x86_outb(SCR, 0x5a);
	present = x86_inb(SCR) == 0x5a && x86_inb(LSR) != 0xff;
	if (!present)
		return false;
	x86_outb(IER, 0);
	x86_outb(LCR, LCR_DLAB | LCR_8BITS);
	x86_outb(DATA, 1);
	x86_outb(IER, 0);
	x86_outb(LCR, LCR_8BITS);
	x86_outb(FCR, FCR_ENABLE_CLEAR);
	x86_outb(MCR, MCR_DTR_RTS_OUT2);
	return true;
}

static unsigned patience(void)
{
	return stuck ? 1 : PATIENCE;
}

bool serial_offer(u8 byte)
{
	if (!present)
		return true;
	if (!room && x86_inb(LSR) & LSR_THRE)
		room = FIFO_DEPTH;
	if (!room)
		return false;
	room--;
	stuck = false;
	x86_outb(DATA, byte);
	return true;
}

void serial_put(u8 byte)
{
	for (unsigned i = 0; i < patience(); i++) {
		if (serial_offer(byte))
			return;
		x86_pause();
	}
	stuck = true;
}

void serial_drain(void)
{
	for (unsigned i = 0; present && !(x86_inb(LSR) & LSR_TEMT) && i < patience(); i++)
		x86_pause();
}

int serial_get(void)
{
	if (!present || !(x86_inb(LSR) & LSR_DATA))
		return -1;
	return x86_inb(DATA);
}

void serial_interrupt_on(void)
{
	if (present)
		x86_outb(IER, IER_RECEIVED);
}
