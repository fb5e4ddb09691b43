/*
 * piix4.h - power management: the ACPI registers of a PIIX4
 *
 * Owns: PCI function 00:01.3; the power management block of 64 ports (PM1 event and control, the
 * PM timer, GPE0), ports 0xb2 and 0xb3, the SCI.
 * Must not know: how a machine is switched off.
 *
 * Source: Intel, "82371AB PCI-to-ISA / IDE Xcelerator (PIIX4)" (290562), "Power Management PCI
 * Configuration" (7.1), "Power Management IO Space Registers" (7.2); [ACPI] "ACPI Hardware
 * Specification" (4).
 *
 * Left out: SMIs (a write to 0xb2 does at once what firmware's SMI handler would, switching ACPI
 * mode on or off; DEVACTB says that firmware has set that up, so that SeaBIOS does not wait for an
 * SMI), the SMBus (its host configuration says off), all sleep states but soft off.
 */
#ifndef ESPEJO_DEV_PIIX4_H
#define ESPEJO_DEV_PIIX4_H

#include "dev/pci.h"

#define PIIX4_DEVFN PCI_DEVFN(1, 3)
#define PIIX4_SCI_IRQ 9
#define PIIX4_PM_SIZE 64

/* Where firmware puts the block, and what is in it: for the FADT. */
#define PIIX4_PM_BASE 0x600
#define PIIX4_PM1_EVENT 0x00 /* status, enable */
#define PIIX4_PM1_CONTROL 0x04
#define PIIX4_PM_TIMER 0x08
#define PIIX4_GPE0 0x0c /* status, enable, two bytes each */
#define PIIX4_PM_TIMER_HZ 3579545u
#define PIIX4_SMI_PORT 0xb2
#define PIIX4_ACPI_ENABLE 0xf1 /* written to PIIX4_SMI_PORT */
#define PIIX4_ACPI_DISABLE 0xf0
#define PIIX4_SLEEP_TYPE_OFF 0 /* of S5 */

struct piix4_lines {
	void (*power_off)(void *ctx); /* the guest switches itself off: note it, act later */
	void *ctx;
};

#define PIIX4_KEPT 4

struct piix4 {
	struct pci_function function;
	struct bus *bus;
	struct wire sci;
	struct piix4_lines lines;
	struct alarm alarm; /* the timer's next overflow, if that interrupts */

	u16 status, enable, control; /* PM1; the timer's status bit is worked out */
	u64 overflows;		     /* of the timer, seen when its status was last cleared */
	u16 gpe_enable;
	u32 kept[PIIX4_KEPT]; /* registers without effect */
	u8 apm[2];	      /* ports 0xb2, 0xb3 */
};

/* Plugs it into pci, claims 0xb2 and 0xb3.  sci: the wire to IRQ 9. */
void piix4_init(struct piix4 *p, struct pci *pci, struct wire sci, const struct piix4_lines *lines);
/* Power-on: after pci_reset. */
void piix4_reset(struct piix4 *p);
/* The block at PIIX4_PM_BASE, switched on; IRQ 9 level-triggered.  After pci_after_firmware. */
void piix4_after_firmware(struct piix4 *p);

/* Somebody presses the button.  False: the guest does not listen (no ACPI, or not enabled). */
bool piix4_power_button(struct piix4 *p);

void piix4_save(const struct piix4 *p, struct state_buf *buf);
/*
 * After state_next_section gave DEVICE_SECTION_PIIX4: 0, or -1, buf->error set, p unchanged.  The
 * machine's clock must have been restored before, and pci_load called.
 */
int piix4_load(struct piix4 *p, struct state_buf *buf);

#endif
