/*
 * traps.h - exceptions and interrupts of the hypervisor's own
 *
 * Owns: GDT, TSS and IDT; what an exception means (a bug, and a dump); which function takes an
 * interrupt.  Must not know: where interrupts come from (apic.c, ioapic.c).
 *
 * Interrupts are off but for two places: in the guest (where they cause an exit), and where
 * the loop lets them in.  NMIs only make a CPU look: their handler returns at once.
 *
 * Sources: [SDM] "Interrupt and Exception Handling" (6), "Task Management" (7).
 */
#ifndef ESPEJO_TYPE1_TRAPS_H
#define ESPEJO_TYPE1_TRAPS_H

#include "type1/cpu.h"

/* Vectors of the host's interrupts.  The highest class is the LAPIC's own. */
enum traps_vector {
	TRAPS_VECTOR_PIC = 0x20, /* 16 of the masked 8259 pair: only spurious ones come */
	TRAPS_VECTOR_SERIAL = 0x40,
	TRAPS_VECTOR_ATA0,
	TRAPS_VECTOR_ATA1,
	TRAPS_VECTOR_NET,
	TRAPS_VECTOR_ROUSE, /* below the kick, which is taken first if both wait */
	TRAPS_VECTOR_TIMER = 0xf0,
	TRAPS_VECTOR_KICK = 0xf1,
	TRAPS_VECTOR_ERROR = 0xfe,
	TRAPS_VECTOR_SPURIOUS = 0xff,
};

/* What traps_entry.S pushes, and the CPU before it; r15 lowest. */
struct traps_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};
ASSERT_SIZE(struct traps_frame, 22 * 8);

/*
 * Descriptors, task register, GS and control registers of this CPU.  The first one, for the
 * boot CPU, builds the IDT.  cpu->self and cpu->exception_stacks are set.
 */
void traps_init_cpu(struct cpu *cpu);

/*
 * handler takes it, interrupts off; it must not take locks that the loop may hold.  Interrupts, and
 * the NMI, whose handler must not take any lock.
 */
void traps_set_handler(unsigned vector, void (*handler)(void));

/*
 * GS is this CPU's own again: for what may come while a guest's base is in it, as between two
 * VMRUNs (amd/svm_run.S); the base that it had.  GDTR never is a guest's here, and each CPU has its
 * own GDT.
 */
u64 traps_restore_gs(void);

/* Called from traps_entry.S. */
void traps_dispatch(struct traps_frame *frame);

#endif
