/*
 * apic.h - this machine's local APICs
 *
 * Owns: their registers, in memory (xAPIC) or as MSRs (x2APIC, where the CPU has it).
 * Must not know: why interrupts are sent.  The guests' LAPICs are dev/lapic.h's.
 *
 * Source: [SDM] "Advanced Programmable Interrupt Controller (APIC)" (10).
 */
#ifndef ESPEJO_TYPE1_APIC_H
#define ESPEJO_TYPE1_APIC_H

#include "compiler.h"

/* Once, on the boot CPU, before anything else here.  False: none, or it cannot be mapped. */
bool apic_init(void);
/* On each CPU: switch it on, all of its own interrupts but the timer's masked. */
void apic_init_cpu(void);

bool apic_is_x2apic(void);
/* This CPU's. */
u32 apic_id(void);

void apic_eoi(void);

/* Interprocessor interrupts; id is the receiver's APIC ID. */
void apic_send(u32 id, u8 vector);
void apic_send_nmi(u32 id);
void apic_nmi_others(void);
void apic_send_init(u32 id);
/* The CPU starts at page (below 1 MiB) in real mode. */
void apic_send_startup(u32 id, u64 page);

/* The timer counts down from count and interrupts once at 0; count 0 stops it. */
void apic_timer_start(u32 count);
u32 apic_timer_count(void);

#endif
