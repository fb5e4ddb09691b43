/* cpu.h - what each processor has for itself; see cpu.c */
#ifndef GUEST_OS_CPU_H
#define GUEST_OS_CPU_H

#include "layout.h"
#include "process.h"

struct cpu {
	u64 syscall_rsp; /* these two are for syscall_entry.S, by GS */
	u64 user_rsp;
	unsigned index;
	u32 apic_id;
	bool online; /* it takes part in everything */
	struct process *current;
	struct process idle;	    /* runs when nobody else wants to; in no table */
	bool wanted;		    /* a switch, at the next return to user mode */
	u64 slice_end;		    /* CLOCK_NEVER: nobody else wants to run */
	bool alarm;		    /* its timer is armed */
	u64 accounted_us;	    /* up to when its current process was charged */
	void (*call)(u64 argument); /* what another one asks of it: ipi.c */
	u64 call_argument;
	bool answering;		    /* it is at it */
};
ASSERT_OFFSET(struct cpu, syscall_rsp, CPU_SYSCALL_RSP);
ASSERT_OFFSET(struct cpu, user_rsp, CPU_USER_RSP);

/* Number 0 is the boot processor; cpu_count says how many there are, online or not yet. */
extern struct cpu cpu_table[CPU_MAX];
extern unsigned cpu_count;

/* The one that executes this: found by its task register, so only after segment_init. */
struct cpu *cpu_this(void);

/* How many are online. */
unsigned cpu_online(void);

#endif
