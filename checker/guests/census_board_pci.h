/*
 * census_board_pci.h - words of PCI's configuration space that the census' files have in common
 */
#ifndef CHECKER_CENSUS_BOARD_PCI_H
#define CHECKER_CENSUS_BOARD_PCI_H

#include "compiler.h"

#define FUNCTIONS 256u
#define COMMAND 0x04
#define BUSES_ON 7u
#define INTX_OFF 0x400u
#define MASTER 4u
#define STATUS_INTERRUPT (1u << 19)
#define STATUS_CAPABILITIES (1u << 20)
#define BAR(n) (0x10u + 4 * (n))
#define BARS 6u
#define SUBSYSTEM 0x2c
#define CAPABILITIES 0x34
#define INTERRUPT 0x3c
#define CAP_VENDOR 9
#define CAP_MSIX 0x11

bool board_pci_there(unsigned devfn);
/* Of a base address register; 0: there is none. */
u64 board_pci_bar_size(unsigned devfn, unsigned n);

/* The cases of all functions. */
void board_pci_functions(void);

#endif
