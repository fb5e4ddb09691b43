/*
 * cpu.c - what each processor has for itself
 *
 * Owns: the table of processors.  Each has its own task-state segment, so the selector in its task
 * register tells which it is; that costs one instruction and no register.
 * Must not know: how they were found and started (smp.c).
 */
#include "cpu.h"

struct cpu cpu_table[CPU_MAX];
unsigned cpu_count = 1;

struct cpu *cpu_this(void)
{
	u16 tr;

	__asm__ volatile("str %0" : "=r"(tr));
	return &cpu_table[(tr - SELECTOR_TSS) / SELECTOR_TSS_SIZE];
}

unsigned cpu_online(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cpu_count; i++)
		n += READ_ONCE(cpu_table[i].online);
	return n;
}
