/* pci.h - the PCI bus: what is on it, and its configuration space; see pci.c */
#ifndef GUEST_OS_PCI_H
#define GUEST_OS_PCI_H

#include "types.h"

#define PCI_DEVICES_MAX 32
#define PCI_BARS 6

/* A function of a device, as enumeration has found it. */
struct pci_device {
	u8 bus, slot, function;
	u16 vendor, device, subsystem;
	u32 class; /* base class, subclass, interface: 24 bits */
};

extern struct pci_device pci_devices[PCI_DEVICES_MAX];
extern unsigned pci_count;

/* Registers of the configuration space; [PCI] "Configuration Space Organization" (6.1) */
enum pci_register {
	PCI_ID = 0x00,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_CLASS = 0x08, /* the revision in its lowest byte */
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SECONDARY_BUS = 0x19, /* of a bridge */
	PCI_SUBSYSTEM = 0x2e,
	PCI_CAPABILITIES = 0x34,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
};

#define PCI_COMMAND_IO (1u << 0)
#define PCI_COMMAND_MEMORY (1u << 1)
#define PCI_COMMAND_MASTER (1u << 2)
#define PCI_COMMAND_NO_INTX (1u << 10)

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX 0x11

/* Find all functions on all buses.  A machine without PCI has none. */
void pci_init(void);

/* Configuration space, at an offset that is a multiple of the width. */
u8 pci_read8(const struct pci_device *d, unsigned offset);
u16 pci_read16(const struct pci_device *d, unsigned offset);
u32 pci_read32(const struct pci_device *d, unsigned offset);
void pci_write16(const struct pci_device *d, unsigned offset, u16 value);
void pci_write32(const struct pci_device *d, unsigned offset, u32 value);

/* What a base address register decodes; a size of 0: nothing.  Its upper half, if it has one,
 * is the next register. */
struct pci_bar {
	u64 base, size;
	bool memory, wide; /* wide: 64 bits, in two registers */
};
struct pci_bar pci_bar(const struct pci_device *d, unsigned n);

/*
 * The offset of the next capability with this ID behind the one at offset `after` (0: from the
 * first); 0 if there is none.  A list that runs in circles ends.
 */
unsigned pci_capability(const struct pci_device *d, u8 id, unsigned after);

/* Let it decode its memory, and read and write ours. */
void pci_enable(const struct pci_device *d);

#endif
