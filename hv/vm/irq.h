/*
 * irq.h - which event the guest takes next
 *
 * Owns: the order of events, windows and shadows, and the merging of faults
 * raised while another event was being delivered.
 * Must not know: the interrupt controllers' insides, or how a back end injects.
 *
 * Order at an instruction boundary, from [SDM] "Prioritization of Concurrent Events"
 * (6.9) and [APM] vol. 2 "Exception and Interrupt Priorities" (8.5), as far as software decides it:
 *   1. an event whose delivery was interrupted, merged with a fault it met;
 *   2. a fault raised by emulation of the last instruction (or a trap after it);
 *   3. NMI, unless blocked by an earlier one or by a MOV SS shadow;
 *   4. external interrupt, if RFLAGS.IF and no STI or MOV SS shadow.
 * What waits gets a window.
 */
#ifndef ESPEJO_VM_IRQ_H
#define ESPEJO_VM_IRQ_H

#include "vm/state.h"

struct vcpu;

enum irq_merge { IRQ_MERGE_SECOND, IRQ_MERGE_DOUBLE_FAULT, IRQ_MERGE_SHUTDOWN };

/*
 * A fault met while first was being delivered: deliver the second one and drop first, a double
 * fault, or shut down.  A dropped instruction runs again; a dropped interrupt or NMI does not come
 * again, as the CPU had acknowledged it (bare emulators: tests/guests/task, tests/guests/events).
 * [SDM] "Interrupt 8 - Double Fault Exception (#DF)" (6.15), table 6-5.
 */
enum irq_merge irq_merge(const struct event *first, const struct event *second);

/* Raise a fault or trap in v at its next entry: it may merge to #DF, or end the VM. */
void irq_raise(struct vcpu *v, const struct event *event);

/*
 * An instruction that was carried out here is over, and began with TF set: that is a trap, unless
 * only branches are.  [SDM] "Single-Step Exception Condition" (18.3.1.4), "Single-Stepping on
 * Branches" (18.4.3)
 */
void irq_single_step(struct vcpu *v);

/* Decide what v's next entry delivers and which windows it asks for.  The VM's lock is not held. */
void irq_prepare(struct vcpu *v);

/* Would an event wake v from HLT?  The VM's lock is held. */
bool irq_wakes(struct vcpu *v);

#endif
