/*
 * services.h - what the devices of virtual machines stand on: disks and a network
 *
 * Owns: the order in which the machine's own devices are started, and the moments at which drivers
 * look after their work.
 * Must not know: virtual machines.
 */
#ifndef ESPEJO_TYPE1_SERVICES_H
#define ESPEJO_TYPE1_SERVICES_H

#include "host.h"

/*
 * Find buses, disks and network card.  Once, on the boot CPU, when interrupts, timers and memory
 * work; the other CPUs may run already.
 */
void services_init(void);

/* The boot CPU's loop, each time that it was woken; no lock held. */
void services_poll(void);

/* The machine is about to end: let what is on its way out arrive. */
void services_flush(void);

/* Begin or end the capture of a port of the switch: 0, or negative with a sentence in error. */
int services_capture(const char *port, bool on, char *error, size_t size);

#endif
