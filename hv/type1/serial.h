/*
 * serial.h - the machine's COM1
 *
 * Owns: its registers.  Must not know: what is said on it.
 * Source: National Semiconductor, "PC16550D Universal Asynchronous Receiver/Transmitter with
 * FIFOs", 8 "Registers".
 */
#ifndef ESPEJO_TYPE1_SERIAL_H
#define ESPEJO_TYPE1_SERIAL_H

#include "compiler.h"

#define SERIAL_IRQ 4

/* 115200 8N1, FIFOs on.  False: there is no UART; the other functions are harmless then. */
bool serial_init(void);

/* Send a byte if there is room for it now; true also where there is no UART. */
bool serial_offer(u8 byte);
/* Send a byte; waits for room, but never for ever, and not for each byte again. */
void serial_put(u8 byte);

/* Wait until all bytes are on the line: an emulator that ends drops what is not. */
void serial_drain(void);

/* The next byte received, or -1. */
int serial_get(void);

/* Interrupt when bytes arrive. */
void serial_interrupt_on(void);

#endif
