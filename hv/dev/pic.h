/*
 * pic.h - the pair of 8259A interrupt controllers of a PC
 *
 * Owns: IRQs 0..15, their priorities, ports 0x20/21, 0xa0/a1 and ELCR 0x4d0/4d1.
 * Must not know: who drives the lines, and who takes the vector.
 *
 * Sources: Intel, "8259A Programmable Interrupt Controller" (231468), for ELCR
 * Intel, "82371AB (PIIX4)", "Edge/Level Control Registers".  8086 mode only: a
 * guest that asks for MCS-80 mode gets 8086 vectors.
 */
#ifndef ESPEJO_DEV_PIC_H
#define ESPEJO_DEV_PIC_H

#include "dev/bus.h"

struct state_buf;

#define PIC_IRQS 16
#define PIC_CASCADE 2 /* the input of the first chip where the second one is */

struct pic_chip {
	u8 irr;		/* requests, latched in edge mode */
	u8 imr;		/* masked */
	u8 isr;		/* in service */
	u8 lines;	/* levels of the inputs */
	u8 elcr;	/* inputs that are level-triggered */
	u8 vector_base; /* ICW2, a multiple of 8 */
	u8 lowest;	/* the input of lowest priority: 7 if not rotated */
	u8 init_state;	/* the ICW that comes next: 2..4; 0: none */
	bool need_icw4, single;
	bool auto_eoi, rotate_auto_eoi, special_mask, special_nested;
	bool read_isr, poll; /* what the next read of the even port gives */
};

struct pic {
	struct bus *bus;
	struct wire intr;
	struct pic_chip chip[2];
};

/* Claims the ports; intr follows the INTR output of the first chip. */
void pic_init(struct pic *pic, struct bus *bus, struct wire intr);
/* Power-on state; the levels of the lines stay, for they belong to the devices. */
void pic_reset(struct pic *pic);
/* What a PC's firmware leaves: vectors 0x08 and 0x70, all masked but the cascade. */
void pic_after_firmware(struct pic *pic);

/* A line's level; pic is a struct pic *, irq 0..15 (2 is the cascade: ignored). */
void pic_set_irq(void *pic, unsigned irq, bool level);
/* The wire that leads to an IRQ. */
struct wire pic_wire(struct pic *pic, unsigned irq);

/* The INTR output. */
bool pic_pending(const struct pic *pic);
/*
 * The CPU's interrupt acknowledge: the vector, and its request goes into service.
 * Without a request: the spurious vector, that of IRQ 7 (or 15), nothing in service.
 */
u8 pic_ack(struct pic *pic);

void pic_save(const struct pic *pic, struct state_buf *buf);
/* After state_next_section gave DEVICE_SECTION_PIC: 0, or -1, buf->error set, pic unchanged. */
int pic_load(struct pic *pic, struct state_buf *buf);

#endif
