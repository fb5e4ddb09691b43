/*
 * serial.h - text on COM1, for guests in 32-bit C that have nothing else
 */
#ifndef TESTS_GUESTS_SERIAL_H
#define TESTS_GUESTS_SERIAL_H

#include "compiler.h"

#define COM1 0x3f8
#define COM1_LSR (COM1 + 5)
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
#define COM1_LCR (COM1 + 3)
#define LCR_8N1 3

static inline void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void say(const char *text)
{
	for (; *text; text++) {
		while (!(inb(COM1_LSR) & LSR_THRE))
			;
		outb(COM1, (u8)*text);
	}
}

/* `before`, then value in hexadecimal, without leading zeros. */
static inline void number(const char *before, u32 value)
{
	char text[9];
	unsigned n = 0, digits = 1;

	while (digits < 8 && value >> 4 * digits)
		digits++;
	for (; digits; digits--)
		text[n++] = "0123456789abcdef"[value >> 4 * (digits - 1) & 15];
	text[n] = '\0';
	say(before);
	say(text);
}

/* Eight bits, no parity. */
static inline void say_begin(void)
{
	outb(COM1_LCR, LCR_8N1);
}

/* What is not sent yet would be lost with the machine. */
static inline void say_end(void)
{
	while (!(inb(COM1_LSR) & LSR_TEMT))
		;
}

#endif
