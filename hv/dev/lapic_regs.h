/*
 * lapic_regs.h - the local APIC's registers, by number and bit
 *
 * Owns: names of registers as the manual numbers them: number n is at offset 16 * n of
 * the xAPIC page, and is x2APIC MSR 0x800 + n.
 * Must not know: what they do (lapic.c, lapic_timer.c, lapic_regs.c).
 *
 * Source: [SDM] vol. 3 "Local APIC Register Address Map", table 12-1.
 */
#ifndef ESPEJO_DEV_LAPIC_REGS_H
#define ESPEJO_DEV_LAPIC_REGS_H

#include "dev/lapic.h"

#define LAPIC_PAGE_SIZE 0x1000
#define LAPIC_REG_SHIFT 4

enum lapic_reg {
	REG_ID = 0x02,
	REG_VERSION = 0x03,
	REG_TPR = 0x08,
	REG_APR = 0x09,
	REG_PPR = 0x0a,
	REG_EOI = 0x0b,
	REG_LDR = 0x0d,
	REG_DFR = 0x0e,
	REG_SVR = 0x0f,
	REG_ISR = 0x10,
	REG_TMR = 0x18,
	REG_IRR = 0x20,
	REG_ESR = 0x28,
	REG_ICR = 0x30,
	REG_ICR_HIGH = 0x31,
	REG_LVT_TIMER = 0x32,
	REG_LVT_ERROR = 0x37,
	REG_TIMER_INITIAL = 0x38,
	REG_TIMER_CURRENT = 0x39,
	REG_TIMER_DIVIDE = 0x3e,
	REG_SELF_IPI = 0x3f,
};

#define LAPIC_VERSION 0x14
#define LAPIC_ID_SHIFT 24     /* in xAPIC mode */
#define LAPIC_FIRST_VECTOR 16 /* lower ones belong to exceptions */

#define SVR_VECTOR 0xffu
#define SVR_ENABLE 0x100u

#define DFR_FIXED 0x0fffffffu
#define DFR_MODEL 0xf0000000u /* all set: flat; all clear: cluster */

#define ESR_SEND_ILLEGAL BIT(5)
#define ESR_RECEIVE_ILLEGAL BIT(6)
#define ESR_ILLEGAL_REGISTER BIT(7)

/* ICR and LVT entries share their low bits. */
#define MESSAGE_VECTOR 0xffu
#define MESSAGE_MODE_SHIFT 8
#define MESSAGE_MODE 7u
#define ICR_LOGICAL BIT(11)
#define ICR_ASSERT BIT(14)
#define ICR_LEVEL BIT(15)
#define ICR_SHORTHAND_SHIFT 18
#define ICR_SHORTHAND 3u
#define ICR_LOW_BITS 0x000ccfffu /* delivery status, bit 12, always reads idle: not one of them */
#define ICR_DEST_SHIFT 32
#define ICR_XAPIC_DEST_SHIFT 56

#define LVT_STATUS BIT(12)     /* read-only, always idle */
#define LVT_POLARITY BIT(13)   /* kept, without effect: wires are never inverted */
#define LVT_REMOTE_IRR BIT(14) /* read-only */
#define LVT_LEVEL BIT(15)
#define LVT_MASKED BIT(16)
#define LVT_TIMER_MODE_SHIFT 17
enum timer_mode { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_TSC_DEADLINE, TIMER_RESERVED };

#define DIVIDE_BITS 0x0bu

/* lapic.c: what the registers' doors and the timer need from the core. */
bool lapic_software_enabled(const struct lapic *l);
void lapic_error(struct lapic *l, u32 bit);
void lapic_fire_lvt(struct lapic *l, enum lapic_lvt n);
/* Tell the CPU if something is deliverable. */
void lapic_changed(struct lapic *l);
void lapic_eoi(struct lapic *l);
void lapic_send(struct lapic *l);
void lapic_self_ipi(struct lapic *l, u8 vector);
u32 lapic_logical_id(const struct lapic *l);
u32 lapic_apr(const struct lapic *l);
/* A LINT's mask or mode may have changed while its input is up. */
void lapic_look_at_lint(struct lapic *l);

/* lapic_timer.c */
void lapic_timer_init(struct lapic *l);
void lapic_timer_reset(struct lapic *l);
enum timer_mode lapic_timer_mode(const struct lapic *l);
/* What was due has happened, and the alarm is set for what comes. */
void lapic_timer_update(struct lapic *l);
/* Set the alarm for what comes, even if it is due. */
void lapic_timer_rearm(struct lapic *l);
u32 lapic_timer_count(const struct lapic *l);
/* The same for the guest: who reads 0 finds the interrupt requested, be the alarm still to come. */
u32 lapic_timer_read(struct lapic *l);
void lapic_timer_load(struct lapic *l, u32 initial);
void lapic_timer_set_divide(struct lapic *l, u32 divide);
void lapic_timer_set_lvt(struct lapic *l, u32 lvt);
u64 lapic_timer_deadline(struct lapic *l);
void lapic_timer_set_deadline(struct lapic *l, u64 tsc);
/* For loading: are these times possible at now? */
bool lapic_timer_possible(const struct lapic *l, u64 now);

/* lapic_regs.c: the bits of an LVT entry that a guest can write. */
u32 lapic_lvt_bits(const struct lapic *l, enum lapic_lvt n);

#endif
