/*
 * irqroute.h - the machine's own I/O APICs and its old PICs
 *
 * Owns: routing of ISA interrupts to a CPU; everything else stays masked.
 * Must not know: the devices.
 *
 * Source: Intel, "82093AA I/O Advanced Programmable Interrupt Controller", 3 "Register
 * Description"; Intel, "8259A Programmable Interrupt Controller".
 */
#ifndef ESPEJO_TYPE1_IRQROUTE_H
#define ESPEJO_TYPE1_IRQROUTE_H

#include "type1/acpi.h"

/* Silence the PICs and mask all inputs.  machine is kept. */
void irqroute_init(const struct acpi_machine *machine);

/* ISA interrupt irq (0..15) comes to the CPU as vector.  False: no I/O APIC has that input. */
bool irqroute_isa(unsigned irq, u8 vector, u32 apic_id);

/* The same as an NMI, on every edge; APIC ID 0xff: to all CPUs. */
bool irqroute_isa_nmi(unsigned irq, u32 apic_id);
void irqroute_mask_isa(unsigned irq);

#endif
