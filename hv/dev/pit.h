/*
 * pit.h - the 8254 timer and port 0x61
 *
 * Owns: three counters, ports 0x40-0x43 and 0x61 (gate of counter 2, speaker).
 * Must not know: what IRQ 0 leads to.
 *
 * Source: Intel, "8254 Programmable Interval Timer" (231164), "Mode Definitions".
 *
 * Counters do not count: what they would show is worked out from the number of the
 * oscillator's tick (dev/clock.h), which is exact and costs nothing while nobody looks.
 *
 * Missed ticks: the output is a level.  Rising edges that come closer than PIT_MIN_PERIOD_NS
 * become one.  What becomes of those that fall into a time when the machine was not running
 * is a policy's affair (dev/ticks.h): unless told otherwise they are one, too, and nothing is
 * made up for later.  Counts and outputs that a guest reads are exact all the same.
 */
#ifndef ESPEJO_DEV_PIT_H
#define ESPEJO_DEV_PIT_H

#include "dev/bus.h"
#include "dev/ticks.h"

struct state_buf;

#define PIT_HZ 1193182ull
#define PIT_CHANNELS 3
/* Edges of IRQ 0 in a row are at least this far apart: a bound on a guest's cost to us. */
#define PIT_MIN_PERIOD_NS 200000ull

struct pit_channel {
	u8 mode;   /* 0..5 */
	u8 mode_written; /* the three bits as the control word had them, for status */
	u8 access; /* 1 low byte, 2 high byte, 3 low then high */
	bool bcd;
	bool gate;
	bool counting;	 /* a count was loaded (in modes 1 and 5: and triggered) */
	bool null_count; /* of the status byte: the last count written is not counted from yet */
	bool write_high, read_high; /* the next byte of an access of two */
	u8 write_low;		    /* the first byte of two */
	u32 reload;		    /* 1..0x10000 in binary: what is counted down from */
	u32 next_reload; /* 0: none; waits for its trigger (modes 1, 5) or for switch_tick */
	bool switch_low; /* it begins with the low half of a square wave */
	u64 switch_tick;
	u32 frozen;	  /* elapsed ticks while the gate stops counting */
	u64 start;	  /* the tick at which reload was loaded */
	u8 latched_bytes; /* of latch_value, still to be read */
	u16 latch_value;
	bool status_latched;
	u8 status;
};

struct pit {
	struct bus *bus;
	struct wire irq;
	struct alarm alarm; /* the next rising edge of counter 0 */
	struct ticks ticks; /* of counter 0, while it is periodic; policy: set it behind pit_init */
	struct pit_channel channel[PIT_CHANNELS];
	u8 port61; /* bits 3..0 as written */
};

void pit_init(struct pit *pit, struct bus *bus, struct wire irq);
/* Power-on: no counter counts until it is programmed. */
void pit_reset(struct pit *pit);
/* What a PC's firmware leaves: counter 0 in mode 3, 65536: 18.2 Hz; counter 1 the refresh. */
void pit_after_firmware(struct pit *pit);

void pit_save(const struct pit *pit, struct state_buf *buf);
/* After state_next_section gave DEVICE_SECTION_PIT, the machine's clock restored before. */
int pit_load(struct pit *pit, struct state_buf *buf);

#endif
