/*
 * ioapic.h - the I/O APIC: from wires to messages
 *
 * Owns: 24 inputs, their redirection entries, the register window at 0xfec00000.
 * Must not know: LAPICs (messages leave by a callback, EOIs come in by a call).
 *
 * Source: Intel, "82093AA I/O Advanced Programmable Interrupt Controller (IOAPIC)" (290566),
 * with the EOI register of version 0x20 ([SDM] has no chapter on it).
 */
#ifndef ESPEJO_DEV_IOAPIC_H
#define ESPEJO_DEV_IOAPIC_H

#include "dev/bus.h"
#include "dev/lapic.h"

struct state_buf;

#define IOAPIC_PINS 24
#define IOAPIC_BASE 0xfec00000ull
#define IOAPIC_SIZE 0x1000u

struct ioapic {
	struct bus *bus;
	/* Hand the message to the LAPICs, as lapic_ops.send_ipi does (level as the pin's mode). */
	void (*send)(void *ctx, const struct ipi *message);
	void *ctx;
	u8 id, select;
	u64 entry[IOAPIC_PINS];
	u32 lines; /* levels of the inputs, active already corrected for nobody: as wired */
	u32 irr; /* edge requests not sent yet because masked: none are kept, see the contract */
};

/* Claims the window. */
void ioapic_init(struct ioapic *io, struct bus *bus, u8 id,
		 void (*send)(void *ctx, const struct ipi *message), void *ctx);
/* Power-on: all masked, ID kept at 0; the levels of the lines stay. */
void ioapic_reset(struct ioapic *io);
/* A line's level (asserted or not: polarity is the board's matter); io is a struct ioapic *. */
void ioapic_set_irq(void *io, unsigned pin, bool level);
struct wire ioapic_wire(struct ioapic *io, unsigned pin);
/* A LAPIC ended a level-triggered vector: entries still asserted are sent again. */
void ioapic_eoi(struct ioapic *io, u8 vector);

void ioapic_save(const struct ioapic *io, struct state_buf *buf);
int ioapic_load(struct ioapic *io, struct state_buf *buf);

#endif
