/*
 * pcibus.h - the machine's own PCI functions
 *
 * Owns: configuration space, reached by configuration mechanism #1; the list of what is there.
 * Must not know: drivers, and the guests' PCI (dev/pci.h).
 *
 * All devices belong to the hypervisor: no guest reaches a port or an address of theirs.
 *
 * Sources: PCI Local Bus Specification 3.0, "Configuration Mechanism #1" (3.2.2.3.2),
 * "Configuration Space Organization" (6.1), "Base Addresses" (6.2.5); PCI-to-PCI Bridge
 * Architecture 1.2, "Secondary Bus Number" (3.2.5.4).
 */
#ifndef ESPEJO_TYPE1_PCIBUS_H
#define ESPEJO_TYPE1_PCIBUS_H

#include "compiler.h"

#define PCIBUS_FUNCTIONS 64
#define PCIBUS_BARS 6

#define PCIBUS_CLASS_IDE 0x0101 /* mass storage, IDE */

struct pcibus_bar {
	u64 address; /* 0: firmware placed nothing here */
	u64 size; /* 0: there is no such register, or it is the upper half of the one before */
	bool io;
};

struct pcibus_function {
	u8 bus, device, function;
	u16 vendor, id;
	u16 class; /* base class and subclass */
	u8 interface;
	u8 irq; /* the ISA interrupt to which firmware routed its pin; 0 or 0xff: none */
	u8 pin; /* 1: INTA; 0: none */
	struct pcibus_bar bar[PCIBUS_BARS];
};

/* Look at all buses, once, before any driver. */
void pcibus_init(void);

/* Number n of the list, or NULL: there are no more. */
const struct pcibus_function *pcibus_at(unsigned n);
const struct pcibus_function *pcibus_find(u16 vendor, u16 id);
const struct pcibus_function *pcibus_find_class(u16 class);

/* A register of configuration space, by its offset: a multiple of 4. */
u32 pcibus_read(const struct pcibus_function *f, unsigned reg);

/* Let it answer at its addresses and read and write memory by itself. */
void pcibus_enable(const struct pcibus_function *f);

#endif
