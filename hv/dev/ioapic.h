/*
 * ioapic.h - the I/O APIC: from wires to messages
 *
 * Owns: 24 inputs, their redirection entries, the register window at 0xfec00000.
 * Must not know: LAPICs (messages leave by a callback, EOIs come in by a call).
 *
 * Source: Intel, "82093AA I/O Advanced Programmable Interrupt Controller (IOAPIC)" (290566).
 * The version register says 0x20, as later chips and QEMU do, and so there is the EOI
 * register: without it a guest that ends a level-triggered interrupt by hand must mask the
 * entry and switch it to edge and back, which works here as well.
 */
#ifndef ESPEJO_DEV_IOAPIC_H
#define ESPEJO_DEV_IOAPIC_H

#include "dev/bus.h"
#include "dev/lapic.h"

struct state_buf;

#define IOAPIC_PINS 24
#define IOAPIC_BASE 0xfec00000ull
#define IOAPIC_SIZE 0x1000u
#define IOAPIC_VERSION 0x20u
#define IOAPIC_ID_MAX 15

struct ioapic {
	struct bus *bus;
	/*
	 * Hand the message to the LAPICs, as lapic_ops.send_ipi does, its level to lapic_deliver.
	 * Of mode LAPIC_EXTINT the vector is the 8259s' to give, at the acknowledge.
	 */
	void (*send)(void *ctx, const struct ipi *message);
	void *ctx;
	u8 power_on_id;
	u8 id, select;
	u64 entry[IOAPIC_PINS]; /* remote IRR is in there, the delivery status always 0 */
	u32 lines; /* a bit per input: asserted.  Polarity bits of the entries change nothing. */
};

/* Claims the window.  id (0..15): what the ID register holds after power-on. */
void ioapic_init(struct ioapic *io, struct bus *bus, u8 id,
		 void (*send)(void *ctx, const struct ipi *message), void *ctx);
/* Power-on: all masked; the levels of the lines stay, for they belong to the devices. */
void ioapic_reset(struct ioapic *io);
/*
 * A line's level (asserted or not: polarity is the board's matter); io is a struct ioapic *.  An
 * edge at a masked input is lost; a level is seen when it is unmasked.
 */
void ioapic_set_irq(void *io, unsigned pin, bool level);
struct wire ioapic_wire(struct ioapic *io, unsigned pin);
/* An input may bring NMI or INIT: events for a CPU whose interrupts are off, too. */
bool ioapic_has_event(const struct ioapic *io);
/* A LAPIC ended a level-triggered vector: entries still asserted are sent again. */
void ioapic_eoi(struct ioapic *io, u8 vector);

void ioapic_save(const struct ioapic *io, struct state_buf *buf);
/* After state_next_section gave DEVICE_SECTION_IOAPIC: 0, or -1, buf->error set, io unchanged. */
int ioapic_load(struct ioapic *io, struct state_buf *buf);

#endif
