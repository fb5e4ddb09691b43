/*
 * piix3.h - the ISA bridge: interrupt steering and the reset control register
 *
 * Owns: PCI function 00:01.0 with PIRQRC[A:D], the sixteen ISA interrupt lines with all who drive
 * them, port 0xcf9.
 * Must not know: interrupt controllers (lines leave by a callback); the PIC owns ELCR.
 *
 * Source: Intel, "82371FB (PIIX) and 82371SB (PIIX3) PCI ISA IDE Xcelerator" (290550), "PIRQRC"
 * (2.2.6), "RC - Reset Control Register" (2.5.4.3).
 */
#ifndef ESPEJO_DEV_PIIX3_H
#define ESPEJO_DEV_PIIX3_H

#include "dev/pci.h"

#define PIIX3_DEVFN PCI_DEVFN(1, 0)
#define PIIX3_IRQS 16
#define PIIX3_PIRQRC 0x60 /* four bytes: where PIRQA..PIRQD lead */
#define PIIX3_PIRQRC_OFF 0x80
#define PIIX3_RESET_PORT 0xcf9
#define PIIX3_RESET_VALUE 0x06 /* what to write there: a hard reset */

/* Where PC firmware (SeaBIOS) and we steer PIRQA..PIRQD; ELCR must say level for them. */
#define PIIX3_PIRQ_IRQS                                                                            \
	{                                                                                          \
		10, 10, 11, 11                                                                     \
	}

struct piix3_lines {
	/* An ISA line changed: to the PIC's input irq, and the IOAPIC's (irq 0 enters at pin 2). */
	void (*irq)(void *ctx, unsigned irq, bool level);
	/* The guest resets its machine: note it, act later. */
	void (*reset)(void *ctx);
	void *ctx;
};

struct piix3 {
	struct pci_function function;
	struct piix3_lines lines;
	u16 isa;    /* lines driven by ISA devices */
	u8 pirq;    /* and by PCI, bit 0: PIRQA */
	u16 driven; /* what was last told of all of them */
	u8 reset_control;
};

/* Plugs it into pci, takes port 0xcf9. */
void piix3_init(struct piix3 *p, struct pci *pci, const struct piix3_lines *lines);
/* Power-on: after pci_reset (which un-steers the PIRQs).  ISA lines stay, as at the PIC. */
void piix3_reset(struct piix3 *p);
/* Steers the PIRQs by PIIX3_PIRQ_IRQS and sets ELCR; after pic_after_firmware. */
void piix3_after_firmware(struct piix3 *p);

/* The wire for a device at ISA interrupt irq; IRQ 2 leads nowhere. */
struct wire piix3_irq_wire(struct piix3 *p, unsigned irq);
/* The wire for pci_init: line 0..3. */
struct wire piix3_pirq_wire(struct piix3 *p, unsigned line);

void piix3_save(const struct piix3 *p, struct state_buf *buf);
/*
 * After state_next_section gave DEVICE_SECTION_PIIX3: 0, or -1, buf->error set, p unchanged.
 * Before pci_load, after the interrupt controllers': nothing is driven anew.
 */
int piix3_load(struct piix3 *p, struct state_buf *buf);

#endif
