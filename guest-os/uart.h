/* uart.h - the serial console; see uart.c */
#ifndef GUEST_OS_UART_H
#define GUEST_OS_UART_H

#include "types.h"

/* COM1, its registers, for those who test it. */
#define UART_BASE 0x3f8
#define UART_IRQ 4

/* Make the UART ready for output: 115200 baud, 8N1, FIFOs on. */
void uart_init(void);

/* From now on received characters interrupt.  Needs the traps and the PIC. */
void uart_listen(void);

/* Write all of text; returns when the UART has taken the last byte. */
void uart_write(const char *text, size_t len);

/* Returns when the last byte has left the UART: before the machine ends, or Bochs loses it. */
void uart_drain(void);

/* The next received character, or -1 if there is none yet.  Wakes: SCHED_INPUT. */
int uart_read(void);

/* Was Ctrl-C received since the last call?  It is never among the characters read. */
bool uart_take_break(void);

#endif
