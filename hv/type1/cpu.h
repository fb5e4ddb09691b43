/*
 * cpu.h - what belongs to one CPU of the machine
 *
 * Owns: struct cpu, found through GS.  Must not know: how CPUs are started (smp.c).
 */
#ifndef ESPEJO_TYPE1_CPU_H
#define ESPEJO_TYPE1_CPU_H

#include "host.h"
#include "type1/layout.h"

/* [SDM] "Task Management in 64-bit Mode" (7.7), "Interrupt Stack Table" (6.14.5) */
struct PACKED cpu_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_map;
};
ASSERT_SIZE(struct cpu_tss, 104);
ASSERT_OFFSET(struct cpu_tss, ist, 36);
ASSERT_OFFSET(struct cpu_tss, io_map, 102);

#define CPU_GDT_ENTRIES 5 /* null, code, data, TSS of two */

/* Stacks that an event gets whatever the state of the CPU: IST numbers, from 1. */
enum cpu_ist { CPU_IST_NMI = 1, CPU_IST_MC, CPU_IST_DF, CPU_IST_COUNT = CPU_IST_DF };

/* Each of them is a page above one that is not mapped. */
#define CPU_EXCEPTION_PAGES (2 * CPU_IST_COUNT)

struct cpu {
	struct cpu *self; /* at GS:0 */
	unsigned index; /* 0: the boot CPU */
	u32 apic_id;
	u64 tsc_offset; /* added to this CPU's TSC gives the boot CPU's */
	u8 *stack; /* its lowest byte; STACK_SIZE long */
	u8 *exception_stacks; /* CPU_EXCEPTION_PAGES */

	struct vcpu *loaded; /* whose state is in this CPU; NULL: nobody's */
	bool stepping; /* it is in vcpu_step */

	u64 idle_ns; /* time spent halted, in all */
	u64 busy_ns; /* time with a vCPU, without the one that is loaded */
	u64 loaded_ns; /* host_now when it was */

	/* timer.c */
	struct host_lock timer_lock;
	struct host_timer *timers; /* the earliest first */
	struct host_timer *firing;
	u64 deadline_ns; /* of the vCPU that runs */
	u64 timer_armed_ns; /* what the LAPIC is programmed for; ~0: nothing */

	u64 nmis, interrupts; /* taken, for the shell */
	u64 kicks; /* among the interrupts */

	u64 gdt[CPU_GDT_ENTRIES] ALIGNED(16);
	struct cpu_tss tss ALIGNED(16);
};
ASSERT_OFFSET(struct cpu, self, 0);

extern struct cpu *cpu_table[HOST_MAX_CPUS]; /* 0..cpu_count - 1 */
extern unsigned cpu_count; /* those that are online */

static inline struct cpu *cpu_this(void)
{
	struct cpu *cpu;

	__asm__("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

#endif
