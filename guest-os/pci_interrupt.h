/* pci_interrupt.h - how PCI devices interrupt; see pci_interrupt.c */
#ifndef GUEST_OS_PCI_INTERRUPT_H
#define GUEST_OS_PCI_INTERRUPT_H

#include "pci.h"

#define PCI_INTERRUPTS_MAX 8
#define PCI_VECTOR 0x60 /* the first of PCI_INTERRUPTS_MAX, for MSI-X */

/* By which way a device interrupts. */
enum pci_way { PCI_NO_WAY, PCI_MSIX, PCI_LINE };

/* Called with interrupts off.  By PCI_LINE it may be called though the device wants nothing. */
typedef void pci_handler(void *context);

/* Prefer the lines, even where a device has MSI-X: before the first pci_interrupt. */
void pci_prefer_lines(bool lines);

/*
 * From now on call the handler when this device interrupts: by entry 0 of its MSI-X table, which
 * goes to the boot processor, or by its line and the PIC.  PCI_NO_WAY: it has neither, or too many
 * devices have been here before.  The device must be enabled.
 */
enum pci_way pci_interrupt(const struct pci_device *d, pci_handler *handler, void *context);

/* How many interrupts have come. */
u64 pci_interrupt_count(void);

#endif
