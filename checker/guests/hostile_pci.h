/*
 * hostile_pci.h - configuration space, for those who attack devices
 */
#ifndef CHECKER_HOSTILE_PCI_H
#define CHECKER_HOSTILE_PCI_H

#include "compiler.h"

#define PCI_FUNCTIONS 256u /* of bus 0 */
#define PCI_COMMAND 0x04
#define PCI_BAR0 0x10
#define PCI_BARS 6
#define PCI_CAPABILITIES 0x34
#define PCI_WORDS 64
#define PCI_BUSES_ON 7 /* I/O, memory, bus master */
#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX 0x11
#define PCI_VIRTIO 0x1af4

u32 pci_read(unsigned devfn, unsigned offset);
void pci_write(unsigned devfn, unsigned offset, u32 value);

/* Is it there, and no bridge?  What bridges do to the guest itself is its own fault. */
bool pci_is_victim(unsigned devfn);

void pci_keep(unsigned devfn, u32 word[PCI_WORDS]);
void pci_restore(unsigned devfn, const u32 word[PCI_WORDS]);

/* Where a BAR in memory below 4 GiB lies; 0: it is none. */
u32 pci_memory_bar(unsigned devfn, unsigned bar);

#endif
