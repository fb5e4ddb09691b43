/*
 * apic.h - what the checks of the interrupt controllers and clocks have in common
 *
 * Owns: the local APIC's registers behind both doors, a log of interrupts, verdicts.
 * Must not know: what is checked.
 *
 * Sources: [SDM] vol. 3 "Advanced Programmable Interrupt Controller (APIC)" (12); Intel,
 * "82093AA I/O Advanced Programmable Interrupt Controller" (290566).
 */
#ifndef TESTS_APIC_H
#define TESTS_APIC_H

#include "rt.h"

#include "x86_ops.h"

/* Registers of the local APIC, as offsets of its page. */
enum apic_register {
	APIC_ID = 0x20,
	APIC_VERSION = 0x30,
	APIC_TPR = 0x80,
	APIC_PPR = 0xa0,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_TMR = 0x180,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_INITIAL = 0x380,
	APIC_CURRENT = 0x390,
	APIC_DIVIDE = 0x3e0,
	APIC_SELF_IPI = 0x3f0,
};

#define SVR_ON 0x100u
#define LVT_MASK 0x10000u
#define LVT_PERIODIC 0x20000u
#define LVT_DEADLINE 0x40000u
#define MODE_LOWEST 0x100u
#define MODE_NMI 0x400u
#define MODE_INIT 0x500u
#define MODE_SIPI 0x600u
#define MODE_EXTINT 0x700u
#define ICR_LOGICAL 0x800u
#define ICR_BUSY 0x1000u
#define ICR_ASSERT 0x4000u
#define ICR_TO_SELF 0x40000u
#define ICR_TO_ALL 0x80000u
#define ICR_TO_OTHERS 0xc0000u
#define DIVIDE_BY_1 0xbu
#define SPURIOUS 0xffu

#define FIRST_FREE 0x30 /* vectors from here on are ours; the 8259s have 0x20..0x2f */
#define PATIENCE 400000u

static inline u64 read_cr8(void)
{
	u64 v;

	__asm__ volatile("movq %%cr8, %0" : "=r"(v)::"memory");
	return v;
}

static inline void write_cr8(u64 v)
{
	__asm__ volatile("movq %0, %%cr8" ::"r"(v) : "memory");
}

u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 value);
/* Bit vector of one of the three sets of 256. */
bool apic_bit(u32 set, unsigned vector);
/* Send, and wait until it has left. */
void apic_send(u32 dest, u32 icr);
/* On, everything masked, all at rest; LINT0 as ExtINT if extint. */
void apic_quiet(bool extint);

/* Interrupts that came since log_clear, in their order. */
#define LOG_SIZE 512
extern volatile u8 log_vector[LOG_SIZE];
extern volatile unsigned log_count, log_nmis, log_spurious;
extern volatile bool log_low; /* vectors below 16 are interrupts, too */
/* Called in the handler behind the log's entry; NULL: EOI. */
extern void (*volatile log_hook)(unsigned vector);
void log_clear(void);
/* Interrupts on for a few instructions. */
void log_open(void);
/* Interrupts on until count of them came, or patience ends: true if they did. */
bool log_wait(unsigned count);
/* Halt until count of them came, however long that takes. */
void log_halt(unsigned count);
/* The log is exactly this one vector. */
bool log_is(unsigned vector);
void apic_eoi(void);

/* A verdict; a value, to be compared with that of another machine. */
void good(bool is_good, const char *format, ...) PRINTF_LIKE(2, 3);
void value(const char *format, ...) PRINTF_LIKE(1, 2);

void check_registers(void);
void check_vectors(void);
void check_messages(void);
void check_timer(void);
void check_modes(void);
void check_ioapic(void);
void check_clocks(void);
void check_cpus(void);
void check_tables(void);

#endif
