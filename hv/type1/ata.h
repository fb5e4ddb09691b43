/*
 * ata.h - the machine's ATA disks
 *
 * Owns: the two channels of an IDE controller in compatibility mode, and the disks on them as
 * stores.  Must not know: partitions, names beyond "hd0", who uses a disk.
 *
 * Requests of a channel's disks queue up; the controller works on one command at a time, by DMA
 * where there is a bus master, else by PIO.  Completion is seen by the interrupt, if there is an
 * I/O APIC for it, and by a timer while a command runs: so it comes in any case, if later.  A disk
 * that does not answer is reset; one that stays silent fails all requests from then on.
 *
 * DMA reaches the segments themselves where they lie below 4 GiB at even addresses; others go by
 * a bounce buffer.
 *
 * Sources: T13/1410D, "AT Attachment with Packet Interface - 6": "IDENTIFY DEVICE" (8.15),
 * "Software reset protocol" (9.2) and the protocols behind it; Intel, "82371SB (PIIX3)", "PCI IDE
 * bus master"; "Programming Interface for Bus Master IDE Controller" 1.0.
 */
#ifndef ESPEJO_TYPE1_ATA_H
#define ESPEJO_TYPE1_ATA_H

#include "store.h"

#define ATA_DRIVES 4

/*
 * Look for disks, once, on the boot CPU, when interrupts, timers and memory work.  bus_master: the
 * first of 16 ports, 0: PIO only.
 */
void ata_init(u16 bus_master);

/* Disk number n as a store, NULL: there are no more.  It is never closed. */
struct store *ata_store(unsigned n);
/* What it says it is; "" beyond the last. */
const char *ata_model(unsigned n);

/* See what has ended and call done() for it.  Any CPU's loop, no lock held. */
void ata_poll(void);

#endif
