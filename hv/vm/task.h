/*
 * task.h - hardware task switches
 *
 * Owns: what a CPU does when a CALL, JMP, IRET or an event changes the task.
 * Must not know: back ends.
 *
 * VT-x makes a guest exit instead of switching tasks; on AMD-V that is a choice, which we make for
 * the sake of one behaviour on both.  Little is checked before the exit and all of it here, since
 * the CPUs differ in how far they come.
 *
 * Sources: [SDM] vol. 3 "Task Management" (8), above all "Task Switching" (8.3) with table 8-1,
 * "Task Linking" (8.4); "Treatment of Task Switches" (26.4.2); [APM] vol. 2 "Task-Management
 * Resources" (12.2), "Task Switch Intercept" (15.14.1).
 */
#ifndef ESPEJO_VM_TASK_H
#define ESPEJO_VM_TASK_H

#include "compiler.h"

struct vcpu;

/* v->exit.task.source: the values that VT-x has, too. */
enum task_source { TASK_CALL, TASK_IRET, TASK_JMP, TASK_IDT };

/*
 * Carry out the switch of v->exit.task.  With TASK_IDT, v->state.interrupted is the event that went
 * through a task gate; it counts as delivered from the moment when the new task has begun.
 * exit.insn_len is the length of the instruction, 0: find out.
 *
 * The outcome is RETRY, v being at the new task's first instruction, or FAULT.  A fault is the old
 * task's, which is then unchanged, up to the point when both TSSs have been found good; from there
 * on it is the new one's, whose selectors are then loaded but segments beyond the bad one are not.
 */
void task_switch(struct vcpu *v);

#endif
