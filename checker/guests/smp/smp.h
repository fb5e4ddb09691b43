/*
 * smp.h - CPUs that do things to each other: what the parts of this probe share
 *
 * Owns: the second CPU's jobs, a log of what came in on each CPU, the local APIC. Must not know:
 * who judges; the records are those of ../systems/systems.h.
 *
 * CPU 0 leads; CPU 1 does the jobs that it is given, with interrupts on unless the job switches
 * them off.  Two more sleep until smp_four has its turn, if the machine has them.
 */
#ifndef CHECKER_SMP_H
#define CHECKER_SMP_H

#include "../systems/systems.h"
#include "x86_ops.h"

#define CPUS 4

/* Registers of the local APIC. */
#define APIC_ID 0x20
#define APIC_TPR 0x80
#define APIC_EOI 0xb0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_SVR 0xf0
#define APIC_IRR 0x200
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_COUNT 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define SVR_ON 0x1ffu
#define ICR_LOWEST 0x100u
#define ICR_NMI 0x400u
#define ICR_INIT 0x500u
#define ICR_SIPI 0x600u
#define ICR_LOGICAL 0x800u
#define ICR_ASSERT 0x4000u
#define ICR_SELF 0x40000u
#define ICR_ALL 0x80000u
#define ICR_OTHERS 0xc0000u

u32 smp_read(u32 reg);
void smp_write(u32 reg, u32 value);
void smp_send(u32 destination, u32 command);

/* What INIT resets: name, offset, value; of IRR the word of vector SMP_SPOILED. */
#define SMP_SPOILED 0x50
#define SMP_LAPIC(X)                                \
	X(tpr, APIC_TPR, 0)                         \
	X(ldr, APIC_LDR, 0)                         \
	X(dfr, APIC_DFR, 0xffffffffu)               \
	X(svr, APIC_SVR, 0xff)                      \
	X(irr, APIC_IRR + 0x20, 0)                  \
	X(icr, APIC_ICR, 0)                         \
	X(timer, APIC_LVT_TIMER, LVT_OFF)           \
	X(lint0, APIC_LVT_LINT0, LVT_OFF)           \
	X(error, APIC_LVT_ERROR, LVT_OFF)           \
	X(count, APIC_TIMER_COUNT, 0)               \
	X(current, APIC_TIMER_CURRENT, 0)           \
	X(divide, APIC_TIMER_DIVIDE, 0)
#define LVT_OFF 0x10000u
#define SMP_LAPIC_OFFSET(name, offset, value) offset,
#define SMP_LAPIC_ONE(name, offset, value) +1
#define SMP_LAPIC_REGS (0 SMP_LAPIC(SMP_LAPIC_ONE))
/* As the CPU that started last found them. */
extern volatile u32 smp_lapic[SMP_LAPIC_REGS];

/* What came: of each vector, on each CPU. */
extern volatile u32 smp_came[CPUS][256];
void smp_forget(void);

/* Page faults of CPU 1 go on there, and are counted in smp_came; 0: they are the end. */
extern volatile u64 smp_fixup;

/* CPU 1 runs f once; smp_join waits for its end.  False: it does not come. */
void smp_give(void (*f)(void));
/* All others run it. */
void smp_give_all(void (*f)(void));
/* The number of the CPU that asks. */
unsigned smp_here(void);
bool smp_join(void);
/* Until *what is at least that; false: it takes too long. */
bool smp_until(const volatile u32 *what, u32 least);
/* A while in which what is under way arrives. */
void smp_settle(void);

/* Its state as it began, and what starts and stops it; leaves CPU 1 running.  False: it did not
 * start. */
bool smp_start(void);
/* CPUs 2 and 3 begin to sleep, and start again as workers.  False: there are none. */
bool smp_put_to_sleep(void);
bool smp_wake_up(void);
void smp_messages(void);
void smp_litmus(void);
void smp_pages(void);
/* With four CPUs. */
void smp_four(void);

#endif
