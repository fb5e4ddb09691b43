/*
 * machine.h - the board of a virtual machine: its devices and the wires between them
 *
 * Owns: which devices there are, at which ports, on which interrupt lines; messages between LAPICs.
 * Must not know: life and memory of the machine (vm.h), what the devices do.
 */
#ifndef ESPEJO_VM_MACHINE_H
#define ESPEJO_VM_MACHINE_H

#include "dev/lapic.h"

struct vm;

#define MACHINE_PCI_MEMORY 0xe0000000ull /* where PCI devices' memory begins: above all low RAM */
#define MACHINE_IOAPIC_ID 0

/* What LAPICs ask of the machine; their ctx is the struct vcpu. */
extern const struct lapic_ops machine_lapic_ops;

/*
 * Make the devices and wire them; the vCPUs and the memory are there.  0; -HOST_ENOMEM; or
 * -HOST_EBUSY: the switch has no free port.  After an error machine_free all the same.
 */
int machine_init(struct vm *vm) MUST_CHECK;
/* The vCPUs are still there but out, and machine_settled said so. */
void machine_free(struct vm *vm);
/*
 * The devices as after power-on; if no firmware will run, as firmware would leave them to a kernel.
 * vm->lock is held.
 */
void machine_reset(struct vm *vm);
/* Has all ended that devices began outside (disk requests)?  Its vCPUs are out; no lock held. */
bool machine_settled(struct vm *vm);

#endif
