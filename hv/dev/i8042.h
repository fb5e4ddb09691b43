/*
 * i8042.h - the keyboard controller, with a keyboard and a mouse that nobody touches
 *
 * Owns: ports 0x60, 0x64 and 0x92: reset, gate A20, self tests, two ways to what is plugged in.
 * Must not know: how a machine is reset.
 *
 * Sources: IBM, "Personal System/2 Hardware Interface Technical Reference", "Keyboard and
 * Auxiliary Device Controller"; port 0x92: "System Control Port A".
 */
#ifndef ESPEJO_DEV_I8042_H
#define ESPEJO_DEV_I8042_H

#include "dev/bus.h"
#include "dev/ps2.h"

struct state_buf;

#define I8042_IRQ 1
#define I8042_AUX_IRQ 12

/* Called with the device lock held, from an OUT: note the request, act on it later. */
struct i8042_lines {
	void (*reset)(void *ctx);	      /* pulse of the CPU's reset line */
	void (*a20)(void *ctx, bool enabled); /* changed */
	void *ctx;
};

struct i8042 {
	struct bus *bus;
	struct wire irq, aux_irq;
	struct i8042_lines lines;

	u8 status;		/* without the parts that are worked out */
	u8 command;		/* the command byte */
	u8 pending;		/* the command that waits for a byte at port 0x60; 0: none */
	u8 output, output_port; /* of the latter A20 only, the rest is worked out */
	u8 system_port;		/* port 0x92 */
	bool full, aux;		/* output holds a byte, from the mouse's side */
	u8 ram[32];
	bool a20; /* the gate: as the last of its two ports said */
	struct ps2 keyboard, mouse;
};

void i8042_init(struct i8042 *k, struct bus *bus, struct wire irq, struct wire aux_irq,
		const struct i8042_lines *lines);
/* Power-on state; A20 is enabled. */
void i8042_reset(struct i8042 *k);
/* As firmware leaves it: the keyboard interrupts, its codes are translated, the mouse is off. */
void i8042_after_firmware(struct i8042 *k);

void i8042_save(const struct i8042 *k, struct state_buf *buf);
int i8042_load(struct i8042 *k, struct state_buf *buf);

#endif
