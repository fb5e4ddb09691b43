/* lapic.h - the CPU's own interrupt controller; see lapic.c */
#ifndef GUEST_OS_LAPIC_H
#define GUEST_OS_LAPIC_H

#include "types.h"

#define LAPIC_TIMER_VECTOR 0x40
#define LAPIC_SPURIOUS_VECTOR 0xff

/* [SDM] "The Local APIC Block Diagram" (10.4.1), table "Local APIC Register Address Map" */
enum lapic_register {
	LAPIC_ID = 0x20,
	LAPIC_VERSION = 0x30,
	LAPIC_TPR = 0x80,
	LAPIC_PPR = 0xa0,
	LAPIC_EOI = 0xb0,
	LAPIC_SVR = 0xf0,
	LAPIC_ISR = 0x100,
	LAPIC_IRR = 0x200,
	LAPIC_ICR_LOW = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

#define LAPIC_LVT_MASKED (1u << 16)
#define LAPIC_LVT_PERIODIC (1u << 17)
#define LAPIC_ICR_SELF (1u << 18)
#define LAPIC_ICR_NMI (4u << 8)
#define LAPIC_ICR_INIT (5u << 8)
#define LAPIC_ICR_STARTUP (6u << 8) /* the page number is the vector */
#define LAPIC_ICR_PENDING (1u << 12)
#define LAPIC_ICR_ASSERT (1u << 14)

u32 lapic_read(enum lapic_register reg);
void lapic_write(enum lapic_register reg, u32 value);

/* This CPU's ID, by which others reach it. */
u32 lapic_id(void);

/* Does this CPU have one? */
bool lapic_present(void);

/*
 * Switch this CPU's on; the PIC's interrupts pass through the boot processor's LINT0; the timer is
 * stopped, divided by 16.
 */
void lapic_init(void);

/* Tell how fast its timer counts, for lapic_arm. */
void lapic_set_rate(u64 counts_per_ms);

/* One interrupt at LAPIC_TIMER_VECTOR, us from now (longer times are cut); or none any more. */
void lapic_arm(u64 us);
void lapic_disarm(void);

/* End of interrupt. */
void lapic_eoi(void);

/* Send an interrupt to the CPU with this ID: a vector, with what LAPIC_ICR_ adds. */
void lapic_send(u32 id, u32 command);

/* Is this vector requested, in service? */
bool lapic_requested(unsigned vector);
bool lapic_in_service(unsigned vector);

#endif
