/*
 * ps2.h - a keyboard or a mouse that nobody touches
 *
 * Owns: what such a device answers to its commands.
 * Must not know: the controller between it and the machine.
 *
 * No key is ever struck: a guest's console is its serial line.  But a driver that wakes the
 * keyboard finds one, as in every PC.
 *
 * Source: IBM, "Personal System/2 Hardware Interface Technical Reference", "Keyboards (101- and
 * 102-Key)", "Commands from the System"; "Mouse", "Commands".
 */
#ifndef ESPEJO_DEV_PS2_H
#define ESPEJO_DEV_PS2_H

#include "compiler.h"

struct state_buf;

#define PS2_QUEUE 16

struct ps2 {
	bool mouse;
	u8 wants; /* the command whose argument comes next; 0: none */
	u8 last; /* the last byte said, for "resend" */
	u8 scan_set; /* keyboard: 1 to 3 */
	u8 rate, resolution, scaling, enabled; /* mouse */
	u8 count;
	u8 queue[PS2_QUEUE]; /* what it has to say */
};

void ps2_init(struct ps2 *d, bool mouse);
/* Power-on: silent. */
void ps2_reset(struct ps2 *d);
/* A byte from the machine; its answers queue up, and what was queued is dropped. */
void ps2_send(struct ps2 *d, u8 byte);
/* The next byte of what it has to say; false: nothing. */
bool ps2_take(struct ps2 *d, u8 *byte);

/* Part of the controller's section. */
void ps2_save(const struct ps2 *d, struct state_buf *buf);
void ps2_load(struct ps2 *d, struct state_buf *buf);

#endif
