/*
 * mwait.h - MONITOR and MWAIT, MONITORX and MWAITX: waiting for a store
 *
 * Owns: which line of memory a vCPU watches, and whether it waits for a store to it.
 * Must not know: back ends, devices.
 *
 * MONITOR arms a line of guest-physical memory and notes what it holds.  MWAIT then blocks the vCPU
 * as HLT does, so that others have its CPU, until an event ends it or somebody stores to the line.
 * How stores are seen:
 *   - by another vCPU of the VM: its page is taken the right to be written (memory_guard); the
 *     store faults, gives the right back and wakes who waits;
 *   - by a device, or by emulation: whoever is given a pointer to the line wakes (memory_stored);
 *   - what was stored before all CPUs had lost the right, and after MONITOR: the line is compared
 *     with what it held, by the waiting vCPU once the guard is up and by each other one when it
 *     has flushed.
 * So only a store that changes nothing, between MONITOR and MWAIT, is not seen; no program can rely
 * on it, as it could not tell it from one before MONITOR.
 *
 * A wake that nobody caused is legal: waking is always the answer to doubt.  So none of this is
 * saved with a VM's state: who waits is then saved as running, behind its MWAIT.
 *
 * Sources: [SDM] "MONITOR/MWAIT Instructions" (vol. 3, 8.10.3), vol. 2 "MONITOR", "MWAIT"; [APM]
 * vol. 3 "MONITOR", "MWAIT", "MONITORX", "MWAITX".
 */
#ifndef ESPEJO_VM_MWAIT_H
#define ESPEJO_VM_MWAIT_H

#include "dev/bus.h"

struct vcpu;
struct vm;

#define MWAIT_LINE 64 /* bytes that one MONITOR watches, aligned */

struct mwait {
	bool armed; /* by MONITOR; MWAIT uses it up */
	bool waiting; /* in MWAIT */
	bool masked_too; /* interrupts end it even if RFLAGS.IF is clear */
	bool hit; /* somebody stored, or the time is over */
	gpa_t line;
	const u8 *ram; /* where that is in our memory; while armed or waiting */
	u8 seen[MWAIT_LINE]; /* what it held at MONITOR */
	struct alarm timeout; /* of MWAITX */
};

/* Once; and at reset, when v is not loaded.  The VM's lock is held for the latter. */
void mwait_init(struct vcpu *v);
void mwait_reset(struct vcpu *v);

/* Answer v->exit, which is one of the four instructions (or what the guest made of it since). */
void mwait_instruction(struct vcpu *v);

/*
 * v->mwait.waiting is set: does v still wait?  False: something ended it.  By the CPU that runs v;
 * no lock is held.
 */
bool mwait_waits(struct vcpu *v);
/* It waits no longer, and nothing is armed (INIT, a pause of the machine).  The same. */
void mwait_cancel(struct vcpu *v);

/* Bytes from a on are stored to, or are about to be: wake who watches.  Any lock may be held. */
void mwait_stored(struct vm *vm, gpa_t a, u64 len);
/* Stores may have been made unseen: look at the lines of all who wait.  Any lock may be held. */
void mwait_look(struct vm *vm);

#endif
