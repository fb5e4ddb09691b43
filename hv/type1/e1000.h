/*
 * e1000.h - the machine's Ethernet card as the switch's uplink
 *
 * Owns: one 82540EM: QEMU, Bochs, VirtualBox and VMware all have it.
 * Must not know: guests, protocols.
 *
 * Frames are copied between the card's buffers, which are ours, and the link's queue.  The card
 * hears all addresses, for the guests behind it have their own.  An interrupt makes the boot CPU's
 * loop look; where that does not come, a timer does.
 *
 * Source: Intel, "PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual",
 * revision 4.0: "Receive and Transmit Description" (3), "General Initialization and Reset
 * Operation" (14), "Register Descriptions" (13).
 */
#ifndef ESPEJO_TYPE1_E1000_H
#define ESPEJO_TYPE1_E1000_H

#include "net/link.h"

/*
 * Find a card, set it up and plug it into net as "uplink".  Once, on the boot CPU, when interrupts,
 * timers and memory work.  False: there is none, or it does not work; what was found was logged.
 */
bool e1000_probe(struct net_switch *net);

/* Move frames that are due in both directions.  The boot CPU's loop, no lock held. */
void e1000_poll(void);

#endif
